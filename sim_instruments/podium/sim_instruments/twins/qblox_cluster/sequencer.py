"""One sequencer of a module: memories, parameters, and its states from armed to stopped."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.identity import ModuleModel
from podium.firmware_interfaces.qblox_cluster.messages import SequencerState, SequencerStatus
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import REGISTERS
from podium.firmware_interfaces.qblox_cluster.sequencer_config import (
    SequencerConfiguration,
    checked,
    default_configuration,
)
from podium.sim_instruments.twins.qblox_cluster.memories.acquisition_list import (
    AcquisitionList,
    empty_scope,
)
from podium.sim_instruments.twins.qblox_cluster.memories.assembler import PreparedProgram
from podium.sim_instruments.twins.qblox_cluster.memories.sample_list import SampleList
from podium.sim_instruments.twins.qblox_cluster.processor.q1_watch import Q1Stops
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    BLOCK_DATA_ERROR,
    EXECUTION_ERROR,
    ILLEGAL_PARAMETER,
    OUT_OF_RANGE,
    SETTINGS_CONFLICT,
    Refusal,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import (
    Afe,
    ChannelMap,
    SequencerOutcome,
    SequencerRun,
)


class Verb(Enum):
    """An event in the life of a sequencer."""

    ARM = "arm"
    START = "start"
    STOP = "stop"
    END = "end"
    """Its program and its last integration are over."""


TRANSITIONS: Mapping[SequencerState, Mapping[Verb, SequencerState]] = {
    SequencerState.IDLE: {
        Verb.ARM: SequencerState.ARMED,
        Verb.STOP: SequencerState.STOPPED,
    },
    SequencerState.ARMED: {
        Verb.ARM: SequencerState.ARMED,
        Verb.START: SequencerState.RUNNING,
        Verb.STOP: SequencerState.STOPPED,
    },
    SequencerState.RUNNING: {
        Verb.ARM: SequencerState.ARMED,
        Verb.STOP: SequencerState.STOPPED,
        Verb.END: SequencerState.STOPPED,
    },
    SequencerState.STOPPED: {
        Verb.ARM: SequencerState.ARMED,
        Verb.STOP: SequencerState.STOPPED,
    },
}
"""Verbs not named leave the state as it is. ASSUMED: a start without arming does nothing,
and arming a running sequencer stops it first. ``Q1 STOPPED`` is never shown: the two parts
of a processor end together here."""


@dataclass(frozen=True, slots=True)
class _Report:
    """Flags and exit code of the last run, until they are cleared or the next arming."""

    flags: tuple[str, ...] = ()
    exit_code: int = 0
    log: str = ""


def power_on_outputs(model: ModuleModel, number: int) -> ChannelMap:
    """Return the output channel map after power-on: path I on even, path Q on odd channels."""
    channels = model.output_channels(number)
    return channels[::2], channels[1::2]


def power_on_inputs(model: ModuleModel, number: int) -> ChannelMap:
    """Return the input channel map after power-on. ASSUMED: a QRC's hear their first input."""
    if not model.reads(number):
        return (), ()
    adcs = model.adcs if model.readers is None else 2
    return tuple(range(0, adcs, 2)), tuple(range(1, adcs, 2))


