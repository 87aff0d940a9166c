import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces import pfeiffer_tc400 as box
from podium.firmware_interfaces import pfeiffer_telegram as telegrams
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.pfeiffer_telegram import Telegram, TelegramError
from podium.sim_instruments.physics.cryostat.parameters import MODELS
from podium.sim_instruments.physics.cryostat.plant import Cryostat
from podium.sim_instruments.twins.pfeiffer_tc400 import PfeifferTc400


class Box:
    def __init__(self) -> None:
        quantities = ("speed", "current", "voltage", "power", "error", "pump.turbo2.on")
        self.turbo = dict.fromkeys(quantities, 0.0)
        self.written: list[tuple[str, float, int]] = []
        self.twin = PfeifferTc400(
            "1",
            lambda name, now_fs: self.turbo[name.removeprefix("turbo2.")],
            lambda *what: self.written.append(what),
            "turbo2",
        )
        self.session = self.twin.open("serial")

    def ask(self, parameter: int) -> str:
        return self._exchange(telegrams.question(1, parameter))

    def put(self, parameter: int, data: str) -> str:
        return self._exchange(telegrams.setting(1, parameter, data))

    def _exchange(self, telegram: Telegram) -> str:
        said = self.session.feed(telegrams.encode(telegram), 5)
        return telegrams.decode(said.removesuffix(b"\r")).data


@pytest.fixture
def drive() -> Box:
    return Box()


DATA = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=99)


@given(st.integers(0, 999), st.sampled_from([0, 10]), st.integers(0, 999), DATA)
def test_a_telegram_is_the_same_after_it_was_sent(
    address: int, action: int, parameter: int, data: str
) -> None:
    telegram = Telegram(address, action, parameter, data)
    assert telegrams.decode(telegrams.encode(telegram).removesuffix(b"\r")) == telegram


@given(st.binary(max_size=40))
def test_garbage_is_a_telegram_or_refused(line: bytes) -> None:
    with contextlib.suppress(TelegramError):
        assert telegrams.encode(telegrams.decode(line)) == line + b"\r"


def test_it_shows_what_the_pump_does(drive: Box) -> None:
    drive.turbo.update(speed=819.6, current=3.41, voltage=48.0, power=163.4)
    assert [drive.ask(number) for number in (309, 310, 313, 316)] == [
        "000820",
        "000341",
        "004800",
        "000163",
    ]
    assert drive.ask(306) == "111111"
    assert drive.ask(349) == "TC_400"
    drive.turbo.update(error=1.0)
    assert drive.ask(303) == "Err001"


def test_it_runs_with_pumping_station_and_motor(drive: Box) -> None:
    assert drive.put(10, "111111") == "111111"
    assert drive.ask(307) == "111111"  # accelerates
    drive.put(23, "000000")
    drive.put(23, "111111")
    drive.put(10, "111111")  # again: nothing changes
    drive.put(10, "000000")
    assert [(name, value) for name, value, _ in drive.written] == [
        ("pump.turbo2.on", 1.0),
        ("pump.turbo2.on", 0.0),
        ("pump.turbo2.on", 1.0),
        ("pump.turbo2.on", 0.0),
    ]


def test_what_others_switch_it_takes_over(drive: Box) -> None:
    drive.turbo["pump.turbo2.on"] = 1.0
    assert (drive.ask(10), drive.ask(23)) == ("111111", "111111")
    drive.put(10, "000000")
    assert drive.written[-1][:2] == ("pump.turbo2.on", 0.0)
    drive.put(10, "111111")
    drive.turbo["pump.turbo2.on"] = 0.0
    assert drive.ask(10) == "000000"


def test_a_pump_that_an_error_stops_is_still_to_run(drive: Box) -> None:
    drive.turbo["pump.turbo2.on"] = 1.0
    assert drive.ask(10) == "111111"
    drive.turbo.update({"pump.turbo2.on": 0.0, "error": 2.0})
    assert drive.ask(10) == "111111"
    drive.turbo["error"] = 0.0
    drive.put(9, "111111")
    assert [value for _, value, _ in drive.written] == [0.0, 1.0]


def test_an_acknowledged_error_lets_it_run_again(drive: Box) -> None:
    drive.put(9, "111111")
    assert drive.written == []
    drive.put(10, "111111")
    drive.put(9, "111111")
    assert [value for _, value, _ in drive.written] == [1.0, 0.0, 1.0]


