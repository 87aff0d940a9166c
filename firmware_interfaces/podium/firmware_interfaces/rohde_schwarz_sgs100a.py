"""Rohde & Schwarz SGS100A SGMA RF source: its commands and limits.

Sources: QCoDeS 0.59 ``RohdeSchwarzSGS100A`` for the headers and words, and its notebook for how
a real one with firmware 3.1.19.7 answers; data sheet for the ranges of an instrument with
SGS-B112V (I/Q, 12.75 GHz); for preset, error queue, lock, formats and the fast level the manuals
of its family, as far as others publish them: SGU100A, 1176.7726.02, pages 149, 157 and 185, and
SGT100A, 1176.8674.02, pages 310, 318, 531 and 543. ASSUMED: that it does there as they do.
SCPI over TCP, messages end with a newline.
"""

from decimal import Decimal

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.parameters import (
    Choice,
    Extreme,
    Real,
    Switch,
    Value,
    Whole,
)
from podium.firmware_interfaces.ieee4882.responses import plain

TCP_PORT = 5025
VENDOR = "Rohde&Schwarz"
MODEL = "SGS100A"
MATERIAL = "1416.0505k02"
"""Stands before the serial number in the answer to *IDN?."""
OPTIONS = "SGS-B112V,SGS-B26,SGS-K22,SGS-K90"  # ASSUMED: what is fitted, and the order

FREQUENCY_MIN_HZ = Decimal("1E6")
FREQUENCY_MAX_HZ = Decimal("12.75E9")
MODULATED_MIN_HZ = Decimal("80E6")  # data sheet: vector modulation from 80 MHz
FREQUENCY_STEP_HZ = Decimal("0.001")
POWER_MIN_DBM = Decimal("-120")  # with the step attenuator SGS-B26
POWER_MAX_DBM = Decimal("25")
POWER_STEP_DB = Decimal("0.01")

_EXTREME = (Extreme(),)


def _real(header: str, unit: str, low: str, high: str, step: str, default: str) -> Command:
    kind = Real(unit, Decimal(low), Decimal(high), Decimal(step), Decimal(default), plain)
    return Command(header, (kind,), _EXTREME, asks_optional=1)


def _choice(header: str, *words: str) -> Command:
    return Command(header, (Choice(words),), ())


def _switch(header: str) -> Command:
    return Command(header, (Switch(),), ())


FREQUENCY = Command(
    "[:SOURce]:FREQuency[:CW|:FIXed]",
    (Real("HZ", FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ, FREQUENCY_STEP_HZ, Decimal("1E9"), plain),),
    _EXTREME,
    asks_optional=1,
)
POWER = Command(
    "[:SOURce]:POWer[:LEVel][:IMMediate][:AMPLitude]",
    (Real("DBM", POWER_MIN_DBM, POWER_MAX_DBM, POWER_STEP_DB, Decimal(-30), plain),),
    _EXTREME,
    asks_optional=1,
)
OUTPUT = _switch(":OUTPut[:STATe]")
IQ = _switch("[:SOURce]:IQ:STATe")

ERROR = Command(":SYSTem:ERRor[:NEXT]", asks=())
ERRORS = Command(":SYSTem:ERRor:ALL", asks=())
ERROR_COUNT = Command(":SYSTem:ERRor:COUNt", asks=())
ERROR_CODE = Command(":SYSTem:ERRor:CODE[:NEXT]", asks=())
ERROR_CODES = Command(":SYSTem:ERRor:CODE:ALL", asks=())
PRESET = Command(":SYSTem:PRESet", ())
PEAK_POWER = Command("[:SOURce]:POWer:PEP", asks=())
FAST_POWER = Command(
    ":PFASt", (Real("", POWER_MIN_DBM, POWER_MAX_DBM, POWER_STEP_DB, words=False),)
)
LOCK_ID_MAX = (1 << 31) - 1  # ASSUMED
LOCK = Command(":LOCK", asks=(Whole(0, LOCK_ID_MAX, words=False),))
UNLOCK = Command(":UNLock", (Whole(0, LOCK_ID_MAX, words=False),))

