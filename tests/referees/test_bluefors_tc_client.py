"""The twin of the Bluefors Temperature Controller, asked as public clients ask.

None of them is on PyPI. Their requests are made here by the libraries that they use, `requests`
and `websockets`, unmodified, and their reading of the answers is taken down from their sources,
independently of our codec: a lab's QCoDeS driver `BlueforsTemperatureController`, another one's
`BlueFors` (Juelich), `bftc.py` with sender and hash, pybluefors, pyHegel's
`bf_temperature_controller`, Lab::Measurement's `Bluefors_Temp`. The examples are those of the
vendor's technical reference, chapters 2.5 and 4.
"""

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
import requests
from websockets.sync.client import connect

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.steady_cryostat import STEADY, SteadyCryostat
from podium.sim_instruments.testing import twin_instrument
from podium.sim_instruments.twins.bluefors_tc.controller import BlueforsTc

CHANNELS = {1: "50K", 2: "4K", 5: "still", 6: "mixing_chamber"}
ANSWER_S = 5
KELVIN = {1: "first_stage", 2: "second_stage", 5: "still", 6: "mixing_chamber"}
BEGINNING_FS = 1_800_000_000 * FS_PER_S
"""World time of the tests: the box has been on for years."""


class Later:
    """A twin, or a connection of it, at times that are so much later."""

    def __init__(self, behind) -> None:
        self.behind = behind

    def open(self, port):
        return Later(self.behind.open(port))

    def feed(self, data, now_fs):
        return self.behind.feed(data, now_fs + BEGINNING_FS)

    def horizon(self, now_fs):
        return self.behind.horizon(now_fs)

    @property
    def ended(self):
        return self.behind.ended

    def hung_up(self):
        self.behind.hung_up()


@pytest.fixture
def fridge():
    return SteadyCryostat()


@pytest.fixture
def twin(fridge):
    heaters = {3: "still", 4: "mixing_chamber"}
    return BlueforsTc("BF123", fridge.read, fridge.write, CHANNELS, heaters)


@pytest.fixture
def base(serve, twin):
    at = serve(Later(twin), "http")
    return f"http://{at.host}:{at.port}"


@pytest.fixture
def ws(serve, twin):
    at = serve(Later(twin), "websocket")
    return f"ws://{at.host}:{at.port}"


def post(base: str, endpoint: str, **payload) -> dict:
    answer = requests.post(f"{base}/{endpoint}", json=payload, timeout=ANSWER_S)
    answer.raise_for_status()
    assert answer.json()["status"] == "OK"
    return answer.json()


