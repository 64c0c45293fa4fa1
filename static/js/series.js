// The rule of a series: only the questions that belong to it.
import { all } from "./page.js";

for (const form of all("form[data-rule]")) {
  const show = () => {
    for (const question of all("[data-for]", form)) {
      question.hidden = question.dataset.for !== form.elements.repeats.value;
    }
  };
  form.addEventListener("change", show);
  show();
}
