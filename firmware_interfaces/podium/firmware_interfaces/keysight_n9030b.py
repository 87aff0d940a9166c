"""Keysight PXA N9030B signal analyzer in its mode SA (swept spectrum): commands and limits.

Source: QCoDeS 0.58 ``KeysightN9030B`` for what drivers send; Keysight's X-series user's and
programmer's reference, "Swept SA measurement", for results (pairs of x and y), formats of data
and detectors. # ASSUMED: reset values and couplings where QCoDeS does not tell, steps of the
bandwidths, and which options are fitted (26.5 GHz, preamplifier, no phase noise application).
SCPI over TCP, HiSLIP and VXI-11; messages end with a newline.
"""

from decimal import Decimal

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.parameters import (
    Choice,
    Extreme,
    Kind,
    Real,
    Switch,
    Value,
    Whole,
)

TCP_PORT = 5025
VENDOR = "Keysight Technologies"
MODEL = "N9030B"
OPTIONS = '"526,P26,PFR"'
FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ = Decimal("-80E6"), Decimal("27E9")
SPAN_MIN_HZ = Decimal(10)
PRESET_START_HZ, PRESET_STOP_HZ = Decimal(10), Decimal("26.5E9")
POINTS_MAX = 100_001
BANDWIDTH_MIN_HZ, BANDWIDTH_MAX_HZ = Decimal(1), Decimal("8E6")
VIDEO_MIN_HZ, VIDEO_MAX_HZ = Decimal(1), Decimal("50E6")
_TENTHS = 10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30, 33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82
STEPS = tuple(Decimal(tenths) / 10 for tenths in (*_TENTHS, 91))
"""Bandwidths are these times powers of ten."""
TRACES = 6
SPAN_OVER_BANDWIDTH = 106
"""Of the automatic bandwidth."""
SWEEP_TIME_MIN_S, SWEEP_TIME_MAX_S = Decimal("1E-3"), Decimal(4000)

_EXTREME: tuple[Kind, ...] = (Extreme(),)


def written(value: Decimal) -> str:
    """Return a number as this box writes it: ``+1.00000000000E+07``."""
    return f"{float(value):+.11E}"


def _real(header: str, unit: str, low: Decimal, high: Decimal, default: Decimal) -> Command:
    return Command(
        header, (Real(unit, low, high, None, default, written),), _EXTREME, asks_optional=1
    )


def _frequency(name: str, default: Decimal) -> Command:
    header = f"[:SENSe]:FREQuency:{name}"
    return _real(header, "HZ", FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ, default)


def _switch(header: str) -> Command:
    return Command(header, (Switch(),), ())


