// What all pages have: the stream of parts, ages that go on, silence that is told, the theme.

const SILENT_MS = 3000; // the server speaks at least once a second: longer, and what stands here is old
const TICK_MS = 500;
const CLOCKS_DIFFER_S = 10; // the facility's time is heard every few seconds
const link = document.getElementById("link");
let heardAt = 0;
let clock = null; // facility time, s, and when it was heard, ms
let edition = null;
let handlers = {};
let redraw = () => {};

// Begins: `taken` has what takes a topic itself, `after` what is called once a topic has been
// swapped in, `drawn` draws anew what the theme colours.
export function begin({ taken = {}, after = {}, drawn = () => {} } = {}) {
  handlers = { taken: { clock: takeClock, "cold-clock": takeClock, rows: takeRows, alive: () => {}, ...taken }, after };
  redraw = drawn;
  document.getElementById("theme").addEventListener("click", nextTheme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
  showTheme();
  remember();
  connect();
  setInterval(tick, TICK_MS);
}

// What comes

function receive({ topic, text, link: state }) {
  if (state === "lost") { tick(); return; }
  if (topic === undefined) return;
  heardAt = performance.now();
  if (handlers.taken[topic] !== undefined) handlers.taken[topic](text);
  else {
    const target = document.getElementById(topic);
    if (target === null) return; // it is another page's
    keep(target, () => htmx.swap({ text, target, swap: "innerMorph" }));
    fill(target);
    handlers.after[topic]?.();
  }
  tick();
}

function takeClock(text) {
  const said = JSON.parse(text);
  clock = said.tai_s === null ? null : { tai_s: said.tai_s, at: heardAt };
  if (edition !== null && edition !== said.edition) location.reload();
  edition = said.edition;
}

function takeRows(text) {
  // Of a topic the rows that have changed: each is an element with an id. One that is new stands
  // behind the one that is named, or first in its list.
  const { topic, gone, rows } = JSON.parse(text);
  const target = document.getElementById(topic);
  if (target === null) return;
  const list = target.querySelector("[data-rows]");
  keep(target, () => {
    for (const id of gone) document.getElementById(id)?.remove();
    for (const [id, before, html] of rows) {
      const there = document.getElementById(id);
      if (there !== null) htmx.swap({ text: html, target: there, swap: "outerMorph" });
      else {
        const piece = document.createElement("template");
        piece.innerHTML = html;
        const after = before === "" ? null : document.getElementById(before);
        if (after === null) list.prepend(piece.content);
        else after.after(piece.content);
      }
    }
  });
  fill(target);
  handlers.after[topic]?.();
}

function keep(target, change) {
  // Morphing leaves what has not changed: focus, selection, scroll and opened details stay.
  const held = target.contains(document.activeElement);
  change();
  // What had the focus may be gone: the keyboard goes on from what runs.
  if (held && document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
}

async function connect() {
  const asked = { topics: document.body.dataset.topics.split(" "), since: document.body.dataset.at };
  if (typeof SharedWorker === "undefined") { alone(asked); return; }
  const worker = new SharedWorker("/assets/feed.js", { name: "podium" });
  worker.onerror = () => alone(asked);
  worker.port.onmessage = (event) => receive(event.data);
  worker.port.postMessage(asked);
  addEventListener("pagehide", () => worker.port.postMessage("leave"));
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

async function alone(asked) {
  await import("./feed.js");
  self.podiumFeed({ postMessage: receive }, asked);
}

// Who sits here

const NAME = "podium-name"; // kept by this browser

export function name() { return document.getElementById("who")?.value.trim() ?? ""; }

function remember() {
  const who = document.getElementById("who");
  if (who === null) return;
  try { who.value = localStorage.getItem(NAME) ?? ""; } catch { /* it is asked for anew */ }
  who.addEventListener("change", () => {
    try { localStorage.setItem(NAME, who.value.trim()); } catch { /* it holds until the page is left */ }
  });
}

// Times

export function told(seconds) {
  if (seconds < -CLOCKS_DIFFER_S) return "later than now: clocks differ";
  if (seconds < 99.5) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86400).toFixed(1)} d`;
}

export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function facilityTime() {
  return clock === null ? null : clock.tai_s + (performance.now() - clock.at) / 1000;
}

export function fill(root) {
  const now = Date.now() / 1000, tai = facilityTime();
  for (const one of root.querySelectorAll("time.ago")) {
    say(one, `${told(now - one.dataset.at)} ago`);
  }
  for (const one of root.querySelectorAll("time.since")) {
    say(one, told(now - one.dataset.at));
  }
  for (const one of root.querySelectorAll("time.left")) {
    const sigma = Number(one.dataset.sigma ?? 0);
    say(one, `about ${told(Number(one.dataset.left))}${sigma > 0 ? ` ± ${told(sigma)}` : ""} left`);
  }
  for (const one of root.querySelectorAll("time.due")) {
    const left = one.dataset.at - now;
    say(one, left > 0 ? `in about ${told(left)}` : "any moment");
  }
  for (const one of root.querySelectorAll("time.when, time.clock-day")) {
    if (!one.textContent) {
      const at = new Date(one.dataset.at * 1000);
      say(one, one.className === "when" ? at.toLocaleString("en-GB", { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" }) : at.toLocaleString("en-GB"));
      one.title = at.toISOString();
    }
  }
  for (const one of root.querySelectorAll("time.clock")) {
    if (!one.textContent) {
      const at = new Date(one.dataset.at * 1000);
      say(one, at.toLocaleTimeString("en-GB"));
      one.title = at.toLocaleString("en-GB");
    }
  }
  for (const one of root.querySelectorAll("time.age-tai")) {
    say(one, tai === null ? "age not known" : told(tai - one.dataset.tai));
  }
}

function tick() {
  fill(document);
  const tai = facilityTime();
  const shown = document.getElementById("facility-time");
  if (shown !== null) {
    const text = tai === null ? "–" : new Date(tai * 1000).toISOString().slice(0, 19).replace("T", " ");
    say(shown, tai === null ? text : `${text} TAI`);
  }
  const silent = performance.now() - heardAt;
  const lost = heardAt === 0 ? performance.now() > SILENT_MS : silent > SILENT_MS;
  document.body.classList.toggle("lost", lost);
  if (lost) say(link, heardAt === 0 ? "Podium does not answer" : `no news for ${told(silent / 1000)}: what stands here is old`);
  else if (heardAt > 0) say(link, "live");
}

// The theme

const THEMES = ["system", "light", "dark"];

function nextTheme() {
  const now = document.documentElement.dataset.theme ?? "system";
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try { localStorage.setItem("podium-theme", next); } catch { /* it holds until the page is left */ }
  showTheme();
}

function showTheme() {
  say(document.getElementById("theme"), `theme: ${document.documentElement.dataset.theme ?? "system"}`);
  redraw();
}

// What is asked

// Asks Podium for more than a look; raises Error with its reason.
export async function post(address, body) {
  const headers = { "X-Podium-Page": "page", "Content-Type": "application/json" };
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body ?? {}) });
  if (!answer.ok) throw new Error(await reason(answer));
  return answer.json();
}

// Fetches a piece of a page into `target`; raises Error with Podium's reason.
export async function bring(address, target) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(await reason(answer));
  htmx.swap({ text: await answer.text(), target, swap: "innerHTML" });
  fill(target);
}

export async function reason(answer) {
  const text = await answer.text();
  try {
    const { detail } = JSON.parse(text);
    return typeof detail === "string" ? detail : JSON.stringify(detail);
  } catch { return text; }
}
