"""The Basic Waveform editor of a Tektronix AWG, and shapes of waveforms that it and files have."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import numpy as np
import numpy.typing as npt

from podium.firmware_interfaces import tektronix_basic_waveform as editor
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Kind, Value
from podium.firmware_interfaces.ieee4882.program_message import Number, Word
from podium.firmware_interfaces.tektronix_awg import AMPLITUDE_V, Awg
from podium.firmware_interfaces.tektronix_waveform_files import Waveform
from podium.sim_instruments.twins.ieee4882_device import Bound, Call
from podium.sim_instruments.twins.tektronix_levels import edges, middle

_SHAPES = {
    "*Sine": "SINE",
    "*Square": "SQUARE",
    "*Clock": "SQUARE",
    "*Triangle": "TRIANGLE",
    "*Ramp": "RAMP",
    "*DC": "DC",
}
_NOISE_SEED = 1
DC_SAMPLES = 1000
"""Of the predefined waveform. Source: ``tm_devices``, ``awg.py``, record lengths."""


def shape(function: str, count: int, cycles: float = 1.0) -> npt.NDArray[np.float64]:
    """Return samples from -1 to 1. ASSUMED: each begins like a sine, a ramp at -1; DC is 1."""
    turns = (np.arange(count) * cycles / count) % 1.0
    match function:
        case "SINE":
            return np.sin(2 * np.pi * turns)
        case "SQUARE":
            return np.where(turns < 0.5, 1.0, -1.0)
        case "TRIANGLE":
            return 1 - 4 * np.abs((turns + 0.25) % 1.0 - 0.5)
        case "RAMP":
            return 2 * turns - 1
        case "NOISE":
            drawn = np.random.default_rng(_NOISE_SEED).standard_normal(count)
            scaled: npt.NDArray[np.float64] = drawn / max(float(np.abs(drawn).max()), 1e-9)
            return scaled
        case _:
            return np.ones(count)


def predefined(name: str) -> Waveform:
    """Return a waveform of the file of predefined ones, by the name it has there."""
    kind = name.rstrip("0123456789")
    count = int(name[len(kind) :] or DC_SAMPLES)
    function = _SHAPES[kind]
    return Waveform(shape(function, count).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Compiled:
    """A waveform as the editor hands it over."""

    name: str
    waveform: Waveform
    amplitude_v: Decimal
    """Recommended, as is the offset."""
    offset_v: Decimal
    channel: int | None
    """To which it is assigned; None: to none."""
    plays: bool


class BasicWaveform:
    """The editor of one box."""

    def __init__(self, model: Awg, hand_over: Callable[[Compiled, int], None]) -> None:
        """Take what is done with a compiled waveform, at which time."""
        self._model = model
        self._hand_over = hand_over
        self._rate = editor.sample_rate(model)
        self.reset()

    def reset(self) -> None:
        """Go to its defaults. ASSUMED but for the function and what is calculated."""
        self._set: dict[Command, Value] = {
            editor.FUNCTION: "SINE",
            editor.AUTO: "CYCLE",
            editor.AMPLITUDE: AMPLITUDE_V,
            editor.OFFSET: Decimal(0),
            editor.FREQUENCY: self._model.sample_rate_max / 1000,
            editor.CYCLES: Decimal(1),
            editor.LENGTH: 1000,
            editor.FULL_RANGE: True,
            editor.NAME: "Waveform",
            editor.PLAY: False,
            editor.ASSIGN: False,
            self._rate: self._model.sample_rate_max,
        }
        self._channel: int | None = None

    def _number(self, command: Command) -> Decimal:
        value = self._set[command]
        assert isinstance(value, Decimal | int)
        return Decimal(value)

    # --- time -------------------------------------------------------------------------

    def _put(self, command: Command, call: Call) -> None:
        before = dict(self._set)
        self._set[command] = call.values[0]
        try:
            self._calculate()
        except ScpiError:
            self._set = before
            raise

    def _calculate(self) -> None:
        """Make the one that is calculated fit the others. ASSUMED: -222 where it cannot."""
        rate, length = self._number(self._rate), self._number(editor.LENGTH)
        frequency, cycles = self._number(editor.FREQUENCY), self._number(editor.CYCLES)
        match self._set[editor.AUTO]:
            case "CYCLE":
                self._fit(editor.CYCLES, frequency * length / rate)
            case "FREQ":
                self._fit(editor.FREQUENCY, cycles * rate / length)
            case "SR":
                self._fit(self._rate, frequency * length / cycles)
            case _:  # the duration is that of the length
                self._fit(editor.LENGTH, cycles * rate / frequency)

    def _fit(self, command: Command, value: Decimal) -> None:
        assert command.sets is not None
        self._set[command] = command.sets[0].take(Number(value))

    def _ask(self, command: Command, call: Call) -> str:
        assert command.sets is not None
        kind: Kind = command.sets[0]
        value = self._set[command]
        return kind.answer(value.normalize() if isinstance(value, Decimal) else value)

    # --- levels -----------------------------------------------------------------------

    def _put_levels(self, amplitude: Decimal, offset: Decimal) -> None:
        """ASSUMED: what lies beyond the largest amplitude of the path of *RST is refused."""
        high, low = edges(amplitude, offset)
        limit = self._model.amplitude_v[1] / 2
        if amplitude < 0 or high > limit or low < -limit:
            raise ScpiError(-222, f"{low} V to {high} V is outside -{limit} V to {limit} V")
        self._set[editor.AMPLITUDE], self._set[editor.OFFSET] = amplitude, offset

    def _say_level(self, command: Command, call: Call) -> None:
        value = call.values[0]
        assert isinstance(value, Decimal)
        amplitude, offset = self._number(editor.AMPLITUDE), self._number(editor.OFFSET)
        high, low = edges(amplitude, offset)
        if command is editor.AMPLITUDE:
            self._put_levels(value, offset)
        elif command is editor.OFFSET:
            self._put_levels(amplitude, value)
        elif command is editor.HIGH:
            self._put_levels(*middle(value, low))
        else:
            self._put_levels(*middle(high, value))

    def _edge(self, which: int, call: Call) -> str:
        found = edges(self._number(editor.AMPLITUDE), self._number(editor.OFFSET))
        command = editor.HIGH
        assert command.sets is not None
        return command.sets[0].answer(found[which].normalize())

    # --- compiling --------------------------------------------------------------------

    def _set_channel(self, call: Call) -> None:
        match call.values[0]:
            case Word("NONE"):
                self._channel = None
            case Number(value, "") if value in range(1, self._model.channels + 1):
                self._channel = int(value)
            case other:
                raise ScpiError(-222, str(other)[:60])

    def _compile(self, call: Call) -> None:
        """Make the waveform: in full range where it may be and the path has its offset."""
        function = str(self._set[editor.FUNCTION])
        amplitude, offset = self._number(editor.AMPLITUDE), self._number(editor.OFFSET)
        largest = self._model.amplitude_v[1]
        count = int(self._number(editor.LENGTH))
        made = shape(function, count, float(self._number(editor.CYCLES)))
        has_offset = bool(self._model.offset_paths) or not offset
        least = self._model.amplitude_v[0]
        full = bool(self._set[editor.FULL_RANGE]) and has_offset and amplitude >= least
        if function == "DC":
            made, full = np.zeros(count), False
        if not full:
            made = (made * float(amplitude) / 2 + float(offset)) / float(largest / 2)
        self._hand_over(
            Compiled(
                str(self._set[editor.NAME]),
                Waveform(made.astype(np.float32)),
                amplitude if full else largest,
                offset if full else Decimal(0),
                self._channel if self._set[editor.ASSIGN] or self._set[editor.PLAY] else None,
                bool(self._set[editor.PLAY]),
            ),
            call.now_fs,
        )

    def table(self) -> tuple[Bound, ...]:
        """Return its commands."""
        timed = (editor.FREQUENCY, editor.CYCLES, editor.LENGTH, editor.AUTO, self._rate)
        kept = (editor.FUNCTION, editor.FULL_RANGE, editor.NAME, editor.PLAY, editor.ASSIGN)
        both = (editor.AMPLITUDE, editor.OFFSET)
        return (
            *(Bound(one, partial(self._put, one), partial(self._ask, one)) for one in timed),
            *(Bound(one, partial(self._put, one), partial(self._ask, one)) for one in kept),
            *(Bound(one, partial(self._say_level, one), partial(self._ask, one)) for one in both),
            Bound(editor.HIGH, partial(self._say_level, editor.HIGH), partial(self._edge, 0)),
            Bound(editor.LOW, partial(self._say_level, editor.LOW), partial(self._edge, 1)),
            Bound(editor.CHANNEL, self._set_channel, lambda call: str(self._channel or "NONE")),
            Bound(editor.COMPILE, self._compile),
            Bound(editor.RESET, lambda call: self.reset()),
        )
