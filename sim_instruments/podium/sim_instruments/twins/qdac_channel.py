"""One channel of a QDAC-II: its settings, its DC generator and its current sensor."""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal

from podium.firmware_interfaces import qdevil_qdac2 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.sim_instruments.twins.current_sensor import (
    CurrentSensor,
    SensorSettings,
    TriggerTrain,
)
from podium.sim_instruments.twins.dc_generator import DcGenerator, Staircase, StaircasePlan
from podium.sim_instruments.twins.qdac_waves import QdacWaves, Traces
from podium.sim_instruments.twins.scpi_settings import Settings

LINE_FREQUENCY_HZ = 50
DEFAULTS: Mapping[Command, Value] = {
    # ASSUMED, all but the filter: what *RST and power-on set
    box.VOLTAGE_NEXT: Decimal(0),
    box.MODE: "FIX",
    box.SLEW: box.SLEW_FREE,
    box.RANGE: "HIGH",
    box.FILTER: "HIGH",
    box.ENHANCEMENT: False,
    box.SWEEP_START: Decimal(0),
    box.SWEEP_STOP: Decimal(0),
    box.SWEEP_POINTS: 2,
    box.SWEEP_DWELL: Decimal("1E-3"),
    box.SWEEP_GENERATION: "STEP",
    box.SWEEP_DIRECTION: "UP",
    box.SWEEP_COUNT: 1,
    box.LIST_DWELL: Decimal("1E-3"),
    box.LIST_DIRECTION: "UP",
    box.LIST_COUNT: 1,
    box.LIST_STEPS: "AUTO",
    box.DC_DELAY: Decimal(0),
    box.DC_TRIGGER: "IMM",
    box.DC_CONTINUOUS: False,
    **dict.fromkeys(box.DC_MARKERS, 0),
    box.SENSE_RANGE: "HIGH",
    box.SENSE_APERTURE: Decimal("0.02"),
    box.SENSE_NPLC: Decimal(1),
    box.SENSE_DELAY: Decimal(0),
    box.SENSE_COUNT: 1,
    box.SENSE_TRIGGER: "IMM",
    box.SENSE_CONTINUOUS: False,
}


Fire = Callable[[int, TriggerTrain, int], None]
"""Takes the number of an internal trigger, when it is raised, and the present (fs)."""


