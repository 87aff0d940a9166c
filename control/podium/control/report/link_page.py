"""Writes the report's section about a quantum link: the pair's density matrix, and its figures."""

from collections.abc import Iterator
from html import escape

import numpy as np
from numpy.typing import NDArray

from podium.control.parameters.quantities import alone, told
from podium.control.report.link_story import ALLOWED, BASIS, LinkStory

Headline = tuple[str, str, bool]
"""A number, what it is, and whether it is bad."""
TITLES = {
    "absorption": "of the photon that arrives",
    "transfer": "of f that comes to f",
    "bell_fidelity": "of the pair with Ψ+",
    "bell_concurrence": "concurrence of the pair",
    "chsh_s": "largest S of any axes on it",
}
CELL, EDGE = 54, 30
"""Sides of a cell and of the margin with the states' names, in units of the drawing."""


def headlines(link: LinkStory) -> Iterator[Headline]:
    """Return what stands at the top of the page."""
    fidelity = link.measured("bell_fidelity")
    best = link.allowed("bell_fidelity")
    if fidelity is None:
        yield "no pair", f"over {link.link}", True
        return
    beside = "" if best is None else f"; the world allows {best:.3f}"
    yield f"{fidelity.value:.3f}", f"Bell fidelity over {link.link}{beside}", False
    s = link.measured("chsh_s")
    if s is not None:
        yield f"{s.value:.2f}", "largest CHSH S of that state; local models reach 2", False


def sections(link: LinkStory) -> Iterator[str]:
    """Return the section; what was not found is left out."""
    if not link.found:
        return
    first, second = link.ends
    yield '<section id="link">'
    yield f"<h2>A pair over {escape(link.link)}</h2>"
    yield (
        f"<p>A photon leaves {escape(first)} and is caught by {escape(second)}; half of it is "
        "sent, so that both share one excitation. Its state is the likeliest for what nine pairs "
        f"of axes show. {escape(link.corrected[:1].upper() + link.corrected[1:])}.</p>"
        if link.corrected
        else f"<p>A photon leaves {escape(first)} and is caught by {escape(second)}.</p>"
    )
    if link.skew:
        yield f'<p class="fine">{escape(link.skew)}</p>'
    if link.state is not None:
        yield '<div class="panels pair">'
        for part, title in ((link.state.real, "real part"), (link.state.imag, "imaginary part")):
            yield (
                f'<figure class="panel"><figcaption><b>Density matrix</b> {title}, '
                f"{escape(first)} first</figcaption>{matrix_svg(part, title)}</figure>"
            )
        yield "</div>"
    yield from _figures(link)
    yield from _parts(link)
    yield "</section>"


def matrix_svg(part: NDArray[np.float64], title: str) -> str:
    """Return one part (4, 4) of a density matrix as ``<svg>``: numbers, and squares behind them.

    A square's area is the element's size, its colour the sign.
    """
    size = EDGE + CELL * len(BASIS)
    lines = [
        f'<svg viewBox="0 0 {size + 6} {size + 6}" role="img" '
        f'aria-label="density matrix, {escape(title)}" font-size="12" '
        'style="max-width:24rem;margin:0 auto">'
    ]
    for k, name in enumerate(BASIS):
        middle = EDGE + CELL * (k + 0.5)
        lines.append(_text(middle, EDGE - 9, name, "var(--faint)"))
        lines.append(_text(EDGE / 2, middle + 4, name, "var(--faint)"))
    for row in range(len(BASIS)):
        for column in range(len(BASIS)):
            lines += _cell(row, column, float(part[row, column]))
    lines.append("</svg>")
    return "".join(lines)


def _cell(row: int, column: int, value: float) -> Iterator[str]:
    x, y = EDGE + CELL * column, EDGE + CELL * row
    yield (
        f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="none" stroke="var(--line)"/>'
    )
    side = (CELL - 4) * min(1.0, abs(value) / 0.5) ** 0.5
    colour = "var(--series-0)" if value >= 0 else "var(--series-1)"
    inset = (CELL - side) / 2
    yield (
        f'<rect x="{x + inset:.1f}" y="{y + inset:.1f}" width="{side:.1f}" height="{side:.1f}" '
        f'fill="{colour}" fill-opacity="0.45"/>'
    )
    yield _text(x + CELL / 2, y + CELL / 2 + 4, f"{value:+.3f}".replace("-", "−"), "var(--ink)")


def _text(x: float, y: float, text: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" fill="{colour}">{text}</text>'


def _figures(link: LinkStory) -> Iterator[str]:
    yield '<div class="wide"><table class="truths"><thead><tr>'
    yield "<th>figure</th><th>found ± σ</th><th>the world allows</th></tr></thead><tbody>"
    for quantity in ALLOWED:
        one, best = link.measured(quantity), link.allowed(quantity)
        if one is None and best is None:
            continue
        found = "–" if one is None else told(one.value, one.sigma, "1")
        yield f"<tr{'' if one else ' class=lost'}><th><code>{quantity}</code>"
        yield f"<span>{TITLES[quantity]}</span></th><td>{found}</td>"
        yield f"<td>{'–' if best is None else f'{best:.4f}'}</td></tr>"
    yield "</tbody></table></div>"
    yield (
        '<p class="fine">What the world allows: the best sech photon, its width, its pulses’ '
        "length and its delay free for each figure by itself, with pulses on the qubits that take "
        "no time, and without jitter of clocks.</p>"
    )


def _parts(link: LinkStory) -> Iterator[str]:
    rows = link.hidden()
    if not rows:
        return
    yield "<h3>The link, and the hidden truth</h3>"
    yield '<div class="wide"><table class="truths"><thead><tr><th>parameter</th>'
    yield "<th>found ± σ</th><th>truth</th><th>(found − truth) / σ</th></tr></thead><tbody>"
    for name, one, truth in rows:
        pull = (one.value - truth.value) / one.sigma if one.sigma > 0 else 0.0
        yield f"<tr><th><code>{escape(name)}</code></th>"
        yield f"<td>{escape(told(one.value, one.sigma, one.unit))}</td>"
        yield f"<td>{escape(alone(truth.value, truth.unit, like=one.sigma))}</td>"
        yield f"<td>{pull:+.2f}</td></tr>"
    yield "</tbody></table></div>"
