"""Driver of the Qblox cluster, over the vendor's own client."""

from podium.drivers.qblox_cluster.cluster import QbloxCluster

__all__ = ["QbloxCluster"]
