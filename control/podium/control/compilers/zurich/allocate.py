"""Allocates frames to cores: each channel, or pair of HDAWG channels, has one sequencer."""

from collections import defaultdict
from dataclasses import dataclass

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.placing import PlacedFrame
from podium.control.compilers.zurich.settings import check_lo, synthesizer
from podium.control.compilers.zurich.target import (
    DriveChannel,
    FluxChannel,
    Model,
    ReadoutChannel,
    ZurichTarget,
)
from podium.firmware_interfaces.zurich.program import Core

CHANNELS: dict[Model, dict[Core, int]] = {
    "SHFSG8": {"sg": 8},
    "SHFSG4": {"sg": 4},
    "SHFQC": {"sg": 6, "qa": 1},
    "SHFQA4": {"qa": 4},
    "SHFQA2": {"qa": 2},
    "HDAWG8": {"hdawg": 8},
    "HDAWG4": {"hdawg": 4},
}


@dataclass(frozen=True, slots=True, eq=False)
class Allocated:
    """A core with its frames."""

    kind: Core
    index: int
    frames: tuple[tuple[PlacedFrame, DriveChannel | ReadoutChannel | FluxChannel], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of its frames."""
        return tuple(one.frame.name for one, _ in self.frames)


def allocate(
    frames: tuple[PlacedFrame, ...], target: ZurichTarget, *, alone: bool
) -> tuple[Allocated, ...]:
    """Return the cores in the order in which the program first names them.

    ``alone``: ports that the instrument does not serve are an error; otherwise they are played by
    others, that begin on the same trigger. Raises :class:`DoesNotFit`.
    """
    cores: dict[tuple[Core, int], list[tuple[PlacedFrame, object]]] = defaultdict(list)
    los: dict[tuple[Core, int], tuple[float, str]] = {}
    for frame in frames:
        name, port = frame.frame.name, target.ports.get(frame.frame.port)
        if port is None:
            if not alone:
                continue
            raise DoesNotFit(
                f"{name}: {target.instrument} serves no port {frame.frame.port!r}; it serves "
                f"{', '.join(sorted(target.ports))}"
            )
        kind, index = _core(port)
        channels = CHANNELS[target.model].get(kind, 0)
        if port.channel >= channels:
            raise DoesNotFit(
                f"{name}: {target.instrument} ({target.model}) has {channels} channels of the kind "
                f"{kind!r}, counted from 0; there is no channel {port.channel}"
            )
        if frame.frame.restarts and kind != "qa":
            raise DoesNotFit(
                f"{name}: carriers that restart with every pulse are for readout ports; "
                f"{frame.frame.port!r} is none: leave restarts out, or shift the phase"
            )
        if frame.windows and kind != "qa":
            raise DoesNotFit(
                f"{name}: captures on {frame.frame.port!r}, which is no input; capture on a "
                "readout port"
            )
        if not isinstance(port, FluxChannel):
            check_lo(frame.frame.port, port.lo_hz)
            source = index if kind == "qa" else synthesizer(target.model, index)
            known = los.setdefault((kind, source), (port.lo_hz, name))
            if known[0] != port.lo_hz:
                raise DoesNotFit(
                    f"{name}: local oscillator at {port.lo_hz:.12g} Hz, {known[1]} has "
                    f"{known[0]:.12g} Hz from the same synthesizer; two signal-generator channels "
                    "have one in common"
                )
        cores[kind, index].append((frame, port))
    if not cores:
        raise DoesNotFit("the program plays and captures nothing here; add a Play or a Capture")
    return tuple(
        Allocated(kind, index, tuple(these))  # type: ignore[arg-type]  # ports as they came in
        for (kind, index), these in cores.items()
    )


def _core(port: DriveChannel | ReadoutChannel | FluxChannel) -> tuple[Core, int]:
    match port:
        case DriveChannel(channel):
            return "sg", channel
        case ReadoutChannel(channel):
            return "qa", channel
        case FluxChannel(channel):
            return "hdawg", channel // 2
