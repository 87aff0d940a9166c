"""One output of an HDAWG's core behind its filters: equal stretches of a run are filtered once.

Shots of one program differ in what earlier ones have left in the filters alone. A run is cut where
it is quiet; a stretch that comes several times is filtered from rest, and wherever what is left of
earlier ones changes no word (:mod:`.filter_kernel`), it leaves as from rest.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.precompensation import BLOCK
from podium.sim_instruments.physics.deduplicate import StretchNumbers, number_stretches
from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.twins.level_pieces import train_of_words
from podium.sim_instruments.twins.sent_pieces import RepeatedPieces, SentPieces
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import CannotPrecompute
from podium.sim_instruments.twins.zurich.sequencer.image import Integers
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER
from podium.sim_instruments.twins.zurich.sequencer.render import Reals
from podium.sim_instruments.twins.zurich.signals.filter_kernel import (
    WORD_MAX,
    FilterChain,
    Response,
    Responses,
)
from podium.sim_instruments.twins.zurich.signals.flux_outputs import FluxOutput
from podium.sim_instruments.twins.zurich.signals.nanoseconds import each_ns
from podium.sim_instruments.twins.zurich.signals.output_plays import ROOT_W, OutputPlays
from podium.sim_instruments.twins.zurich.signals.precompensation import Precompensation

TAIL: Final = 2_000
"""Samples for which filters go on after the program: so long the world looks."""
SAMPLES_MAX: Final = 20_000_000
"""Of one output in one run that go through its filters, sample by sample."""
QUIET: Final = 4_000
"""Samples without a play that end a stretch."""


class FilteredOutput:
    """Sends what leaves the filters of one output, part by part of a run."""

    def __init__(
        self,
        output: FluxOutput,
        filters: Precompensation,
        sender: str,
        begin_ns: int,
        late: int,
    ) -> None:
        """Start at rest; ``begin_ns``: the core's sample 0; ``late``: samples to a connector."""
        self._output, self._sender, self._begin_ns = output, sender, begin_ns
        self._shift = late + filters.latency
        """Samples from the sequencer to the connector."""
        self._chain = FilterChain(filters)
        self._samples = 0
        self._time: Integers = np.zeros(0, np.int64)
        self._words: Integers = np.zeros(0, np.int64)
        """Changes that have not been sent."""
        self._sent_ns = self._word = 0
        """Until when all was sent, from sample 0 on, and what leaves by then."""
        self._cut = False

    def plays(self, plays: OutputPlays, ends: int, until: int) -> tuple[PulseTrain | None, bool]:
        """Take what comes in before a sample; return what leaves, and whether it was cut.

        NEVER: nothing comes after it, and the program is over at sample ``ends``.
        """
        self._cut, rows, done = False, len(plays.begin), 0
        if until < NEVER:
            until = max(until // BLOCK * BLOCK, self._chain.known)
            self._walk(plays, 0, rows, until)
            return self._send(until + self._shift >> 1, over=False), self._cut
        until = max(ends, int(plays.over[-1]) + 1 if rows else 0) + TAIL
        sent = SentPieces()
        if rows and self._chain.known <= plays.begin[0] // BLOCK * BLOCK:
            done = self._pass(plays, _Stretches.of(plays, until), sent)
        self._walk(plays, done, rows, until)
        sent.add(self._send(until + self._shift + 1 >> 1, over=True))
        return sent.train(self._output.connector, self._sender), self._cut

    def _walk(self, plays: OutputPlays, since: int, upto: int, until: int) -> None:
        """Take some rows through the filters, and go on to a sample."""
        time, level = self._levels(plays, since, upto)
        times, words, cut = self._chain.advance(time, level, until)
        self._time = np.concatenate([self._time, times + self._shift])
        self._words = np.concatenate([self._words, words])
        self._cut = self._cut or cut

    def _levels(self, plays: OutputPlays, since: int, upto: int) -> tuple[Integers, Reals]:
        time, level = plays.levels(since, upto)
        self._samples += len(time)
        if self._samples > SAMPLES_MAX:
            raise CannotPrecompute(
                f"{self._sender}: {self._samples} samples go through the filters of "
                f"{self._output.connector}; this twin filters up to {SAMPLES_MAX} in one run"
            )
        return time, level

    def _pass(self, plays: OutputPlays, stretches: "_Stretches", sent: "SentPieces") -> int:
        """Go on to the last stretch; return its first row. What was walked last is not sent yet."""
        last, first, start = len(stretches.first) - 1, stretches.first, stretches.start
        number, responses = self._responses(plays, stretches, sent)
        if not responses:
            return 0
        known, g, walk = Responses.of([one for one, _ in responses]), 0, 1
        self._walk(plays, 0, 0, int(start[0]))
        while g < last:
            passed = self._chain.advance_over(number[g:last], known)
            if passed:
                sent.add(self._send(int(start[g]) + self._shift + 1 >> 1, over=True))
                self._cut = self._cut or any(
                    responses[k][0].cut for k in np.unique(number[g : g + passed]).tolist()
                )
                begin_ns = self._begin_ns + (start[g : g + passed] + self._shift >> 1)
                sent.repeat([one for _, one in responses], number[g : g + passed], begin_ns)
                self._sent_ns = int(start[g + passed]) + self._shift >> 1
                walk = 1
            else:
                passed, walk = min(walk, last - g), 2 * walk
                self._walk(plays, int(first[g]), int(first[g + passed]), int(start[g + passed]))
            g += passed
        return int(first[last])

    def _responses(
        self, plays: OutputPlays, stretches: "_Stretches", sent: "SentPieces"
    ) -> "tuple[NDArray[np.int64], list[tuple[Response, RepeatedPieces]]]":
        """Return of each stretch but the last the place of its response, -1: it comes once."""
        first, start, number = stretches.first, stretches.start, stretches.number
        several = np.bincount(number.kind[:-1], minlength=len(number.example)) > 1
        found = []
        for g in number.example[several].tolist():
            time, level = self._levels(plays, int(first[g]), int(first[g + 1]))
            samples = int(start[g + 1] - start[g])
            one = self._chain.response(time - start[g], level, samples)
            when, doubled = each_ns(one.time + (self._shift & 1), one.words, 0)
            train = self._train(when, doubled, samples + 1 >> 1)
            found.append((one, sent.repeated(train)))
        return np.where(several, np.cumsum(several) - 1, -1)[number.kind], found

    def _send(self, until_ns: int, *, over: bool) -> PulseTrain | None:
        """Return what leaves before a time and was not sent; ``over``: and all that comes after."""
        count = len(self._time) if over else int(np.searchsorted(self._time, 2 * until_ns))
        since_ns, before = self._sent_ns, self._word
        when, doubled = each_ns(self._time[:count], self._words[:count], before)
        if not over:  # a change in its last nanosecond is over with what is sent next
            when, doubled = when[when < until_ns], doubled[when < until_ns]
        if before and not (len(when) and when[0] == since_ns):
            when, doubled = np.append(since_ns, when), np.append(2 * before, doubled)
        if count:
            self._word = int(self._words[count - 1])
        self._time, self._words = self._time[count:], self._words[count:]
        self._sent_ns = until_ns
        return self._train(when + self._begin_ns, doubled, until_ns + self._begin_ns)

    def _train(self, when: Integers, doubled: Integers, end_ns: int) -> PulseTrain | None:
        """Return the train of means of two words, each doubled and from its nanosecond on."""
        scale = self._output.full_scale_v * ROOT_W / WORD_MAX

        def signal_of(words: Integers) -> NDArray[np.complex128]:
            return (words[:, 0] / 2).astype(np.complex128) * scale

        levels = (doubled.reshape(-1, 1), signal_of)
        return train_of_words(self._output.connector, self._sender, when, levels, end_ns)


@dataclass(frozen=True, slots=True, eq=False)
class _Stretches:
    """A run cut where it is quiet, from the first row on."""

    first: NDArray[np.int64]
    """The first row of each."""
    start: NDArray[np.int64]
    """The sample it begins with: the first of a block, in which it may play."""
    number: StretchNumbers
    """Of each, by what is played in it and how long it is."""

    @classmethod
    def of(cls, plays: OutputPlays, until: int) -> "_Stretches":
        """Cut the rows that play before a sample."""
        begin = plays.begin
        quiet = begin[1:] - plays.over[:-1] >= QUIET
        first = np.append(0, np.flatnonzero(quiet) + 1).astype(np.int64)
        start = begin[first] // BLOCK * BLOCK
        rows = np.diff(first, append=len(begin))
        samples = np.diff(start, append=until)
        columns = [begin - np.repeat(start, rows), plays.kind, np.repeat(samples, rows)]
        return cls(first, start, number_stretches(first, columns))
