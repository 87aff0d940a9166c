"""One sequencer's inputs and outputs of a run are values for the worker thread."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.identity import ModuleModel
from podium.firmware_interfaces.qblox_cluster.messages import BIN, ScopePath
from podium.firmware_interfaces.qblox_cluster.q1asm import AssembledProgram
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, REGISTERS, Operation
from podium.firmware_interfaces.qblox_cluster.sequencer_config import SequencerConfiguration
from podium.sim_instruments.twins.qblox_cluster.outputs.levels import Levels
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import PERFECT, Mixer
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import UNSHAPED, OutputShaping
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import SequencerSetup
from podium.sim_instruments.twins.qblox_cluster.processor.q1_state import ACQ_SPACING_NS
from podium.sim_instruments.twins.qblox_cluster.processor.q1_watch import Q1Stops

_INTEGRATES = frozenset({Operation.ACQUIRE, Operation.ACQUIRE_WEIGHED, Operation.ACQUIRE_TTL})


def sender(slot: int, sequencer: int) -> str:
    """Return the name of a sequencer among all of its cluster."""
    return f"slot{slot}.sequencer{sequencer}"


ChannelMap = tuple[tuple[int, ...], tuple[int, ...]]
"""Channels connected to path I and to path Q."""


@dataclass(frozen=True, slots=True)
class ScopeSettings:
    """Settings of a module's scope, path by path."""

    averages: tuple[bool, ...] = (False, False)
    """Whether acquisitions are summed; else the last is kept."""
    levels: tuple[float | None, ...] = (None, None)
    """Input level, in full scales, that begins the record; None: the acquisition does."""

    @property
    def needs_all(self) -> bool:
        """Tell whether the last acquisition alone is not enough."""
        return any(self.averages)


@dataclass(frozen=True, slots=True, eq=False)
class Afe:
    """The analogue front end of a module at the start of a run."""

    model: ModuleModel
    lo_hz: tuple[int, ...]
    """Of each RF output (a QRM-RF's input shares that of out0); empty on baseband modules."""
    lo_on: tuple[bool, ...]
    output_attenuation_db: tuple[float, ...]
    input_attenuation_db: float
    """Of the first RF input."""
    input_gain_db: tuple[int, ...]
    lo_locks: tuple[str, ...] = ()
    """Names of the present locks of the oscillators, of which their phases hang."""
    lo_turns: tuple[float, ...] = ()
    """Phases of the oscillators at the start of the run; none given: all 0."""
    scope: ScopeSettings = ScopeSettings()
    input_offset_v: tuple[float, ...] = ()
    """Added to each input path before its converter; none given: 0."""
    shaping: tuple[OutputShaping, ...] = ()
    """Of each output channel; none given: nothing is delayed or filtered."""
    marker_delay_ns: tuple[int, ...] = (0,) * 4
    marker_inverted: tuple[bool, ...] = (False,) * 4
    mixers: tuple[Mixer, ...] = ()
    """Behind each RF output; none given: perfect ones."""
    output_offset_mv: tuple[float, ...] = ()
    """Of both paths of each RF output, before its mixer."""

    second_input_attenuation_db: float = 0.0
    """Of the second RF input, on a QRC."""

    def attenuation_of(self, rf_input: int) -> float:
        """Return the attenuation of an RF input, dB."""
        return self.second_input_attenuation_db if rf_input else self.input_attenuation_db

    def shaping_of(self, channel: int) -> OutputShaping:
        """Return what becomes of the signal of an output channel."""
        return self.shaping[channel] if self.shaping else UNSHAPED

    def mixer_of(self, output: int) -> Mixer:
        """Return the mixer behind an output; a perfect one on baseband modules."""
        return self.mixers[output] if self.mixers else PERFECT

    def turns_of_lo(self, output: int) -> float:
        """Return the phase, at the start of the run, of the oscillator of an RF output."""
        return self.lo_turns[output] if self.lo_turns else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class SequencerRun:
    """One started sequencer, frozen at its start."""

    slot: int
    sequencer: int
    afe: Afe
    program: AssembledProgram
    configuration: SequencerConfiguration
    outputs: ChannelMap
    inputs: ChannelMap
    waveforms: Mapping[int, NDArray[np.int16]]
    """Sample words of each waveform index."""
    weights: Mapping[int, NDArray[np.int16]]
    acquisitions: Mapping[int, int]
    """Number of bins of each acquisition index."""
    scope: bool
    """Whether the module's scope listens to this sequencer."""
    channel: Mapping[str, Any] | None = None
    """Settings of its input and output, on a QTM."""
    registers: tuple[int, ...] = (0,) * REGISTERS
    """At the start."""

    stops: Q1Stops | None = None
    """Where somebody wants to look at it."""

    @property
    def sender(self) -> str:
        """Return what it is called among all that can be stopped by themselves."""
        return sender(self.slot, self.sequencer)

    @property
    def rf_input(self) -> int:
        """Return which RF input it listens to: 0 where there is one."""
        path_i = self.inputs[0]
        return path_i[0] // 2 if path_i and len(self.afe.model.inputs) > 1 else 0

    @property
    def nco_steps(self) -> int:
        """Frequency of the NCO parameter in steps of 0.25 Hz."""
        return round(self.configuration.nco_hz * limits.NCO_STEPS_PER_HZ)

    def setup(self) -> SequencerSetup:
        """Return it as its processor sees it."""
        configuration = self.configuration
        gain0, gain1 = (round(g * limits.DAC_MAX) for g in configuration.gain)
        offset0, offset1 = (round(o * limits.DAC_MAX) for o in configuration.offset)
        return SequencerSetup(
            waveform_lengths={index: len(words) for index, words in self.waveforms.items()},
            weight_lengths={index: len(words) for index, words in self.weights.items()},
            acquisition_bins=self.acquisitions,
            readout=self.afe.model.reads(self.sequencer),
            tags=self.afe.model.channels > 0,
            counts=self.afe.model.readout and not self.afe.model.rf,
            sync=configuration.sync,
            gain=(gain0, gain1),
            offset=(offset0, offset1),
            nco_freq=self.nco_steps,
            nco_phase=round(configuration.nco_phase_deg / 360 * 1e9) % 1_000_000_000,
            trigger_counts=configuration.trigger_counts,
            trigger_inverts=configuration.trigger_inverts,
            integration_ns=configuration.integration_ns,
            registers=self.registers,
            watch=None if self.stops is None else self.stops.watch(self.sender),
        )

    @property
    def operations(self) -> set[Operation]:
        """Return all operations of its program."""
        return {FORMS[opcode].operation for opcode in set(self.program.opcode.tolist())}

    @property
    def acquires(self) -> bool:
        """Tell whether its program integrates, or counts triggers."""
        return bool(_INTEGRATES & self.operations)

    @property
    def counts_triggers(self) -> bool:
        """Tell whether its program counts triggers at an analogue input."""
        return Operation.ACQUIRE_TTL in self.operations

    @property
    def sends_triggers(self) -> bool:
        """Tell whether it is set to send triggers by its measurements."""
        if self.channel is not None:
            return bool(self.channel["in_trigger_en"] or self.channel["thresholded_acq_trigger_en"])
        return self.configuration.sends_triggers and self.acquires


