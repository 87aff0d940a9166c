"""Encodes what a fire has brought back."""

from collections.abc import Mapping

import numpy as np

from podium.control.agent.hardware_run import capture_data, time_of
from podium.control.bus.fire_data import FireData
from podium.control.bus.wire import encode
from podium.drivers.roles import Acquired
from podium.firmware_interfaces.tai import Tai


def fire_data(started: Tai, data: Mapping[str, Acquired]) -> bytes:
    """Return the data of a fire, by capture, as they go over the bus."""
    names = _alike(data)
    each = [data[name] for name in names]
    with_results = bool(each) and each[0].results is not None
    return encode(
        FireData(
            time_of(started),
            names,
            np.array([one.i for one in each]),
            np.array([one.q for one in each]),
            np.array([one.counts for one in each]),
            np.array([one.results for one in each], np.float64) if with_results else None,
            {name: capture_data(one) for name, one in data.items() if name not in names}
            if len(names) < len(data)
            else {},
        )
    )


def _alike(data: Mapping[str, Acquired]) -> tuple[str, ...]:
    """Return the captures that go together: they have a shape in common, and no trace."""
    bare = [
        (name, (one.i.shape, one.results is None))
        for name, one in data.items()
        if one.trace is None and not (one.out_of_range or one.clicks)
    ]
    return tuple([name for name, kind in bare if kind == bare[0][1]])
