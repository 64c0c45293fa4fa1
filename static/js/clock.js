// The viewer's own clock, in the head of the page.
import { all } from "./page.js";
import { now } from "./time.js";

export function showClocks() {
  for (const clock of all("[data-clock]")) {
    try {
      clock.textContent = new Date(now()).toLocaleTimeString("en-GB", {
        timeZone: clock.dataset.clock,
        hour: "2-digit",
        minute: "2-digit",
      });
    } catch {
      // This browser does not know the zone: what the server wrote stays.
    }
  }
}
