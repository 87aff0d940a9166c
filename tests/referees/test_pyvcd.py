"""pyvcd reads value change dumps as they were meant."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.benches.servers.dump_reader import read
from tests.benches.thoroughness import cases

from podium.firmware_interfaces.value_change_dump import DumpedSignal, dump

TIMES = st.lists(st.integers(0, 2**62), max_size=8, unique=True).map(sorted)


@st.composite
def signals(draw: st.DrawFn) -> list[DumpedSignal]:
    found = []
    for number in range(draw(st.integers(0, 120))):
        kind = draw(st.sampled_from(["wire", "real"]))
        at_fs = draw(TIMES) if number < 4 else []
        values = st.sampled_from([0.0, 1.0]) if kind == "wire" else st.floats(-1e12, 1e12)
        held = draw(st.lists(values, min_size=len(at_fs), max_size=len(at_fs)))
        scope = tuple(draw(st.lists(st.sampled_from(["a", "b", "c.1"]), max_size=3)))
        found.append(DumpedSignal(scope, f"v{number}", kind, at_fs, held))
    return found


@settings(max_examples=cases(20, 100))
@given(signals())
def test_every_value_at_every_instant_is_what_was_written(written: list[DumpedSignal]) -> None:
    variables, _ = read("".join(dump(written, ["some words"])))
    assert len(variables) == len(written)
    for one in written:
        name = ".".join((*one.scope, one.name)).replace("c.1", "c_1")
        assert variables[name].kind == one.kind
        for at_fs, value in zip(one.at_fs, one.values, strict=True):
            assert variables[name].at(at_fs) == float(f"{value:.16g}")
        for at_fs in one.at_fs[:1]:
            if at_fs > 0:
                assert variables[name].at(at_fs - 1) == 0.0