def test_what_it_refuses_it_says(drive: Box) -> None:
    assert drive.ask(999) == "NO_DEF"
    assert drive.put(309, "000100") == "_LOGIC"
    assert drive.put(10, "111") == "_RANGE"
    assert drive.put(10, "101010") == "_RANGE"
    assert drive.put(27, "003") == "_RANGE"
    assert drive.put(797, "000000") == "_RANGE"
    assert drive.written == []


def test_it_is_silent_to_others_and_to_damage(drive: Box) -> None:
    others = (telegrams.encode(telegrams.question(address, 309)) for address in (2, 0, 901))
    for line in (*others, b"0010030902=?999\r", b"hello\r"):
        assert drive.session.feed(line, 0) == b""
    assert drive.twin.tallies()["unknown"] == 2


def test_its_address_can_be_set(drive: Box) -> None:
    assert drive.put(797, "000094") == "000094"
    sent = telegrams.encode(telegrams.question(94, 309))
    assert drive.session.feed(sent, 0).startswith(b"094")
    with pytest.raises(ValueError, match="bus_address '300'"):
        PfeifferTc400("1", bus_address="300")


def test_without_a_fridge_it_stands_still() -> None:
    session = PfeifferTc400("1").open("serial")
    session.feed(telegrams.encode(telegrams.setting(1, 10, "111111")), 0)
    said = session.feed(telegrams.encode(telegrams.question(1, 309)), 0)
    assert said == telegrams.encode(telegrams.setting(1, 309, "000000"))


def test_numbers_that_do_not_fit_are_cut() -> None:
    assert box.write(box.DataType.U_INTEGER, 1e9) == "999999"
    assert box.write(box.DataType.U_REAL, 15.71) == "001571"  # data types, 8.3
    assert box.write(box.DataType.U_INTEGER, -3) == "000000"


def test_switched_off_and_on_it_runs_if_it_was_to_run(drive: Box) -> None:
    drive.put(2, "111111")
    drive.twin.power_cycle(5)
    drive.written = [one for one in drive.written if one[0].startswith("pump.")]
    assert drive.written == []
    drive.put(10, "111111")
    drive.turbo["pump.turbo2.on"] = 1.0
    drive.twin.power_cycle(6)
    assert [value for _, value, _ in drive.written] == [1.0, 0.0, 1.0]
    assert (drive.ask(2), drive.ask(10)) == ("111111", "111111")


@pytest.mark.parametrize(
    ("number", "first", "lowest", "highest", "beyond"),
    [
        (4, "111111", "000000", "111111", "1"),
        (19, "001", "000", "022", "023"),
        (60, "001", "001", "255", "000"),
        (700, "000008", "000001", "000120", "000121"),
        (701, "000080", "000050", "000097", "000049"),
        (707, "006500", "002000", "010000", "010001"),  # percent, with two decimals
        (708, "100", "010", "100", "101"),
        (717, "006670", "002000", "010000", "001999"),
        (719, "000020", "000005", "000097", "000098"),
        (721, "003600", "000006", "003600", "000005"),
        (777, "000000", "000000", "001500", "001501"),
    ],
)
def test_a_setting_has_the_manuals_limits(
    drive: Box, number: int, first: str, lowest: str, highest: str, beyond: str
) -> None:
    """Parameter set of the operating instructions: default, min., max."""
    assert drive.ask(number) == first
    for data in (lowest, highest):
        assert drive.put(number, data) == data
        assert drive.ask(number) == data
    assert drive.put(number, beyond) == "_RANGE"
    assert drive.ask(number) == highest


def test_what_is_only_read_and_what_is_only_written(drive: Box) -> None:
    for number in (300, 302, 315, 319, 336, 354, 360, 369, 397, 399):
        known = drive.ask(number)
        assert drive.put(number, known) == "_LOGIC"
    assert drive.ask(9) == "_LOGIC"
    assert drive.put(9, "000000") == "_RANGE"  # 1: acknowledge
    assert drive.ask(340) == "NO_DEF"  # of the display unit


