"""A program's settings of a cluster are a flat list, so that only changes are sent."""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.firmware_interfaces.qblox_cluster.limits import SEQUENCERS, rf_input_full_scale_v
from podium.firmware_interfaces.qblox_cluster.program import (
    ClusterProgram,
    ModuleSettings,
    SequencerProgram,
)

OUTPUTS = {"QCM": 4, "QCM-RF": 2, "QRM": 2, "QRM-RF": 1, "QTM": 0}
"""Number of ``connect_out#`` parameters of a sequencer (qblox-instruments 1.4.1)."""

TAG_CHANNELS = 8
"""Channels of a QTM, and its sequencers (qblox_instruments.constants.MODULE_CONSTANTS)."""


def sequencers_of(kind: str) -> int:
    """Return how many sequencers a module has."""
    return TAG_CHANNELS if kind == "QTM" else SEQUENCERS


NOMINAL_V = rf_input_full_scale_v(0.0)
"""Full scale of an input of which a program says nothing."""

Value = float | int | bool | str | list[float]


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter of the vendor's client and its value."""

    slot: int
    sequencer: int | None
    """None: a parameter of the module."""
    parameter: str
    """``lo_freq``, or of a part of the module ``io_channel2.mode``."""
    value: Value

    @property
    def where(self) -> tuple[int, int | None, str]:
        """Return its key: slot, sequencer and name."""
        return self.slot, self.sequencer, self.parameter

    def __str__(self) -> str:
        part = "" if self.sequencer is None else f".sequencer{self.sequencer}"
        return f"slot{self.slot}{part}.{self.parameter} = {self.value}"


def settings_of(program: ClusterProgram, modules: Mapping[int, str]) -> list[Setting]:
    """Return all settings of ``program`` on a cluster with these modules (slot: kind).

    Sequencers that the program does not use are disconnected and taken out of the
    synchronisation: one that takes part and is never started would hold up the others.
    """
    settings = [setting for module in program.modules for setting in _module(module)]
    full_scale_v = full_scales_v(program)
    used = {(entry.slot, entry.sequencer): entry for entry in program.sequencers}
    for slot, kind in modules.items():
        for number in range(sequencers_of(kind)):
            entry = used.get((slot, number))
            settings += (
                _unused(slot, number, kind)
                if entry is None
                else _used(entry, kind, full_scale_v.get(slot, NOMINAL_V))
            )
    return settings


def full_scales_v(program: ClusterProgram) -> dict[int, float]:
    """Return the peak voltage at the input connector that just fills the ADC, by slot."""
    return {
        module.slot: rf_input_full_scale_v(module.input_attenuation_db.get("in0", 0.0))
        for module in program.modules
    }


def disconnected(slot: int, kind: str) -> list[Setting]:
    """Return what ``disconnect_outputs`` and ``disconnect_inputs`` of a module leave behind."""
    return [
        setting
        for number in range(sequencers_of(kind))
        for setting in connections(slot, number, kind, None, None)
    ]


def _module(module: ModuleSettings) -> list[Setting]:
    values: dict[str, Value] = {}
    for output, frequency_hz in module.lo_hz.items():
        name = "out0_in0" if module.module == "QRM-RF" else output
        values[f"{name}_lo_freq"] = round(frequency_hz)
        values[f"{name}_lo_en"] = True
    for output, attenuation_db in module.output_attenuation_db.items():
        if module.module.endswith("RF"):
            values[f"{output}_att"] = round(attenuation_db)
    for entry, attenuation_db in module.input_attenuation_db.items():
        values[f"{entry}_att"] = round(attenuation_db)
    if module.scope_sequencer is not None:
        values["scope_acq_sequencer_select"] = module.scope_sequencer
        for path in (0, 1):
            values[f"scope_acq_trigger_mode_path{path}"] = "sequencer"
            values[f"scope_acq_avg_mode_en_path{path}"] = False
    for output, filters in module.filters.items():
        for name, value in filters.items():
            values[f"{output}_{name}"] = list(value) if isinstance(value, tuple) else value
    for component, settings in module.channels.items():
        values |= {f"{component}.{name}": value for name, value in settings.items()}
    return [Setting(module.slot, None, name, value) for name, value in values.items()]


