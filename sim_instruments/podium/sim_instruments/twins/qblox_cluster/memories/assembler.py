"""A module's assembler: program text in, instruction memory out, with its log and its verdict.

Short programs are assembled while the command is carried out; long ones in a worker
thread, and what comes after them on the module's connections waits.
"""

from collections.abc import Callable
from dataclasses import dataclass

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.identity import ModuleModel
from podium.firmware_interfaces.qblox_cluster.q1asm import AssembledProgram, AssemblyError, assemble
from podium.sim_instruments.execution.playback import Playback, Ticket
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Q1Processor,
    SequencerSetup,
)
from podium.sim_instruments.twins.qblox_cluster.refusal import EXECUTION_ERROR, ErrorQueue, Refusal

IN_PLACE_LINES = 1000
"""A program up to here, of up to 64 bytes a line, is assembled in about ten milliseconds: less
than a loop may be blocked."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedProgram:
    """A program that assembled."""

    assembled: AssembledProgram
    unplayable: str | None
    """Why this twin cannot execute it, if so; arming it is refused then."""
    plays_net_zero: bool = False


@dataclass(frozen=True, slots=True)
class _Verdict:
    """The outcome of an assembly."""

    prepared: PreparedProgram | None
    log: str


def _prepare(text: bytes, model: ModuleModel, generation: int) -> _Verdict:
    """Assemble ``text`` for a sequencer of that module."""
    try:
        assembled = assemble(text.decode("ascii"), generation=generation)
    except UnicodeDecodeError as error:
        return _Verdict(None, f"the program is not ASCII: {error}")
    except AssemblyError as error:
        return _Verdict(None, str(error))
    if len(assembled) > model.instructions:
        return _Verdict(
            None,
            f"the program has {len(assembled)} instructions, the memory of a {model.name} "
            f"sequencer holds {model.instructions}",
        )
    unplayable = None
    plays_net_zero = False
    try:
        processor = Q1Processor(
            assembled, SequencerSetup(readout=model.readout, tags=model.channels > 0)
        )
        plays_net_zero = processor.plays_net_zero
    except NotEmulated as error:
        unplayable = str(error)
    notes = "".join(f"{warning}\n" for warning in assembled.warnings)
    return _Verdict(PreparedProgram(assembled, unplayable, plays_net_zero), notes)


Install = Callable[[PreparedProgram], None]


class Assembler:
    """The assembler of one module; ``generation`` is that of the instruction set."""

    def __init__(self, model: ModuleModel, playback: Playback, generation: int = 2) -> None:
        self._model = model
        self._generation = generation
        self._playback = playback
        self._under_way: tuple[Ticket[_Verdict], Install] | None = None
        self.succeeded = False
        self.log = ""

    @property
    def busy(self) -> bool:
        """Tell whether a program is still being assembled."""
        return self._under_way is not None and not self._under_way[0].done()

    def begin(self, text: bytes, install: Install) -> None:
        """Assemble ``text`` and then ``install`` it; refuse it here or at :meth:`settle`."""
        if len(text) > limits.PROGRAM_MAX_BYTES:
            raise Refusal(
                EXECUTION_ERROR,
                f"a program of {len(text)} bytes, at most {limits.PROGRAM_MAX_BYTES} fit",
            )
        if max(text.count(b"\n"), text.count(b"\r"), len(text) // 64) < IN_PLACE_LINES:
            self._take(_prepare(text, self._model, self._generation), install)
        else:
            model, generation = self._model, self._generation
            ticket = self._playback.submit(lambda _play: _prepare(text, model, generation))
            self._under_way = ticket, install

    def settle(self, errors: ErrorQueue) -> None:
        """Take in an assembly that has ended; a program that was refused goes to ``errors``."""
        if self._under_way is None or self.busy:
            return
        ticket, install = self._under_way
        self._under_way = None
        try:
            self._take(ticket.result(), install)
        except Refusal as refusal:
            errors.put(refusal)

    def _take(self, verdict: _Verdict, install: Install) -> None:
        self.succeeded = verdict.prepared is not None
        ending = "successful" if self.succeeded else "failed"
        line_end = "" if verdict.log.endswith("\n") or not verdict.log else "\n"
        self.log = f"{verdict.log}{line_end}Assembly {ending}.\n"
        if verdict.prepared is None:
            raise Refusal(EXECUTION_ERROR, f"Assembly failed. {verdict.log}")
        install(verdict.prepared)
