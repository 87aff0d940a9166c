"""Says for how long a two-qubit gate is waited for behind its pulse."""

from podium.firmware_interfaces.exact_time import FS_PER_NS

SETTLE_NS = 4
"""From the end of the flux pulse to what follows, at least. A pulse that arrives later than this,
on a line whose delay was not measured, ends while the next drive begins, softly; what a corrected
line has left then, a hundredth of the pulse, moves a qubit at its sweet spot by a ten thousandth of
what the pulse does. Each ns costs a gate a hundredth of its error. Phases are those behind this
wait."""
GRID_NS = 4
"""The gate's whole length is a multiple of this."""


def rest_fs(duration_fs: int) -> int:
    """Return the wait from the end of a gate's pulse to the end of its slot."""
    grid_fs = GRID_NS * FS_PER_NS
    whole_fs = -(-(duration_fs + SETTLE_NS * FS_PER_NS) // grid_fs) * grid_fs
    return whole_fs - duration_fs
