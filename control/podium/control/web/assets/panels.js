// What a routine has found: its panels with data and fit, values, and reasons for failures.
import { css, frame, heat, mapFrame, onWidth } from "./chart.js";

export class Panels {
  #root; #title; #outcome = null; #charts = [];

  constructor(root, title = null) {
    this.#root = root;
    this.#title = title;
    onWidth(root, () => this.redraw());
  }

  show(outcome) {
    if (outcome === null) return;
    this.#outcome = outcome;
    this.redraw();
  }

  redraw() {
    if (this.#outcome === null) return;
    for (const chart of this.#charts) chart.destroy();
    this.#charts = [];
    const { title, routine, values, failures, panels, runs } = this.#outcome;
    if (this.#title !== null) this.#title.textContent = `${title || routine}${runs.length ? `, run ${runs.at(-1)}` : ""}`;
    const said = [];
    if (this.#title !== null) {
      said.push(...Object.entries(values).map(([name, value]) => line("good", "✓", `${name} = ${value}`)));
      said.push(...Object.entries(failures).map(([name, why]) => line("bad", "✕", `${name}: ${why}`)));
    }
    const places = panels.map(place);
    const list = document.createElement("ul");
    list.className = "values";
    list.append(...said);
    const grid = document.createElement("div");
    grid.className = "plots";
    grid.append(...places);
    this.#root.replaceChildren(...(said.length ? [list] : []), grid);
    this.#charts = panels.map((panel, n) => drawn(panel, places[n])).filter((one) => one !== null);
    this.#root.dataset.panels = String(panels.length);
  }
}

function line(mark, sign, text) {
  const item = document.createElement("li");
  item.className = mark;
  const first = document.createElement("span");
  first.className = "sign";
  first.setAttribute("aria-hidden", "true");
  first.textContent = sign;
  item.append(first, ` ${text}`);
  return item;
}

function place(panel) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const name = document.createElement("b");
  name.textContent = panel.element;
  caption.append(name, ` ${panel.failed ? "✕ " : ""}${panel.text}`);
  caption.title = panel.text;
  figure.append(caption);
  figure.setAttribute("role", "img");
  const fits = panel.series.filter((one) => one.line).map((one) => one.label).join(", ");
  figure.setAttribute("aria-label", `${panel.element}: ${panel.y_label} over ${panel.x_label}${fits ? `, with ${fits}` : ""}. ${panel.text}`);
  return figure;
}

function drawn(panel, figure) {
  const width = Math.max(160, figure.clientWidth), height = Math.round(Math.min(320, Math.max(180, width * 0.6)));
  if (panel.picture !== null) {
    const { x, y, z } = panel.picture;
    const options = mapFrame(panel.x_label, panel.y_label, x, y, heat(z.flat(), x, y));
    return new uPlot({ ...options, width, height }, [options.reach, [null, null]], figure);
  }
  if (panel.series.length === 0) return null;
  const data = uPlot.join(panel.series.map(({ x, y }) => sorted(x, y)));
  const options = frame(panel.x_label, panel.y_label);
  options.series = [{}, ...panel.series.map(({ label, line }, n) => ({
    label, stroke: css(`--series-${n % 4}`), width: line ? 2 : 0, spanGaps: true,
    paths: line ? undefined : () => null,
    points: { show: !line, size: 5, fill: css(`--series-${n % 4}`), stroke: css(`--series-${n % 4}`) },
  }))];
  options.hooks = { draw: [(chart) => marks(chart, panel.marks)] };
  return new uPlot({ ...options, width, height }, data, figure);
}

function sorted(x, y) {
  const order = x.map((_, n) => n).filter((n) => x[n] !== null).sort((a, b) => x[a] - x[b]);
  // Points over one x are one for uPlot: the later ones are moved by what nobody sees.
  let last = -Infinity;
  const span = order.length ? Math.abs(x[order.at(-1)] - x[order[0]]) || 1 : 1;
  const places = order.map((n) => { last = x[n] > last ? x[n] : last + span * 1e-9; return last; });
  return [places, order.map((n) => y[n])];
}

function marks(chart, all) {
  const ink = chart.ctx;
  ink.save();
  ink.strokeStyle = css("--faint");
  ink.fillStyle = css("--faint");
  ink.setLineDash([4, 4]);
  ink.textAlign = "left"; // what was drawn before has left its own
  ink.textBaseline = "alphabetic";
  for (const [label, at] of all) {
    const x = chart.valToPos(at, "x", true);
    if (x < chart.bbox.left || x > chart.bbox.left + chart.bbox.width) continue;
    ink.beginPath();
    ink.moveTo(x, chart.bbox.top);
    ink.lineTo(x, chart.bbox.top + chart.bbox.height);
    ink.stroke();
    ink.fillText(label, x + 3, chart.bbox.top + 12);
  }
  ink.restore();
}
