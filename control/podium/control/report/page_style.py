"""Styles the report: light or dark as the reader's system is, wide or narrow."""

STYLE = """
:root {
  --paper: #fbfaf7; --card: #ffffff; --ink: #1d2126; --faint: #7b828c; --grid: #e6e5e0;
  --line: #dfddd6; --accent: #0b5f8a; --bad: #b3261e; --bad-paper: #fdf0ee; --good: #1b7f5c;
  --series-0: #0072b2; --series-1: #d55e00; --series-2: #008a64; --series-3: #b0588c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --card: #1c2026; --ink: #e7e9ec; --faint: #98a0ab; --grid: #2b3139;
    --line: #323841; --accent: #6cc0ea; --bad: #ff8a80; --bad-paper: #351f1f; --good: #58c79d;
    --series-0: #56b4e9; --series-1: #f0913a; --series-2: #2fc99a; --series-3: #e79cc6;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem clamp(0.9rem, 3vw, 2.5rem) 3rem; max-width: 84rem;
  background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
h1 { font-size: clamp(1.5rem, 3.4vw, 2.3rem); line-height: 1.15; margin: 0.2rem 0 0.4rem; }
h2 { font-size: 1.2rem; margin: 0 0 0.3rem; }
h3 { font-size: 1rem; margin: 1rem 0 0; }
a { color: var(--accent); text-underline-offset: 0.15em; }
code { font: 0.92em ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; }
.mark { margin: 0; color: var(--accent); font-weight: 650; letter-spacing: 0.08em;
  text-transform: uppercase; font-size: 0.8rem; }
.device { margin: 0; color: var(--faint); }
.fine { color: var(--faint); font-size: 0.86rem; margin: 0.3rem 0 0.8rem; overflow-wrap: anywhere; }
.headlines { display: grid; gap: 0.8rem; margin: 1.4rem 0 0.8rem;
  grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); }
.headline { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 0.8rem 1rem; display: flex; flex-direction: column; }
.headline b { font-size: 1.75rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.headline span { color: var(--faint); font-size: 0.88rem; }
.headline.bad { border-color: var(--bad); background: var(--bad-paper); }
.headline.bad b { color: var(--bad); }
section, nav { margin-top: 2.4rem; }
.failures { background: var(--bad-paper); border: 1px solid var(--bad); border-radius: 10px;
  padding: 1rem 1.2rem; }
.failures h2 { color: var(--bad); }
.failures ul { margin: 0; padding-left: 1.2rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; font-weight: 400; padding: 0.36rem 1rem; white-space: nowrap; }
thead th { color: var(--faint); font-size: 0.86rem; border-bottom: 1px solid var(--line); }
tbody tr + tr { border-top: 1px solid var(--grid); }
tr.qubit th { font-weight: 650; background: var(--paper); }
tbody th span { color: var(--faint); font-size: 0.86rem; margin-left: 0.7rem; }
tr.lost td:nth-child(2) { color: var(--bad); }
td.pull span:last-child { display: inline-block; min-width: 3.4em; text-align: right; }
.strip { position: relative; display: inline-block; width: 9rem; height: 0.9rem;
  vertical-align: middle; margin-right: 0.6rem;
  background:
    linear-gradient(var(--faint), var(--faint)) 50% 50% / 1px 100% no-repeat,
    linear-gradient(var(--line), var(--line)) 50% 50% / 75% 0.32rem no-repeat; }
.strip i { position: absolute; top: 50%; width: 0.62rem; height: 0.62rem; border-radius: 50%;
  background: var(--series-0); transform: translate(-50%, -50%); }
.strip.far i { background: var(--bad); border-radius: 0;
  transform: translate(-50%, -50%) rotate(45deg); }
nav ol { columns: 15rem; margin: 0; padding-left: 1.6rem; }
nav li.bad a { color: var(--bad); }
.step { border-top: 1px solid var(--line); padding-top: 1.2rem; scroll-margin-top: 3.5rem; }
.choice { position: sticky; top: 0; z-index: 1; margin: 1.2rem 0 0; padding: 0.4rem 0.9rem;
  border: 1px solid var(--line); border-radius: 10px; background: var(--card);
  display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; max-height: 6rem; overflow-y: auto; }
.choice legend { float: left; padding: 0; margin-right: 0.9rem; color: var(--faint); }
.choice label { white-space: nowrap; cursor: pointer; }
.choice input { accent-color: var(--accent); margin: 0 0.35rem 0 0; }
summary { cursor: pointer; }
summary h2 { display: inline; color: var(--faint); }
details[open] summary h2 { color: inherit; }
.top { position: fixed; right: clamp(0.6rem, 2vw, 1.6rem); bottom: 0.9rem; z-index: 1;
  padding: 0.3rem 0.8rem; border: 1px solid var(--line); border-radius: 99px;
  background: var(--card); text-decoration: none; font-size: 0.9rem; }
.panels { display: grid; gap: 0.9rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 23rem), 1fr)); }
.panels.pair { margin: 0.9rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
.panel.line { max-width: 64rem; overflow-x: auto; }
.panel.line svg { min-width: 38rem; }
.panel { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 0.7rem 0.8rem 0.5rem; display: flex; flex-direction: column; }
.panel figcaption { font-size: 0.88rem; margin-bottom: 0.3rem; flex: 1; }
.panel figcaption b { margin-right: 0.35rem; }
.panel.failed { border-color: var(--bad); background: var(--bad-paper); }
.panel.failed figcaption, .reason b { color: var(--bad); }
.panel svg { display: block; width: 100%; height: auto; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; }
@media (max-width: 46rem) {
  .truths thead, .truths tbody th span { display: none; }
  .truths, .truths tbody { display: block; }
  .truths tbody tr { display: grid; grid-template-columns: 1fr auto; padding: 0.3rem 0.2rem; }
  .truths tbody th, .truths tbody td { padding: 0.1rem 0.6rem; font-size: 0.92rem; }
  .truths tr.qubit th { grid-column: 1 / 3; }
  .truths tbody td.pull { grid-area: 1 / 2; text-align: right; }
  .truths tbody td.pull span:last-child { min-width: 3em; }
  .truths tbody td:nth-child(3) { color: var(--faint); text-align: right; }
  .truths tbody td:nth-child(3)::before { content: "truth "; }
  .strip { width: 5rem; }
}
@media print { .choice, .top { display: none; } section, figure { break-inside: avoid; } }
"""
