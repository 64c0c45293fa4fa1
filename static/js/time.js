// The time it is for the server, which counts, and the zone this browser is in.

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;

const ahead = Date.parse(document.body.dataset.now) - Date.now() || 0;

/** The server's clock, in milliseconds. */
export function now() {
  return Date.now() + ahead;
}

/** The zone the browser names, perhaps by an older name; empty where it knows none, which Chromium calls by a name that it takes
 * for none itself.
 */
export function ownZone() {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return timeZone ?? "";
  } catch {
    return "";
  }
}

/** "Europe/Sao_Tome" is said "Sao Tome". */
export function placeOf(zone) {
  return zone.split("/").pop().replaceAll("_", " ");
}
