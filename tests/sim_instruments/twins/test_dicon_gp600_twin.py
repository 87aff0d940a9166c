"""The twin of the DiCon GP600: light, mirrors that take time, refusals, power cuts."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from podium.firmware_interfaces import dicon_gp600 as box
from podium.firmware_interfaces.dicon_gp600 import Connect, encode
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.links.heralded_attempts import sample_attempts
from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.twins.dicon_gp600 import SETTLE_FS, DiconGp600

NOW_FS = 1_800_000_000 * FS_PER_S


def said(twin: DiconGp600, line: str, now_fs: int = NOW_FS) -> str:
    return twin.open("commands").feed(line.encode() + b"\r", now_fs).decode()


def light(twin: DiconGp600, now_fs: int) -> np.ndarray:
    """Return the part of the light from each input to each output."""
    return np.array(
        [[twin.transmission(i, o, now_fs) for o in range(1, 5)] for i in range(1, 5)], float
    )


def test_a_path_is_dark_while_its_mirrors_move_and_others_stay_lit() -> None:
    twin = DiconGp600("1", size="4x4")
    said(twin, "X1 CH 1 2;X1 CH 3 4")
    assert not light(twin, NOW_FS + SETTLE_FS - 1).any()
    later = NOW_FS + SETTLE_FS
    lit = light(twin, later)
    assert set(zip(*np.nonzero(lit), strict=True)) == {(0, 1), (2, 3)}
    assert 0.5 < lit.max() < 0.9
    said(twin, "X1 CH 1 0;X1 CH 1 3", later)
    assert set(zip(*np.nonzero(light(twin, later)), strict=True)) == {(2, 3)}
    assert light(twin, later + SETTLE_FS)[0, 2] > 0.5
    said(twin, "X1 CH 3 4", later)  # nothing moves
    assert light(twin, later)[2, 3] > 0.5


def test_losses_differ_from_path_to_path_and_are_those_of_its_seed() -> None:
    one, same, other = (DiconGp600("1", seed, "4x4") for seed in (1, 1, 2))
    for twin in (one, same, other):
        said(twin, "X1 CH 1 2;X1 CH 2 1")
    later = NOW_FS + SETTLE_FS
    assert np.array_equal(light(one, later), light(same, later))
    assert not np.array_equal(light(one, later), light(other, later))
    assert light(one, later)[0, 1] != light(one, later)[1, 0]
    before = one.transmission(1, 2, later, 1310.0)
    said(one, "X1 W 1310", later)
    assert one.transmission(1, 2, later, 1310.0) == 0.0
    assert one.transmission(1, 2, later + SETTLE_FS, 1310.0) > before


def test_an_output_that_is_taken_is_refused_and_nothing_moves() -> None:
    twin = DiconGp600("1", size="4x4")
    assert said(twin, "X1 CH 1 2;X1 CH 2 2;SYST:ERR?;SYST:ERR?") == (
        "-221, Settings Conflict\r+0, No Error\r"
    )
    assert said(twin, "X1 CH 2?;X1 CH 5?;SYST:ERR?") == "2, 0\r-222, Data Out of Range\r"


def test_the_ninth_error_is_not_recorded() -> None:
    """MXS-9100, page 22: the queue holds eight."""
    twin = DiconGp600("1")
    said(twin, "WHAT;" * 8 + "WEN 7")
    errors = said(twin, "SYST:ERR?;" * 9).split("\r")
    assert errors[:9] == ["-113, Undefined Header"] * 8 + ["+0, No Error"]


def test_what_was_connected_outlasts_the_power_where_that_is_switched_on() -> None:
    """MXS-9100, page 25: automatic saving is off by default."""
    twin = DiconGp600("1", size="4x4")
    said(twin, "X1 CH 1 2")
    twin.power_cycle(NOW_FS)
    assert said(twin, "X1 CH 1?") == "1, 0\r"
    said(twin, "WEN 1;X1 CH 1 2")
    twin.power_cycle(NOW_FS)
    assert said(twin, "X1 CH 1?") == "1, 2\r"
    assert not light(twin, NOW_FS).any()
    assert light(twin, NOW_FS + SETTLE_FS)[0, 1] > 0.5


def test_mirrors_that_stick_are_not_seen_by_the_box() -> None:
    twin = DiconGp600("1", size="4x4")
    twin.stuck = frozenset({1})
    assert said(twin, "X1 CH 1 2;X1 CH 1?") == "1, 2\r"
    assert not light(twin, NOW_FS + SETTLE_FS).any()


def test_heralds_of_a_station_behind_it_are_as_many_as_its_light_allows() -> None:
    """Two clicks: p = eta_a eta_b/2; none come while a mirror moves."""
    twin = DiconGp600("1", 5, "4x4")
    said(twin, "X1 CH 1 1;X1 CH 2 2")

    def heralds(now_fs: int, attempts: int) -> int:
        first, second = (Arm(twin.transmission(i, i, now_fs)) for i in (1, 2))
        link = HeraldedLink(Scheme.TWO_CLICKS, (first, second), (Detector(), Detector()))
        return sample_attempts(link, attempts, 7).heralds

    later = NOW_FS + SETTLE_FS
    assert heralds(NOW_FS, 20_000) == 0
    expected = twin.transmission(1, 1, later) * twin.transmission(2, 2, later) / 2
    assert heralds(later, 20_000) == pytest.approx(20_000 * expected, rel=0.08)


class AnySwitching(RuleBasedStateMachine):
    """Whatever is said, outputs take one input each, and the light is where the box says."""

    def __init__(self) -> None:
        super().__init__()
        self.twin, self.now_fs = DiconGp600("1", size="4x4"), NOW_FS
        self.wanted = dict.fromkeys(range(1, 5), 0)

    @rule(number=st.integers(0, 5), output=st.integers(0, 5))
    def connect(self, number: int, output: int) -> None:
        said(self.twin, encode(Connect(number, output)), self.now_fs)
        taken = output in [o for n, o in self.wanted.items() if n != number] and output != 0
        if number in self.wanted and output <= 4 and not taken:
            self.wanted[number] = output

    @rule()
    def reset(self) -> None:
        said(self.twin, "RESET", self.now_fs)
        self.wanted = dict.fromkeys(range(1, 5), 0)

    @rule(seconds=st.sampled_from([0.0, 0.01, 0.06]))
    def wait(self, seconds: float) -> None:
        self.now_fs += round(seconds * FS_PER_S)

    @invariant()
    def is_where_it_says(self) -> None:
        for number, output in self.wanted.items():
            assert said(self.twin, f"X1 CH {number}?", self.now_fs) == f"{number}, {output}\r"
        settled = light(self.twin, self.now_fs + SETTLE_FS)
        lit = {(int(i) + 1, int(o) + 1) for i, o in zip(*np.nonzero(settled), strict=True)}
        assert lit == {(i, o) for i, o in self.wanted.items() if o}
        now = light(self.twin, self.now_fs)
        assert (now.sum(axis=0) < 1).all()
        assert ((now == settled) | (now == 0)).all()


TestAnySwitching = AnySwitching.TestCase
TestAnySwitching.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)


def test_lines_come_in_any_pieces() -> None:
    text = b"X1 CH 1 2;X1 CH 1?\rX1 DIM?\r"
    whole = DiconGp600("1").open("commands").feed(text, NOW_FS)
    session = DiconGp600("1").open("commands")
    assert b"".join(session.feed(bytes((one,)), NOW_FS) for one in text) == whole
    assert whole == b"1, 2\r8, 8\r"
    assert box.NO_ERROR in said(DiconGp600("1"), "SYST:ERR?")
