import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces.exact_time import FS_PER_S as S
from podium.sim_instruments.twins.oxford_mercury_ips import OxfordMercuryIps

FIELD = "DEV:GRPZ:SPSU:SIG:FLD"


class Box(TwinConversation):
    def __init__(self) -> None:
        self.written: list[tuple[str, float, int]] = []
        twin = OxfordMercuryIps("1", write=lambda *what: self.written.append(what))
        super().__init__(twin, "control")

    def put(self, signal: str, value: str, at_s: float = 0.0) -> str:
        return self.say(f"SET:DEV:GRPZ:SPSU:{signal}:{value}", at_s).rsplit(":", 1)[1]

    def get(self, signal: str, at_s: float = 0.0) -> str:
        noun = f"DEV:GRPZ:SPSU:{signal}"
        answer = self.say(f"READ:{noun}", at_s)
        assert answer.startswith(f"STAT:{noun}:")
        return answer.removeprefix(f"STAT:{noun}:")


@pytest.fixture
def box() -> Box:
    return Box()


def test_a_ramp_is_what_its_rate_says_at_any_time(box: Box) -> None:
    box.put("SIG:FSET", "3")
    box.put("SIG:RFST", "0.3")
    assert box.put("ACTN", "RTOS", 10) == "VALID"
    assert box.get("SIG:FLD", 10 + 120) == "0.600000T"
    assert box.get("ACTN", 10 + 120) == "RTOS"
    assert float(box.get("SIG:VOLT", 130).removesuffix("V")) == pytest.approx(10 * 0.3 / 60 * 14.5)
    box.put("ACTN", "HOLD", 190)
    assert box.get("SIG:FLD", 400) == "0.900000T"
    box.put("ACTN", "RTOZ", 400)
    assert (box.get("SIG:FLD", 1000), box.get("ACTN", 1000)) == ("0.000000T", "HOLD")


def test_a_rate_that_is_changed_on_the_way_counts_from_then_on(box: Box) -> None:
    box.put("SIG:FSET", "1")
    box.put("SIG:RFST", "0.1")
    box.put("ACTN", "RTOS", 0)
    box.put("SIG:RFST", "0.4", 60)
    assert box.get("SIG:FLD", 90) == "0.300000T"


def test_world_time_may_leap_to_the_end_of_a_ramp(box: Box) -> None:
    assert box.twin.horizon(0).busy_until_fs is None
    box.put("SIG:FSET", "0.4")
    box.put("SIG:RFST", "0.4")
    box.put("ACTN", "RTOS", 5)
    assert box.twin.horizon(6 * S).busy_until_fs == 65 * S
    assert box.twin.horizon(65 * S).busy_until_fs is None


def test_the_fridge_hears_of_a_ramp_each_second(box: Box) -> None:
    box.put("SIG:FSET", "0.1")
    box.put("SIG:RFST", "0.1")
    box.put("ACTN", "RTOS", 0)
    box.twin.advance(60 * S)
    assert [at_fs for _, _, at_fs in box.written] == [n * S for n in range(1, 61)]
    assert box.written[-1][:2] == ("magnet.z.current", pytest.approx(1.45))


def test_a_switch_that_is_cold_keeps_the_field_and_opens_onto_no_other_current(box: Box) -> None:
    box.put("SIG:FSET", "1")
    box.put("SIG:RFST", "0.4")
    box.put("ACTN", "RTOS", 0)
    box.put("SIG:SWHT", "OFF", 200)
    box.put("ACTN", "RTOZ", 215)
    assert (box.get("SIG:FLD", 400), box.get("SIG:PFLD", 400)) == ("0.000000T", "1.000000T")
    assert box.put("SIG:SWHT", "ON", 400) == "INVALID"
    assert box.get("SIG:SWHT", 400) == "OFF"
    box.put("ACTN", "RTOS", 400)
    assert box.put("SIG:SWHT", "ON", 600) == "VALID"
    assert box.get("SIG:FLD", 600) == "1.000000T"


