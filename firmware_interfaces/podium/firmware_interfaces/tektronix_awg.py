"""Tektronix AWG70000 and AWG5200: commands that both have, and in what their models differ.

Source: QCoDeS 0.58 ``TektronixAWG70000Base`` for headers, words and limits; headers as the
programmer manuals 077-0455 and 077-1338 list them. Of these manuals each command's text, with what
*RST sets it to, stands in Tektronix's package ``tm_devices`` 3 (``commands/gen_chhuo_awg``,
``gen_60bjc_awg``, ``gen_btm6t_awg``); its drivers and ``docs/advanced/signal_generators.md`` have
ranges. Files: :mod:`.tektronix_waveform_files`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.header import short_form
from podium.firmware_interfaces.ieee4882.parameters import (
    Choice,
    Extreme,
    Kind,
    Real,
    Switch,
    Text,
    Verbatim,
    Whole,
    in_unit,
)
from podium.firmware_interfaces.ieee4882.program_message import Number, Parameter

TCP_PORT = 4000  # ASSUMED: as of AWG5000 and AWG7000; it is set on the box's screen
VENDOR = "TEKTRONIX"
MESSAGE_MAX = 1 << 26
"""Bytes of one message, a file in it. ASSUMED."""
AMPLITUDE_V = Decimal("0.5")
"""What *RST sets: levels from -250 mV to 250 mV."""
OFFSET_MAX_V = Decimal(2)
LEVEL = Real("V", Decimal(-10), Decimal(10), words=False)
"""A level as it is parsed; what it must be depends on others."""
HOME = "\\Users\\OEM\\Documents"
"""Where files go as long as no other folder was said."""
TRIGGERS: Mapping[str, str] = {"ATR": "TrigA", "BTR": "TrigB", "ITR": "Internal"}
"""Word of the command: word in a sequence file."""


@dataclass(frozen=True, slots=True)
class Awg:
    """One model."""

    identity: str
    options: str
    channels: int
    markers: int
    """Of a channel, at its least resolution."""
    bits_max: int
    """Each marker takes one of them."""
    sample_rate_min: Decimal
    sample_rate_max: Decimal
    external_clock_factor: int | None
    """Most samples for a period of the external clock; None: not said."""
    amplitudes_v: Mapping[str, tuple[Decimal, Decimal]]
    """Limits by output path, in its short form; the first is that of *RST."""
    offset_paths: frozenset[str]
    """Those that have an offset."""
    output_paths: tuple[str, ...]
    """Those that the series knows; without limits above: the option for it is not there."""
    marker_high_v: tuple[Decimal, Decimal]
    marker_low_v: tuple[Decimal, Decimal]
    external_clock_hz: tuple[Decimal, Decimal]
    generator_max_hz: Decimal
    paths: tuple[str, ...]
    """Of the function generator's signal."""
    samples_max: int
    """Of a waveform."""
    predefined: tuple[str, str]
    """Path of the file of predefined waveforms on its disk, and their names."""

    @property
    def amplitude_v(self) -> tuple[Decimal, Decimal]:
        """Return the limits on the path of *RST."""
        return next(iter(self.amplitudes_v.values()))


_EXTREME = (Extreme(),)
_NAME = Text()


def _real(header: str, unit: str, low: Decimal, high: Decimal, default: Decimal) -> Command:
    kind = Real(unit, low, high, default=default)
    return Command(header, (kind,), _EXTREME, asks_optional=1)


def _stored(header: str, kind: Kind) -> Command:
    return Command(header, (kind,), ())


PREDEFINED = ",".join(
    f"*{shape}{count}"
    for shape, counts in (
        ("Triangle", (960, 1000, 100, 10)),
        ("Square", (960, 1000, 100, 10)),
        ("Sine", (960, 3600, 360, 36, 1000, 100, 10)),
        ("Ramp", (960, 1000, 100, 10)),
        ("DC", ("",)),
    )
    for count in counts
)
"""Waveforms in the file of predefined ones, as the vendor's simulation of a box lists them."""


def predefined_path(series: str) -> str:
    """Return where the file of predefined waveforms is on the disk of a box."""
    folder = rf"C:\Program Files\Tektronix\{series}\Samples"
    return rf"{folder}\AWG5k7k Predefined Waveforms.awgx"


@dataclass(frozen=True, slots=True)
class Clipped(Real):
    """A number that goes to the nearest limit where it is beyond one."""

    def take(self, parameter: Parameter) -> Decimal:
        """Take a number, or a word for one."""
        if isinstance(parameter, Number):
            value = min(max(in_unit(parameter, self.unit), self.minimum), self.maximum)
            parameter = Number(value)
        return Real.take(self, parameter)


