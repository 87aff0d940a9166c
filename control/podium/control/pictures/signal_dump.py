"""A view of one shot becomes a value change dump for wave viewers."""

from collections.abc import Iterator, Sequence

from podium.control.pictures.view import Lane, View
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.value_change_dump import DumpedSignal, dump


def dump_view(view: View, comments: Sequence[str] = ()) -> str:
    """Return the dump of a shot: time 0 is its start, 1.0 the full scale of a port.

    By connector and frame: ``i`` and ``q`` about the frame's carrier, ``carrier_hz``, ``on`` while
    a pulse plays, ``switch`` where it is known, and a wire for each capture.
    """
    signals = [one for lane in view.lanes for one in _signals(lane, view.duration_ns)]
    return "".join(dump(signals, [view.title, *filter(None, comments)]))


def _signals(lane: Lane, duration_ns: int) -> Iterator[DumpedSignal]:
    scope = (lane.connector or lane.port, lane.frame)
    at_ns: list[int] = []
    samples: list[complex] = []
    spans: list[tuple[int, int]] = []
    for one in sorted(lane.stretches, key=lambda stretch: stretch.start_ns):
        if one.end_ns <= 0:
            continue
        begin_ns = max(0, one.start_ns)  # one of the shot before may still play
        while at_ns and at_ns[-1] >= begin_ns:  # what begins cuts off what would end
            at_ns.pop()
            samples.pop()
        at_ns += [*range(begin_ns, one.end_ns), one.end_ns]
        samples += [*one.samples[begin_ns - one.start_ns :].tolist(), 0j]
        spans.append((begin_ns, one.end_ns))
    at_fs = [FS_PER_NS * ns for ns in at_ns]
    yield DumpedSignal(scope, "i", "real", at_fs, [one.real for one in samples])
    yield DumpedSignal(scope, "q", "real", at_fs, [one.imag for one in samples])
    tuned = [(FS_PER_NS * max(0, one.since_ns), one.frequency_hz) for one in lane.tunings]
    yield DumpedSignal(
        scope, "carrier_hz", "real", [at for at, _ in tuned], [hz for _, hz in tuned]
    )
    yield _wire(scope, "on", spans)
    if lane.switch is not None:
        yield _wire(scope, "switch", [(b, e) for b, e in lane.switch if b < duration_ns])
    for name in dict.fromkeys(one.name for one in lane.openings):
        mine = [(one.start_ns, one.end_ns) for one in lane.openings if one.name == name]
        yield _wire(scope, f"capture_{name}", mine)


def _wire(scope: tuple[str, ...], name: str, spans: Sequence[tuple[int, int]]) -> DumpedSignal:
    """Return a wire that is 1 within spans (ns); those that touch are one."""
    at_fs: list[int] = []
    values: list[float] = []
    for begin_ns, end_ns in sorted((max(0, begin), end) for begin, end in spans):
        if at_fs and at_fs[-1] >= FS_PER_NS * begin_ns:
            end_ns = max(end_ns, at_fs.pop() // FS_PER_NS)
            values.pop()
        else:
            at_fs.append(FS_PER_NS * begin_ns)
            values.append(1.0)
        at_fs.append(FS_PER_NS * end_ns)
        values.append(0.0)
    return DumpedSignal(scope, name, "wire", at_fs, values)
