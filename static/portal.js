// What pages do better with scripts; without it everything works as plain links and forms.
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const on = (name, act) => document.addEventListener(name, act, true);
const skew = Date.parse(document.body.dataset.now) - Date.now() || 0;   // the server's clock counts
const now = () => Date.now() + skew;

// Once a minute: the reader's clock, the countdowns. Words ("tomorrow") stay.
const span = minutes => minutes < 1 ? "any moment now" :
  [minutes > 59 && Math.floor(minutes / 60) + " h", minutes % 60 && minutes % 60 + " min"].filter(Boolean).join(" ");
const tick = () => {
  for (const e of all("[data-clock]")) try {
    e.textContent = new Date(now()).toLocaleTimeString("en-GB", { timeZone: e.dataset.clock, hour: "2-digit", minute: "2-digit" });
  } catch {}   // a zone unknown here
  for (const e of all("[data-starts-at] [data-left]")) {
    if (!/ (h|min)$/.test(e.textContent)) continue;
    const ms = Date.parse(e.closest("[data-starts-at]").dataset.startsAt) - now(), left = ms < 6e4 ? 0 : Math.ceil(ms / 6e4);
    e.textContent = span(left);
    if (left < 1) e.previousSibling.data = "Starts ";
  }
  for (const e of all("[data-starts-at] [data-gone]"))
    e.textContent = Math.max(0, Math.min(e.dataset.gone, Math.floor((now() - Date.parse(e.closest("[data-starts-at]").dataset.startsAt)) / 6e4)));
};

// A visitor's own hour beside the club's, where the two differ.
const place = zone => zone.split("/").pop().replaceAll("_", " ");
const own = () => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const e of all("[data-own]")) {
    const at = new Date(e.dataset.own), words = (options, locale = "en-GB") => at.toLocaleString(locale, { timeZone: zone, ...options });
    const hour = words({ hour: "2-digit", minute: "2-digit" }), day = words({}, "sv").slice(0, 10);
    if (`${day}T${hour}` === e.dataset.own.slice(0, 16)) continue;
    for (const time of all("time", e)) time.textContent = hour;
    for (const name of all("[data-own-place]", e)) name.textContent = place(zone);
    for (const other of all("[data-own-day]", e)) other.textContent = day === e.dataset.own.slice(0, 10) ? "" : ` ${words({ weekday: "short" })}`;
    e.classList.add("known");
  }
};
own();

const minute = () => { tick(); setTimeout(minute, 60050 - now() % 6e4); };
minute();

// Tables that are laid out as lists on phones stay tables for who hears them (some browsers forget it).
const parts = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
for (const e of all("table.entries, table.entries *"))
  if (parts[e.tagName] || e.tagName === "TH") e.setAttribute("role", parts[e.tagName] ?? (e.scope === "row" ? "rowheader" : "columnheader"));

// Doors, start, end: a page without a stream asks for itself again, within three seconds so that not all ask at once.
// Without an answer it tries again.
const late = Math.random() * 3e3;
setInterval(() => {
  for (const e of all("[data-turns-at]")) if (now() > Date.parse(e.dataset.turnsAt) + late) {
    e.dataset.turnsAt = new Date(now() + 15e3).toISOString();
    htmx.trigger(e, "turned");
  }
}, 1e3);

