"""The vendor's client against a server of another version, and what it makes of results."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zhinst.core
from tests.referees.zurich_alone import RESULTS, SAMPLES

SCRIPT = Path(__file__).with_name("zurich_alone.py")
HERE = zhinst.core.__version__
HOST = "127.0.0.1"


@contextlib.contextmanager
def alone(version: str) -> Iterator[int]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, SCRIPT, version], env=environment, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.stdin.close()


@pytest.fixture(scope="module")
def client():
    with alone(HERE) as port:
        client = zhinst.core.ziDAQServer(HOST, port, 6)
        client.connectDevice("dev12002", "1GbE")
        yield client


def entry(client, path: str):
    whole = f"/dev12002/{path}"
    (found,) = client.get(whole, flat=True, settingsonly=False)[whole]
    return found


def test_a_server_of_another_version_is_refused_by_the_client_unless_it_is_told_not_to():
    with alone("25.10.1.3") as port:
        with pytest.raises(zhinst.core.errors.ConnectionError, match="version"):
            zhinst.core.ziDAQServer(HOST, port, 6)
        told = zhinst.core.ziDAQServer(HOST, port, 6, allow_version_mismatch=True)
        assert told.getString("/zi/about/fullversion") == "25.10.1.3"


def test_results_come_with_what_the_logger_tells_of_them(client):
    found = entry(client, "qachannels/0/readout/result/data/0/wave")
    assert found["vector"].tolist() == RESULTS.tolist()
    told = found["properties"]
    assert (told["sampletimestamp"], told["jobid"], told["repetitionid"]) == (1234, 7, 2)
    assert (told["centerfreq"], told["datasource"], told["numsamples"]) == (5e9, 1, 10)
    assert (told["numaverages"], told["numacquired"], told["scaling"]) == (4, 10, 1.0)
    errors = ("holdofferrorsreslog", "holdofferrorsreadout", "holdofferrorsspectr")
    assert [told[name] for name in errors] == [1, 2, 3]
    found = entry(client, "qachannels/0/readout/result/data/1/wave")
    assert found["vector"].tolist() == RESULTS.real.tolist()


def test_a_scope_record_is_complex_and_scaled(client):
    found = entry(client, "scopes/0/channels/0/wave")
    assert np.allclose(found["vector"], SAMPLES, atol=1e-12)
    told = found["properties"]
    assert (told["sampletimestamp"], told["dt"], told["centerfreq"]) == (1234, 2, 5e9)
    assert (told["triggertimestamp"], told["inputselect"], told["averagecount"]) == (77, 3, 4)
    assert (told["segments"], told["totalsegments"], told["missedtriggers"]) == (1, 1, 6)
