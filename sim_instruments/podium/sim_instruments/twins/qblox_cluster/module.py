"""One module of a cluster: its front end, its sequencers, its assembler, its errors."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.identity import NEWEST, ModuleModel, Release
from podium.firmware_interfaces.qblox_cluster.messages import ScopePath
from podium.sim_instruments.execution.playback import Playback
from podium.sim_instruments.physics.digital_lines import LinesEnd
from podium.sim_instruments.twins.qblox_cluster.memories.acquisition_list import empty_scope
from podium.sim_instruments.twins.qblox_cluster.memories.assembler import Assembler
from podium.sim_instruments.twins.qblox_cluster.outputs.local_oscillator import LocalOscillator
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import PERFECT, Mixer
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import Predistortion
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    BLOCK_DATA_ERROR,
    EXECUTION_ERROR,
    OUT_OF_RANGE,
    SUFFIX_OUT_OF_RANGE,
    ErrorQueue,
    Refusal,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import Afe, ScopeSettings
from podium.sim_instruments.twins.qblox_cluster.sequencer import Sequencer
from podium.sim_instruments.twins.qblox_cluster.settings import KeptSettings
from podium.sim_instruments.twins.qblox_cluster.time_tagging.io_channel import IoBank

LOS = 2
"""Local oscillators addressed on an RF module; a QRM-RF uses the second
(``out0_in0_lo_freq`` is LO1 in qblox_instruments' module.py)."""


@dataclass(slots=True)
class NetZero:
    """Settings of the net-zero pulse of one output. ASSUMED: values after power-on."""

    enabled: bool = False
    amplitude: float = 1.0
    """In full scales."""
    slew_rate: float = 1e-3
    """In full scales a ns."""


class Module:
    """The firmware of one module. Everything is as after power-on at construction."""

    def __init__(
        self,
        model: ModuleModel,
        slot: int,
        serial: str,
        playback: Playback,
        lines: LinesEnd,
        release: Release = NEWEST,
    ) -> None:
        self.model = model
        self.release = release
        self._playback = playback
        self.slot = slot
        self.serial = serial
        self.errors = ErrorQueue()
        self.lines = lines
        self.calibrates_until_fs = 0
        """World time; commands to the module wait until then."""
        self.mixers: tuple[Mixer, ...] = (PERFECT,) * (len(model.outputs) if model.rf else 0)
        """Behind each RF output."""
        los = LOS if model.family != "QRC" else len(model.outputs)
        self.oscillators = tuple(LocalOscillator(f"slot{slot}.lo{n}") for n in range(los))
        self.reset()

    def reset(self) -> None:
        """Return to the state after power-on, except for the error queue."""
        model = self.model
        self.sequencers = tuple(
            Sequencer(model, self.slot, number) for number in range(model.sequencers)
        )
        self.kept = KeptSettings()
        for oscillator in self.oscillators:
            oscillator.reset()
        self.output_attenuation_db: list[float] = [0] * len(model.outputs)
        self.input_attenuation_db: list[float] = [0] * len(model.inputs)
        self.input_gain_db = [0] * model.adcs
        self.offset_v = [0.0] * (0 if model.rf else model.dacs)
        self.assembler = Assembler(model, self._playback, self.release.isa)
        self.scope_memory = empty_scope(model)
        self.scope_configuration: dict[str, Any] = {
            "sel_acq": 0,
            "sel_path": [0] * model.adcs,
            "avg_en_path": [False] * model.adcs,
            "trig": {"mode_path": [False] * model.adcs, "lvl_path": [0.0] * model.adcs},
        }
        self.io = IoBank() if model.channels else None
        self.predistortion = Predistortion(model)
        self.net_zero = tuple(
            NetZero() for _ in range(model.dacs if model.family == "QCM" and not model.rf else 0)
        )
        self.output_offset_mv = [0.0] * (model.dacs if model.rf else 0)
        """Of both paths of each RF output, before the mixer."""
        self.input_offset_v = [0.0] * model.adcs
        self.user_plan = False
        """Whether a QRC is to make its frequencies by the user's plan: kept, and means nothing."""
        self.marker_inverted = [False] * 4
        """Those that idle high; see :meth:`invert_marker`."""

    def sequencer(self, number: int) -> Sequencer:
        """Return a sequencer; refuse a number that does not exist."""
        if number >= len(self.sequencers):
            raise Refusal(
                SUFFIX_OUT_OF_RANGE,
                f"sequencer {number} does not exist, a {self.model.name} has "
                f"0-{len(self.sequencers) - 1}",
            )
        return self.sequencers[number]

    def refuse_net_zero(self, sequencers: Iterable[Sequencer]) -> None:
        """Refuse to arm what would play a net-zero pulse: this twin does not shape it.

        Where it is not enabled, ``play_netzero`` takes its time and plays nothing. ASSUMED.
        """
        for sequencer in sequencers:
            outputs = {output for path in sequencer.outputs for output in path}
            on = [f"out{n}" for n, one in enumerate(self.net_zero) if one.enabled and n in outputs]
            if on and sequencer.plays_net_zero:
                raise Refusal(
                    EXECUTION_ERROR,
                    f"sequencer {sequencer.number} plays net-zero pulses on {', '.join(on)}, which "
                    "this twin does not shape",
                )

    @property
    def free_bins(self) -> int:
        """Bins that no acquisition has taken."""
        return limits.BINS - sum(s.acquisitions.total_bins for s in self.sequencers)

    def afe(self) -> Afe:
        """Return the analogue front end as it is now."""
        model = self.model
        used = self.oscillators[1:] if model.family == "QRM" else self.oscillators
        used = used if model.rf else ()
        return Afe(
            model=model,
            lo_hz=tuple(one.hz for one in used),
            lo_on=tuple(one.on for one in used),
            output_attenuation_db=tuple(self.output_attenuation_db),
            input_attenuation_db=self.input_attenuation_db[0] if self.input_attenuation_db else 0,
            input_gain_db=tuple(self.input_gain_db),
            second_input_attenuation_db=(*self.input_attenuation_db, 0, 0)[1],
            lo_locks=tuple(one.lock for one in used),
            scope=self.scope_settings(),
            input_offset_v=tuple(self.input_offset_v),
            shaping=tuple(self.predistortion.shaping(n) for n in range(model.dacs)),
            marker_delay_ns=tuple(
                self.predistortion.marker_delay_ns(n) for n in range(model.markers)
            ),
            marker_inverted=tuple(self.marker_inverted),
            mixers=self.mixers,
            output_offset_mv=tuple(self.output_offset_mv),
        )

    def invert_marker(self, number: int, inverted: bool, now_fs: int) -> None:
        """Let a marker's connector idle high, or low again: its level changes at once."""
        if self.marker_inverted[number] != inverted:
            self.marker_inverted[number] = inverted
            self.lines.arrive(f"slot{self.slot}.marker{number}", now_fs, inverted)

    def let_fall(self, now_fs: int) -> None:
        """Let no marker idle high."""
        for number in range(self.model.markers):
            self.invert_marker(number, False, now_fs)

    def scope_settings(self) -> ScopeSettings:
        """Return how the scope records."""
        values = self.scope_configuration
        trigger = values["trig"]
        levels = zip(trigger["mode_path"], trigger["lvl_path"], strict=False)
        return ScopeSettings(
            averages=tuple(map(bool, values["avg_en_path"])),
            levels=tuple(float(level) if by_level else None for by_level, level in levels),
        )

    def scope_listens_to(self, number: int) -> bool:
        """Tell whether the scope is triggered by that sequencer.

        ASSUMED: of a QRC's two pairs of paths, each records the input of its own number, when a
        sequencer acquires that listens to it.
        """
        path = self._scope_path(number)
        chosen = self.scope_configuration["sel_path"][path] if self.model.readout else None
        return self.model.reads(number) and chosen == number

    def _scope_path(self, number: int) -> int:
        path_i = self.sequencers[number].inputs[0]
        return path_i[0] if path_i and self.model.family == "QRC" else 0

    def keep_scope(self, number: int, record: tuple[ScopePath, ...]) -> None:
        """Keep what the scope recorded for a sequencer."""
        first = self._scope_path(number)
        memory = list(self.scope_memory)
        memory[first : first + len(record)] = record
        self.scope_memory = tuple(memory)

    def channel(self, number: int) -> dict[str, Any] | None:
        """Return a copy of the settings of a sequencer's own channel, None but on a QTM."""
        return dict(self.io.channels[number]) if self.io is not None else None

    def levels_v(self) -> dict[str, float]:
        """Return the static level of each baseband output, as the offset DAC makes it."""
        full = self.model.output_full_scale_v
        step = 2 * full / 2**limits.OFFSET_WORD_BITS
        return {f"out{n}": round(v / step) * step for n, v in enumerate(self.offset_v)}

    def set_scope_configuration(self, values: Any) -> None:
        """Take over a scope configuration; refuse what is none."""
        paths = self.model.adcs
        try:
            lists = [
                values["sel_path"],
                values["avg_en_path"],
                values["trig"]["mode_path"],
                values["trig"]["lvl_path"],
            ]
        except (KeyError, TypeError) as error:
            raise Refusal(BLOCK_DATA_ERROR, f"scope configuration: {error} is missing") from error
        if not all(isinstance(one, list) and len(one) >= paths for one in lists):
            raise Refusal(BLOCK_DATA_ERROR, f"scope configuration needs {paths} paths in each list")
        for number in values["sel_path"][:paths]:
            if not isinstance(number, int) or not 0 <= number < len(self.sequencers):
                raise Refusal(
                    BLOCK_DATA_ERROR, f"scope configuration: sequencer {number!r} does not exist"
                )
        for level in values["trig"]["lvl_path"][:paths]:
            number = isinstance(level, int | float) and not isinstance(level, bool)
            if not number or not -1 <= level <= 1:
                raise Refusal(
                    OUT_OF_RANGE,
                    f"scope configuration: trigger level {level!r} must lie between -1 and 1",
                )
        self.scope_configuration = values


def json_bytes(values: Any) -> bytes:
    """Return ``values`` as the JSON of the wire."""
    return json.dumps(values).encode()
