// What came back for a form that htmx sent, when it is not what was asked for.
import { on } from "./page.js";
import { release } from "./sending.js";

const UNREACHED = '<p class="error" role="alert">That did not reach us. Try again in a moment.</p>';

// Sent elsewhere (signed out): ask for the page.
on("htmx:before:response", (event) => {
  if (!event.detail.ctx.response.raw.redirected) return;
  event.preventDefault();
  location.reload();
});

// No answer, or none that can be shown: say so at the form.
on("htmx:finally:request", ({ detail: { ctx } }) => {
  const form = ctx.request?.form;
  if (!form?.isConnected) return;
  release(form);
  if (ctx.response?.status < 500 || form.querySelector(".error")) return;
  form.insertAdjacentHTML("beforeend", UNREACHED);
});
