// A receipt prints from its own button, too.
import { all } from "./page.js";

for (const button of all("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
