import json

import pytest

from podium.firmware_interfaces import bluefors_control as api
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.steady_cryostat import STEADY, SteadyCryostat
from podium.sim_instruments.twins.bluefors_control.control_software import BlueforsControl
from podium.sim_instruments.twins.twin import IDLE, HasTlsPorts, Twin

NOW_FS = 1_800_000_037 * FS_PER_S
HEATER_4 = "driver.bftc.data.heaters.heater_4"


class Fridge(SteadyCryostat):
    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, float] = {}
        self.written: list[tuple[str, float, int]] = []

    def read(self, name: str, now_fs: int) -> float:
        return self.shown[name] if name in self.shown else super().read(name, now_fs)

    def write(self, name: str, value: float, now_fs: int) -> None:
        super().write(name, value, now_fs)
        self.written.append((name, value, now_fs))


class Lab:
    def __init__(self, **options) -> None:
        self.fridge = Fridge()
        self.twin = BlueforsControl(
            "1234", self.fridge.read, self.fridge.write, {6: "mxc", 5: "still"}, **options
        )
        self.session = self.twin.open("http")
        self.now_fs = NOW_FS

    def ask(self, method: str, target: str, body: bytes = b"", port: str = "http"):
        session = self.session if port == "http" else self.twin.open(port)
        head = f"{method} {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        answer = session.feed(head.encode() + body, self.now_fs)
        status, _, content = answer.partition(b"\r\n\r\n")
        return int(status.split()[1]), json.loads(content)

    def get(self, target: str):
        status, answer = self.ask("GET", target)
        assert (status, answer["status"]) == (200, "SUCCEEDED")
        return answer["data"]

    def value(self, path: str) -> str:
        return self.get(api.url_of(path))[path]["content"]["latest_value"]["value"]

    def set(self, path: str, value) -> tuple[int, dict]:
        content = {"call": 1} if value is None else {"value": value}
        body = json.dumps({"data": {path: {"content": content}}}).encode()
        return self.ask("POST", "/values/", body)


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_it_is_a_twin(lab) -> None:
    twin: Twin = lab.twin
    assert (twin.ports, twin.horizon(NOW_FS)) == ({"http": 49099, "https": 49098}, IDLE)
    assert isinstance(twin, HasTlsPorts)
    assert twin.tls_ports == {"https"}
    with pytest.raises(KeyError, match="there are http, https"):
        twin.open("scpi")
    with pytest.raises(ValueError, match="channel 4: the control software has 1, 2, 3"):
        BlueforsControl("1", lab.fridge.read, lab.fridge.write, {4: "still"})


def test_a_value_has_the_form_that_clients_take(lab) -> None:
    path = "mapper.bf.temperatures.tstill"
    sample = {
        "value": "0.773",
        "outdated": False,
        "date": 1_800_000_000_000,
        "status": "SYNCHRONIZED",
        "exception": "",
    }
    assert lab.get("/values/mapper/bf/temperatures/tstill") == {
        path: {
            "name": path,
            "type": "Value.Number.Float.Unit.temperature",
            "content": {
                "latest_value": sample,
                "latest_valid_value": sample,
                "read_only": True,
            },
        }
    }


@pytest.mark.parametrize(
    ("path", "signal", "unit"),
    [
        ("mapper.bf.temperatures.t50k", "temperature.first_stage", 1),
        ("mapper.bf.temperatures.t4k", "temperature.second_stage", 1),
        ("mapper.bf.temperatures.tmixing", "temperature.mixing_chamber", 1),
        ("mapper.temperature_control.sensors.t6.temperature", "temperature.mixing_chamber", 1),
        ("mapper.heater_mappings_bftc.device.c5.temperature", "temperature.still", 1),
        ("mapper.bf.pressures.p3", "pressure.p3", 1e5),
        ("driver.maxigauge.pressures.p3", "pressure.p3", 100),
        ("mapper.bflegacy.double.p3", "pressure.p3", 100),
        ("mapper.bf.flow", "flow.circulation", 1e-3),
        ("mapper.bflegacy.double.tc400actualspd", "turbo1.speed", 1),
        ("driver.cpa.helium_temperature", "compressor.helium", 1),
        ("mapper.bflegacy.double.cpahours", "compressor.run_time", 3600),
    ],
)
def test_values_are_the_fridge_s_in_their_units(lab, path, signal, unit) -> None:
    assert float(lab.value(path)) * unit == pytest.approx(STEADY[signal])


def test_the_compressor_s_temperatures_are_celsius_by_their_old_names(lab) -> None:
    assert float(lab.value("mapper.bflegacy.double.cpatempwi")) == pytest.approx(20.235)
    assert float(lab.value("driver.cpa.coolant_in_temperature")) == pytest.approx(293.385)


def test_a_sensor_that_there_is_not_has_no_value_and_is_not_enabled(lab) -> None:
    folder = lab.get("/values/mapper/bf/temperatures/")
    magnet = folder["mapper.bf.temperatures.tmagnet"]["content"]["latest_value"]
    assert (magnet["value"], magnet["status"]) == ("", "INVALID")
    assert lab.value("mapper.bf.temperatures.tmagnet_enabled") == "0"
    assert lab.value("mapper.bf.temperatures.tmixing_enabled") == "1"


