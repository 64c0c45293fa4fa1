// While the page of a meeting is in view, it tells every five minutes that its viewer is still there. A page that sleeps
// behind the room says nothing, and means nothing by it.
import { MINUTE } from "./time.js";

setInterval(() => {
  const form = document.getElementById("heartbeat");
  if (form && document.visibilityState === "visible") htmx.trigger(form, "beat");
}, 5 * MINUTE);