_REFERENCES = ("10MHZ", "100MHZ", "1000MHZ")
_SOURCES = ("INTernal", "EXTernal")

REFERENCE = _choice("[:SOURce]:ROSCillator:SOURce", *_SOURCES)

STORED: dict[Command, Value] = {
    # ASSUMED: the limits of the I/Q impairments and all *RST values, where not said otherwise
    _real("[:SOURce]:PHASe", "DEG", "-36000", "36000", "0.01", "0"): Decimal(0),
    _switch("[:SOURce]:IQ:IMPairment[:STATe]"): False,
    _real("[:SOURce]:IQ:IMPairment:LEAKage:I", "PCT", "-10", "10", "0.01", "0"): Decimal(0),
    _real("[:SOURce]:IQ:IMPairment:LEAKage:Q", "PCT", "-10", "10", "0.01", "0"): Decimal(0),
    _real("[:SOURce]:IQ:IMPairment:IQRatio[:MAGNitude]", "DB", "-1", "1", "0.001", "0"): Decimal(0),
    _real("[:SOURce]:IQ:IMPairment:QUADrature[:ANGLe]", "DEG", "-8", "8", "0.01", "0"): Decimal(0),
    _switch("[:SOURce]:PULM:STATe"): False,
    _choice("[:SOURce]:PULM:SOURce", *_SOURCES): "INT",
    _choice("[:SOURce]:PULM:MODE", "SINGle", "DOUBle"): "SING",
    _choice("[:SOURce]:PULM:POLarity", "NORMal", "INVerted"): "NORM",
    _real("[:SOURce]:PULM:PERiod", "S", "100E-9", "100", "5E-9", "10E-6"): Decimal("10E-6"),
    _real("[:SOURce]:PULM:WIDTh", "S", "20E-9", "100", "5E-9", "2E-6"): Decimal("2E-6"),
    _real("[:SOURce]:PULM:DELay", "S", "0", "100", "5E-9", "1E-6"): Decimal("1E-6"),
    _real("[:SOURce]:PULM:DOUBle:DELay", "S", "40E-9", "100", "5E-9", "3E-6"): Decimal("3E-6"),
    _real("[:SOURce]:PULM:DOUBle:WIDTh", "S", "20E-9", "100", "5E-9", "2E-6"): Decimal("2E-6"),
    _choice("[:SOURce]:PULM:TRIGger:MODE", "AUTO", "EXTernal", "EGATe"): "AUTO",
    _choice("[:SOURce]:PULM:TRIGger:EXTernal:GATE:POLarity", "NORMal", "INVerted"): "NORM",
    _choice("[:SOURce]:PULM:TRIGger:EXTernal:IMPedance", "G50", "G10K"): "G10K",
    _choice("[:SOURce]:PULM:TRIGger:EXTernal:SLOPe", "NEGative", "POSitive"): "POS",
    _choice("[:SOURce]:ROSCillator:OUTPut:FREQuency", *_REFERENCES): "10MHZ",
    _choice("[:SOURce]:ROSCillator:EXTernal:FREQuency", *_REFERENCES): "10MHZ",
    _choice("[:SOURce]:LOSCillator:SOURce", *_SOURCES): "INT",
    _choice("[:SOURce]:OPMode", "NORMal", "BBBYpass"): "NORM",
    _choice(":FORMat:BORDer", "NORMal", "SWAPped"): "NORM",
    _choice(":FORMat[:DATA]", "ASCii", "PACKed"): "ASC",
    _choice(":CONNector:REFLo:OUTPut", "REF", "LO", "OFF"): "REF",
    _choice(
        ":CONNector:TRIGger:OMODe", "SVALid", "SNVALid", "PVOut", "PETrigger", "PEMSource"
    ): "SVAL",
}
"""Commands whose setting is kept and read back, with what *RST makes of each."""
