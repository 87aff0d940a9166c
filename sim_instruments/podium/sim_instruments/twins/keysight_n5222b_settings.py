"""Settings and traces of the twin of an N5222B, and what *RST makes of them."""

import re
from dataclasses import dataclass
from decimal import Decimal

from podium.firmware_interfaces import keysight_n5222b as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.parameters import Value

SETTLING_FS = 20 * FS_PER_S // 1_000_000
"""Before each point, beside the time of the filter. ASSUMED."""
MEASURED = re.compile(rf"S[1-{box.PORTS}][1-{box.PORTS}]")
RESET: dict[Command, Value] = {
    box.START: box.FREQUENCY_MIN_HZ,
    box.STOP: box.FREQUENCY_MAX_HZ,
    box.CW: Decimal("1E9"),
    box.BANDWIDTH: Decimal("100E3"),
    box.POINTS: 201,
    box.SWEEP_TYPE: "LIN",
    box.SWEEP_TIME: Decimal(0),
    box.SWEEP_TIME_AUTO: True,
    box.GROUP_COUNT: 1,
    box.AVERAGE: False,
    box.AVERAGE_COUNT: 1,
    box.POWER: Decimal(0),
    box.POWER_START: Decimal(-10),
    box.POWER_STOP: Decimal(0),
    box.OUTPUT: True,
    box.TRIGGER_SOURCE: "IMM",
    box.BYTE_ORDER: "NORM",
}
"""ASSUMED where QCoDeS does not tell."""
COUNTS = (box.POINTS, box.GROUP_COUNT, box.AVERAGE_COUNT)
"""Answered with a sign."""
STORED = (box.TRIGGER_SOURCE, box.BYTE_ORDER)


@dataclass(slots=True)
class Trace:
    """One curve of channel 1."""

    name: str
    measured: str
    format: str = "MLOG"
    delay_s: Decimal = Decimal(0)
