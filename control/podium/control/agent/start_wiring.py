"""How the controllers of an agent are started at a time: by which trigger, and what that takes."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from podium.control.agent.targets import QBLOX
from podium.control.agent.zurich_targets import ZURICH
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import Facility
from podium.control.facility.models_of import modules_of
from podium.control.facility.timing import TriggerWiring
from podium.control.timebase.start_setting import StartSetting
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.qblox_cluster.limits import (
    SYNC_NS,
    TRIGGER_INPUT_PERIOD_NS,
    TRIGGER_LATENCY_NS,
)
from podium.firmware_interfaces.zurich import limits as zurich

END_OF_WAIT_NS = 4
"""Of ``wait_trigger`` itself: the shortest that it can be told to take."""
FROM_EDGE_NS = TRIGGER_INPUT_PERIOD_NS // 2 + TRIGGER_LATENCY_NS + END_OF_WAIT_NS + SYNC_NS
"""From the edge at a cluster's trigger input to the release of its party line: half a sample on
the average, the trigger network, the end of the wait, the meeting of the sequencers."""
CLOCK_WINDOW_FS = 13 * FS_PER_NS
"""Within this, full width, the counter of a cluster lies around TAI before it is measured. ASSUMED:
4 ns for the lock of its 250 MHz to the 10 MHz, 4 ns for how its counter was set, and five sigma of
500 ps to either side from box to box."""
ORIGIN_WINDOW_FS = FS_PER_S
"""Within this, full width, the counter of an instrument that knows no time of day lies around TAI
before it is measured: it was told by whoever read both clocks over networks. ASSUMED."""
SYNTHESIZER_NS = 20
"""In whole steps of this the synthesizers of Zurich Instruments, multiples of 100 MHz, turn whole
turns, and sequencers whole cycles: phases are then the same in each run."""
SIGMAS = 10
"""Full width of a cable's delay, in its standard deviations: five to either side."""


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
    late_fs: int = 0
    """The rest of the skew, below one tick."""
    start_after_fs: int = 0
    """The controller's record of its start lies so long after T0: delay, cable, latency and what
    its clock is off; the offset is no part of it. Measured with the skew, or expected."""
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
        expected_fs = self.start_after_fs + (setting.delay_ns - self.delay_ns) * FS_PER_NS
        measured_fs, width_fs = setting.start_after_fs, setting.resolution_fs
        return replace(
            self,
            delay_ns=setting.delay_ns,
            offset_ns=setting.offset_ns,
            late_fs=setting.late_fs,
            start_after_fs=expected_fs if measured_fs is None else measured_fs,
            resolution_fs=self.resolution_fs if width_fs is None else width_fs,
        )


def wirings_of(facility: Facility, instruments: Collection[str]) -> tuple[StartWiring, ...]:
    """Return how those controllers among ``instruments`` are started that the facility's triggers
    name; a controller that no compiler serves is left out.

    What is expected of each start is as wide as what the file does not say of it: nothing was
    measured. Raises ValueError where the trigger node of a controller is not among them.
    """
    found = []
    for controller, trigger in facility.timing.triggers.items():
        if controller not in instruments:
            continue
        model = facility.instruments[controller].model
        if model not in (QBLOX, ZURICH):
            continue
        if trigger.output.instrument not in instruments:
            raise ValueError(
                f"{controller} is started by {trigger.output}, which another agent owns: one "
                f"agent has to own both; here are {', '.join(instruments)}"
            )
        if model == ZURICH:
            _check_first(facility, controller, trigger)
            found.append(_of_a_data_server(controller, trigger))
        else:
            found.append(_of_a_cluster(controller, trigger))
    return tuple(found)


def _of_a_cluster(controller: str, trigger: TriggerWiring) -> StartWiring:
    cable = trigger.delay
    width_fs = TRIGGER_INPUT_PERIOD_NS * FS_PER_NS + CLOCK_WINDOW_FS
    return StartWiring(
        controller,
        trigger.output.instrument,
        trigger.output.socket,
        start_after_fs=cable.value_fs + FROM_EDGE_NS * FS_PER_NS,
        resolution_fs=width_fs + round(SIGMAS * cable.sigma_fs),
    )


def _check_first(facility: Facility, server: str, trigger: TriggerWiring) -> None:
    """Raise ``ValueError`` where a data server's counter would be another instrument's."""
    devices = modules_of(facility.instruments[server]) or {}
    first = next(iter(devices), None)
    if trigger.input.slot != first:
        raise ValueError(
            f"timing > triggers > {server}: the trigger goes to {trigger.input}; the instrument "
            f"that it starts has to be the first under devices, which is dev{first}"
        )


def _of_a_data_server(controller: str, trigger: TriggerWiring) -> StartWiring:
    cable = trigger.delay
    # A PQSC samples as the others do. ASSUMED: it passes an edge on as fast as they begin.
    from_edge_ns = zurich.TRIGGER_INPUT_PERIOD_NS // 2 + zurich.TRIGGER_LATENCY_NS
    return StartWiring(
        controller,
        trigger.output.instrument,
        trigger.output.socket,
        start_after_fs=cable.value_fs + from_edge_ns * FS_PER_NS,
        resolution_fs=ORIGIN_WINDOW_FS + round(SIGMAS * cable.sigma_fs),
        grid_fs=SYNTHESIZER_NS * FS_PER_NS,
        input=trigger.input,
    )
