// Recorded runs: searched, looked through by the arrow keys, starred, compared and subtracted.
import { begin, bring, fill, name, post, reason, say } from "./live.js";
import { Panels } from "./panels.js";
import { Plots, comparable } from "./plots.js";

const AHEAD = 3; // so many runs before and behind the chosen one are fetched
const LEFT = 25; // when fewer rows are left below, the next part of the list is fetched
const KEPT = 40; // so many runs' data are kept
const SETTLED_MS = 120; // what is known of a run is fetched once the keys rest

const list = document.getElementById("found");
const words = document.getElementById("words");
const said = document.getElementById("search-said");
const about = document.getElementById("about");
const fresh = document.getElementById("fresh");
const against = document.getElementById("against");
const plots = new Plots(document.getElementById("plots"), document.getElementById("data-of"));
const known = new Map(); // by run: a promise of its data
let panels = null;
let chosen = null; // a row
let reference = null; // { run, data } that others are compared with
let subtract = false;
let settled = null;
let loading = null;
let newest = null;

// The list

const rows = () => list.children;

async function search(text, push = true) {
  words.value = text;
  const query = text === "" ? "" : `?${new URLSearchParams({ words: text })}`;
  const answer = await fetch(`/data/runs${query}`);
  said.hidden = answer.ok;
  if (!answer.ok) { say(said, await reason(answer)); return; }
  if (push) history.replaceState(null, "", `/data${query}`);
  list.innerHTML = await answer.text();
  list.dataset.more = answer.headers.get("X-More") ?? "";
  chosen = null;
  say(fresh, "");
  fill(list);
  list.scrollTop = 0;
}

function more() {
  if (list.dataset.more === "") return Promise.resolve();
  loading ??= (async () => {
    const asked = new URLSearchParams({ words: words.value, skip: list.dataset.more });
    const answer = await fetch(`/data/runs?${asked}`);
    if (!answer.ok) return;
    const piece = document.createElement("template");
    piece.innerHTML = await answer.text();
    // Runs that were recorded meanwhile have moved the others on.
    for (const row of [...piece.content.children]) if (document.getElementById(row.id) === null) list.append(row);
    list.dataset.more = answer.headers.get("X-More") ?? "";
    fill(list);
  })().finally(() => { loading = null; });
  return loading;
}

list.addEventListener("scroll", () => {
  if (list.scrollTop + 2 * list.clientHeight > list.scrollHeight) more();
});

// The chosen run

function choose(row) {
  if (row === null || row === undefined || row === chosen) return;
  chosen?.setAttribute("aria-selected", "false");
  chosen = row;
  row.setAttribute("aria-selected", "true");
  list.setAttribute("aria-activedescendant", row.id);
  row.scrollIntoView({ block: "nearest" });
  draw();
  clearTimeout(settled);
  settled = setTimeout(describe, SETTLED_MS);
  let near = row;
  for (let n = 0; n < LEFT && near !== null; n++) {
    near = near.nextElementSibling;
    if (near !== null && n < AHEAD) data(near.dataset.run);
  }
  if (near === null) more();
}

function data(run) {
  if (!known.has(run)) {
    const asked = fetch(`/api/runs/${encodeURIComponent(run)}/data`).then(async (answer) => {
      if (!answer.ok) throw new Error(await reason(answer));
      return answer.json();
    });
    asked.catch(() => known.delete(run)); // it is asked for anew, and said where it is shown
    known.set(run, asked);
    for (const one of known.keys()) { if (known.size <= KEPT) break; known.delete(one); }
  }
  return known.get(run);
}

async function draw() {
  const row = chosen;
  if (row === null) return;
  const place = document.getElementById("plots");
  try {
    const found = await data(row.dataset.run);
    if (row !== chosen) return;
    if (found === null) throw new Error("it has no data");
    const other = reference !== null && reference.run !== row.dataset.run ? reference.data : null;
    const fits = other !== null && comparable(found, other);
    plots.choose(found, other, subtract && fits);
    compared(other, subtract && !fits);
  } catch (error) {
    if (row !== chosen) return;
    say(document.getElementById("data-of"), `run ${row.dataset.run}`);
    const text = document.createElement("p");
    text.className = "empty";
    text.textContent = error.message;
    place.replaceChildren(text);
    place.dataset.run = row.dataset.run;
  }
}

async function describe() {
  const row = chosen;
  if (row === null) return;
  try {
    const answer = await fetch(`/data/runs/${encodeURIComponent(row.dataset.run)}`);
    if (!answer.ok) throw new Error(await reason(answer));
    const text = await answer.text();
    if (row !== chosen) return;
    htmx.swap({ text, target: about, swap: "innerHTML" });
    fill(about);
    panels = new Panels(document.getElementById("panels"));
    panels.show(JSON.parse(document.getElementById("panels").dataset.outcome));
  } catch (error) {
    if (row === chosen) say(about, error.message);
  }
}

