import struct

import pytest

from podium.firmware_interfaces import cryomech_cpa as box
from podium.firmware_interfaces.cryomech_cpa import State, Trouble
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat
from podium.sim_instruments.twins.cryomech_cpa import PULSE_PA, CryomechCpa
from podium.sim_instruments.twins.twin import IDLE, HangsUp, Twin

NOW_FS = 1_800_000_000 * FS_PER_S


class Plant(SteadyCryostat):
    """A fridge whose compressor takes its time, and can be broken."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, float] = {}

    def read(self, name: str, now_fs: int) -> float:
        return self.shown[name] if name in self.shown else super().read(name, now_fs)


class Lab:
    def __init__(self) -> None:
        self.plant = Plant()
        self.twin = CryomechCpa("CPA-4321", self.plant.read, self.plant.write)
        self.session = self.twin.open("modbus")
        self.now_fs = NOW_FS

    def ask(self, pdu: str, unit: int = 16) -> bytes:
        body = bytes((unit,)) + bytes.fromhex(pdu)
        sent = struct.pack(">HHH", 7, 0, len(body)) + body
        answer = self.session.feed(sent, self.now_fs)
        assert struct.unpack(">HHHB", answer[:7]) == (7, 0, len(answer) - 6, unit)
        return answer[7:]

    def registers(self, first: int = 1, count: int = 33) -> list[int]:
        answer = self.ask(f"04 {first:04x} {count:04x}")
        assert answer[:2] == bytes((4, 2 * count))
        return list(struct.unpack(f">{count}H", answer[2:]))

    def panel(self) -> box.Panel:
        return box.decode_panel(self.registers())


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_it_is_a_twin(lab: Lab) -> None:
    twin: Twin = lab.twin
    assert (twin.ports, twin.horizon(NOW_FS)) == ({"modbus": 502}, IDLE)
    assert isinstance(lab.session, HangsUp)
    with pytest.raises(KeyError, match="there is modbus"):
        twin.open("scpi")


@pytest.mark.parametrize("unit", [0, 1, 16, 255])
def test_any_unit_number_is_answered(lab: Lab, unit: int) -> None:
    assert lab.ask("04 0001 0002", unit) == bytes.fromhex("04 04 0003 0001")


def test_it_shows_what_the_fridge_says(lab: Lab) -> None:
    panel = lab.panel()
    assert (panel.state, panel.running, panel.serial) == (State.RUNNING, True, 4321)
    assert box.product(panel.model) == "CPA1110"
    for name in ("coolant_in", "coolant_out", "oil", "helium", "motor_current", "run_time"):
        expected = lab.plant.read(f"compressor.{name}", NOW_FS)
        assert panel.values[name] == pytest.approx(expected, rel=1e-6), name
    low, high = (panel.values[f"{side}_pressure_average"] for side in ("low", "high"))
    assert panel.values["pressure_difference"] == pytest.approx(high - low, rel=1e-6)


def test_pressures_pulse_about_their_averages_while_it_runs(lab: Lab) -> None:
    seen = []
    for step in range(40):
        lab.now_fs = NOW_FS + step * FS_PER_S // 20
        values = lab.panel().values
        seen.append(values["low_pressure"] - values["low_pressure_average"])
    assert max(seen) == pytest.approx(PULSE_PA, rel=0.05)
    assert min(seen) == pytest.approx(-PULSE_PA, rel=0.05)
    lab.ask("06 0001 00FF")
    still = lab.panel().values
    assert still["low_pressure"] == still["low_pressure_average"]


@pytest.mark.parametrize("stop", ["00FF", "FFFF"])
def test_it_is_stopped_and_started_by_the_fridge(lab: Lab, stop: str) -> None:
    assert lab.ask(f"06 0001 {stop}") == bytes.fromhex(f"06 0001 {stop}")
    assert lab.plant.read("pulse_tube.on", NOW_FS) == 0
    assert (lab.panel().state, lab.panel().running) == (State.IDLE, False)
    assert lab.ask("03 0001 0001") == bytes.fromhex("03 02 00FF")
    lab.plant.shown["compressor.running"] = 0.0
    lab.ask("06 0001 0001")
    assert (lab.panel().state, lab.panel().running) == (State.STARTING, False)
    del lab.plant.shown["compressor.running"]
    assert lab.panel().state == State.RUNNING
    lab.plant.shown["compressor.running"] = 1.0
    lab.ask(f"06 0001 {stop}")
    assert (lab.panel().state, lab.panel().running) == (State.STOPPING, True)


def test_who_else_switches_it_is_seen(lab: Lab) -> None:
    lab.plant.write("pulse_tube.on", 0.0, NOW_FS)
    assert lab.panel().state == State.IDLE


def test_a_trip_shows_as_an_error_with_its_bits_in_both_formats(lab: Lab) -> None:
    lab.plant.shown |= {
        "compressor.running": 0.0,
        "compressor.errors": float(Trouble.COOLANT_OUT_HIGH | Trouble.HELIUM_HIGH),
        "compressor.warnings": float(Trouble.COOLANT_IN_HIGH),
    }
    panel = lab.panel()
    assert (panel.state, panel.running) == (State.ERROR, False)
    assert panel.errors == Trouble.COOLANT_OUT_HIGH | Trouble.HELIUM_HIGH
    assert panel.warnings == Trouble.COOLANT_IN_HIGH
    low, high = lab.registers(54, 2)
    assert struct.unpack(">i", struct.pack(">HH", high, low)) == (-68,)
    lab.plant.shown["compressor.errors"] = float(Trouble.POWER_SUPPLY)
    assert lab.panel().state == State.POWER_ERROR


def test_tenths_agree_with_floats(lab: Lab) -> None:
    tenths = lab.registers(40, 12)
    assert tenths[:4] == [202, 323, 362, 709]
    assert tenths[10] | tenths[11] << 16 == 201_221


@pytest.mark.parametrize(
    ("pdu", "answer"),
    [
        ("04 0000 0001", "84 02"),
        ("04 0001 0038", "84 02"),
        ("04 0038 0001", "84 02"),
        ("04 0001 0000", "84 03"),
        ("03 0002 0001", "83 02"),
        ("06 0002 0001", "86 02"),
        ("06 0001 0002", "86 03"),
        ("10 0001 0002 04 0001 0001", "90 02"),
        ("01 0000 0001", "81 01"),
        ("2B 0E 01 00", "AB 01"),
    ],
)
def test_what_there_is_not_is_refused(lab: Lab, pdu: str, answer: str) -> None:
    """The panel's user manual lists input registers 1 to 55 and one holding register, 1; what else
    there is to refuse has the exceptions of the Modbus specification, chapter 6.
    """
    assert lab.ask(pdu) == bytes.fromhex(answer)
    assert lab.panel().running


def test_what_is_no_modbus_ends_the_connection_and_no_other(lab: Lab) -> None:
    other = lab.twin.open("modbus")
    assert other.feed(b"GET / HTTP/1.1\r\n\r\n", NOW_FS) == b""
    assert isinstance(other, HangsUp)
    assert other.ended
    assert other.feed(b"\0\1\0\0\0\6\1\4\0\1\0\1", NOW_FS) == b""
    assert lab.panel().running


def test_it_counts_and_tells_what_it_is_asked(lab: Lab) -> None:
    told = []
    lab.twin.tell(lambda text, verdict: told.append((text, verdict)))
    for pdu in ("04 0001 0021", "06 0001 0001", "04 0000 0001", "06 0001 0007", "2B 0E 01 00"):
        lab.ask(pdu)
    assert told == [
        ("read input 1 to 33", "known"),
        ("write one 1: 1", "known"),
        ("read input 0 to 0", "unknown"),
        ("write one 1: 7", "refused"),
        ("2b 0e 01 00 (illegal function)", "unknown"),
    ]
    assert lab.twin.tallies() == {"commands": 5, "unknown": 2, "unmeant": 0}


def test_switched_off_and_on_it_waits_to_be_started(lab: Lab) -> None:
    lab.twin.power_cycle(NOW_FS)
    assert lab.plant.read("pulse_tube.on", NOW_FS) == 0