START = _frequency("STARt", PRESET_START_HZ)
STOP = _frequency("STOP", PRESET_STOP_HZ)
CENTER = _frequency("CENTer", (PRESET_START_HZ + PRESET_STOP_HZ) / 2)
SPAN = _real(
    "[:SENSe]:FREQuency:SPAN",
    "HZ",
    Decimal(0),
    FREQUENCY_MAX_HZ - FREQUENCY_MIN_HZ,
    PRESET_STOP_HZ - PRESET_START_HZ,
)
TUNE = Command("[:SENSe]:FREQuency:TUNE[:IMMediate]", ())
POINTS = Command("[:SENSe]:SWEep:POINts", (Whole(1, POINTS_MAX),), ())
SWEEP_TIME = _real("[:SENSe]:SWEep:TIME", "S", SWEEP_TIME_MIN_S, SWEEP_TIME_MAX_S, SWEEP_TIME_MIN_S)
SWEEP_TIME_AUTO = _switch("[:SENSe]:SWEep:TIME:AUTO")
SWEEP_TYPE = Command("[:SENSe]:SWEep:TYPE", (Choice(("FFT", "SWEep")),), ())
SWEEP_TYPE_AUTO = _switch("[:SENSe]:SWEep:TYPE:AUTO")
BANDWIDTH = _real(
    "[:SENSe]:BANDwidth[:RESolution]", "HZ", BANDWIDTH_MIN_HZ, BANDWIDTH_MAX_HZ, Decimal("3E6")
)
BANDWIDTH_AUTO = _switch("[:SENSe]:BANDwidth[:RESolution]:AUTO")
BANDWIDTH_TYPE = Command(
    "[:SENSe]:BANDwidth:TYPE", (Choice(("DB3", "DB6", "IMPulse", "NOISe")),), ()
)
VIDEO = _real("[:SENSe]:BANDwidth:VIDeo", "HZ", VIDEO_MIN_HZ, VIDEO_MAX_HZ, Decimal("3E6"))
VIDEO_AUTO = _switch("[:SENSe]:BANDwidth:VIDeo:AUTO")
ATTENUATION = Command("[:SENSe]:POWer[:RF]:ATTenuation", (Whole(0, 70),), ())
PREAMP = _switch("[:SENSe]:POWer[:RF]:GAIN[:STATe]")
PREAMP_BAND = Command("[:SENSe]:POWer[:RF]:GAIN:BAND", (Choice(("LOW", "FULL")),), ())
CISPR_DETECTORS = ("QPE", "EAV", "RAV")
"""Quasi-peak, EMI average, RMS average: the twin has none of them."""
DETECTOR = Command(
    "[:SENSe]:DETector:TRACe<n>",
    (
        Choice(
            (
                *("NORMal", "AVERage", "POSitive", "SAMPle", "NEGative"),
                *("QPEak", "EAVerage", "RAVerage"),
            )
        ),
    ),
    (),
)
DETECTOR_AUTO = _switch("[:SENSe]:DETector:TRACe<n>:AUTO")
DETECTOR_AUTO_ALL = _switch("[:SENSe]:DETector:AUTO")
"""Of all traces; asked, of trace 1."""
AVERAGE_TYPE = Command("[:SENSe]:AVERage:TYPE", (Choice(("LOG", "RMS", "SCALar")),), ())
CONTINUOUS = _switch(":INITiate:CONTinuous")
INITIATE = Command(":INITiate[:IMMediate]", ())
ABORT = Command(":ABORt", ())
MODE = Command(":INSTrument[:SELect]", (Choice(("SA",)),), ())
MODES = Command(":INSTrument:CATalog", asks=())
MEASUREMENT = Command(":CONFigure", asks=())
CONFIGURE = Command(":CONFigure:SANalyzer", ())
MEASUREMENTS = Command(":CONFigure:CATalog", asks=())
READ = Command(":READ:SANalyzer<n>", asks=())
FETCH = Command(":FETCh:SANalyzer<n>", asks=())
DATA_FORMAT = Command(
    ":FORMat[:TRACe][:DATA]", (Choice(("ASCii", "REAL")), Whole(0, 64)), (), optional=1
)
BYTE_ORDER = Command(":FORMat:BORDer", (Choice(("NORMal", "SWAPped")),), ())
ERROR = Command(":SYSTem:ERRor[:NEXT]", asks=())
PRESET = Command(":SYSTem:PRESet", ())

RESET: dict[Command, Value] = {
    START: PRESET_START_HZ,
    STOP: PRESET_STOP_HZ,
    POINTS: 1001,
    SWEEP_TIME: SWEEP_TIME_MIN_S,
    SWEEP_TIME_AUTO: True,
    SWEEP_TYPE: "SWE",
    SWEEP_TYPE_AUTO: True,
    BANDWIDTH: Decimal("3E6"),
    BANDWIDTH_AUTO: True,
    BANDWIDTH_TYPE: "DB3",
    VIDEO: Decimal("3E6"),
    VIDEO_AUTO: True,
    ATTENUATION: 10,
    PREAMP: False,
    PREAMP_BAND: "LOW",
    AVERAGE_TYPE: "LOG",
    MODE: "SA",
    BYTE_ORDER: "NORM",
}


def possible_bandwidth_hz(asked_hz: Decimal, highest_hz: Decimal) -> Decimal:
    """Return the bandwidth nearest to ``asked_hz`` that the instrument has, by their ratio."""
    every = [step * Decimal(10) ** power for power in range(8) for step in STEPS]
    possible = [one for one in every if one <= highest_hz]
    return min(possible, key=lambda one: max(one / asked_hz, asked_hz / one))
