// A visitor's own hour beside the club's, where the two differ.
import { all } from "./page.js";
import { ownZone, placeOf } from "./time.js";

export function showOwnHours() {
  const zone = ownZone();
  if (!zone) return;
  for (const clock of all("[data-own]")) {
    const clubs = clock.dataset.own; // as the club's clock shows it: "2026-11-30T19:00:00+03:00"
    const say = (options, locale = "en-GB") => new Date(clubs).toLocaleString(locale, { timeZone: zone, ...options });
    const hour = say({ hour: "2-digit", minute: "2-digit" });
    const day = say({}, "sv").slice(0, 10); // Swedish dates are ISO dates
    if (`${day}T${hour}` === clubs.slice(0, 16)) continue;
    for (const time of all("time", clock)) time.textContent = hour;
    for (const place of all("[data-own-place]", clock)) place.textContent = placeOf(zone);
    for (const other of all("[data-own-day]", clock)) {
      other.textContent = day === clubs.slice(0, 10) ? "" : `, ${say({ weekday: "short" })}`;
    }
    clock.classList.add("known");
  }
}

showOwnHours();
