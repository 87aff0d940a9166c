"""Gives instruments' latencies from a start over ZSync to their connectors.

They are told apart by the vendor's measurements (zhinst-timing-models 26.7.0). All are held back
until the slowest kind is there, whether it takes part or not: so a program is the same with one
instrument more. Analysers are held back by whole multiples of 16 samples, as their waveforms have
no room for zeros. What cables and this very instrument add is calibrated (``Start.offset_fs``).
"""

from typing import Final

from podium.control.compilers.zurich.layout import ceil
from podium.firmware_interfaces.zurich.latency import OUTPUT_SAMPLES, Output
from podium.firmware_interfaces.zurich.program import Core, Start

_SAMPLE_FS: Final = 500_000
"""The measurements count samples of 2 GSa/s."""
_OUTPUTS: Final[dict[Core, Output]] = {
    "sg": Output.SG_RF,
    "qa": Output.QA_RF,
    "hdawg": Output.HDAWG,
}
_TAKES: Final = {kind: OUTPUT_SAMPLES[output, True] for kind, output in _OUTPUTS.items()}
_TOGETHER: Final = _TAKES["qa"] + ceil(max(_TAKES.values()) - _TAKES["qa"])
"""When the first sample of all is there: 616 of 0.5 ns."""


def held_back_fs(kind: Core, start: Start) -> int:
    """Return by how much later than it could a core begins, so that all are at one time there."""
    return (_TOGETHER - _TAKES[kind]) * _SAMPLE_FS if start.zsync else 0


def at_connectors_fs(start: Start) -> int:
    """Return how long after the start what is begun with it is at the connectors.

    0 where the start is not ZSync's: then it counts from the sequencers' own beginning.
    """
    return _TOGETHER * _SAMPLE_FS if start.zsync else 0
