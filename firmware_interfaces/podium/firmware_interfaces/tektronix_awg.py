"""Tektronix AWG70000 and AWG5200: commands that both have, and in what their models differ.

Source: QCoDeS 0.58 ``TektronixAWG70000Base`` for headers, words and limits; headers as the
programmer manuals 077-0455 and 077-1338 list them, as public scripts repeat it. Files:
:mod:`.tektronix_waveform_files`.
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
)

TCP_PORT = 4000  # ASSUMED: as of AWG5000 and AWG7000; it is set on the box's screen
VENDOR = "TEKTRONIX"
OPTIONS = "03"  # ASSUMED: with sequencing
MESSAGE_MAX = 1 << 26
"""Bytes of one message, a file in it. ASSUMED."""
SAMPLE_RATE_MIN = Decimal("1.49E3")
AMPLITUDE_MIN_V = Decimal("0.25")
OFFSET_MAX_V = Decimal(2)
HOME = "\\Users\\OEM\\Documents"
"""Where files go as long as no other folder was said."""
TRIGGERS: Mapping[str, str] = {"ATR": "TrigA", "BTR": "TrigB", "ITR": "Internal"}
"""Word of the command: word in a sequence file."""


@dataclass(frozen=True, slots=True)
class Awg:
    """One model."""

    identity: str
    channels: int
    markers: int
    """Of a channel, at its least resolution."""
    bits_max: int
    """Each marker takes one of them."""
    sample_rate_max: Decimal
    amplitude_max_v: Decimal
    marker_high_v: tuple[Decimal, Decimal]
    marker_low_v: tuple[Decimal, Decimal]
    external_clock_hz: tuple[Decimal, Decimal]
    generator_max_hz: Decimal
    paths: tuple[str, ...]
    """Of the function generator's signal."""


_EXTREME = (Extreme(),)
_NAME = Text()


def _real(header: str, unit: str, low: Decimal, high: Decimal, default: Decimal) -> Command:
    kind = Real(unit, low, high, default=default)
    return Command(header, (kind,), _EXTREME, asks_optional=1)


def _stored(header: str, kind: Kind) -> Command:
    return Command(header, (kind,), ())


IMMEDIATE = "[:LEVel][:IMMediate]"
ERROR = Command(":SYSTem:ERRor[:NEXT]", asks=())
ERROR_CODE = Command(":SYSTem:ERRor:CODE[:NEXT]", asks=())
FOLDER = Command(":MMEMory:CDIRectory", (_NAME,), ())
DELETE_FILE = Command(":MMEMory:DELete", (_NAME,))
DATA = Command(":MMEMory:DATA", (_NAME, Verbatim()), (_NAME,))
OPEN = Command(":MMEMory:OPEN", (_NAME,))
OPEN_SEQUENCE = Command(":MMEMory:OPEN:SASSet:SEQuence", (_NAME,))
MODE = _stored(":INSTrument:MODE", Choice(("AWG", "FGEN")))
CLOCK_SOURCE = _stored(":CLOCk:SOURce", Choice(("INTernal", "EFIXed", "EVARiable", "EXTernal")))
RUN = Command(":AWGControl:RUN[:IMMediate]", ())
STOP = Command(":AWGControl:STOP[:IMMediate]", ())
RUN_STATE = Command(":AWGControl:RSTATe", asks=())
ALL_OFF = _stored(":OUTPut<n>:OFF", Switch())
OUTPUT = _stored(":OUTPut<n>[:STATe]", Switch())
HOLD = _stored(":OUTPut<n>:WVALue[:ANALog][:STATe]", Choice(("FIRST", "ZERO")))
MARKER_HOLD = _stored(":OUTPut<n>:WVALue:MARKer<m>", Choice(("FIRST", "LOW", "HIGH")))
MARKER_STOPPED = _stored(":OUTPut<n>:SVALue:MARKer<m>", Choice(("OFF", "LOW")))
OFFSET = _real(
    f"[:SOURce<n>]:VOLTage{IMMEDIATE}:OFFSet", "V", -OFFSET_MAX_V, OFFSET_MAX_V, Decimal(0)
)
ASSET = Command("[:SOURce<n>]:CASSet", asks=())
ASSET_WAVEFORM = Command("[:SOURce<n>]:CASSet:WAVeform", (_NAME,))
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
WAVEFORMS = Command(":WLISt:SIZE", asks=())
WAVEFORM_NAME = Command(":WLISt:NAME", asks=(Whole(0, 65536),))
WAVEFORM_LIST = Command(":WLISt:LIST", asks=())
WAVEFORM_DELETE = Command(":WLISt:WAVeform:DELete", (Text(bare_words=True),))


class Settings:
    """Commands whose limits differ between models."""

    def __init__(self, awg: Awg) -> None:
        generator = ":FGEN:CHANnel<n>:"
        quarter, zero = Decimal("0.25"), Decimal(0)
        self.sample_rate = _real(
            ":CLOCk:SRATe", "HZ", SAMPLE_RATE_MIN, awg.sample_rate_max, awg.sample_rate_max
        )
        low, high = awg.external_clock_hz
        self.external_clock = _real(":CLOCk:ECLock:FREQuency", "HZ", low, high, low)
        self.amplitude = _real(
            f"[:SOURce<n>]:VOLTage{IMMEDIATE}[:AMPLitude]",
            "V",
            AMPLITUDE_MIN_V,
            awg.amplitude_max_v,
            awg.amplitude_max_v,
        )
        marker = "[:SOURce<n>]:MARKer<m>:VOLTage[:LEVel][:IMMediate]"
        self.marker_high = _real(f"{marker}:HIGH", "V", *awg.marker_high_v, Decimal(1))
        self.marker_low = _real(f"{marker}:LOW", "V", *awg.marker_low_v, zero)
        least = awg.bits_max - awg.markers
        self.resolution = _stored("[:SOURce<n>]:DAC:RESolution", Whole(least, awg.bits_max))
        self.generator_frequency = _real(
            f"{generator}FREQuency", "HZ", Decimal(1), awg.generator_max_hz, Decimal("1.2E6")
        )
        self.generator_period = Command(f"{generator}PERiod", asks=())
        self.generator: Mapping[Command, Decimal | str] = {
            _real(
                f"{generator}AMPLitude", "V", zero, awg.amplitude_max_v, awg.amplitude_max_v
            ): awg.amplitude_max_v,
            _real(f"{generator}OFFSet", "V", -quarter, quarter, zero): zero,
            _real(f"{generator}DCLevel", "V", -quarter, quarter, zero): zero,
            _real(f"{generator}PHASe", "DEG", Decimal(-180), Decimal(180), zero): zero,
            _real(f"{generator}SYMMetry", "PCT", zero, Decimal(100), Decimal(50)): Decimal(50),
            _stored(f"{generator}PATH", Choice(awg.paths)): short_form(awg.paths[0]),
            _stored(f"{generator}TYPE", Choice(GENERATOR_TYPES)): "SINE",
        }
        """Settings of the function generator, with their defaults."""


GENERATOR_TYPES = (
    "SINE",
    "SQUare",
    "TRIangle",
    "NOISe",
    "DC",
    "GAUSSian",
    "EXPRise",
    "EXPDecay",
    "NONE",
)
