// Tables that are laid out as lists on phones stay tables for who hears them: some browsers forget it.
import { all } from "./page.js";

const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };

for (const part of all("table:is(.entries, .calendar), table:is(.entries, .calendar) *")) {
  const role = part.tagName === "TH" ? (part.scope === "row" ? "rowheader" : "columnheader") : ROLES[part.tagName];
  if (role) part.setAttribute("role", role);
}
