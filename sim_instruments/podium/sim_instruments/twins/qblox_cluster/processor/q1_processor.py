"""A Q1 processor with a program in its memory, and what its sequencer's settings say."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from podium.firmware_interfaces.qblox_cluster.q1asm import AssembledProgram
from podium.firmware_interfaces.qblox_cluster.q1asm.commands import CommandNumber
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, REGISTERS, Operation
from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import (
    foreign_operations,
    knows_command,
    refuse_unknown_words,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_image import OPERATION, A, build_image
from podium.sim_instruments.twins.qblox_cluster.processor.q1_watch import Q1Watch


@dataclass(frozen=True, slots=True)
class Trigger:
    """A pulse on the trigger network as one sequencer sees it."""

    time_ns: int
    """When it arrives, from the start of the run."""
    address: int
    """1 to 15."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a run that might never end. Another program of the lab may loop for ever."""

    time_ns: int = 9_000_000_000_000
    """Femtoseconds from the start fit 64 bits up to 9.2e12 ns."""
    rows: int = 8_000_000
    """About 70 bytes each while the run lasts."""
    instructions: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class SequencerSetup:
    """A sequencer's parameters and memories when it starts."""

    waveform_lengths: Mapping[int, int] = field(default_factory=dict)
    """Samples (ns) of each waveform index."""
    weight_lengths: Mapping[int, int] = field(default_factory=dict)
    acquisition_bins: Mapping[int, int] = field(default_factory=dict)
    """Number of bins of each acquisition index."""
    readout: bool = False
    """Whether the module can acquire (QRM, QRM-RF)."""
    tags: bool = False
    """Whether it is a time-tag sequencer (QTM): it has no waveforms and no oscillator."""
    counts: bool = False
    """Whether it can count triggers at analogue inputs (QRM)."""
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
    acquisition_spacing_ns: int = q1.ACQ_SPACING_NS
    """From one acquisition to the next that the binning keeps up with for ever."""
    integration_ns: int = 1024
    """``integration_length_acq``."""
    registers: tuple[int, ...] = (0,) * REGISTERS
    """Their values at the start, 0 to 2**32 - 1."""
    watch: Q1Watch | None = None
    """Stops it where somebody wants to look at it."""


class Q1Processor:
    """One sequencer's processor with a program in its memory. Each run starts from reset."""

    def __init__(self, program: AssembledProgram, setup: SequencerSetup, *, name: str = "") -> None:
        """Load the program; raise :class:`NotEmulated` where it holds what cannot be executed."""
        self.program = program
        self.setup = setup
        self.name = name
        """Named in errors, e.g. ``slot2.sequencer0``."""
        self.operations = frozenset(FORMS[opcode].operation for opcode in set(program.opcode))
        refuse_unknown_words(program, setup.readout, setup.tags, name)
        self._image = build_image(program, joined=setup.watch is None)
        self._code = self._image.code.copy()
        # ASSUMED: what a sequencer of this kind cannot do is no instruction to it.
        foreign = foreign_operations(setup.readout, setup.tags)
        if not setup.counts:
            foreign |= {Operation.ACQUIRE_TTL}
        illegal = np.isin(self._code[:, OPERATION], [int(operation) for operation in foreign])
        commands = np.flatnonzero(self._code[:, OPERATION] == int(Operation.FB_CMD))
        numbers = self._image.slots[self._code[commands, A]].tolist()
        for row, number in zip(commands.tolist(), numbers, strict=True):
            illegal[row] = not knows_command(number, setup.readout, setup.tags)
        self._code[illegal, OPERATION] = int(Operation.ILLEGAL)
        self.plays_net_zero = CommandNumber.NETZERO in numbers and not (setup.readout or setup.tags)
        """Whether it executes ``play_netzero``, by whatever name."""
