"""Executes assembled Q1ASM programs and yields their real-time events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.q1asm import Assembled
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Operation
from podium.sim_instruments.twins.qblox_cluster import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.q1_image import OPERATION, build_image
from podium.sim_instruments.twins.qblox_cluster.q1_run import Q1Run
from podium.sim_instruments.twins.qblox_cluster.real_time_trace import Ending, RealTimeTrace

SYNC_NS: Final = limits.SYNC_NS

_NOT_EMULATED = frozenset(
    {
        Operation.ACQUIRE_TTL,
        Operation.PLAY_PULSE,
        Operation.RESET_NETZERO,
        Operation.FB_CMD,
        Operation.FB_POP_DATA,
        Operation.FB_PULL_DATA,
    }
)
_NEEDS_TRIGGERS = frozenset({Operation.SET_COND, Operation.WAIT_TRIGGER})
_ACQUIRES = frozenset({Operation.ACQUIRE, Operation.ACQUIRE_WEIGHED})
_TAGS = frozenset(
    {
        Operation.SET_DIGITAL,
        Operation.SET_TIME_REF,
        Operation.ACQUIRE_TIMETAGS,
        Operation.ACQUIRE_DIGITAL,
        Operation.UPD_THRES,
    }
)
_PLAYS = frozenset(
    {
        Operation.PLAY,
        Operation.SET_AWG_GAIN,
        Operation.SET_AWG_OFFS,
        Operation.SET_FREQ,
        Operation.RESET_PH,
        Operation.SET_PH,
        Operation.SET_PH_DELTA,
    }
)


class NotEmulated(Exception):
    """The program is correct, but uses an instruction that this twin cannot execute."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A pulse on the trigger network as one sequencer sees it."""

    time_ns: int
    """When it arrives, from the start of the run."""
    address: int
    """1 to 15."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a run is cut that might never end. Another program of the lab may loop for ever."""

    time_ns: int = 9_000_000_000_000
    """Femtoseconds from the start fit 64 bits up to 9.2e12 ns."""
    rows: int = 8_000_000
    """About 70 bytes each while the run lasts."""
    instructions: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class SequencerSetup:
    """What a sequencer's parameters and memories say when it starts."""

    waveform_lengths: Mapping[int, int] = field(default_factory=dict)
    """Samples (ns) of each waveform index."""
    weight_lengths: Mapping[int, int] = field(default_factory=dict)
    acquisition_bins: Mapping[int, int] = field(default_factory=dict)
    """Number of bins of each acquisition index."""
    readout: bool = False
    """Whether the module can acquire (QRM, QRM-RF)."""
    tags: bool = False
    """Whether it is a time-tag sequencer (QTM): it has no waveforms and no oscillator."""
    sync: bool = False
    """``sync_en``: whether ``wait_sync`` waits for the others."""
    gain: tuple[int, int] = (32767, 32767)
    """``gain_awg_path0/1`` as signed 16 bit."""
    offset: tuple[int, int] = (0, 0)
    """``offset_awg_path0/1`` as signed 16 bit."""
    nco_freq: int = 0
    """``nco_freq`` in steps of 0.25 Hz."""
    nco_phase: int = 0
    """``nco_phase_offs`` in 1e-9 turns."""
    marker: int = 0
    trigger_counts: tuple[int, ...] = (1,) * q1.TRIGGERS
    """``trigger1_count_threshold`` ... ``trigger15_count_threshold``."""
    trigger_inverts: tuple[bool, ...] = (False,) * q1.TRIGGERS
    """``trigger1_threshold_invert`` ... ``trigger15_threshold_invert``."""


