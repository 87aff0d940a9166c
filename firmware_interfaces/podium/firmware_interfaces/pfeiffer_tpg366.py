"""Pfeiffer TPG 366 MaxiGauge, six-channel gauge controller: its mnemonics protocol.

A mnemonic ends with CR or CR LF and is answered ACK CR LF or NAK CR LF; ENQ then fetches data.
After NAK the data is the error word. ENQ again fetches the data again. From power-on, until the
first character comes, it sends all pressures once a second without being asked.
Sources: communication protocols BG 5511 (TPG 366, 2022-07, firmware 010300), as two public programs
transcribe it, and BG 5510 (TPG 361, 362); manuals of the TPG 261 (BG 5195, pages 67 to 79) and the
TPG 300 (BG 800 300, page 58), which have the same frames; SOCS (simonsobs), on TCP port 8000.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

TCP_PORT = 8000
ACK, NAK, ENQ, ETX = b"\x06", b"\x15", b"\x05", b"\x03"
END = b"\r\n"
CHANNELS = 6
LINE_MAX = 80
"""Longest mnemonic with parameters. ASSUMED."""
CONTINUOUS_S = {0: 0.1, 1: 1.0, 2: 60.0}
"""COM: intervals at which pressures are sent; from power-on as by COM,1."""
ONCE_A_SECOND = 1
PASCAL_PER_UNIT = {0: 100.0, 1: 133.322, 2: 1.0, 3: 133.322e-3, 4: 100.0}
"""UNI: 0 mbar, 1 Torr, 2 Pa, 3 micron, 4 hPa."""
VOLT = 5
"""UNI: a gauge's output, V, which is no pressure."""
HECTOPASCAL = 4
"""UNI, as delivered."""
MBAR, PASCAL = 0, 2
NO_ERROR = "0000"
ERRORS = ("controller", "hardware", "parameter", "syntax")
"""ERR and the answer after NAK: one digit for each, 1 if it has happened."""
FILTER_MAX, FILTER_MEDIUM = 3, 2
"""FIL: 0 off, 1 fast, 2 medium (default), 3 slow. ASSUMED: those of the TPG 36x, from memory; the
TPG 261 (page 77) has three, the TPG 300 (page 58) four."""
COMBINED_GAUGE = "PKR"
"""TID of a combined Pirani and cold-cathode gauge."""
LOWEST_PA = {COMBINED_GAUGE: 5e-7, "IKR": 2e-7, "TPR": 5e-2, "PCR": 5e-2}
"""By gauge (TID): what "under range" is below, Pa. Data sheets: PKR 251 5e-9 hPa, IKR 251 2e-9 hPa,
TPR 280 5e-4 hPa; PCR 280 5e-5 hPa, here as a TPR's. ASSUMED: of all of a kind."""
NO_SENSOR = "noSENSOR"
PRESSURE_LOW_MBAR, PRESSURE_HIGH_MBAR = 5e-9, 1e3
"""Range of a PKR gauge."""


class GaugeStatus(IntEnum):
    """First number of a pressure reading."""

    OK = 0
    UNDER_RANGE = 1
    OVER_RANGE = 2
    SENSOR_ERROR = 3
    SENSOR_OFF = 4
    NO_SENSOR = 5
    IDENTIFICATION_ERROR = 6


@dataclass(frozen=True, slots=True)
class Pressure:
    """One reading."""

    status: GaugeStatus
    value: float
    """In the unit that UNI says."""


@dataclass(frozen=True, slots=True)
class Mnemonic:
    """A line to the box."""

    word: str
    parameters: tuple[str, ...]


class SyntaxFault(ValueError):
    """A line is no mnemonic, or an answer no reading."""


def error_word(errors: Collection[str]) -> str:
    """Return the word in which some of :data:`ERRORS` stand."""
    return "".join(str(int(one in errors)) for one in ERRORS)


def gauge_volts(mbar: float) -> float:
    """Return the output of a combined gauge at a pressure, V.

    Data sheet of the PKR 251: p = 10^(1.667 U - 11.33) mbar.
    """
    return 0.6 * math.log10(mbar) + 6.8


def decode(line: bytes) -> Mnemonic:
    """Return the mnemonic in a line, in any case; raises :class:`SyntaxFault`.

    Spaces are ignored (BG 5195, page 67).
    """
    text = line.decode("latin-1").replace(" ", "").strip().upper()
    word, *parameters = text.split(",")
    if len(word) != 3 or not (word.isascii() and word.isalnum()):
        raise SyntaxFault(f"{text!r} does not begin with a mnemonic of three characters")
    return Mnemonic(word, tuple(parameters))


def encode(word: str, *parameters: object) -> bytes:
    """Return the line of a mnemonic."""
    return ",".join((word, *map(str, parameters))).encode("ascii") + END


def pressure_text(pressure: Pressure, logarithmic: bool = True) -> str:
    """Write a reading as the box does: ``0,+1.2000E-06`` (BG 5510: sx.xxxxEsxx).

    The third and fourth decimal of a logarithmic gauge are 0 (BG 5195, page 71).
    """
    if not logarithmic:
        return f"{int(pressure.status)},{pressure.value:+.4E}"
    mantissa, _, exponent = f"{pressure.value:+.2E}".partition("E")
    return f"{int(pressure.status)},{mantissa}00E{exponent}"


def pressures_of(answer: str) -> tuple[Pressure, ...]:
    """Return the readings in an answer; raises :class:`SyntaxFault`."""
    fields = answer.strip().split(",")
    if len(fields) % 2:
        raise SyntaxFault(f"{answer!r} is not status, pressure, ...")
    try:
        return tuple(
            Pressure(GaugeStatus(int(status)), float(value))
            for status, value in zip(fields[::2], fields[1::2], strict=True)
        )
    except ValueError as error:
        raise SyntaxFault(f"{answer!r} is not status, pressure, ...: {error}") from None
