"""Value change dumps: what is written, and what is refused."""

import pytest

from podium.firmware_interfaces.value_change_dump import TIME_MAX_FS, DumpedSignal, dump


def lines(*signals: DumpedSignal) -> list[str]:
    return "".join(dump(signals)).splitlines()


def wire(*at_fs: int) -> DumpedSignal:
    return DumpedSignal(("a",), "w", "wire", at_fs, [float(1 - k % 2) for k in range(len(at_fs))])


def test_a_dump_is_as_the_standard_writes_one() -> None:
    real = DumpedSignal(("a", "out0.1"), "i v", "real", (0, 2_000_000), (0.1, -1 / 3))
    assert lines(wire(1_000_000, 2_000_000), real) == [
        "$timescale 1 ns $end",
        "$scope module a $end",
        "$var wire 1 ! w $end",
        "$scope module out0_1 $end",
        '$var real 64 " i_v $end',
        "$upscope $end",
        "$upscope $end",
        "$enddefinitions $end",
        "#0",
        "$dumpvars",
        "0!",
        'r0.1 "',
        "$end",
        "#1",
        "1!",
        "#2",
        "0!",
        'r-0.3333333333333333 "',
    ]


@pytest.mark.parametrize(
    ("at_fs", "scale", "instant"),
    [(3_000_000, "1 ns", "#3"), (3_500_000, "1 ps", "#3500"), (3_500_001, "1 fs", "#3500001")],
)
def test_the_timescale_is_the_coarsest_that_is_exact(at_fs: int, scale: str, instant: str) -> None:
    found = lines(wire(1_000_000, at_fs))
    assert found[0] == f"$timescale {scale} $end"
    assert instant in found


def test_what_changes_nothing_is_left_out_and_the_last_of_one_instant_counts() -> None:
    held = DumpedSignal((), "x", "real", (5, 5, 7, 9), (1.0, 2.0, 2.0, 0.0))
    assert lines(held)[-4:] == ["#5", "r2 !", "#9", "r0 !"]


def test_codes_of_many_variables_differ_and_are_printable() -> None:
    many = [DumpedSignal((), f"v{k}", "wire", (), ()) for k in range(10_000)]
    codes = [line.split()[3] for line in lines(*many) if line.startswith("$var")]
    assert len(set(codes)) == 10_000
    assert all("!" <= letter <= "~" for code in codes for letter in code)


def test_a_comment_cannot_end_itself() -> None:
    (first, *_) = "".join(dump([], ["a $end $scope"])).splitlines()
    assert first == "$comment a $ end $scope $end"


def test_times_that_a_viewer_cannot_hold_are_refused() -> None:
    with pytest.raises(ValueError, match="in the order of time"):
        lines(wire(5, 4))
    with pytest.raises(ValueError, match=r"a\.w changes at -1 fs"):
        lines(wire(-1, 4))
    with pytest.raises(ValueError, match="a dump holds 0 to"):
        lines(wire(0, TIME_MAX_FS + 1))
