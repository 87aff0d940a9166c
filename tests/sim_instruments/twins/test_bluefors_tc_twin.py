import itertools
import json
from typing import Any

import pytest

from podium.firmware_interfaces import bluefors_tc as api
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import MODELS
from podium.sim_instruments.physics.cryostat.plant import Cryostat
from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat
from podium.sim_instruments.servers.fridge_plants import CoupledPlant
from podium.sim_instruments.twins.bluefors_tc.controller import BlueforsTc
from podium.sim_instruments.twins.bluefors_tc.history import NOISE
from podium.sim_instruments.twins.bluefors_tc.rounds import MeasurementRounds, Stop
from podium.sim_instruments.twins.twin import IDLE, ActsByItself, HangsUp, Twin

NOW_FS = 1_800_000_000 * FS_PER_S
CHANNELS = {5: "still", 6: "mixing_chamber"}
HEATERS = {3: "still", 4: "mixing_chamber"}
FIVE_SIGMA = 5 * NOISE


class Lab:
    def __init__(self) -> None:
        self.fridge = SteadyCryostat()
        self.shown: dict[str, float] = {}
        self.twin = BlueforsTc("1", self.read, self.fridge.write, CHANNELS, HEATERS)
        self.now_fs = NOW_FS

    def read(self, name: str, now_fs: int) -> float:
        return self.shown[name] if name in self.shown else self.fridge.read(name, now_fs)

    def ask(self, endpoint: str, **payload: Any) -> dict[str, Any]:
        body, good = self.twin.answer(endpoint, json.dumps(payload).encode(), self.now_fs)
        said = json.loads(body)
        assert good == (said["status"] == "OK"), said
        return said

    def history(self, channel: int, since_s: float, until_s: float) -> list[tuple[float, float]]:
        origin = NOW_FS / FS_PER_S - 37
        span = [api.utc_text(origin + one) for one in (since_s, until_s)]
        said = self.ask(
            api.CHANNEL_HISTORY,
            channel_nr=channel,
            start_time=span[0],
            stop_time=span[1],
            fields=["temperature"],
        )["measurements"]
        times = [one - origin for one in said["timestamp"]]
        return list(zip(times, said["temperature"], strict=True))


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_it_is_a_twin(lab: Lab) -> None:
    twin: Twin = lab.twin
    assert (twin.ports, twin.horizon(NOW_FS)) == ({"http": 5001, "websocket": 5002}, IDLE)
    assert isinstance(twin, ActsByItself)
    assert isinstance(twin.open("http"), HangsUp)
    with pytest.raises(KeyError, match="there are http, websocket"):
        twin.open("mqtt")
    with pytest.raises(ValueError, match="1 to 12"):
        BlueforsTc("1", lab.read, lab.fridge.write, {13: "x"})


def test_a_channel_is_measured_in_its_turn_only(lab: Lab) -> None:
    """Two channels of 8 s: each has a result every 16 s, and what it says stays until then."""
    ends = [second for second, _ in lab.history(6, -100, 0)]
    assert [round(b - a) for a, b in itertools.pairwise(ends)] == [16] * (len(ends) - 1)
    others = [second for second, _ in lab.history(5, -100, 0)]
    assert {round(abs(a - b)) % 16 for a in ends for b in others} == {8}
    before = lab.history(6, -100, 0)
    lab.now_fs += 100 * FS_PER_S
    assert lab.history(6, -100, 0) == before


def test_its_readings_are_the_fridge_s_with_noise(lab: Lab) -> None:
    kelvin = [one for _, one in lab.history(6, -1000, 0)]
    assert len(set(kelvin)) == len(kelvin) > 50
    mean = sum(kelvin) / len(kelvin)
    assert mean == pytest.approx(7.14e-3, rel=FIVE_SIGMA / len(kelvin) ** 0.5)
    assert max(abs(one / 7.14e-3 - 1) for one in kelvin) < FIVE_SIGMA


def test_what_is_below_its_curve_has_a_resistance_and_no_temperature(lab: Lab) -> None:
    lab.shown["temperature.mixing_chamber"] = 4e-3
    found = lab.twin.history.measurement(6, NOW_FS)
    assert (found["temperature"], found["status_flags"]) == (None, [511])
    assert found["resistance"] > 20_000
    nobody = lab.twin.history.measurement(9, NOW_FS)
    assert (nobody["resistance"], nobody["status_flags"]) == (None, [200])


def test_a_channel_that_is_switched_off_has_no_more_turns(lab: Lab) -> None:
    lab.ask(api.CHANNEL_UPDATE, channel_nr=5, active=False)
    lab.now_fs += 100 * FS_PER_S
    assert not lab.history(5, 1, 100)
    assert len(lab.history(6, 1, 100)) == 12
    assert lab.history(5, -50, 0)
    lab.ask(api.CHANNEL_UPDATE, channel_nr=6, active=False)
    said = lab.ask(api.STATEMACHINE)
    assert (said["measuring"], said["channel_nr"]) == (False, 6)


