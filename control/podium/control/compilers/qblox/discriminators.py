"""Derives a sequencer's one rotation and threshold from its captures' discriminators."""

from collections.abc import Sequence

from podium.control.compilers.errors import DoesNotFit
from podium.control.program.capture_counts import CaptureCount
from podium.control.program.conditions import Discriminator


def discriminator_of(frame: str, captures: Sequence[CaptureCount]) -> Discriminator | None:
    """Return the one discriminator of a frame's captures; None where they have none."""
    first: CaptureCount | None = None
    for one in captures:
        if one.discriminator is None:
            continue
        if first is not None and first.discriminator != one.discriminator:
            raise DoesNotFit(
                f"{frame}: captures {first.name!r} and {one.name!r} have different discriminators; "
                "a sequencer has one rotation and one threshold: make them equal, or put one on a "
                "frame of its own"
            )
        first = first or one
    return None if first is None else first.discriminator


def rotation_deg(discriminator: Discriminator) -> float:
    """Return the rotation as the controller takes it, 0 to 360 degrees."""
    return discriminator.rotation_turns % 1.0 * 360.0
