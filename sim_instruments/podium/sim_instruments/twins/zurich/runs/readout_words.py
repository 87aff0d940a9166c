"""The words that generators hear of readouts, halt by halt, of a run on its tree.

A bit of a word is decided if the generators for which it is there read it next, or may read it
later; the others are undecided. A PQSC's bank is kept as far as anybody reads it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from podium.sim_instruments.twins.zurich.pqsc.register_bank import written
from podium.sim_instruments.twins.zurich.quantum_analyzer.results import COUPLE
from podium.sim_instruments.twins.zurich.runs.generator_ways import GeneratorWays
from podium.sim_instruments.twins.zurich.runs.live_routes import LiveRoute, bits_of, couples_of
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source


@dataclass(frozen=True, slots=True)
class AskedReadout:
    """One readout that is decided; times are from the origin of the run."""

    reader: int
    readout: int
    at_fs: int
    """When its word is heard within the instrument."""
    end_fs: int
    """When its integration ends."""
    units: tuple[int, ...]
    """The integrators that are decided."""
    register: int
    """Of a PQSC's bank, into which its results go."""
    integrators: int
    """A mask of those that it asks for."""


@dataclass(frozen=True, slots=True)
class BankMoment:
    """The content of a PQSC's bank: bits, and which of them are undecided."""

    bits: tuple[int, ...]
    undecided: tuple[int, ...]


class ReadoutWords:
    """The words of one run."""

    def __init__(
        self,
        generators: Sequence[GeneratorWays],
        routes: Sequence[LiveRoute],
        bank: Sequence[int],
        *,
        sparing: bool,
    ) -> None:
        """``bank``: what a PQSC's registers hold when the run begins.

        ``sparing``: whether only those bits of a word are decided for which a generator waits.
        """
        self._generators, self._sparing = tuple(generators), sparing
        self._routes = tuple(routes)
        self._shown = [self._shown_in(register) for register in range(len(bank))]
        self._bank = [word & shown for word, shown in zip(bank, self._shown, strict=True)]
        self._undecided = [0] * len(bank)

    def _shown_in(self, register: int) -> int:
        """Return the bits of a register of the bank that somebody reads."""
        units = (one.shown(register, one.read) for one in self._routes if one.port is not None)
        return couples_of(reduce(or_, units, 0))

    def first_fs(self, reader: int) -> int | None:
        """Return how much later than within the instrument words of an analyser are heard first.

        None: nobody reads any of them.
        """
        return min((one.late_fs for one in self._routes if one.reader == reader), default=None)

    def known(self, number: int, next_fs: Sequence[int | None]) -> int:
        """Return up to which sample a generator knows all words of which it reads something.

        ``next_fs``: of each analyser, when the next word is heard within the instrument that
        nobody has asked for; None: there is none.
        """
        heard = [
            at_fs + way.late_fs
            for way in self._routes
            if way.generator == number and (at_fs := next_fs[way.reader]) is not None
        ]
        return self._generators[number].sample(min(heard)) - 1 if heard else NEVER

    # --- hearing --------------------------------------------------------------------------

    def tell(self, asked: Sequence[AskedReadout], bits: Sequence[int]) -> None:
        """Have generators hear the words of readouts; ``bits``: those that were decided."""
        left = iter(bits)
        words = [sum(next(left) << COUPLE * unit for unit in one.units) for one in asked]
        both = zip(asked, words, strict=True)
        for one, word in sorted(both, key=lambda each: each[0].end_fs):
            decided = reduce(or_, (1 << unit for unit in one.units), 0)
            undecided = bits_of(one.integrators & ~decided)
            self._write(one, word, undecided)
            for way in self._routes:
                if way.reader != one.reader or not way.hears(one.register):
                    continue
                told = word, undecided
                if way.port is not None:
                    told = way.message(self._bank, self._undecided)
                at_fs = one.at_fs + way.late_fs
                self._generators[way.generator].hear(at_fs, way.source, *told)

    def _write(self, one: AskedReadout, word: int, undecided: int) -> None:
        """Write the results of a readout into the bank, as far as anybody reads them."""
        for bank, bits in ((self._bank, word), (self._undecided, undecided)):
            written(bank, one.register, bits, one.integrators)
            bank[one.register] &= self._shown[one.register]

    # --- deciding -------------------------------------------------------------------------

    def wanted(self, asked: Sequence[AskedReadout]) -> list[int]:
        """Return the integrators of which bits are decided, of readouts; masks.

        Of a word that is there when a generator reads next, those that it reads then, unless
        another one is written over it before.
        """
        found = [0] * len(asked)
        for number, generator in enumerate(self._generators):
            reads = generator.reads_next()
            coming = self._coming(number, asked)
            for k, way, at in coming:
                if at > reads or not self._sparing:
                    found[k] |= way.shown(asked[k].register, way.read)
                    continue
                units = way.shown(asked[k].register, generator.reads(way.source))
                for other, same, then in coming:
                    later = asked[other]
                    if same.source is not way.source or later.end_fs <= asked[k].end_fs:
                        continue
                    if then <= reads:
                        units &= ~_over(way, asked[k], later)
                found[k] |= units
        return found

    def comes(self, number: int, asked: Sequence[AskedReadout]) -> dict[Source, int]:
        """Return by source the last sample by which a generator hears a word that is asked for.

        Of those that come before it reads next.
        """
        reads, found = self._generators[number].reads_next(), dict[Source, int]()
        for _, way, at in self._coming(number, asked):
            if at <= reads:
                found[way.source] = max(at, found.get(way.source, at))
        return found

    def _coming(
        self, number: int, asked: Sequence[AskedReadout]
    ) -> list[tuple[int, LiveRoute, int]]:
        """Return which readouts a generator hears of, how, and at which sample."""
        return [
            (k, way, self._generators[number].sample(one.at_fs + way.late_fs))
            for way in self._routes
            if way.generator == number
            for k, one in enumerate(asked)
            if one.reader == way.reader and way.hears(one.register)
        ]

    # --- going back -----------------------------------------------------------------------

    def moment(self) -> BankMoment:
        """Return what the bank holds."""
        return BankMoment(tuple(self._bank), tuple(self._undecided))

    def go_back(self, moment: BankMoment) -> None:
        """Return to a moment."""
        self._bank, self._undecided = list(moment.bits), list(moment.undecided)

    def content(self, asked: Sequence[AskedReadout]) -> BankMoment:
        """Return what the bank holds that readouts do not write anew."""
        bits, undecided = list(self._bank), list(self._undecided)
        for one in asked:
            left = ~couples_of(one.integrators)
            bits[one.register] &= left
            undecided[one.register] &= left
        return BankMoment(tuple(bits), tuple(undecided))


def _over(way: LiveRoute, one: AskedReadout, later: AskedReadout) -> int:
    """Return the integrators of a readout whose results a later one writes over; a mask."""
    if way.port is None:
        return -1
    return later.integrators if later.register == one.register else 0
