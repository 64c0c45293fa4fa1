// Who reads the page is marked among who is here: the stream's drawing is the same for everybody.
import { all } from "./page.js";

export function markViewer() {
  const me = all("[data-me]")[0]?.dataset.me;
  for (const person of all("[data-person]")) {
    if (person.dataset.person !== me || person.querySelector(".you")) continue;
    const word = Object.assign(document.createElement("small"), { className: "you", textContent: "you" });
    person.querySelector("bdi").after(" ", word);
  }
}
