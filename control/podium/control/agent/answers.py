"""Builds an agent's answers about a run: what was rounded, and what was measured."""

from collections.abc import Mapping

from podium.control.bus.messages import CaptureData, Rounding, Roundings
from podium.control.bus.streams import ProgramDuration
from podium.drivers.roles import Acquired
from podium.firmware_interfaces.compiled import Artifact


def quantised(artifacts: Mapping[str, Artifact]) -> Roundings:
    """Return what the compiler has rounded."""
    return tuple(
        Rounding(
            one.what,
            one.unit,
            one.step,
            len(one.asked),
            max(abs(g - a) for g, a in zip(one.got, one.asked, strict=True)),
        )
        for part in artifacts.values()
        for one in part.quantised
        if one.got != one.asked
    )


def duration_fs(artifacts: Mapping[str, Artifact]) -> int:
    """Return how long the longest of them plays."""
    return max((one.duration_fs for one in artifacts.values()), default=0)


def lasts(artifacts: Mapping[str, Artifact]) -> ProgramDuration:
    """Return how long they play; it may take its time: call it off the loop."""
    return ProgramDuration(duration_fs(artifacts), quantised(artifacts))


def capture_data(one: Acquired) -> CaptureData:
    """Return what one capture brought back, as it goes over the bus."""
    trace = one.trace
    return CaptureData(
        one.i,
        one.q,
        one.counts,
        None if trace is None else trace.real,
        None if trace is None else trace.imag,
        one.out_of_range,
        one.results,
    )
