"""One program that runs on one sequencer: world time in, what it has done by then out."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.zurich import command_table
from podium.firmware_interfaces.zurich.command_table import BadCommandTable
from podium.firmware_interfaces.zurich.elf import BadElf, SequencerElf, read_elf
from podium.firmware_interfaces.zurich.latency import Route
from podium.firmware_interfaces.zurich.sequencer_assembly import (
    SEQUENCER_MEMORY,
    IllegalInstruction,
)
from podium.firmware_interfaces.zurich.values import Value
from podium.firmware_interfaces.zurich.waveform_upload import BadWaveform, write_waveform
from podium.sim_instruments.twins.zurich.data_server.sequencer_port import (
    AcceptedProgram,
    ProgramRefused,
    UploadedProgram,
)
from podium.sim_instruments.twins.zurich.nodes import node_settings
from podium.sim_instruments.twins.zurich.sequencer.image import (
    HDAWG,
    DoesNotRun,
    Image,
    Model,
    make_image,
)
from podium.sim_instruments.twins.zurich.sequencer.parsed_tables import parsed_table
from podium.sim_instruments.twins.zurich.sequencer.processor import (
    RUNNING,
    Input,
    Processor,
    ProcessorMoment,
    Trace,
)
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    USER_REGISTERS,
    Op,
    Result,
    Source,
    State,
    Status,
)
from podium.sim_instruments.twins.zurich.sequencer.sequencer_view import (
    SequencerBreaks,
    SequencerWatch,
    listing_of,
)

_OWN: Final = tuple(one for one in Result if one.name.startswith("QA"))
_AHEAD: Final = 20_000_000
"""Instructions that are looked ahead at most: a program that plays nothing may never end."""
_NEVER_COMES: Final = {
    Source.COUNTER: "a counter",
    Source.PHASE_1: "the phase of an oscillator",
    Source.PHASE_2: "the phase of an oscillator",
    Source.TIMESTAMP: "a time stamp",
}
TRIGGERS: Final = (Source.DIGITAL_1, Source.DIGITAL_2, Source.ZSYNC, Source.DIO)
"""What may come when nobody knows yet that it will. An HDAWG hears a PQSC as its DIO."""
_DIGITAL: Final = frozenset({Source.DIGITAL_1, Source.DIGITAL_2})
_AT_ONCE: Final = 4_000_000
"""Instructions that are executed in one go at most, 10 to 20 ms: others are answered between."""
_ROWS_AT_ONCE: Final = 1 << 16
"""Rows that come of one go at most, about: whoever takes them up takes as long."""
IN_PIECES: Final = (Status.COUNT_LIMIT, Status.FULL)
"""A go that ends so has left more to execute."""
_GOING_ON: Final = (Status.WAITING, Status.FULL, Status.TIME_LIMIT, Status.COUNT_LIMIT)


_KEPT: Final = 32
"""Programs of which is kept what they say: a core is often given one again."""
_read_elf = lru_cache(_KEPT)(read_elf)


def accept(at: str, elf: bytes) -> AcceptedProgram:
    """Return what is known of a program. Raises ProgramRefused."""
    try:
        program = _read_elf(elf)
        model = node_settings.model_of(at)
        make_image(program, model)
    except (BadElf, IllegalInstruction, DoesNotRun) as error:
        raise ProgramRefused(f"{at}: {error}") from error
    size = len(program.words()) / SEQUENCER_MEMORY[model.name]
    return AcceptedProgram(program.assembly, program.source, program.descriptors, size)


START_GRID_FS: Final = 20 * FS_PER_NS
"""All sequencers behind a data server count whole cycles, of 4 ns or of 10/3 ns, from a multiple
of this. ASSUMED: their instruments have one clock."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedProgram:
    """A program in the sequencer's memory, with waveforms and commands."""

    elf: SequencerElf
    image: Image


def load(uploaded: UploadedProgram, model: Model) -> LoadedProgram:
    """Return what a sequencer executes. Raises ProgramRefused, with the line where there is one."""
    try:
        elf = _read_elf(uploaded.elf)
        for index, written in sorted(uploaded.waveforms.items()):
            elf = write_waveform(elf, index, written.content)
        family = command_table.HDAWG if model is HDAWG else command_table.SHFSG
        table = uploaded.command_table
        commands = parsed_table(table, family) if table else None
        image = make_image(elf, model, commands)
        _refuse_endless_waits(elf, image)
    except (BadElf, IllegalInstruction, DoesNotRun, BadCommandTable, BadWaveform) as error:
        raise ProgramRefused(f"{uploaded.at}: {error}") from error
    return LoadedProgram(elf, image)


