"""A run that an agent has loaded, and what goes over the bus of it."""

import numpy as np
import pytest

from podium.control.agent.hardware_run import HardwareRun, played_by
from podium.control.bus.messages import Played, RunId
from podium.control.bus.wire import decode
from podium.control.runs.messages import AtOnce
from podium.control.timebase.epochs import Epochs
from podium.drivers.roles import Acquired
from podium.firmware_interfaces.tai import Tai


@pytest.mark.parametrize(
    ("counts", "sent"),
    [
        (np.full((2, 3), 5), 5),
        (np.array(7), 7),
        (np.zeros((0, 3), np.int64), 0),
        (np.array([1, 1, 2]), None),
    ],
)
def test_counts_that_are_all_the_same_are_sent_as_one_number(counts, sent) -> None:
    zeros = np.zeros(counts.shape)
    hand = HardwareRun(RunId(1, 1), AtOnce())
    data = {"q0": Acquired(zeros, zeros, counts)}
    payload = played_by(hand, Tai(1, 0), Epochs(()), {}, data, {})
    found = decode(payload, Played).captures["q0"].counts
    if sent is None:
        np.testing.assert_array_equal(found, counts)
    else:
        assert found == sent
        assert type(found) is int
