// Trends of one fridge: temperatures and pressures on logarithmic axes, flow; the corridor of the
// latest rehearsal behind what is live.
import { onWidth, times } from "./chart.js";
import { reason } from "./live.js";

const LIVE_MOST = 5000; // points of a reading, where nobody has a history
const POINTS = 500; // of a reading, at most
const AGAIN_MS = 60_000; // the whole course is asked for so often; between, what is live is added
const RETRY_MS = 3_000;
const DRAW_MS = 950; // drawn anew at most so often
const PANELS = [
  { prefix: "temperature.", title: "temperatures", unit: "K", log: true },
  { prefix: "pressure.", title: "pressures", unit: "Pa", log: true },
  { prefix: "flow.", title: "flow", unit: "mol/s", log: false },
];
const COLOURS = ["--series-0", "--series-1", "--series-2", "--series-3", "--ink", "--faint"];
const DASHES = [[], [9, 4], [3, 3], [12, 3, 3, 3], [6, 2], [2, 5]];
const PREFIXES = [[1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
const HEIGHT = 260, HEIGHT_ON_A_WALL = 420, WALL = 1920; // px

export class Trends {
  fridge; #place; #words; #wrong; #last; #courses = []; #corridor = null; #rehearsal = "";
  #charts = []; #now = null; #drawnAt = 0; #timer = null; #asking = false; #problem = "";

  constructor(place, last) {
    this.fridge = place.dataset.fridge;
    this.#place = place.querySelector(".plots");
    this.#words = place.querySelector(".corridor");
    this.#wrong = place.querySelector(".problem");
    this.#last = last;
    last.addEventListener("change", () => this.#ask());
    onWidth(this.#place, () => this.redraw());
    setInterval(() => this.#ask(), AGAIN_MS);
  }

  // Takes the values of now: they go on behind the course that was asked for.
  live(now) {
    const first = this.#now === null || (this.#courses.length === 0 && !this.#asking && this.#problem === "");
    this.#now = now;
    if (first) this.#ask();
    const values = now.fridges[this.fridge] ?? {};
    if (this.#problem !== "" && this.#courses.length === 0) this.#courses = emptyCourses(values, now.titles);
    if (now.tai_s !== null) {
      for (const course of this.#courses) {
        const at = course.tai_s.at(-1) ?? -Infinity;
        if (now.tai_s <= at) continue;
        const value = values[course.signal] ?? null;
        course.tai_s.push(now.tai_s);
        for (const column of [course.low, course.mean, course.high]) column.push(value);
        if (course.tai_s.length > LIVE_MOST) for (const column of [course.tai_s, course.low, course.mean, course.high]) column.shift();
      }
    }
    const rehearsal = now.rehearsals[this.fridge] ?? "";
    if (rehearsal !== this.#rehearsal) this.#askCorridor(rehearsal);
    this.redraw();
  }

  redraw() {
    if (this.#timer !== null) return;
    const wait = Math.max(0, this.#drawnAt + DRAW_MS - performance.now());
    this.#timer = setTimeout(() => { this.#timer = null; this.#draw(); }, wait);
  }

  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const address = `/api/cold/fridges/${encodeURIComponent(this.fridge)}/history?last_s=${this.#last.value}&points=${POINTS}`;
      const answer = await fetch(address);
      if (answer.ok) {
        const found = await answer.json();
        if (found.length > 0) this.#courses = found;
        this.#problem = found.length === 0 ? "Nothing has been recorded yet: here is what came since this page was opened." : "";
      } else {
        this.#problem = `No history: ${await reason(answer)}`;
      }
    } catch { this.#problem = "No history: Podium does not answer."; }
    if (this.#problem !== "") await new Promise((done) => setTimeout(done, RETRY_MS));
    this.#asking = false;
    this.redraw();
  }

  async #askCorridor(rehearsal) {
    this.#rehearsal = rehearsal;
    const answer = await fetch(`/api/cold/fridges/${encodeURIComponent(this.fridge)}/corridor`);
    if (!answer.ok) return;
    this.#corridor = await answer.json();
    this.#words.textContent = this.#corridor === null ? "" : `shaded: rehearsal of ${this.#corridor.procedure}, 90 % ${this.#corridor.words}`;
    this.redraw();
  }

  #draw() {
    this.#drawnAt = performance.now();
    this.#wrong.textContent = this.#problem;
    for (const chart of this.#charts) chart.destroy();
    this.#charts = [];
    const panels = PANELS.map((panel) => ({ ...panel, courses: this.#courses.filter((one) => one.signal.startsWith(panel.prefix)) }))
      .filter((panel) => panel.courses.length > 0);
    if (panels.length === 0) {
      const empty = document.createElement("p");
      empty.className = "empty";
      empty.textContent = "Nothing to draw yet.";
      this.#place.replaceChildren(empty);
      return;
    }
    const figures = panels.map((panel) => figureOf(panel));
    this.#place.replaceChildren(...figures);
    const until = this.#now?.tai_s ?? Math.max(...this.#courses.map((one) => one.tai_s.at(-1) ?? 0));
    const from = until - Number(this.#last.value);
    panels.forEach((panel, n) => {
      const width = Math.max(200, figures[n].clientWidth);
      this.#charts.push(chartOf(panel, this.#corridor, [from, until], width, figures[n]));
    });
    this.#place.dataset.panels = String(panels.length);
  }
}

// Where there is no history: what comes from now on.
function emptyCourses(values, titles) {
  return Object.keys(titles).filter((signal) => signal in values).map((signal) => ({
    signal, title: titles[signal], unit: PANELS.find((panel) => signal.startsWith(panel.prefix)).unit,
    tai_s: [], low: [], mean: [], high: [],
  }));
}

function figureOf(panel) {
  const figure = document.createElement("figure");
  figure.setAttribute("role", "img");
  figure.setAttribute("aria-label", `${panel.title}: ${panel.courses.map((one) => `${one.title} ${told(lastOf(one), one.unit)}`).join(", ")}`);
  const keys = document.createElement("ul");
  keys.className = "keys";
  panel.courses.forEach((course, n) => {
    const key = document.createElement("li"), value = document.createElement("b");
    key.innerHTML = `<svg viewBox="0 0 32 6" aria-hidden="true"><path class="key-${n % COLOURS.length}" d="M0 3H32" stroke-dasharray="${DASHES[n % DASHES.length].join(" ")}"/></svg> `;
    value.textContent = told(lastOf(course), course.unit);
    key.append(`${course.title} `, value);
    keys.append(key);
  });
  figure.append(keys);
  return figure;
}

function lastOf(course) { return course.mean.at(-1) ?? null; }

function chartOf(panel, corridor, [from, until], width, place) {
  const tables = [], series = [{}], bands = [];
  const positive = (values) => (panel.log ? values.map((one) => (one !== null && one > 0 ? one : null)) : values);
  let end = until;
  panel.courses.forEach((course, n) => {
    const colour = css(COLOURS[n % COLOURS.length]);
    const band = corridor?.signals[course.signal];
    if (band !== undefined) {
      tables.push([corridor.tai_s, positive(band.high), positive(band.low)]);
      bands.push({ series: [series.length, series.length + 1], fill: `${colour}2e` });
      for (let k = 0; k < 2; k += 1) series.push({ stroke: `${colour}80`, width: 0.8, dash: [3, 4], points: { show: false } });
    }
    tables.push([course.tai_s, positive(course.high), positive(course.low), positive(course.mean)]);
    bands.push({ series: [series.length, series.length + 1], fill: `${colour}40` });
    for (let k = 0; k < 2; k += 1) series.push({ stroke: "transparent", width: 0, points: { show: false } });
    series.push({ stroke: colour, width: 1.8, dash: DASHES[n % DASHES.length], points: { show: false }, spanGaps: false });
  });
  if (corridor !== null && corridor.tai_s.length > 0 && corridor.tai_s.at(-1) > until) {
    // A third of the picture is kept for what is to come.
    end = Math.min(corridor.tai_s.at(-1), until + (until - from) / 2);
  }
  const axis = { stroke: css("--faint"), grid: { stroke: css("--grid"), width: 1 }, ticks: { stroke: css("--grid"), size: 4 }, font: "12px system-ui, sans-serif" };
  const marks = (chart) => {
    const ink = chart.ctx, { left, top, width: wide, height } = chart.bbox;
    ink.save();
    ink.strokeStyle = css("--faint");
    ink.setLineDash([4, 4]);
    const x = chart.valToPos(until, "x", true);
    if (end > until && x > left && x < left + wide) { ink.beginPath(); ink.moveTo(x, top); ink.lineTo(x, top + height); ink.stroke(); }
    ink.restore();
  };
  return new uPlot({
    width, height: innerWidth >= WALL ? HEIGHT_ON_A_WALL : HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
    scales: { x: { time: true, range: [from, end] }, y: panel.log ? { distr: 3 } : {} },
    legend: { show: false },
    cursor: { y: false, points: { show: false } },
    padding: [8, 10, 0, 0],
    bands, series,
    hooks: { draw: [marks] },
    axes: [{ ...axis, size: 46, space: 62, values: (_, splits) => times(splits, "UTC") }, {
      ...axis, size: 86,
      values: (_, splits) => splits.map((one) => (one === null ? "" : told(one, panel.unit))),
    }],
  }, uPlot.join(tables), place);
}

function told(value, unit) {
  if (value === null || !Number.isFinite(value)) return "–";
  if (value === 0) return `0 ${unit}`;
  const [scale, prefix] = PREFIXES.find(([limit]) => Math.abs(value) >= limit * 0.9995) ?? PREFIXES.at(-1);
  return `${Number((value / scale).toPrecision(3))} ${prefix}${unit}`;
}

function css(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
