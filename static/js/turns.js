// Doors, start, end: a page without a stream asks for itself again, within three seconds so that not all ask at once, and
// once more after a while if nobody answered.
import { all } from "./page.js";
import { now, SECOND } from "./time.js";

const AGAIN = 15 * SECOND;
const late = Math.random() * 3 * SECOND;

function askIfTurned() {
  for (const page of all("[data-turns-at]")) {
    if (now() <= Date.parse(page.dataset.turnsAt) + late) continue;
    page.dataset.turnsAt = new Date(now() + AGAIN).toISOString();
    htmx.trigger(page, "turned");
  }
}

setInterval(askIfTurned, SECOND);