// Two runs

function compared(other, unlike) {
  against.hidden = reference === null;
  if (reference === null) return;
  say(document.getElementById("against-of"), other === null ? `Compared with this run, ${reference.run}: choose another.`
    : unlike ? `Run ${other.run} has other axes: it stands beside, and cannot be subtracted.`
      : `${subtract ? "Minus" : "Over"} run ${other.run}.`);
  document.getElementById("subtract").setAttribute("aria-pressed", String(subtract));
}

async function compare() {
  if (chosen === null) return;
  const run = chosen.dataset.run;
  if (reference?.run === run) { leave(); return; }
  try {
    reference = { run, data: await data(run) };
    draw();
  } catch (error) { say(document.getElementById("data-of"), error.message); }
}

function leave() {
  reference = null;
  subtract = false;
  compared(null, false);
  draw();
}

function toggleSubtract() {
  if (reference === null) return;
  subtract = !subtract;
  draw();
}

// Labels

async function label(asked) {
  const row = chosen;
  const address = `/api/runs/${encodeURIComponent(row.dataset.run)}/labels`;
  try {
    await post(address, { by: name(), ...asked });
    return true;
  } catch (error) {
    say(said, error.message);
    said.hidden = false;
    return false;
  }
}

async function star() {
  const row = chosen;
  if (row === null) return;
  const on = row.dataset.starred === undefined;
  if (!await label(on ? { tags: ["star"] } : { without: ["star"] })) return;
  if (on) row.dataset.starred = ""; else delete row.dataset.starred;
  const sign = row.querySelector(".star");
  say(sign, on ? "★" : "");
  sign.title = on ? "it has a star" : "";
  if (row === chosen) describe();
}

async function written(field) {
  const text = field.value.trim();
  if (text === "" || chosen === null) return;
  const done = text.startsWith("#") ? await label({ tags: [text.slice(1).trim()] }) : await label({ note: text });
  if (done) describe();
}

// What a person does

list.addEventListener("click", (event) => choose(event.target.closest("li")));
list.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
  if (step === undefined && event.key !== "Home" && event.key !== "End") return;
  event.preventDefault();
  const all = rows();
  const at = chosen === null ? -1 : [...all].indexOf(chosen);
  const to = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : Math.max(0, Math.min(all.length - 1, at + step));
  choose(all[to]);
});

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea") !== null || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { s: star, c: compare, d: toggleSubtract, "/": () => words.focus() }[event.key];
  if (act === undefined) return;
  event.preventDefault();
  act();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (button === null) return;
  if (button.dataset.words !== undefined) search(button.dataset.words);
  else if (button.dataset.copy !== undefined) copy(button);
  else if (button.dataset.untag !== undefined) { if (await label({ without: [button.dataset.untag] })) describe(); }
  else ({ star, compare, subtract: toggleSubtract, alone: leave, "show-fresh": () => search(words.value) })[button.id]?.();
});

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (event.target.id === "search") search(words.value.trim());
  else if (event.target.id === "label") written(document.getElementById("label-text"));
  else if (event.target.id === "settings") {
    const asked = new URLSearchParams({ one: document.getElementById("settings-of").value.trim(), other: chosen.dataset.run });
    const place = document.getElementById("settings-found");
    try { await bring(`/data/snapshots?${asked}`, place); } catch (error) { say(place, error.message); }
  }
});

async function copy(button) {
  const line = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(line.textContent);
    say(button, "copied");
  } catch {
    // Not every browser lets a page write there: the line is selected, Ctrl-C does the rest.
    getSelection().selectAllChildren(line);
    say(button, "selected");
  }
}

document.getElementById("shown-as").addEventListener("change", (event) => { plots.shownAs = event.target.value; });

// What comes

function recorded(text) {
  const run = JSON.parse(text);
  const before = newest;
  newest = run;
  if (before === null || run === "" || run === before || document.getElementById(`record-${run}`) !== null) return;
  const button = document.createElement("button");
  button.id = "show-fresh";
  button.type = "button";
  button.textContent = "there are newer runs: show them";
  fresh.replaceChildren(button);
}

begin({ taken: { recorded }, drawn: () => { plots.redraw(); panels?.redraw(); } });
fill(document);
const wanted = new URLSearchParams(location.search).get("run");
choose(wanted === null ? rows()[0] : document.getElementById(`record-${wanted}`) ?? rows()[0]);
list.focus({ preventScroll: true });
