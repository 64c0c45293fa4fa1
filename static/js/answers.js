// What came back for a form that htmx sent, when it is not what was asked for.
import { on } from "./page.js";
import { release, sentBy } from "./sending.js";

// A button with an address of its own goes there, as it does without scripts, and what comes back takes its row's place.
on("htmx:config:request", ({ detail: { ctx } }) => {
  const { form, submitter } = ctx.request;
  if (!submitter?.hasAttribute("formaction")) return;
  ctx.request.action = submitter.getAttribute("formaction");
  ctx.target = sentBy(form, submitter);
});

const UNREACHED = '<p class="error" role="alert">That did not reach us. Try again in a moment.</p>';

// Sent elsewhere (signed out): ask for the page.
on("htmx:before:response", (event) => {
  if (!event.detail.ctx.response.raw.redirected) return;
  event.preventDefault();
  location.reload();
});

// No answer, or none that can be shown: say so at the form.
on("htmx:finally:request", ({ detail: { ctx } }) => {
  if (!ctx.request?.form) return;
  const sent = sentBy(ctx.request.form, ctx.request.submitter);
  if (!sent.isConnected) return;
  release(sent);
  if (ctx.response?.status < 500 || sent.querySelector(".error")) return;
  sent.insertAdjacentHTML("beforeend", UNREACHED);
});
