// Instruments and what they read; one channel over time.
import { colour, css, frame, scaled, times } from "./chart.js";
import { begin, fill, reason } from "./live.js";

const AGAIN_MS = 10000;
const LEAST_S = 60; // of time is shown at least
const place = document.getElementById("course");
const last = document.getElementById("last");
let shown = null; // { name, unit, at_s, value, least, most }
let chart = null;

async function fetchCourse(name) {
  const width = Math.max(100, place.parentElement.clientWidth);
  const asked = new URLSearchParams({ last_s: last.value, points: String(Math.min(1200, Math.round(width))) });
  const answer = await fetch(`/api/readings/${encodeURIComponent(name)}/history?${asked}`);
  place.hidden = false;
  if (!answer.ok) { place.textContent = await reason(answer); return; }
  shown = await answer.json();
  draw();
}

function draw() {
  if (shown === null) return;
  chart?.destroy();
  const { name, unit, at_s, value, least, most } = shown;
  const caption = document.createElement("figcaption");
  caption.textContent = at_s.length ? `${name}: mean, and least to greatest` : `${name}: nothing was kept of that time`;
  place.replaceChildren(caption);
  place.dataset.of = name;
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", `${name} over time, ${at_s.length} points`);
  if (at_s.length === 0) return;
  const [scale, told] = scaled(value, unit);
  const columns = [value, least, most].map((all) => all.map((one) => one / scale));
  const base = frame("", told);
  // A single reading has no span of its own; uPlot would give it years.
  const end = at_s.at(-1);
  base.scales = { x: { time: true, range: () => [Math.min(at_s[0], end - LEAST_S), end] } };
  Object.assign(base.axes[0], { values: (_, splits) => times(splits), size: 1.5 * base.axes[0].size, space: 70 });
  base.series = [{}, { stroke: colour(0), width: 1.8, points: { show: at_s.length < 40, size: 4 } },
    { stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } }];
  base.bands = [{ series: [3, 2], fill: css("--band") }];
  chart = new uPlot({ ...base, width: Math.max(160, place.clientWidth), height: 240 }, [at_s, ...columns], place);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-course]");
  if (button !== null) await fetchCourse(button.dataset.course);
});
last.addEventListener("change", () => { if (shown !== null) fetchCourse(shown.name); });
setInterval(() => { if (shown !== null && !document.hidden) fetchCourse(shown.name); }, AGAIN_MS);
addEventListener("resize", draw);

// Events before those that the page was sent with, from the records

const events = document.getElementById("events");
const older = document.getElementById("older");
const askOlder = document.getElementById("ask-older");
const olderSaid = document.getElementById("older-said");

function named(row) {
  const [at_s, number] = [row.querySelector("time").dataset.at, row.dataset.number].map(Number);
  return { at_s, process: row.querySelector(".who").textContent, number };
}

function isBefore(row, other) {
  const [one, two] = [named(row), named(other)];
  for (const by of ["at_s", "process", "number"]) if (one[by] !== two[by]) return one[by] < two[by];
  return false;
}

async function fetchOlder() {
  const last = older.lastElementChild ?? events.querySelector("li:last-child");
  const asked = last === null ? { at_s: Date.now() / 1000 } : named(last);
  askOlder.disabled = true;
  try {
    const answer = await fetch(`/room/events?${new URLSearchParams(asked)}`);
    if (!answer.ok) { olderSaid.textContent = await reason(answer); return; }
    const piece = document.createElement("template");
    piece.innerHTML = await answer.text();
    const count = piece.content.children.length;
    older.append(piece.content);
    fill(older);
    olderSaid.textContent = count === 0 ? "No older event is kept." : "";
  } finally {
    askOlder.disabled = false;
  }
}

// What newer events push out of the list above comes first in the older ones: no gap.
function takeOver(changes) {
  if (older.childElementCount === 0) return;
  for (const row of changes.flatMap((change) => [...change.removedNodes])) {
    if (row.nodeName !== "LI" || document.getElementById(row.id) !== null) continue;
    older.insertBefore(row, [...older.children].find((one) => isBefore(one, row)) ?? null);
  }
}

askOlder.addEventListener("click", fetchOlder);
new MutationObserver(takeOver).observe(events, { childList: true, subtree: true });

begin({ drawn: draw });
fill(document);
const first = document.querySelector("#readings button[data-course]");
if (first !== null) fetchCourse(first.dataset.course);