class Q1Processor:
    """One sequencer's processor with a program in its memory. Each run starts from reset."""

    def __init__(self, program: Assembled, setup: SequencerSetup, *, name: str = "") -> None:
        """Load the program; raise :class:`NotEmulated` where it holds what cannot be executed."""
        self.program = program
        self.setup = setup
        self.name = name
        """Named in errors, e.g. ``slot2.sequencer0``."""
        self.operations = frozenset(FORMS[opcode].operation for opcode in set(program.opcode))
        _refuse(self, _NOT_EMULATED, "this twin does not emulate it")
        self._image = build_image(program)
        self._code = self._image.code
        # ASSUMED: what a sequencer of this kind cannot do is no instruction to it.
        foreign = _PLAYS | _ACQUIRES if setup.tags else _TAGS
        if not setup.readout:
            foreign |= _ACQUIRES
        if self.operations & foreign:
            self._code = self._code.copy()
            rows = np.isin(self._code[:, OPERATION], [int(operation) for operation in foreign])
            self._code[rows, OPERATION] = int(Operation.ILLEGAL)

    def run(
        self, *, limits: Limits | None = None, triggers: Sequence[Trigger] | None = None
    ) -> RealTimeTrace:
        """Run from the start to the end, alone. See :func:`run_together`."""
        return run_together((self,), limits=limits, triggers=triggers)[0]


def refuse_conditions(processor: Q1Processor) -> None:
    """Raise :class:`NotEmulated` for ``set_cond``: the run makes triggers that are not known."""
    _refuse(processor, frozenset({Operation.SET_COND}), "it needs the triggers of the run")


def run_together(
    processors: Sequence[Q1Processor],
    *,
    limits: Limits | None = None,
    triggers: Sequence[Trigger] | None = None,
) -> tuple[RealTimeTrace, ...]:
    """Start all processors at the same instant and run them to their ends.

    Sequencers with ``sync`` meet at every ``wait_sync``; a program without end is cut at the
    limits (``limits`` or the default ones). ``triggers`` are those that all of them see, in the
    order of time; without them a program that asks for triggers raises :class:`NotEmulated`.
    """
    if triggers is None:
        for processor in processors:
            _refuse(processor, _NEEDS_TRIGGERS, "it needs the triggers of the run")
    together = Together(processors, limits=limits)
    together.proceed(triggers or ())
    return together.traces()


class Together:
    """Processors that were started at the same instant; triggers come as they come."""

    def __init__(self, processors: Sequence[Q1Processor], *, limits: Limits | None = None) -> None:
        self._runs = [Q1Run(processor, limits or Limits()) for processor in processors]
        self._begun = False
        self.synced_ns: list[int] = []
        """When the party line was released, from the start, each time."""

    @property
    def waits_for_trigger(self) -> bool:
        """Whether some processor goes on only when another trigger comes."""
        return any(run.ending is Ending.WAITS_FOR_TRIGGER for run in self._runs)

    def proceed(self, triggers: Sequence[Trigger]) -> None:
        """Go on as far as ``triggers`` (later than all before, in the order of time) allow."""
        for run in self._runs:
            run.expect(triggers)
            if not self._begun:
                run.proceed()
        self._begun = True
        synced = [run for run in self._runs if run.processor.setup.sync]
        while True:
            for run in self._runs:
                self._proceed_alone(run)
            if not synced or any(run.ending is not Ending.WAITS_FOR_SYNC for run in synced):
                return
            together_ns = max(run.time_ns for run in synced) + SYNC_NS
            self.synced_ns.append(together_ns)
            for run in synced:
                run.resume_at(together_ns)

    @staticmethod
    def _proceed_alone(run: Q1Run) -> None:
        """Proceed to a ``wait_sync`` that needs others, or to a trigger that has not come."""
        while True:
            if run.ending is Ending.WAITS_FOR_SYNC and not run.processor.setup.sync:
                run.resume_at(run.time_ns)  # ASSUMED: without sync_en it waits for nobody
            elif run.ending is Ending.WAITS_FOR_TRIGGER and (at_ns := run.triggered_ns()) >= 0:
                run.resume_at(at_ns)
            else:
                return

    def traces(self) -> tuple[RealTimeTrace, ...]:
        """Return what was done so far."""
        return tuple(run.trace() for run in self._runs)


def _refuse(processor: Q1Processor, operations: frozenset[Operation], why: str) -> None:
    if not processor.operations & operations:
        return
    for address, opcode in enumerate(processor.program.opcode.tolist()):
        if FORMS[opcode].operation in operations:
            instruction = processor.program.instruction(address)
            where = f"{processor.name}: " if processor.name else ""
            raise NotEmulated(f"{where}line {instruction.line}: {instruction}: {why}")
