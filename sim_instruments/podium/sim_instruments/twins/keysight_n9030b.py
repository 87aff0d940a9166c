"""Twin of the Keysight N9030B: a spectrum analyzer that sees sources and generators."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces import keysight_n9030b as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.sim_instruments.physics.constants import Boltzmann
from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.twins.faces.message_ports import HISLIP, VXI11, MessagePorts
from podium.sim_instruments.twins.faces.message_twin import MessageTwin
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.scpi_settings import Settings, error_answer, number_of
from podium.sim_instruments.twins.swept_spectrum import (
    WIDTH_AT_3_DB,
    SpectrumSettings,
    spectrum_dbm,
)
from podium.sim_instruments.twins.trace_formats import bits_of, numbers
from podium.sim_instruments.twins.twin import IDLE, Horizon

FIRMWARE = "A.25.05"  # ASSUMED
NOISE_W_PER_HZ = 1e-3 * 10 ** (-154 / 10)
"""Of the analyzer without attenuation: -154 dBm in 1 Hz. ASSUMED, at all frequencies."""
PREAMP_NOISE_W_PER_HZ = 1e-3 * 10 ** (-165 / 10)
"""The same with its preamplifier. ASSUMED."""
ROOM_K = 295.0
CARRIER_LEAK = 1e-4
"""Of a source whose I/Q inputs modulate it. ASSUMED: -40 dB, and nothing of what they make."""
FFT_SEGMENT_HZ = 10e6
"""ASSUMED: spectra by FFT are put together of such parts, each of two times 1/bandwidth."""
FORGOTTEN_FS = FS_PER_S
"""A sweep that nobody has read so long after its end was for a client that is gone."""
SWEEP_FACTOR = 2.5
"""Sweep time over span / bandwidth**2. ASSUMED."""


class SourceTone(Protocol):
    """A tone as it leaves a microwave source."""

    @property
    def frequency_hz(self) -> float:
        """Of the carrier."""
        ...

    @property
    def power_dbm(self) -> float:
        """As set."""
        ...

    @property
    def iq(self) -> bool:
        """Tell whether its I and Q inputs modulate it."""
        ...


@dataclass(frozen=True, slots=True)
class _Sweep:
    start_fs: int
    duration_fs: int
    number: int
    trace_dbm: NDArray[np.float64]
    axis_hz: NDArray[np.float64]


class KeysightN9030B(MessageTwin):
    """An N9030B in mode SA, one trace. Sources stay through a sweep as they are when it begins.

    Neither phase noise, harmonics, compression nor overload are there; markers and the averaging
    of traces are not known.
    """

    def __init__(
        self,
        serial: str,
        sources: Mapping[int, str] | None = None,
        tones_of: Callable[[str, int], Sequence[SourceTone]] | None = None,
        noise_seed: int | None = None,
    ) -> None:
        """``sources``: at a combiner without loss before it; ``tones_of`` asks one."""
        self._sources = tuple((sources or {}).values())
        self._tones_of = tones_of or (lambda source, now_fs: ())
        self._key = key(noise_seed or 0, "spectrum", "noise")
        self._sweeps = 0
        self._last: _Sweep | None = None
        self._device = Device(
            Manners(f"{box.VENDOR},{box.MODEL},MY{serial},{FIRMWARE}", box.OPTIONS),
            tuple(self._table()),
            reset=self._reset,
            busy=self._busy,
        )
        self._ports = MessagePorts(self._device.open, {"scpi": box.TCP_PORT}, HISLIP, VXI11)
        self._reset(0)

    def horizon(self, now_fs: int) -> Horizon:
        """Return when a sweep that was triggered ends."""
        if self._last is None or not self._busy(now_fs):
            return IDLE
        return replace(IDLE, busy_until_fs=self._last.start_fs + self._last.duration_fs)

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: it forgets what it was set to."""
        self._device.power_on()
        self._reset(now_fs)

    # --- sweeps -------------------------------------------------------------------------

    def _reset(self, now_fs: int) -> None:
        """Go to the settings of *RST. ASSUMED: also those of power-on."""
        self._settings = Settings(box.RESET)
        self._detectors = dict.fromkeys(range(1, box.TRACES + 1), "NORM")
        self._detectors_by_hand: set[int] = set()
        self._bits = 0
        self._continuous = True
        self._begun_fs = now_fs
        self._last = None
        self._reading = False

    def _busy(self, now_fs: int) -> bool:
        last = self._last
        return (
            not self._continuous
            and last is not None
            and now_fs < (last.start_fs + last.duration_fs)
        )

    def _number(self, command: Command) -> float:
        return float(number_of(self._settings.value(command)))

    def _axis_hz(self) -> NDArray[np.float64]:
        points = int(self._number(box.POINTS))
        return np.linspace(self._number(box.START), self._number(box.STOP), points)

    def _width_hz(self) -> float:
        return (
            self._number(box.BANDWIDTH)
            * WIDTH_AT_3_DB[str(self._settings.value(box.BANDWIDTH_TYPE))]
        )

    def _sweep_s(self) -> float:
        if not self._settings.value(box.SWEEP_TIME_AUTO):
            return self._number(box.SWEEP_TIME)
        span = self._number(box.STOP) - self._number(box.START)
        width, video = self._width_hz(), self._number(box.VIDEO)
        swept = SWEEP_FACTOR * span / (width * min(width, video))
        by_fft = (1 + span // FFT_SEGMENT_HZ) * 2 / min(width, video)
        if self._settings.value(box.SWEEP_TYPE_AUTO):
            wanted = min(swept, by_fft)
        else:
            wanted = by_fft if self._settings.value(box.SWEEP_TYPE) == "FFT" else swept
        return min(max(wanted, float(box.SWEEP_TIME_MIN_S)), float(box.SWEEP_TIME_MAX_S))

    def _noise_w_per_hz(self) -> float:
        own = PREAMP_NOISE_W_PER_HZ if self._settings.value(box.PREAMP) else NOISE_W_PER_HZ
        return own * 10 ** (self._number(box.ATTENUATION) / 10) + Boltzmann * ROOM_K

    def _tones(self, now_fs: int) -> list[tuple[float, float]]:
        seen = (tone for source in self._sources for tone in self._tones_of(source, now_fs))
        return [(tone.frequency_hz, _power_w(tone)) for tone in seen]

    def _swept(self, start_fs: int, number: int) -> _Sweep:
        sweep_s, axis_hz = self._sweep_s(), self._axis_hz()
        settings = SpectrumSettings(
            frequency_hz=axis_hz,
            bandwidth_hz=self._width_hz(),
            video_hz=self._number(box.VIDEO),
            sweep_s=sweep_s,
            detector=self._detectors[1],
            average=str(self._settings.value(box.AVERAGE_TYPE)),
            noise_w_per_hz=self._noise_w_per_hz(),
        )
        drawn = np.random.Generator(np.random.Philox(key=(self._key + number) % 2**64))
        trace = spectrum_dbm(settings, self._tones(start_fs), drawn)
        return _Sweep(start_fs, round(sweep_s * FS_PER_S), number, trace, axis_hz)

    def _trigger(self, now_fs: int) -> None:
        self._sweeps += 1
        self._last = self._swept(now_fs, self._sweeps)

    def _shown(self, now_fs: int) -> _Sweep:
        """Return the last sweep that has ended; of sweeps on and on that of this moment."""
        if self._continuous:
            duration_fs = round(self._sweep_s() * FS_PER_S)
            whole = self._whole(now_fs)
            number = self._sweeps + 1 + whole
            if self._last is None or self._last.number != number:
                self._last = self._swept(self._begun_fs + max(0, whole - 1) * duration_fs, number)
        if self._last is None:
            raise ScpiError(-230, "nothing was swept since the settings changed")  # ASSUMED
        return self._last

    # --- commands -----------------------------------------------------------------------

    def _put(self, call: Call, changes: Mapping[Command, Value]) -> None:
        self._sweeps += 1 + self._whole(call.now_fs)
        for command, value in changes.items():
            self._settings.put(command, (value,))
        self._couple()
        self._last = None
        self._begun_fs = call.now_fs

    def _whole(self, now_fs: int) -> int:
        """Return how many sweeps on and on have ended."""
        if not self._continuous:
            return 0
        return max(0, now_fs - self._begun_fs) // round(self._sweep_s() * FS_PER_S)

    def _couple(self) -> None:
        """Let what is automatic follow. ASSUMED: the video bandwidth is that of the resolution."""
        if self._settings.value(box.BANDWIDTH_AUTO):
            span = number_of(self._settings.value(box.STOP)) - number_of(
                self._settings.value(box.START)
            )
            wanted = max(span / box.SPAN_OVER_BANDWIDTH, box.BANDWIDTH_MIN_HZ)
            width = box.possible_bandwidth_hz(wanted, Decimal("3E6"))
            self._settings.put(box.BANDWIDTH, (width,))
        if self._settings.value(box.VIDEO_AUTO):
            self._settings.put(box.VIDEO, (self._settings.value(box.BANDWIDTH),))

    def _limits(self) -> tuple[Decimal, Decimal]:
        return (
            number_of(self._settings.value(box.START)),
            number_of(self._settings.value(box.STOP)),
        )

    def _set_edge(self, call: Call, edge: Command) -> None:
        """Move one end of the range; it pushes the other before it, 10 Hz apart."""
        to, (start, stop) = number_of(call.values[0]), self._limits()
        if edge is box.START:
            start = min(to, box.FREQUENCY_MAX_HZ - box.SPAN_MIN_HZ)
            stop = max(stop, start + box.SPAN_MIN_HZ)
        else:
            stop = max(to, box.FREQUENCY_MIN_HZ + box.SPAN_MIN_HZ)
            start = min(start, stop - box.SPAN_MIN_HZ)
        self._put(call, {box.START: start, box.STOP: stop})

    def _set_middle(self, call: Call, command: Command) -> None:
        start, stop = self._limits()
        to = number_of(call.values[0])
        center = to if command is box.CENTER else (start + stop) / 2
        span = max(to if command is box.SPAN else stop - start, box.SPAN_MIN_HZ)
        room = min(center - box.FREQUENCY_MIN_HZ, box.FREQUENCY_MAX_HZ - center)
        half = min(span / 2, max(room, box.SPAN_MIN_HZ / 2))
        low = max(center - half, box.FREQUENCY_MIN_HZ)
        self._put(call, {box.START: low, box.STOP: min(low + 2 * half, box.FREQUENCY_MAX_HZ)})

    def _ask_middle(self, call: Call, command: Command) -> str:
        start, stop = self._limits()
        known = (start + stop) / 2 if command is box.CENTER else stop - start
        return Settings({command: known}).answer(command, call.values)

    def _set_bandwidth(self, call: Call) -> None:
        width = box.possible_bandwidth_hz(number_of(call.values[0]), box.BANDWIDTH_MAX_HZ)
        self._put(call, {box.BANDWIDTH: width, box.BANDWIDTH_AUTO: False})

    def _set_video(self, call: Call) -> None:
        width = box.possible_bandwidth_hz(number_of(call.values[0]), box.VIDEO_MAX_HZ)
        self._put(call, {box.VIDEO: width, box.VIDEO_AUTO: False})

    def _set_sweep_time(self, call: Call) -> None:
        self._put(call, {box.SWEEP_TIME: call.values[0], box.SWEEP_TIME_AUTO: False})

    def _ask_sweep_time(self, call: Call) -> str:
        if call.values[0] is not None:
            return self._settings.answer(box.SWEEP_TIME, call.values)
        return box.written(Decimal(self._sweep_s()))

    def _set_sweep_type(self, call: Call) -> None:
        self._put(call, {box.SWEEP_TYPE: call.values[0], box.SWEEP_TYPE_AUTO: False})

    def _tune(self, call: Call) -> None:
        """Put the strongest tone in the middle. ASSUMED: of a span of 10 MHz."""
        tones = self._tones(call.now_fs)
        if not tones:
            return
        center = Decimal(round(max(tones, key=lambda tone: tone[1])[0]))
        half = Decimal("5E6")
        self._put(call, {box.START: center - half, box.STOP: center + half})

    def _set_continuous(self, call: Call) -> None:
        if self._continuous and not call.values[0]:
            whole = self._whole(call.now_fs)
            if whole:
                self._shown(call.now_fs)
            self._sweeps += 1 + whole
        elif call.values[0] and not self._continuous:
            self._begun_fs = call.now_fs
            self._last = None
        self._continuous = bool(call.values[0])

    def _initiate(self, call: Call) -> None:
        if self._continuous:
            raise ScpiError(-213)
        self._trigger(call.now_fs)

    def _abort(self, call: Call) -> None:
        if self._busy(call.now_fs):
            self._last = None

    def _has_read(self, call: Call) -> bool:
        """Begin the sweep of a READ, once; tell if it is over. ASSUMED: it ends sweeping on."""
        self._trace_of(call)
        last = self._last
        ended_fs = call.now_fs if last is None else last.start_fs + last.duration_fs
        if not self._reading or call.now_fs > ended_fs + FORGOTTEN_FS:
            self._reading = True
            self._continuous = False
            self._trigger(call.now_fs)
        return not self._busy(call.now_fs)

    def _trace_of(self, call: Call) -> None:
        if call.suffixes[0] != 1:
            raise ScpiError(-114, f"result {call.suffixes[0]}")

    def _read(self, call: Call) -> str:
        self._reading = False
        return self._fetch(call)

    def _fetch(self, call: Call) -> str:
        self._trace_of(call)
        shown = self._shown(call.now_fs)
        pairs = np.column_stack((shown.axis_hz, shown.trace_dbm)).reshape(-1)
        return numbers(pairs, self._bits, self._settings.value(box.BYTE_ORDER) == "SWAP")

    # --- detectors ----------------------------------------------------------------------

    def _trace(self, call: Call) -> int:
        if not 1 <= call.suffixes[0] <= box.TRACES:
            raise ScpiError(-114, f"trace {call.suffixes[0]} of {box.TRACES}")
        return call.suffixes[0]

    def _set_detector(self, call: Call) -> None:
        """Set that of one trace, which is manual then; only trace 1 is measured."""
        trace, wanted = self._trace(call), str(call.values[0])
        if wanted in box.CISPR_DETECTORS:
            raise ScpiError(-221, f"the detector {wanted} is not simulated")
        self._detectors[trace] = wanted
        self._detectors_by_hand.add(trace)
        if trace == 1:
            self._put(call, {})

    def _set_detector_auto(self, call: Call, traces: Iterable[int]) -> None:
        """Let rules choose it. ASSUMED: Normal, as neither averages nor markers are simulated."""
        for trace in traces:
            if call.values[0]:
                self._detectors_by_hand.discard(trace)
                self._detectors[trace] = "NORM"
            else:
                self._detectors_by_hand.add(trace)
        self._put(call, {})

    def _detector_table(self) -> Iterator[Bound]:
        yield Bound(
            box.DETECTOR, self._set_detector, lambda call: self._detectors[self._trace(call)]
        )
        yield Bound(
            box.DETECTOR_AUTO,
            lambda call: self._set_detector_auto(call, (self._trace(call),)),
            lambda call: str(int(self._trace(call) not in self._detectors_by_hand)),
        )
        yield Bound(
            box.DETECTOR_AUTO_ALL,
            lambda call: self._set_detector_auto(call, self._detectors),
            lambda call: str(int(1 not in self._detectors_by_hand)),
        )

    def _set_data_format(self, call: Call) -> None:
        self._bits = bits_of(call.values)

    def _ask_error(self, call: Call) -> str:
        # Keysight writes the sign: +0,"No error"
        answer = error_answer(self._device.status.take_error(), with_detail=True)
        return answer if answer.startswith("-") else f"+{answer}"

    # --- table --------------------------------------------------------------------------

    def _kept(self, command: Command, do: Callable[[Call], None] | None = None) -> Bound:
        return Bound(
            command,
            do or (lambda call: self._put(call, {command: call.values[0]})),
            lambda call: self._settings.answer(command, call.values),
        )

    def _table(self) -> Iterator[Bound]:
        for command in (box.POINTS, box.SWEEP_TIME_AUTO, box.SWEEP_TYPE_AUTO, box.BANDWIDTH_TYPE):
            yield self._kept(command)
        for command in (box.BANDWIDTH_AUTO, box.VIDEO_AUTO, box.ATTENUATION, box.PREAMP):
            yield self._kept(command)
        for command in (box.PREAMP_BAND, box.AVERAGE_TYPE, box.MODE):
            yield self._kept(command)
        yield from self._detector_table()
        order = box.BYTE_ORDER
        yield self._kept(order, lambda call: self._settings.put(order, call.values))
        for edge in (box.START, box.STOP):
            yield self._kept(edge, partial(self._set_edge, edge=edge))
        for middle in (box.CENTER, box.SPAN):
            ask = partial(self._ask_middle, command=middle)
            yield Bound(middle, partial(self._set_middle, command=middle), ask)
        yield self._kept(box.BANDWIDTH, self._set_bandwidth)
        yield self._kept(box.VIDEO, self._set_video)
        yield self._kept(box.SWEEP_TYPE, self._set_sweep_type)
        yield Bound(box.SWEEP_TIME, self._set_sweep_time, self._ask_sweep_time)
        yield Bound(box.TUNE, self._tune)
        yield Bound(box.CONTINUOUS, self._set_continuous, lambda call: str(int(self._continuous)))
        yield Bound(box.INITIATE, self._initiate)
        yield Bound(box.ABORT, self._abort)
        yield Bound(box.READ, answer=self._read, ready=self._has_read)
        yield Bound(box.FETCH, answer=self._fetch)
        yield Bound(
            box.DATA_FORMAT,
            self._set_data_format,
            lambda call: f"REAL,{self._bits}" if self._bits else "ASC,8",
        )
        yield Bound(box.MODES, answer=lambda call: '"SA 1"')
        yield Bound(box.MEASUREMENT, answer=lambda call: "SAN")
        yield Bound(box.CONFIGURE, lambda call: setattr(self, "_continuous", False))
        yield Bound(box.MEASUREMENTS, answer=lambda call: '"SAN"')
        yield Bound(box.ERROR, answer=self._ask_error)
        yield Bound(box.PRESET, lambda call: self._reset(call.now_fs))


def _power_w(tone: SourceTone) -> float:
    return 1e-3 * float(10 ** (tone.power_dbm / 10)) * (CARRIER_LEAK if tone.iq else 1.0)
