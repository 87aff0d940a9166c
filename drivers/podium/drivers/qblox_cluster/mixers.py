"""Mixers of RF outputs: the box calibrates them itself, and what it finds is set where it plays.

The offsets against the carrier belong to an output, the correction against the image to a
sequencer. Which sequencer plays on an output is the program's choice, so the corrections are kept
here by output and set with each program.

A trap of qblox-instruments 1.4.1 ends here: with its cache of configurations, a sideband
calibration changes a sequencer behind the client's back, and its next setting would undo it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from podium.drivers.errors import Refused
from podium.drivers.qblox_cluster import slot_commands
from podium.drivers.qblox_cluster.connection import asking, telling
from podium.drivers.qblox_cluster.settings import Setting, connections
from podium.drivers.qblox_cluster.settings_cache import Place, SettingsCache
from podium.drivers.roles import MixerSettings, MixerTone
from podium.firmware_interfaces.qblox_cluster.program import SequencerProgram

CALIBRATING = 0
"""The sequencer that an output's image is calibrated with."""
OSCILLATORS = {"QRM-RF": {"out0": 1}, "QCM-RF": {"out0": 0, "out1": 1}}
"""Numbers of local oscillators in commands, by kind and RF output (qblox-instruments 1.4.1)."""


class Mixers:
    """Calibrates the mixers of one cluster and knows what they are set to."""

    def __init__(
        self, name: str, cluster: Any, modules: Mapping[int, str], cache: SettingsCache
    ) -> None:
        self._name = name
        self._cluster = cluster
        self._modules = modules
        self._cache = cache
        self._found: dict[tuple[int, str], MixerSettings] = {}

    def calibrate(self, tones: Sequence[MixerTone]) -> list[MixerSettings]:
        """Let the box calibrate outputs as they are set for programs; nothing plays meanwhile.

        Those of one module one after the other, modules side by side.
        """
        waiting: dict[int, list[MixerTone]] = {}
        for tone in tones:
            waiting.setdefault(self._output(tone.channel)[0], []).append(tone)
        while any(waiting.values()):
            self._calibrate([queue.pop(0) for queue in waiting.values() if queue])
        return [self._found[self._output(tone.channel)] for tone in tones]

    def _calibrate(self, tones: Sequence[MixerTone]) -> None:
        """Calibrate an output of each of some modules, and keep what was found."""
        outputs = [self._output(tone.channel) for tone in tones]
        for (slot, output), tone in zip(outputs, tones, strict=True):
            self._cache.set(self._settings_of(slot, output, tone))
            self._cache.changed(Place(slot, None), Place(slot, CALIBRATING))
        channels = ", ".join(tone.channel for tone in tones)
        oscillators = [(slot, OSCILLATORS[self._modules[slot]][output]) for slot, output in outputs]
        try:
            with telling(self._name, f"calibrating the mixers of {channels}"):
                slot_commands.calibrate_mixers(self._cluster, oscillators, CALIBRATING)
        finally:
            for slot, _ in outputs:
                self._forget(slot)
        for slot, output in outputs:
            self._found[slot, output] = self._read(slot, output)

    def _settings_of(self, slot: int, output: str, tone: MixerTone) -> list[Setting]:
        kind = self._modules[slot]
        oscillator = f"{output}_in0" if kind == "QRM-RF" else output
        return [
            Setting(slot, None, f"{oscillator}_lo_freq", round(tone.lo_hz)),
            Setting(slot, None, f"{oscillator}_lo_en", True),
            Setting(slot, None, f"{output}_att", round(tone.attenuation_db)),
            *connections(slot, CALIBRATING, kind, output, None),
            Setting(slot, CALIBRATING, "mod_en_awg", True),
            Setting(slot, CALIBRATING, "nco_freq", float(round(tone.intermediate_hz))),
        ]

    def _read(self, slot: int, output: str) -> MixerSettings:
        module = self._cluster.submodules[f"module{slot}"]
        sequencer = module.sequencers[CALIBRATING]
        with asking(self._name, f"reading the mixer of slot{slot}.{output}"):
            i_mv, q_mv = (module.parameters[name].get() for name in _offsets(output))
            ratio = sequencer.parameters["mixer_corr_gain_ratio"].get()
            degrees = sequencer.parameters["mixer_corr_phase_offset_degree"].get()
        return MixerSettings(
            float(i_mv) * 1e-3, float(q_mv) * 1e-3, float(ratio), math.radians(float(degrees))
        )

    def hold(self, channel: str, settings: MixerSettings) -> None:
        """Set what an earlier calibration has found, as after the box was switched on anew."""
        slot, output = self._output(channel)
        offsets = (settings.offset_i_v, settings.offset_q_v)
        self._cache.set(
            Setting(slot, None, name, offset_v * 1e3)
            for name, offset_v in zip(_offsets(output), offsets, strict=True)
        )
        self._found[slot, output] = settings

    def settings(self, sequencers: Iterable[SequencerProgram]) -> list[Setting]:
        """Return the corrections of the sequencers of a program, of outputs that have one."""
        return [
            Setting(entry.slot, entry.sequencer, name, value)
            for entry in sequencers
            if (found := self._found.get((entry.slot, entry.output))) is not None
            for name, value in (
                ("mixer_corr_gain_ratio", found.gain_ratio),
                ("mixer_corr_phase_offset_degree", math.degrees(found.phase_rad)),
            )
        ]

    def _forget(self, slot: int) -> None:
        for name in ("mixer_corr_gain_ratio", "mixer_corr_phase_offset_degree"):
            self._cache.forget(slot, CALIBRATING, name)
        # The client has no public way to its cache.
        self._cluster._config_cache_sequencer.pop((slot, CALIBRATING), None)

    def _output(self, channel: str) -> tuple[int, str]:
        slot, _, output = channel.partition(".")
        number = slot.removeprefix("slot")
        kind = self._modules.get(int(number), "") if number.isdigit() else ""
        if output not in OSCILLATORS.get(kind, {}):
            there = [
                f"slot{n}.{out}" for n, k in self._modules.items() for out in OSCILLATORS.get(k, {})
            ]
            raise Refused(
                f"{self._name}: {channel!r} has no mixer to calibrate; "
                f"RF outputs have: {', '.join(there) or 'none here'}"
            )
        return int(number), output


def _offsets(output: str) -> tuple[str, str]:
    return f"{output}_offset_path0", f"{output}_offset_path1"