IMMEDIATE = "[:LEVel][:IMMediate]"
FOLDER = Command(":MMEMory:CDIRectory", (_NAME,), ())
DELETE_FILE = Command(":MMEMory:DELete", (_NAME,))
_BYTES = Whole(0, 1 << 30, words=False)
DATA = Command(
    ":MMEMory:DATA",
    (_NAME, Verbatim(), Verbatim()),
    (_NAME, _BYTES, _BYTES),
    optional=1,
    asks_optional=2,
)
DATA_SIZE = Command(":MMEMory:DATA:SIZE", asks=(_NAME,))
OPEN = Command(":MMEMory:OPEN", (_NAME,))
OPEN_ASSETS = Command(":MMEMory:OPEN:SASSet", (_NAME,))
OPEN_WAVEFORMS = Command(":MMEMory:OPEN:SASSet:WAVeform", (_NAME, _NAME), optional=1)
OPEN_SEQUENCE = Command(":MMEMory:OPEN:SASSet:SEQuence", (_NAME, _NAME), optional=1)
LAST_OPENED = Command(":MMEMory:OPEN:SASSet:SEQuence:MROPened", asks=())
MODE = _stored(":INSTrument:MODE", Choice(("AWG", "FGEN")))
CLOCK_SOURCES = ("INTernal", "EFIXed", "EVARiable", "EXTernal")
CLOCK_SOURCE = _stored(":CLOCk:SOURce", Choice(CLOCK_SOURCES))
CHANNELS = Command(":AWGControl:CONFigure:CNUMber", asks=())
CLOCK_SOURCE_TOO = _stored(":AWGControl:CLOCk:SOURce", Choice(CLOCK_SOURCES))
RUN = Command(":AWGControl:RUN[:IMMediate]", ())
STOP = Command(":AWGControl:STOP[:IMMediate]", ())
RUN_STATE = Command(":AWGControl:RSTATe", asks=())
ALL_OFF = _stored(":OUTPut<n>:OFF", Switch())
OUTPUT = _stored(":OUTPut<n>[:STATe]", Switch())
# ASSUMED: FIRSt is answered in its long form, as QCoDeS expects it.
_FIRST = (("FIRS", "FIRST"),)
HOLD = _stored(":OUTPut<n>:WVALue[:ANALog][:STATe]", Choice(("FIRST", "ZERO"), _FIRST))
MARKER_HOLD = _stored(":OUTPut<n>:WVALue:MARKer<m>", Choice(("FIRST", "LOW", "HIGH"), _FIRST))
STOPPED_VALUE = _stored(":OUTPut<n>:SVALue[:ANALog][:STATe]", Choice(("OFF", "ZERO")))
MARKER_STOPPED = _stored(":OUTPut<n>:SVALue:MARKer<m>", Choice(("OFF", "LOW")))
_VOLTAGE = f"[:SOURce<n>]:VOLTage{IMMEDIATE}"
_BY_PATH = (Verbatim(),)
OFFSET = Command(f"{_VOLTAGE}:OFFSet", _BY_PATH, _EXTREME, asks_optional=1)
HIGH, LOW = (_stored(f"{_VOLTAGE}:{which}", LEVEL) for which in ("HIGH", "LOW"))
_MARKER = f"[:SOURce<n>]:MARKer<m>:VOLTage{IMMEDIATE}"
MARKER_AMPLITUDE = _stored(f"{_MARKER}[:AMPLitude]", LEVEL)
MARKER_OFFSET = _stored(f"{_MARKER}:OFFSet", LEVEL)
_GENERATOR = ":FGEN:CHANnel<n>:"
GENERATOR_HIGH = _stored(f"{_GENERATOR}HIGH", LEVEL)
GENERATOR_LOW = _stored(f"{_GENERATOR}LOW", LEVEL)
ASSET = Command("[:SOURce<n>]:CASSet", asks=())
ASSET_TYPE = Command("[:SOURce<n>]:CASSet:TYPE", asks=())
ASSET_WAVEFORM = Command("[:SOURce<n>]:CASSet:WAVeform", (_NAME,))
WAVEFORM = Command("[:SOURce<n>]:WAVeform", (_NAME,), ())
ASSET_SEQUENCE = Command("[:SOURce<n>]:CASSet:SEQuence", (_NAME, Whole(1, 8)))
ASSET_CLEAR = Command("[:SOURce<n>]:CASSet:CLEar", ())
JUMP = Command("[:SOURce<n>]:JUMP:FORCe", (Whole(1, 16383),))
TRIGGER = Command(
    ":TRIGger[:IMMediate]", (Choice(("ATRigger", "BTRigger", "ITRigger")),), optional=1
)
SEQUENCES = Command(":SLISt:SIZE", asks=())
SEQUENCE_NAME = Command(":SLISt:NAME", asks=(Whole(1, 65536),))
SEQUENCE_DELETE = Command(":SLISt:SEQuence:DELete", (Text(bare_words=True),))
EVENT_JUMP = Command(
    ":SLISt:SEQuence:STEP<n>:EJUMp", (Text(bare_words=True), Verbatim()), (Text(bare_words=True),)
)
SEQUENCE_LENGTH = Command(":SLISt:SEQuence:LENGth", asks=(Text(bare_words=True),))
SEQUENCE_TRACKS = Command(":SLISt:SEQuence:TRACk", asks=(Text(bare_words=True),))
WAVEFORMS = Command(":WLISt:SIZE", asks=())
WAVEFORM_NAME = Command(":WLISt:NAME", asks=(Whole(0, 65536),))
WAVEFORM_LIST = Command(":WLISt:LIST", asks=())
WAVEFORM_LENGTH = Command(":WLISt:WAVeform:LENGth", asks=(_NAME,))
WAVEFORM_DELETE = Command(":WLISt:WAVeform:DELete", (Text(bare_words=True),))


