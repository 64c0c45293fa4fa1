// Whenever htmx puts something into the page: an answer to a form, or what the live updates bring.
import { tick } from "./every-minute.js";
import { showOwnHours } from "./own-hour.js";
import { all, on } from "./page.js";
import { markViewer } from "./viewer.js";

on("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
  // A page need not have a place for every part.
  tasks.splice(0, Infinity, ...tasks.filter((task) => task.target));
  // What was wrong is said anew, or is right now.
  if (ctx.target?.querySelectorAll) for (const error of all(".error[role=alert]", ctx.target)) error.remove();
});

on("htmx:after:swap", () => {
  tick();
  showOwnHours();
  markViewer();
});

// After the answer to a form, focus goes to the sentence that says what is so. Live updates leave it where it is.
on("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.request?.form) document.getElementById(ctx.target?.id)?.querySelector("[data-said]")?.focus();
});
