"""The driver against `podium twin serve`, in processes of their own."""

import json
import os
import subprocess
import sys

import pytest
from tests.benches.referees.zurich_laboratory import DEVICES, served

TALK = """
import json, sys
from podium.drivers.errors import InstrumentError
from podium.drivers.zurich.data_server import ZurichDataServer

host, port, *devices = sys.argv[1:]
asked = {int(word.split(":")[0]): word.split(":")[1] for word in devices}
try:
    driver = ZurichDataServer("zi", host, {"data_server": int(port)}, asked)
    identity = driver.identity()
    snapshot = driver.snapshot()
    told = {
        "vendor": identity.vendor,
        "model": identity.model,
        "serial": identity.serial,
        "firmware": identity.firmware,
        "complaints": driver.examine().complaints,
        "settings": len(snapshot),
        "range": snapshot.get("/dev12001/sgchannels/0/output/range"),
    }
    driver.close()
    driver.close()
    try:
        driver.identity()
    except InstrumentError as error:
        told["closed"] = str(error)
except InstrumentError as error:
    told = {"error": type(error).__name__, "message": str(error)}
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    with served(tmp_path_factory.mktemp("zurich")) as one:
        yield one


def talk(host: str, port: int, *devices: str):
    ended = subprocess.run(
        [sys.executable, "-c", TALK, host, str(port), *devices],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return json.loads(ended.stdout)


def test_it_says_who_answers_and_how_all_is_set(laboratory):
    told = talk(laboratory.host, laboratory.port, "12001:SHFSG8", "8001:HDAWG8")
    assert (told["vendor"], told["model"]) == ("Zurich Instruments", "data server")
    assert told["serial"] == "dev12001,dev8001"
    assert told["firmware"].startswith("26.07.")
    assert told["complaints"] == []
    assert told["settings"] > 500
    assert told["range"] == 10.0
    assert told["closed"].endswith("was asked who it is: its process was ended")


def test_an_instrument_of_another_model_is_complained_of(laboratory):
    told = talk(laboratory.host, laboratory.port, "12002:SHFQA2")
    assert told["complaints"] == ["dev12002 is a SHFQA4, the facility file says SHFQA2"]


def test_an_instrument_that_is_not_there_is_refused_and_a_server_that_is_not_is_unreachable(
    laboratory,
):
    assert "dev77" not in DEVICES
    told = talk(laboratory.host, laboratory.port, "77:SHFQC")
    assert told["error"] == "Refused"
    assert told["message"].endswith("and no dev77")
    told = talk(laboratory.host, 1, "12001:SHFSG8")
    assert told["error"] == "Unreachable"