def acquisition_spacing_ns(sequencers: int) -> int:
    """Return how fast binning keeps up for ever while so many sequencers of a module acquire.

    docs.qblox.com, FAQ: an acquisition each 300, 600 or 900 ns from one, three or five sequencers
    on.
    """
    return ACQ_SPACING_NS * (1 + max(sequencers - 1, 0) // 2)


def empty_bins(count: int) -> NDArray[np.void]:
    """Return ``count`` bins that hold nothing."""
    return np.zeros(count, BIN)


@dataclass(frozen=True, slots=True, eq=False)
class SequencerOutcome:
    """Results of a run in one sequencer."""

    slot: int
    sequencer: int
    end_ns: int | None
    """From the start to the last output, or the end of the last integration; None: it
    would run for ever (it waits for something that does not come, or has no end)."""
    flags: tuple[str, ...]
    exit_code: int
    log: str
    bins: Mapping[int, NDArray[np.void]]
    """To be added to the bins of each acquisition index (dtype ``messages.BIN``)."""
    scope: tuple[ScopePath, ...] | None
    """New contents of the module's scope memory."""
    registers: tuple[int, ...] = (0,) * REGISTERS
    """At the end."""
    listened: object | None = None
    """On a QTM: what it listened for, a :class:`.tag_stage.TagRecord`."""


NO_TRIGGERS: Final = np.zeros((0, 2), np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class RunOutcome:
    """Results of a run, one entry for each of its sequencers in their order."""

    sequencers: tuple[SequencerOutcome, ...]
    levels: tuple[Levels, ...] = ()
    """What each sequencer does to markers and digital outputs."""
    triggers: NDArray[np.int64] = field(default_factory=lambda: NO_TRIGGERS)
    """Shape (n, 2): tick of sending and address of each pulse that measurements sent."""
    told: Callable[[], None] | None = None
    """Tells the world what was played, to be called at the end: a trigger from outside would
    change it (:meth:`.Execution.advance` takes it). None: nothing can, and it has been told."""
