"""Levels of a Tektronix AWG: amplitude and offset, said also as high and low, by output path."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from podium.firmware_interfaces import tektronix_awg as box
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Real, Value
from podium.firmware_interfaces.ieee4882.program_message import Number, Parameter
from podium.firmware_interfaces.tektronix_awg import Awg
from podium.sim_instruments.twins.ieee4882_device import Bound, Call

_Pair = tuple[Decimal, Decimal]
_Suffixes = tuple[int, ...]


def edges(amplitude: Decimal, offset: Decimal) -> _Pair:
    """Return high and low."""
    return offset + amplitude / 2, offset - amplitude / 2


def middle(high: Decimal, low: Decimal) -> _Pair:
    """Return amplitude and offset."""
    return high - low, (high + low) / 2


@dataclass(frozen=True, slots=True)
class Span:
    """Two stored settings, and two others that say the same."""

    stored: tuple[Command, Command]
    said: tuple[Command, Command]
    to_said: Callable[[Decimal, Decimal], _Pair]
    to_stored: Callable[[Decimal, Decimal], _Pair]


class Levels:
    """The levels of one box's channels, markers and function generators."""

    def __init__(
        self,
        model: Awg,
        own: box.Settings,
        value: Callable[[Command, _Suffixes], Value],
        store: Callable[[Command, _Suffixes, Value], None],
    ) -> None:
        """Take where settings are: both raise :class:`ScpiError` where there is no such channel."""
        self._model = model
        self._own = own
        self._value = value
        self._store = store

    def _kind(self, command: Command, suffixes: _Suffixes) -> Real:
        path = str(self._value(self._own.path, suffixes))
        if command is self._own.amplitude:
            low, high = self._model.amplitudes_v[path]
            return Real("V", low, high, default=box.AMPLITUDE_V)
        if command is box.OFFSET:
            limit = box.OFFSET_MAX_V if path in self._model.offset_paths else Decimal(0)
            return Real("V", -limit, limit, default=Decimal(0))
        assert command.sets is not None
        (kind,) = command.sets
        assert isinstance(kind, Real)
        return kind

    def _number(self, command: Command, suffixes: _Suffixes) -> Decimal:
        value = self._value(command, suffixes)
        assert isinstance(value, Decimal)
        return value

    def _put(self, command: Command, call: Call) -> None:
        parameter = call.values[0]
        assert isinstance(parameter, Parameter)
        self._store(command, call.suffixes, self._kind(command, call.suffixes).take(parameter))

    def _ask(self, command: Command, call: Call) -> str:
        kind = self._kind(command, call.suffixes)
        limits = {"MIN": kind.minimum, "MAX": kind.maximum, "DEF": kind.default}
        asked = call.values[0]
        if asked is None:
            return kind.answer(self._value(command, call.suffixes))
        return kind.answer(limits[str(asked)])

    def _say(self, span: Span, which: int, call: Call) -> None:
        """Set one of the two that are not stored.

        ASSUMED: the other stays, and where a path has no offset it goes to the other side.
        Nothing is changed where one of the stored would be out of its limits.
        """
        suffixes = call.suffixes
        first, second = (self._number(command, suffixes) for command in span.stored)
        said = list(span.to_said(first, second))
        value = call.values[0]
        assert isinstance(value, Decimal)
        said[which] = value
        if span.stored[1] is box.OFFSET and not self._kind(box.OFFSET, suffixes).maximum:
            said[1 - which] = -value
        for command, wanted in zip(span.stored, span.to_stored(*said), strict=True):
            self._kind(command, suffixes).take(Number(wanted))
        for command, wanted in zip(span.stored, span.to_stored(*said), strict=True):
            self._store(command, suffixes, wanted)

    def _said(self, span: Span, which: int, call: Call) -> str:
        first, second = (self._number(command, call.suffixes) for command in span.stored)
        return box.LEVEL.answer(span.to_said(first, second)[which].normalize())

    def _set_path(self, call: Call) -> None:
        """ASSUMED: an amplitude or offset that the path has not goes to its nearest limit."""
        path = str(call.values[0])
        self._value(self._own.path, call.suffixes)
        if path not in self._model.amplitudes_v:
            raise ScpiError(-222, f"Data Out of Range - OUTPUT{call.suffixes[0]}:PATH {path}")
        self._store(self._own.path, call.suffixes, path)
        for command in (self._own.amplitude, box.OFFSET):
            kind = self._kind(command, call.suffixes)
            now = self._number(command, call.suffixes)
            self._store(command, call.suffixes, min(max(now, kind.minimum), kind.maximum))

    def table(self) -> tuple[Bound, ...]:
        """Return the commands."""
        own = self._own
        spans = (
            Span((own.amplitude, box.OFFSET), (box.HIGH, box.LOW), edges, middle),
            Span(
                (own.marker_high, own.marker_low),
                (box.MARKER_AMPLITUDE, box.MARKER_OFFSET),
                middle,
                edges,
            ),
        )
        generator = Span(
            (own.generator_amplitude, own.generator_offset),
            (box.GENERATOR_HIGH, box.GENERATOR_LOW),
            edges,
            middle,
        )
        return (
            *(self._stored(command) for command in (own.amplitude, box.OFFSET)),
            *(self._also(span, which) for span in spans for which in (0, 1)),
            *(self._also(generator, which, meant=False) for which in (0, 1)),
            Bound(own.path, self._set_path, self._path),
        )

    def _stored(self, command: Command) -> Bound:
        return Bound(
            command,
            lambda call: self._put(command, call),
            lambda call: self._ask(command, call),
        )

    def _also(self, span: Span, which: int, meant: bool = True) -> Bound:
        return Bound(
            span.said[which],
            lambda call: self._say(span, which, call),
            lambda call: self._said(span, which, call),
            meant,
        )

    def _path(self, call: Call) -> str:
        return str(self._value(self._own.path, call.suffixes))
