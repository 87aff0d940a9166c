"""The vendor's discovery, unmodified, finds the twins: ``zhinst.utils.create_api_session``.

It multicasts on every network that there is and asks fixed ports, so all of this runs in a
network namespace that has loopback and nothing else. Where none can be made, nothing is tested.
"""

import json
import shutil
import subprocess
import sys

import pytest

WITHIN_S = 180
INSIDE = """
import json, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
import zhinst.core, zhinst.utils
twin = subprocess.Popen(
    [sys.executable, "-c", "import podium_start as p, sys; sys.exit(p.main())",
     "twin", "serve", "--model", "zurich", "--host", "127.0.0.1", *sys.argv[1:]],
    stdout=subprocess.PIPE, text=True,
)
try:
    for line in twin.stdout:
        if line.startswith("files: "):
            break
    found = {"all": zhinst.core.ziDiscovery().findAll()}
    try:
        daq, device, told = zhinst.utils.create_api_session("dev12000", 6)
        found |= {"device": device, "type": daq.getString("/dev12000/features/devtype")}
        found["before"] = told
        discovery = zhinst.core.ziDiscovery()
        discovery.find("dev12000")
        found["after"] = discovery.get("dev12000")
    except Exception as error:
        found["error"] = repr(error)
finally:
    twin.terminate()
    twin.wait()
print("FOUND" + json.dumps(found))
"""
ALONE = ("unshare", "--user", "--map-root-user", "--net")


def alone() -> bool:
    """Return whether a namespace without a network can be made here."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    tried = subprocess.run(
        [*ALONE, "ip", "link", "set", "lo", "up"], capture_output=True, check=False
    )
    return tried.returncode == 0


def found(*words: str) -> dict[str, object]:
    done = subprocess.run(
        [*ALONE, sys.executable, "-c", INSIDE, *words],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=True,
    )
    (line,) = (one for one in done.stdout.splitlines() if one.startswith("FOUND"))
    return json.loads(line.removeprefix("FOUND"))


pytestmark = [
    pytest.mark.skipif(not alone(), reason="no network namespace can be made here"),
    pytest.mark.slow,
]


def test_create_api_session_finds_a_twin_with_nothing_but_its_serial_number():
    what = found("--discovery")
    assert "error" not in what
    assert what["all"] == ["DEV12000"]
    assert (what["device"], what["type"]) == ("dev12000", "SHFQC")
    before, after = what["before"], what["after"]
    assert (before["serveraddress"], before["serverport"]) == ("127.0.0.1", 8004)
    assert (before["devicetype"], before["discoverable"]) == ("SHFQC", True)
    assert (before["available"], before["status"]) == (True, "Available")
    assert (after["available"], after["status"]) == (False, "In use")
    assert after["owner"].startswith("podium-")


def test_without_discovery_the_vendors_client_finds_nothing():
    what = found()
    assert what["all"] == []
    assert "not discoverable" in what["error"] or "server address" in what["error"]
