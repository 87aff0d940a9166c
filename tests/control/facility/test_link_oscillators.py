"""Oscillators at both ends of a link: which of them let a pair keep its phase, and what is said."""

from pathlib import Path

import pytest

from podium.control.facility.load import load_with_remarks

LINKED = Path(__file__).parents[3] / "examples" / "linked"
OPTICAL = LINKED / "facility_optical.yaml"


def remarks_on(tmp_path: Path, source: Path, *changes: tuple[str, str]) -> list[str]:
    text = source.read_text()
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    file = tmp_path / "facility.yaml"
    file.write_text(text)
    return [str(one) for one in load_with_remarks(file)[1]]


@pytest.mark.parametrize("file", sorted(LINKED.glob("*.yaml")), ids=lambda file: file.stem)
def test_oscillators_of_the_examples_match(file: Path) -> None:
    assert not any("less the sideband's" in str(one) for one in load_with_remarks(file)[1])


def test_oscillators_that_do_not_match_are_named_with_what_would_be_right(tmp_path: Path) -> None:
    (remark,) = remarks_on(tmp_path, OPTICAL, ("lo: 3.60 GHz", "lo: 3.65 GHz"))
    lines = OPTICAL.read_text().splitlines()
    line = next(n for n, one in enumerate(lines, 1) if "node_b.q0.sideband: {" in one)
    assert f"facility.yaml:{line}:" in remark
    assert "link_ab: the phase of pairs by one click turns from shot to shot" in remark
    assert "8.4 GHz at node_a.q0 and 8.35 GHz at node_b.q0" in remark
    assert "4.15 GHz for node_a.q0.sideband or 3.6 GHz for node_b.q0.sideband" in remark


def test_either_oscillator_that_is_named_would_do(tmp_path: Path) -> None:
    moved = ("lo: 3.60 GHz", "lo: 3.65 GHz"), ("lo: 4.10 GHz", "lo: 4.15 GHz")
    assert remarks_on(tmp_path, OPTICAL, *moved) == []


def test_a_drive_counts_twice(tmp_path: Path) -> None:
    both = (("lo: 6.00 GHz", "lo: 6.10 GHz"), ("lo: 3.60 GHz", "lo: 3.80 GHz"))
    assert remarks_on(tmp_path, OPTICAL, *both) == []
    (remark,) = remarks_on(tmp_path, OPTICAL, both[0])
    assert "8.6 GHz at node_b.q0" in remark


def test_pairs_of_a_photon_that_is_caught_turn_as_well(tmp_path: Path) -> None:
    direct = LINKED / "facility.yaml"
    (remark,) = remarks_on(tmp_path, direct, ("lo: 3.60 GHz", "lo: 3.65 GHz"))
    assert "pairs by a photon that is caught" in remark
