// A long list by groups is searched as one types; the first that fits is chosen.
import { all } from "./page.js";

const SHOWN = 6; // options at once, while several fit

/** Without accents and capitals. */
function bare(words) {
  return words.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function searchable(select) {
  const box = document.createElement("input");
  Object.assign(box, {
    type: "search",
    autocomplete: "off",
    spellcheck: false,
    placeholder: `Find ${select.dataset.search}`,
  });
  box.setAttribute("aria-label", box.placeholder);
  const told = document.createElement("p");
  Object.assign(told, { className: "hint", role: "status" });
  select.before(box);
  select.after(told);

  // A part is a group with its options, or an option that stands alone.
  const parts = [...select.children].map((part) => ({
    part,
    options: part.matches("optgroup") ? [...part.children] : [part],
  }));

  function search() {
    const sought = bare(box.value.trim());
    const chosen = select.selectedOptions[0];
    const fits = (option) => bare(`${option.label} ${option.value} ${option.dataset.also ?? ""}`).includes(sought);
    const fitting = parts.map(({ part, options }) => ({ part, options: options.filter(fits) }));
    const found = fitting.flatMap(({ options }) => options);
    for (const { part, options } of fitting) if (part.matches("optgroup")) part.replaceChildren(...options);
    select.replaceChildren(...fitting.filter(({ options }) => options.length).map(({ part }) => part));
    if (!found.length) select.replaceChildren(chosen);
    (found.includes(chosen) ? chosen : (found[0] ?? chosen)).selected = true;
    select.size = sought && found.length > 1 ? SHOWN : 0;
    told.textContent = sought ? `${found.length || "No"} ${found.length === 1 ? "place fits" : "places fit"}.` : "";
  }

  box.addEventListener("input", search);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would send the form
    select.focus();
  });
}

all("select[data-search]").forEach(searchable);
