"""Keysight 33512B function generator, two channels: its commands, limits and defaults.

Sources: Agilent 33500 Series Operating and Service Guide, in pages that others publish (61, 69,
153, 157, 167, 177, 219, 264, 318, 323: units, terminations, pulses, bursts, triggers, levels), and
Keysight's own page of bursts on the web; QCoDeS 0.58 for headers and words; the tests that fixate
runs on a real 33500B for what is clipped. SCPI over TCP, messages end with a newline.
"""

from dataclasses import dataclass
from decimal import Decimal

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.header import short_form
from podium.firmware_interfaces.ieee4882.parameters import (
    Choice,
    Extreme,
    Kind,
    Switch,
    Value,
    in_unit,
)
from podium.firmware_interfaces.ieee4882.program_message import Number, Parameter, Word

TCP_PORT = 5025
VENDOR = "Agilent Technologies"
MODEL = "33512B"
CHANNELS = 2
INFINITE = Decimal("9.9E37")
"""What stands for infinity in answers."""
SOURCE_OHM = Decimal(50)
LOAD_MIN_OHM, LOAD_MAX_OHM = Decimal(1), Decimal(10_000)
EMF_MAX_VPP, EMF_MIN_VPP = Decimal(20), Decimal("2E-3")
"""Into an open circuit: 10 Vpp and 1 mVpp into 50 Ohm."""
FREQUENCY_MIN_HZ = Decimal("1E-6")
FREQUENCY_MAX_HZ = {
    "SIN": Decimal("20E6"),
    "SQU": Decimal("20E6"),
    "TRI": Decimal("200E3"),
    "RAMP": Decimal("200E3"),
    "PULS": Decimal("20E6"),
}
"""By function; others have no frequency of this kind."""
EDGE_S = Decimal("16E-9")
"""Shortest pulse and shortest gap; page 69."""
BURST_GAP_S = Decimal("1E-6")  # ASSUMED: between the end of a burst and the next
CYCLES_MAX = Decimal("1E8")
BURST_MAX_HZ = Decimal("6E6")
"""Of a sine or a square wave in bursts that end."""
BURST_MIN_HZ = Decimal("2.001E-3")
"""In bursts that begin by themselves."""
CLIPPED = "Data out of range; value clipped to {} limit"


def written(value: Decimal) -> str:
    """Write a number as it does: ``+1.000000000000000E+03``."""
    return "+9.9E+37" if value >= INFINITE else f"{float(value) + 0.0:+.15E}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a unit, or one of its words; what is out of range its firmware clips."""

    unit: str
    words: tuple[str, ...] = ("MIN", "MAX", "DEF")

    def take(self, parameter: Parameter) -> Value:
        """Take a number, in the unit, or a word in its short form."""
        match parameter:
            case Number():
                return in_unit(parameter, self.unit)
            case Word(text):
                short = _SHORT.get(text, text)
                if short in self.words:
                    return short
                raise ScpiError(-141, text)
        raise ScpiError(-104, "a number is wanted")

    def answer(self, value: Value) -> str:
        """Write the number."""
        if not isinstance(value, Decimal):
            raise TypeError(f"{value!r} is no number")
        return written(value)


@dataclass(frozen=True, slots=True)
class Amplitude(Quantity):
    """An amplitude: in the unit in use, or behind its number in one of :data:`UNITS`."""

    def take(self, parameter: Parameter) -> Value:
        """Take what a :class:`Quantity` takes; with a unit return both, with a space between."""
        if isinstance(parameter, Number) and parameter.suffix in UNITS:
            return f"{parameter.value} {parameter.suffix}"
        return Quantity.take(self, parameter)


UNITS = ("VPP", "VRMS", "DBM")
_SHORT = {"MINIMUM": "MIN", "MAXIMUM": "MAX", "DEFAULT": "DEF", "INFINITY": "INF"}
_EXTREME = (Extreme(),)
_ENDLESS = ("MIN", "MAX", "DEF", "INF")
_SOURCE = "[:SOURce<n>]"
_POLARITY = Choice(("NORMal", "INVerted"))


def _number(header: str, unit: str, words: tuple[str, ...] = ("MIN", "MAX", "DEF")) -> Command:
    return Command(header, (Quantity(unit, words),), _EXTREME, asks_optional=1)


def _setting(header: str, kind: Kind) -> Command:
    return Command(header, (kind,), ())


