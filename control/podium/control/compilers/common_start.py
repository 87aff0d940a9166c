"""Holds programs for controllers of several families that share one trigger.

Both count from the controller's own start: when its sequencers go on, all together. By how much the
starts of two controllers differ is their skew, which markers tell, and pulses then have the same.
"""

from podium.firmware_interfaces.exact_time import FS_PER_NS

FIRST_SHOT_FS = 4_004 * FS_PER_NS
"""From the start to the first shot, settling and offset left out."""
FIRST_MARKER_FS = 2_000 * FS_PER_NS
"""From the start to the first marker of a loopback, offset left out."""
