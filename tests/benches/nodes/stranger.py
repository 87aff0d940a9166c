"""A process that has no key of the facility and tries seven acts on its bus, by Zenoh itself.

``python stranger.py ENDPOINT FACILITY FOLDER``: the endpoint stands in a file that everybody may
read; in the folder lie certificates of an authority of the stranger's own. It prints, as JSON, what
it got done, by the way it came.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import zenoh

from podium.control.bus import messages
from podium.control.bus.manual_access import Ask, Release
from podium.control.bus.messages import Begin, Bias, FacilityStatus, Now, Status
from podium.control.bus.wire import encode

WAIT_S = 1.0


def ways(place: str, folder: Path) -> dict[str, dict[str, object]]:
    """Return by which settings one may try to come in."""
    own = {f"{end}_certificate": str(folder / "client.pem") for end in ("connect", "listen")}
    own |= {f"{end}_private_key": str(folder / "client.key") for end in ("connect", "listen")}
    blind = {"verify_name_on_connect": False, "root_ca_certificate": str(folder / "authority.pem")}
    public = {**blind, "root_ca_certificate": str(folder / "theirs.pem")}
    return {
        "without TLS": {"connect/endpoints": [f"tcp/{place}"]},
        "without a certificate": {
            "connect/endpoints": [f"tls/{place}"],
            "transport/link/tls": public,
        },
        "with a certificate of its own": {
            "connect/endpoints": [f"tls/{place}"],
            "transport/link/tls": {**public, **own, "enable_mtls": True},
        },
    }


def opened(settings: dict[str, object], mode: str) -> zenoh.Session | None:
    config = zenoh.Config()
    common = {
        "mode": mode,
        "scouting/multicast/enabled": False,
        "listen/endpoints": [],
        "connect/timeout_ms": 1000,
        "connect/exit_on_failure": mode == "client",
    }
    for key, value in {**common, **settings}.items():
        config.insert_json5(key, json.dumps(value))
    try:
        return zenoh.open(config)
    except zenoh.ZError:
        return None


def done(session: zenoh.Session, name: str) -> list[str]:
    """Try all; return what had an effect, as far as who tries can see."""
    coordinator = messages.coordinator_key(name)

    def answered(key: str, request: object) -> bool:
        payload = encode(request)
        replies = list(session.get(key, payload=payload, timeout=WAIT_S))
        return any(reply.ok is not None for reply in replies)

    asked: list[bytes] = []

    def lie(query: zenoh.Query) -> None:
        asked.append(b"")
        query.reply(query.key_expr, encode(FacilityStatus("the stranger's", (), (), 0, 0)))
        query.drop()

    queryable = session.declare_queryable(coordinator, lie, complete=True)
    token = session.liveliness().declare_token(coordinator)
    acts = {
        "list": lambda: bool(list(session.liveliness().get("podium/**", timeout=WAIT_S))[1:]),
        "status": lambda: answered(messages.agent_key(name, "*"), Status()),
        "ask": lambda: answered(messages.agent_key(name, "*"), Now()),
        "set": lambda: answered(
            messages.agent_key(name, "*"), Ask("lo_q2", "power", 15.0, True, "the boss")
        ),
        "bias": lambda: answered(
            messages.agent_key(name, "*"), Begin("s1", Bias({"node_a.q0.flux": 0.3}), 1.0, "boss")
        ),
        "release": lambda: answered(messages.agent_key(name, "*"), Release("bias_q0", "the boss")),
    }
    with ThreadPoolExecutor(len(acts)) as side_by_side:
        answers = side_by_side.map(lambda tries: tries(), acts.values())
        found = [act for act, has_answer in zip(acts, answers, strict=True) if has_answer]
    print("tried", flush=True, file=sys.stderr)
    sys.stdin.readline()  # meanwhile somebody asks for the status
    time.sleep(0.2)
    if asked:
        found.append("answer in another's place")
    token.undeclare()
    queryable.undeclare()
    return found


def main() -> None:
    """Try by all ways."""
    endpoint, name, folder = sys.argv[1:]
    told = {}
    for way, settings in ways(endpoint.partition("/")[2], Path(folder)).items():
        for mode in ("client", "peer") if way == "without TLS" else ("client",):
            session = opened(settings, mode)
            told[f"{way}, as a {mode}"] = ["came in"] if session is not None else []
            if session is not None:
                told[f"{way}, as a {mode}"] = done(session, name)
                session.close()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
