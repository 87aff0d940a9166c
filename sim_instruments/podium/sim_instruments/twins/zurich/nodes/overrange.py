"""The nodes that count overranges: of inputs and outputs that went beyond their full scale.

ASSUMED: as the node documentation has it of outputs, an input is looked at every 10 ms too, and
its node tells, as theirs, in how many of the last twenty looks it had been beyond its range.
A filter's node (``.../precompensation/fir/status``) tells 1 for 100 ms after it overflowed, then 2
until it is reset (node documentation).
"""

from collections import defaultdict
from typing import Final

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.twins.zurich.sequencer.image import Integers

LOOK_NS: Final = 10_000_000
LOOKS: Final = 20
"""200 ms."""
OVERFLOW_LOOKS: Final = 10
_RECENT, _PAST = 1, 2


class Overranges:
    """Those of all instruments behind a data server."""

    def __init__(self) -> None:
        self._looks: dict[tuple[str, str], set[int]] = defaultdict(set)
        """By device and node: looks that found it, counted from world time 0."""

    def note(self, device: str, node: str, origin_fs: int, at_ns: Integers) -> None:
        """Take note of when a connector was overdriven, in nanoseconds from ``origin_fs`` on."""
        looks = np.unique((at_ns + origin_fs // FS_PER_NS) // LOOK_NS + 1)
        self._looks[device, node] |= set(looks.tolist())

    def forget(self, device: str, below: str) -> None:
        """Forget what nodes below a path had counted."""
        for (name, node), looks in self._looks.items():
            if name == device and node.startswith(below):
                looks.clear()

    def counts(self, device: str, now_fs: int) -> dict[str, int]:
        """Return what the nodes of an instrument hold that was ever overdriven."""
        last = now_fs // FS_PER_NS // LOOK_NS
        found = {}
        for (name, node), looks in self._looks.items():
            if name != device:
                continue
            if node.endswith("/status"):
                come = [one for one in looks if one <= last]
                recent = bool(come) and max(come) > last - OVERFLOW_LOOKS
                found[node] = _RECENT if recent else _PAST if come else 0
                continue
            for old in [one for one in looks if one <= last - LOOKS]:
                looks.discard(old)
            found[node] = sum(1 for one in looks if one <= last)
        return found
