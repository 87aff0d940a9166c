"""Versions of ``zhinst.core`` of two years, each unmodified, on a data server of their version.

`make test-clients` runs this file; `make test` does not. The variable ZHINST_CORES names the
versions. Each has an environment of its own, ``.venv-referees-zhinst-core-VERSION``, or the Python
that PODIUM_ZHINST_CORE_VERSION names (``.`` as ``_``). Nothing of them is imported here.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.benches.referees.zurich_alone import RESULT, RESULTS, SAMPLES, SCOPE
from tests.benches.referees.zurich_laboratory import alone

from podium.firmware_interfaces.zurich.labone_version import LabOneVersion
from podium.sim_instruments.testing import TwinPool

ROOT = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("client_zhinst_core.py")
VERSIONS = os.environ.get(
    "ZHINST_CORES",
    "24.10.65175 25.1.0.834 25.4.1.17 25.7.0.507 25.10.1.4 26.1.3.9 26.4.1.6 26.7.2.5",
).split()
DEVICES = {12000: "SHFQC", 8001: "HDAWG8"}
SG = "/dev12000/sgchannels"
ON, THIRD = f"{SG}/0/output/on", f"{SG}/3/output/on"
ABOUT = ["commit", "copyright", "dataserver", "fwrevision", "revision", "version"]


def python_of(version: str) -> str:
    """Return the Python that has a version; skips where there is none."""
    name = f"PODIUM_ZHINST_CORE_{version.replace('.', '_')}"
    usual = ROOT / f".venv-referees-zhinst-core-{version}" / "bin" / "python"
    found = os.environ.get(name) or str(usual)
    if not Path(found).exists():
        pytest.skip(f"no Python with zhinst-core {version}: make test-clients")
    return found


def asked(version: str, host: str, port: int, what: str, folder: Path) -> dict[str, Any]:
    """Return what a client of that version prints."""
    ended = subprocess.run(
        [python_of(version), str(SCRIPT), host, str(port), what],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        | {"HOME": str(folder), "PYTHONWARNINGS": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def of(version: str) -> tuple[int, int]:
    """Return the year and the month, by which clients compare."""
    read = LabOneVersion.of(version)
    return read.year, read.month


@pytest.fixture(scope="module", params=VERSIONS)
def version(request) -> str:
    """A version of the client, and of the server."""
    return request.param


@pytest.fixture(scope="module")
def told(version, tmp_path_factory):
    """What a client got in a session with a server of its own version."""
    python_of(version)
    options = {"devices": DEVICES, "labone_version": version}
    with TwinPool() as pool, pool.instrument("zurich", options=options) as twin:
        found = asked(version, twin.host, twin.port, "session", tmp_path_factory.mktemp("client"))
        found["unknown"] = [command.text for command in twin.unknown]
    assert "refused" not in found, found
    return found


def test_the_server_tells_the_version_that_the_client_has(told, version):
    about = told["about"]
    same = LabOneVersion.of(version)
    assert LabOneVersion.of(about["installed"]) == same
    assert about["client"] == about["server"] == [same.short, same.revision]
    assert about["full"] == (about["installed"] if same.patched else "")
    assert about["nodes"] == sorted([*ABOUT, "fullversion"] if same.patched else ABOUT)
    assert about["level"] == 6


def test_instruments_are_connected_and_let_go(told):
    assert told["instruments"] == {
        "connected": ["dev12000", "dev8001"],
        "models": ["SHFQC", "HDAWG8"],
        "after": "dev12000",
    }


def test_nodes_are_listed_and_described(told, version):
    lists = told["lists"]
    leaves = ("delay", "filter", "muting/enable", "on", "overrangecount", "range", "rflfpath")
    for leaf in leaves:
        assert [f"{SG}/{n}/output/{leaf}" in lists["leaves"] for n in range(6)] == [True] * 6
    settings = [leaf for leaf in leaves if leaf not in ("filter", "overrangecount")]
    assert lists["settings"] == [f"{SG}/0/output/{leaf}" for leaf in settings]
    assert lists["younger"] == [of(version) >= (25, 4), of(version) >= (25, 7)]
    assert lists["json"] == 6 * len(leaves)
    assert lists["range"]["Node"] == f"{SG}/0/output/range".upper()
    assert (lists["range"]["Type"], lists["range"]["Unit"]) == ("Double", "dBm")
    assert lists["range"]["Properties"] == "Read, Write, Setting"
    assert "Properties: Read, Write, Setting\nType: Double\nUnit: dBm" in lists["help"]


def test_values_are_set_and_read_back(told):
    ons = {f"{SG}/{n}/output/on": [1.0] for n in range(6)}
    assert told["values"] == {
        "int": 1,
        "double": -5.0,  # of -3: ranges are 5 dB apart
        "sync": 5.0,
        "string": "10.0.0.1",
        "keyword": 0,
        "transaction": [1, 0, 10.0],
        "wildcard": ons,
        "both": [ON, f"{SG}/0/output/range"],
        "nested": 10.0,
    }


def test_vectors_of_every_type_come_back_as_they_went(told):
    kinds = ("u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16", "long")
    assert told["vectors"] == dict.fromkeys(kinds, True)


def test_what_is_subscribed_to_is_polled(told):
    heard = {ON: [1.0], THIRD: [1.0]}
    assert told["subscriptions"] == {"heard": heard, "after": [], "event": [10.0]}


def test_what_cannot_be_is_the_error_that_the_client_has_for_it(told):
    assert told["errors"] == {
        "nothing": "NotFoundError",
        "read only": "ReadOnlyError",
        "write only": "WriteOnlyError",
        "argument": "InvalidArgumentError",
        "device": "DeviceNotFoundError",
        "interface": "DeviceInterfaceError",
        "transaction": "ReadOnlyError",
        "and the rest": [1, 1],
    }
    assert told["unknown"] == ["get /dev12000/nothing"]


def test_programs_of_its_compiler_and_of_its_module_compute(told):
    programs = told["programs"]
    sent, kept = programs.pop("length")
    assert sent == kept > 1000
    assert programs == {
        "ready": 1,
        "ended": True,
        "register": 30.0,
        "no program": 0,
        "module": [0, 1],
        "module ended": True,
        "module register": 30.0,
    }


def test_a_readout_over_the_cable_is_what_was_sent(told):
    (record,) = told["readout"]
    # 256 samples of 0.3, each by a weight of its own phase
    # Noise of the input at 0 dBm: 1.4 mV in a sample, 8 mV in each part of four averages' sums.
    assert record["real"] == pytest.approx([256 * 0.3] * 10, abs=0.05)
    assert record["imag"] == pytest.approx([0.0] * 10, abs=0.05)
    properties = record["told"]
    assert (properties["numaverages"], properties["numacquired"]) == (4, 40)
    assert (properties["centerfreq"], properties["numsamples"]) == (5e9, 10)


@pytest.fixture(scope="module", params=VERSIONS)
def server(request):
    """A version, and the port of a server of it that has results in its nodes."""
    with alone(request.param) as port:
        yield request.param, port


@pytest.mark.parametrize("client", VERSIONS)
def test_a_client_refuses_a_server_of_another_year_or_month(server, client, tmp_path):
    other, port = server
    found = asked(client, "127.0.0.1", port, "connect", tmp_path)
    if of(client) == of(other) or of(client) == (24, 10):  # that of 24.10 does not look
        assert found["server"][0] == LabOneVersion.of(other).short
        return
    assert "Version mismatch detected" in found["refused"]
    assert f"'{LabOneVersion.of(other).hello}'" in found["refused"]
    assert f"'{LabOneVersion.of(client).hello}'" in found["refused"]
    whose = "client" if of(client) < of(other) else "data-server"
    assert f"update the LabOne {whose} to the newer version" in found["refused"]
    anyway = asked(client, "127.0.0.1", port, "anyway", tmp_path)
    assert anyway["server"][0] == LabOneVersion.of(other).short


def test_results_and_scope_records_come_with_what_is_told_of_them(version, tmp_path):
    python_of(version)
    with alone(version) as port:
        found = asked(version, "127.0.0.1", port, "records", tmp_path)
    result, scope = found["qachannels"], found["scopes"]
    assert np.array_equal(np.array(result["real"]) + 1j * np.array(result["imag"]), RESULTS)
    properties = {
        "sampletimestamp": RESULT.timestamp,
        "jobid": RESULT.job,
        "repetitionid": RESULT.repetition,
        "centerfreq": RESULT.center_hz,
        "datasource": RESULT.source,
        "numsamples": RESULT.samples,
        "numaverages": RESULT.averages,
        "numacquired": RESULT.acquired,
        "holdofferrorsreslog": RESULT.errors_logger,
        "holdofferrorsreadout": RESULT.errors_readout,
        "holdofferrorsspectr": RESULT.errors_spectroscopy,
    }
    assert result["told"].items() >= properties.items()
    samples = np.array(scope["real"]) + 1j * np.array(scope["imag"])
    assert np.allclose(samples, SAMPLES, atol=1e-12)
    properties = {
        "sampletimestamp": SCOPE.timestamp,
        "dt": SCOPE.sample_ticks,
        "centerfreq": SCOPE.centre_hz,
        "triggertimestamp": SCOPE.trigger_timestamp,
        "inputselect": SCOPE.input_select,
        "averagecount": SCOPE.averages,
        "missedtriggers": SCOPE.missed_triggers,
    }
    assert scope["told"].items() >= properties.items()