def test_heaters_are_found_as_the_fridge_has_them_and_limited(lab: Lab) -> None:
    still = lab.ask(api.HEATER, heater_nr=3)
    assert (still["active"], still["power"], still["name"]) == (True, 0.01, "still")
    lab.ask(api.HEATER_UPDATE, heater_nr=4, active=True, power=0.5)
    assert lab.fridge.read("heater.mixing_chamber.power", 0) == 0.01  # its safety limit
    lab.ask(api.HEATER_UPDATE, heater_nr=4, max_power=1.0, resistance=20)
    assert lab.fridge.read("heater.mixing_chamber.power", 0) == pytest.approx(0.2)  # 100 mA
    lab.ask(api.HEATER_UPDATE, heater_nr=4, active=False)
    assert lab.fridge.read("heater.mixing_chamber.power", 0) == 0


def test_what_nothing_depends_on_is_counted(lab: Lab) -> None:
    lab.ask(api.CHANNEL_UPDATE, channel_nr=5, calib_curve_nr=3)
    lab.ask(api.RELAY_UPDATE, heater_nr=3, relay_mode=0)
    assert lab.ask(api.RELAY, heater_nr=3)["relay_status"] == 0
    assert lab.twin.tallies() == {"commands": 3, "unknown": 0, "unmeant": 2}


def test_it_tells_what_it_is_asked(lab: Lab) -> None:
    told = []
    lab.twin.tell(lambda text, verdict: told.append((text, verdict)))
    lab.twin.answer(api.SYSTEM, b"", NOW_FS)
    lab.twin.answer(api.HEATER, b'{"heater_nr": 9}', NOW_FS)
    with pytest.raises(LookupError):
        lab.twin.answer("/nothing", b"", NOW_FS)
    assert told == [
        ("/system", "known"),
        ('/heater {"heater_nr": 9}', "refused"),
        ("/nothing", "unknown"),
    ]


def test_rounds_have_results_at_the_ends_of_their_stops_and_across_changes() -> None:
    """Against a slow list of what happens second by second."""
    rounds = MeasurementRounds((Stop(1, 3), Stop(2, 5)))
    rounds.change((Stop(7, 4),), 20)
    rounds.change((), 33)
    expected = [(3, 1), (8, 2), (11, 1), (16, 2), (19, 1), (24, 7), (28, 7), (32, 7)]
    assert rounds.results(0, 40) == expected
    for now in range(3, 40):
        assert rounds.latest(now) == max(one for one in expected if one[0] <= now)
    assert rounds.latest(2) is None
    assert [rounds.channel(now) for now in (34, 60)] == [7, 7]
    assert MeasurementRounds((Stop(1, 3), Stop(2, 5))).channel(4) == 2


def test_its_loop_regulates_the_mixing_chamber_of_a_plant() -> None:
    """30 mK by its own gains; the same whoever looks when."""

    def regulated(look_every_s: int) -> tuple[float, float]:
        plant = Cryostat(MODELS["LD400"], NOW_FS, start="cold", seed=2)
        coupled = CoupledPlant(plant, NOW_FS)
        twin = BlueforsTc("1", coupled.read, coupled.write, {6: "mixing_chamber"}, HEATERS)
        coupled.attach(twin)
        update = {"heater_nr": 4, "active": True, "pid_mode": 1, "setpoint": 0.03}
        _, good = twin.answer(api.HEATER_UPDATE, json.dumps(update).encode(), NOW_FS)
        assert good
        assert twin.acts
        end_fs = NOW_FS + 1800 * FS_PER_S
        for at_fs in range(NOW_FS, end_fs, look_every_s * FS_PER_S):
            coupled.advance(at_fs)
        return coupled.temperature_k("mixing_chamber", end_fs), twin.heaters.power_w(4, end_fs)

    kelvin, power_w = regulated(600)
    assert kelvin == pytest.approx(0.03, rel=0.03)
    assert 5e-6 < power_w < 1e-4
    assert regulated(37) == (kelvin, power_w)


def test_switched_off_and_on_it_keeps_settings_and_its_heaters_are_off(lab: Lab) -> None:
    lab.ask(api.HEATER_UPDATE, heater_nr=4, active=True, power=0.005)
    lab.ask(api.CHANNEL_UPDATE, channel_nr=6, name="mxc")
    lab.now_fs += 3600 * FS_PER_S
    before = lab.history(6, 0, 3600)
    lab.twin.power_cycle(lab.now_fs)
    heater = lab.ask(api.HEATER, heater_nr=4)
    assert (heater["active"], heater["power"]) == (False, 0.005)
    assert lab.fridge.read("heater.mixing_chamber.power", 0) == 0
    assert lab.ask(api.CHANNEL, channel_nr=6)["name"] == "mxc"
    assert lab.history(6, 0, 3600) == before
