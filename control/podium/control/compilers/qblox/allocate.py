"""Allocates a sequencer to each frame."""

from collections import defaultdict
from dataclasses import dataclass

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.place import FrameTimeline, PlacedCapture
from podium.control.compilers.qblox.target import PortTarget, QbloxTarget
from podium.firmware_interfaces.qblox_cluster.limits import SEQUENCERS


@dataclass(frozen=True, slots=True, eq=False)
class SequencerAllocation:
    """A frame with its sequencer."""

    timeline: FrameTimeline
    port: PortTarget
    sequencer: int

    @property
    def captures(self) -> bool:
        """Return whether the sequencer captures."""
        return any(isinstance(item, PlacedCapture) for item in self.timeline.placed)

    @property
    def connector(self) -> str:
        """Its output, e.g. ``slot2.out0``."""
        return f"slot{self.port.slot}.{self.port.output}"


def allocate(
    frames: tuple[FrameTimeline, ...], target: QbloxTarget
) -> tuple[SequencerAllocation, ...]:
    """Give each frame that is heard a sequencer of its port's module, in the program's order.

    Raises :class:`DoesNotFit` for an unknown port, a module with too few sequencers, or a
    capture on a port that cannot listen.
    """
    taken: dict[int, list[str]] = defaultdict(list)
    allocated: list[SequencerAllocation] = []
    for timeline in frames:
        if not timeline.heard:
            continue
        frame = timeline.frame
        port = target.ports.get(frame.port)
        if port is None:
            raise DoesNotFit(
                f"{frame.name}: {target.cluster} serves no port {frame.port!r}; it serves "
                f"{', '.join(sorted(target.ports))}"
            )
        here = taken[port.slot]
        one = SequencerAllocation(timeline, port, _sequencer(port, len(here)))
        if one.captures and port.input is None:
            raise DoesNotFit(
                f"{frame.name}: captures on {frame.port!r}, whose {port.module} in slot "
                f"{port.slot} has no input; capture on a readout port"
            )
        if port.module == "QTM" and any(
            (other.port.slot, other.sequencer) == (port.slot, one.sequencer) for other in allocated
        ):
            raise DoesNotFit(
                f"{frame.name}: another frame captures on {frame.port!r}, whose channel has one "
                "sequencer; capture on one frame"
            )
        here.append(frame.name)
        if len(here) > SEQUENCERS:
            raise DoesNotFit(
                f"slot {port.slot} ({port.module}) has {SEQUENCERS} sequencers, one for each "
                f"frame; {len(here)} frames are played there: {', '.join(here)}"
            )
        allocated.append(one)
    if not allocated:
        raise DoesNotFit("the program plays and captures nothing; add a Play or a Capture")
    return tuple(allocated)


def _sequencer(port: PortTarget, taken: int) -> int:
    """Return the next sequencer of a module; of a QTM each channel has its own."""
    if port.module != "QTM" or port.input is None:
        return taken
    return int(port.input.removeprefix("io"))
