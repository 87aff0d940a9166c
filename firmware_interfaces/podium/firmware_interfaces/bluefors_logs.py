"""Log files of the Bluefors Control Software: a folder for each day, lines of commas.

Dates are ``DD-MM-YY``, in names ``YY-MM-DD``; lines end with CR LF. As release 2.2 has them: the
one before put a space before the date.

No manual is public. Sources: readers of others, with the columns that they name:
`qcodes_contrib_drivers` 0.24.1 (``BlueFors.py``), zackorenberg/bluefors_fridge_monitor
(``fileReader.py``), the agent of ``socs``, and published lines of a fridge of 2025.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

END = "\r\n"
NAME_WIDTH = 8
"""Of the name of a gauge, which is blank as a rule. ASSUMED: the width."""


class Gauge(IntEnum):
    """What a gauge of the MaxiGauge says of its reading."""

    OK = 0
    UNDER = 1
    OVER = 2
    ERROR = 3
    OFF = 4
    NO_SENSOR = 5
    IDENTIFICATION = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One line of one file."""

    path: str
    """Below the folder of all logs."""
    text: str
    """With its end."""


def _line(name: str, separator: str, at_s: int, fields: Sequence[str]) -> Line:
    """Return a line at a time, UTC in seconds since 1970."""
    at = datetime.fromtimestamp(at_s, UTC)
    day = f"{at:%y-%m-%d}"
    text = ",".join((f"{at:%d-%m-%y}", f"{at:%H:%M:%S}", *fields))
    return Line(f"{day}/{name}{separator}{day}.log", text + END)


def temperature_line(at_s: int, channel: int, temperature_k: float) -> Line:
    """Return a reading of a channel, K."""
    return _line(f"CH{channel} T", " ", at_s, (f"{temperature_k:.6e}",))


def flow_line(at_s: int, flow_mmol_s: float) -> Line:
    """Return a reading of the flow meter, mmol/s."""
    return _line("Flowmeter", " ", at_s, (f"{flow_mmol_s:.6f}",))


def pressure_line(at_s: int, pressures_mbar: Sequence[float | None]) -> Line:
    """Return a reading of all gauges, mbar; None: there is none."""
    fields: list[str] = []
    for number, pressure in enumerate(pressures_mbar, start=1):
        on = pressure is not None
        state = Gauge.OK if on else Gauge.NO_SENSOR
        shown = f"{0.0 if pressure is None else pressure:.2E}"
        fields += [f"CH{number}", " " * NAME_WIDTH, str(int(on)), shown, str(int(state)), "1"]
    return _line("maxigauge", " ", at_s, (*fields, ""))


def channels_line(at_s: int, switched: Mapping[str, bool]) -> Line:
    """Return what is on and open, by name in the software's order."""
    fields = [word for name, on in switched.items() for word in (name, str(int(on)))]
    return _line("Channels", " ", at_s, ("1", *fields))  # ASSUMED: what the first number is


def status_line(at_s: int, values: Mapping[str, float]) -> Line:
    """Return what compressor and turbo pump say, by key; readers go by keys, not by columns."""
    fields = [word for key, value in values.items() for word in (key, f"{value:.6e}")]
    return _line("Status", "_", at_s, fields)
