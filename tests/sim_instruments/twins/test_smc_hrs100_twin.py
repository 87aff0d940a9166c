import struct

import pytest

from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.smc_hrs100 import Alarm, Status
from podium.sim_instruments.physics.cryostat.parameters import MODELS
from podium.sim_instruments.physics.cryostat.plant import Cryostat
from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat
from podium.sim_instruments.servers.fridge_plants import CoupledPlant
from podium.sim_instruments.twins.smc_hrs100 import HOT_K, LAG_S, SmcHrs100
from podium.sim_instruments.twins.twin import IDLE, ActsByItself, HangsUp, Twin

NOW_FS = 1_800_000_000 * FS_PER_S


class Plant(SteadyCryostat):
    """A fridge whose readings can be put in its mouth."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, float] = {}

    def read(self, name: str, now_fs: int) -> float:
        return self.shown[name] if name in self.shown else super().read(name, now_fs)


class Lab:
    def __init__(self, size: str = "HRS100") -> None:
        self.plant = Plant()
        self.twin = SmcHrs100("7", self.plant.read, self.plant.write, size=size)
        self.session = self.twin.open("modbus")
        self.now_fs = NOW_FS
        self.twin.advance(NOW_FS)

    def ask(self, pdu: str, unit: int = 1) -> bytes:
        body = bytes((unit,)) + bytes.fromhex(pdu)
        sent = struct.pack(">HHH", 7, 0, len(body)) + body
        answer = self.session.feed(sent, self.now_fs)
        assert struct.unpack(">HHHB", answer[:7]) == (7, 0, len(answer) - 6, unit)
        return answer[7:]

    def water_k(self, after_s: float) -> float:
        self.now_fs = NOW_FS + round(after_s * FS_PER_S)
        return self.twin.state(self.now_fs).temperature_k


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_it_is_a_twin_that_acts_by_itself(lab: Lab) -> None:
    twin: Twin = lab.twin
    assert (twin.ports, twin.horizon(NOW_FS)) == ({"modbus": 502}, IDLE)
    assert isinstance(twin, ActsByItself)
    assert isinstance(lab.session, HangsUp)
    with pytest.raises(KeyError, match="there is modbus"):
        twin.open("scpi")


def test_it_begins_with_the_water_as_it_is_and_then_nothing_moves(lab: Lab) -> None:
    state = lab.twin.state(NOW_FS)
    assert (state.temperature_k, state.set_temperature_k) == (293.15, 293.15)
    assert not lab.twin.acts
    assert lab.water_k(3600) == 293.15


def test_the_water_goes_to_its_set_temperature_with_a_lag(lab: Lab) -> None:
    lab.ask("06 000B 00C5")  # 19.7 C: no more than its capacity can do at once
    assert lab.twin.acts
    after_a_lag = lab.water_k(LAG_S)
    assert after_a_lag == pytest.approx(292.85 + 0.3 / 2.718, abs=2e-3)
    assert lab.water_k(10 * LAG_S) == pytest.approx(292.85, abs=3e-3)
    assert not lab.twin.acts
    assert lab.plant.read("water.temperature", 0) == pytest.approx(292.85, abs=4e-3)


def test_how_often_one_looks_changes_nothing() -> None:
    seldom, often = Lab(), Lab()
    for one in (seldom, often):
        one.ask("06 000B 00D2")
    for second in range(200):
        often.water_k(second + 0.37)
    assert seldom.water_k(201.5) == often.water_k(201.5)


def test_its_cooling_capacity_is_what_limits_it(lab: Lab) -> None:
    """The load is 8.4 kW here: 1.6 kW are left to cool 176 kJ/K, 0.009 K/s."""
    lab.ask("06 000B 0032")  # 5.0 C
    load_w = 700 * (lab.plant.read("compressor.coolant_out", 0) - 293.15)
    first_k, later_k = lab.water_k(1), lab.water_k(101)
    mean_load_w = load_w + 700 * (293.15 - (first_k + later_k) / 2)
    expected = (lab.twin.cooling_w - mean_load_w) / (42 * 4186)
    assert (first_k - later_k) / 100 == pytest.approx(expected, rel=0.02)


def test_stopped_no_water_flows_and_the_tank_takes_the_room_s_temperature(lab: Lab) -> None:
    lab.ask("06 000C 0000")
    state = lab.twin.state(NOW_FS)
    assert not state.status & Status.RUNNING
    assert (state.flow_m3_s, state.pressure_pa, state.wanted) == (0, 0, False)
    assert lab.plant.read("water.on", 0) == 0
    assert lab.water_k(11_700) == pytest.approx(295.15 - 2.0 / 2.718, abs=0.05)
    lab.ask("06 000C 0001")
    assert lab.plant.read("water.on", 0) == 1


def test_a_closed_valve_is_an_alarm_with_which_it_goes_on(lab: Lab) -> None:
    lab.plant.write("water.on", 0.0, 0)
    state = lab.twin.state(NOW_FS)
    assert state.status & Status.RUNNING
    assert state.status & Status.ALARM
    assert state.alarms[0] == Alarm.PRESSURE_RISE
    assert (state.flow_m3_s, state.pressure_pa) == (0.0, 0.5e6)


def test_what_trips_stays_off_until_it_is_switched_off_and_on(lab: Lab) -> None:
    lab.twin.trip(NOW_FS)
    state = lab.twin.state(NOW_FS)
    assert state.status & Status.STOPPED_BY_ALARM
    assert state.alarms[0] == Alarm.REFRIGERANT_PRESSURE
    lab.ask("06 000C 0001")
    assert not lab.twin.state(NOW_FS).status & Status.RUNNING
    lab.twin.power_cycle(NOW_FS)
    assert lab.twin.state(NOW_FS).status & Status.RUNNING
    assert lab.plant.read("water.on", 0) == 1


def test_the_larger_one_of_its_series_cools_half_as_much_again() -> None:
    """Catalogue CAT.EUS40-62B: 10 kW and 15 kW."""
    labs = {size: Lab(size) for size in ("HRS100", "HRS150")}
    for lab in labs.values():
        lab.ask("06 000B 0032")
        lab.plant.shown["compressor.coolant_out"] = lab.twin.state(NOW_FS).temperature_k
    drop_k = {size: lab.water_k(1) - lab.water_k(11) for size, lab in labs.items()}
    assert drop_k["HRS150"] > drop_k["HRS100"] > 0
    spared_w = (drop_k["HRS150"] - drop_k["HRS100"]) / 10 * 42 * 4186
    warmer_k = (drop_k["HRS150"] - drop_k["HRS100"]) / 2
    assert spared_w == pytest.approx(5e3 - 700 * warmer_k, rel=0.02)
    with pytest.raises(ValueError, match="HRS200"):
        Lab("HRS200")


def test_too_much_heat_stops_it_above_its_limit(lab: Lab) -> None:
    lab.twin.cooling_w = 0.0
    lab.plant.shown["compressor.coolant_out"] = 340.0
    lab.ask("06 000B 00C9")
    assert lab.water_k(30) < HOT_K
    lab.water_k(1200)
    assert lab.twin.state(lab.now_fs).alarms[0] == Alarm.DISCHARGE_HOT
    assert lab.plant.read("water.on", 0) == 0


@pytest.mark.parametrize(
    ("pdu", "answer"),
    [
        ("03 0010 0001", "83 02"),
        ("03 0000 0011", "83 02"),
        ("03 0000 0000", "83 03"),
        ("04 0000 0001", "84 01"),
        ("06 000A 0001", "86 02"),
        ("06 000B 015F", "86 03"),
        ("10 000F 0002 04 0001 0001", "90 02"),
        ("17 0000 0001 000B 0001 02 0000", "97 03"),
        ("17 0010 0001 000C 0001 02 0000", "97 02"),
        ("17 0000 0001 000C 0001 03 0000", "97 03"),
        ("17 0000", "97 03"),
        ("2B 0E 01 00", "AB 01"),
    ],
)
def test_what_there_is_not_is_refused_and_changes_nothing(lab: Lab, pdu: str, answer: str) -> None:
    assert lab.ask(pdu) == bytes.fromhex(answer)
    state = lab.twin.state(NOW_FS)
    assert (state.set_temperature_k, state.wanted) == (293.15, True)


def test_another_number_is_nobody_s(lab: Lab) -> None:
    assert lab.ask("03 0000 0001", unit=2) == bytes.fromhex("83 0B")
    with pytest.raises(ValueError, match="bus_address '0'"):
        SmcHrs100("1", lab.plant.read, lab.plant.write, "0")


def test_it_counts_and_tells_what_it_is_asked(lab: Lab) -> None:
    told = []
    lab.twin.tell(lambda text, verdict: told.append((text, verdict)))
    for pdu in ("03 0000 0010", "17 0004 0003 000B 0002 04 009B 0001", "06 0000 0001"):
        lab.ask(pdu)
    assert told == [
        ("read holding 0 to 15", "known"),
        ("write 11: 155, 1, then read 4 to 6", "known"),
        ("write one 0: 1", "unknown"),
    ]


def test_a_fridge_s_compressor_trips_without_its_chiller_and_not_with_it() -> None:
    """On the plant of an LD400: water at the set temperature, then none."""
    plant = Cryostat(MODELS["LD400"], NOW_FS, start="cold", seed=1)
    coupled = CoupledPlant(plant, NOW_FS)
    twin = SmcHrs100("1", coupled.read, coupled.write)
    coupled.attach(twin)
    session = twin.open("modbus")

    def ask(pdu: str, now_fs: int) -> None:
        body = b"\x01" + bytes.fromhex(pdu)
        assert session.feed(struct.pack(">HHH", 1, 0, len(body)) + body, now_fs)[7] < 0x80

    ask("06 000B 00A0", NOW_FS)  # 16.0 C
    later_fs = NOW_FS + 1200 * FS_PER_S
    coupled.advance(later_fs)
    assert coupled.read(signals.WATER_TEMPERATURE, later_fs) == pytest.approx(289.15, abs=5e-3)
    cooled = coupled.read("compressor.coolant_out", later_fs)
    assert cooled == pytest.approx(289.15 + 7500 / 700, abs=0.1)
    assert coupled.read("compressor.running", later_fs) == 1
    twin.trip(later_fs)
    coupled.advance(later_fs + 600 * FS_PER_S)
    assert coupled.read("compressor.running", later_fs + 600 * FS_PER_S) == 0
    assert coupled.read("compressor.errors", later_fs + 600 * FS_PER_S) > 0
