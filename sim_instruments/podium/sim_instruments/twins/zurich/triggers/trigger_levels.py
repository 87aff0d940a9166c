"""Programs read levels of trigger inputs that cables from other instruments end at.

``getDigTrigger`` is a read of one register: the vendor's compiler masks bit 2 of it for digital
trigger 1 and bit 3 for 2 (LabOne 26.04). ASSUMED: a level is in the register as long after the
connector as a trigger takes to the sequencers, and an input without a cable is low. A program that
ZSync has started counts from before it begins: what it reads and what it plays are later alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.zurich.limits import TRIGGER_LATENCY_NS
from podium.sim_instruments.physics.digital_lines import LinesEnd
from podium.sim_instruments.twins.zurich.runs.local_time import LocalTime
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.sequencer.image import SHFQA
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source

REGISTER_BITS: Final = (1 << 2, 1 << 3)
"""Of digital triggers 1 and 2."""
SAMPLE_FS: Final = FS_PER_NS
"""A local instant is known to so much in the world's time."""


@dataclass(frozen=True, slots=True)
class LevelInput:
    """A connector with a cable, and where a program sees its level."""

    connector: str
    """``dev12000.sg1_trigger``."""
    bits: int
    """Of the register."""


class TriggerLevels:
    """The cables at trigger inputs behind one data server. Thread-safe."""

    def __init__(self, lines: LinesEnd, time: LocalTime) -> None:
        self._lines = lines
        self._time = time

    def inputs(self, run: ProgramRun) -> tuple[LevelInput, ...]:
        """Return the inputs with a cable whose levels a generator's program may read."""
        if run.model is SHFQA or not run.reads_trigger_levels:
            return ()
        bits: dict[str, int] = {}
        for number, bit in enumerate(REGISTER_BITS):
            chosen = int(str(run.setting(f"{run.at}/auxtriggers/{number}/channel")))
            connector = f"{run.device}.sg{chosen}_trigger"
            if self._lines.cabled(connector):
                bits[connector] = bits.get(connector, 0) | bit
        return tuple(LevelInput(connector, bit) for connector, bit in bits.items())

    def reading(self, run: ProgramRun, late: int) -> "LevelReading | None":
        """Return what a run reads of these inputs from its start on; None: it reads none.

        ``late``: samples by which what it does is later than it counts.
        """
        inputs = self.inputs(run)
        return LevelReading(self._lines, self._time, inputs, run, late) if inputs else None

    def awaits(self, inputs: Sequence[LevelInput], until_fs: int, now_fs: int) -> bool:
        """Tell whether it is not known yet what arrives before an instant; world time.

        Nothing is before it has come, as cables may be taken off until then. Brings who sends up
        to now: to be called in the thread that the instruments belong to.
        """
        if until_fs > now_fs:
            return True
        for one in inputs:
            self._lines.catch_up(one.connector, now_fs)
        return any(self._lines.heard(one.connector, until_fs, until_fs) is None for one in inputs)


class LevelReading:
    """The levels that one run of a generator reads, as far as they are known."""

    def __init__(
        self,
        lines: LinesEnd,
        time: LocalTime,
        inputs: Sequence[LevelInput],
        run: ProgramRun,
        late: int,
    ) -> None:
        self._lines, self._time = lines, time
        self._late_fs = late * FS_PER_S // run.rate_hz
        self.inputs = tuple(inputs)
        self._from_fs = self._world_fs(run.start_fs)
        """Until when all is known that arrives, world time."""
        self._register = 0
        self.words: list[tuple[int, int]] = []
        """When the register has changed, in local time, and what it held from then on."""
        self.known = -1
        """The sample of the run up to which the register is known."""
        for one in self.inputs:
            if lines.level(one.connector, self._from_fs):
                self._register |= one.bits
        if self._register:
            self._change(run, run.start_fs, self._register)

    def needs_fs(self, run: ProgramRun, sample: int) -> int:
        """Return the world's instant before which all edges count for a sample of the run."""
        return self._world_fs(run.time_fs(sample)) + SAMPLE_FS

    def hear(self, run: ProgramRun, sample: int, now_fs: int) -> bool:
        """Have a run know its inputs up to a sample; False: what arrives is not known yet.

        ``now_fs``: world time by which it can be known what has arrived.
        """
        until_fs = self.needs_fs(run, sample)
        if until_fs > now_fs:
            return False
        edges: list[tuple[int, bool, int]] = []
        for one in self.inputs:
            heard = self._lines.heard(one.connector, self._from_fs, max(until_fs, self._from_fs))
            if heard is None:
                return False
            edges += [(at_fs, up, one.bits) for at_fs, up in heard]
        for at_fs, up, bits in sorted(edges):
            word = self._register | bits if up else self._register & ~bits
            if word != self._register:
                self._change(run, self._time.seen_fs(at_fs) - self._late_fs, word)
        self._from_fs = max(until_fs, self._from_fs)
        self.known = max(sample, self.known)
        return True

    def _change(self, run: ProgramRun, at_fs: int, word: int) -> None:
        self._register = word
        self.words.append((at_fs, word))
        run.expect(at_fs, Source.TRIGGER_LEVEL, word)

    def _world_fs(self, local_fs: int) -> int:
        """Return when what is in the register at a local instant was at the connector."""
        later_fs = self._late_fs - TRIGGER_LATENCY_NS * FS_PER_NS
        return self._time.world_fs(local_fs + later_fs)
