"""Oxford Mercury iPS, the power supply of a vector magnet: its nouns.

Sources: operator's manual UMC0071, issue 14, 10.3 (pages 108, 109 and 120 could be read); QCoDeS
0.58, ``oxford.MercuryiPS_VISA``, among that the supply's group is called ``PSU`` up to firmware 2.5
and ``SPSU`` from 2.6 on; public programs for the catalogue and the current limit; see
:mod:`.oxford_grammar`. Answers end with a newline.
"""

from dataclasses import dataclass
from enum import StrEnum

TCP_PORT = 7020
END = b"\n"
LINE_MAX = 1024
"""Bytes of a line with its end (10.3.1)."""
KEYWORD_MAX = 4
"""Letters of a keyword; a longer one is invalid (10.3.1). UIDs of boards are longer."""
SWITCH_S = 15.0
"""A persistent switch opens and closes so long after its heater is switched. ASSUMED: what is
waited for with an IPS 120."""
IDENTITY = ("OXFORD INSTRUMENTS", "MERCURY IPS")
FIRMWARES = ("2.5.09.000", "2.6.04.000")
GROUPS = {"2.5.09.000": "PSU", "2.6.04.000": "SPSU"}


class Action(StrEnum):
    """ACTN."""

    HOLD = "HOLD"
    TO_SETPOINT = "RTOS"
    TO_ZERO = "RTOZ"
    CLAMP = "CLMP"


@dataclass(frozen=True, slots=True)
class Axis:
    """One coil. ASSUMED values, as of a 6-1-1 T magnet."""

    name: str
    field_max_t: float
    amperes_per_tesla: float
    rate_max_t_per_min: float


AXES = {
    "GRPX": Axis("x", 1.0, 62.0, 0.4),
    "GRPY": Axis("y", 1.0, 60.0, 0.4),
    "GRPZ": Axis("z", 6.0, 14.5, 0.4),
}
THERMOMETERS = {
    "MB1.T1": "second_stage",
    "DB8.T1": "first_stage",
    "DB7.T1": "second_stage",
}
"""Board and sensor: stage of the fridge. A dry magnet hangs at the second stage. ASSUMED."""
