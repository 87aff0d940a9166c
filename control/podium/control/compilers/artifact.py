"""What the compilers make, whatever the family of the controller."""

from collections.abc import Mapping

from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, ExternalTone
from podium.firmware_interfaces.zurich.program import ZurichProgram
from podium.firmware_interfaces.zurich.rack import ZurichRack

Artifact = ClusterProgram | ZurichProgram | ZurichRack
"""One pulse program as one controller plays it."""


def tones_of(artifact: Artifact) -> Mapping[str, ExternalTone]:
    """Return what microwave sources have to be set to, by their names."""
    return artifact.tones if isinstance(artifact, ClusterProgram) else {}
