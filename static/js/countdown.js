// "Starts in 1 h 46 min", and how many minutes of a running hour are gone.
import { all } from "./page.js";
import { MINUTE, now } from "./time.js";

const FIGURES = / (h|min)$/;

function inWords(minutes) {
  if (minutes < 1) return "any moment now";
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return [hours && `${hours} h`, rest && `${rest} min`].filter(Boolean).join(" ");
}

function start(element) {
  return Date.parse(element.closest("[data-starts-at]").dataset.startsAt);
}

export function countDown() {
  for (const left of all("[data-starts-at] [data-left]")) {
    if (!FIGURES.test(left.textContent)) continue; // "tomorrow" stays
    const milliseconds = start(left) - now();
    const minutes = milliseconds < MINUTE ? 0 : Math.ceil(milliseconds / MINUTE);
    left.textContent = inWords(minutes);
    if (minutes < 1) left.previousSibling.data = "Starts "; // no longer "Starts in"
  }
  for (const gone of all("[data-starts-at] [data-gone]")) {
    const minutes = Math.floor((now() - start(gone)) / MINUTE);
    gone.textContent = Math.max(0, Math.min(Number(gone.dataset.gone), minutes));
  }
}
