"""The lab, by the name under which scripts import it (:mod:`.client.lab`)."""

from podium.control.client.lab import Lab, join_facility, open_facility

__all__ = ["Lab", "join_facility", "open_facility"]
