"""Draws docs/pictures/many_nodes.svg: what a facility costs with more and more nodes.

``python docs/tools/many_nodes.py`` draws it from ``docs/tools/many_nodes.jsonl``, one line of
``python -m tests.many_nodes --short --nodes N`` for each N; ``--measure`` tells the story first.
"""

import json
import subprocess
import sys
from argparse import ArgumentParser
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

HERE = Path(__file__).parent
MEASURED = HERE / "many_nodes.jsonl"
PICTURE = HERE.parent / "pictures" / "many_nodes.svg"
COUNTS = (1, 2, 4, 7, 10)
HUNDRED = 100
GREY = "#768390"
"""Seen on white and on black."""
TOLD = """<title>What one to ten nodes cost</title>
 <desc>Two charts over the number of nodes, from one to ten, with straight lines through the points.
On the left memory, from 0.6 to 1.6 GB once all is up and up to 2.3 GB at most, below a dashed line
at 4 GB. On the right processor time: to come up, for readout, and of ten seconds of idling.</desc>
 <style>
  @media (prefers-color-scheme: dark) { text { fill: #c9d1d9 !important; } }
 </style>
 """
UP = ("serve", "up")
READOUT = "readout calibrated"


def measure(counts: tuple[int, ...]) -> None:
    """Tell the story of each number of nodes and keep what it has cost."""
    lines = []
    for count in counts:
        words = [sys.executable, "-m", "tests.many_nodes", "--short", "--nodes", str(count)]
        told = subprocess.run(words, check=True, capture_output=True, text=True)
        lines.append(told.stdout.splitlines()[-1])
        print(lines[-1], flush=True)
    MEASURED.write_text("\n".join(lines) + "\n", encoding="utf-8")


def rows() -> list[dict[str, Any]]:
    """Return what was measured, by the number of nodes."""
    told = [json.loads(line) for line in MEASURED.read_text(encoding="utf-8").splitlines()]
    return sorted(told, key=lambda one: one["nodes"])


def costs(told: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Return the curves: what, and its value for each number of nodes."""
    phases = [one["phases"] for one in told]
    return {
        "memory once it is up, MB": [one["up"]["pss_mb"] for one in phases],
        "memory at most, MB": [one["pss_mb"] for one in told],
        "processor time to come up, s": [sum(one[p]["cpu_s"] for p in UP) for one in phases],
        "processor time for readout, s": [one[READOUT]["cpu_s"] for one in phases],
        "processor time of 10 s of idling, s": [
            10 * one["idle"]["cpu_s"] / one["idle"]["wall_s"] for one in phases
        ],
    }


def line(nodes: list[int], values: list[float]) -> tuple[float, float]:
    """Return offset and slope of the straight line through the points."""
    slope, offset = np.polyfit(nodes, values, 1)
    return float(offset), float(slope)


def table() -> str:
    """Return the numbers as the page has them."""
    told = rows()
    nodes = [one["nodes"] for one in told]
    head = " | ".join(["what", *(f"{n} nodes" if n > 1 else "1 node" for n in nodes)])
    lines = [f"| {head} | each node | {HUNDRED} nodes |", "| --- " * (len(nodes) + 3) + "|"]
    for what, values in costs(told).items():
        offset, slope = line(nodes, values)
        shown = " | ".join(f"{_plain(value, 3)}" for value in values)
        at_hundred = offset + slope * HUNDRED
        lines.append(f"| {what} | {shown} | {_plain(slope, 2)} | {_plain(at_hundred, 2)} |")
    return "\n".join(lines)


def _plain(value: float, digits: int) -> str:
    """Return a value to so many digits, without an exponent."""
    return np.format_float_positional(value, digits, fractional=False, trim="-")


def draw() -> None:
    """Draw the picture."""
    mpl.rcParams.update({"svg.hashsalt": "podium", "svg.fonttype": "none", "font.size": 9})
    mpl.rcParams.update(dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), GREY))
    told = rows()
    nodes = [one["nodes"] for one in told]
    figure = Figure(figsize=(7.6, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for what, values in costs(told).items():
        name, _, unit = what.rpartition(", ")
        axes, scale = (left, 1e-3) if unit == "MB" else (right, 1.0)
        offset, slope = line(nodes, values)
        (drawn,) = axes.plot(nodes, np.multiply(values, scale), "o", label=name, markersize=4)
        ends = np.array([0, max(nodes)])
        axes.plot(ends, (offset + slope * ends) * scale, color=drawn.get_color(), linewidth=0.8)
    left.axhline(4.0, color="0.6", linewidth=0.8, linestyle="--")
    for axes, unit in ((left, "GB, sum of proportional shares"), (right, "s")):
        axes.set_xlabel("nodes")
        axes.set_ylabel(unit)
        axes.set_xlim(0, max(nodes) + 0.5)
        axes.set_ylim(0)
        axes.legend(frameon=False, fontsize=8)
    drawn_svg = StringIO()
    figure.savefig(drawn_svg, format="svg", metadata={"Date": None}, transparent=True)
    text = drawn_svg.getvalue()
    start = text.index("<metadata>")
    PICTURE.write_text(text[:start] + TOLD + text[start:], encoding="utf-8")


def main() -> None:
    """Measure if asked to, draw, and print the table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true", help="tell the stories first")
    if parser.parse_args().measure:
        measure(COUNTS)
    draw()
    print(table())


if __name__ == "__main__":
    main()
