"""The twin of the Bluefors Control Software, asked as public clients ask.

None of these clients is on PyPI. Their requests are made here by the libraries that they use,
`requests` and `websockets`, unmodified, and their reading of the answers is taken down from their
sources, independently of our codec: pyHegel's `bf_controller`, the QCoDeS driver `BlueFors.py`,
`ld250.py` of bluefors-api-python, and BlueForsControl.
"""

import json
import math
import ssl

import pytest
import requests
from websockets.sync.client import connect

from podium.drivers.bluefors_control import BlueforsControl as Driver
from podium.sim_instruments.physics.steady_cryostat import STEADY, SteadyCryostat
from podium.sim_instruments.testing import twin_instrument
from podium.sim_instruments.twins.bluefors_control.control_software import BlueforsControl

KEY = "cb966295-68e4-4ef3-b1e9-8a8bad2f6b4b"
ANSWER_S = 5


@pytest.fixture
def fridge():
    return SteadyCryostat()


@pytest.fixture
def twin(fridge):
    return BlueforsControl("1234", fridge.read, fridge.write, {6: "mixing_chamber"}, key=KEY)


@pytest.fixture
def base(serve, twin):
    at = serve(twin, "http")
    return f"{at.host}:{at.port}"


def parsed(response: requests.Response, mapping: str) -> float:
    """`_measurement_parser` of BlueFors.py: what is no number there is NaN or an error."""
    latest = response.json()["data"][mapping]["content"]["latest_value"]
    assert isinstance(latest["outdated"], bool)
    assert latest["exception"] == ""
    assert isinstance(latest["date"], int)
    if latest["status"] in ("SYNCHRONIZED", "INDEPENDENT", "QUEUED"):
        return float(latest["value"])
    assert latest["status"] in ("INVALID", "DISCONNECTED")
    return math.nan


def test_the_qcodes_driver_of_a_lab_reads_all_that_it_has(base) -> None:
    wanted = {
        **{f"mapper.bf.temperatures.{t}": None for t in ("t50k", "t4k", "tstill", "tmixing")},
        **{f"mapper.bf.pressures.p{n}": STEADY[f"pressure.p{n}"] / 1e5 for n in range(1, 7)},
        "mapper.bf.flow": 0.64,
        **{f"mapper.bf.valves.v{n}": None for n in range(1, 24)},
        **{f"mapper.bf.pumps.{p}": None for p in ("scroll1", "turbo1", "turbo2", "compressor")},
        "driver.bftc.data.heaters.heater_3.power": 0.01,
        "driver.bftc.data.heaters.heater_4.active": 0,
        "driver.cpa.compressor_running_status": 1,
        "driver.cpa.coolant_in_temperature": 293.385,
    }
    for mapping, value in wanted.items():
        path = f"values/{mapping.replace('.', '/')}"
        found = parsed(requests.get(f"http://{base}/{path}/?key={KEY}", timeout=ANSWER_S), mapping)
        assert found == pytest.approx(value) if value is not None else math.isfinite(found)
    for absent in ("tmagnet", "tfse"):
        mapping = f"mapper.bf.temperatures.{absent}"
        answer = requests.get(f"http://{base}/values/{mapping.replace('.', '/')}", timeout=ANSWER_S)
        assert math.isnan(parsed(answer, mapping))


def test_the_qcodes_driver_of_a_lab_sets_a_heater_in_two_steps(base, fridge) -> None:
    heater = "driver.bftc.data.heaters.heater_4"
    url = f"http://{base}/values/{heater.replace('.', '/')}"
    for name, content in (
        ("power", {"value": 2e-5}),
        ("write", {"call": 1}),
        ("active", {"value": 1}),
        ("write", {"call": 1}),
    ):
        body = {"data": {f"{heater}.{name}": {"content": content}}}
        answer = requests.post(f"{url}/{name}/?key={KEY}", json=body, timeout=ANSWER_S)
        assert "error" not in answer.json()
    assert fridge.read("heater.mixing_chamber.power", 0) == 2e-5


def test_pyhegel_gets_posts_and_is_refused(base, fridge) -> None:
    with requests.Session() as session:
        valve = "mapper.bf.valves.v2"
        answer = session.post(
            f"http://{base}/values/",
            params={"must_exist": 1, "wait_response": 1},
            json={"data": {valve: {"content": {"value": True}}}},
            timeout=ANSWER_S,
        )
        assert answer.ok
        assert "error" not in answer.json()
        assert fridge.read("valve.v2.open", 0) == 1
        answer = session.get(
            f"http://{base}/values/mapper/bf/valves/v2",
            params={"fields": "value;status", "prettyprint": 1},
            json={"data": {}},  # it sends a body with its GET
            timeout=ANSWER_S,
        )
        assert answer.json()["data"][valve]["content"]["latest_value"]["value"] == "1"
        answer = session.get(f"http://{base}/values/mapper/bf/nothing", timeout=ANSWER_S)
        assert not answer.ok
        assert answer.json()["error"]["name"] == "NODE_NOT_FOUND"
        answer = session.get(f"http://{base}/system/", timeout=ANSWER_S)
        assert answer.json()["data"]["api_version"] == "v2.2"


