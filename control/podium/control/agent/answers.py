"""What an agent answers of a run: what was rounded, and what was measured."""

import json
from collections.abc import Mapping

from podium.control.bus.messages import CaptureData
from podium.control.compilers.artifact import Artifact
from podium.drivers.roles import Acquired


def quantised(artifacts: Mapping[str, Artifact]) -> str:
    """Return, as JSON, what the compiler has rounded: see ``messages.Prepared``."""
    return json.dumps(
        [
            {
                "what": one.what,
                "unit": one.unit,
                "step": one.step,
                "values": len(one.asked),
                "worst": max(abs(g - a) for g, a in zip(one.got, one.asked, strict=True)),
            }
            for part in artifacts.values()
            for one in part.quantised
            if one.got != one.asked
        ]
    )


def capture_data(one: Acquired) -> CaptureData:
    """Return what one capture brought back, as it goes over the bus."""
    trace = one.trace
    return CaptureData(
        one.i,
        one.q,
        one.counts,
        None if trace is None else trace.real,
        None if trace is None else trace.imag,
        one.out_of_range,
        one.results,
    )
