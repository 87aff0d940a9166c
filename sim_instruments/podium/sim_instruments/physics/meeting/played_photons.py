"""Keeps the windows in which links have carried photons, and tells what became of these."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.links.lag_search import best_lag_fs
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.atom_maps import LEVELS
from podium.sim_instruments.physics.meeting.photon_channel import (
    caught_share,
    is_backward,
    photon_record,
)
from podium.sim_instruments.physics.meeting.window_channel import SidebandPulse, WindowChannel
from podium.sim_instruments.physics.operating_point import QubitPoint

KEPT = 64
"""Windows of a link that are kept, of one run: settings of a scan."""
REACH_FS = 16 * FS_PER_NS
"""A better lag than that of the best setting is looked for so far to both sides."""
LAG_FS = 50_000
"""To how much the best lag is found."""
_Window = tuple[
    Link, tuple[QubitPoint, QubitPoint], tuple[SidebandPulse, SidebandPulse], int, tuple[int, int]
]


@dataclass(frozen=True, slots=True)
class PlayedLags:
    """Instants of a link's photons, by times at which its nodes' instruments play.

    By right clocks: what is left of the skew of two starts is not in it.
    """

    delay_s: float
    """Of the photon: its flight, less by how much longer the second node's lines are."""
    best_lag_s: float
    """By how much later than the emission the catch begins when most is caught: in f or, fallen
    from it, in 1 when both pulses are over. What is absorbed best, 2 ns earlier in
    ``examples/linked``, is more of what arrives, and decays for longer."""


@dataclass(frozen=True, slots=True, eq=False)
class PlayedPhoton:
    """The photon of a setting of a run."""

    absorption: float
    window: _Window

    def lags(self) -> PlayedLags | None:
        """Return its instants, with the best lag; None where it went to the link's first end."""
        way, atoms, pulses, lag_fs, levels = self.window
        if is_backward(way, pulses, lag_fs, levels):
            return None

        def caught(at_fs: int) -> float:
            return caught_share(way, atoms, pulses, at_fs, levels)

        best_fs = best_lag_fs(caught, lag_fs - REACH_FS, lag_fs + REACH_FS, LAG_FS)
        lines_s = 1e-9 * (atoms[1].drive_delay_ns - atoms[0].drive_delay_ns)
        delay_s = 1e-15 * way.delay_fs - lines_s
        return PlayedLags(delay_s, delay_s + 1e-15 * best_fs)


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

    def best(self, link: str) -> PlayedPhoton | None:
        """Return the photon that was absorbed best in the latest run that carried any.

        None: none did.
        """
        windows = self._windows.get(link)
        found = [(photon_record(*one), one) for one in (windows or {}).values()]
        known = [
            PlayedPhoton(record.absorption, one) for record, one in found if record is not None
        ]
        return max(known, key=lambda one: one.absorption, default=None)
