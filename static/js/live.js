// An open page follows its meeting. The server sends the parts whose id begins with "live", the same for everybody (by the
// stream, or polled where streams do not get through). Here their news is washed with colour and said to who listens, and
// the part that is the viewer's own, #mine, is asked for when it may have changed.
import { all, on } from "./page.js";
import { SECOND } from "./time.js";

const WASHED = 2 * SECOND;

/** What the page shows now, to be compared after a swap. */
function shown() {
  const { phase, when } = all("[data-phase]")[0]?.dataset ?? {};
  const { changed, full } = all("[data-changed]")[0]?.dataset ?? {};
  return {
    phase: `${phase} ${when}`, // ahead, doors, live, over; when that is, and whether there is a room
    changed, // a number that grows with every answer anybody gives
    full, // no place is left
    answer: all("[data-said]")[0]?.textContent.trim(),
    fresh: all("[data-fresh]").map((element) => element.textContent),
  };
}

/** Said by screen readers, in the line that is there for it. */
function say(words) {
  const news = document.getElementById("news");
  if (words && news) news.textContent = words;
}

/** Wash what was not there before; on a page that had nothing, nothing is news. */
function wash(before) {
  if (!before.fresh.length) return;
  for (const element of all("[data-fresh]")) {
    if (before.fresh.includes(element.textContent)) continue;
    element.classList.add("fresh");
    setTimeout(() => element.classList.remove("fresh"), WASHED);
  }
}

/** The door turns with the phase; a yes without a place may have one when fullness changes; who waits moves up with any. */
function mineMayDiffer(before, after) {
  if (before.phase !== after.phase) return true;
  if (before.full !== after.full && !all(".mine").length) return true;
  return before.changed !== after.changed && all(".watches").length > 0;
}

const befores = new WeakMap(); // what was shown before each swap

on("htmx:before:swap", ({ detail: { ctx } }) => befores.set(ctx, shown()));

on("htmx:after:swap", ({ detail: { ctx } }) => {
  const asked = ctx.sourceElement?.id ?? "";
  const before = befores.get(ctx);
  const after = shown();
  if (asked === "mine" && before.answer !== after.answer) say(after.answer);
  if (!asked.startsWith("live")) return;
  wash(before);
  if (before.phase !== after.phase) say(all("[data-phase] .said")[0]?.textContent);
  if (mineMayDiffer(before, after)) htmx.trigger("#mine", "changed");
});

// While the stream runs, nothing is polled.
let streaming = false;

on("htmx:sse:after:connection", ({ detail }) => {
  streaming = detail.connection.status === 200;
});
for (const end of ["htmx:sse:error", "htmx:sse:close"]) {
  on(end, () => {
    streaming = false;
  });
}
on("htmx:config:request", (event) => {
  if (streaming && event.detail.ctx.sourceElement.id === "live-poll") event.preventDefault();
});
