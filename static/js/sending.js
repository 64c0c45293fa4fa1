// A sent form says so, and is sent once.
import { all, on } from "./page.js";
import { SECOND } from "./time.js";

const labels = new WeakMap(); // of the buttons that say "Opening…" meanwhile

/** What a press sends: the form, or in a form of many rows the row whose button has an address of its own. */
export function sentBy(form, button) {
  return (button?.hasAttribute("formaction") && button.closest(".state")) || form;
}

/** It may be sent again, and its buttons say what they said. */
export function release(sent) {
  delete sent.dataset.sent;
  for (const button of all("[aria-busy]", sent)) {
    button.removeAttribute("aria-busy");
    if (labels.has(button)) button.replaceChildren(...labels.get(button));
  }
}

on("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (form.method !== "post") return;
  const sent = sentBy(form, button);
  if (sent.dataset.sent) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  sent.dataset.sent = 1;
  if (form.elements.touches) form.elements.touches.value = navigator.maxTouchPoints; // an iPad calls itself a Mac
  if (form.target) setTimeout(release, 3 * SECOND, form); // it opens a tab of its own, and this page stays
  if (!button) return;
  button.setAttribute("aria-busy", true);
  if (!button.dataset.busy) return;
  labels.set(button, [...button.childNodes]);
  button.replaceChildren(button.dataset.busy);
});

// Back on the page by the browser's button, as it was left.
addEventListener("pageshow", () => all("[data-sent]").forEach(release));
