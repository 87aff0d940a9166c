"""Twin of the Rohde & Schwarz ZNB20: a network analyzer that sees what is wired to its ports."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces import rohde_schwarz_znb20 as box
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.sim_instruments.twins.faces.message_ports import HISLIP, VXI11, MessagePorts
from podium.sim_instruments.twins.faces.message_twin import MessageTwin
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.network_ports import NetworkPorts, OpenPorts
from podium.sim_instruments.twins.network_sweep import Receiver, Sweeps
from podium.sim_instruments.twins.rohde_schwarz_znb20_channel import Channel
from podium.sim_instruments.twins.scpi_settings import Settings, error_answer, number_of
from podium.sim_instruments.twins.trace_formats import bits_of, formatted, interleaved, numbers
from podium.sim_instruments.twins.twin import IDLE, Horizon

FIRMWARE = "3.45"  # ASSUMED
RECEIVER = Receiver(floor_w_per_hz=1e-16, trace_noise=4.6e-4)
"""ASSUMED: -130 dBm in 1 Hz, and 0.004 dB of trace noise at 10 kHz, at all frequencies."""
FIRST_TRACE = "Trc1"


class RohdeSchwarzZNB20(MessageTwin):
    """A ZNB20 with two ports. Channels sweep side by side, each in its own time (ASSUMED).

    The source's power is that at the port, calibrated; ports are matched (ASSUMED). Segmented
    sweeps, wave quantities, calibrations and trace mathematics are not there.
    """

    def __init__(
        self, serial: str, network: NetworkPorts | None = None, noise_seed: int | None = None
    ) -> None:
        """``network``: what hangs at the ports; None: nothing. ``noise_seed``: of its receivers."""
        self._network = OpenPorts() if network is None else network
        self._seed = noise_seed or 0
        identity = f"{box.VENDOR},{box.MODEL},{box.MATERIAL}{serial},{FIRMWARE}"
        self._channels: dict[int, Channel] = {}
        self._sweeps: dict[int, Sweeps] = {}
        """By channel: they know which noise was already used, a preset makes none of it anew."""
        self._device = Device(
            Manners(identity, box.OPTIONS),
            tuple(self._table()),
            reset=self._reset,
            busy=lambda now_fs: any(one.sweeps.busy(now_fs) for one in self._channels.values()),
        )
        self._ports = MessagePorts(self._device.open, {"scpi": box.TCP_PORT}, HISLIP, VXI11)
        self._reset(0)

    def horizon(self, now_fs: int) -> Horizon:
        """Return when the sweeps that were triggered end; those that go on and on do not count."""
        seen = [one.sweeps.horizon(now_fs) for one in self._channels.values()]
        ends = [one.busy_until_fs for one in seen if one.busy_until_fs is not None]
        return replace(
            IDLE,
            busy_until_fs=max(ends, default=None),
            computing=any(one.computing for one in seen),
        )

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: it forgets what it was set to."""
        self._device.power_on()
        self._reset(now_fs)

    # --- state ------------------------------------------------------------------------

    def _reset(self, now_fs: int) -> None:
        """Go to the settings of *RST. ASSUMED: also those of power-on."""
        self._settings = Settings(
            {
                **box.DISPLAY_SETTINGS,
                box.OUTPUT: True,
                box.BYTE_ORDER: "SWAP",
                box.REFERENCE: "INT",
                box.REFERENCE_HZ: Decimal("10E6"),
                box.UPDATE: "OFF",
            }
        )
        self._bits = 0
        self._channels.clear()
        self._made(1).define(FIRST_TRACE, "S21")
        self._sweep_on(self._channels[1], now_fs)

    def _made(self, number: int) -> Channel:
        if not 1 <= number <= box.CHANNELS_MAX:
            raise ScpiError(-114, f"channel {number}")
        if number not in self._channels:
            new = Sweeps(self._network, RECEIVER, self._seed, f"channel {number}")
            sweeps = self._sweeps.setdefault(number, new)
            sweeps.forget()
            self._channels[number] = Channel(number, sweeps)
        return self._channels[number]

    def _channel(self, call: Call) -> Channel:
        number = call.suffixes[0] if call.suffixes else 1
        if number not in self._channels:
            raise ScpiError(-114, f"there is no channel {number}")
        return self._channels[number]

    @property
    def _output(self) -> bool:
        return bool(self._settings.value(box.OUTPUT))

    def _sweep_on(self, channel: Channel, now_fs: int) -> None:
        """Let a channel in continuous mode begin anew, with its settings as they are."""
        if not channel.continuous or not channel.settings.value(box.MEASURED):
            channel.sweeps.hold(now_fs)
        elif channel.traces:
            channel.sweeps.run(channel.sweep_settings(self._output), now_fs)

    def _initiate(self, channel: Channel, now_fs: int) -> None:
        if channel.continuous:
            return self._sweep_on(channel, now_fs)
        if channel.traces and channel.settings.value(box.MEASURED):
            count = int(channel.stimulus.number(box.SWEEP_COUNT))
            channel.sweeps.trigger(channel.sweep_settings(self._output), count, now_fs)
        return None

    # --- settings of a channel ---------------------------------------------------------

    def _put(self, call: Call, changes: Mapping[Command, Value]) -> None:
        channel = self._channel(call)
        for command, value in changes.items():
            channel.settings.put(command, (value,))
        channel.sweeps.restart_average()
        self._sweep_on(channel, call.now_fs)

    def _set_edge(self, call: Call, edge: Command) -> None:
        self._put(call, self._channel(call).stimulus.moved_edge(edge, number_of(call.values[0])))

    def _set_middle(self, call: Call, command: Command) -> None:
        self._put(
            call, self._channel(call).stimulus.moved_middle(command, number_of(call.values[0]))
        )

    def _ask_middle(self, call: Call, command: Command) -> str:
        known = Settings({command: self._channel(call).stimulus.middle(command)})
        return known.answer(command, call.values)

    def _set_bandwidth(self, call: Call) -> None:
        self._put(call, {box.BANDWIDTH: box.possible_bandwidth_hz(number_of(call.values[0]))})

    def _ask_bandwidth(self, call: Call) -> str:
        return self._channel(call).settings.answer(box.BANDWIDTH, call.values)

    def _set_sweep_time(self, call: Call) -> None:
        self._put(call, {box.SWEEP_TIME: call.values[0], box.SWEEP_TIME_AUTO: False})

    def _ask_sweep_time(self, call: Call) -> str:
        duration_fs = self._channel(call).sweep_settings(self._output).duration_fs
        return f"{duration_fs * 1e-15:.9g}"

    def _set_delay(self, call: Call) -> None:
        channel = self._channel(Call(call.now_fs, call.values, call.suffixes[:-1]))
        channel.delays_s[_port(call)] = float(number_of(call.values[0]))

    def _ask_delay(self, call: Call) -> str:
        channel = self._channel(Call(call.now_fs, call.values, call.suffixes[:-1]))
        return f"{channel.delays_s.get(_port(call), 0.0):.12g}"

    def _find_delay(self, call: Call) -> None:
        channel = self._channel(Call(call.now_fs, call.values, call.suffixes[:-1]))
        channel.find_delay(_port(call), call.now_fs, self._output)

    # --- traces -------------------------------------------------------------------------

    def _define(self, call: Call) -> None:
        number = call.suffixes[0] if call.suffixes else 1
        name, measured = str(call.values[0]), str(call.values[1])
        for other in self._channels.values():
            if other.number != number and name in other.traces:
                raise ScpiError(-224, f"{name} is a trace of channel {other.number}")  # ASSUMED
        if sum(len(one.traces) for one in self._channels.values()) >= box.TRACES_MAX:
            raise ScpiError(-223, f"{box.TRACES_MAX} traces are there")  # ASSUMED
        known = number in self._channels
        channel = self._made(number)
        try:
            channel.define(name, measured)
        except ScpiError:
            if not known:
                del self._channels[number]
            raise
        self._sweep_on(channel, call.now_fs)

    def _measure(self, call: Call) -> None:
        channel, name = self._channel(call), self._named(call)
        channel.define(name, str(call.values[1]))
        self._sweep_on(channel, call.now_fs)

    def _named(self, call: Call) -> str:
        name = str(call.values[0])
        if name not in self._channel(call).traces:
            raise ScpiError(-224, f"there is no trace {name}")  # ASSUMED
        return name

    def _select(self, call: Call) -> None:
        self._channel(call).active = self._named(call)

    def _delete(self, call: Call) -> None:
        self._channel(call).delete(self._named(call))

    def _delete_channel(self, call: Call) -> None:
        channel = self._channel(call)
        channel.traces.clear()
        channel.sweeps.forget()

    def _delete_all(self, call: Call) -> None:
        for channel in self._channels.values():
            channel.traces.clear()
            channel.sweeps.forget()

    def _all_traces(self) -> Iterator[tuple[str, str]]:
        names = [name for one in self._channels.values() for name in one.traces]
        return ((str(at + 1), name) for at, name in enumerate(names))

    def _set_format(self, call: Call) -> None:
        self._channel(call).trace.format = str(call.values[0])

    def _ready(self, call: Call) -> bool:
        return self._channel(call).sweeps.ready(call.now_fs)

    def _ask_data(self, call: Call) -> str:
        channel = self._channel(call)
        data = channel.data(call.now_fs, self._output)
        if call.values[0] == "FDAT":
            frequency_hz = channel.sweep_settings(self._output).frequency_hz()
            return self._sent(formatted(channel.trace.format, data, frequency_hz))
        return self._sent(interleaved(data))

    def _ask_stimulus(self, call: Call) -> str:
        return self._sent(self._channel(call).sweep_settings(self._output).axis())

    def _sent(self, values: NDArray[np.float64]) -> str:
        return numbers(values, self._bits, self._settings.value(box.BYTE_ORDER) == "SWAP")

    # --- the box ------------------------------------------------------------------------

    def _set_continuous(self, call: Call) -> None:
        channel = self._channel(call)
        channel.continuous = bool(call.values[0])
        self._sweep_on(channel, call.now_fs)

    def _set_all_continuous(self, call: Call) -> None:
        for channel in self._channels.values():
            channel.continuous = bool(call.values[0])
            self._sweep_on(channel, call.now_fs)

    def _initiate_all(self, call: Call) -> None:
        for channel in self._channels.values():
            self._initiate(channel, call.now_fs)

    def _set_output(self, call: Call) -> None:
        self._settings.put(box.OUTPUT, call.values)
        for channel in self._channels.values():
            self._sweep_on(channel, call.now_fs)

    def _set_data_format(self, call: Call) -> None:
        self._bits = bits_of(call.values)

    def _set_channel_state(self, call: Call) -> None:
        number = call.suffixes[0] if call.suffixes else 1
        if call.values[0]:
            self._made(number)
        else:
            self._channel(call).sweeps.forget()
            del self._channels[number]

    def _ask_error(self, call: Call) -> str:
        return error_answer(self._device.status.take_error(), with_detail=True)

    # --- table --------------------------------------------------------------------------

    def _of_channel(self, command: Command, meant: bool = True) -> Bound:
        """Bind a setting of a channel that is stored as it comes."""
        return Bound(
            command,
            lambda call: self._put(call, {command: call.values[0]}),
            lambda call: self._channel(call).settings.answer(command, call.values),
            meant,
        )

    def _of_box(self, command: Command, do: Callable[[Call], None] | None = None) -> Bound:
        return Bound(
            command,
            do or (lambda call: self._settings.put(command, call.values)),
            lambda call: self._settings.answer(command, call.values),
            meant=do is not None,
        )

    def _table(self) -> Iterator[Bound]:
        sweep = (box.CW, box.POINTS, box.SWEEP_TYPE, box.SWEEP_TIME_AUTO, box.SWEEP_COUNT)
        averages = (box.AVERAGE, box.AVERAGE_COUNT, box.POWER, box.POWER_START, box.POWER_STOP)
        for command in (*sweep, *averages, box.MEASURED):
            yield self._of_channel(command)
        yield self._of_channel(box.TRIGGER_SOURCE, meant=False)
        for edge in (box.START, box.STOP):
            stored = self._of_channel(edge)
            yield Bound(edge, partial(self._set_edge, edge=edge), stored.answer)
        for middle in (box.CENTER, box.SPAN):
            yield Bound(
                middle,
                partial(self._set_middle, command=middle),
                partial(self._ask_middle, command=middle),
            )
        yield Bound(box.BANDWIDTH, self._set_bandwidth, self._ask_bandwidth)
        yield Bound(box.BANDWIDTH_BY, self._set_bandwidth, self._ask_bandwidth)
        yield Bound(box.SWEEP_TIME, self._set_sweep_time, self._ask_sweep_time)
        yield Bound(box.AVERAGE_CLEAR, lambda call: self._channel(call).sweeps.restart_average())
        yield Bound(box.DELAY, self._set_delay, self._ask_delay)
        yield Bound(box.DELAY_AUTO, self._find_delay, ready=self._ready)
        yield Bound(
            box.CONTINUOUS,
            self._set_continuous,
            lambda call: str(int(self._channel(call).continuous)),
        )
        yield Bound(
            box.CONTINUOUS_ALL,
            self._set_all_continuous,
            lambda call: str(int(all(one.continuous for one in self._channels.values()))),
        )
        yield Bound(box.INITIATE, lambda call: self._initiate(self._channel(call), call.now_fs))
        yield Bound(box.INITIATE_ALL, self._initiate_all)
        yield from self._traces_table()
        yield from self._box_table()

    def _traces_table(self) -> Iterator[Bound]:
        yield Bound(box.DEFINE, self._define)
        yield Bound(
            box.MEASURE,
            self._measure,
            lambda call: _quoted(self._channel(call).traces[self._named(call)].measured),
        )
        yield Bound(box.SELECT, self._select, lambda call: _quoted(self._channel(call).active))
        yield Bound(box.CATALOG, answer=lambda call: _listed(self._channel(call).catalog()))
        yield Bound(box.DELETE, self._delete)
        yield Bound(box.DELETE_CHANNEL, self._delete_channel)
        yield Bound(box.DELETE_ALL, self._delete_all)
        yield Bound(box.FORMAT, self._set_format, lambda call: self._channel(call).trace.format)
        yield Bound(box.DATA, answer=self._ask_data, ready=self._ready)
        yield Bound(box.STIMULUS, answer=self._ask_stimulus)
        yield Bound(
            box.CHANNEL_CATALOG,
            answer=lambda call: _listed((str(n), f"Ch{n}") for n in self._channels),
        )
        yield Bound(box.TRACE_CATALOG, answer=lambda call: _listed(self._all_traces()))

    def _box_table(self) -> Iterator[Bound]:
        yield self._of_box(box.OUTPUT, self._set_output)
        for command in (box.BYTE_ORDER, box.REFERENCE, box.REFERENCE_HZ, box.UPDATE):
            yield self._of_box(command)
        for command in box.DISPLAY_SETTINGS:
            yield self._of_box(command)
        for command in box.DISPLAY_COMMANDS:
            yield Bound(command, lambda call: None, meant=False)
        yield Bound(
            box.DATA_FORMAT,
            self._set_data_format,
            lambda call: f"REAL,{self._bits}" if self._bits else "ASC,0",
        )
        yield Bound(
            box.CHANNEL_STATE,
            self._set_channel_state,
            lambda call: str(int((call.suffixes[0] if call.suffixes else 1) in self._channels)),
        )
        yield Bound(box.PORT_COUNT, answer=lambda call: str(box.PORTS))
        yield Bound(box.PORT_COUNT_OLD, answer=lambda call: str(box.PORTS))
        yield Bound(box.HARDWARE, answer=lambda call: "0", meant=False)
        yield Bound(box.ERROR, answer=self._ask_error)
        yield Bound(box.PRESET, lambda call: self._reset(call.now_fs))


def _port(call: Call) -> int:
    if not 1 <= call.suffixes[-1] <= box.PORTS:
        raise ScpiError(-114, f"port {call.suffixes[-1]}")
    return call.suffixes[-1]


def _listed(pairs: Iterable[tuple[str, str]]) -> str:
    return _quoted(",".join(f"{one},{other}" for one, other in pairs))


def _quoted(text: str) -> str:
    return f"'{text}'"
