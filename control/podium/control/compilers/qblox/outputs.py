"""Checks that frames sharing an output add up to no more than its full scale."""

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import exclusive
from podium.control.compilers.points import describe, where_first
from podium.control.compilers.qblox.place import FrameTimeline, PlacedPlay
from podium.control.program.program import Axis

TOLERANCE = 1e-9


def check_sum(output: str, frames: list[FrameTimeline], axes: tuple[Axis, ...]) -> None:
    """Raise :class:`DoesNotFit` where pulses on ``output`` could add up to more than 1.

    Amplitudes are added whatever their phases: carriers differ and drift past each other.
    """
    plays = [
        (timeline.frame.name, item)
        for timeline in frames
        for item in timeline.placed
        if isinstance(item, PlacedPlay)
    ]
    if len({name for name, _ in plays}) < 2:
        return
    for _, first in plays:
        total = np.zeros((1,) * len(axes))
        names: dict[str, None] = {}
        for name, play in plays:
            if exclusive(first.guard, play.guard):
                continue
            sounds = (play.start_ns <= first.start_ns) & (
                first.start_ns < play.start_ns + play.duration_ns
            )
            if sounds.any():
                total = total + np.where(sounds, np.abs(play.amplitude), 0.0)
                names[name] = None
        if (over := total > 1 + TOLERANCE).any():
            index = where_first(over, axes)
            raise DoesNotFit(
                f"{output}: {', '.join(names)} add up to {total[index]:.6g} of full scale at "
                f"{int(np.broadcast_to(first.start_ns, total.shape)[index])} ns of the shot "
                f"({describe(index, over.shape, axes)}), at most 1; scale amplitudes by "
                f"{1 / total[index]:.4g} and lower the output attenuation, or play at "
                "different times"
            )
