"""Twin of the Lake Shore 336 and 350: four inputs read all the time, four outputs that heat.

Inputs are numbered 1 to 4 in a facility file, A to D on the wire. Alarms and relays follow readings
(:mod:`.lakeshore_alarms`). Curves and the display are settings that are kept and read back; an
autotuning never begins, and says so; the monitor mode of the voltage outputs drives nothing.
"""

from collections.abc import Callable, Mapping
from functools import partial

from podium.firmware_interfaces import lakeshore_controller as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.lakeshore_controller import ReadingStatus, SensorType
from podium.firmware_interfaces.lakeshore_records import (
    BEGINS_S,
    CLIENTS_MAX,
    NAME_MAX,
    QUIET_S,
    REGISTER_DIGITS,
    STATUS_BITS,
    TCP_PORT,
    TERMINATOR,
    VENDOR,
    Record,
)
from podium.sim_instruments.twins.answer_pace import AnswerPace, lines_with_rests
from podium.sim_instruments.twins.faces.message_ports import MessagePorts
from podium.sim_instruments.twins.fridge_readings import FridgeReadings
from podium.sim_instruments.twins.heater_loop import HeaterLines, Write
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.lakeshore_alarms import AlarmLimits, InputAlarms
from podium.sim_instruments.twins.lakeshore_controller_outputs import ControllerOutputs
from podium.sim_instruments.twins.lakeshore_settings import (
    LakeshoreSettings,
    Place,
    as_float,
    as_int,
)
from podium.sim_instruments.twins.lakeshore_twin import LakeshoreTwin
from podium.sim_instruments.twins.reading_noise import ReadingNoise

FIRMWARE = "3.0"  # ASSUMED
NOISE = 1e-4
"""Standard deviation of one reading, of the temperature. ASSUMED."""
CURVE = 21
"""The user curve of sensors that are there from the start. ASSUMED."""
_READING_FS = FS_PER_S // box.READINGS_PER_S


def resistance_ohm(temperature_k: float) -> float:
    """Return the resistance of a Cernox sensor. ASSUMED: 60 ohm at 300 K, 3.5 kohm at 4.2 K."""
    return float(60.0 * (300.0 / temperature_k) ** 0.95)