def test_blueforscontrol_reads_the_system_at_top_level_and_posts_a_form(base) -> None:
    answer = requests.get(f"http://{base}/system", params={"key": "x"}, timeout=ANSWER_S).json()
    assert answer["status"] != "ERROR"
    assert answer["api_version"] in ["v2.2"]
    assert answer["system_name"].startswith("LD400")
    assert answer["system_version"]
    form = requests.post(f"http://{base}/values/", data={"data": "{}"}, timeout=ANSWER_S)
    with pytest.raises(requests.HTTPError):
        form.raise_for_status()


@pytest.mark.parametrize(
    ("folder", "unit", "names"),
    [
        ("temperatures", "temperature", {"t50k", "t4k", "tmagnet", "tstill", "tmixing", "tfse"}),
        ("pressures", "pressure", {f"p{n}" for n in range(1, 7)}),
    ],
)
def test_ld250_reads_a_folder_over_a_websocket(base, folder, unit, names) -> None:
    with connect(f"ws://{base}/ws/values/?") as socket:
        data = {"target": f"mapper.bf.{folder}", "recursion": "1"}
        socket.send(json.dumps({"command": "read", "data": data}))
        assert json.loads(socket.recv(ANSWER_S))["status"] == "RECEIVED"
        nodes = json.loads(socket.recv(ANSWER_S))["data"].values()
        wanted = f"Value.Number.Float.Unit.{unit}"
        found = {
            node["name"].split(".")[-1]: float(node["content"]["latest_value"]["value"] or "NaN")
            for node in nodes
            if node["type"] == wanted
        }
        assert found.keys() == names


def test_pyhegel_sets_over_a_websocket_and_hears_it_done(base, fridge) -> None:
    with connect(f"ws://{base}/ws/values/") as socket:
        switch = "mapper.bf.heaters.hs-mc"
        data = {"data": {switch: {"content": {"value": 1}}}}
        for command, given in (
            ("set", data),
            ("read", {"target": switch}),
            ("status", {}),
            ("listen", {"target": switch, "recursive": True}),
            ("unlisten", {"target": switch, "recursive": True}),
        ):
            socket.send(json.dumps({"command": command, "id": "a1", "data": given}))
            assert json.loads(socket.recv(ANSWER_S))["status"] == "RECEIVED"
            assert json.loads(socket.recv(ANSWER_S))["status"] == "SUCCEEDED"
        assert fridge.read("heat_switch.on", 0) == 1
    with connect(f"ws://{base}/ws/system/") as socket:
        socket.send('{"command": "read", "data": {}}')
        assert json.loads(socket.recv(ANSWER_S))["status"] == "RECEIVED"
        assert json.loads(socket.recv(ANSWER_S))["data"]["api_version"] == "v2.2"


def test_served_it_has_https_with_a_key_and_sends_what_changes() -> None:
    """The whole server: TLS, the vendor's ports, a listener that is told without asking."""
    with twin_instrument("bluefors_control", options={"key": KEY}) as box:
        assert box.ports == {"http": 49099, "https": 49098}
        base = f"https://{box.host}:{box.ports['https']}"
        shown = ssl.get_server_certificate((box.host, box.ports["https"]))
        context = ssl.create_default_context(cadata=shown)
        driver = Driver("fridge", box.host, box.ports, {6: "mixing_chamber"}, key=KEY)
        assert 0 < driver.temperature_k("mixing_chamber") < 0.05
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{base}/system?key={KEY}", timeout=ANSWER_S)
        url = f"wss://{box.host}:{box.ports['https']}/ws/values/"
        with connect(f"{url}?key={KEY}", ssl=context) as socket:
            data = {"target": "mapper.bf.valves", "recursive": True}
            socket.send(json.dumps({"command": "listen", "data": data}))
            assert json.loads(socket.recv(ANSWER_S))["status"] == "RECEIVED"
            assert json.loads(socket.recv(ANSWER_S))["status"] == "SUCCEEDED"
            driver.switch("v7", True)
            news = json.loads(socket.recv(ANSWER_S))["data"]
            assert news.keys() == {"mapper.bf.valves.v7"}
        with pytest.raises(Exception, match="401"), connect(url, ssl=context):
            pass
        driver.close()
        assert not box.unknown