class Sequencer:
    """A sequencer as its module sees it. Everything is as after power-on at construction."""

    def __init__(self, model: ModuleModel, slot: int, number: int) -> None:
        self.model = model
        self.slot = slot
        self.number = number
        self.waveforms = SampleList("Waveform", limits.WAVEFORMS, limits.WAVEFORM_SAMPLES)
        self.weights = SampleList("Weight", limits.WEIGHTS, limits.WEIGHT_SAMPLES)
        self.acquisitions = AcquisitionList(empty_scope(model))
        self.configuration_values: dict[str, Any] = default_configuration()
        self.configuration: SequencerConfiguration = checked(self.configuration_values)
        self.outputs = power_on_outputs(model, number)
        self.inputs = power_on_inputs(model, number)
        self.registers = [0] * REGISTERS
        self.stops: Q1Stops | None = None
        """Where somebody wants to look at it."""
        """As they were set or left by the last run. ASSUMED: nothing else clears them."""
        self.state = SequencerState.IDLE
        self._report = _Report()
        self._program: PreparedProgram | None = None
        self._staged: PreparedProgram | None = None

    @property
    def plays_net_zero(self) -> bool:
        """Tell whether the program that would be armed plays net-zero pulses."""
        program = self._program if self._staged is None else self._staged
        return program is not None and program.plays_net_zero

    @property
    def has_program(self) -> bool:
        """Tell whether there is anything to run."""
        return self._program is not None or self._staged is not None

    def load(self, program: PreparedProgram) -> None:
        """Put a program into instruction memory."""
        self._program, self._staged = program, None

    def stage(self, program: PreparedProgram) -> None:
        """Put a program aside; arming installs it."""
        self._staged = program

    def status(self) -> SequencerStatus:
        """Return state and flags."""
        report = self._report
        return SequencerStatus(self.state, report.flags, report.exit_code, report.log)

    def _go(self, verb: Verb) -> bool:
        """Make the transition; False if there is none."""
        state = TRANSITIONS[self.state].get(verb)
        if state is None:
            return False
        self.state = state
        return True

    def arm(self) -> None:
        """Get ready to start; clears the flags of the last run.

        Refused without a program, or where the program needs what this twin cannot execute.
        """
        program = self._program if self._staged is None else self._staged
        if program is None:
            raise Refusal(SETTINGS_CONFLICT, f"sequencer {self.number} has no program")
        self._program, self._staged = program, None
        if program.unplayable is not None:
            raise Refusal(EXECUTION_ERROR, f"sequencer {self.number}: {program.unplayable}")
        self._go(Verb.ARM)
        self._report = _Report()

    def start(self) -> bool:
        """Leave ``ARMED`` for ``RUNNING``; False if it was not armed."""
        return self._go(Verb.START)

    def stop(self) -> None:
        """Stop at once. The results of a run that is cut short are lost."""
        if self.state is SequencerState.ARMED:
            self._report = _Report(flags=("DISARMED",))
        elif self.state is SequencerState.RUNNING:
            self._report = _Report(flags=("FORCED STOP",))
        self._go(Verb.STOP)

    def finish(self, outcome: SequencerOutcome) -> None:
        """Take over what a run left behind."""
        self._go(Verb.END)
        self.acquisitions.add(outcome.bins)
        self.registers = list(outcome.registers)
        self._report = _Report(outcome.flags, outcome.exit_code, outcome.log)

    def fail(self, reason: str) -> None:
        """Stop because the simulation itself failed."""
        self._go(Verb.END)
        self._report = _Report(
            flags=("ACQ BINNING COMM ERROR",), log=f"the simulated world failed: {reason}"
        )

    def set_registers(self, values: Any) -> None:
        """Set registers by name; refuse what is none, all or nothing."""
        if not isinstance(values, dict):
            raise Refusal(BLOCK_DATA_ERROR, "registers are an object of integers by name")
        numbers = {f"R{n}": n for n in range(REGISTERS)}
        for name, value in values.items():
            if name not in numbers:
                raise Refusal(ILLEGAL_PARAMETER, f"register {name!r}, there are R0-R63")
            if not isinstance(value, int) or not -(1 << 31) <= value < 1 << 32:
                raise Refusal(OUT_OF_RANGE, f"register {name}: {value!r} does not fit 32 bits")
        for name, value in values.items():
            self.registers[numbers[name]] = value & 0xFFFF_FFFF

    def correct_mixer(self, gain_ratio: float, phase_deg: float) -> None:
        """Set the correction of the mixer; the rest of the configuration stays as it is."""
        values = copy.deepcopy(self.configuration_values)
        mixer = values["awg"][0]["mixer"]
        mixer["corr_gain_ratio"], mixer["corr_phase_offset_degree"] = gain_ratio, phase_deg
        self.configuration_values, self.configuration = values, checked(values)

    def clear_flags(self) -> None:
        """Forget the flags."""
        self._report = _Report(exit_code=self._report.exit_code)

    def frozen(
        self, afe: Afe, scope: bool, channel: Mapping[str, Any] | None = None
    ) -> SequencerRun:
        """Return everything a run needs, as it is now."""
        if self._program is None:
            raise Refusal(SETTINGS_CONFLICT, f"sequencer {self.number} has no program")
        configuration = self.configuration
        if self.model.family == "QRC":
            # its client has no switch for either: both oscillators always turn
            configuration = replace(configuration, modulate=True, demodulate=True)
        return SequencerRun(
            slot=self.slot,
            sequencer=self.number,
            afe=afe,
            program=self._program.assembled,
            configuration=configuration,
            outputs=self.outputs,
            inputs=self.inputs,
            waveforms=self.waveforms.by_index(),
            weights=self.weights.by_index(),
            acquisitions=self.acquisitions.bin_counts(),
            scope=scope,
            channel=channel,
            registers=tuple(self.registers),
            stops=self.stops,
        )


def channel_map(values: Any, channels: int, what: str) -> ChannelMap:
    """Return a channel map sent as ``[[path I], [path Q]]``; refuse what is none."""
    shape = (
        isinstance(values, list)
        and len(values) == 2
        and all(isinstance(path, list) for path in values)
        and all(isinstance(n, int) and 0 <= n < channels for path in values for n in path)
    )
    if not shape:
        raise Refusal(
            ILLEGAL_PARAMETER,
            f"{what} channel map {values!r}: two lists of channels 0-{channels - 1} are needed",
        )
    return tuple(sorted(set(values[0]))), tuple(sorted(set(values[1])))