@pytest.mark.parametrize(
    ("signal", "value"),
    [
        ("SIG:FSET", "7"),
        ("SIG:FSET", "nan"),
        ("SIG:RFST", "2"),
        ("SIG:CSET", "100"),
        ("SIG:SWHT", "1"),
        ("ACTN", "GO"),
        ("SIG:NONE", "1"),
    ],
)
def test_what_it_does_not_take_is_invalid(box: Box, signal: str, value: str) -> None:
    assert box.put(signal, value) == "INVALID"
    assert box.get("SIG:FSET") == "0.000000T"


def test_a_clamp_needs_no_current_and_is_left_by_a_hold(box: Box) -> None:
    assert box.put("ACTN", "CLMP") == "VALID"
    assert box.put("ACTN", "RTOS") == "INVALID"
    assert box.put("ACTN", "HOLD") == "VALID"
    box.put("SIG:FSET", "1")
    box.put("ACTN", "RTOS", 1)
    assert box.put("ACTN", "CLMP", 60) == "INVALID"


def test_the_supplys_group_is_named_as_its_firmware_has_it(box: Box) -> None:
    older = OxfordMercuryIps("1", "2.5.09.000").open("control")
    assert older.feed(b"READ:DEV:GRPX:PSU:ACTN\n", 0) == b"STAT:DEV:GRPX:PSU:ACTN:HOLD\n"
    assert older.feed(b"READ:DEV:GRPX:SPSU:ACTN\n", 0).endswith(b":INVALID\n")
    assert box.say("READ:DEV:GRPX:PSU:ACTN").endswith(":INVALID")
    with pytest.raises(ValueError, match="firmware '9'"):
        OxfordMercuryIps("1", "9")


def test_switched_off_a_current_runs_down_and_a_cold_switch_keeps_its_field(box: Box) -> None:
    for axis in "XZ":
        for signal, value in (("SIG:FSET", "0.1"), ("SIG:RFST", "0.2"), ("ACTN", "RTOS")):
            assert box.say(f"SET:DEV:GRP{axis}:SPSU:{signal}:{value}").endswith(":VALID")
    assert box.put("SIG:SWHT", "OFF", 60) == "VALID"
    box.twin.power_cycle(80 * S)
    assert [box.get(one, 80) for one in ("SIG:FLD", "SIG:PFLD")] == ["0.000000T", "0.100000T"]
    assert [box.get(one, 80) for one in ("SIG:SWHT", "ACTN")] == ["OFF", "CLMP"]
    assert box.say("READ:DEV:GRPX:SPSU:SIG:PFLD", 80).endswith(":0.000000T")
    assert box.written[-1] == ("magnet.x.current", 0.0, 80 * S)
    assert box.put("SIG:SWHT", "ON", 81) == "INVALID"  # onto a field of 0.1 T
    assert box.put("ACTN", "RTOS", 81) == "INVALID"  # it is clamped


def test_a_switch_takes_its_time_to_close_and_to_open(box: Box) -> None:
    """While it cools the magnet goes on with the current, and keeps that of its closing."""
    box.put("SIG:FSET", "1")
    box.put("SIG:RFST", "0.4")
    box.put("ACTN", "RTOS", 0)
    box.put("SIG:SWHT", "OFF", 150)
    assert box.get("SIG:SWHT", 151) == "OFF"
    box.put("ACTN", "RTOZ", 156)  # too early, by 9 s of 0.4 T/min
    assert box.get("SIG:PFLD", 160) == box.get("SIG:FLD", 160)
    assert box.get("SIG:PFLD", 400) == "0.940000T"
    box.put("SIG:FSET", "0.94", 400)
    box.put("ACTN", "RTOS", 400)
    assert box.put("SIG:SWHT", "ON", 600) == "VALID"
    box.put("ACTN", "RTOZ", 600)
    assert box.get("SIG:PFLD", 614) == "0.940000T"  # still closed
    assert box.twin.horizon(614 * S).busy_until_fs == 615 * S
    assert box.get("SIG:PFLD", 615) == box.get("SIG:FLD", 615) == "0.840000T"
