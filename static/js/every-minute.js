// Clocks and countdowns go on at each full minute of the server's clock.
import { showClocks } from "./clock.js";
import { countDown } from "./countdown.js";
import { MINUTE, now } from "./time.js";

export function tick() {
  showClocks();
  countDown();
}

function everyMinute() {
  tick();
  setTimeout(everyMinute, MINUTE + 50 - (now() % MINUTE));
}

everyMinute();
