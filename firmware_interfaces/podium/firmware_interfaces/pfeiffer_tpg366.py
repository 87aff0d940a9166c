"""Pfeiffer TPG 366 MaxiGauge, six-channel gauge controller: its mnemonics protocol.

A mnemonic ends with CR or CR LF and is answered ACK CR LF or NAK CR LF; ENQ then fetches data.
After NAK the data is the error word. ENQ again fetches the data again. From power-on, until the
first character comes, it sends all pressures once a second without being asked.
Sources: communication protocols BG 5510 (TPG 361, 362; the 366 has the same mnemonics) and the
manual of the TPG 256 A; SOCS (simonsobs), which drives one on TCP port 8000.
"""

from dataclasses import dataclass
from enum import IntEnum

TCP_PORT = 8000
ACK, NAK, ENQ, ETX = b"\x06", b"\x15", b"\x05", b"\x03"
END = b"\r\n"
CHANNELS = 6
LINE_MAX = 80
"""Longest mnemonic with parameters. ASSUMED."""
CONTINUOUS_S = 1.0
"""Interval at which pressures are sent after power-on (COM,1)."""
PASCAL_PER_UNIT = {0: 100.0, 1: 133.322, 2: 1.0, 3: 133.322e-3, 4: 100.0, 5: 1.0}
"""UNI: 0 mbar, 1 Torr, 2 Pa, 3 micron, 4 hPa, 5 V (ASSUMED: not converted)."""
MBAR, PASCAL = 0, 2
ERROR_WORDS = {"": "0000", "parameter": "0010", "syntax": "0001", "hardware": "0100"}
"""ERR and the answer after NAK."""
COMBINED_GAUGE = "PKR"
"""TID of a combined Pirani and cold-cathode gauge."""
LOWEST_PA = {COMBINED_GAUGE: 5e-7, "IKR": 2e-7, "TPR": 5e-2, "PCR": 5e-2}
"""By gauge (TID): what "under range" is below, Pa. Data sheets: PKR 251 5e-9 hPa, IKR 251 2e-9 hPa,
TPR 280 5e-4 hPa; PCR 280 5e-5 hPa, here as a TPR's. ASSUMED: of all of a kind."""
NO_SENSOR = "noSEn"
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


def decode(line: bytes) -> Mnemonic:
    """Return the mnemonic in a line, in any case; raises :class:`SyntaxFault`."""
    text = line.decode("latin-1").strip().upper()
    word, *parameters = (part.strip() for part in text.split(","))
    if len(word) != 3 or not (word.isascii() and word.isalnum()):
        raise SyntaxFault(f"{text!r} does not begin with a mnemonic of three characters")
    return Mnemonic(word, tuple(parameters))


def encode(word: str, *parameters: object) -> bytes:
    """Return the line of a mnemonic."""
    return ",".join((word, *map(str, parameters))).encode("ascii") + END


def pressure_text(pressure: Pressure) -> str:
    """Write a reading as the box does: ``0,+1.2000E-06`` (BG 5510: sx.xxxxEsxx).

    The third and fourth decimal of a logarithmic gauge are 0.
    """
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