def test_a_reading_that_is_no_number_is_invalid(lab) -> None:
    lab.fridge.shown["pressure.p1"] = float("nan")
    node = lab.get("/values/mapper/bf/pressures/p1")["mapper.bf.pressures.p1"]
    assert node["content"]["latest_value"]["status"] == "INVALID"
    assert node["content"]["latest_value"]["value"] == ""


def test_the_facility_s_thermometry_is_read_where_there_is_one() -> None:
    lab = Lab(reading=lambda channel, now_fs: channel / 1000)
    assert lab.value("mapper.bf.temperatures.tmixing") == "0.006"
    assert lab.value("mapper.bf.temperatures.tstill") == "0.005"
    assert lab.value("mapper.bf.temperatures.t4k") == "2.99"


def test_a_folder_is_all_below_it_or_some_levels(lab) -> None:
    valves = lab.get("/values/mapper/bf/valves")
    assert set(valves) == {f"mapper.bf.valves.v{n}" for n in range(1, 24)}
    assert lab.get("/values/mapper/bf/?recursion=0") == {}
    assert set(lab.get("/values/mapper/bf/?recursion=1")) == {
        "mapper.bf.flow",
        "mapper.bf.pulsetube",
    }
    assert len(lab.get("/values/")) == 170


def test_fields_leave_the_others_out(lab) -> None:
    node = lab.get("/values/mapper/bf/flow?fields=value;status")["mapper.bf.flow"]
    assert node["content"]["latest_value"] == {"value": "0.64", "status": "SYNCHRONIZED"}


@pytest.mark.parametrize(
    ("path", "signal", "on"),
    [
        ("mapper.bf.valves.v13", "valve.v13.open", 1.0),
        ("mapper.bflegacy.boolean.v13", "valve.v13.open", 1.0),
        ("mapper.bf.pumps.turbo2", "pump.turbo2.on", 1.0),
        ("mapper.bf.heaters.hs-mc", "heat_switch.on", 1.0),
        ("mapper.bf.heaters.heater", "heater.4k.power", 50.0),
    ],
)
def test_what_is_switched_is_the_fridge_s(lab, path, signal, on) -> None:
    assert lab.value(path) == "0"
    status, answer = lab.set(path, True)
    assert (status, answer["data"][path]["content"]["latest_value"]["value"]) == (200, "1")
    assert lab.set(path, "0")[0] == 200
    assert lab.fridge.written == [(signal, on, NOW_FS), (signal, 0.0, NOW_FS)]


def test_a_heater_is_set_in_two_steps(lab) -> None:
    for name, value in (("power", 2e-5), ("active", 1)):
        status, answer = lab.set(f"{HEATER_4}.{name}", value)
        content = answer["data"][f"{HEATER_4}.{name}"]["content"]
        assert (status, content["latest_value"]["status"]) == (200, "CHANGED")
        assert content["latest_valid_value"]["value"] == "0"
    assert lab.fridge.written == []
    assert lab.set(f"{HEATER_4}.write", None)[0] == 200
    assert lab.fridge.written == [("heater.mixing_chamber.power", 2e-5, NOW_FS)]
    node = lab.get(api.url_of(f"{HEATER_4}.power"))[f"{HEATER_4}.power"]["content"]
    assert node["latest_value"] == node["latest_valid_value"]
    assert (node["latest_value"]["value"], node["latest_value"]["status"]) == (
        "2e-05",
        "SYNCHRONIZED",
    )
    lab.set(f"{HEATER_4}.active", 0)
    lab.set(f"{HEATER_4}.write", None)
    assert lab.fridge.written[-1] == ("heater.mixing_chamber.power", 0.0, NOW_FS)


def test_one_heater_s_write_leaves_the_others_staged(lab) -> None:
    lab.set("driver.bftc.data.heaters.heater_3.power", 0.02)
    lab.set(f"{HEATER_4}.write", None)
    assert [name for name, *_ in lab.fridge.written] == ["heater.mixing_chamber.power"]
    still = lab.get(api.url_of("driver.bftc.data.heaters.heater_3.power"))
    (node,) = still.values()
    assert node["content"]["latest_value"]["status"] == "CHANGED"