class QdacChannel:
    """Holds a level, moves it, measures what flows."""

    def __init__(self, seed: int, traces: Traces, fire: Fire) -> None:
        """``seed``: of the noise of its current sensor; ``traces``: those of the box.

        ``fire`` raises a train of internal triggers in the box.
        """
        self._seed = seed
        self._traces = traces
        self._fire = fire
        self._trains: list[TriggerTrain] = []
        self.load_ohm: float | None = None
        """What hangs at it, to ground; None: nothing. ASSUMED: no flux line takes a current."""
        self.reset()

    def reset(self) -> None:
        """Go to the settings of power-on and of *RST; the level is 0 V at once. ASSUMED."""
        self._settings = Settings(DEFAULTS)
        self.generator = DcGenerator()
        self.waves = QdacWaves(self._traces)
        self.sensor = CurrentSensor(self._seed, self.current_a)
        self.last_v = Decimal(0)
        """The level that was set last, whether it is reached or not."""
        self.listed_v: tuple[Decimal, ...] = (Decimal(0),)
        self.asked_about = False
        """Somebody has looked at what moves."""

    def put(self, command: Command, value: Value) -> None:
        """Store a setting that does nothing by itself."""
        self._settings.put(command, (value,))

    def answer(self, command: Command) -> str:
        """Return the answer to the query of a stored setting."""
        return self._settings.answer(command)

    # --- the level --------------------------------------------------------------------

    def level_v(self, now_fs: int) -> Decimal:
        """Return the level that its DC generator makes: a multiple of the converter's step, V."""
        return self._on_grid(self.generator.level(now_fs))

    def terminal_v(self, now_fs: int) -> Decimal:
        """Return what is at the terminals: the sum of all its generators, cut at its range, V."""
        most = box.RANGES_V[self._word(box.RANGE)]
        whole = self.generator.level(now_fs) + Decimal(self.waves.level_v(now_fs))
        return self._on_grid(max(-most, min(whole, most)))

    def _on_grid(self, level: Decimal) -> Decimal:
        name, enhanced = self._word(box.RANGE), bool(self._settings.value(box.ENHANCEMENT))
        step = box.step_v(name, enhanced)
        return int((level / step).to_integral_value(ROUND_HALF_UP)) * step

    def ends_fs(self, now_fs: int) -> list[int]:
        """Return when what moves now, and has an end, has ended."""
        end_fs = self.generator.end_fs(now_fs)
        return [*([] if end_fs is None else [end_fs]), *self.waves.ends_fs(now_fs)]

    def check_level(self, level: Decimal) -> None:
        """Raise :class:`ScpiError` where the range in use does not reach ``level``."""
        name = self._word(box.RANGE)
        most = box.RANGES_V[name]
        if abs(level) > most:
            raise ScpiError(-222, f"{level} V, the range {name} goes to {most} V")

    def check_fixed(self) -> None:
        """Raise :class:`ScpiError` unless its level is one that is set. ASSUMED: the code."""
        if self._word(box.MODE) != "FIX":
            raise ScpiError(-221, f"its mode is {self._word(box.MODE)}")

    def set_level(self, level: Decimal, now_fs: int) -> None:
        """Go to a level, at the slew that is set."""
        self._stop_trains(now_fs)
        self.last_v = level
        self.asked_about = False
        self.generator.go(level, self._number(box.SLEW), now_fs)

    def set_slew(self, slew: Decimal, now_fs: int) -> None:
        """Set the slew; a level that moves goes on with it. ASSUMED."""
        self.put(box.SLEW, slew)
        if self._word(box.MODE) == "FIX" and self.generator.end_fs(now_fs) is not None:
            self.generator.go(self.last_v, slew, now_fs)

    def set_mode(self, mode: str, now_fs: int) -> None:
        """Choose who makes the level; it stays where it is. ASSUMED."""
        if mode == self._word(box.MODE):
            return
        self.abort(now_fs)
        self.put(box.MODE, mode)

    def set_range(self, name: str, now_fs: int) -> None:
        """Choose the range; refused where its level would not fit. ASSUMED: the code."""
        most = box.RANGES_V[name]
        if max(abs(self.generator.level(now_fs)), abs(self.last_v)) > most:
            raise ScpiError(-221, f"its level is beyond {most} V")
        self.put(box.RANGE, name)

    def set_list(self, levels: tuple[Decimal, ...]) -> None:
        """Set the levels of the list."""
        if len(levels) > box.LIST_LENGTH_MAX:
            raise ScpiError(-223, f"{len(levels)} levels, {box.LIST_LENGTH_MAX} are possible")
        for level in levels:
            self.check_level(level)
        self.listed_v = levels
        self.generator.rewind()

    # --- triggers ---------------------------------------------------------------------

    def initiate(self, now_fs: int) -> None:
        """Start the generator, or let it wait once for its trigger."""
        if self._word(box.DC_TRIGGER) == "IMM":
            self._start(now_fs)
        else:
            self.generator.armed = "once"

    def set_continuous(self, on: bool, now_fs: int) -> None:
        """Let the generator wait for each trigger, or for none."""
        self.put(box.DC_CONTINUOUS, on)
        self.generator.armed = "always" if on else ""
        if on and self._word(box.DC_TRIGGER) == "IMM":  # ASSUMED: that is a trigger, too
            self._start(now_fs)

    def initiate_sensor(self, now_fs: int) -> None:
        """Start a series of measurements, or let it wait once for its trigger."""
        if self._word(box.SENSE_TRIGGER) == "IMM":
            self.sensor.start(self._sensor_settings(), TriggerTrain(now_fs), now_fs)
        else:
            self.sensor.armed = "once"

    def set_sensor_continuous(self, on: bool, now_fs: int) -> None:
        """Let series of measurements wait for each trigger, or for none."""
        self.put(box.SENSE_CONTINUOUS, on)
        self.sensor.armed = "always" if on else ""

    def trigger(self, source: str, now_fs: int) -> None:
        """Start what waits for a trigger from ``source``: BUS, INT1 and so on."""
        if self.generator.armed and self._word(box.DC_TRIGGER) == source:
            if self.generator.armed == "once":
                self.generator.armed = ""
            self._start(now_fs)
        self.measure_on(source, TriggerTrain(now_fs), now_fs)
        self.waves.trigger(source, now_fs)

    def measure_on(self, source: str, train: TriggerTrain, now_fs: int) -> None:
        """Let its sensor read on triggers from ``source``, if it waits for them."""
        if self.sensor.armed and self._word(box.SENSE_TRIGGER) == source:
            if self.sensor.armed == "once":
                self.sensor.armed = ""
                train = TriggerTrain(train.first_fs)
            self.sensor.start(self._sensor_settings(), train, now_fs)

    def abort_all(self, now_fs: int) -> None:
        """Stop all its generators."""
        self.abort(now_fs)
        self.waves.abort()

    def abort(self, now_fs: int) -> None:
        """Stop the generator where it is; it waits for no trigger. ASSUMED: where the level is."""
        self._stop_trains(now_fs)
        self.generator.hold(now_fs)

    def _start(self, now_fs: int) -> None:
        self._stop_trains(now_fs)
        self.asked_about = False
        match self._word(box.MODE):
            case "SWE":
                self.generator.start(self._sweep(), now_fs)
            case "LIST":
                self.generator.start(self._list(), now_fs)
            case _:
                level = self._number(box.VOLTAGE_NEXT)
                self.check_level(level)
                self.set_level(level, now_fs)
        stairs = self.generator.staircase
        if stairs is not None:
            self._mark(stairs, now_fs)

    def _mark(self, stairs: Staircase, now_fs: int) -> None:
        """Raise the triggers that mark what goes on in a sweep or a list."""
        begun_fs, dwell_fs, steps = stairs.begun_fs, stairs.dwell_fs, stairs.points * stairs.count
        end_fs, cycle_fs = stairs.end_fs, stairs.points * dwell_fs
        trains = (
            TriggerTrain(begun_fs),
            TriggerTrain(begun_fs if end_fs is None else end_fs, number=int(end_fs is not None)),
            TriggerTrain(begun_fs, cycle_fs, stairs.count),
            TriggerTrain(begun_fs + cycle_fs, cycle_fs, stairs.count),
            TriggerTrain(begun_fs, dwell_fs, max(-1, steps)),
            TriggerTrain(begun_fs + dwell_fs, dwell_fs, max(-1, steps)),
        )
        for marker, train in zip(box.DC_MARKERS, trains, strict=True):
            trigger = self._whole(marker)
            if trigger and train.number:
                self._trains.append(train)
                self._fire(trigger, train, now_fs)

    def _stop_trains(self, now_fs: int) -> None:
        for train in self._trains:
            train.stop(now_fs)
        self._trains.clear()

    def _sweep(self) -> StaircasePlan:
        start, stop = self._number(box.SWEEP_START), self._number(box.SWEEP_STOP)
        for level in (start, stop):
            self.check_level(level)
        points = self._whole(box.SWEEP_POINTS)
        if self._word(box.SWEEP_DIRECTION) == "DOWN":
            start, stop = stop, start
        return StaircasePlan(
            lambda index: start + (stop - start) * index / (points - 1),
            points,
            _femtoseconds(self._number(box.SWEEP_DWELL)),
            self._whole(box.SWEEP_COUNT),
            _femtoseconds(self._number(box.DC_DELAY)),
            analog=self._word(box.SWEEP_GENERATION) == "ANAL",
        )

    def _list(self) -> StaircasePlan:
        levels = self.listed_v
        for level in levels:
            self.check_level(level)
        if self._word(box.LIST_DIRECTION) == "DOWN":
            levels = levels[::-1]
        return StaircasePlan(
            lambda index: levels[index],
            len(levels),
            _femtoseconds(self._number(box.LIST_DWELL)),
            self._whole(box.LIST_COUNT),
            _femtoseconds(self._number(box.DC_DELAY)),
            stepped=self._word(box.LIST_STEPS) == "STEP",
        )

    @property
    def sweep_time_s(self) -> Decimal:
        """Return how long one sweep takes. ASSUMED: as long as its points are held."""
        return self._whole(box.SWEEP_POINTS) * self._number(box.SWEEP_DWELL)

    # --- the current ------------------------------------------------------------------

    def measure(self, now_fs: int) -> float:
        """Measure what flows now, A."""
        return self.sensor.measure(self._sensor_settings(), now_fs)

    def current_a(self, now_fs: int) -> float:
        """Return what flows out of it."""
        if self.load_ohm is None:
            return 0.0
        return float(self.terminal_v(now_fs)) / (self.load_ohm + box.OUTPUT_OHM)

    def set_aperture(self, seconds: Decimal) -> None:
        """Set how long a reading takes; the power-line cycles follow."""
        self.put(box.SENSE_APERTURE, seconds)
        self.put(box.SENSE_NPLC, seconds * LINE_FREQUENCY_HZ)

    def set_cycles(self, cycles: Decimal) -> None:
        """Set how many power-line cycles a reading takes; the aperture follows."""
        self.put(box.SENSE_NPLC, cycles)
        self.put(box.SENSE_APERTURE, cycles / LINE_FREQUENCY_HZ)

    def _sensor_settings(self) -> SensorSettings:
        name = self._word(box.SENSE_RANGE)
        return SensorSettings(
            name,
            box.SENSOR_RANGES_A[name],
            _femtoseconds(self._number(box.SENSE_APERTURE)),
            _femtoseconds(self._number(box.SENSE_DELAY)),
            self._whole(box.SENSE_COUNT),
        )

    # --- stored values ----------------------------------------------------------------

    def _word(self, command: Command) -> str:
        return str(self._settings.value(command))

    def _number(self, command: Command) -> Decimal:
        value = self._settings.value(command)
        if not isinstance(value, Decimal):
            raise TypeError(f"{value!r} is no number with a unit")
        return value

    def _whole(self, command: Command) -> int:
        value = self._settings.value(command)
        if not isinstance(value, int):
            raise TypeError(f"{value!r} is no whole number")
        return value


def _femtoseconds(seconds: Decimal) -> int:
    return int(seconds * FS_PER_S)
