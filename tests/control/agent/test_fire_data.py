from typing import Any

import numpy as np
import pytest

from podium.control.agent.fire_data import fire_data
from podium.control.bus.fire_data import FireData
from podium.control.bus.messages import Time
from podium.control.bus.wire import decode
from podium.drivers.roles import Acquired
from podium.firmware_interfaces.tai import Tai

TRACE = np.array([1 + 2j, 3 - 4j])


def acquired(value: float, shape: tuple[int, ...], **more: Any) -> Acquired:
    values = np.full(shape, value)
    return Acquired(values, np.full(shape, -value), np.full(shape, 5), **more)


@pytest.mark.parametrize(
    ("data", "together"),
    [
        ({}, ()),
        ({"q0": acquired(1.0, ())}, ("q0",)),
        ({"q0": acquired(1.0, (2, 3)), "q1": acquired(2.0, (2, 3))}, ("q0", "q1")),
        (
            {"q0": acquired(1.0, (2,)), "q1": acquired(2.0, (3,)), "q2": acquired(3.0, (2,))},
            ("q0", "q2"),
        ),
        ({"q0": acquired(1.0, (2,), results=np.ones(2)), "q1": acquired(2.0, (2,))}, ("q0",)),
        ({"q0": acquired(1.0, (), trace=TRACE), "q1": acquired(2.0, ())}, ("q1",)),
        ({"q0": acquired(1.0, (), trace=TRACE, out_of_range=True)}, ()),
        ({"t": acquired(1.0, (2,), clicks=True), "q1": acquired(2.0, (2,))}, ("q1",)),
    ],
)
def test_what_an_instrument_has_brought_back_arrives_as_it_was(
    data: dict[str, Acquired], together: tuple[str, ...]
) -> None:
    told = decode(fire_data(Tai(17, 4), data), FireData)
    assert (told.started, told.names) == (Time(17, 4), together)
    assert told.captures.keys() == data.keys()
    for name, one in data.items():
        back = told.captures[name]
        assert (back.out_of_range, back.clicks) == (one.out_of_range, one.clicks)
        for field in ("i", "q", "counts", "results"):
            here, there = getattr(back, field), getattr(one, field)
            assert (here is None) == (there is None)
            if isinstance(here, int):
                assert field == "counts"
                np.testing.assert_array_equal(there, here)
            elif there is not None:
                assert (here.dtype, here.shape) == (there.dtype, there.shape)
                np.testing.assert_array_equal(here, there)
        assert (back.trace_i is None, back.trace_q is None) == (one.trace is None,) * 2
        if back.trace_i is not None and back.trace_q is not None:
            np.testing.assert_array_equal(back.trace_i + 1j * back.trace_q, one.trace)
