"""Which bits of whose results generators read, and when they are there: of a run on its tree.

Behind a PQSC a result is there some cycles earlier or later, as the vendor has measured, with the
instant of its readout. A tree takes each for as late as the latest: where a generator reads between
the two it does not do what was walked, and the run is played as it comes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from podium.sim_instruments.execution.firmware import CannotBranch
from podium.sim_instruments.twins.zurich.pqsc.register_bank import Port
from podium.sim_instruments.twins.zurich.quantum_analyzer.results import COUPLE
from podium.sim_instruments.twins.zurich.runs.generator_ways import GeneratorWays
from podium.sim_instruments.twins.zurich.runs.result_routes import ResultRoutes
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source

_UNITS: Final = 16
"""Integrators of one analyser, at most."""
_DECODED: Final = 0xFF
"""The bits of a message that a PQSC has looked up."""
_PAIR: Final = (1 << COUPLE) - 1


@dataclass(frozen=True, slots=True)
class LiveRoute:
    """The route of an analyser's results to a generator that reads some of them."""

    reader: int
    generator: int
    late_fs: int
    """By so much later than within the analyser's own instrument."""
    port: Port | None
    """Of the PQSC; None: within the instrument."""
    read: int
    """A mask of the bits of a word that the generator reads."""

    @property
    def source(self) -> Source:
        """Return as what the generator hears the results."""
        return Source.QA if self.port is None else Source.FORWARDED

    def hears(self, register: int) -> bool:
        """Tell whether a word comes of a readout whose results go into a register of the bank."""
        return self.port is None or self.port.hears(register)

    def shown(self, register: int, bits: int) -> int:
        """Return a mask of the integrators whose results in a register some bits of a word show."""
        if self.port is None:
            return _mask(unit for unit in range(_UNITS) if bits >> COUPLE * unit & _PAIR)
        if self.port.decoder is not None:
            named = self.port.decoder.bits if bits else ()
            return _mask(one.index // COUPLE for one in named if one.register == register)
        return _mask(
            one.index
            for one in self.port.sources
            if one.register == register and bits >> COUPLE * one.position & _PAIR
        )

    def message(self, bank: list[int], undecided: list[int]) -> tuple[int, int]:
        """Return the bits of a PQSC's message, and which of them are undecided.

        ``undecided``: bits of the bank.
        """
        if self.port is None:
            raise ValueError("no PQSC is on this route")
        decoder = self.port.decoder
        if decoder is None:
            return self.port.word(bank), self.port.word(undecided)
        doubts = any(undecided[one.register] >> one.index & 1 for one in decoder.bits)
        return self.port.word(bank), _DECODED if doubts else 0


def _mask(numbers: Iterable[int]) -> int:
    return reduce(or_, (1 << one for one in numbers), 0)


def couples_of(units: int) -> int:
    """Return the bits that integrators have in a word or a register; ``units``: a mask of them."""
    return reduce(or_, (_PAIR << COUPLE * k for k in range(_UNITS) if units >> k & 1), 0)


def bits_of(units: int) -> int:
    """Return the bits of a word that tell whether integrators have found 1: the lower of two."""
    return reduce(or_, (1 << COUPLE * k for k in range(_UNITS) if units >> k & 1), 0)


def live_routes(routes: ResultRoutes, live: Sequence[GeneratorWays]) -> tuple[LiveRoute, ...]:
    """Return the routes of words of which something is read.

    ``live``: the generators in the order of the run. Raises :class:`CannotBranch`.
    """
    number_of = {one.participant.key: number for number, one in enumerate(live)}
    found = []
    for way in routes.routes:
        generator, reader = number_of[way.generator.participant.key], way.reader
        read = live[generator].read[way.source]
        if not read or not len(way.at_fs):
            continue
        last_fs = routes.origin_fs + int(reader.ends_fs[-1])
        if way.port is not None and last_fs > routes.forwarding.until_fs:
            raise CannotBranch("the PQSC no longer listens when the last readout is over")
        late_fs = int((way.at_fs - reader.heard_fs).max())
        found.append(LiveRoute(routes.readers.index(reader), generator, late_fs, way.port, read))
    return tuple(found)
