"""The blocking lab, by the name under which notebooks import it (:mod:`.client.blocking`)."""

from podium.control.client.blocking import (
    BlockingLab,
    join_facility_blocking,
    open_facility_blocking,
)

__all__ = ["BlockingLab", "join_facility_blocking", "open_facility_blocking"]