def _used(entry: SequencerProgram, kind: str, full_scale_v: float) -> list[Setting]:
    if kind == "QTM":
        values = {"sync_en": entry.sync, **_listening(entry)}
        return [Setting(entry.slot, entry.sequencer, name, one) for name, one in values.items()]
    if not entry.output:
        return _marking(entry, kind)
    values = {
        "sync_en": entry.sync,
        "mod_en_awg": True,
        "nco_freq": entry.nco_hz,
        "nco_phase_offs": 0.0,
        "nco_prop_delay_comp_en": False,
        "marker_ovr_en": False,
        "gain_awg_path0": 1.0,
        "gain_awg_path1": 1.0,
        "offset_awg_path0": 0.0,
        "offset_awg_path1": 0.0,
    }
    if entry.input is not None:
        values["demod_en_acq"] = True
        values["integration_length_acq"] = entry.integration_ns
        values |= _discriminating(entry, full_scale_v)
    values |= _listening(entry)
    return [
        *connections(entry.slot, entry.sequencer, kind, entry.output, entry.input),
        *(Setting(entry.slot, entry.sequencer, name, value) for name, value in values.items()),
    ]


def _marking(entry: SequencerProgram, kind: str) -> list[Setting]:
    """Return the settings of a sequencer that works markers and plays nothing."""
    values: dict[str, Value] = {
        "sync_en": entry.sync,
        "marker_ovr_en": False,
        **_listening(entry),
    }
    return [
        *connections(entry.slot, entry.sequencer, kind, None, None),
        *(Setting(entry.slot, entry.sequencer, name, value) for name, value in values.items()),
    ]


def _listening(entry: SequencerProgram) -> dict[str, Value]:
    """Return how triggers are counted on which a program depends."""
    values: dict[str, Value] = {}
    for address in entry.listens_to:
        values[f"trigger{address}_count_threshold"] = 1
        values[f"trigger{address}_threshold_invert"] = False
    return values


def _discriminating(entry: SequencerProgram, full_scale_v: float) -> dict[str, Value]:
    """Return how results are made and sent.

    The threshold is compared with the sum of the samples over the window, as a fraction of full
    scale (docstring of ``thresholded_acq_threshold``).
    """
    values: dict[str, Value] = {"thresholded_acq_trigger_en": entry.sends_to > 0}
    if entry.threshold_v is not None:
        values["thresholded_acq_rotation"] = entry.rotation_deg
        values["thresholded_acq_threshold"] = (
            entry.threshold_v * entry.integration_ns / full_scale_v
        )
    if entry.sends_to:
        values["thresholded_acq_trigger_address"] = entry.sends_to
        values["thresholded_acq_trigger_invert"] = entry.sends_at == 0
    return values


def _unused(slot: int, number: int, kind: str) -> list[Setting]:
    return [
        *connections(slot, number, kind, None, None),
        Setting(slot, number, "sync_en", False),
    ]


def connections(
    slot: int, number: int, kind: str, output: str | None, entry: str | None
) -> list[Setting]:
    """Return what connects a sequencer to one output and one input, and to no other."""
    path: dict[int, str] = {}
    if output is not None:
        sockets = [int(digit) for digit in output.removeprefix("out").split("_")]
        paths = ["IQ"] if kind.endswith("RF") else ["I", "Q"]
        path = dict(zip(sockets, paths, strict=len(sockets) > 1 or kind.endswith("RF")))
    settings = [
        Setting(slot, number, f"connect_out{socket}", path.get(socket, "off"))
        for socket in range(OUTPUTS[kind])
    ]
    if kind == "QRM-RF":
        settings.append(Setting(slot, number, "connect_acq", entry or "off"))
    return settings
