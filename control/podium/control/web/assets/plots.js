// The data of a run: lines over the fastest axis, a map where there are many of them, a cloud
// for single shots.

const HEIGHT_LEAST = 190, HEIGHT_MOST = 420, HEIGHT_SHARE = 0.52; // px, px, of the width
const GAP_MS = 250; // what comes faster is drawn so often
const STRAIGHT = 0.15; // of the spread in the IQ plane, across over along: below, it is a line
const PREFIXES = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
const COLOURS = 4;
const LINES_MOST = 8; // more of them are a map
const LINE_LEAST = 3; // points; fewer are shown one by one

export class Plots {
  #root; #title; #data = null; #shownAs = "auto"; #charts = []; #drawnAt = 0; #timer = null;

  constructor(root, title) {
    this.#root = root;
    this.#title = title;
    let width = root.clientWidth;
    new ResizeObserver(() => {
      if (Math.abs(root.clientWidth - width) < 2) return;
      width = root.clientWidth;
      this.redraw();
    }).observe(root);
  }

  set shownAs(value) { this.#shownAs = value; this.redraw(); }

  show(data) {
    if (data === null) return;
    this.#data = data;
    this.redraw();
  }

  redraw() {
    if (this.#timer !== null) return;
    const wait = Math.max(0, this.#drawnAt + GAP_MS - performance.now());
    this.#timer = setTimeout(() => { this.#timer = null; this.#draw(); }, wait);
  }

  #draw() {
    if (this.#data === null) return;
    this.#drawnAt = performance.now();
    for (const chart of this.#charts) chart.destroy();
    this.#charts = [];
    const { run, program, extent, captures } = this.#data;
    this.#title.textContent = `${program}, run ${run}${extent ? ` (${extent})` : ""}`;
    const panels = [];
    for (const [name, capture] of Object.entries(captures)) {
      for (const panel of panelsOf(name, capture, this.#data.axes, this.#shownAs)) panels.push(panel);
    }
    const places = panels.map((panel) => {
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      const name = document.createElement("b");
      name.textContent = panel.name;
      caption.append(name, ` ${panel.what}`);
      figure.append(caption);
      figure.setAttribute("role", "img");
      figure.setAttribute("aria-label", panel.words);
      return figure;
    });
    this.#root.replaceChildren(...places);
    panels.forEach((panel, n) => {
      const width = Math.max(160, places[n].clientWidth);
      const height = Math.round(Math.min(HEIGHT_MOST, Math.max(HEIGHT_LEAST, width * HEIGHT_SHARE)));
      this.#charts.push(new uPlot({ ...panel.options(), width, height }, panel.data, places[n]));
    });
    this.#root.dataset.run = run;
    this.#root.dataset.panels = String(panels.length);
  }
}

// What is drawn of a capture

function panelsOf(name, capture, allAxes, shownAs) {
  // Variables of an axis step together; a capture's own has its name (q0_probe_frequency).
  const axes = allAxes.map(({ name: axis, variables }) => {
    const own = variables.find((one) => one.name.startsWith(`${name}_`));
    return own ? { ...own, name: own.name.slice(name.length + 1), axis } : { ...variables[0], axis };
  });
  const panels = [];
  const clipped = capture.out_of_range ? " (input out of range)" : "";
  if (capture.cloud) panels.push(cloudOf(name, capture, clipped));
  const across = axes.at(-1)?.values.length ?? 1;
  const lines = axes.slice(0, -1).reduce((count, axis) => count * axis.values.length, 1);
  if (across >= LINE_LEAST && lines <= LINES_MOST) {
    panels.push(linesOf(name, capture, axes, lines, shownAs, clipped));
  } else if (across >= LINE_LEAST) {
    panels.push(mapOf(name, capture, axes, shownAs, clipped));
  }
  if (capture.trace) panels.push(traceOf(name, capture.trace, clipped));
  if (panels.length === 0) panels.push(pointsOf(name, capture, clipped));
  return panels;
}

function linesOf(name, capture, axes, lines, shownAs, clipped) {
  const axis = axes.at(-1);
  const [scale, unit] = scaled(axis.values, axis.unit);
  const x = axis.values.map((value) => value / scale);
  const over = axes.slice(0, -1).map((one) => one.axis);
  const how = lines > 1 && shownAs === "iq" ? "auto" : shownAs;
  const all = signals(capture.i.flat(9), capture.q.flat(9), how);
  const series = lines === 1 ? all : Array.from({ length: lines }, (_, n) => ({
    ...all[0], values: all[0].values.slice(n * x.length, (n + 1) * x.length),
  }));
  const order = x.map((_, n) => n).sort((a, b) => x[a] - x[b]);
  const data = [order.map((n) => x[n]), ...series.map(({ values }) => order.map((n) => values[n]))];
  const said = lines === 1 ? all.map((one) => one.label).join(", ") : `${all[0].label}, a line for each ${over.join(" and ")}`;
  return {
    name,
    what: `${said}${clipped}`,
    words: `${name}: ${said} over ${axis.name}, ${range(x, unit)}; ${range(series[0].values, series[0].unit)}`,
    data,
    options: () => ({
      ...frame(`${axis.name}${unit ? ` (${unit})` : ""}`, series[0].unit),
      series: [{}, ...series.map((one, n) => ({
        label: one.label, stroke: colour(n), width: 1.6,
        points: { show: x.length < 130 && lines < 3, size: 4, fill: colour(n) }, spanGaps: false,
      }))],
    }),
  };
}

function traceOf(name, trace, clipped) {
  const x = trace.i.map((_, n) => n * trace.step_s * 1e9);
  return {
    name,
    what: `trace${clipped}`,
    words: `${name}: raw trace, ${range(x, "ns")}`,
    data: [x, trace.i, trace.q],
    options: () => ({
      ...frame("time (ns)", "mV"),
      series: [{}, ...["I", "Q"].map((label, n) => ({ label, stroke: colour(n), width: 1, points: { show: false } }))],
    }),
  };
}

function mapOf(name, capture, axes, shownAs, clipped) {
  const fast = axes.at(-1), others = axes.slice(0, -1);
  const rows = others.reduce((count, axis) => count * axis.values.length, 1);
  // More than one slow axis: their combinations one above the other.
  const slow = others.length === 1 ? others[0]
    : { name: others.map((one) => one.name).join(", "), unit: "", values: Array.from({ length: rows }, (_, n) => n) };
  const [signal] = signals(capture.i.flat(9), capture.q.flat(9), shownAs === "iq" ? "amplitude" : shownAs);
  const [xScale, xUnit] = scaled(fast.values, fast.unit);
  const [yScale, yUnit] = scaled(slow.values, slow.unit);
  const x = fast.values.map((value) => value / xScale), y = slow.values.map((value) => value / yScale);
  const known = signal.values.filter((value) => value !== null);
  const low = least(known), high = most(known);
  const xEdges = edges(x), yEdges = edges(y);
  return {
    name,
    what: `${signal.label}, ${short(low)} to ${short(high)} ${signal.unit}${clipped}`,
    words: `${name}: map of ${signal.label} over ${fast.name} and ${slow.name}; ${range(known, signal.unit)}`,
    data: [[least(xEdges), most(xEdges)], [null, null]],
    options: () => {
      const base = frame(label(fast, xUnit), label(slow, yUnit));
      base.scales = {
        x: { time: false, range: [least(xEdges), most(xEdges)] },
        y: { range: [least(yEdges), most(yEdges)] },
      };
      for (const axis of base.axes) axis.grid = { show: false };
      base.hooks = { drawClear: [(chart) => {
        const ink = chart.ctx;
        for (let row = 0; row < y.length; row++) {
          const top = chart.valToPos(yEdges[row + 1], "y", true), bottom = chart.valToPos(yEdges[row], "y", true);
          for (let column = 0; column < x.length; column++) {
            const value = signal.values[row * x.length + column];
            if (value === null || value === undefined) continue;
            const left = chart.valToPos(xEdges[column], "x", true), right = chart.valToPos(xEdges[column + 1], "x", true);
            ink.fillStyle = shade(high > low ? (value - low) / (high - low) : 0.5);
            ink.fillRect(Math.floor(Math.min(left, right)), Math.floor(Math.min(top, bottom)),
              Math.ceil(Math.abs(right - left)) + 1, Math.ceil(Math.abs(bottom - top)) + 1);
          }
        }
      }] };
      base.series = [{}, { show: true, stroke: "transparent", points: { show: false } }];
      return base;
    },
  };
}

function cloudOf(name, capture, clipped) {
  const clouds = capture.cloud;
  const all = { i: clouds.flatMap((one) => one.i), q: clouds.flatMap((one) => one.q) };
  const reach = Math.max(most(all.i) - least(all.i), most(all.q) - least(all.q)) * 0.55 || 1;
  const middle = { i: (most(all.i) + least(all.i)) / 2, q: (most(all.q) + least(all.q)) / 2 };
  return {
    name,
    what: `single shots in the IQ plane${clipped}`,
    words: `${name}: ${all.i.length} single shots of ${clouds.length} preparations in the IQ plane`,
    data: [[middle.i - reach, middle.i + reach], [null, null]],
    options: () => {
      const base = frame("I (mV)", "Q (mV)");
      base.scales = {
        x: { time: false, range: [middle.i - reach, middle.i + reach] },
        y: { range: [middle.q - reach, middle.q + reach] },
      };
      base.hooks = { draw: [(chart) => {
        const ink = chart.ctx, size = 2.4 * devicePixelRatio;
        ink.save();
        ink.globalAlpha = 0.55;
        clouds.forEach((cloud, n) => {
          ink.fillStyle = colour(n);
          cloud.i.forEach((value, k) => {
            if (value === null || cloud.q[k] === null) return;
            ink.fillRect(chart.valToPos(value, "x", true) - size / 2, chart.valToPos(cloud.q[k], "y", true) - size / 2, size, size);
          });
        });
        ink.restore();
      }] };
      base.series = [{}, { stroke: "transparent", points: { show: false } }];
      return base;
    },
  };
}

function pointsOf(name, capture, clipped) {
  const i = [capture.i].flat(9), q = [capture.q].flat(9);
  const x = i.map((_, n) => n);
  return {
    name,
    what: `I and Q, point by point${clipped}`,
    words: `${name}: ${i.length} points`,
    data: [x, i, q],
    options: () => ({
      ...frame("point", "mV"),
      series: [{}, ...["I", "Q"].map((word, n) => ({ label: word, stroke: colour(n), width: 1.6, points: { show: true, size: 5 } }))],
    }),
  };
}

// Signals in the IQ plane

function signals(i, q, shownAs) {
  const line = along(i, q);
  let how = shownAs;
  if (how === "auto") how = line.across < STRAIGHT * line.length ? "signal" : "amplitude";
  const each = (make) => i.map((value, n) => (value === null || q[n] === null ? null : make(value, q[n])));
  switch (how) {
    case "iq": return [{ label: "I", unit: "mV", values: i }, { label: "Q", unit: "mV", values: q }];
    case "phase": return [{ label: "phase", unit: "turn", values: each((a, b) => Math.atan2(b, a) / (2 * Math.PI)) }];
    case "signal": return [{
      label: "signal along its change", unit: "mV",
      values: each((a, b) => (a - line.i) * line.di + (b - line.q) * line.dq),
    }];
    default: return [{ label: "amplitude", unit: "mV", values: each(Math.hypot) }];
  }
}

function along(i, q) {
  // Principal axis of the points; lengths are standard deviations along and across it.
  const known = i.map((value, n) => [value, q[n]]).filter(([a, b]) => a !== null && b !== null);
  const count = known.length || 1;
  const mi = known.reduce((sum, [a]) => sum + a, 0) / count, mq = known.reduce((sum, [, b]) => sum + b, 0) / count;
  let ii = 0, qq = 0, iq = 0;
  for (const [a, b] of known) { ii += (a - mi) ** 2; qq += (b - mq) ** 2; iq += (a - mi) * (b - mq); }
  const angle = Math.atan2(2 * iq, ii - qq) / 2;
  const mean = (ii + qq) / 2, half = Math.hypot((ii - qq) / 2, iq);
  return {
    i: mi, q: mq, di: Math.cos(angle), dq: Math.sin(angle),
    length: Math.sqrt(Math.max(0, mean + half) / count), across: Math.sqrt(Math.max(0, mean - half) / count),
  };
}

// Looks

function frame(xLabel, yLabel) {
  const axis = { stroke: css("--faint"), grid: { stroke: css("--grid"), width: 1 }, ticks: { stroke: css("--grid"), size: 4 }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: 16, labelGap: 2 };
  return {
    scales: { x: { time: false } },
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    padding: [6, 10, 0, 0],
    axes: [{ ...axis, label: xLabel, size: 26 }, { ...axis, label: yLabel, size: 48 }],
  };
}

function css(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
function colour(n) { return css(`--series-${n % COLOURS}`); }
function label(axis, unit) { return `${axis.name}${unit ? ` (${unit})` : ""}`; }

function scaled(values, unit) {
  if (!unit || unit === "1") return [1, ""];
  const size = Math.max(...values.map(Math.abs));
  const [scale, prefix] = PREFIXES.find(([limit]) => size >= limit) ?? [1, ""];
  return [scale, `${prefix}${unit}`];
}

function edges(values) {
  if (values.length === 1) return [values[0] - 0.5, values[0] + 0.5];
  const inner = values.slice(1).map((value, n) => (value + values[n]) / 2);
  return [2 * values[0] - inner[0], ...inner, 2 * values.at(-1) - inner.at(-1)];
}

function shade(share) {
  // Dark to light, read without colour too (after viridis, five stops).
  const stops = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const at = Math.min(0.9999, Math.max(0, share)) * (stops.length - 1), n = Math.floor(at), rest = at - n;
  return `rgb(${stops[n].map((value, k) => Math.round(value + rest * (stops[n + 1][k] - value))).join(" ")})`;
}

function least(values) { return values.reduce((low, value) => (value !== null && value < low ? value : low), Infinity); }
function most(values) { return values.reduce((high, value) => (value !== null && value > high ? value : high), -Infinity); }
function short(value) { return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "–"; }
function range(values, unit) { return `from ${short(least(values))} to ${short(most(values))} ${unit}`; }
