"""Draws a campaign: every pull, by quantity, for a light or a dark page."""

from collections.abc import Sequence
from io import StringIO
from math import isfinite

import numpy as np

from podium.control.campaign.windows import QuantityVerdict
from podium.control.campaign.world_record import Recovery

GREY = "#768390"
"""Seen on white and on black."""
KEPT, BROKEN = "#0072b2", "#d55e00"
"""Okabe and Ito, Color Universal Design, 2008."""
REACH = 6.0
"""Pulls beyond are drawn as arrows at the edge."""
DARK = """<style>
  @media (prefers-color-scheme: dark) { text { fill: #c9d1d9 !important; } }
 </style>
 """


def picture(verdicts: Sequence[QuantityVerdict], recoveries: Sequence[Recovery]) -> str:
    """Return the pulls as SVG: a row for each quantity, with the rms as a bar. Bytes repeat.

    Not to be called from two threads at once: Matplotlib's settings are the process's.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(
        {
            "svg.hashsalt": "podium",
            "svg.fonttype": "none",
            "font.size": 9,
            "axes.edgecolor": GREY,
            "xtick.color": GREY,
            "ytick.color": GREY,
        }
    ):
        figure = Figure(figsize=(7.6, 0.6 + 0.34 * max(1, len(verdicts))), layout="constrained")
        axes = figure.add_subplot()
        for edge in (-3, 3):
            axes.axvline(edge, color=GREY, linewidth=0.8, linestyle="--")
        axes.axvline(0, color=GREY, linewidth=0.8)
        for row, one in enumerate(verdicts):
            colour = BROKEN if one.broken else KEPT
            own = [r.pull for r in recoveries if r.quantity == one.quantity and isfinite(r.pull)]
            pulls = np.clip(np.array(own), -REACH, REACH)
            heights = row + 0.25 * np.linspace(-1, 1, len(pulls)) if len(pulls) else pulls
            outside = np.abs(own) > REACH if len(pulls) else np.zeros(0, dtype=bool)
            axes.plot(pulls[~outside], heights[~outside], ".", color=colour, markersize=3)
            for pull, height in zip(pulls[outside], heights[outside], strict=True):
                marker = ">" if pull > 0 else "<"
                axes.plot(pull, height, marker, color=BROKEN, markersize=4, clip_on=False)
            if len(pulls):
                rms = one.pulls.rms
                axes.plot([-rms, rms], [row, row], color=colour, linewidth=2.5, alpha=0.5)
        axes.set_yticks(range(len(verdicts)), [one.quantity for one in verdicts])
        axes.set_ylim(len(verdicts) - 0.5, -0.5)
        axes.set_xlim(-REACH, REACH)
        axes.set_xlabel("pull, (recovered − truth) / σ; bar: ± rms")
        drawn = StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None}, transparent=True)
    text = drawn.getvalue()
    start = text.index("<metadata>")
    told = f"<title>Pulls by quantity</title>\n <desc>{_described(verdicts)}</desc>\n "
    return text[:start] + told + DARK + text[start:]


def _described(verdicts: Sequence[QuantityVerdict]) -> str:
    rows = [f"{one.quantity}: rms {one.pulls.rms:.2f} of {one.pulls.count}" for one in verdicts]
    return "For each quantity a row of points between -6 and 6 sigma. " + "; ".join(rows) + "."
