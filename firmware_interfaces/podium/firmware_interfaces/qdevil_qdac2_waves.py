"""Wave generators of the QDAC-II: commands of sine, square, triangle and arbitrary waves.

Sources as of :mod:`.qdevil_qdac2`. Each channel has one of each kind, and one of DC; what leaves it
is their sum.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from podium.firmware_interfaces import qdevil_qdac2 as box
from podium.firmware_interfaces.ieee4882.channel_list import ChannelList
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import (
    Choice,
    Kind,
    Real,
    Switch,
    Text,
    Value,
    Verbatim,
    Whole,
)
from podium.firmware_interfaces.ieee4882.program_message import Block, Parameter

SAMPLE_S = Decimal("1E-6")  # page of the QDAC: 1 MS/s
FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ = Decimal("1E-4"), Decimal("5E5")  # ASSUMED
TRACE_LENGTH_MAX = 250_000  # ASSUMED
TRACES_MAX = 24  # ASSUMED
_LISTED = (ChannelList(),)


@dataclass(frozen=True, slots=True)
class WaveCommands:
    """The commands of one kind of generator."""

    kind: str
    """Its short form."""
    settings: Mapping[str, Command]
    """By the names of :data:`DEFAULTS`; those that the kind has."""
    trigger: Command
    start: Command
    continuous: Command
    abort: Command
    left: Command
    markers: tuple[Command, ...]


DEFAULTS: Mapping[str, Value] = {  # ASSUMED
    "frequency": Decimal(1000),
    "period": Decimal("1E-3"),
    "duty": Decimal(50),
    "form": "SYMM",
    "polarity": "NORM",
    "span": Decimal("0.2"),
    "offset": Decimal(0),
    "scale": Decimal(1),
    "slew": box.SLEW_FREE,
    "delay": Decimal(0),
    "count": -1,
    "trace": "",
}
_KINDS: Mapping[str, tuple[str, Kind]] = {
    "frequency": (
        "FREQuency",
        Real("HZ", FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ, style=box.digits),
    ),
    "period": (
        "PERiod",
        Real("S", 1 / FREQUENCY_MAX_HZ, 1 / FREQUENCY_MIN_HZ, style=box.digits),
    ),
    "duty": ("DCYCle", Real("PCT", Decimal(0), Decimal(100), style=box.digits)),
    "form": ("TYPe", Choice(("SYMMetric", "POSitive", "NEGative"))),
    "polarity": ("POLarity", Choice(("NORMal", "INVerted"))),
    "span": (
        "[:VOLTage]:SPAN",
        Real("V", Decimal(0), 2 * box.RANGES_V["HIGH"], style=box.digits),
    ),
    "offset": ("[:VOLTage]:OFFSet", box.VOLTS),
    "scale": ("[:VOLTage]:SCALe", Real("", Decimal(-10), Decimal(10), style=box.digits)),
    "slew": ("[:VOLTage]:SLEW", box.Slew()),
    "delay": ("DELay", Real("S", Decimal(0), box.DELAY_MAX_S, style=box.digits)),
    "count": ("COUNt", box.Count(box.SWEEP_POINTS_MAX)),
    "trace": ("DEFine", Text()),
}
_PERIODIC = ("frequency", "period", "polarity", "span", "offset", "slew", "delay", "count")


def _setting(header: str, kind: Kind) -> Command:
    return Command(header, (kind, ChannelList()), _LISTED, optional=1, asks_optional=1)


def _commands(word: str, names: tuple[str, ...]) -> WaveCommands:
    root = f":SOURce<n>:{word}"

    def header(text: str) -> str:
        return f"{root}{text}" if text.startswith("[") else f"{root}:{text}"

    return WaveCommands(
        kind="".join(letter for letter in word if letter.isupper()),
        settings={name: _setting(header(_KINDS[name][0]), _KINDS[name][1]) for name in names},
        trigger=_setting(header("TRIGger:SOURce"), box.TRIGGERS_FROM),
        start=Command(header("INITiate[:IMMediate]"), _LISTED, optional=1),
        continuous=_setting(header("INITiate:CONTinuous"), Switch()),
        abort=Command(header("ABORt"), _LISTED, optional=1),
        left=Command(header("NCLeft"), asks=_LISTED, asks_optional=1),
        markers=tuple(
            _setting(header(f"MARKer:{event}[:TNUMber]"), Whole(0, box.TRIGGERS))
            for event in ("STARt", "END", "PSTart", "PEND")
        ),
    )


WAVES = (
    _commands("SINe", _PERIODIC),
    _commands("SQUare", (*_PERIODIC, "duty", "form")),
    _commands("TRIangle", (*_PERIODIC, "duty")),
    _commands("AWG", ("trace", "scale", "offset", "slew", "delay", "count")),
)

TRACE_DEFINE = Command(":TRACe:DEFine", (Text(), Whole(1, TRACE_LENGTH_MAX)))
TRACE_DATA = Command(
    ":TRACe:DATA",
    (Text(), *(Verbatim(),) * box.LIST_NUMBERS_MAX),
    optional=box.LIST_NUMBERS_MAX - 1,
)
TRACE_CATALOG = Command(":TRACe:CATalog", asks=())
TRACE_REMOVE = Command(":TRACe:REMove", (Text(),))
TRACE_REMOVE_ALL = Command(":TRACe:REMove:ALL", ())


def samples_of(values: tuple[Value, ...], length: int) -> tuple[float, ...]:
    """Return the samples of a trace of that length: a block of floats, or numbers.

    Raises :class:`ScpiError`, -223 for another number of them. ASSUMED: the code.
    """
    given = [value for value in values if isinstance(value, Parameter)]
    if isinstance(given[0], Block):
        if len(given) > 1:
            raise ScpiError(-108, "numbers behind a block")
        samples = tuple(map(float, box.volts_of_block(given[0], TRACE_LENGTH_MAX)))
    else:
        samples = tuple(float(box.VOLTS.take(one)) for one in given)
    if len(samples) != length:
        raise ScpiError(-223, f"{len(samples)} samples of {length}")
    return samples