def world_now(base: str) -> datetime:
    """The controller's clock: world time need not be the computer's."""
    said = requests.get(f"{base}/system", timeout=ANSWER_S).json()["datetime"]
    return datetime.strptime(said, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


# --- the vendor's reference -----------------------------------------------------------------


def test_the_reference_s_answer_about_the_latest_measurement_has_these_keys(base) -> None:
    """TR 2.5.1 and 3.10.1; ``settings_nr`` stands in the table and not in the example."""
    data = requests.get(f"{base}/channel/measurement/latest", timeout=ANSWER_S).json()
    assert data.keys() == {
        *("rez", "status", "angle", "temperature", "timestamp", "resistance", "channel_nr"),
        *("datetime", "reactance", "magnitude", "status_flags", "imz", "settings_nr"),
    }
    assert data["status"] == "OK"
    assert data["channel_nr"] in CHANNELS
    said = datetime.strptime(data["datetime"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert -1 < said.timestamp() - data["timestamp"] <= 8
    by_post = requests.post(f"{base}/channel/measurement/latest", timeout=ANSWER_S).json()
    assert {**data, "datetime": ""} == {**by_post, "datetime": ""}


def test_the_reference_s_examples_run(base) -> None:
    """TR 4.3 (settings), 4.4 (an update) and 4.5 (historical data) as they are printed."""
    system = requests.get(f"{base}/system", timeout=10).json()
    assert (system["api_version"], system["type"], system["serial"]) == (1, "Bluefors TC", "BF123")
    channel = requests.post(f"{base}/channel", json={"channel_nr": 2}, timeout=10).json()
    assert (channel["name"], channel["active"], channel["coupled_heater_nr"]) == ("4K", True, 0)
    data = {
        "channel_nr": 1,
        "excitation_mode": 0,
        "excitation_current_range": 11,
        "calib_curve_nr": 22,
    }
    changed = requests.post(f"{base}/channel/update", json=data, timeout=10).json()
    assert {key: changed[key] for key in data} == data
    data = {
        "channel_nr": 8,
        "start_time": "2023-01-31T00:00:00Z",
        "stop_time": "2024-01-31T00:00:00Z",
        "fields": ["temperature", "resistance", "reactance"],
    }
    said = requests.post(f"{base}/channel/historical-data", json=data, timeout=100).json()
    assert (said["channel_nr"], said["over_limit"], said["fields"]) == (8, False, data["fields"])
    assert said["measurements"].keys() == {*data["fields"], "timestamp"}


def test_paths_and_methods_are_those_of_the_reference(base) -> None:
    """TR 2.3.2: no slash at the end, no number; queries are ignored. TR 3: who is read by what."""
    for method, path, status in (
        ("GET", "/system?id=3", 200),
        ("GET", "/system/", 404),
        ("GET", "/channel/6", 404),
        ("GET", "/channel", 405),
        ("GET", "/heater", 405),
        ("POST", "/system", 405),
        ("POST", "/channels", 405),
        ("GET", "/channel/measurement/listen", 404),
        ("GET", "/nothing", 404),
        ("DELETE", "/heater", 405),
    ):
        answer = requests.request(method, f"{base}{path}", timeout=ANSWER_S)
        assert answer.status_code == status, (method, path)


@pytest.mark.parametrize(
    ("endpoint", "payload"),
    [
        ("heater", {}),
        ("heater", {"heater_nr": 5}),
        ("heater/update", {"heater_nr": 4, "power": 1.5}),
        ("heater/update", {"heater_nr": 4, "pid_mode": 2}),
        ("heater/update", {"heater_nr": 4, "active": "yes"}),
        ("heater/update", {"heater_nr": 4, "setpoint": 1001}),
        ("heater/update", {"heater_nr": 4, "control_algorithm_settings": [1]}),
        ("channel", {"channel_nr": 0}),
        ("channel", {"channel_nr": 13}),
        ("channel/update", {"channel_nr": 1, "excitation_current_range": 23}),
        ("statemachine/update", {"wait_time": 0.5}),
        ("channel/historical-data", {"channel_nr": 1, "start_time": "yesterday"}),
    ],
)
def test_an_error_has_its_code_and_message_and_changes_nothing(base, endpoint, payload) -> None:
    """TR 2.4.1: status, and the error object; ranges of TR 3.6, 3.8 and 3.13."""
    before = requests.get(f"{base}/heaters", timeout=ANSWER_S).json()["data"]
    sent = {**payload, "sender": "a", "hash": "17"}
    said = requests.post(f"{base}/{endpoint}", json=sent, timeout=ANSWER_S).json()
    assert (said["status"], said["sender"], said["hash"]) == ("ERROR", "a", "17")
    assert isinstance(said["error"]["code"], int)
    assert said["error"]["message"]
    assert requests.get(f"{base}/heaters", timeout=ANSWER_S).json()["data"] == before


# --- public clients -------------------------------------------------------------------------


def test_a_lab_s_qcodes_driver_makes_its_channels_and_heaters_and_reads_them(base, fridge) -> None:
    names = requests.get(f"{base}/channels", timeout=ANSWER_S).json()["data"]
    found = {ch["channel_nr"]: ch["name"].replace(" ", "_").replace("-", "_") for ch in names}
    assert {number: found[number] for number in CHANNELS} == CHANNELS
    assert len(found) == 12
    heaters = requests.get(f"{base}/heaters", timeout=ANSWER_S).json()["data"]
    assert [heater["heater_nr"] for heater in heaters] == [1, 2, 3, 4]
    stop = world_now(base)
    for number, stage in KELVIN.items():
        data = post(
            base,
            "channel/historical-data",
            channel_nr=number,
            start_time=(stop - timedelta(minutes=15)).replace(tzinfo=None).isoformat() + "Z",
            stop_time=stop.replace(tzinfo=None).isoformat() + "Z",
            fields=["timestamp", "temperature"],
        )
        times, temperatures = data["measurements"]["timestamp"], data["measurements"]["temperature"]
        latest = temperatures[times.index(max(times))]
        assert latest == pytest.approx(STEADY[f"temperature.{stage}"], rel=6e-3)
        assert len(times) == pytest.approx(900 / 32, abs=1)
    assert post(base, "channel", channel_nr=5)["coupled_heater_nr"] == 3
    relations = post(base, "channel/heater/update", channel_nr=2, heater_nr=1)["relations"]
    assert {"channel_nr": 2, "heater_nr": 1} in relations
    assert post(base, "channel", channel_nr=2)["coupled_heater_nr"] == 1


def test_a_lab_s_qcodes_driver_sets_each_of_a_heater_s_parameters(base, fridge) -> None:
    for key, value in (("power", 2e-5), ("pid_mode", 0), ("setpoint", 0.05), ("active", 1)):
        assert post(base, "heater/update", heater_nr=4, **{key: value})[key] == value
    for name, value in (("proportional", 0.02), ("integral", 200), ("derivative", 1)):
        post(base, "heater/update", heater_nr=4, control_algorithm_settings={name: value})
    said = post(base, "heater", heater_nr=4)
    assert said["control_algorithm_settings"] == {
        "proportional": 0.02,
        "integral": 200,
        "derivative": 1,
    }
    assert fridge.read("heater.mixing_chamber.power", 0) == 2e-5
    post(base, "heater/update", heater_nr=4, active=0)
    assert fridge.read("heater.mixing_chamber.power", 0) == 0


def test_juelich_s_driver_refuses_beyond_the_limit_that_it_reads(base, fridge) -> None:
    """Its ``_get_heater``, ``_set_heater``, ``_get_temperature`` and ``_set_temperature``."""
    req = post(base, "heater", heater_nr=3)
    shown = (req["active"], ["manual", "pid"][req["pid_mode"]], req["power"])
    assert shown == (True, "manual", 0.01)
    assert req["max_power"] < 1
    post(base, "heater/update", heater_nr=3, active=True, pid_mode=0, power=0.012)
    assert fridge.read("heater.still.power", 0) == 0.012
    stop = world_now(base)
    temperatures = post(
        base,
        "channel/historical-data",
        channel_nr=6,
        start_time=(stop - timedelta(minutes=150)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        stop_time=stop.strftime("%Y-%m-%dT%H:%M:%SZ"),
        fields=["temperature"],
    )["measurements"]
    assert temperatures["temperature"][-1] == pytest.approx(7.14e-3, rel=6e-3)
    assert stop.timestamp() - temperatures["timestamp"][-1] < 40
    post(
        base,
        "heater/update",
        heater_nr=4,
        active=True,
        pid_mode=1,
        control_algorithm=1,
        setpoint=0.03,
    )
    assert post(base, "heater", heater_nr=4)["pid_mode"] == 1


def test_bftc_py_knows_its_answers_by_sender_and_hash(base) -> None:
    for number in range(1, 5):
        said = post(base, "heater", heater_nr=number, sender="Python", hash=str(number))
        assert (said["sender"], said["hash"]) == ("Python", str(number))
    names = [
        post(base, "channel", channel_nr=number, sender="Python", hash="9")["name"]
        for number in range(1, 9)
    ]
    assert [name for name in names if name] == list(CHANNELS.values())


def test_labs_poll_the_latest_measurement_until_it_is_their_channel(twin, fridge) -> None:
    """``while data['channel_nr'] != ch``: each channel's turn comes, 8 s each, in order."""
    turns = []
    for second in range(70):
        body, good = twin.answer(
            "/channel/measurement/latest", b"", BEGINNING_FS + second * FS_PER_S
        )
        assert good
        turns.append(json.loads(body)["channel_nr"])
    changes = [turns[0]] + [b for a, b in itertools.pairwise(turns) if a != b]
    ring = [1, 2, 5, 6] * 4
    first = ring.index(changes[0])
    assert changes == ring[first : first + len(changes)]
    assert 8 <= len(changes) <= 10


def test_pybluefors_asks_over_websockets(ws, fridge) -> None:
    infos = {}
    with connect(f"{ws}/heater") as socket:
        for number in (1, 2, 3, 4):
            socket.send(json.dumps({"heater_nr": number}))
            data = json.loads(socket.recv(ANSWER_S))
            infos[data["name"] or number] = data
    assert infos["mixing_chamber"]["heater_nr"] == 4
    with connect(f"{ws}/system") as socket:
        socket.send("{}")
        said = json.loads(socket.recv(ANSWER_S))["datetime"]
    stop = datetime.strptime(said, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    with connect(f"{ws}/channel/historical-data") as socket:
        socket.send(
            json.dumps(
                {
                    "channel_nr": 6,
                    "start_time": (stop - timedelta(minutes=5)).strftime("%Y-%m-%d %H:%M:%S"),
                    "stop_time": stop.strftime("%Y-%m-%d %H:%M:%S"),
                    "fields": ["timestamp", "resistance", "temperature"],
                }
            )
        )
        data = json.loads(socket.recv(ANSWER_S))
    for field in ("timestamp", "resistance", "temperature"):
        assert data["measurements"][field][-1] > 0
    with connect(f"{ws}/heater/update") as socket:
        settings = {
            "heater_nr": 4,
            "active": True,
            "pid_mode": 0,
            "power": 20e-6,
        }
        socket.send(json.dumps(settings))
        assert json.loads(socket.recv(ANSWER_S))["status"] == "OK"
    assert fridge.read("heater.mixing_chamber.power", 0) == 20e-6


def test_pyhegel_gets_with_a_body_and_reads_relations_and_history(base) -> None:
    with requests.Session() as session:
        req = session.get(f"{base}/system", timeout=10, json={})
        assert req.ok
        data = req.json()
        assert data["serial"]
        assert data["software_version"]
    chs = requests.get(f"{base}/channels", timeout=ANSWER_S).json()["data"]
    assert [d["channel_nr"] for d in chs if d["active"]] == list(CHANNELS)
    htrs = requests.get(f"{base}/heaters", timeout=ANSWER_S).json()["data"]
    on = [d["heater_nr"] for d in htrs if d["active"] and d["relay_mode"] == d["relay_status"]]
    assert on == [3]
    stop = world_now(base)
    fields = ["temperature", "resistance", "reactance", "rez", "imz", "magnitude", "angle"]
    span = {
        "start_time": (stop - timedelta(minutes=2)).strftime("%Y-%m-%d %H:%M:%S"),
        "stop_time": stop.strftime("%Y-%m-%d %H:%M:%S"),
    }
    said = post(
        base,
        "channel/historical-data",
        channel_nr=6,
        fields=[*fields, "settings_nr"],
        **span,
    )
    assert not said["over_limit"]
    assert len({len(said["measurements"][field]) for field in fields}) == 1
    said = post(base, "heater/historical-data", heater_nr=3, fields=["power", "current"], **span)
    power, current = (said["measurements"][field][-1] for field in ("power", "current"))
    assert power == 0.01
    assert current == pytest.approx((0.01 / 120) ** 0.5)
    post(base, "channel/heater/update", channel_nr=0, heater_nr=3)  # none, as it says none
    assert post(base, "channel", channel_nr=5)["coupled_heater_nr"] == 0


def test_lab_measurement_says_who_it_is_and_sets_a_temperature(base) -> None:
    """``idn`` and ``set_T``, which sends ``active`` as JSON has it, and the state machine's."""
    said = requests.get(f"{base}/system", timeout=ANSWER_S).json()
    keys = ("api_version", "type", "serial", "label", "addinfo", "software_version")
    assert ":".join(str(said[key]) for key in keys).startswith("1:Bluefors TC:BF123:")
    assert post(base, "heater/update", heater_nr=1, active=True, setpoint=1.2)["setpoint"] == 1.2
    said = post(base, "statemachine/update", wait_time=2, meas_time=2)
    assert (said["wait_time"], said["meas_time"], said["measuring"]) == (2, 2, True)
    assert post(base, "channel/update", channel_nr=1, active=False)["active"] is False


def test_served_it_sends_measurements_to_whoever_listens_and_what_changes() -> None:
    """The whole server, at the vendor's ports; TR 4.2's listener, with its timeout of 10 s."""
    options = {"channels": {6: "mixing_chamber"}, "heaters": {4: "mixing_chamber"}}
    with twin_instrument("bluefors_tc", options=options) as box:
        assert box.ports == {"http": 5001, "websocket": 5002}
        http, ws = (f"{box.host}:{box.ports[port]}" for port in ("http", "websocket"))
        post(f"http://{http}", "statemachine/update", wait_time=1, meas_time=1)
        with (
            connect(f"ws://{ws}/channel/measurement/listen") as measured,
            connect(f"ws://{ws}/heater/listen") as heaters,
        ):
            post(f"http://{http}", "heater/update", heater_nr=4, power=1e-6, active=True)
            news = json.loads(heaters.recv(10))
            assert (news["heater_nr"], news["power"], news["active"]) == (4, 1e-6, True)
            data = json.loads(measured.recv(10))
            assert (data["status"], data["channel_nr"]) == ("OK", 6)
            assert 0 < data["temperature"] < 0.05
        with pytest.raises(Exception, match="404"), connect(f"ws://{ws}/nothing/listen"):
            pass
        assert not box.unknown
