"""How long instruments take from a start over ZSync to their connectors, and who waits for whom.

They are told apart by the vendor's measurements (zhinst-timing-models 26.7.0). All are held back
until the slowest kind is there, whether it takes part or not: so a program is the same with one
instrument more. What cables and this very instrument add is calibrated (``Start.offset_fs``).
"""

from typing import Final

from podium.firmware_interfaces.zurich.latency import OUTPUT_SAMPLES, Output
from podium.firmware_interfaces.zurich.program import Core, Start

_SAMPLE_FS: Final = 500_000
"""The measurements count samples of 2 GSa/s."""
_OUTPUTS: Final[dict[Core, Output]] = {
    "sg": Output.SG_RF,
    "qa": Output.QA_RF,
    "hdawg": Output.HDAWG,
}
_TAKES_FS: Final = {
    kind: OUTPUT_SAMPLES[output, True] * _SAMPLE_FS for kind, output in _OUTPUTS.items()
}


def held_back_fs(kind: Core, start: Start) -> int:
    """Return by how much later than it could a core begins, so that all are at one time there."""
    return max(_TAKES_FS.values()) - _TAKES_FS[kind] if start.zsync else 0


def at_connectors_fs(start: Start) -> int:
    """Return how long after the start what is begun with it is at the connectors.

    0 where the start is not ZSync's: then it counts from the sequencers' own beginning.
    """
    return max(_TAKES_FS.values()) if start.zsync else 0
