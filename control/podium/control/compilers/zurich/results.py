"""Finds when generators receive results, of their analyser or of other controllers, and as what.

A readout's word has a couple of bits for each integrator; it is there some time after the
integration (zhinst-timing-models), until that of the next readout comes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import Guard
from podium.control.compilers.placing import PlacedFrame, PlacedPulse
from podium.control.compilers.points import IntArray
from podium.control.compilers.zurich.result_lines import LevelAvailability
from podium.control.program.conditions import Condition
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.zurich.latency import SHORTEST_READOUT, Route, feedback_cycles

CYCLE = 8
"""Samples in a cycle of the sequencer."""
COUPLE = 2
"""Bits of a word for each integrator."""
RESULTS_MAX = 5
"""Results on which one waveform may hang: each way has a row of the command table."""
LEAST_DELAY_FS = 320 * FS_PER_NS
"""From the end of a readout's last window to what depends on one of its results: always enough.
For each further result of the same readout it takes up to 40 ns more."""


@dataclass(frozen=True, slots=True, eq=False)
class ResultAvailability:
    """One capture, as generators of the same instrument hear of it; arrays broadcast to points."""

    begins: IntArray
    """Of its readout, in samples from the shot's start."""
    first: int
    """Samples from the trigger to the first shot, in the analyser."""
    slot: IntArray
    """Its integrator."""
    duration: int
    """Samples from the readout's start to the end of the integration."""
    tells: bool
    """Whether it has a discriminator."""

    def heard(self, zsync: bool, first: int) -> IntArray:
        """Return when its word can be read, in samples from the shot's start in a generator.

        ``first``: samples from the trigger to the first shot there.
        """
        if self.duration < SHORTEST_READOUT:
            raise DoesNotFit(
                f"a readout of {self.duration / 2:g} ns: results take {SHORTEST_READOUT / 2:g} ns "
                "from its start to the end of the integration, or more"
            )
        route = Route.INTERNAL_ZSYNC if zsync else Route.INTERNAL
        latency = CYCLE * feedback_cycles(route, self.duration)
        return np.asarray(self.begins + self.first - first + latency)


@dataclass(frozen=True, slots=True, eq=False)
class CoreFeedback:
    """Holds the results that a core receives from its analyser; arrays broadcast to the points."""

    times: Mapping[str, IntArray] = field(default_factory=dict)
    """By capture: when its result can be read, in samples from the shot's start."""
    slots: Mapping[str, IntArray] = field(default_factory=dict)
    """By capture of an analyser on which something depends: its integrator, or its place among
    those that a PQSC sends."""
    levels: Mapping[str, IntArray] = field(default_factory=dict)
    """By capture elsewhere on which something depends: until when its level can be read."""
    latest: Collection[str] = ()
    """Those of ``levels`` that are read as late as what depends on them allows."""
    forwarded: Collection[str] = ()
    """Those of ``times`` that a PQSC sends."""
    channel: int | None = None
    """Of the trigger input whose level is read; None: none is."""

    @property
    def acts(self) -> bool:
        """Return whether something depends on a result."""
        return bool(self.slots or self.levels)


def results_in(guards: Iterable[Guard]) -> tuple[str, ...]:
    """Return the captures that guards look at, each once."""
    named = (one.capture for guard in guards for term in guard for one in term.results)
    return tuple(dict.fromkeys(named))


def guards_of(pulse: PlacedPulse) -> list[Guard]:
    """Return all that a pulse depends on: whether it happens, and with which phase."""
    return [pulse.guard, *(one.guard for one in pulse.turned)]


def results_of(frames: Iterable[PlacedFrame]) -> tuple[str, ...]:
    """Return the captures on which pulses of frames depend, each once."""
    return results_in(g for one in frames for pulse in one.pulses for g in guards_of(pulse))


def met(guard: Guard, results: Mapping[str, int]) -> bool:
    """Return whether something happens where results are these."""
    return all(
        Condition(tuple(one.capture for one in term.results), term.operation).met(results)
        for term in guard
    )


def ways(names: Sequence[str]) -> list[dict[str, int]]:
    """Return all that results can be; the first name is the highest bit of the index."""
    count = len(names)
    return [
        {name: way >> (count - 1 - k) & 1 for k, name in enumerate(names)}
        for way in range(1 << count)
    ]


def refuse_branches(frames: Iterable[PlacedFrame], why: str) -> None:
    """Raise :class:`DoesNotFit` where something on ``frames`` depends on what is measured."""
    for one in frames:
        name = one.frame.name
        for pulse in one.pulses:
            if pulse.guard or pulse.turned:
                raise DoesNotFit(f"{name}: statement {pulse.statement} (Play) {why}")
        for window in one.windows:
            if window.guard or one.turned:
                raise DoesNotFit(f"{name}: statement {window.statement} (Capture) {why}")


def core_feedback(
    frames: Iterable[PlacedFrame],
    told: Mapping[str, ResultAvailability],
    model: str,
    zsync: bool,
    first: int,
    levels: Mapping[str, LevelAvailability] = MappingProxyType({}),
    forwarded: Mapping[str, IntArray] = MappingProxyType({}),
    positions: Mapping[str, IntArray] = MappingProxyType({}),
) -> CoreFeedback:
    """Return what a core hears on whose ``frames`` something may depend on results.

    ``first``: samples from the trigger to its first shot; ``levels``: results of other
    controllers, ``forwarded``: when those of other instruments behind a PQSC can be read, and
    ``positions``: where they are in its messages, all by capture.

    Raises :class:`DoesNotFit` where they do not come here.
    """
    frames = tuple(frames)
    names = results_of(frames)
    if not names:
        return CoreFeedback()
    where = ", ".join(one.frame.name for one in frames)
    for name in names:
        if name in levels and model.startswith("HDAWG"):
            raise DoesNotFit(
                f"{where}: something depends on the result of {name!r}, which another controller "
                "measures; such results are read by signal generators, and this is an HDAWG"
            )
        if name not in told and name not in levels and name not in positions:
            of = "an SHFQC that reads nothing out" if model == "SHFQC" else f"an {model}"
            raise DoesNotFit(
                f"{where}: something depends on the result of {name!r}; results reach the signal "
                "generators of the SHFQC that has measured them, and over a PQSC that starts both "
                f"those of other instruments; this is {of}"
            )
    read = {name: levels[name] for name in names if name in levels}
    lines = {one.line: one.channel for one in read.values()}
    if len(lines) > 1:
        raise DoesNotFit(
            f"{where}: what is played there depends on results of {' and '.join(lines)}; a "
            "generator reads the level of one input: let it depend on one of them"
        )
    times = {name: one.heard(zsync, first) for name, one in told.items()}
    sent = {name: positions[name] for name in names if name in positions}
    own = {name: told[name].slot for name in names if name not in read and name not in sent}
    return CoreFeedback(
        {**times, **forwarded, **{name: one.up for name, one in read.items()}},
        own | sent,
        {name: one.down for name, one in read.items()},
        frozenset(name for name, one in read.items() if one.latest),
        frozenset(forwarded),
        next(iter(lines.values()), None),
    )
