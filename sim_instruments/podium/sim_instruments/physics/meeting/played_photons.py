"""Keeps the windows in which links have carried photons, and tells what was absorbed of them."""

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.atom_maps import LEVELS
from podium.sim_instruments.physics.meeting.photon_channel import is_backward, photon_record
from podium.sim_instruments.physics.meeting.window_channel import SidebandPulse, WindowChannel
from podium.sim_instruments.physics.operating_point import QubitPoint

KEPT = 64
"""Windows of a link that are kept, of one run: settings of a scan."""
_Window = tuple[
    Link, tuple[QubitPoint, QubitPoint], tuple[SidebandPulse, SidebandPulse], int, tuple[int, int]
]


class PlayedPhotons:
    """Is the channel of windows, and keeps those in which one end sends and the other catches."""

    def __init__(self, channel: WindowChannel) -> None:
        self._channel = channel
        self._windows: dict[str, OrderedDict[tuple[int, ...], _Window]] = {}
        self._ended = False

    def __call__(
        self,
        link: Link,
        atoms: tuple[QubitPoint, QubitPoint],
        pulses: tuple[SidebandPulse, SidebandPulse],
        lag_fs: int,
        levels: tuple[int, int],
    ) -> NDArray[np.complex128]:
        """Return the superoperator of a window: see :class:`.window_channel.WindowChannel`."""
        silent = 0.0 in (pulses[0].duration_ns, pulses[1].duration_ns)
        backward = is_backward(link, pulses, lag_fs, levels)
        if not silent and link.station is None and levels[int(backward)] == LEVELS:
            if self._ended:
                self._windows, self._ended = {}, False
            # clocks jitter by picoseconds from shot to shot: one window of a nanosecond does
            key = (*(hash(one.samples.tobytes()) for one in pulses), lag_fs // FS_PER_NS)
            kept = self._windows.setdefault(link.name, OrderedDict())
            kept.setdefault(key, (link, atoms, pulses, lag_fs, levels))
            if len(kept) > KEPT:
                kept.popitem(last=False)
        return self._channel(link, atoms, pulses, lag_fs, levels)

    def begin(self) -> None:
        """Begin a run: as soon as it carries a photon, those of runs before are forgotten."""
        self._ended = True

    def absorption(self, link: str) -> float | None:
        """Return the best absorption of the latest run that carried photons; None: none did."""
        found = [photon_record(*one) for one in self._windows.get(link, {}).values()]
        known = [one.absorption for one in found if one is not None]
        return max(known, default=None)
