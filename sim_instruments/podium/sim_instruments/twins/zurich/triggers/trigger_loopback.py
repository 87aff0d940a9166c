"""Markers of an analyser that test themselves, looped back to its trigger inputs inside of it.

The vendor documents none of these nodes. ASSUMED, all of it, from what the published examples of
zhinst-toolkit set (``shfqc_helper.py``): ``raw/markers/K/testsource`` 1 has a marker rise
``frequency`` times a second, 2 keeps it low, 0 leaves it to its own source; with
``raw/triggers/K/loopback`` trigger input K hears marker K instead of its connector. Inputs are
numbered as ``auxtriggers/0/channel`` numbers them, channel by channel, A and B.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.zurich.values import Value
from podium.sim_instruments.twins.zurich.triggers.trigger_routing import first_at

_NODE: Final = re.compile(r"raw/(?:markers/(\d+)/(?:testsource|frequency)|triggers/(\d+)/loopback)")
_CONTINUOUS: Final = 1
"""Value of ``testsource``."""
_GRID_FS: Final = 4 * FS_PER_NS
"""Of the sequencers. ASSUMED: the edges lie on it."""
_ENDLESS: Final = 1 << 60
"""Edges, which nobody lives to see."""
_AT_ONCE: Final = 100_000
"""Edges that sequencers hear of at one look."""

Key = tuple[str, int]
"""An instrument, and the number of a trigger input."""


class TriggerLoopbacks:
    """Of all instruments of a data server; times are those of their clock."""

    def __init__(self) -> None:
        self._edges: dict[Key, range] = {}
        """Those that sequencers have not heard."""
        self._settings: dict[str, Callable[[str], Value]] = {}

    def attached(self, device: str, setting: Callable[[str], Value]) -> None:
        """Hear of an instrument: how its nodes are read."""
        self._settings[device] = setting

    def written(self, device: str, path: str, now_fs: int) -> tuple[int, range] | None:
        """Hear that a node was set: return which input hears what from now on; None: it changes
        nothing."""
        found = _NODE.fullmatch(path)
        if found is None:
            return None
        number = int(found[1] or found[2])
        self._edges.pop((device, number), None)
        edges = self._sent(device, number, now_fs)
        if edges:
            self._edges[device, number] = edges
        return number, edges

    def due(self, now_fs: int) -> Iterator[tuple[str, int, range]]:
        """Yield which inputs have heard what since this was asked last."""
        for (device, number), edges in list(self._edges.items()):
            count = min(bisect_right(edges, now_fs), _AT_ONCE)
            come, self._edges[device, number] = edges[:count], edges[count:]
            if come:
                yield device, number, come

    def skip(self, device: str, number: int, now_fs: int) -> None:
        """Forget what nobody has listened to."""
        edges = self._edges[device, number]
        self._edges[device, number] = edges[bisect_right(edges, now_fs) :]

    def _sent(self, device: str, number: int, now_fs: int) -> range:
        setting = self._settings[device]
        on = setting(f"raw/triggers/{number}/loopback") == 1
        hz = float(str(setting(f"raw/markers/{number}/frequency")))
        if not on or setting(f"raw/markers/{number}/testsource") != _CONTINUOUS or hz <= 0:
            return range(0)
        step_fs = max(1, round(FS_PER_S / hz / _GRID_FS)) * _GRID_FS
        first_fs = first_at(now_fs)
        return range(first_fs, first_fs + _ENDLESS * step_fs, step_fs)
