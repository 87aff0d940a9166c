"""Describes how a controller is started at a time: by which trigger, and what that takes."""

from dataclasses import dataclass, replace

from podium.control.facility.connector_ref import ConnectorRef
from podium.control.timebase.start_setting import StartSetting
from podium.firmware_interfaces.exact_time import FS_PER_NS

SIGMAS = 10
"""Full width of a cable's delay, in its standard deviations: five to either side."""


@dataclass(frozen=True, slots=True)
class StartWiring:
    """One controller, and the output of a trigger plane that its trigger input is connected to."""

    controller: str
    plane: str
    """The instrument that raises the trigger and tells TAI."""
    output: str
    """Of the plane, e.g. ``LC-O1``."""
    address: int = 1
    """Of the controller's trigger network."""
    delay_ns: int = 0
    """The edge rises so long after T0: where the controller's input samples it safely."""
    offset_ns: int = 0
    """Whole ticks by which the program is held back: what takes out a skew."""
    late_fs: int = 0
    """The rest of the skew, below one tick."""
    start_after_fs: int = 0
    """The controller's record of its start lies so long after T0: delay, cable, latency and what
    its clock is off; the offset is no part of it. Measured with the skew, or expected."""
    begins_after_fs: int = 0
    """It begins so long after T0: delay, cable and latency, as the file and the manuals say. What
    its clock is off, which is in its record of the start, has no part in that."""
    filters_fs: int = 0
    """By so much all that begins together, on whichever controller, is held back for the slowest
    filters of flux lines; it is in addition to the offset."""
    resolution_fs: int = FS_PER_NS
    """Width of a bin of that record, sampling of the edge included."""
    grid_fs: int = 4 * FS_PER_NS
    """Period of the ticks on which it can start. A Qblox cluster's sequencers start on cycles of
    4 ns (q1simulator 1.3.4)."""
    holdoff_ns: int = 1_000_000
    """Another event within this raises nothing: a start is given once."""
    input: ConnectorRef | None = None
    """Its trigger input; None: it has one only."""

    @property
    def offset_fs(self) -> int:
        """By how much the program is held back in all."""
        return self.offset_ns * FS_PER_NS + self.late_fs

    def set_to(self, setting: StartSetting | None) -> "StartWiring":
        """Return the wiring as ``setting`` has it for a run; None: as it is."""
        if setting is None:
            return self
        later_fs = (setting.delay_ns - self.delay_ns) * FS_PER_NS
        expected_fs = self.start_after_fs + later_fs
        measured_fs, width_fs = setting.start_after_fs, setting.resolution_fs
        return replace(
            self,
            delay_ns=setting.delay_ns,
            offset_ns=setting.offset_ns,
            late_fs=setting.late_fs,
            start_after_fs=expected_fs if measured_fs is None else measured_fs,
            begins_after_fs=self.begins_after_fs + later_fs,
            resolution_fs=self.resolution_fs if width_fs is None else width_fs,
        )
