"""The wave generators of one channel of a QDAC-II, with their settings."""

from collections.abc import Mapping
from decimal import Decimal

from podium.firmware_interfaces import qdevil_qdac2_waves as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.qdevil_qdac2_waves import WaveCommands
from podium.sim_instruments.twins.scpi_settings import Settings
from podium.sim_instruments.twins.wave_generator import (
    Wave,
    WaveGenerator,
    sine,
    square,
    triangle,
)

Traces = Mapping[str, tuple[float, ...]]
"""Samples of the box, V, by the names of traces; all of it are 0 until they are sent."""
FORMS = {"SYMM": 0.0, "POS": 0.5, "NEG": -0.5}
"""Of a square wave: how far it is shifted, in spans."""


class QdacWaves:
    """Four generators, one of each kind."""

    def __init__(self, traces: Traces) -> None:
        """``traces``: those of the box, which come and go."""
        self._traces = traces
        self.generators = {one.kind: WaveGenerator() for one in box.WAVES}
        defaults: dict[Command, Value] = {}
        for one in box.WAVES:
            defaults |= {command: box.DEFAULTS[name] for name, command in one.settings.items()}
            defaults |= dict.fromkeys(one.markers, 0)
            defaults |= {one.trigger: "IMM", one.continuous: False}
        self._settings = Settings(defaults)

    def level_v(self, now_fs: int) -> float:
        """Return what they add to the level, V."""
        return sum(generator.level(now_fs) for generator in self.generators.values())

    def ends_fs(self, now_fs: int) -> list[int]:
        """Return when those that have an end fall silent."""
        ends = (generator.end_fs(now_fs) for generator in self.generators.values())
        return [end_fs for end_fs in ends if end_fs is not None]

    def put(self, wave: WaveCommands, command: Command, value: Value) -> None:
        """Store a setting; a frequency sets the period, and the other way round."""
        self._settings.put(command, (value,))
        frequency, period = wave.settings.get("frequency"), wave.settings.get("period")
        if frequency is not None and period is not None and isinstance(value, Decimal):
            if command is frequency:
                self._settings.put(period, (1 / value,))
            elif command is period:
                self._settings.put(frequency, (1 / value,))

    def answer(self, command: Command) -> str:
        """Return the answer to the query of a setting."""
        return self._settings.answer(command)

    def initiate(self, wave: WaveCommands, now_fs: int) -> None:
        """Start a generator, or let it wait once for its trigger."""
        if self._settings.value(wave.trigger) == "IMM":
            self._start(wave, now_fs)
        else:
            self.generators[wave.kind].armed = "once"

    def set_continuous(self, wave: WaveCommands, on: bool, now_fs: int) -> None:
        """Let a generator wait for each trigger, or for none."""
        self._settings.put(wave.continuous, (on,))
        self.generators[wave.kind].armed = "always" if on else ""
        if on and self._settings.value(wave.trigger) == "IMM":
            self._start(wave, now_fs)

    def trigger(self, source: str, now_fs: int) -> None:
        """Start what waits for a trigger from ``source``."""
        for wave in box.WAVES:
            generator = self.generators[wave.kind]
            if generator.armed and self._settings.value(wave.trigger) == source:
                if generator.armed == "once":
                    generator.armed = ""
                self._start(wave, now_fs)

    def abort(self) -> None:
        """Silence all of them."""
        for generator in self.generators.values():
            generator.abort()

    def _start(self, wave: WaveCommands, now_fs: int) -> None:
        self.generators[wave.kind].start(self._wave(wave), now_fs)

    def _wave(self, wave: WaveCommands) -> Wave:
        offset_v, count = self._number(wave, "offset"), self._settings.value(wave.settings["count"])
        delay_fs = int(Decimal(self._number(wave, "delay")) * FS_PER_S)
        if not isinstance(count, int):
            raise TypeError(f"{count!r} is no count")
        if wave.kind == "AWG":
            samples = self._samples(wave)
            scale = self._number(wave, "scale")
            period_fs = len(samples) * int(box.SAMPLE_S * FS_PER_S)
            return Wave(
                lambda phase: offset_v + scale * samples[int(phase * len(samples))],
                period_fs,
                count,
                delay_fs,
            )
        sign = -1.0 if self._settings.value(wave.settings["polarity"]) == "INV" else 1.0
        half_v = sign * self._number(wave, "span") / 2
        period = self._settings.value(wave.settings["period"])
        period_fs = int(Decimal(str(period)) * FS_PER_S)
        match wave.kind:
            case "SIN":
                return Wave(
                    lambda phase: offset_v + half_v * sine(phase), period_fs, count, delay_fs
                )
            case "SQU":
                duty = self._number(wave, "duty") / 100
                form = str(self._settings.value(wave.settings["form"]))
                middle_v = offset_v + 2 * half_v * FORMS[form]
                return Wave(
                    lambda phase: middle_v + half_v * square(phase, duty),
                    period_fs,
                    count,
                    delay_fs,
                )
        duty = self._number(wave, "duty") / 100
        return Wave(
            lambda phase: offset_v + half_v * triangle(phase, duty), period_fs, count, delay_fs
        )

    def _samples(self, wave: WaveCommands) -> tuple[float, ...]:
        name = str(self._settings.value(wave.settings["trace"]))
        if name not in self._traces:  # ASSUMED: the code, and that it is seen at the start
            raise ScpiError(-221, f"there is no trace {name!r}")
        return self._traces[name]

    def _number(self, wave: WaveCommands, name: str) -> float:
        value = self._settings.value(wave.settings[name])
        if not isinstance(value, Decimal):
            raise TypeError(f"{value!r} is no number with a unit")
        return float(value)
