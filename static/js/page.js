// What pages do better with scripts; without them everything works as plain links and forms. portal/assets.py joins these
// files into one: an import says where a name comes from, and is left out there.

/** The elements a selector names, within `root`. */
export function all(selector, root = document) {
  return [...root.querySelectorAll(selector)];
}

/** Call `act` for every such event of the page, before the element it happens to hears of it. */
export function on(name, act) {
  document.addEventListener(name, act, true);
}
