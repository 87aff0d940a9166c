"""Twin of the QDevil QDAC-II: 24 channels, each with its generators and a current sensor.

Markers of sweeps and lists trigger current sensors, and no generators; those of waves are stored.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from podium.firmware_interfaces import qdevil_qdac2 as box
from podium.firmware_interfaces import qdevil_qdac2_waves as waves
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.ieee4882.program_message import Block, Expression, Parameter
from podium.firmware_interfaces.ieee4882.responses import quoted
from podium.firmware_interfaces.qdevil_qdac2_waves import WAVES
from podium.sim_instruments.twins.current_sensor import TriggerTrain
from podium.sim_instruments.twins.faces.message_ports import MessagePorts
from podium.sim_instruments.twins.faces.message_twin import MessageTwin
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.qdac_bindings import (
    ChannelBindings,
    suffix_of,
    wave_bindings,
)
from podium.sim_instruments.twins.qdac_channel import LINE_FREQUENCY_HZ, QdacChannel
from podium.sim_instruments.twins.scpi_settings import Settings, error_answer
from podium.sim_instruments.twins.twin import IDLE, Horizon

FIRMWARE = "13-1.57"  # a release of Quantum Machines' page of the QDAC
TEMPERATURE_C = "25.0"  # ASSUMED, at all nine places

CHANNEL_SETTINGS = (
    *(box.VOLTAGE_NEXT, box.FILTER, box.ENHANCEMENT),
    *(box.SWEEP_START, box.SWEEP_STOP, box.SWEEP_POINTS, box.SWEEP_DWELL),
    *(box.SWEEP_GENERATION, box.SWEEP_DIRECTION, box.SWEEP_COUNT),
    *(box.LIST_DWELL, box.LIST_DIRECTION, box.LIST_COUNT, box.LIST_STEPS),
    *(box.DC_DELAY, box.DC_TRIGGER),
    *(box.SENSE_RANGE, box.SENSE_DELAY, box.SENSE_COUNT, box.SENSE_TRIGGER),
)
"""Stored by channel; they act when something starts."""
LEVELS = (box.VOLTAGE_NEXT, box.SWEEP_START, box.SWEEP_STOP)
"""Those of them that the range in use limits."""
OUTPUT_DEFAULTS: Mapping[Command, Value] = {  # ASSUMED
    box.TRIGGER_SOURCE: "HOLD",
    box.TRIGGER_WIDTH: Decimal("10E-6"),
    box.TRIGGER_POLARITY: "NORM",
    box.TRIGGER_DELAY: Decimal(0),
}
BOX_DEFAULTS: Mapping[Command, Value] = {
    box.LINE_FREQUENCY: str(LINE_FREQUENCY_HZ),
    box.CLOCK_SOURCE: "INT",
    box.CLOCK_SEND: False,
}


class QdevilQdac2(MessageTwin):
    """A QDAC-II. Its channels start triggers of the bus and internal ones, by their numbers."""

    def __init__(self, serial: str, noise_seed: int = 0) -> None:
        """``noise_seed``: of the noise of its current sensors."""
        self._serial = serial
        self._traces: dict[str, tuple[float, ...]] = {}
        self.channels = tuple(
            QdacChannel(noise_seed + n, self._traces, self._raise) for n in range(box.CHANNELS)
        )
        self._of = ChannelBindings(self.channels)
        self._device = Device(
            Manners(f"{box.VENDOR}, {box.MODEL}, {serial}, {FIRMWARE}", options=None),
            self._table(),
            reset=self._reset,
            trigger=lambda now_fs: self._fire("BUS", now_fs),
            before=self._collect,
        )
        self._ports = MessagePorts(self._device.open, {"scpi": box.TCP_PORT})
        self._reset(0)

    def levels_v_at(self, now_fs: int) -> dict[str, float]:
        """Return what is at the terminals of each channel, V."""
        levels = (float(channel.terminal_v(now_fs)) for channel in self.channels)
        return dict(zip(box.NAMES, levels, strict=True))

    def horizon(self, now_fs: int) -> Horizon:
        """Return when the next level that somebody has looked at arrives.

        Until somebody looks, whoever began it may be busy with other boxes.
        """
        moving = [
            end_fs
            for channel in self.channels
            if channel.asked_about
            for end_fs in channel.ends_fs(now_fs)
        ]
        if not moving:
            return IDLE
        return Horizon(armed=False, busy_until_fs=min(moving), computing=False)

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: all channels are at 0 V."""
        self._device.power_on()
        self._reset(now_fs)

    def _reset(self, now_fs: int) -> None:
        self._traces.clear()
        for channel in self.channels:
            channel.reset()
        self._outputs = [Settings(OUTPUT_DEFAULTS) for _ in range(box.TRIGGER_OUTPUTS)]
        self._settings = Settings(BOX_DEFAULTS)

    # --- channels ---------------------------------------------------------------------

    def _limit(self, command: Command, limit: str) -> Bound:
        return self._of.asked(command, lambda channel, _: limit)

    def _set_voltage(self, call: Call) -> None:
        level, found = _decimal(call.values[0]), self._of.named(call, call.values[1])
        for channel in found:  # all are checked before any moves
            channel.check_fixed()
            channel.check_level(level)
        for channel in found:
            channel.set_level(level, call.now_fs)

    def _ask_voltage(self, channel: QdacChannel, now_fs: int) -> str:
        channel.asked_about = True
        return box.digits(channel.level_v(now_fs))

    def _ask_left(self, channel: QdacChannel, now_fs: int) -> str:
        channel.asked_about = True
        return str(channel.generator.left(now_fs))

    def _put(self, command: Command) -> Callable[[QdacChannel, Value, int], None]:
        limited = command in LEVELS

        def put(channel: QdacChannel, value: Value, now_fs: int) -> None:
            if limited:
                channel.check_level(_decimal(value))
            channel.put(command, value)

        return put

    def _set_list(self, call: Call) -> None:
        levels, listed = _levels(call.values)
        for channel in self._of.named(call, listed):
            channel.set_list(levels)

    def _append(self, call: Call) -> None:
        levels, listed = _levels(call.values)
        for channel in self._of.named(call, listed):
            channel.set_list((*channel.listed_v, *levels))

    # --- triggers and the box ---------------------------------------------------------

    def _fire(self, source: str, now_fs: int) -> None:
        for channel in self.channels:
            channel.trigger(source, now_fs)

    def _raise(self, number: int, train: TriggerTrain, now_fs: int) -> None:
        """Let sensors read on the triggers that mark a sweep. Generators do not start on them."""
        for channel in self.channels:
            channel.measure_on(f"INT{number}", train, now_fs)

    def _collect(self, now_fs: int) -> None:
        """Let sensors take what they have measured before anything changes."""
        for channel in self.channels:
            channel.sensor.collect(now_fs)

    def _abort(self, call: Call) -> None:
        for channel in self.channels:
            channel.abort_all(call.now_fs)
            channel.sensor.abort(call.now_fs)

    def _ask_error(self, call: Call) -> str:
        return _written(error_answer(self._device.status.take_error(), with_detail=False))

    def _ask_errors(self, call: Call) -> str:
        count = self._device.status.error_count
        return ",".join(self._ask_error(call) for _ in range(max(1, count)))

    def _of_output(self, command: Command) -> Bound:
        def settings(call: Call) -> Settings:
            return self._outputs[suffix_of(call, box.TRIGGER_OUTPUTS) - 1]

        return Bound(
            command,
            lambda call: settings(call).put(command, call.values),
            lambda call: settings(call).answer(command),
            meant=False,
        )

    def _stored(self, command: Command) -> Bound:
        return Bound(
            command,
            lambda call: self._settings.put(command, call.values),
            lambda call: self._settings.answer(command),
            meant=False,
        )

    def _table(self) -> tuple[Bound, ...]:
        of_waves = (bound for wave in WAVES for bound in wave_bindings(self._of, wave))
        return (
            *self._of_levels(),
            *of_waves,
            *self._of_currents(),
            *self._of_traces(),
            *self._of_box(),
        )

    def _of_levels(self) -> Iterator[Bound]:
        yield Bound(box.VOLTAGE, self._set_voltage, self._of.answers(self._ask_voltage))
        yield self._of.asked(box.VOLTAGE_LAST, lambda channel, _: box.digits(channel.last_v))
        yield self._of.set(box.MODE, lambda channel, word, now: channel.set_mode(str(word), now))
        yield self._of.set(
            box.SLEW, lambda channel, slew, now: channel.set_slew(_decimal(slew), now)
        )
        yield self._of.set(box.RANGE, lambda channel, name, now: channel.set_range(str(name), now))
        for (name, side), command in box.LIMITS.items():
            yield self._limit(command, box.digits(side * box.RANGES_V[name]))
        for command in (*CHANNEL_SETTINGS, *box.DC_MARKERS):
            yield self._of.set(command, self._put(command), meant=command is not box.FILTER)
        yield Bound(box.LIST_VOLTAGE, self._set_list, self._of.answers(_ask_list))
        yield Bound(box.LIST_APPEND, self._append)
        yield self._of.asked(box.LIST_POINTS, lambda channel, _: str(len(channel.listed_v)))
        yield self._of.asked(box.LIST_LEFT, self._ask_left)
        yield self._of.asked(box.SWEEP_LEFT, self._ask_left)
        yield self._of.asked(box.SWEEP_TIME, lambda channel, _: box.digits(channel.sweep_time_s))
        yield self._of.each(box.DC_START, QdacChannel.initiate)
        yield self._of.set(
            box.DC_CONTINUOUS, lambda channel, on, now: channel.set_continuous(bool(on), now)
        )
        yield self._of.each(box.DC_ABORT, QdacChannel.abort)
        yield self._of.each(box.CHANNEL_ABORT, QdacChannel.abort_all)

    def _define_trace(self, call: Call) -> None:
        name, length = call.values
        if len(self._traces) == waves.TRACES_MAX and name not in self._traces:
            raise ScpiError(-223, f"{waves.TRACES_MAX} traces are possible")
        self._traces[str(name)] = (0.0,) * int(str(length))

    def _fill_trace(self, call: Call) -> None:
        name = self._trace(call)
        self._traces[name] = waves.samples_of(call.values[1:], len(self._traces[name]))

    def _remove_trace(self, call: Call) -> None:
        del self._traces[self._trace(call)]

    def _trace(self, call: Call) -> str:
        name = str(call.values[0])
        if name not in self._traces:
            raise ScpiError(-224, f"there is no trace {name!r}")  # ASSUMED: the code
        return name

    def _of_traces(self) -> Iterator[Bound]:
        yield Bound(waves.TRACE_DEFINE, self._define_trace)
        yield Bound(waves.TRACE_DATA, self._fill_trace)
        yield Bound(waves.TRACE_CATALOG, answer=lambda call: ",".join(map(quoted, self._traces)))
        yield Bound(waves.TRACE_REMOVE, self._remove_trace)
        yield Bound(waves.TRACE_REMOVE_ALL, lambda call: self._traces.clear())

    def _of_currents(self) -> Iterator[Bound]:
        yield self._of.set(
            box.SENSE_APERTURE, lambda channel, value, _: channel.set_aperture(_decimal(value))
        )
        yield self._of.set(
            box.SENSE_NPLC, lambda channel, value, _: channel.set_cycles(_decimal(value))
        )
        yield self._of.asked(box.SENSE_LEFT, lambda channel, now: str(channel.sensor.left(now)))
        yield self._of.asked(
            box.SENSE_LAST, lambda channel, now: _amperes(channel.sensor.last(now))
        )
        yield self._of.asked(
            box.SENSE_POINTS, lambda channel, now: str(len(channel.sensor.available(now)))
        )
        yield self._of.asked(
            box.SENSE_REMOVE, lambda channel, now: _amperes(*channel.sensor.remove(now))
        )
        yield self._of.asked(
            box.FETCH, lambda channel, now: _amperes(*channel.sensor.available(now))
        )
        yield self._of.asked(box.READ, lambda channel, now: _amperes(channel.measure(now)))
        yield self._of.each(box.SENSE_START, QdacChannel.initiate_sensor)
        yield self._of.set(
            box.SENSE_CONTINUOUS,
            lambda channel, on, now: channel.set_sensor_continuous(bool(on), now),
        )
        yield self._of.each(box.SENSE_ABORT, lambda channel, now: channel.sensor.abort(now))

    def _of_box(self) -> Iterator[Bound]:
        yield from map(self._of_output, OUTPUT_DEFAULTS)
        yield from map(self._stored, BOX_DEFAULTS)
        yield Bound(
            box.TRIGGER_SIGNAL,
            lambda call: _nothing(suffix_of(call, box.TRIGGER_OUTPUTS)),
            meant=False,
        )
        yield Bound(box.FIRE, lambda call: self._fire(f"INT{call.values[0]}", call.now_fs))
        yield Bound(box.ABORT, self._abort)
        yield Bound(box.CLOCK_SYNC, lambda call: None, meant=False)
        yield Bound(box.OUTPUT_SYNC, lambda call: None, meant=False)
        yield Bound(box.ERROR, answer=self._ask_error)
        yield Bound(box.ERRORS, answer=self._ask_errors)
        yield Bound(box.ERROR_COUNT, answer=lambda call: str(self._device.status.error_count))
        yield Bound(box.MAC, answer=lambda call: f'"{_mac(self._serial)}"', meant=False)
        yield Bound(box.TEMPERATURE, answer=lambda call: TEMPERATURE_C, meant=False)