def _refuse_endless_waits(elf: SequencerElf, image: Image) -> None:
    """Raise :class:`DoesNotRun` where the program waits for what nobody gives here."""
    for pc in np.flatnonzero(image.code[:, 0] == Op.WAIT_INPUT).tolist():
        if what := _NEVER_COMES.get(Source(int(image.code[pc, 3]))):
            line = elf.line_of(pc)
            raise DoesNotRun(
                f"line {line or '?'}: it waits for {what}, which this simulation does not have"
            )


class ProgramRun:
    """A program from its start on. Times of inputs are world times, fs."""

    def __init__(
        self,
        uploaded: UploadedProgram,
        start_fs: int,
        registers: tuple[int, ...] | None = None,
        loaded: LoadedProgram | None = None,
    ) -> None:
        """Raises ProgramRefused, with the line of the program where there is one.

        ``registers``: of the user, to begin with; None: those of the nodes. ``loaded``: what was
        made of the same upload before.
        """
        self.device, self.at = uploaded.device, uploaded.at
        self.start_fs = start_fs - start_fs % START_GRID_FS
        self._uploaded = uploaded
        self.setting = uploaded.setting
        self.stamp = uploaded.stamp
        self.model = node_settings.model_of(uploaded.at)
        self.rate_hz = node_settings.rate_hz(uploaded.setting, self.model)
        self._loaded = loaded or load(uploaded, self.model)
        self.elf, self.image = self._loaded.elf, self._loaded.image
        setup = node_settings.setup(uploaded.setting, uploaded.at)
        if registers is not None:
            setup = replace(setup, user_registers=registers)
        self._registers = setup.user_registers
        """Those it began with."""
        self._processor = Processor(self.image, setup)
        self._due: list[Input] = []
        self._heard: list[Input] = []
        """All that has reached it, or will, in no order."""
        self._later: list[Input] = []
        self._fed = 0
        self.trace: Trace = self._processor.trace()
        self.playing = False
        """Whether the program has ended and what it queued has not."""
        self._fresh_from = 0
        self._begun = False
        self.going_on = True
        self.told: Trace | None = None
        """The trace whose nodes were published: while it is the same, there is no more to say."""
        self._ends_fs: int | None = None
        self._ended: ProcessorMoment | None = None
        """Where a copy has come to its end, with all that this one has heard by now."""
        self._looked = False
        self._looking: Processor | None = None
        """Ahead of the program, on its way to where it ends."""
        self._look_until = 0
        self._in_time_at = 0
        """Instructions when it was last executed up to the time of a look."""
        self._by_zsync = False
        self.stops: SequencerBreaks | None = None
        """Where copies of it that run ahead are to be stopped."""
        self._watch: SequencerWatch | None = None
        """Of such a copy that has not yet come to what was not played before."""

    @property
    def route(self) -> Route:
        """Return the route of results to generators within an SHFQC, by the trigger's source."""
        return Route.INTERNAL_ZSYNC if self._by_zsync else Route.INTERNAL

    @property
    def asks_for_results(self) -> bool:
        """Tell whether the program ever takes results of its own instrument's analyser."""
        code = self.image.code
        tables, loads = code[code[:, 0] == Op.TABLE, 1], code[code[:, 0] == Op.LOAD_RESULT, 3]
        return bool(np.isin(tables, _OWN).any() or np.isin(loads, _OWN).any())

    @property
    def reads_trigger_levels(self) -> bool:
        """Tell whether the program ever reads levels of its digital triggers."""
        code = self.image.code
        return bool(np.any((code[:, 0] == Op.LOAD_LEVEL) & (code[:, 3] == State.TRIGGER_IN)))

    @property
    def zsync_ticks(self) -> list[int]:
        """The samples at which a PQSC's triggers reach it, all that are known."""
        return sorted(one.time for one in self._heard if one.source is Source.ZSYNC)

    @property
    def channel(self) -> int:
        """The number of its channel, or core: 2 of ``qachannels/2/generator``."""
        return int(self.at.split("/")[1])

    @property
    def triggered(self) -> bool:
        """Tell whether any trigger has reached it by now, or is on its way."""
        return any(one.source in TRIGGERS for one in self._heard)

    @property
    def awaits_a_trigger(self) -> bool:
        """Tell whether it waits for one now that is not on its way yet."""
        due = any(one.source in TRIGGERS for one in self._due)
        return self._begun and self.trace.waiting in TRIGGERS and not due

    @property
    def job(self) -> int:
        """Its place in the queue of a pipeliner."""
        return self._uploaded.job

    def again(self, before_fs: int | None = None) -> "ProgramRun":
        """Return the same run at its very start.

        It will receive what this one has received from outside of its instrument, or what of that
        came before a time: :meth:`recall` the rest.
        """
        anew = ProgramRun(self._uploaded, self.start_fs, self._registers, self._loaded)
        before = None if before_fs is None else self.tick(before_fs)
        for one in (*self._heard, *self._later):
            if one.source in (Source.QA, Source.FORWARDED, Source.TRIGGER_LEVEL):
                continue
            if before is None or one.time < before:
                anew._hear(one)
            else:
                anew._later.append(one)
        anew._by_zsync = self._by_zsync
        return anew

    def ahead(self, before_fs: int | None = None) -> "ProgramRun":
        """Return what :meth:`again` does, to be stopped where somebody wants to look.

        Not in what is done before ``before_fs``: that was done by another run.
        """
        anew = self.again(before_fs)
        if self.stops is not None:
            anew.stops, anew._watch = self.stops, self.stops.watch("/".join((self.device, self.at)))
            if before_fs is None:
                anew._begin_to_watch()
        return anew

    def unwatch(self) -> None:
        """Have this copy stand nowhere any longer: another one is worked out in its place."""
        self._watch = None
        self._processor.unwatch()

    def _begin_to_watch(self) -> None:
        if self._watch is not None:
            listing = listing_of(self.elf, self.image, self.rate_hz)
            self._processor.watch(self._watch, listing)

    def fork(self) -> Processor:
        """Return its processor as it is now, to go on by itself."""
        return self._processor.fork()

    @property
    def due(self) -> tuple[Input, ...]:
        """Return the inputs that it expects."""
        return tuple(self._due)

    def recall(self) -> None:
        """Hear the rest of what the run has heard that this one is a copy of."""
        later, self._later = self._later, []
        self._begin_to_watch()
        self._hear_all(later)

    def tick(self, now_fs: int) -> int:
        """Return the sample that is played at a time."""
        return (now_fs - self.start_fs) * self.rate_hz // FS_PER_S

    def time_fs(self, tick: int) -> int:
        """Return when a sample is played."""
        return self.start_fs + tick * FS_PER_S // self.rate_hz

    def expect(self, at_fs: int, source: Source, value: int = 0) -> None:
        """Have something reach the sequencer at a time; what came before its start is lost."""
        if at_fs >= self.start_fs:
            self._by_zsync |= source is Source.ZSYNC
            self._hear(Input(self.tick(at_fs), source, value))

    def expect_words(self, at_fs: Sequence[int], values: Sequence[int], source: Source) -> None:
        """Have words reach the sequencer, as :meth:`expect` has one."""
        both = zip(at_fs, values, strict=True)
        start_fs, rate_hz = self.start_fs, self.rate_hz
        self._hear_all(
            [
                Input((at - start_fs) * rate_hz // FS_PER_S, source, value)
                for at, value in both
                if at >= start_fs
            ]
        )

    def expect_all(self, at_fs: Iterable[int], source: Source, *, later: bool) -> None:
        """Have triggers reach the sequencer, as :meth:`expect` has one: none twice.

        ``later``: they are heard when :meth:`recall` is called.
        """
        heard = {one.time for one in (*self._heard, *self._later) if one.source is source}
        new = [Input(at, source, 0) for at in map(self.tick, at_fs) if at >= 0 and at not in heard]
        self._by_zsync |= source is Source.ZSYNC and bool(new)
        if later:
            self._later += new
        else:
            self._hear_all(new)

    def is_released(self, now_fs: int) -> bool:
        """Tell whether what it waits for has come by now, though it was not executed since."""
        if (waiting := self.trace.waiting) is None:
            return False
        due = self.tick(now_fs)
        return any(one.source is waiting and one.time <= due for one in self._due)

    def waits_for(self, source: Source) -> bool:
        """Tell whether the program waits for a source anywhere."""
        code = self.image.code
        return bool(np.any((code[:, 0] == Op.WAIT_INPUT) & (code[:, 3] == source)))

    def _hear_all(self, new: list[Input]) -> None:
        self._due = sorted(self._due + new)
        self._heard += new
        self._look_anew({one.source for one in new})

    def _hear(self, one: Input) -> None:
        insort(self._due, one)
        self._heard.append(one)
        self._look_anew({one.source})

    def _look_anew(self, sources: set[Source]) -> None:
        """Look ahead from the start again, if any of ``sources`` can change what comes."""
        if any(source not in _DIGITAL or self._heeds(source) for source in sources):
            self._looked, self._looking, self._ended = False, None, None

    def _heeds(self, source: Source) -> bool:
        """Tell whether the program waits for a trigger, or reads levels of triggers."""
        return self.waits_for(source) or bool(np.any(self.image.code[:, 0] == Op.LOAD_LEVEL))

    @property
    def has_fresh(self) -> bool:
        """Tell whether anything came with the last :meth:`advance`."""
        return len(self.trace.rows) > self._fresh_from

    @property
    def fresh(self) -> Trace:
        """The trace with the rows alone that came with the last :meth:`advance`."""
        return replace(self.trace, rows=self.trace.rows[self._fresh_from :])

    def forget_rows(self, *, tuning: bool = False) -> None:
        """Drop the rows so far, which were taken up; traces that others have stay as they are.

        ``tuning``: those that tune oscillators, or reset them, are kept.
        """
        if not self.has_fresh:
            return
        rows = self.trace.oscillator_rows() if tuning else self.trace.rows[:0]
        self.trace = replace(self.trace, rows=self._processor.keep(rows))
        self._fresh_from = len(rows)

    def write_register(self, index: int, value: int, now_fs: int) -> None:
        """Set a user register: a program that goes on reads it from now on."""
        if self.going_on:
            self.expect(now_fs, Source.REGISTER, index << 32 | value & 0xFFFF_FFFF)
            return
        self._processor.write_register(index, value)
        self.trace = self._processor.trace()

    @property
    def reads_registers(self) -> bool:
        """Tell whether the program reads any user register."""
        code = self.image.code
        places = range(State.MEMORY, State.MEMORY + USER_REGISTERS)
        return bool(np.any((code[:, 0] == Op.RECALL) & np.isin(code[:, 3], places)))

    def advance(self, now_fs: int) -> Trace:
        """Execute up to a time, as far as one go takes; see :attr:`behind`."""
        self._fresh_from = len(self.trace.rows)
        until = self.tick(now_fs)
        nothing_due = not self._due or self._due[0].time > until
        if not self.going_on or (self.trace.waiting is not None and nothing_due and self._begun):
            return self.trace
        self._begun = True
        count = 0
        while count < len(self._due) and self._due[count].time <= until:
            count += 1
        due, self._due = self._due[:count], self._due[count:]
        # What comes from a sequencer that was worked out later is late by less than one look.
        inputs = [Input(max(one.time, self._fed), one.source, one.value) for one in due]
        if inputs:
            self._fed = inputs[-1].time
        if self._ended is not None and self._ends_fs is not None and now_fs >= self._ends_fs:
            self._processor.go_back(self._ended)
            self._fresh_from = 0
            self.trace = self._processor.trace()
        else:
            self._processor.feed(inputs)
            limit = self.trace.instructions + _AT_ONCE
            rows = self._fresh_from + _ROWS_AT_ONCE
            self.trace = self._processor.run(
                until=until, known=until, instructions=limit, rows=rows
            )
        if self.trace.status is not Status.COUNT_LIMIT:
            self._in_time_at = self.trace.instructions
        unknown = self.trace.status is Status.UNKNOWN
        # An end lies in the future while what is queued still plays.
        self.playing = self.trace.status is Status.ENDED and self.trace.end > until
        self.going_on = self.trace.status in _GOING_ON or unknown or self.playing
        return self.trace

    @property
    def next_due_fs(self) -> int | None:
        """Return when the next of the inputs it expects comes; None: it expects nothing."""
        return self.time_fs(self._due[0].time) if self._due else None

    def proceed(self, known: int) -> Trace:
        """Execute as far as it goes where all is known that comes up to sample ``known``."""
        self._begun = True
        count = bisect_right(self._due, known, key=lambda one: one.time)
        due, self._due = self._due[:count], self._due[count:]
        self._processor.feed(due)
        while True:
            limit = self.trace.instructions + _AT_ONCE
            self.trace = self._processor.run(known=known, instructions=limit)
            if self.trace.status is not Status.COUNT_LIMIT:
                return self.trace

    def give_up(self) -> None:
        """End here: what it depends on cannot be."""
        self.going_on = False
        self.told = None

    def ends_fs(self) -> int | None:
        """Return when it will end with the inputs that are known by now; None: it waits for more,
        or does not end within twenty million instructions, or :attr:`behind`: ask again."""
        if not self._looked:
            self._look_ahead()
        return self._ends_fs if self._looked else None

    def look_to_the_end(self) -> int | None:
        """Return the same, however long that takes."""
        while not self._looked:
            self._look_ahead()
        return self._ends_fs

    @property
    def behind(self) -> bool:
        """Tell whether more is left to execute, now or ahead, than one go takes."""
        # One that goes round for ever without playing is never there: nobody waits for it long.
        since = self.trace.instructions - self._in_time_at
        idle = self.trace.status is Status.COUNT_LIMIT and not 0 < since < _AHEAD
        late = self.trace.status in IN_PIECES and not idle
        return (self.going_on and late) or self._looking is not None

    def ends_at(self, end_fs: int, ended: ProcessorMoment | None = None) -> None:
        """Take it that it will end then: a copy of it has been executed to its end already.

        ``ended``: where that copy came to. Once all of it has been played it need not be executed
        again; its rows are then missing."""
        self._looked, self._looking, self._ends_fs = True, None, end_fs
        self._ended = ended

    @property
    def ended(self) -> ProcessorMoment | None:
        """Where it has come to its end, for :meth:`ends_at`; None: it has not."""
        return self._processor.moment() if self.trace.status is Status.ENDED else None

    def _look_ahead(self) -> None:
        """Go on ahead of the program, as far as one go takes."""
        ahead = self._looking
        if ahead is None:
            ahead = self._processor.fork()
            ahead.feed(
                [Input(max(one.time, self._fed), one.source, one.value) for one in self._due]
            )
            self._look_until = self.trace.instructions + _AHEAD
        limit = min(ahead.trace().instructions + _AT_ONCE, self._look_until)
        while (trace := ahead.run(instructions=limit, rows=1)).status is Status.FULL:
            ahead.forget()
        goes_on = trace.status is Status.COUNT_LIMIT and trace.instructions < self._look_until
        self._looked, self._looking = not goes_on, ahead if goes_on else None
        if self._looked:
            ended = trace.status is Status.ENDED
            self._ends_fs = self.time_fs(trace.end) if ended else None

    def fault(self) -> str:
        """Return what the program did that it cannot, with its line; empty: nothing."""
        trace = self.trace
        if trace.status in (Status.ENDED, Status.UNKNOWN, *_GOING_ON):
            return ""
        line = self.elf.line_of(trace.pc)
        where = f"line {line}" if line else f"instruction {trace.pc}"
        return f"{self.at}: {where}: {trace.status.name.lower()} ({trace.fault})"

    def nodes(self) -> dict[str, Value]:
        """Return what the nodes of the sequencer hold now."""
        trace = self.trace
        found: dict[str, Value] = {
            f"{self.at}/userregs/{k}": value & 0xFFFF_FFFF
            for k, value in enumerate(trace.user_registers)
        }
        for due in self._due:
            if due.source is Source.REGISTER:
                found[f"{self.at}/userregs/{due.value >> 32}"] = due.value & 0xFFFF_FFFF
        status = trace.status_word() or RUNNING
        found[f"{self.at}/sequencer/status"] = status if self.going_on else 0
        found[f"{self.at}/enable"] = int(self.going_on)
        return found
