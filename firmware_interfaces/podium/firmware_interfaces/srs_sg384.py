"""SRS SG384 RF signal generator: its commands and limits.

Sources: QCoDeS 0.58 ``SG384`` for mnemonics and ranges; the programming chapter of the manual as
four public programs transcribe it (a .NET client of all its commands; pyHegel, with the limits at
which a real one stopped; a program for diamonds with all error codes; a qudi module, checked
against a real one with firmware 1.21.26: how it answers, its queue of 20 errors, what I/Q
modulation wants). Flat mnemonics over TCP, messages end with a newline, replies with carriage
return and newline.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import log10, sqrt

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Real, Value
from podium.firmware_interfaces.ieee4882.program_message import Number, Parameter, Word
from podium.firmware_interfaces.ieee4882.responses import plain

TCP_PORT = 5025
VENDOR = "Stanford Research Systems"
MODEL = "SG384"
TERMINATOR = b"\r\n"
ERRORS_MAX = 20
"""Errors that it keeps, by its manual."""
FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ = Decimal("9.5E5"), Decimal("4.05E9")
"""At the type N connector."""
POWER_MIN_DBM, POWER_MAX_DBM = Decimal("-110"), Decimal("16.5")
BNC_MAX_HZ = Decimal("62.5E6")
"""At the BNC connector."""
DOUBLER_MAX_HZ = Decimal("8.1E9")
"""At the connector of the doubler (option 2), which begins where type N ends."""
IQ_MIN_HZ = Decimal("400E6")
"""I/Q modulation (option 3) wants a carrier above."""
IQ_POWER_MAX_DBM = Decimal(10)
"""With I/Q modulation, so that the output amplifier does not compress."""
IQ_SUPPRESSION_DB = 40.0
"""By so much the carrier is weaker without a signal at the I/Q inputs; by its manual at least."""
FITTED = {1: 1, 2: 1, 3: 1, 4: 0}
"""Options: clock outputs, doubler, I/Q inputs, rubidium. ASSUMED: which are fitted."""
LOAD_OHM = 50.0
MILLIWATT = 1e-3
_CREST = 2 * sqrt(2)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number without unit; a fraction is none. ASSUMED: no rounding."""

    minimum: int
    maximum: int

    def take(self, parameter: Parameter) -> int:
        """Take a number; raises :class:`ScpiError` for another thing and for what is too large."""
        if not isinstance(parameter, Number) or parameter.value % 1:
            raise ScpiError(-120, "a whole number is wanted")
        if parameter.suffix:
            raise ScpiError(-138, parameter.suffix)
        if not self.minimum <= parameter.value <= self.maximum:
            raise ScpiError(-222, f"{parameter.value}")
        return int(parameter.value)

    def answer(self, value: Value) -> str:
        """Write the number."""
        return f"{value:d}"


@dataclass(frozen=True, slots=True)
class Level:
    """An amplitude in dBm, or behind its number in ``rms`` or ``Vpp``, into 50 ohm."""

    minimum: Decimal
    maximum: Decimal

    def take(self, parameter: Parameter) -> Decimal:
        """Take a number with or without its unit; return dBm in steps of 0.01."""
        if not isinstance(parameter, Number):
            raise ScpiError(-128, "a number is wanted")
        match parameter.suffix:
            case "" | "DBM":
                dbm = parameter.value
            case "RMS" | "VPP":
                volts = float(parameter.value) / (_CREST if parameter.suffix == "VPP" else 1.0)
                if volts <= 0:
                    raise ScpiError(-222, "no power")
                dbm = Decimal(10 * log10(volts**2 / LOAD_OHM / MILLIWATT))
            case _:
                raise ScpiError(-131, parameter.suffix)
        if not self.minimum - 1 <= dbm <= self.maximum + 1:
            raise ScpiError(-222, f"{dbm} dBm")
        dbm = dbm.quantize(_CENT, ROUND_HALF_UP)
        if not self.minimum <= dbm <= self.maximum:
            raise ScpiError(-222, f"{dbm} dBm")
        return dbm

    def answer(self, value: Value, unit: str = "DBM") -> str:
        """Write it in a unit. ASSUMED: volts to a millivolt."""
        if not isinstance(value, Decimal):
            raise TypeError(f"{value!r} is no amplitude")
        if unit == "DBM":
            return plain(value)
        volts = sqrt(10 ** (float(value) / 10) * MILLIWATT * LOAD_OHM)
        return f"{volts * (_CREST if unit == 'VPP' else 1.0):.3f}"


