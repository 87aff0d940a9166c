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

// Begins: `stream` names the feed, `taken` has what takes a part itself, `after` what is called
// once a part has been swapped in, `drawn` draws anew what the theme colours.
export function begin({ stream, taken = {}, after = {}, drawn = () => {} }) {
  handlers = { taken, after };
  redraw = drawn;
  document.getElementById("theme").addEventListener("click", nextTheme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
  showTheme();
  connect(stream);
  setInterval(tick, TICK_MS);
}

// What comes

function receive({ part, text, link: state }) {
  if (state === "lost") { tick(); return; }
  if (part === undefined) return;
  heardAt = performance.now();
  if (part === "clock") {
    const said = JSON.parse(text);
    clock = said.tai_s === null ? null : { tai_s: said.tai_s, at: heardAt };
    if (edition !== null && edition !== said.edition) location.reload();
    edition = said.edition;
  } else if (handlers.taken[part] !== undefined) {
    handlers.taken[part](text);
  } else {
    swap(document.getElementById(part), text);
    handlers.after[part]?.();
  }
  tick();
}

function swap(target, text) {
  // Morphing leaves what has not changed: focus, selection, scroll and opened details stay.
  const held = target.contains(document.activeElement);
  htmx.swap({ text, target, swap: "innerMorph" });
  // What had the focus may be gone: the keyboard goes on from what runs.
  if (held && document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
  fill(target);
}

function connect(stream) {
  if (typeof SharedWorker !== "undefined") {
    const worker = new SharedWorker("/assets/feed.js", { name: stream });
    worker.onerror = () => alone(stream);
    worker.port.onmessage = (event) => receive(event.data);
    addEventListener("pagehide", () => worker.port.postMessage("leave"));
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  } else {
    alone(stream);
  }
}

async function alone(stream) {
  await import("./feed.js");
  self.podiumFeed({ postMessage: receive }, stream);
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
    say(one, `about ${told(Number(one.dataset.left))} left`);
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

export async function reason(answer) {
  const text = await answer.text();
  try {
    const { detail } = JSON.parse(text);
    return typeof detail === "string" ? detail : JSON.stringify(detail);
  } catch { return text; }
}
