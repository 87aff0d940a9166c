// The data of a run: lines over the fastest axis, a map where there are many of them, a cloud
// for single shots. Two runs lie over each other, or one is subtracted from the other.
import { colour, edges, frame, heat, label, least, mapFrame, most, onWidth, range, scaled, short } from "./chart.js";

const HEIGHT_LEAST = 190, HEIGHT_MOST = 420, HEIGHT_SHARE = 0.52; // px, px, of the width
const GAP_MS = 250; // what comes faster is drawn so often
const STRAIGHT = 0.15; // of the spread in the IQ plane, across over along: below, it is a line
const LINES_MOST = 8; // more of them are a map
const LINE_LEAST = 3; // points; fewer are shown one by one

export class Plots {
  #root; #title; #data = null; #against = null; #subtract = false; #shownAs = "auto"; #charts = []; #drawnAt = 0; #timer = null;

  constructor(root, title) {
    this.#root = root;
    this.#title = title;
    onWidth(root, () => this.redraw());
  }

  set shownAs(value) { this.#shownAs = value; this.redraw(); }

  show(data) {
    if (data === null) return;
    this.#data = data;
    this.redraw();
  }

  // Shows a run that a person has chosen, at once; `against`: another one beside it, or null.
  choose(data, against = null, subtract = false) {
    this.#data = data;
    this.#against = against;
    this.#subtract = subtract;
    if (data !== null) this.#draw();
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
    const { run, program, extent } = this.#data;
    this.#title.textContent = `${program}, run ${run}${extent ? ` (${extent})` : ""}`;
    const panels = this.#panels();
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
    if (panels.length === 0) this.#root.textContent = "It has no numbers that could be drawn.";
    this.#root.dataset.run = run;
    this.#root.dataset.panels = String(panels.length);
  }

  #panels() {
    const [data, against] = [this.#data, this.#against];
    if (against === null) return panelsOfRun(data, this.#shownAs);
    if (this.#subtract) {
      const rest = difference(data, against);
      const what = `minus run ${against.run}`;
      return panelsOfRun(rest, this.#shownAs).map((one) => ({ ...one, what: `${what}: ${one.what}`, words: `${one.words}, ${what}` }));
    }
    const here = panelsOfRun(data, this.#shownAs), there = panelsOfRun(against, this.#shownAs, data);
    const found = here.map((one) => {
      const other = there.find((each) => each.name === one.name && each.lines && one.lines && each.over === one.over);
      return other === undefined ? one : both(one, other, against.run);
    });
    const left = there.filter((one) => !found.some((each) => each.name === one.name && each.merged));
    return [...found, ...left.map((one) => ({ ...one, what: `run ${against.run}: ${one.what}` }))];
  }
}

// Two runs

function difference(data, against) {
  const minus = (a, b) => (Array.isArray(a) ? a.map((one, n) => minus(one, b?.[n])) : a === null || b === null || b === undefined ? null : a - b);
  const captures = {}, values = {};
  for (const [name, one] of Object.entries(data.captures)) {
    const other = against.captures[name];
    if (other === undefined || String(shape(one.i)) !== String(shape(other.i))) continue;
    captures[name] = { i: minus(one.i, other.i), q: minus(one.q, other.q), out_of_range: one.out_of_range || other.out_of_range };
  }
  for (const [name, one] of Object.entries(data.values ?? {})) {
    const other = against.values?.[name];
    if (other === undefined || String(shape(one.values)) !== String(shape(other.values))) continue;
    values[name] = { ...one, values: minus(one.values, other.values) };
  }
  return { ...data, captures, values };
}

export function comparable(data, against) {
  const rest = difference(data, against);
  return Object.keys(rest.captures).length + Object.keys(rest.values).length > 0;
}

function shape(values) { return Array.isArray(values) ? [values.length, ...shape(values[0])] : []; }

function both(one, other, run) {
  return {
    ...one,
    merged: true,
    what: `${one.what}; dashed: run ${run}`,
    words: `${one.words}; dashed, run ${run}: ${other.words}`,
    data: uPlot.join([one.data, other.data]),
    options: () => {
      const base = one.options(), more = other.options().series.slice(1);
      base.series = [...base.series, ...more.map((each, n) => ({ ...each, stroke: colour(n + 1), dash: [6, 4], points: { show: false } }))];
      for (const each of base.series.slice(1)) each.spanGaps = true;
      return base;
    },
  };
}

// What is drawn of a run, and of one of its captures

// `like`: the run whose signals tell in which direction of the IQ plane this one is looked at.
function panelsOfRun({ captures, axes, values = {} }, shownAs, like = null) {
  const found = Object.entries(captures).flatMap(([name, one]) => panelsOf(name, one, axes, shownAs, like?.captures[name] ?? one));
  return [...found, ...Object.entries(values).map(([name, one]) => valuesOf(name, one, axes)).filter((one) => one !== null)];
}

function panelsOf(name, capture, allAxes, shownAs, like) {
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
    panels.push(linesOf(name, capture, axes, lines, shownAs, clipped, like));
  } else if (across >= LINE_LEAST) {
    panels.push(mapOf(name, capture, axes, shownAs, clipped));
  }
  if (capture.trace) panels.push(traceOf(name, capture.trace, clipped));
  if (panels.length === 0) panels.push(pointsOf(name, capture, clipped));
  return panels;
}

function linesOf(name, capture, axes, lines, shownAs, clipped, like) {
  const axis = axes.at(-1);
  const [scale, unit] = scaled(axis.values, axis.unit);
  const x = axis.values.map((value) => value / scale);
  const over = axes.slice(0, -1).map((one) => one.axis);
  const how = lines > 1 && shownAs === "iq" ? "auto" : shownAs;
  const all = signals(capture.i.flat(9), capture.q.flat(9), how, along(like.i.flat(9), like.q.flat(9)));
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
    lines: true,
    over: `${axis.name} ${unit} ${series[0].unit}`,
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
  return {
    name,
    what: `${signal.label}, ${short(least(known))} to ${short(most(known))} ${signal.unit}${clipped}`,
    words: `${name}: map of ${signal.label} over ${fast.name} and ${slow.name}; ${range(known, signal.unit)}`,
    data: [[least(edges(x)), most(edges(x))], [null, null]],
    options: () => mapFrame(label(fast, xUnit), label(slow, yUnit), x, y, heat(signal.values, x, y)),
  };
}

// A variable that is no capture: a line, or a map over two axes.
function valuesOf(name, { axes: along, unit, values }, allAxes) {
  const flat = [values].flat(9), known = flat.filter((value) => value !== null);
  if (known.length === 0) return null;
  const axes = along.map((axis, n) => {
    const count = n === 0 ? values.length : values[0].length;
    const found = allAxes.find((one) => one.name === axis)?.variables[0];
    return found !== undefined && found.values.length === count ? found
      : { name: axis, unit: "", values: Array.from({ length: count }, (_, k) => k) };
  });
  if (axes.length === 2 && axes[0].values.length > 1) {
    const [slow, fast] = axes, [xScale, xUnit] = scaled(fast.values, fast.unit), [yScale, yUnit] = scaled(slow.values, slow.unit);
    const x = fast.values.map((value) => value / xScale), y = slow.values.map((value) => value / yScale);
    return {
      name,
      what: `${short(least(known))} to ${short(most(known))} ${unit}`,
      words: `${name}: map over ${fast.name} and ${slow.name}; ${range(known, unit)}`,
      data: [[least(edges(x)), most(edges(x))], [null, null]],
      options: () => mapFrame(label(fast, xUnit), label(slow, yUnit), x, y, heat(flat, x, y)),
    };
  }
  const axis = axes.at(-1) ?? { name: "point", unit: "", values: [0] };
  const [scale, xUnit] = scaled(axis.values, axis.unit), [yScale, yUnit] = scaled(known, unit);
  const x = axis.values.map((value) => value / scale), order = x.map((_, n) => n).sort((a, b) => x[a] - x[b]);
  const y = flat.map((value) => (value === null ? null : value / yScale));
  return {
    name,
    what: yUnit,
    words: `${name} over ${axis.name}, ${range(x, xUnit)}; ${range(y, yUnit)}`,
    lines: true,
    over: `${axis.name} ${xUnit} ${yUnit}`,
    data: [order.map((n) => x[n]), order.map((n) => y[n])],
    options: () => ({
      ...frame(label(axis, xUnit), yUnit),
      series: [{}, { label: name, stroke: colour(0), width: 1.6, points: { show: x.length < 130, size: 4, fill: colour(0) } }],
    }),
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

function signals(i, q, shownAs, line = along(i, q)) {
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
