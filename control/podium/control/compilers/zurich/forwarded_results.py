"""Results that a PQSC forwards from analysers of one instrument to generators of others.

A readout says into which register of the PQSC's bank its results go. Whenever one is written, the
PQSC sends what its nodes name of the bank to each port (PQSC user manual, "Feedback"); a generator
of an SHFQC or SHFSG, or a core of an HDAWG, reads the message as it reads its own analyser's word.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.placing import PlacedFrame
from podium.control.compilers.points import IntArray
from podium.control.compilers.zurich.results import CYCLE, ResultAvailability, results_of
from podium.control.compilers.zurich.target import ZurichTarget
from podium.firmware_interfaces.zurich.latency import SHORTEST_READOUT, Route, feedback_cycles
from podium.firmware_interfaces.zurich.limits import (
    FORWARDED_RESULTS,
    REGISTERS_OF_AN_INSTRUMENT,
)
from podium.firmware_interfaces.zurich.program import Core, ForwardedBit

_ROUTES: dict[Core, Route] = {"sg": Route.SG_REGISTER, "hdawg": Route.HDAWG_REGISTER}
_PERIOD = 200
"""Samples in which the vendor's measured latencies repeat (``latency``)."""


@dataclass(frozen=True, slots=True, eq=False)
class ForwardedResults:
    """The results that generators of one instrument receive from other instruments."""

    told: Mapping[str, ResultAvailability] = field(default_factory=dict)
    """By capture of an analyser whose results come here."""
    positions: Mapping[str, IntArray] = field(default_factory=dict)
    """By capture on which something here depends: its place in messages."""
    bits: tuple[ForwardedBit, ...] = ()
    """What the PQSC is to send here."""

    def heard(self, kind: Core, first: int) -> dict[str, IntArray]:
        """Return when results can be read, in samples from a generator's shot start, by capture.

        ``first``: samples from the trigger to the first shot there.
        """
        if not self.told:
            return {}
        latest = forwarded_samples(_ROUTES[kind])
        return {
            name: np.asarray(one.begins + one.first + one.duration + latest - first)
            for name, one in self.told.items()
        }


NOTHING = ForwardedResults()
"""Comes from other instruments."""


@cache
def forwarded_samples(route: Route) -> int:
    """Return by how much later than its integration ends a result can be read, at most.

    It depends on how long after the trigger that is, by some cycles.
    """
    ends = range(SHORTEST_READOUT, SHORTEST_READOUT + 10 * _PERIOD)
    return max(CYCLE * feedback_cycles(route, end) - end for end in ends)


def forwarded_results(
    frames: Sequence[PlacedFrame],
    targets: Sequence[ZurichTarget],
    availability: Callable[[ZurichTarget], Mapping[int, Mapping[str, ResultAvailability]]],
) -> dict[str, ForwardedResults]:
    """Return by instrument what it receives from others of ``targets``; those that do alone.

    ``availability``: compiles the analysers of an instrument, and returns by channel what their
    captures are heard as. Raises :class:`DoesNotFit`.
    """
    home = {port: one.instrument for one in targets for port in one.ports}
    measured = {
        window.name: home[one.frame.port]
        for one in frames
        if one.frame.port in home
        for window in one.windows
    }
    compiled: dict[str, Mapping[int, Mapping[str, ResultAvailability]]] = {}
    found: dict[str, ForwardedResults] = {}
    for target in targets:
        here = [one for one in frames if one.frame.port in target.ports]
        asked = [
            name
            for name in results_of(here)
            if measured.get(name, target.instrument) != target.instrument
        ]
        sources = {measured[name] for name in asked}
        for source in targets:
            if source.instrument in sources and source.instrument not in compiled:
                compiled[source.instrument] = availability(source)
        if asked:
            found[target.instrument] = _received(target, asked, targets, compiled)
    return found


def _received(
    target: ZurichTarget,
    asked: Sequence[str],
    targets: Sequence[ZurichTarget],
    compiled: Mapping[str, Mapping[int, Mapping[str, ResultAvailability]]],
) -> ForwardedResults:
    told: dict[str, ResultAvailability] = {}
    places: dict[tuple[int, int], int] = {}
    positions: dict[str, IntArray] = {}
    for source in targets:
        for channel, captures in compiled.get(source.instrument, {}).items():
            mine = [name for name in asked if name in captures]
            told |= captures if mine else {}
            register = register_of(source, channel)
            for name in mine:
                slots = captures[name].slot
                number = {
                    slot: places.setdefault((register, slot), len(places))
                    for slot in np.unique(slots).tolist()
                }
                positions[name] = np.vectorize(number.__getitem__, otypes=[np.int64])(slots)
    if len(places) > FORWARDED_RESULTS:
        raise DoesNotFit(
            f"{target.instrument}: what it plays depends on results of other instruments "
            f"({', '.join(asked)}) that {len(places)} integrators measure, and a PQSC sends those "
            f"of {FORWARDED_RESULTS}; a place on the grid of 16 samples takes one each: let shots "
            "be a multiple of 8 ns, or sweep fewer points at once"
        )
    bits = tuple(ForwardedBit(at, register, slot) for (register, slot), at in places.items())
    return ForwardedResults(told, positions, bits)


def register_of(target: ZurichTarget, channel: int) -> int:
    """Return the register of a PQSC's bank into which a channel's results go."""
    return REGISTERS_OF_AN_INSTRUMENT * target.analyser + channel
