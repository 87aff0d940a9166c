import pytest

from podium.firmware_interfaces.exact_time import FS_PER_S as S
from podium.sim_instruments.twins.lakeshore_350 import lakeshore_350

STAGES = {1: "first_stage", 2: "second_stage"}


class Box:
    def __init__(self) -> None:
        self.kelvin = {1: 45.0, 2: 3.0}
        self.written: list[tuple[str, float, int]] = []
        self.twin = lakeshore_350(
            STAGES,
            "S1",
            lambda channel, now_fs: self.kelvin[channel],
            {1: "4k", 4: "still"},
            lambda *what: self.written.append(what),
        )
        self.session = self.twin.open("scpi")
        self.say("*CLS")

    def say(self, message: str, at_s: float = 0.0) -> str:
        return self.session.feed(message.encode() + b"\n", round(at_s * S)).decode().rstrip()


@pytest.fixture
def box() -> Box:
    return Box()


def test_it_says_what_it_is(box: Box) -> None:
    assert box.say("*IDN?;*ESR?") == "LSCI,MODEL350,S1,3.0;000"


def test_its_highest_range_is_5(box: Box) -> None:
    assert box.say("RANGE 1,5;*ESR?") == "000"
    assert box.say("RANGE 1,6;*ESR?") == "016"
    assert box.say("RANGE? 1") == "5"


def test_a_range_is_a_decade_of_power(box: Box) -> None:
    box.say("HTRSET 1,2,2,0,1;OUTMODE 1,3,0,0;MOUT 1,100", 1)
    for heater_range in range(1, 6):
        box.say(f"RANGE 1,{heater_range}", 1 + heater_range)
    assert [power for _, power, _ in box.written] == pytest.approx([5e-3, 0.05, 0.5, 5.0, 50.0])


def test_an_ntc_input_has_an_excitation(box: Box) -> None:
    assert box.say("INTYPE A,3,1,0,1,1,0;INTYPE? A") == "3,1,0,1,1,0"
