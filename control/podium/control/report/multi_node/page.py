"""Writes the report's sections about what nodes did together."""

from collections.abc import Iterator
from html import escape

from podium.control.report.multi_node.story import (
    FS_PER_PS,
    SKEW_FLOOR_FS,
    FaultRecord,
    MultiNodeStory,
    Pictures,
)
from podium.control.report.multi_node.tagged_starts import Spread
from podium.firmware_interfaces.exact_time import FS_PER_NS

Headline = tuple[str, str, bool]
"""A number, what it is, and whether it is bad."""


def headlines(together: MultiNodeStory) -> Iterator[Headline]:
    """Return what stands at the top of the page."""
    rms_fs = together.worst_rms_fs()
    if rms_fs is not None:
        bad = not rms_fs < SKEW_FLOOR_FS
        yield f"{rms_fs / FS_PER_PS:.0f} ps", "rms between the nodes' starts, calibrated", bad
    if together.fault is not None:
        yield f"{together.fault.back_s:.1f} s", f"until {together.fault.node} was back", False


def sections(together: MultiNodeStory, pictures: Pictures) -> Iterator[str]:
    """Return the sections; what did not happen is left out."""
    if pictures.edges or pictures.left:
        yield from _start(together, pictures)
    if together.fault is not None:
        yield from _fault(together, together.fault, pictures)


def _start(together: MultiNodeStory, pictures: Pictures) -> Iterator[str]:
    reference = together.nodes[0]
    yield '<section id="one-start"><h2>One start on all nodes</h2>'
    yield (
        f"<p>Each node raises a marker in every start, and one time tagger sees them all. Cables "
        f"are taken off; what is left is the skew against {escape(reference)}. Programs are held "
        "back by whole ticks of 1 ns, which markers follow; the rest is taken out in the "
        "waveforms, which begin between two ticks.</p>"
    )
    yield '<div class="panels pair">'
    for svg, title, text in (
        (pictures.edges, "Edges on the tagger", "A row for each start. Rings: the waveforms."),
        (pictures.left, "What calibration leaves", "The band is what is known of the cables."),
    ):
        if svg:
            yield f'<figure class="panel"><figcaption><b>{title}</b> {text}</figcaption>{svg}'
            yield "</figure>"
    yield "</div>"
    yield '<div class="wide"><table><thead><tr>'
    yield "<th>skew</th><th>seen by</th><th>mean</th><th>rms</th><th>at most</th><th>starts</th>"
    yield "</tr></thead><tbody>"
    for node in together.others:
        for when, corrected in (("as wired", False), ("calibrated", True)):
            for by, spread in (
                ("the tagger", together.tagged(node, corrected=corrected)),
                ("the world", together.true(node, corrected=corrected)),
            ):
                yield f"<tr><th>{escape(node)}, {when}</th>{_told(by, spread)}</tr>"
    yield "</tbody></table></div>"
    yield f'<p class="fine">{escape(_how(together))}</p></section>'


def _how(together: MultiNodeStory) -> str:
    told = []
    if together.found is not None:
        found = together.found
        shots = found.starts * found.pulses
        told.append(
            f"calibrated by {found.starts} starts, {shots} pulses of each marker, "
            f"{found.lab_s:.1f} s in the laboratory"
        )
    for node, sigma_fs in together.sigmas_fs.items():
        told.append(f"{node}: σ {sigma_fs / FS_PER_PS:.0f} ps, most of it the cables")
    lost = together.repeated + (0 if together.found is None else together.found.repeated)
    if lost:
        told.append(f"{lost} starts came late and were made again")
    if together.runs:
        told.append(f"programs on all nodes: {', '.join(together.runs)}")
    return " · ".join(told)


def _told(by: str, spread: Spread | None) -> str:
    """Return the cells of a row."""
    if spread is None:
        return f"<td>{by}</td><td>–</td><td>–</td><td>–</td><td>0</td>"
    mean = f"{'−' if spread.mean_fs < 0 else '+'}{_ps(abs(spread.mean_fs))}"
    cells = (by, mean, _ps(spread.rms_fs), _ps(spread.furthest_fs), str(spread.starts))
    return "".join(f"<td>{cell}</td>" for cell in cells)


def _ps(fs: float) -> str:
    return f"{fs / FS_PER_PS:.0f} ps" if fs < FS_PER_NS else f"{fs / FS_PER_NS:.3f} ns"


def _fault(together: MultiNodeStory, fault: FaultRecord, pictures: Pictures) -> Iterator[str]:
    yield '<section id="fault"><h2>A node dies, the others go on</h2>'
    others = ", ".join(dict.fromkeys(one.node for one in fault.runs)) or "the others"
    done = fault.meanwhile
    whole = sum(one.complete for one in done)
    yield (
        f"<p>The process that owns the instruments of {escape(fault.node)} was killed "
        f"(SIGKILL, process {fault.pid}) while all nodes measured. It was noticed after "
        f"{fault.noticed_s:.2f} s. {escape(others)} finished {len(done)} runs meanwhile, "
        f"{whole} of them complete. The process was started again, and {escape(fault.node)} had "
        f"its instruments back after {fault.back_s:.1f} s."
    )
    if together.again:
        yield f" Then all started together again, {len(together.again)} times, with the same skew."
    yield "</p>"
    yield f'<figure class="panel line">{pictures.fault}</figure>'
    if fault.reason:
        yield f'<p class="fine">Its own run failed: {escape(fault.reason)}</p>'
    yield "</section>"
