"""Tabulates the events of a shot for a terminal: time, port, what."""

from collections.abc import Iterator, Sequence

from podium.control.pictures.differences import Difference
from podium.control.pictures.time_axis import say_time
from podium.control.pictures.view import Lane, Opening, Stretch, View

Row = tuple[str, str, str, str]
HEAD: Row = ("ns", "port", "frame", "what")


def table(view: View, differences: Sequence[Difference] = ()) -> str:
    """Return one line for each event of ``view`` in the order of time, columns under each other.

    Times are ns from the start of the shot. Differences stand among the events, with an exclamation
    mark.
    """
    ports = {lane.frame: lane.port for lane in view.lanes}
    rows = [row for lane in view.lanes for row in _rows(lane)]
    rows += [
        (one.start_ns, ports.get(one.frame, ""), one.frame, f"! {one.what}") for one in differences
    ]
    rows.append((view.duration_ns, "", "", "the shot ends"))
    rows.sort(key=lambda row: row[0])
    return columns([HEAD, *((str(time), *rest) for time, *rest in rows)])


def columns(rows: Sequence[Sequence[str]], right: int = 1) -> str:
    """Return rows with their columns under each other; the first ``right`` are set to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(
            f"{cell:>{width}}" if k < right else f"{cell:{width}}"
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        + "\n"
        for row in rows
    )


def _rows(lane: Lane) -> Iterator[tuple[int, str, str, str]]:
    for tuning in lane.tunings[1:]:
        what = f"carrier {tuning.frequency_hz:.12g} Hz"
        yield tuning.since_ns, lane.port, lane.frame, what
    for one in lane.stretches:
        yield one.start_ns, lane.port, lane.frame, _played(one)
    for window in lane.openings:
        yield window.start_ns, lane.port, lane.frame, _opens(window)
    for begin_ns, end_ns in lane.switch or ():
        what = f"switch closed for {say_time(end_ns - begin_ns)}"
        yield begin_ns, lane.port, lane.frame, what


def _played(one: Stretch) -> str:
    degrees = (one.turns + 0.5) % 1 * 360 - 180
    by = "" if one.statement is None else f"  [{one.statement}]"
    when = f"if {one.condition}: " if one.condition else ""
    return (
        f"{when}play {one.name}, {one.peak:.6g} of full scale, {degrees:+.4f} degrees, "
        f"{one.frequency_hz:.12g} Hz{by}"
    )


def _opens(one: Opening) -> str:
    by = "" if one.statement is None else f"  [{one.statement}]"
    into = "" if one.bin is None else f", into bin {one.bin}"
    span = say_time(one.duration_ns)
    when = f"if {one.condition}: " if one.condition else ""
    return f"{when}capture {one.name} for {span} at {one.frequency_hz:.12g} Hz{into}{by}"
