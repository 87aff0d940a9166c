"""The commands of a WebSocket, as the twin's conversation takes them."""

import json

import pytest

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat
from podium.sim_instruments.twins.bluefors_control import values_socket
from podium.sim_instruments.twins.bluefors_control.control_software import BlueforsControl
from podium.sim_instruments.twins.bluefors_control.values_socket import ValuesSocket

NOW_FS = 1_800_000_037 * FS_PER_S
T4K = "mapper.bf.temperatures.t4k"


class Client:
    def __init__(self, endpoint: str = "values") -> None:
        self.fridge = SteadyCryostat()
        self.shown: dict[str, float] = {}
        self.twin = BlueforsControl("1", self.read, self.fridge.write, {6: "mxc"})
        self.socket = ValuesSocket(self.twin, endpoint)
        self.now_fs = NOW_FS

    def read(self, name: str, now_fs: int) -> float:
        return self.shown[name] if name in self.shown else self.fridge.read(name, now_fs)

    def say(self, command: str, **data) -> list[dict]:
        text = json.dumps({"command": command, "id": "1f", "data": data})
        return [json.loads(one) for one in self.socket.receive(text, self.now_fs)]

    def do(self, command: str, **data):
        received, done = self.say(command, **data)
        assert received == {"id": "1f", "status": "RECEIVED"}
        assert (done["id"], done["status"]) == ("1f", "SUCCEEDED")
        return done["data"]

    def hear(self, after_s: float = 1.0) -> list[dict]:
        self.now_fs += round(after_s * FS_PER_S)
        return [json.loads(one)["data"] for one in self.socket.due(self.now_fs)]


@pytest.fixture
def client() -> Client:
    return Client()


def test_read_is_answered_twice_and_reads_one_level_where_one_is_asked(client) -> None:
    assert set(client.do("read", target=T4K)) == {T4K}
    assert client.do("read", target="mapper.bf") == {}
    levels = client.do("read", target="mapper.bf.pressures", recursion="1")
    assert set(levels) == {f"mapper.bf.pressures.p{n}" for n in range(1, 7)}


def test_set_sets(client) -> None:
    data = {"mapper.bf.valves.v2": {"content": {"value": 1}}}
    done = client.do("set", data=data)
    assert done["mapper.bf.valves.v2"]["content"]["latest_value"]["value"] == "1"
    assert client.fridge.read("valve.v2.open", NOW_FS) == 1


def test_who_listens_hears_what_changes_once_and_nothing_else(client) -> None:
    assert client.do("listen", target="mapper.bf.temperatures", recursive=True) == {}
    assert client.hear() == []
    client.shown["temperature.second_stage"] = 3.5
    (news,) = client.hear()
    assert set(news) == {T4K}
    assert news[T4K]["content"]["latest_value"]["value"] == "3.5"
    assert client.hear() == []


def test_news_is_gathered_between_two_looks(client) -> None:
    client.do("listen", target="mapper.bf.temperatures", recursive=True)
    client.hear()
    client.shown["temperature.second_stage"] = 3.5
    assert client.hear(0.2) == []
    client.shown["temperature.first_stage"] = 45.0
    (news,) = client.hear(0.9)
    assert len(news) == 2


def test_with_all_what_is_known_comes_at_once(client) -> None:
    client.do("listen", target=T4K, all=True)
    (news,) = client.hear(0)
    assert set(news) == {T4K}
    assert client.hear() == []


def test_who_listens_no_more_hears_no_more(client) -> None:
    client.do("listen", target="mapper.bf.temperatures", recursive=True)
    client.do("listen", target="mapper.bf.flow")
    assert client.do("status") == {"targets": ["mapper.bf.flow", "mapper.bf.temperatures"]}
    client.do("unlisten", target="mapper.bf", recursive=True)
    client.shown["temperature.second_stage"] = 3.5
    assert client.hear() == []
    assert client.do("status") == {"targets": []}


@pytest.mark.parametrize(
    ("command", "data", "name"),
    [
        ("read", {"target": "nothing"}, "NODE_NOT_FOUND"),
        ("listen", {"target": "nothing"}, "NODE_NOT_FOUND"),
        ("set", {"data": {"mapper.bf.flow": {"content": {"value": 1}}}}, "READ_ONLY"),
        ("sing", {}, "BAD_REQUEST"),
        ("read", {"target": 5}, "BAD_REQUEST"),
    ],
)
def test_what_cannot_be_done_is_refused(client, command, data, name) -> None:
    refused = client.say(command, **data)[-1]
    assert (refused["status"], refused["error"]["name"]) == ("ERROR", name)
    assert client.do("read", target=T4K)


def test_a_message_that_is_none_is_refused(client) -> None:
    (refused,) = client.socket.receive("half a {", NOW_FS)
    assert json.loads(refused)["error"]["name"] == "BAD_REQUEST"


def test_nobody_listens_to_more_than_there_is_room_for(client, monkeypatch) -> None:
    monkeypatch.setattr(values_socket, "TARGETS_MAX", 2)
    client.do("listen", target=T4K)
    client.do("listen", target="mapper.bf.flow")
    _, refused = client.say("listen", target="mapper.bf.pulsetube")
    assert "no more than 2" in refused["error"]["description"]


def test_the_system_is_read_and_nothing_else() -> None:
    client = Client("system")
    assert client.do("read")["api_version"] == "v2.2"
    assert client.say("set")[-1]["status"] == "ERROR"
