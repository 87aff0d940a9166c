"""Routes of readout results to generators: within an instrument, and through a PQSC.

A PQSC keeps what it takes in its bank of registers, and sends a port's message whenever a register
was written that is forwarded there (:mod:`..pqsc.register_bank`).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from podium.firmware_interfaces.zurich.latency import Route
from podium.sim_instruments.twins.zurich.pqsc.register_bank import Forwarding, Port, written
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers
from podium.sim_instruments.twins.zurich.runs.feedback_sequencers import Generator, Reader
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source


@dataclass(frozen=True, slots=True, eq=False)
class ResultRoute:
    """The route of a reader's results to a generator."""

    reader: Reader
    generator: Generator
    at_fs: Integers
    """When each is heard, from the origin on."""
    port: Port | None = None
    """Of the PQSC; None: within the instrument."""

    @property
    def source(self) -> Source:
        """Return as what a generator hears the results."""
        return Source.QA if self.port is None else Source.FORWARDED


def _of_pqsc(generator: Generator, port: Port) -> Route:
    if generator.participant.run.model is HDAWG:
        return Route.HDAWG_REGISTER if port.decoder is None else Route.HDAWG_DECODER
    return Route.SG_REGISTER if port.decoder is None else Route.SG_DECODER


class ResultRoutes:
    """All routes of one run, and the bank of its PQSC. Times are from the origin of the run."""

    def __init__(self, origin_fs: int, forwarding: Forwarding) -> None:
        self.origin_fs = origin_fs
        self.forwarding = forwarding
        self.bank = list(forwarding.bank)
        self.readers: tuple[Reader, ...] = ()
        self.routes: tuple[ResultRoute, ...] = ()

    def connect(self, generators: Sequence[Generator], readers: Sequence[Reader]) -> None:
        """Take the sequencers of the run."""
        self.readers = tuple(readers)
        self.routes = tuple(way for one in generators for way in self._to(one))

    def _to(self, generator: Generator) -> Iterator[ResultRoute]:
        run = generator.participant.run
        port = self.forwarding.to(run.device)
        for reader in self.readers:
            device = reader.participant.run.device
            if device == run.device:
                yield ResultRoute(reader, generator, reader.heard_fs)
            if port is not None and device in self.forwarding.takes_from:
                at_fs = reader.forwarded_fs(_of_pqsc(generator, port), run.rate_hz)
                yield ResultRoute(reader, generator, at_fs, port)

    def forwards(self, reader: Reader) -> bool:
        """Tell whether a PQSC takes the results of a reader."""
        run = reader.participant.run
        return run.device in self.forwarding.takes_from and bool(run.zsync_ticks)

    def known(self, generator: Generator) -> int:
        """Return up to which sample a generator knows all words that reach it."""
        next_fs = [
            int(way.at_fs[way.reader.answered])
            for way in self.routes
            if way.generator is generator and way.reader.answered < len(way.at_fs)
        ]
        if not next_fs:
            return NEVER
        return generator.participant.run.tick(self.origin_fs + min(next_fs)) - 1

    def settle(self, known_ns: int) -> None:
        """Have generators hear of all readouts that are over by a time."""
        taken: list[tuple[int, int, Reader, int]] = []
        heard: dict[tuple[Generator, Source], list[tuple[int, int]]] = defaultdict(list)
        for reader in self.readers:
            first, upto = reader.answered, reader.over(known_ns)
            if upto <= first:
                continue
            told = reader.words(upto)
            for way in self.routes:
                if way.reader is reader and way.port is None:
                    at_fs = way.at_fs[first:upto].tolist()
                    heard[way.generator, way.source] += zip(at_fs, told, strict=False)
            if self.forwards(reader):
                rows = zip(reader.ends_fs[first:upto].tolist(), told, strict=True)
                taken += [
                    (end_fs, first + k, reader, word)
                    for k, (end_fs, word) in enumerate(rows)
                    if self.origin_fs + end_fs <= self.forwarding.until_fs
                ]
        for _, k, reader, word in sorted(taken, key=lambda one: one[:2]):
            for way, at_fs, message in self._forwarded(reader, k, word):
                heard[way.generator, way.source].append((at_fs, message))
        for (generator, source), words in heard.items():
            run = generator.participant.run
            if len(words) == 1:
                run.expect(self.origin_fs + words[0][0], source, words[0][1])
            elif words:
                at = [self.origin_fs + one for one, _ in words]
                run.expect_words(at, [word for _, word in words], source)

    def _forwarded(
        self, reader: Reader, k: int, word: int
    ) -> Iterator[tuple[ResultRoute, int, int]]:
        """Have the PQSC take the results of a readout; yield the messages that it sends then."""
        register = int(reader.started.register[k])
        written(self.bank, register, word, int(reader.started.integrators[k]))
        for way in self.routes:
            if way.reader is not reader or way.port is None or k >= len(way.at_fs):
                continue
            if way.port.hears(register):
                yield way, int(way.at_fs[k]), way.port.word(self.bank)

    def forget(self) -> None:
        """Forget all results, as if nothing had been asked."""
        self.bank = list(self.forwarding.bank)
        for reader in self.readers:
            reader.forget()
