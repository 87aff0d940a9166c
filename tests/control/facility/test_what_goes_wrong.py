"""What people get wrong in a facility file, all of it in one file, all told at once."""

import importlib.util
from pathlib import Path

import pytest

from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError

BENCH = Path(__file__).parents[3] / "benches" / "big_facility.py"

WRONG = {
    "an unknown model": (
        ("model: rohde_schwarz_sgs100a", "model: rohde_schwarz_sgs100"),
        "rohde_schwarz_sgs100\n",
        "no model is called 'rohde_schwarz_sgs100'; did you mean 'rohde_schwarz_sgs100a'?",
    ),
    "two instruments on one address": (
        ("192.168.0.4::7655", "192.168.0.3::7777"),
        '"TCPIP::192.168.0.3::7777::SOCKET"\n  lo_q2',
        "is also the address of thermometry_a (line ",
    ),
    "a line wired twice": (
        ("source: cluster_a.slot6.out3", "source: cluster_a.slot6.out2"),
        "cluster_a.slot6.out2, limit: 1.2 V, slew: 0.5 V/s}\n",
        "cluster_a.slot6.out2 is already the source of node_a.q1.flux (line ",
    ),
    "a frequency outside a module's range": (
        ("lo: 5.61 GHz", "lo: 19 GHz"),
        "19 GHz",
        "19 GHz is not possible: 2 GHz to 18 GHz; the nearest is 18 GHz",
    ),
    "a missing unit": (
        ("cold_below: 30 mK", "cold_below: 30"),
        "30}",
        "30 has no unit; a temperature is wanted, written like '20 mK'",
    ),
    "a duplicate key": (
        ("clock: house", "clock: house\n    fridge: fridge_b"),
        "fridge: fridge_b",
        "'fridge' is given twice; the first stands in line ",
    ),
    "a reference to an instrument that isn't there": (
        ("{source: bias_q0,", "{source: bias_0,"),
        "bias_0,",
        "there is no instrument 'bias_0'; did you mean 'bias_q0'?",
    ),
    "a cycle of clocks": (
        ("house: {source: cluster_a}", "house: {source: maser}\n  maser: {source: house}"),
        "maser}",
        "the clock follows itself: house <- maser <- house",
    ),
}
"""What was changed, where it is told (the last such place counts), and in which words."""


def test_all_that_is_wrong_is_told_at_once_with_place_and_remedy(
    example: Path, tmp_path: Path
) -> None:
    text = example.read_text()
    for (old, new), _, _ in WRONG.values():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file = tmp_path / "facility.yaml"
    file.write_text(text)
    with pytest.raises(FacilityError) as refused:
        load_facility(file)
    told = [str(problem) for problem in refused.value.problems]
    for _, at, says in WRONG.values():
        before = text[: text.rindex(at)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        (one,) = [one for one in told if says in one]
        assert one.startswith(f"{file}:{line}:{column}: "), one
    assert len(told) == len(WRONG), told


def test_a_port_that_is_wired_twice_is_told(example: Path, tmp_path: Path) -> None:
    text = example.read_text() + "\n  node_a.q0.flux: {source: bias_q0, limit: 1 V, slew: 1 V/s}\n"
    file = tmp_path / "facility.yaml"
    file.write_text(text)
    first = text[: text.index("node_a.q0.flux")].count("\n") + 1
    with pytest.raises(FacilityError) as refused:
        load_facility(file)
    (problem,) = refused.value.problems
    assert problem.line == text.rstrip().count("\n") + 1
    assert problem.column == 3
    assert f"'node_a.q0.flux' is given twice; the first stands in line {first}" in problem.message


def big(instruments: int) -> str:
    spec = importlib.util.spec_from_file_location("big_facility", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text: str = module.big_facility(instruments)
    return text


def test_ten_thousand_lines_are_sound(tmp_path: Path) -> None:
    text = big(400)
    assert text.count("\n") > 10_000
    file = tmp_path / "facility.yaml"
    file.write_text(text)
    assert len(load_facility(file).instruments) == 400


def test_ten_thousand_lines_that_are_all_wrong_end_as_well(tmp_path: Path) -> None:
    text = big(400).replace("source: bias_q0", "source: bais_q0").replace(" GHz, sp", " GHZ, sp")
    text = text.replace("source: cluster_a_", "source: lo_q2_").replace("model: l", "model: k")
    file = tmp_path / "facility.yaml"
    file.write_text(text)
    with pytest.raises(FacilityError) as refused:
        load_facility(file)
    assert len(refused.value.problems) > 1000
    assert any("did you mean 'bias_q0_7'?" in str(one) for one in refused.value.problems)