@dataclass(frozen=True, slots=True)
class LevelUnit:
    """A unit of amplitudes behind a question mark."""

    def take(self, parameter: Parameter) -> str:
        """Take DBM, RMS or VPP; raises :class:`ScpiError` for another."""
        if isinstance(parameter, Word) and parameter.text in ("DBM", "RMS", "VPP"):
            return parameter.text
        raise ScpiError(-131, "a unit of amplitudes is wanted")

    def answer(self, value: Value) -> str:
        """Write it."""
        return str(value)


def _real(header: str, unit: str, low: str, high: str, step: str) -> Command:
    kind = Real(unit, Decimal(low), Decimal(high), Decimal(step), style=plain, words=False)
    return Command(header, (kind,), ())


def _level(header: str, low: Decimal, high: Decimal) -> Command:
    return Command(header, (Level(low, high),), (LevelUnit(),), asks_optional=1)


def _whole(header: str, highest: int, lowest: int = 0) -> Command:
    return Command(header, (Integer(lowest, highest),), ())


FREQUENCY = _real("FREQ", "HZ", "0", "8.1E9", "1E-6")
POWER = _level("AMPR", POWER_MIN_DBM, POWER_MAX_DBM)
BNC_POWER = _level("AMPL", Decimal(-47), Decimal("14.96"))  # where a real one stopped
DOUBLER_POWER = _level("AMPH", Decimal(-10), POWER_MAX_DBM)
BNC, OUTPUT, DOUBLER = _whole("ENBL", 1), _whole("ENBR", 1), _whole("ENBH", 1)
MODULATION, MODULATION_TYPE = _whole("MODL", 1), _whole("TYPE", 6)
IQ_FUNCTION = _whole("QFNC", 5, 4)
IQ, EXTERNAL = 6, 5
"""Values of TYPE and of QFNC."""
PHASE = _real("PHAS", "DEG", "-360", "360", "0.1")
RELATIVE_PHASE = Command("RPHS", ())
ERROR = Command("LERR", asks=())
OPTION = Command("OPTN", asks=(Integer(1, 4),))
STORED: dict[Command, Value] = {
    # ASSUMED: what *RST makes of each, but the frequency: 10 MHz, by the qudi module
    FREQUENCY: Decimal("1E7"),
    POWER: Decimal(0),
    BNC_POWER: Decimal(0),
    DOUBLER_POWER: Decimal(0),
    OUTPUT: 1,
    BNC: 1,
    DOUBLER: 0,
    PHASE: Decimal(0),
    _real("AMPC", "V", "0.4", "1", "0.01"): Decimal("0.4"),
    _whole("NOIS", 1): 0,
    _whole("ENBC", 1): 0,
    _real("OFSC", "V", "-2", "2", "0.01"): Decimal(0),
    _real("OFSD", "V", "-10", "10", "0.01"): Decimal(0),
    _real("OFSL", "V", "-1.5", "1.5", "0.01"): Decimal(0),
    _whole("COUP", 1): 1,
    _real("FDEV", "HZ", "0.1", "32E6", "0.1"): Decimal(1000),
    _real("ADEP", "", "0", "100", "0.1"): Decimal(100),
    _whole("MFNC", 5): 0,
    _whole("PFNC", 5, 3): 3,
    IQ_FUNCTION: EXTERNAL,
    _whole("DISP", 12): 2,
    MODULATION: 0,
    _real("RATE", "HZ", "1E-6", "5E4", "1E-6"): Decimal(1000),
    MODULATION_TYPE: 1,
}
"""Commands whose setting is kept and read back."""
CONNECTORS = {
    BNC: (Decimal(0), BNC_MAX_HZ),
    OUTPUT: (FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ),
    DOUBLER: (FREQUENCY_MAX_HZ, DOUBLER_MAX_HZ),
}
"""By switch: frequencies at which its connector has a signal; beyond them it reads 0."""

NO_ERROR = 0
ILLEGAL_COMMAND, UNDEFINED_COMMAND, ILLEGAL_QUERY, ILLEGAL_SET = 110, 111, 112, 113
ERRORS = {
    -222: 10,  # illegal value
    -224: 10,
    -221: 12,  # not allowed
    -108: 115,  # extra parameters
    -109: 116,  # missing parameters
    -120: 120,  # invalid integer
    -102: 126,  # syntax error
    -131: 127,  # illegal units
    -138: 127,
    -350: 254,  # too many errors
}
"""LERR?: numbers of the manual's "Error Codes", by those of IEEE 488.2 and SCPI."""
INVALID_NUMBER = 118
WRONG_TYPES = (-121, -128, -141, -148, -151, -158, -161, -168, -171, -178)
"""Something else where a number is due."""
COMMAND_LETTERS = 4
"""Of a command's name: another length is no command at all, 110."""
