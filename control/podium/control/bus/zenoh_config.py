"""Makes Zenoh's configuration: endpoints, timeouts, TLS, access rules.

Zenoh's own defaults are not safe in a laboratory: it would listen on every interface and
look for peers by multicast. Here every endpoint is given.
"""

import json
from collections.abc import Mapping, Sequence

import zenoh

from podium.control.facility.meeting_point import MeetingPoint
from podium.control.security.access import Admitted, control_of_others
from podium.control.security.certificates import Credentials

LEASE_MS = 2500
"""A peer from which nothing came for so long is taken for gone."""
RETRY_MS = 100
"""First pause before a lost connection is tried again; it grows to ``RETRY_MAX_MS``."""
RETRY_MAX_MS = 500
JOIN_MS = 1000
"""A process that connects to a meeting point tries for so long, then says why not and goes on."""


def configuration(listen: Sequence[str], connect: Sequence[str]) -> zenoh.Config:
    """Return the configuration of a peer: these endpoints; connecting retries for ever."""
    return _config(
        {
            "mode": "peer",
            "scouting/gossip/enabled": True,
            "listen/endpoints": list(listen),
            "connect/endpoints": list(connect),
            "connect/timeout_ms": -1,
            "connect/exit_on_failure": False,
        }
    )


def holding(
    meeting: MeetingPoint, credentials: Credentials | None, admitted: Admitted
) -> zenoh.Config:
    """Return the configuration of who holds a meeting point: a router, in Zenoh's words."""
    return _config(
        {
            "mode": "router",
            "scouting/gossip/enabled": False,
            "scouting/delay": 0,
            "listen/endpoints": [str(meeting.listen)],
            "connect/endpoints": [],
            **_secured(credentials, admitted.control()),
        }
    )


def joining(facility: str, meeting: MeetingPoint, credentials: Credentials | None) -> zenoh.Config:
    """Return the configuration of who connects to a meeting point: a client, in Zenoh's words.

    Opening it fails when nobody answers within ``JOIN_MS``; a connection that is lost later is
    made anew by itself.
    """
    return _config(
        {
            "mode": "client",
            "scouting/gossip/enabled": False,
            "scouting/delay": 0,
            "listen/endpoints": [],
            "connect/endpoints": [str(meeting.connect)],
            "connect/timeout_ms": JOIN_MS,
            "connect/exit_on_failure": True,
            **_secured(credentials, control_of_others(facility, meeting.held_by)),
        }
    )


def _secured(credentials: Credentials | None, control: object) -> dict[str, object]:
    if credentials is None:
        return {}
    certificate, key = str(credentials.certificate), str(credentials.key)
    tls = {
        "root_ca_certificate": str(credentials.authority),
        "enable_mtls": True,
        "verify_name_on_connect": True,
        "close_link_on_expiration": True,
        "listen_certificate": certificate,
        "listen_private_key": key,
        "connect_certificate": certificate,
        "connect_private_key": key,
    }
    # Nothing but TLS, whatever else an endpoint might say.
    return {
        "transport/link/tls": tls,
        "transport/link/protocols": ["tls"],
        "access_control": control,
    }


def _config(settings: Mapping[str, object]) -> zenoh.Config:
    config = zenoh.Config()
    retry = {"period_init_ms": RETRY_MS, "period_max_ms": RETRY_MAX_MS, "period_increase_factor": 2}
    common: dict[str, object] = {
        "scouting/multicast/enabled": False,
        "listen/exit_on_failure": True,
        "connect/retry": retry,
        "transport/link/tx/lease": LEASE_MS,
    }
    for key, value in {**common, **settings}.items():
        config.insert_json5(key, json.dumps(value))
    return config