_APPLIED = ("SINusoid", "SQUare", "TRIangle", "RAMP", "PULSe", "PRBS", "NOISe", "DC")
FUNCTION = _setting(f"{_SOURCE}:FUNCtion", Choice((*_APPLIED, "ARB")))
FREQUENCY = _number(f"{_SOURCE}:FREQuency[:CW|:FIXed]", "HZ")
FREQUENCY_MODE = _setting(f"{_SOURCE}:FREQuency:MODE", Choice(("CW", "LIST", "SWEep", "FIXed")))
PHASE = _number(f"{_SOURCE}:PHASe[:ADJust]", "DEG")
PHASE_SYNC = Command(f"{_SOURCE}:PHASe:SYNChronize", ())
_AMPLITUDE = Amplitude("V")
AMPLITUDE = Command(
    f"{_SOURCE}:VOLTage[:LEVel][:IMMediate][:AMPLitude]", (_AMPLITUDE,), _EXTREME, asks_optional=1
)
OFFSET = _number(f"{_SOURCE}:VOLTage[:LEVel][:IMMediate]:OFFSet", "V")
HIGH = _number(f"{_SOURCE}:VOLTage[:LEVel][:IMMediate]:HIGH", "V")
LOW = _number(f"{_SOURCE}:VOLTage[:LEVel][:IMMediate]:LOW", "V")
UNIT = _setting(f"{_SOURCE}:VOLTage:UNIT", Choice(UNITS))
APPLY = {
    short_form(word): Command(
        f"{_SOURCE}:APPLy:{word}", (Quantity("HZ"), _AMPLITUDE, Quantity("V")), optional=3
    )
    for word in _APPLIED
}
"""By function: frequency, amplitude and offset at once."""
APPLIED = Command(f"{_SOURCE}:APPLy", asks=())
DUTY = _number(f"{_SOURCE}:FUNCtion:SQUare:DCYCle", "PCT")
SYMMETRY = _number(f"{_SOURCE}:FUNCtion:RAMP:SYMMetry", "PCT")
PULSE_WIDTH = _number(f"{_SOURCE}:FUNCtion:PULSe:WIDTh", "S")
PULSE_DUTY = _number(f"{_SOURCE}:FUNCtion:PULSe:DCYCle", "PCT")
BURST = _setting(f"{_SOURCE}:BURSt:STATe", Switch())
BURST_MODE = _setting(f"{_SOURCE}:BURSt:MODE", Choice(("TRIGgered", "GATed")))
BURST_CYCLES = _number(f"{_SOURCE}:BURSt:NCYCles", "", _ENDLESS)
BURST_PHASE = _number(f"{_SOURCE}:BURSt:PHASe", "DEG")
BURST_GATE = _setting(f"{_SOURCE}:BURSt:GATE:POLarity", _POLARITY)
BURST_PERIOD = _number(f"{_SOURCE}:BURSt:INTernal:PERiod", "S")
OUTPUT = _setting(":OUTPut<n>[:STATe]", Switch())
LOAD = _number(":OUTPut<n>:LOAD", "OHM", _ENDLESS)
POLARITY = _setting(":OUTPut<n>:POLarity", _POLARITY)
SYNC = _setting(":OUTPut<n>:SYNC[:STATe]", Switch())
SYNC_SOURCE = _setting(":OUTPut<n>:SYNC:SOURce", Choice(("CH1", "CH2")))
TRIGGER_OUTPUT = _setting(":OUTPut<n>:TRIGger[:STATe]", Switch())
TRIGGER_OUTPUT_SLOPE = _setting(":OUTPut<n>:TRIGger:SLOPe", Choice(("POSitive", "NEGative")))
TRIGGER_OUTPUT_SOURCE = _setting(":OUTPut<n>:TRIGger:SOURce", Choice(("CH1", "CH2")))
TRIGGER = Command(":TRIGger<n>[:IMMediate]", ())
TRIGGER_SOURCE = _setting(":TRIGger<n>:SOURce", Choice(("IMMediate", "EXTernal", "TIMer", "BUS")))
TRIGGER_SLOPE = _setting(":TRIGger<n>:SLOPe", Choice(("POSitive", "NEGative")))
TRIGGER_COUNT = _number(":TRIGger<n>:COUNt", "")
TRIGGER_DELAY = _number(":TRIGger<n>:DELay", "S")
TRIGGER_TIMER = _number(":TRIGger<n>:TIMer", "S")
ABORT = Command(":ABORt", ())
ERROR = Command(":SYSTem:ERRor[:NEXT]", asks=())
BEEP = Command(":SYSTem:BEEPer[:IMMediate]", ())


@dataclass(frozen=True, slots=True)
class Limits:
    """Least, most and default of a number."""

    low: Decimal
    high: Decimal
    default: Decimal

    def word(self, word: str) -> Decimal:
        """Return what MIN, MAX or DEF stands for."""
        return {"MIN": self.low, "MAX": self.high, "DEF": self.default}[word]


def _limits(low: str, high: str, default: str) -> Limits:
    return Limits(Decimal(low), Decimal(high), Decimal(default))


FIXED_LIMITS = {
    PHASE: _limits("-360", "360", "0"),
    DUTY: _limits("0.01", "99.99", "50"),  # ASSUMED: whatever the frequency
    SYMMETRY: _limits("0", "100", "100"),
    BURST_CYCLES: Limits(Decimal(1), CYCLES_MAX, Decimal(1)),
    BURST_PHASE: _limits("-360", "360", "0"),
    BURST_PERIOD: _limits("1E-6", "8000", "10E-3"),
    TRIGGER_COUNT: _limits("1", "1E6", "1"),
    TRIGGER_DELAY: _limits("0", "1000", "0"),
    TRIGGER_TIMER: _limits("1E-6", "8000", "1"),
    LOAD: Limits(LOAD_MIN_OHM, LOAD_MAX_OHM, SOURCE_OHM),
}
"""Of numbers whose limits depend on nothing else."""
WORDS: dict[Command, Value] = {
    FUNCTION: "SIN",
    FREQUENCY_MODE: "CW",
    UNIT: "VPP",
    BURST: False,
    BURST_MODE: "TRIG",
    BURST_GATE: "NORM",
    OUTPUT: False,
    POLARITY: "NORM",
    TRIGGER_SOURCE: "IMM",
    TRIGGER_SLOPE: "POS",
}
"""Settings of a channel that are no numbers, and what *RST sets them to."""
APPLIES: dict[Command, Value] = {BURST: False, OUTPUT: True, TRIGGER_SOURCE: "IMM"}
"""What :data:`APPLY` sets besides."""
