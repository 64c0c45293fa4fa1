// Sign-up: the zone the browser names is chosen.
import { all } from "./page.js";
import { ownZone, placeOf } from "./time.js";

for (const select of all("select[data-guess]")) {
  const zone = ownZone();
  const option = [...select.options].find((o) => o.value === zone || o.dataset.also?.split(" ").includes(zone));
  if (!zone || !option) continue;
  option.selected = true;
  document.getElementById(`${select.id}-hint`).prepend(`Your browser says ${placeOf(zone)}. `);
}