def _levels(values: tuple[Value, ...]) -> tuple[tuple[Decimal, ...], Value]:
    """Return the levels of a list and the channel list behind them, if there is one."""
    given = [value for value in values if value is not None]
    listed = given.pop() if isinstance(given[-1], Expression) else None
    if not given:
        raise ScpiError(-109, "no levels")
    if isinstance(given[0], Block):
        if len(given) > 1:
            raise ScpiError(-108, "numbers behind a block")
        return box.volts_of_block(given[0]), listed
    return tuple(box.VOLTS.take(value) for value in given if isinstance(value, Parameter)), listed


def _ask_list(channel: QdacChannel, now_fs: int) -> str:
    return ",".join(map(box.digits, channel.listed_v))


def _amperes(*readings: float) -> str:
    return ",".join(f"{reading:.6g}" for reading in readings)


def _mac(serial: str) -> str:
    return f"049162{int(serial) % 2**24:06X}" if serial.isdigit() else "049162000000"


def _written(answer: str) -> str:
    """Write an error as it does: a space behind the number's comma."""
    code, _, text = answer.partition(",")
    return f"{code}, {text}"


def _decimal(value: Value) -> Decimal:
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r} is no number with a unit")
    return value


def _nothing(number: int) -> None:
    """Do nothing: no output is wired to anything."""
