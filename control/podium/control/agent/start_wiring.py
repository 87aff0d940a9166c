"""How the controllers of an agent are started at a time: by which trigger, and what that takes."""

from dataclasses import dataclass

from podium.firmware_interfaces.exact_time import FS_PER_NS


@dataclass(frozen=True, slots=True)
class StartWiring:
    """One controller, and the output of a trigger plane that its trigger input hangs on."""

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
    start_after_fs: int = 0
    """The controller's record of its start lies so long after T0: delay, cable, latency and what
    its clock is off. Measured; part of what a calibration of the skew gives."""
    resolution_fs: int = FS_PER_NS
    """Width of a bin of that record, sampling of the edge included."""
    grid_fs: int = 4 * FS_PER_NS
    """Period of the ticks on which it can start. A Qblox cluster's sequencers start on cycles of
    4 ns (q1simulator 1.3.4)."""
    holdoff_ns: int = 1_000_000
    """Another event within this raises nothing: a start is given once."""