// Sign-up: the zone the browser names, perhaps by an older name.
for (const select of all("select[data-guess]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const option = [...select.options].find(o => o.value === zone || o.dataset.also?.split(" ").includes(zone));
  if (!option) continue;
  option.selected = true;
  document.getElementById(select.id + "-hint").prepend(`Your browser says ${place(option.value)}. `);
}

// A long list by groups is searched as one types; the first that fits is chosen.
const bare = words => words.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
for (const select of all("select[data-search]")) {
  const box = document.createElement("input"), told = document.createElement("p");
  Object.assign(box, { type: "search", autocomplete: "off", spellcheck: false, placeholder: `Find ${select.dataset.search}` });
  box.setAttribute("aria-label", box.placeholder);
  Object.assign(told, { className: "hint", role: "status" });
  select.before(box);
  select.after(told);
  const parts = [...select.children].map(part => [part, part.matches("optgroup") ? [...part.children] : [part]]);
  box.addEventListener("input", () => {
    const sought = bare(box.value.trim()), was = select.selectedOptions[0];
    const shown = parts.map(([part, options]) => [part, options.filter(o => bare(`${o.label} ${o.value} ${o.dataset.also ?? ""}`).includes(sought))]);
    const fits = shown.flatMap(([, options]) => options);
    for (const [part, options] of shown) if (part.matches("optgroup")) part.replaceChildren(...options);
    select.replaceChildren(...shown.filter(([, options]) => options.length).map(([part]) => part));
    if (!fits.length) select.replaceChildren(was);
    (fits.includes(was) ? was : fits[0] ?? was).selected = true;
    select.size = sought && fits.length > 1 ? 6 : 0;
    told.textContent = sought ? `${fits.length || "No"} ${fits.length === 1 ? "place fits" : "places fit"}.` : "";
  });
  box.addEventListener("keydown", event => { if (event.key === "Enter") event.preventDefault(), select.focus(); });
}

// The rule of a series: only the questions that belong to it.
for (const form of all("form[data-rule]")) {
  const show = () => { for (const part of all("[data-for]", form)) part.hidden = part.dataset.for !== form.elements.repeats.value; };
  form.addEventListener("change", show);
  show();
}

// A sent form says so, and is sent once.
const labels = new WeakMap();
const rest = form => {
  delete form.dataset.sent;
  for (const button of all("[aria-busy]", form)) {
    button.removeAttribute("aria-busy");
    if (labels.has(button)) button.replaceChildren(...labels.get(button));
  }
};
on("submit", event => {
  const form = event.target, button = event.submitter;
  if (form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault(), event.stopImmediatePropagation();
  form.dataset.sent = 1;
  if (form.elements.touches) form.elements.touches.value = navigator.maxTouchPoints;   // an iPad calls itself a Mac
  button?.setAttribute("aria-busy", true);
  if (form.target) setTimeout(rest, 3e3, form);   // it opens a tab of its own, and this page stays
  if (!button?.dataset.busy) return;
  labels.set(button, [...button.childNodes]);
  button.replaceChildren(button.dataset.busy);
});
addEventListener("pageshow", () => all("form[data-sent]").forEach(rest));

// After a whole page was sent, focus goes to what is to be put right, else to the message: it is read then.
(all(".bad[data-focus]")[0] ?? all("[data-focus]")[0])?.focus();

// Who reads the page is marked among who is here: the stream's drawing is the same for everybody.
const you = () => {
  const me = all("[data-me]")[0]?.dataset.me;
  for (const person of all("[data-person]")) if (person.dataset.person === me && !person.querySelector(".you")) {
    const word = Object.assign(document.createElement("small"), { className: "you", textContent: "you" });
    person.querySelector("bdi").after(" ", word);
  }
};

// After an answer, focus goes to the sentence that says what is so. Live updates leave it; their news is washed.
let seen = [], phase, said, before = {}, streaming = false;
const live = ctx => /^live/.test(ctx.sourceElement?.id), mine = ctx => ctx.sourceElement?.id === "mine";
const answer = () => all("[data-said]")[0]?.textContent.trim();
const news = words => { if (words && document.getElementById("news")) document.getElementById("news").textContent = words; };
const shown = () => { const { phase, when } = all("[data-phase]")[0]?.dataset ?? {}; return phase + when; };
const stand = () => ({ ...all("[data-changed]")[0]?.dataset });
on("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
  tasks.splice(0, Infinity, ...tasks.filter(task => task.target));   // a page need not have a place for every part
  if (live(ctx)) [seen, phase, before] = [all("[data-fresh]").map(e => e.textContent), shown(), stand()];
  said = answer();
  if (ctx.target?.querySelectorAll) all(".error[role=alert]", ctx.target).forEach(e => e.remove());
});
on("htmx:after:swap", ({ detail: { ctx } }) => {
  tick();
  own();
  you();
  if (mine(ctx) && said !== answer()) news(answer());
  if (!live(ctx)) return ctx.request?.form && document.getElementById(ctx.target?.id)?.querySelector("[data-said]")?.focus();
  for (const e of all("[data-fresh]")) if (seen.length && !seen.includes(e.textContent)) {
    e.classList.add("fresh");
    setTimeout(() => e.classList.remove("fresh"), 2e3);
  }
  // What is the reader's own is asked for again when it may have changed: the door, whether a yes still means
  // a place, and for who waits every change.
  const { changed, full } = stand();
  if (phase !== shown()) news(all("[data-phase] .said")[0]?.textContent);
  if (phase !== shown() || (full !== before.full && !all(".mine").length) || (changed !== before.changed && all(".watches").length))
    htmx.trigger("#mine", "changed");
});

// Sent elsewhere (signed out): ask for the page. No answer: say so at the form.
on("htmx:before:response", event => {
  if (event.detail.ctx.response.raw.redirected) { event.preventDefault(); location.reload(); }
});
on("htmx:finally:request", ({ detail: { ctx } }) => {
  const form = ctx.request?.form;
  if (!form?.isConnected) return;
  rest(form);
  if (ctx.response?.status < 500 || form.querySelector(".error")) return;
  form.insertAdjacentHTML("beforeend", '<p class="error" role="alert">That did not reach us. Try again in a moment.</p>');
});

// While the stream runs, nothing is polled.
on("htmx:sse:after:connection", ({ detail }) => streaming = detail.connection.status === 200);
for (const end of ["error", "close"]) on("htmx:sse:" + end, () => streaming = false);
on("htmx:config:request", event => {
  if (streaming && event.detail.ctx.sourceElement.id === "live-poll") event.preventDefault();
});

// A receipt prints from its own button, too.
for (const button of all("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
