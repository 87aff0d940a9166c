"""SRS SG384 RF signal generator: its commands and limits.

Source: QCoDeS 0.58 ``SG384`` for mnemonics and ranges; the manual's list of errors (LERR?), as
three public drivers transcribe it. Flat mnemonics over TCP, messages end with a newline, replies
with carriage return and newline.
"""

from decimal import Decimal

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.parameters import Real, Value, Whole
from podium.firmware_interfaces.ieee4882.responses import nr3

TCP_PORT = 5025
VENDOR = "Stanford Research Systems"
MODEL = "SG384"
TERMINATOR = b"\r\n"
FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ = Decimal("9.5E5"), Decimal("4.05E9")
"""At the type N connector."""
POWER_MIN_DBM, POWER_MAX_DBM = Decimal("-110"), Decimal("16.5")


def _real(header: str, unit: str, low: str, high: str, step: str) -> Command:
    kind = Real(unit, Decimal(low), Decimal(high), Decimal(step), style=nr3, words=False)
    return Command(header, (kind,), ())


def _whole(header: str, highest: int) -> Command:
    return Command(header, (Whole(0, highest, words=False),), ())


N_CONNECTOR_MIN_HZ = 950e3
"""Lower tones leave by the BNC connector alone."""
FREQUENCY = _real("FREQ", "HZ", "0", "4.05E9", "1E-6")
POWER = _real("AMPR", "DBM", "-110", "16.5", "0.01")
OUTPUT = _whole("ENBR", 1)
ERROR = Command("LERR", asks=())
STORED: dict[Command, Value] = {
    # ASSUMED: what *RST makes of each
    FREQUENCY: Decimal("1E7"),
    POWER: Decimal(0),
    OUTPUT: 1,
    _real("PHAS", "DEG", "-360", "360", "0.1"): Decimal(0),
    _real("AMPL", "DBM", "-47", "13", "0.01"): Decimal(0),
    _real("AMPH", "DBM", "-10", "13", "0.01"): Decimal(0),
    _real("AMPC", "V", "0.4", "1", "0.01"): Decimal("0.4"),
    _whole("NOIS", 1): 0,
    _whole("ENBL", 1): 1,
    _whole("ENBH", 1): 0,
    _whole("ENBC", 1): 0,
    _real("OFSC", "V", "-2", "2", "0.01"): Decimal(0),
    _real("OFSD", "V", "-10", "10", "0.01"): Decimal(0),
    _real("OFSL", "V", "-1.5", "1.5", "0.01"): Decimal(0),
    _whole("COUP", 1): 1,
    _real("FDEV", "HZ", "0.1", "32E6", "0.1"): Decimal(1000),
    _whole("MFNC", 5): 0,
    _whole("MODL", 1): 0,
    _real("RATE", "HZ", "1E-6", "5E4", "1E-6"): Decimal(1000),
    _whole("TYPE", 6): 1,
}
"""Commands whose setting is kept and read back."""

NO_ERROR = 0
ILLEGAL_COMMAND, UNDEFINED_COMMAND, ILLEGAL_QUERY, ILLEGAL_SET = 110, 111, 112, 113
ERRORS = {
    -222: 10,  # illegal value
    -224: 10,
    -221: 12,  # not allowed
    -108: 115,  # extra parameters
    -109: 116,  # missing parameters
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
