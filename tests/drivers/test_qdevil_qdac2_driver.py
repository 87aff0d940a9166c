"""The driver over real TCP against the twin."""

import itertools

import pytest

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.qdevil_qdac2 import REHEARSAL, QdevilQdac2
from podium.drivers.recording_fake import RecordingFake
from podium.drivers.roles import FluxSource, Identity, MovesTogether, RampsByItself
from podium.sim_instruments.twins.qdevil_qdac2 import QdevilQdac2 as Twin


class Wiretap:
    """A twin that notes what it hears, and can be made to answer wrongly or not at all."""

    def __init__(self, twin) -> None:
        self.twin = twin
        self.heard = b""
        self.replies = {}

    def open(self, port):
        self.session = self.twin.open(port)
        return self

    def feed(self, data, now_fs):
        self.heard += data
        for message, replies in self.replies.items():
            if message in data and (reply := next(replies, None)) is not None:
                return reply
        return self.session.feed(data, now_fs)

    def horizon(self, now_fs):
        return self.twin.horizon(now_fs)


@pytest.fixture
def tap():
    return Wiretap(Twin("159"))


@pytest.fixture
def driver(serve, tap):
    driver = QdevilQdac2("bias", serve(tap).visa)
    yield driver
    driver.close()


def levels_v(tap, twin_servers):
    return tap.twin.levels_v_at(twin_servers.clock.now_fs())


def test_it_plays_its_roles_and_connecting_only_reads(driver, tap):
    source: FluxSource = driver
    assert driver.identity() == Identity("QDevil", "QDAC-II", "159", "13-1.57")
    assert isinstance(driver, MovesTogether)
    assert not isinstance(driver, RampsByItself)
    assert source.level_v("ch01") == 0.0
    assert source.output_on("ch24") is True
    assert all(line.endswith(b"?") or b"? (@" in line for line in tap.heard.split(b"\n") if line)


def test_a_ramp_is_the_boxs_own_and_ends_at_its_target(driver, tap, twin_servers):
    began_fs = twin_servers.clock.now_fs()
    driver.ramp_v("ch07", 0.6, 0.5)
    assert (twin_servers.clock.now_fs() - began_fs) / 1e15 >= 1.2
    assert b":SOUR7:VOLT:SLEW 0.5\n" in tap.heard
    assert driver.level_v("ch07") == pytest.approx(0.6, abs=1e-5)
    assert levels_v(tap, twin_servers)["ch07"] == pytest.approx(0.6, abs=1e-5)
    assert levels_v(tap, twin_servers)["ch08"] == 0


def test_channels_ramp_side_by_side(driver, tap, twin_servers):
    began_fs = twin_servers.clock.now_fs()
    driver.ramp_together_v({"ch01": (1.0, 0.5), "ch02": (-1.5, 0.5), "ch24": (0.1, 0.5)})
    took_s = (twin_servers.clock.now_fs() - began_fs) / 1e15
    assert 3.0 <= took_s < 4.0
    found = levels_v(tap, twin_servers)
    assert [found[name] for name in ("ch01", "ch02", "ch24")] == pytest.approx(
        [1.0, -1.5, 0.1], abs=1e-5
    )


def test_a_larger_range_is_reached_by_way_of_0_volts(driver, tap, twin_servers):
    tap.twin.open("scpi").feed(b"sour3:rang low;:sour3:volt 1\n", 0)
    driver.ramp_v("ch03", 2.5, 10.0)
    assert levels_v(tap, twin_servers)["ch03"] == pytest.approx(2.5, abs=2e-5)
    at = [tap.heard.index(part) for part in (b"VOLT 0\n", b"RANG HIGH", b"VOLT 2.5\n")]
    assert at == sorted(at)


