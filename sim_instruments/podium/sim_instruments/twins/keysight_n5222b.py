"""Twin of the Keysight PNA N5222B: a network analyzer that sees what is wired to its ports."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces import keysight_n5222b as box
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.sim_instruments.twins.faces.message_ports import HISLIP, VXI11, MessagePorts
from podium.sim_instruments.twins.faces.message_twin import MessageTwin
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.keysight_n5222b_settings import (
    COUNTS,
    MEASURED,
    RESET,
    SETTLING_FS,
    STORED,
    Trace,
)
from podium.sim_instruments.twins.network_ports import NetworkPorts, OpenPorts
from podium.sim_instruments.twins.network_stimulus import Stimulus
from podium.sim_instruments.twins.network_sweep import Receiver, Sweeps, SweepSettings
from podium.sim_instruments.twins.scpi_settings import Settings, error_answer, number_of
from podium.sim_instruments.twins.trace_formats import bits_of, formatted, interleaved, numbers
from podium.sim_instruments.twins.twin import Horizon

FIRMWARE = "A.13.95.09"  # ASSUMED
RECEIVER = Receiver(floor_w_per_hz=2e-17, trace_noise=2.3e-4)
"""ASSUMED: -127 dBm in 10 Hz, and 0.002 dB of trace noise at 10 kHz, at all frequencies."""


class KeysightN5222B(MessageTwin):
    """An N5222B with four ports and one channel; others are refused (ASSUMED error).

    Power is the same at all ports (coupled). A trigger that is not immediate holds sweeps up no
    longer than an immediate one. Segments, calibrations and trace mathematics are not there.
    """

    def __init__(
        self, serial: str, network: NetworkPorts | None = None, noise_seed: int | None = None
    ) -> None:
        """``network``: what hangs at the ports; None: nothing. ``noise_seed``: of its receivers."""
        self._sweeps = Sweeps(network or OpenPorts(), RECEIVER, noise_seed or 0, "channel 1")
        self._device = Device(
            Manners(f"{box.VENDOR},{box.MODEL},{serial},{FIRMWARE}", box.OPTIONS),
            tuple(self._table()),
            reset=self._reset,
            busy=self._sweeps.busy,
        )
        self._ports = MessagePorts(self._device.open, {"scpi": box.TCP_PORT}, HISLIP, VXI11)
        self._reset(0)

    def horizon(self, now_fs: int) -> Horizon:
        """Return when the sweeps that were triggered end."""
        return self._sweeps.horizon(now_fs)

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: it forgets what it was set to."""
        self._device.power_on()
        self._reset(now_fs)

    # --- state ------------------------------------------------------------------------

    def _reset(self, now_fs: int, traces: bool = True) -> None:
        """Go to the settings of *RST. ASSUMED: also those of power-on."""
        self._settings = Settings(RESET)
        self._stimulus = Stimulus(box, self._settings, SETTLING_FS)
        self._bits = 0
        self._traces: dict[int, Trace] = {}
        self._active = 0
        self._mode = "CONT"
        self._sweeps.forget()
        if traces:
            self._add(Trace("CH1_S11_1", "S11"))
        self._sweep_on(now_fs)

    def _add(self, trace: Trace) -> int:
        number = next((n for n in range(1, box.TRACES_MAX + 1) if n not in self._traces), 0)
        if number == 0:
            raise ScpiError(-223, f"{box.TRACES_MAX} traces are there")  # ASSUMED
        self._traces[number] = trace
        self._traces = dict(sorted(self._traces.items()))
        self._active = number
        return number

    def _check(self, call: Call) -> None:
        if call.suffixes and call.suffixes[0] != 1:
            raise ScpiError(-114, f"channel {call.suffixes[0]}")

    @property
    def _trace(self) -> Trace:
        if self._active not in self._traces:
            raise ScpiError(-221, "no measurement is selected")  # ASSUMED
        return self._traces[self._active]

    def _sweep(self) -> SweepSettings:
        measured = [trace.measured for trace in self._traces.values()]
        return self._stimulus.sweep(measured, bool(self._settings.value(box.OUTPUT)))

    def _sweep_on(self, now_fs: int) -> None:
        """Begin anew with the settings as they are, where it sweeps on and on."""
        if self._mode == "CONT" and self._traces:
            self._sweeps.run(self._sweep(), now_fs)

    def _trigger(self, sweeps: int, now_fs: int) -> None:
        if self._traces:
            self._sweeps.trigger(self._sweep(), sweeps, now_fs)

    # --- commands -----------------------------------------------------------------------

    def _put(self, call: Call, changes: Mapping[Command, Value]) -> None:
        self._check(call)
        for command, value in changes.items():
            self._settings.put(command, (value,))
        self._sweeps.restart_average()
        self._sweep_on(call.now_fs)

    def _set_edge(self, call: Call, edge: Command) -> None:
        self._put(call, self._stimulus.moved_edge(edge, number_of(call.values[0])))

    def _set_middle(self, call: Call, command: Command) -> None:
        self._put(call, self._stimulus.moved_middle(command, number_of(call.values[0])))

    def _ask_middle(self, call: Call, command: Command) -> str:
        self._check(call)
        known = Settings({command: self._stimulus.middle(command)})
        return known.answer(command, call.values)

    def _set_bandwidth(self, call: Call) -> None:
        self._put(call, {box.BANDWIDTH: box.possible_bandwidth_hz(number_of(call.values[0]))})

    def _set_sweep_time(self, call: Call) -> None:
        self._put(call, {box.SWEEP_TIME: call.values[0], box.SWEEP_TIME_AUTO: False})

    def _ask_sweep_time(self, call: Call) -> str:
        self._check(call)
        return box.written(Decimal(self._sweep().duration_fs).scaleb(-15))

    def _set_mode(self, call: Call) -> None:
        self._check(call)
        self._mode = str(call.values[0])
        if self._mode == "HOLD":
            self._sweeps.hold(call.now_fs)
        elif self._mode == "CONT":
            self._sweep_on(call.now_fs)
        else:
            count = int(self._stimulus.number(box.GROUP_COUNT)) if self._mode == "GRO" else 1
            self._trigger(count, call.now_fs)

    def _ask_mode(self, call: Call) -> str:
        self._check(call)
        if self._mode in ("GRO", "SING") and not self._sweeps.busy(call.now_fs):
            self._mode = "HOLD"
        return self._mode

    def _set_continuous(self, call: Call) -> None:
        self._mode = "CONT" if call.values[0] else "HOLD"
        if self._mode == "CONT":
            return self._sweep_on(call.now_fs)
        return self._sweeps.hold(call.now_fs)

    def _initiate(self, call: Call) -> None:
        self._check(call)
        if self._mode == "CONT" or self._sweeps.busy(call.now_fs):
            raise ScpiError(-213)
        self._trigger(1, call.now_fs)

    def _measured(self, text: str) -> str:
        if MEASURED.fullmatch(text.upper()) is None:
            raise ScpiError(-224, text)
        return text.upper()

    def _define(self, call: Call) -> None:
        self._check(call)
        name, measured = str(call.values[0]), self._measured(str(call.values[1]))
        if any(trace.name == name for trace in self._traces.values()):
            raise ScpiError(-224, f"{name} is there")  # ASSUMED
        self._add(Trace(name, measured))
        self._sweep_on(call.now_fs)

    def _modify(self, call: Call) -> None:
        self._check(call)
        self._trace.measured = self._measured(str(call.values[0]))
        self._sweep_on(call.now_fs)

    def _named(self, call: Call) -> int:
        self._check(call)
        for number, trace in self._traces.items():
            if trace.name == call.values[0]:
                return number
        raise ScpiError(-224, f"there is no measurement {call.values[0]}")  # ASSUMED

    def _select(self, call: Call) -> None:
        self._active = self._named(call)

    def _select_number(self, call: Call) -> None:
        self._check(call)
        if call.values[0] not in self._traces:
            raise ScpiError(-224, f"there is no trace {call.values[0]}")  # ASSUMED
        self._active = int(str(call.values[0]))

    def _ask_number(self, call: Call) -> str:
        self._check(call)
        return f"+{self._active}"

    def _delete(self, number: int, now_fs: int) -> None:
        self._traces.pop(number, None)
        if self._active == number:
            self._active = next(iter(self._traces), 0)
        self._sweep_on(now_fs)

    def _delete_all(self, call: Call) -> None:
        self._traces.clear()
        self._active = 0
        self._sweeps.forget()

    def _ask_catalog(self, call: Call) -> str:
        self._check(call)
        traces = [f"{trace.name},{trace.measured}" for trace in self._traces.values()]
        return f'"{",".join(traces) or "NO CATALOG"}"'

    def _new_trace(self, call: Call) -> None:
        number = next((n for n in range(1, box.TRACES_MAX + 1) if n not in self._traces), 0)
        self._add(Trace(f"CH1_S11_{number}", "S11"))
        self._sweep_on(call.now_fs)

    def _set_trace_state(self, call: Call) -> None:
        number = call.suffixes[0]
        if not call.values[0]:
            self._delete(number, call.now_fs)
        elif number not in self._traces:
            if not 1 <= number <= box.TRACES_MAX:
                raise ScpiError(-114, f"trace {number}")
            self._traces[number] = Trace(f"CH1_S11_{number}", "S11")
            self._traces = dict(sorted(self._traces.items()))
            self._sweep_on(call.now_fs)

    def _set_format(self, call: Call) -> None:
        self._check(call)
        self._trace.format = str(call.values[0])

    def _ask_format(self, call: Call) -> str:
        self._check(call)
        return self._trace.format

    def _set_delay(self, call: Call) -> None:
        self._check(call)
        self._trace.delay_s = number_of(call.values[0])

    def _ready(self, call: Call) -> bool:
        return self._sweeps.ready(call.now_fs)

    def _ask_data(self, call: Call) -> str:
        """Send the selected trace. ASSUMED: its electrical delay is in the formatted data only."""
        self._check(call)
        trace, settings = self._trace, self._sweep()
        data = self._sweeps.traces(call.now_fs).get(trace.measured)
        if data is None or data.size != settings.points:
            data = np.zeros(settings.points, np.complex128)
        if call.values[0] != "FDATA":
            return self._sent(interleaved(data))
        frequency_hz = settings.frequency_hz()
        turned = data * np.exp(2j * np.pi * frequency_hz * float(trace.delay_s))
        return self._sent(formatted(trace.format, turned, frequency_hz))

    def _sent(self, values: NDArray[np.float64]) -> str:
        swapped = self._settings.value(box.BYTE_ORDER) == "SWAP"
        return numbers(values, self._bits, swapped)

    def _set_data_format(self, call: Call) -> None:
        self._bits = bits_of(call.values)

    def _ask_error(self, call: Call) -> str:
        # Keysight writes the sign: +0,"No error"
        answer = error_answer(self._device.status.take_error(), with_detail=True)
        return answer if answer.startswith("-") else f"+{answer}"

    # --- table --------------------------------------------------------------------------

    def _kept(self, command: Command, do: Callable[[Call], None] | None = None) -> Bound:
        """Bind a setting whose query answers what is set."""
        return Bound(
            command,
            do or (lambda call: self._put(call, {command: call.values[0]})),
            partial(self._ask_kept, command=command),
            meant=command not in STORED[:1],
        )

    def _ask_kept(self, call: Call, command: Command) -> str:
        self._check(call)
        answer = self._settings.answer(command, call.values)
        return f"+{answer}" if command in COUNTS else answer

    def _table(self) -> Iterator[Bound]:
        for command in (box.CW, box.POINTS, box.SWEEP_TYPE, box.SWEEP_TIME_AUTO, box.GROUP_COUNT):
            yield self._kept(command)
        for command in (box.AVERAGE, box.AVERAGE_COUNT, box.POWER, box.POWER_START, *STORED):
            yield self._kept(command)
        yield from (self._kept(box.POWER_STOP), self._kept(box.OUTPUT))
        for edge in (box.START, box.STOP):
            yield self._kept(edge, partial(self._set_edge, edge=edge))
        for middle in (box.CENTER, box.SPAN):
            ask = partial(self._ask_middle, command=middle)
            yield Bound(middle, partial(self._set_middle, command=middle), ask)
        yield self._kept(box.BANDWIDTH, self._set_bandwidth)
        yield Bound(box.SWEEP_TIME, self._set_sweep_time, self._ask_sweep_time)
        yield Bound(box.SWEEP_MODE, self._set_mode, self._ask_mode)
        yield Bound(box.AVERAGE_CLEAR, lambda call: self._sweeps.restart_average())
        yield Bound(
            box.CONTINUOUS, self._set_continuous, lambda call: str(int(self._mode == "CONT"))
        )
        yield Bound(box.INITIATE, self._initiate)
        yield from self._traces_table()
        yield Bound(
            box.DATA_FORMAT,
            self._set_data_format,
            lambda call: f"REAL,+{self._bits}" if self._bits else "ASC,+0",
        )
        yield Bound(box.ERROR, answer=self._ask_error)
        yield Bound(box.PRESET, lambda call: self._reset(call.now_fs))
        yield Bound(box.PRESET_EMPTY, lambda call: self._reset(call.now_fs, traces=False))

    def _traces_table(self) -> Iterator[Bound]:
        yield Bound(box.CATALOG, answer=self._ask_catalog)
        yield Bound(box.DEFINE, self._define)
        yield Bound(box.MODIFY, self._modify)
        yield Bound(box.SELECT, self._select, lambda call: f'"{self._trace.name}"')
        yield Bound(box.NUMBER, self._select_number, self._ask_number)
        yield Bound(box.DELETE, lambda call: self._delete(self._named(call), call.now_fs))
        yield Bound(box.DELETE_ALL, self._delete_all)
        yield Bound(box.FORMAT, self._set_format, self._ask_format)
        yield Bound(box.DATA, answer=self._ask_data, ready=self._ready)
        yield Bound(box.STIMULUS, answer=lambda call: self._sent(self._sweep().axis()))
        yield Bound(box.DELAY, self._set_delay, lambda call: box.written(self._trace.delay_s))
        yield Bound(box.NEW_TRACE, self._new_trace)
        yield Bound(
            box.TRACE_STATE,
            self._set_trace_state,
            lambda call: str(int(call.suffixes[0] in self._traces)),
        )
        yield Bound(box.FEED, self._named_only, meant=False)
        yield Bound(box.WINDOW, lambda call: None, lambda call: "1", meant=False)

    def _named_only(self, call: Call) -> None:
        self._named(Call(call.now_fs, call.values, ()))
