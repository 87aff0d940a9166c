"""What the compilers make, whatever the family of the controller."""

from collections.abc import Mapping
from math import prod

from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, ExternalTone
from podium.firmware_interfaces.qblox_cluster.program import ResultLayout as ClusterLayout
from podium.firmware_interfaces.zurich.program import ZurichProgram
from podium.firmware_interfaces.zurich.rack import ZurichRack

Artifact = ClusterProgram | ZurichProgram | ZurichRack
"""One pulse program as one controller plays it."""


def told_apart_shots(artifact: Artifact) -> int:
    """Return how many shots are played whose results, 0 or 1, are asked for; 0 if none are."""
    if isinstance(artifact, ZurichRack):
        return max((told_apart_shots(part) for part in artifact.programs), default=0)
    asked = [
        one.shots * prod(one.shape)
        for one in artifact.results
        if (one.result if isinstance(one, ClusterLayout) else one.threshold_v is not None)
    ]
    return max(asked, default=0)


def tones_of(artifact: Artifact) -> Mapping[str, ExternalTone]:
    """Return what microwave sources have to be set to, by their names."""
    return artifact.tones if isinstance(artifact, ClusterProgram) else {}
