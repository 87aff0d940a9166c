"""The lab, by the name under which scripts import it (:mod:`.client.lab`)."""

from podium.control.client.facility_access import join_facility, open_facility
from podium.control.client.lab import Lab

__all__ = ["Lab", "join_facility", "open_facility"]