class Settings:
    """Commands whose limits differ between models."""

    def __init__(self, awg: Awg) -> None:
        generator = _GENERATOR
        quarter, zero = Decimal("0.25"), Decimal(0)
        slow, fast = awg.sample_rate_min, awg.sample_rate_max
        self.sample_rate = _real(":CLOCk:SRATe", "HZ", slow, fast, fast)
        self.sample_rate_too = tuple(
            _real(f"[:SOURce<n>]:FREQuency{rest}", "HZ", slow, fast, fast)
            for rest in ("[:CW]", ":FIXed")
        )
        low, high = awg.external_clock_hz
        self.external_clock = _real(":CLOCk:ECLock:FREQuency", "HZ", low, high, low)
        self.amplitude = Command(f"{_VOLTAGE}[:AMPLitude]", _BY_PATH, _EXTREME, asks_optional=1)
        self.path = _stored(":OUTPut<n>:PATH", Choice(awg.output_paths))
        self.marker_high = _real(f"{_MARKER}:HIGH", "V", *awg.marker_high_v, Decimal(1))
        self.marker_low = _real(f"{_MARKER}:LOW", "V", *awg.marker_low_v, zero)
        least = awg.bits_max - awg.markers
        self.resolution = _stored("[:SOURce<n>]:DAC:RESolution", Whole(least, awg.bits_max))
        self.generator_frequency = _real(
            f"{generator}FREQuency", "HZ", Decimal(1), awg.generator_max_hz, Decimal("1.2E6")
        )
        self.generator_period = Command(f"{generator}PERiod", asks=())
        highest = awg.amplitude_v[1]
        self.generator_amplitude = _real(
            f"{generator}AMPLitude[:VOLTage]", "V", zero, highest, AMPLITUDE_V
        )
        # "If the offset value is higher than the designated maximum offset or lower than the
        # designated minimum offset, then the respective max/min values are used."
        self.generator_offset = Command(
            f"{generator}OFFSet",
            (Clipped("V", -quarter, quarter, default=zero),),
            _EXTREME,
            asks_optional=1,
        )
        self.generator: Mapping[Command, Decimal | str] = {
            self.generator_amplitude: AMPLITUDE_V,
            self.generator_offset: zero,
            _real(f"{generator}DCLevel", "V", -quarter, quarter, zero): zero,
            _real(f"{generator}PHASe", "DEG", Decimal(-180), Decimal(180), zero): zero,
            _real(f"{generator}SYMMetry", "PCT", zero, Decimal(100), Decimal(100)): Decimal(100),
            _stored(f"{generator}PATH", Choice(awg.paths)): short_form(awg.paths[0]),
            _stored(f"{generator}TYPE", Choice(GENERATOR_TYPES, (("GAUSS", "GAUSsian"),))): "SINE",
        }
        """Settings of the function generator, with their defaults."""


GENERATOR_TYPES = (
    "SINE",
    "SQUare",
    "TRIangle",
    "NOISe",
    "DC",
    "GAUSsian",
    "EXPRise",
    "EXPDecay",
    "NONE",
)