def test_heaters_begin_as_the_fridge_has_them(lab) -> None:
    assert lab.value("driver.bftc.data.heaters.heater_3.power") == "0.01"
    assert lab.value("driver.bftc.data.heaters.heater_3.active") == "1"


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "name"),
    [
        ("GET", "/values/mapper/bf/nothing", b"", 404, "NODE_NOT_FOUND"),
        ("GET", "/nothing", b"", 404, "NOT_FOUND"),
        ("GET", "/resources/layout.xml", b"", 404, "NOT_FOUND"),
        ("GET", "/values/mapper?style=tree", b"", 400, "BAD_REQUEST"),
        ("GET", "/values/mapper?recursion=deep", b"", 400, "BAD_REQUEST"),
        ("DELETE", "/values/mapper/bf/flow", b"", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/system", b"", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/values/", b"", 400, "BAD_REQUEST"),
        ("POST", "/values/", b"data=mapper.bf", 400, "BAD_REQUEST"),
        ("POST", "/values/", b'{"data": {"mapper.bf.flow": 1}}', 400, "BAD_REQUEST"),
    ],
)
def test_what_makes_no_sense_is_refused(lab, method, target, body, status, name) -> None:
    said, answer = lab.ask(method, target, body)
    assert (said, answer["status"]) == (status, "ERROR")
    assert (answer["error"]["code"], answer["error"]["name"]) == (status, name)
    assert answer["error"]["description"]
    assert lab.value("mapper.bf.flow") == "0.64"


@pytest.mark.parametrize(
    ("path", "value", "status", "name"),
    [
        ("mapper.bf.temperatures.tmixing", 0.01, 403, "READ_ONLY"),
        ("mapper.bf.valves.v1", 2, 400, "INVALID_VALUE"),
        ("mapper.bf.valves.v1", 0.5, 400, "INVALID_VALUE"),
        ("mapper.bf.valves.v1", "open", 400, "INVALID_VALUE"),
        ("mapper.bf.valves.v1", "nan", 400, "INVALID_VALUE"),
        ("mapper.bf.valves.v1", None, 400, "INVALID_VALUE"),
        (f"{HEATER_4}.power", -1e-6, 400, "INVALID_VALUE"),
        (f"{HEATER_4}.power", 1, 400, "INVALID_VALUE"),
        (f"{HEATER_4}.write", 1, 400, "INVALID_VALUE"),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_with_it(lab, path, value, status, name) -> None:
    assert lab.set(path, value)[1]["error"]["name"] == name
    content = {"call": 1} if value is None else {"value": value}
    both = {"mapper.bf.valves.v2": {"content": {"value": 1}}, path: {"content": content}}
    body = json.dumps({"data": both}).encode()
    assert lab.ask("POST", "/values/", body)[0] == status
    assert lab.fridge.written == []


def test_a_path_that_there_is_not_is_passed_over_unless_it_must_exist(lab) -> None:
    status, answer = lab.set("mapper.bf.valves.v99", 1)
    assert (status, answer["data"]) == (200, {})
    body = b'{"data": {"mapper.bf.valves.v99": {"content": {"value": 1}}}}'
    assert lab.ask("POST", "/values/?must_exist=1", body)[0] == 404
    assert lab.twin.tallies()["unknown"] == 2


def test_https_wants_its_key_and_http_none() -> None:
    lab = Lab(key="a-key")
    target = "/values/mapper/bf/flow"
    for key in ("", "?key=", "?key=another", "?key=a-key%00"):
        status, answer = lab.ask("GET", target + key, port="https")
        assert (status, answer["error"]["name"]) == (401, "UNAUTHORIZED")
    assert lab.ask("GET", f"{target}?key=a-key", port="https")[0] == 200
    assert lab.ask("GET", target)[0] == 200
    assert lab.ask("GET", f"{target}?key=another")[0] == 200
    assert len(Lab().twin.key) == 36


def test_it_says_who_it_is_at_both_places_where_clients_look(lab) -> None:
    status, answer = lab.ask("GET", "/system")
    assert (status, answer["api_version"], answer["data"]["api_version"]) == (200, "v2.2", "v2.2")
    assert answer["system_name"] == "LD400 1234"


def test_settings_that_mean_nothing_are_counted(lab) -> None:
    lab.set("mapper.bf.heaters.ext", 1)
    assert lab.value("mapper.bf.heaters.ext") == "1"
    lab.set(f"{HEATER_4}.pid_mode", 1)
    assert lab.twin.tallies()["unmeant"] == 2


def test_it_tells_what_it_is_asked(lab) -> None:
    told = []
    lab.twin.tell(lambda text, verdict: told.append((text, verdict)))
    lab.value("mapper.bf.flow")
    lab.set("mapper.bf.heaters.ext", 1)
    lab.ask("GET", "/values/nothing")
    lab.set("mapper.bf.flow", 1)
    assert told == [
        ("GET /values/mapper/bf/flow/", "known"),
        ('POST /values/ {"data": {"mapper.bf.heaters.ext": {"content": {"value": 1}}}}', "unmeant"),
        ("GET /values/nothing", "unknown"),
        ('POST /values/ {"data": {"mapper.bf.flow": {"content": {"value": 1}}}}', "refused"),
    ]


def test_switched_off_it_forgets_what_no_device_has_been_sent(lab) -> None:
    power, write = f"{HEATER_4}.power", f"{HEATER_4}.write"
    lab.set(power, 1e-5)
    lab.set(write, None)
    lab.set(power, 2e-5)
    assert lab.value(power) == "2e-05"
    lab.twin.power_cycle(lab.now_fs)
    assert lab.value(power) == "1e-05"
