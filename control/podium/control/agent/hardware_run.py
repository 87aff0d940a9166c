"""Holds a run that an agent has loaded, and encodes its start and its data."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.agent.compiled_programs import CompiledPart, roundings_of
from podium.control.bus.messages import CaptureData, Played, RunId, TagData, Time
from podium.control.bus.wire import encode
from podium.control.families.start_wiring import StartWiring
from podium.control.runs.messages import CAPTURE, Start, StartPlan
from podium.control.timebase.epochs import Epochs
from podium.drivers.roles import Acquired
from podium.firmware_interfaces.compiled_program import Artifact
from podium.firmware_interfaces.tai import Tai

NO_EPOCHS = Epochs(())
EPOCH = Tai(0, 0)
NOTHING = CompiledPart()


@dataclass(slots=True, eq=False)
class HardwareRun:
    """The run in hand; none of its parts before it is loaded."""

    run: RunId
    plan: StartPlan
    part: CompiledPart = NOTHING
    epochs: Epochs = NO_EPOCHS
    latest: Epochs = NO_EPOCHS
    read_s: float = 0.0
    now: Tai = EPOCH
    """The time as read last, and when it was there: monotonic wall time."""
    started: bool | None = False
    """Whether it has begun: at once, or as controllers said when they were disarmed, of which some
    may be safe before others answer. None: not known."""

    @property
    def artifacts(self) -> Mapping[str, Artifact]:
        """Return what each controller plays, by its name."""
        return self.part.artifacts

    @property
    def wirings(self) -> tuple[StartWiring, ...]:
        """Return by what each of them is started."""
        return self.part.wirings

    @property
    def planes(self) -> tuple[str, ...]:
        """Return the trigger planes that do it."""
        return tuple(dict.fromkeys(one.plane for one in self.wirings))

    @property
    def after_fs(self) -> int:
        """Return the offset of the report's start from T0: the first controller's."""
        return self.wirings[0].start_after_fs


def start_of(hand: HardwareRun, t0: Tai, starts: Mapping[str, Tai]) -> Start:
    """Return the start that is furthest from where it may be, as if it were the first controller's.

    The verdict allows half of its resolution to either side.
    """
    off_fs = [starts[one.controller] - t0 - one.start_after_fs for one in hand.wirings]
    pairs = zip(off_fs, (one.resolution_fs for one in hand.wirings), strict=True)
    worst_fs, width_fs = max(pairs, key=lambda one: abs(one[0]) - one[1] // 2)
    return Start(Tai.from_fs(t0.total_fs + hand.after_fs + worst_fs), width_fs, CAPTURE)


def played_by(
    hand: HardwareRun,
    t0: Tai,
    epochs: Epochs,
    starts: Mapping[str, Tai],
    data: Mapping[str, Acquired],
    tags: Mapping[str, TagData],
) -> bytes:
    """Return what all this has brought back, as it goes over the bus; ``starts``: by controller."""
    return encode(
        Played(
            hand.part.program_hash,
            time_of(t0),
            dict(epochs.numbers),
            roundings_of(hand.artifacts),
            {name: capture_data(one) for name, one in data.items()},
            {name: time_of(at) for name, at in starts.items()},
            dict(tags),
            {
                one.controller: one.begins_after_fs + hand.artifacts[one.controller].first_shot_fs
                for one in hand.wirings
            },
        )
    )


def time_of(at: Tai) -> Time:
    """Return a time as it goes over the bus."""
    return Time(at.seconds, at.femtoseconds)


def _counts(counts: NDArray[np.int64]) -> NDArray[np.int64] | int:
    """Return counts that are all the same as one number: so they mostly are."""
    first = int(counts.flat[0]) if counts.size else 0
    return first if np.all(counts == first) else counts


def capture_data(one: Acquired) -> CaptureData:
    """Return what one capture brought back, as it goes over the bus."""
    trace = one.trace
    return CaptureData(
        one.i,
        one.q,
        _counts(one.counts),
        None if trace is None else trace.real,
        None if trace is None else trace.imag,
        one.out_of_range,
        one.results,
        one.clicks,
    )
