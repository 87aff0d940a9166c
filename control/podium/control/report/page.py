"""Writes ``index.html``: what happened, on one page that needs nothing else."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from html import escape
from itertools import zip_longest
from typing import Self

from podium.control.calibration.outcome import Panel
from podium.control.parameters.quantities import BY_NAME
from podium.control.report import link_page
from podium.control.report.comparison import Comparison
from podium.control.report.multi_node import page as together
from podium.control.report.multi_node.story import Pictures
from podium.control.report.page_style import STYLE
from podium.control.report.plots import draw
from podium.control.report.qubit_filter import choice, of_qubit, superseded_by
from podium.control.report.story import Step, Story

PULL_SHOWN = 4.0
"""The strip of pulls reaches so far to both sides, sigma."""
CAUSES = {
    "since_start_s": "world time since the simulation began",
    "running_s": "programs with their settling",
    "leapt_s": "leapt over, nobody waiting",
}


class Drawings:
    """The panels of a story as SVG, drawn in a thread while the next routine runs.

    One thread: the settings of Matplotlib, which draws what nodes do together, are the process's.
    Close it, or use it in a ``with``.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="drawing")
        self._steps: list[list[Future[str]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def begin(self, step: Step) -> None:
        """Begin to draw the panels of the next step."""
        k = len(self._steps)
        self._steps.append(
            [
                self._thread.submit(draw, panel, f"s{k}p{n}")
                for n, panel in enumerate(step.outcome.panels)
            ]
        )

    def together(self, story: Story) -> Pictures:
        """Return what the nodes did together, drawn; waits for it."""
        if story.together is None:
            return Pictures()
        # Not imported before: it takes half a second, and most reports do without.
        from podium.control.report.multi_node.pictures import draw_together

        return self._thread.submit(draw_together, story.together).result()

    def finish(self) -> tuple[tuple[str, ...], ...]:
        """Return, for each step, its panels as ``<svg>`` elements; waits for the last."""
        return tuple(tuple(panel.result() for panel in step) for step in self._steps)


def page(story: Story, drawn: Sequence[Sequence[str]], pictures: Pictures | None = None) -> str:
    """Return the page; ``drawn``: each step's panels, as :meth:`Drawings.finish` gives them.

    ``pictures``: as :meth:`Drawings.together` gives them, where nodes did something together.
    """
    world = "" if story.seed is None else f", seed {story.seed}"
    title = f"{story.facility}: calibration{world}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(title)}</title>",
        f'<style>{STYLE}</style></head><body id="top">',
        *_head(story),
        *choice(story),
        *_failures(story),
        *_old(story),
        *_together(story, drawn, pictures),
        *(() if story.link is None else link_page.sections(story.link)),
        *_table(story),
        *_gates(story),
        *_sections(story, drawn),
        *_foot(story),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _head(story: Story) -> Iterator[str]:
    found = story.found()
    yield '<header><p class="mark">Podium</p>'
    drawn = story.seed is not None
    what = "from nothing to calibrated qubits" if drawn else "calibration"
    what = what if story.together is None else "from nothing to nodes that start together"
    what = what if story.link is None else "from nothing to a pair over a quantum link"
    yield f"<h1>{escape(story.facility)}: {what}</h1>"
    if story.device:
        yield f'<p class="device">{escape(story.device)}</p>'
    yield '<div class="headlines">'
    good = sum(found.values())
    yield _headline(f"{good} / {len(found)}", "qubits found", bad=good < len(found))
    simulated = " simulated" if drawn else ""
    yield _headline(f"{story.lab_s:.0f} s", f"of laboratory time{simulated}")
    yield _headline(f"{story.wall_s:.0f} s", "by the clock on the wall")
    if drawn:
        yield _headline(f"{story.ratio:.1f} ×", "laboratory time over wall time")
    for number, text, bad in () if story.together is None else together.headlines(story.together):
        yield _headline(number, text, bad=bad)
    for number, text, bad in () if story.link is None else link_page.headlines(story.link):
        yield _headline(number, text, bad=bad)
    rows = (*story.comparisons, *story.gates())
    pulls = [abs(row.pull) for row in rows if row.pull is not None]
    if pulls:
        within = sum(pull <= 3 for pull in pulls)
        yield _headline(f"{within} / {len(pulls)}", "recovered within 3 σ of the hidden truth")
    yield "</div>"
    cold = [f"{name} at {kelvin * 1e3:.1f} mK" for name, kelvin in story.fridge_k.items()]
    spent = [f"{CAUSES.get(n, n)} {s:.1f} s" for n, s in story.lab_causes.items()]
    seed = [f"seed {story.seed}"] if drawn else []
    line = " · ".join([*seed, *cold, *spent])
    yield f'<p class="fine">{escape(line)}</p></header>'


def _headline(number: str, text: str, *, bad: bool = False) -> str:
    kind = "headline bad" if bad else "headline"
    return f'<div class="{kind}"><b>{escape(number)}</b><span>{escape(text)}</span></div>'


def _failures(story: Story) -> Iterator[str]:
    failures = story.failures()
    if not failures:
        return
    yield '<section class="failures"><h2>What failed</h2><ul>'
    for one in failures:
        where = f" · {escape(one.element)}" if one.element else ""
        of = of_qubit(one.element, "", story.qubits) if one.element else ""
        reason = escape(one.reason).replace("\n", "<br>")
        yield f"<li{of}><b>{escape(one.routine)}{where}</b> {reason}</li>"
    yield "</ul></section>"


def _old(story: Story) -> Iterator[str]:
    said = story.told_old()
    if not said:
        return
    yield "<section><h2>Notes</h2><ul>"
    yield from (f"<li>{escape(one)}</li>" for one in said)
    yield "</ul></section>"


def _together(
    story: Story, drawn: Sequence[Sequence[str]], pictures: Pictures | None
) -> Iterator[str]:
    if story.together is None:
        return
    yield from together.sections(story.together, pictures or Pictures())


def _table(story: Story) -> Iterator[str]:
    rows = story.comparisons
    if rows:
        judged = any(row.truth is not None for row in rows)
        yield f"<section><h2>Recovered{', and the hidden truth' if judged else ''}</h2>"
        yield from _rows_of(rows, story.qubits)
        if judged:
            yield '<p class="fine">The strip marks 0 and ±3 σ.</p>'
        yield "</section>"


def _gates(story: Story) -> Iterator[str]:
    rows = story.gates()
    if rows:
        yield "<section><h2>Gates</h2>"
        yield from _rows_of(rows, story.qubits)
        yield "</section>"


def _rows_of(rows: Sequence[Comparison], qubits: Sequence[str]) -> Iterator[str]:
    """Yield a table of values beside their truths, where one of them has one."""
    judged = any(row.truth is not None for row in rows)
    yield '<div class="wide"><table class="truths"><thead><tr>'
    yield "<th>parameter</th><th>recovered ± σ</th>"
    if judged:
        yield '<th>truth</th><th class="pull">pull, (recovered − truth) / σ</th>'
    yield "</tr></thead>"
    owner = ""
    for row in rows:
        if row.qubit != owner:
            yield "</tbody>" if owner else ""
            owner = row.qubit
            of = of_qubit(owner, "", qubits)
            yield f'<tbody{of}><tr class="qubit"><th colspan="4">{escape(owner)}</th></tr>'
        title = BY_NAME[row.quantity].title if row.quantity in BY_NAME else row.quantity
        yield f"<tr{' class=lost' if row.lost else ''}><th><code>{escape(row.quantity)}</code>"
        yield f"<span>{escape(title)}</span></th>" if title.lower() != row.quantity else "</th>"
        yield f"<td>{escape(row.told_found())}</td>"
        if judged:
            yield f'<td>{escape(row.told_truth())}</td><td class="pull">{_pull(row)}</td>'
        yield "</tr>"
    yield "</tbody></table></div>"


def _pull(row: Comparison) -> str:
    pull = row.pull
    if pull is None:
        return "–"
    place = 50 + 50 * max(-1.0, min(1.0, pull / PULL_SHOWN))
    kind = "far" if abs(pull) > 3 else "near"
    return (
        f'<span class="strip {kind}"><i style="left:{place:.1f}%"></i></span>'
        f"<span>{pull:+.2f}</span>"
    )


def _sections(story: Story, drawn: Sequence[Sequence[str]]) -> Iterator[str]:
    if not story.steps:
        return
    rows = _rows(story)
    yield "<nav><h2>Routines</h2><ol>"
    for k, row in enumerate(rows):
        bad = ' class="bad"' if any(story.steps[n].outcome.failures for n in row) else ""
        title = story.steps[row[0]].outcome.title
        yield f'<li{bad}><a href="#step-{k}">{escape(title)}</a></li>'
    yield "</ol></nav>"
    for k, row in enumerate(rows):
        title = story.steps[row[0]].outcome.title
        later = _superseded(story, rows, row)
        yield f'<section class="step" id="step-{k}">'
        if later is None:
            yield f"<h2>{k + 1}. {escape(title)}</h2>"
        else:
            again = f'<span class="fine">done again as {later + 1}.</span>'
            yield f"<details><summary><h2>{k + 1}. {escape(title)}</h2> {again}</summary>"
        for n in row:
            yield from _step(story.steps[n], drawn[n], story.qubits)
        yield "</section>" if later is None else "</details></section>"


def _superseded(story: Story, rows: list[list[int]], row: list[int]) -> int | None:
    """Return the row whose passes have found anew all that those of ``row`` had found."""
    later = [superseded_by(story.steps, n) for n in row]
    if None in later:
        return None
    return max(k for k, other in enumerate(rows) if set(other) & set(later))


def _rows(story: Story) -> list[list[int]]:
    """Return the numbers of the steps that stand under one heading: those that went side by side.

    The n-th step of each node; what all nodes did together stands alone.
    """
    nodes = dict.fromkeys(qubit.partition(".")[0] for qubit in story.qubits)
    numbered = list(enumerate(story.steps))
    lanes = [[n for n, step in numbered if step.node == node] for node in nodes]
    rows = [[n for n in row if n is not None] for row in zip_longest(*lanes)]
    return rows + [[n] for n, step in numbered if not step.node]


def _step(step: Step, svgs: Sequence[str], qubits: Sequence[str]) -> Iterator[str]:
    yield f'<div data-node="{escape(step.node)}">' if step.node else "<div>"
    if step.node:
        yield f"<h3>{escape(step.node)}</h3>"
    yield f'<p class="fine">{escape(_provenance(step))}</p>'
    for note in step.outcome.assumed:
        yield f'<p class="fine">{escape(note)}</p>'
    shown = {(panel.element, panel.text) for panel in step.outcome.panels if panel.failed}
    for element, reason in step.outcome.failures.items():
        if (element.rpartition(".")[2], reason) not in shown and (element, reason) not in shown:
            of = of_qubit(element, step.node, qubits)
            yield f'<p class="reason"{of}><b>{escape(element)}</b> {escape(reason)}</p>'
    yield '<div class="panels">'
    for panel, svg in zip(step.outcome.panels, svgs, strict=True):
        yield _panel(panel, svg, of_qubit(panel.element, step.node, qubits))
    yield "</div></div>"


def _provenance(step: Step) -> str:
    runs = step.outcome.runs
    shared = "one run" if len(runs) == 1 else f"{len(runs)} runs"
    qubits = len({panel.element for panel in step.outcome.panels})
    who = f", shared by {qubits} qubits" if qubits > 1 else ""
    listed = f" ({_shortened(runs)})" if runs else ""
    return f"{shared}{who}{listed} · {step.lab_s:.2f} s in the laboratory, {step.wall_s:.2f} s here"


def _shortened(runs: list[str]) -> str:
    return ", ".join(runs) if len(runs) <= 4 else f"{runs[0]} … {runs[-1]}"


def _panel(panel: Panel, svg: str, of: str) -> str:
    kind = "panel failed" if panel.failed else "panel"
    text = escape(panel.text)
    if panel.failed:
        text = f"<b>No fit.</b> {text}"
    return (
        f'<figure class="{kind}"{of}><figcaption><b>{escape(panel.element)}</b> {text}</figcaption>'
        f"{svg}</figure>"
    )


def _foot(story: Story) -> Iterator[str]:
    yield '<footer class="fine">Beside this page: '
    if story.seed is not None:
        yield "<code>summary.json</code>, <code>twin.yaml</code> (the hidden world), "
    yield "<code>parameters.sqlite</code> (every value with its provenance), "
    yield "<code>datasets/</code> (one netCDF file a run; <code>xarray.open_dataset</code> opens "
    yield "them).</footer>"
    yield '<a class="top" href="#top">↑ top</a>'