@pytest.mark.parametrize(
    ("channel", "target_v", "slew", "why"),
    [
        ("ch25", 0.1, 0.1, "no channel 'ch25'; it has ch01 to ch24"),
        ("", 0.1, 0.1, "no channel ''"),
        ("ch01", 10.5, 1.0, "from -10 to 10 V"),
        ("ch01", float("nan"), 1.0, "from -10 to 10 V"),
        ("ch01", 0.1, 0.001, "from 0.01 to 2e"),
        ("ch01", 0.1, 0.0, "from 0.01"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_moves(
    driver, tap, channel, target_v, slew, why
):
    with pytest.raises(Refused, match=why):
        driver.ramp_together_v({"ch02": (0.1, 0.1), channel: (target_v, slew)})
    assert b":VOLT 0" not in tap.heard


def test_a_channel_that_plays_a_list_is_left_alone(driver, tap):
    tap.twin.open("scpi").feed(b"sour2:volt:mode list\n", 0)
    with pytest.raises(Refused, match="ch02 plays a LIST"):
        driver.ramp_together_v({"ch01": (0.1, 0.1), "ch02": (0.1, 0.1)})
    assert b":VOLT 0" not in tap.heard


def test_safe_holds_ramps_where_they_are(tap, twin_servers):
    driver = QdevilQdac2("bias", twin_servers.serve(tap, leaping=False).visa)
    tap.twin.open("scpi").feed(b"sour5:volt:slew 0.01;:sour5:volt 1\n", 0)
    driver.safe()
    held_v = driver.level_v("ch05")
    assert 0 <= held_v < 0.5
    later_fs = twin_servers.clock.now_fs() + 50 * 10**15
    assert tap.twin.levels_v_at(later_fs)["ch05"] == pytest.approx(held_v, abs=2e-4)
    driver.close()


def test_a_refusal_of_the_box_is_told_with_its_own_words(driver, tap):
    tap.replies = {b"SYST:ERR?": iter([b'-221, "Settings conflict"\n'])}
    with pytest.raises(Refused, match=r'SLEW 1.*-221, "Settings conflict"'):
        driver.ramp_v("ch01", 0.1, 1.0)


@pytest.mark.parametrize("question", [b":SOUR:VOLT?", b":SOUR:VOLT:MODE?", b":SOUR:RANG?"])
@pytest.mark.parametrize("nonsense", [b"?\n", b"0,0\n", b"\n"])
def test_nonsense_moves_nothing(driver, tap, question, nonsense):
    tap.replies = {question: itertools.repeat(nonsense)}
    with pytest.raises(ProtocolError):
        driver.ramp_v("ch01", 0.1, 1.0)
    assert b":SOUR1:VOLT 0.1" not in tap.heard


def test_a_ramp_that_does_not_end_is_unreachable(driver, tap, monkeypatch):
    monkeypatch.setattr("podium.drivers.qdevil_qdac2.ALLOWANCE_S", 0.05)
    tap.replies = {b":SOUR:VOLT? (@1)": itertools.repeat(b"0.05\n")}
    with pytest.raises(Unreachable, match="ch01"):
        driver.ramp_v("ch01", 0.1, 100.0)


def test_a_snapshot_has_all_channels(driver, tap):
    tap.twin.open("scpi").feed(b"sour3:volt 0.5;filt med\n:sour3:filt med\n", 0)
    found = driver.snapshot()
    assert found["level_v"] == pytest.approx([0, 0, 0.5] + 21 * [0], abs=1e-5)
    assert found["filter"] == ["HIGH", "HIGH", "MED"] + 21 * ["HIGH"]
    assert found["slew_v_per_s"] == 24 * [float("inf")]


def test_a_current_is_measured(driver, tap):
    tap.twin.channels[3].load_ohm = 950.0
    driver.ramp_v("ch04", 1.0, 100.0)
    assert driver.current_a("ch04") == pytest.approx(1e-3, abs=5e-6)


def test_a_rehearsal_notes_what_would_move():
    noted: list[str] = []
    usual = {"*IDN": "QDevil,QDAC-II,0,0", "SYST:ERR": '0,"No error"'}
    with RecordingFake(usual | REHEARSAL, noted.append) as fake:
        source = QdevilQdac2("bias", fake.visa)
        source.ramp_together_v({"ch01": (0.25, 0.5), "ch12": (0.5, 0.5)})
        assert source.level_v("ch12") == 0.5
        source.close()
    assert noted == [
        ":SOUR1:VOLT:SLEW 0.5",
        ":SOUR12:VOLT:SLEW 0.5",
        ":SOUR1:VOLT 0.25",
        ":SOUR12:VOLT 0.5",
    ]


def test_a_box_of_another_kind_is_asked_for_its_name_and_nothing_else(serve):
    from podium.sim_instruments.twins.yokogawa_gs200 import YokogawaGS200

    tap = Wiretap(YokogawaGS200("1"))
    with pytest.raises(Refused, match="says a QDevil QDAC-II"):
        QdevilQdac2("bias", serve(tap).visa)
    assert tap.heard.split() == [b"*IDN?"]
