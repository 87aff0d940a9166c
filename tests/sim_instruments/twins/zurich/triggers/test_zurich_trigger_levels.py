"""When a program sees the level of a trigger input change."""

from dataclasses import dataclass, field

import pytest

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.zurich.latency import OUTPUT_SAMPLES, Output
from podium.firmware_interfaces.zurich.limits import TRIGGER_LATENCY_NS
from podium.sim_instruments.twins.zurich.runs.local_time import LocalTime
from podium.sim_instruments.twins.zurich.triggers.trigger_levels import LevelInput, LevelReading

US = 1_000 * FS_PER_NS
START_FS = 100 * US
OVER_ZSYNC = OUTPUT_SAMPLES[Output.SG_RF, True]
"""Samples from a PQSC's trigger to the first one at the connector."""


@dataclass
class Run:
    """Of a generator with 2 GSa/s; it notes what it expects."""

    start_fs: int = START_FS
    rate_hz: int = 2_000_000_000
    expected: list[tuple[int, int]] = field(default_factory=list)

    def time_fs(self, sample: int) -> int:
        return self.start_fs + sample * FS_PER_NS // 2

    def expect(self, at_fs: int, source: object, word: int) -> None:
        self.expected.append((at_fs, word))


class Cable:
    """High from 5 to 5.2 us behind the start."""

    def level(self, connector: str, now_fs: int) -> bool:
        return False

    def heard(self, connector: str, from_fs: int, until_fs: int) -> list[tuple[int, bool]]:
        edges = [(START_FS + 5 * US, True), (START_FS + 5 * US + 200 * FS_PER_NS, False)]
        return [one for one in edges if from_fs <= one[0] < until_fs]


@pytest.mark.parametrize("late", [0, OVER_ZSYNC])
def test_what_is_read_is_as_late_as_what_is_played(late: int) -> None:
    """By the clock of the connectors a level is read equally long behind its edge at any start."""
    run = Run()
    reading = LevelReading(Cable(), LocalTime(), [LevelInput("sg1_trigger", 8)], run, late)
    assert reading.hear(run, 40_000, START_FS + 100 * US)
    late_fs = late * FS_PER_NS // 2
    at_connectors_fs = [(at_fs - START_FS + late_fs, word) for at_fs, word in run.expected]
    assert at_connectors_fs == [
        ((5_000 + TRIGGER_LATENCY_NS) * FS_PER_NS, 8),
        ((5_200 + TRIGGER_LATENCY_NS) * FS_PER_NS, 0),
    ]
    waited_fs = reading.needs_fs(run, 40_000) - run.time_fs(40_000)
    assert waited_fs == late_fs + (1 - TRIGGER_LATENCY_NS) * FS_PER_NS
