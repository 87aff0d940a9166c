// How charts look: axes in the colours of the theme, maps, and numbers with a prefix.

const PREFIXES = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
const COLOURS = 4;

export function css(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
export function colour(n) { return css(`--series-${n % COLOURS}`); }

// Calls `redraw` whenever `root` has become wider or narrower.
export function onWidth(root, redraw) {
  let width = root.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(root.clientWidth - width) < 2) return;
    width = root.clientWidth;
    redraw();
  }).observe(root);
}

// Times of an axis, in s, of 24 hours: the date stands under the first, and where a day begins.
// `timeZone`: the reader's, if none is given.
export function times(splits, timeZone) {
  const fine = splits.length > 1 && splits[1] - splits[0] < 60;
  const clock = { timeZone, hour: "2-digit", minute: "2-digit", ...(fine ? { second: "2-digit" } : {}) };
  let day = "";
  return splits.map((seconds) => {
    const at = new Date(seconds * 1e3), time = at.toLocaleTimeString("en-GB", clock);
    const today = at.toLocaleDateString("en-GB", { timeZone, day: "2-digit", month: "short" });
    if (today === day) return time;
    day = today;
    return `${time}\n${today}`;
  });
}

export function frame(xLabel, yLabel) {
  // As large as the reader's own letters: on a wall they are larger.
  const size = 0.75 * parseFloat(getComputedStyle(document.documentElement).fontSize), font = `${size}px system-ui, sans-serif`;
  const axis = { stroke: css("--faint"), grid: { stroke: css("--grid"), width: 1 }, ticks: { stroke: css("--grid"), size: 4 }, font, labelFont: font, labelSize: size * 1.35, labelGap: 2 };
  return {
    scales: { x: { time: false } },
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    padding: [size * 0.7, size * 1.6, 0, 0],
    axes: [{ ...axis, label: xLabel, size: size * 2.2 }, { ...axis, label: yLabel, size: size * 4 }],
  };
}

// A map's frame; `paint` draws it, of `heat`. `reach` is its data along x.
export function mapFrame(xLabel, yLabel, x, y, paint) {
  const xEdges = edges(x), yEdges = edges(y);
  const base = frame(xLabel, yLabel);
  base.reach = [least(xEdges), most(xEdges)];
  base.scales = {
    x: { time: false, range: [least(xEdges), most(xEdges)] },
    y: { range: [least(yEdges), most(yEdges)] },
  };
  for (const axis of base.axes) axis.grid = { show: false };
  base.hooks = { drawClear: [paint] };
  base.series = [{}, { show: true, stroke: "transparent", points: { show: false } }];
  return base;
}

// Paints values, row by row along x, as rectangles about their places.
export function heat(values, x, y) {
  const known = values.filter((value) => value !== null && value !== undefined);
  const low = least(known), high = most(known);
  const xEdges = edges(x), yEdges = edges(y);
  return (chart) => {
    const ink = chart.ctx;
    for (let row = 0; row < y.length; row++) {
      const top = chart.valToPos(yEdges[row + 1], "y", true), bottom = chart.valToPos(yEdges[row], "y", true);
      for (let column = 0; column < x.length; column++) {
        const value = values[row * x.length + column];
        if (value === null || value === undefined) continue;
        const left = chart.valToPos(xEdges[column], "x", true), right = chart.valToPos(xEdges[column + 1], "x", true);
        ink.fillStyle = shade(high > low ? (value - low) / (high - low) : 0.5);
        ink.fillRect(Math.floor(Math.min(left, right)), Math.floor(Math.min(top, bottom)),
          Math.ceil(Math.abs(right - left)) + 1, Math.ceil(Math.abs(bottom - top)) + 1);
      }
    }
  };
}

export function scaled(values, unit) {
  if (!unit || unit === "1") return [1, ""];
  const size = values.reduce((high, value) => Math.max(high, Math.abs(value ?? 0)), 0);
  const [scale, prefix] = PREFIXES.find(([limit]) => size >= limit) ?? [1, ""];
  return [scale, `${prefix}${unit}`];
}

export function label(axis, unit) { return `${axis.name}${unit ? ` (${unit})` : ""}`; }

export function edges(values) {
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

export function least(values) { return values.reduce((low, value) => (value !== null && value < low ? value : low), Infinity); }
export function most(values) { return values.reduce((high, value) => (value !== null && value > high ? value : high), -Infinity); }
export function short(value) { return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "–"; }
export function range(values, unit) { return `from ${short(least(values))} to ${short(most(values))} ${unit}`; }