class LakeshoreController(LakeshoreTwin):
    """A 336 or 350 whose inputs read what ``reading(channel, now_fs)`` says, in kelvin."""

    _outputs: ControllerOutputs

    clients_max = CLIENTS_MAX

    def __init__(
        self,
        model: box.Controller,
        reading: Callable[[int, int], float] | None,
        channels: Mapping[int, str],
        serial: str,
        heaters: Mapping[int, str] | None = None,
        write: Write | None = None,
    ) -> None:
        """Wire sensors to ``channels`` (1 to 4: name) and heaters of the fridge to outputs."""
        for channel in channels:
            if not 1 <= channel <= len(box.INPUTS):
                raise ValueError(f"channel {channel}: a {model.identity} has inputs 1 to 4, A to D")
        self._model = model
        self._readings = None if reading is None else FridgeReadings(reading)
        self._numbers = {box.INPUTS[channel - 1]: channel for channel in channels}
        self._noise = ReadingNoise(serial)
        self.pace = AnswerPace(lines_with_rests(BEGINS_S, QUIET_S))
        factory: dict[Place, tuple[Value, ...]] = {("CRVHDR", (1,)): box.DIODE_CURVE}
        for channel, name in channels.items():
            letter = box.INPUTS[channel - 1]
            factory["INTYPE", (letter,)] = (int(SensorType.NTC), *model.intype.defaults[1:])
            factory["INNAME", (letter,)] = (name[:NAME_MAX],)
            factory["INCRV", (letter,)] = (CURVE,)
        self._settings = LakeshoreSettings(factory)
        self._outputs = ControllerOutputs(
            model, self._settings, HeaterLines(heaters, write), self._valid, self._sensor
        )
        self._alarms = InputAlarms(
            box.INPUTS,
            self._alarm_limits,
            lambda letter, at_fs: self._valid(str(letter), at_fs),
        )
        self._tuned: int | None = None
        """The output that was to be autotuned last."""
        manners = Manners(
            f"{VENDOR},{model.identity},{serial},{FIRMWARE}",
            options=None,
            terminator=TERMINATOR,
            register_digits=REGISTER_DIGITS,
            status_bits=STATUS_BITS,
        )
        self._device = Device(
            manners,
            self._table(),
            reset=lambda now_fs: None,  # manual: to power-up settings, which are those of before
            before=self.advance,
        )
        self._ports = MessagePorts(self._device.open, {"scpi": TCP_PORT})

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: settings are kept, outputs go off unless they are to stay on."""
        super().power_cycle(now_fs)
        self._tuned = None

    # --- measurement ------------------------------------------------------------------

    def temperature_k(self, letter: str, now_fs: int) -> float | None:
        """Return the last reading of an input, with noise; None: nothing is connected."""
        number = self._numbers.get(letter)
        if number is None or self._readings is None:
            return None
        tick = now_fs // _READING_FS
        noise = NOISE * self._noise.normal(number, tick)
        return self._readings.kelvin(number, tick * _READING_FS) * (1.0 + noise)

    def _status(self, letter: str, now_fs: int) -> ReadingStatus:
        kind, autorange, sensor_range, *_ = self._settings.fields(self._model.intype, letter)
        if kind == SensorType.DISABLED:
            return ReadingStatus(0)
        temperature_k = self.temperature_k(letter, now_fs)
        if temperature_k is None or kind != SensorType.NTC:
            # ASSUMED: an open input, and an NTC resistor on an input for another kind
            return ReadingStatus.SENSOR_OVER
        full_scale_ohm = box.NTC_RANGES_OHM[8 if autorange else as_int(sensor_range)]
        if resistance_ohm(temperature_k) > full_scale_ohm:
            return ReadingStatus.SENSOR_OVER
        return ReadingStatus(0)

    def _valid(self, letter: str, now_fs: int) -> float | None:
        kind = self._settings.fields(self._model.intype, letter)[0]
        if kind == SensorType.DISABLED or self._status(letter, now_fs):
            return None
        return self.temperature_k(letter, now_fs)

    def _sensor(self, letter: str, now_fs: int) -> float | None:
        temperature_k = self._valid(letter, now_fs)
        return None if temperature_k is None else resistance_ohm(temperature_k)

    def _celsius(self, letter: str, now_fs: int) -> float | None:
        temperature_k = self._valid(letter, now_fs)
        return None if temperature_k is None else temperature_k - box.ZERO_CELSIUS_K

    def _read(self, what: Callable[[str, int], float | None], call: Call) -> str:
        """Return a reading, of all inputs if 0 is asked; 0 where there is none."""
        letters = box.INPUTS if call.values[0] == "0" else (str(call.values[0]),)
        return ",".join(box.number(what(letter, call.now_fs) or 0.0) for letter in letters)

    def _ask_extremes(self, call: Call) -> str:
        # ASSUMED: only the present reading is known, as after MNMXRST
        now = self._read(self._valid, call)
        return f"{now},{now}"

    # --- alarms and tuning ------------------------------------------------------------

    def _alarm_limits(self, letter: Value) -> AlarmLimits | None:
        on, high, low, deadband, latching, *_ = self._settings.fields(box.ALARM, letter)
        limits = as_float(high), as_float(low), as_float(deadband)
        return AlarmLimits(*limits, bool(latching)) if on else None

    def _set_alarm(self, call: Call) -> None:
        self._settings.put(box.ALARM, call)
        self._alarms.look(call.now_fs)

    def _ask_relay(self, call: Call) -> str:
        fields = self._settings.fields(box.RELAY, call.values[0])
        return str(int(self._alarms.relay(*fields)))

    def _tune(self, call: Call) -> None:
        """ATUNE: here its initial conditions are never met, which TUNEST? tells."""
        self._tuned = as_int(call.values[0])

    def _ask_tuning(self, call: Call) -> str:
        """TUNEST?: not tuning, the output, whether it never began, stage 00 (350, page 156)."""
        return f"0,{self._tuned or 1},{int(self._tuned is not None)},00"

    # --- settings ---------------------------------------------------------------------

    def _to_factory(self, call: Call) -> None:
        self._settings.reset()
        self._outputs.reset(call.now_fs)

    def _stored(self, record: Record) -> Bound:
        outputs = self._outputs
        do: Callable[[Call], None] = partial(self._settings.put, record)
        ask: Callable[[Call], str] = partial(self._answer, record)
        if record is box.SETP:
            do, ask = outputs.set_setpoint, outputs.ask_setpoint
        elif record is box.HTRSET:
            do = outputs.set_heater
        elif record is box.ALARM:
            do = self._set_alarm
        elif record in box.FOLLOWED or record is self._model.pid:
            do = partial(outputs.set_record, record)
        meant = record in box.MEANT or record in (self._model.pid, self._model.intype)
        return Bound(record.command, do, ask, meant=meant)

    def _answer(self, record: Record, call: Call) -> str:
        return self._settings.answer(record, call.values)

    def _table(self) -> tuple[Bound, ...]:
        outputs = self._outputs
        records = (*box.MEANT, self._model.pid, self._model.intype, *box.KEPT)
        return (
            *(self._stored(record) for record in records),
            Bound(box.KELVIN_READING, answer=partial(self._read, self._valid)),
            Bound(box.CELSIUS_READING, answer=partial(self._read, self._celsius)),
            Bound(box.SENSOR_READING, answer=partial(self._read, self._sensor)),
            Bound(
                box.READING_STATUS,
                answer=lambda call: f"{int(self._status(str(call.values[0]), call.now_fs)):03d}",
            ),
            Bound(box.RANGE, outputs.set_range, outputs.ask_range),
            Bound(box.HEATER_OUTPUT, answer=outputs.ask_output),
            Bound(box.ANALOG_OUTPUT, answer=outputs.ask_output),
            Bound(box.HEATER_STATUS, answer=outputs.ask_fault),
            Bound(box.RAMP_STATUS, answer=outputs.ask_ramping),
            Bound(box.TUNING, answer=self._ask_tuning),
            Bound(box.AUTOTUNE, self._tune),
            Bound(box.EXTREMES, answer=self._ask_extremes, meant=False),
            Bound(box.FORGET_EXTREMES, lambda call: None, meant=False),
            Bound(box.ALARM_STATUS, answer=lambda call: self._alarms.answer(call.values[0])),
            Bound(box.RESET_ALARMS, lambda call: self._alarms.reset()),
            Bound(box.RELAY_STATUS, answer=self._ask_relay),
            Bound(box.OPERATION, answer=lambda call: "000", meant=False),
            Bound(box.OPERATION_EVENT, answer=lambda call: "000", meant=False),
            Bound(box.BLOCK_TEMPERATURE, answer=lambda call: "+296.000", meant=False),
            Bound(
                box.DELETE_CURVE,
                lambda call: self._settings.delete_curve(call.values[0]),
                meant=False,
            ),
            Bound(box.FACTORY_DEFAULTS, self._to_factory),
        )