def test_it_is_driven_to_the_set_speed_and_in_standby_to_that_of_standby(drive: Box) -> None:
    """P:002 standby, P:717 its speed; P:026 speed setting mode, P:707 its speed (manual, 7)."""
    assert (drive.ask(308), drive.ask(315)) == ("000820", "000820")
    drive.put(707, "005000")  # only kept until the mode is set
    assert drive.ask(308) == "000820"
    drive.put(26, "001")
    assert (drive.ask(308), drive.ask(397)) == ("000410", "024600")
    drive.put(2, "111111")
    assert drive.ask(308) == "000547"  # 66.7 percent
    drive.put(717, "010000")
    assert drive.ask(308) == "000820"
    drive.put(2, "000000")
    drive.put(26, "000")
    assert [(name, round(share, 3)) for name, share, _ in drive.written] == [
        ("turbo2.set_speed", share) for share in (0.5, 0.667, 1.0, 0.5, 1.0)
    ]


def test_it_has_arrived_where_the_set_speed_is(drive: Box) -> None:
    drive.turbo.update(speed=420.0, on=1.0)
    drive.put(10, "111111")
    assert (drive.ask(306), drive.ask(307)) == ("000000", "111111")
    drive.put(707, "005000")
    drive.put(26, "001")
    assert (drive.ask(306), drive.ask(307)) == ("111111", "000000")


def test_a_fridge_s_turbo_goes_to_the_set_speed_with_its_inertia() -> None:
    plant = Cryostat(MODELS["LD400"], 0, start="cold", seed=1)
    twin = PfeifferTc400("1", plant.read, plant.write, "turbo1")
    session = twin.open("serial")

    def exchange(telegram: Telegram, at_s: int) -> str:
        said = session.feed(telegrams.encode(telegram), at_s * FS_PER_S)
        return telegrams.decode(said.removesuffix(b"\r")).data

    full = int(exchange(telegrams.question(1, 309), 10))
    exchange(telegrams.setting(1, 2, "111111"), 20)
    on_the_way = int(exchange(telegrams.question(1, 309), 60))
    later = int(exchange(telegrams.question(1, 309), 7200))
    assert full > on_the_way > later
    assert later == pytest.approx(full * 0.667, rel=0.01)
    exchange(telegrams.setting(1, 2, "000000"), 7200)
    assert int(exchange(telegrams.question(1, 309), 14400)) == pytest.approx(full, rel=0.01)


@pytest.mark.parametrize(
    ("turbopump", "nominal"), [("HiPace 300", 1000), ("HiPace 400", 820), ("HiPace 700", 820)]
)
def test_pumps_beside_it_have_nominal_speeds_of_their_own(turbopump: str, nominal: int) -> None:
    """Pfeiffer's data sheets: 60000 and 49200 per minute."""
    shown = {"speed": 410.0, "on": 1.0, "error": 0.0}
    twin = PfeifferTc400(
        "1", lambda name, now_fs: shown[name.rpartition(".")[2]], turbopump=turbopump
    )
    session = twin.open("serial")

    def ask(parameter: int) -> int:
        said = session.feed(telegrams.encode(telegrams.question(1, parameter)), 0)
        return int(telegrams.decode(said.removesuffix(b"\r")).data)

    assert [ask(one) for one in (315, 308, 309)] == [nominal, nominal, nominal // 2]
    assert [ask(one) for one in (399, 397, 398)] == [60 * nominal, 60 * nominal, 30 * nominal]
    with pytest.raises(ValueError, match="HiPace 9"):
        PfeifferTc400("1", turbopump="HiPace 9")


def test_speeds_in_rpm_and_the_switch_point_follow_the_pump(drive: Box) -> None:
    drive.turbo.update(speed=655.0)
    assert (drive.ask(398), drive.ask(397), drive.ask(302)) == ("039300", "049200", "000000")
    drive.turbo.update(speed=656.0)
    assert drive.ask(302) == "111111"  # 80 percent of 820 Hz
    drive.put(701, "000097")
    assert drive.ask(302) == "000000"


@pytest.mark.parametrize(("data", "value"), [("100023", 1000.0), ("100000", 1e-20)])
def test_exponents_are_as_the_manual_has_them(drive: Box, data: str, value: float) -> None:
    """5.2.5, u_expo_new: 100023 is 1.0e3, 100000 is 1.0e-20."""
    assert box.write(box.DataType.U_EXPO, value) == data
    assert box.parse(box.DataType.U_EXPO, data) == pytest.approx(value)
    assert box.write(box.DataType.U_EXPO, 0.0) == "000020"
    assert drive.ask(730) == "100023"
    assert drive.put(732, "250021") == drive.ask(732) == "250021"
