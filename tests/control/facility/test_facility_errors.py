"""All errors of a file at once, each told once; and files that are hardly files."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError, Problem
from podium.control.facility.source import read_source

Q0_F01 = "f01: {value: 6.02 GHz, spread: 40 MHz, assumed: true}"


def problems_of(file: Path) -> tuple[Problem, ...]:
    with pytest.raises(FacilityError) as refused:
        load_facility(file)
    return refused.value.problems


def test_one_mistake_is_told_once(example: Path, tmp_path: Path) -> None:
    """A wrong entry is not reported again by everything that refers to it."""
    file = tmp_path / "facility.yaml"
    for old, new in (
        ("model: qblox_cluster", "model: qblox_clutser"),
        ("modules: {2: QRM-RF", "modules: {2: QMR-RF"),
        ("address: 192.168.0.2", "addres: 192.168.0.2"),
        ("cold_below: 30 mK", "cold_blow: 30 mK"),
        (Q0_F01, "f01: 6"),
        ("kind: digital", "kind: quantal"),
        ("lo: 7.13 GHz", "lo: 7.13"),
    ):
        file.write_text(example.read_text().replace(old, new))
        told = problems_of(file)
        assert len(told) == 1, list(map(str, told))


def test_all_errors_of_a_file_come_at_once_and_in_order(example: Path, tmp_path: Path) -> None:
    text = example.read_text()
    for old, new in (
        ("cold_below: 30 mK", "cold_below: 30"),
        ("model: lakeshore_372", "model: lakeshore_272"),
        (Q0_F01, Q0_F01.replace("GHz", "GH")),
        ("fridge: fridge_a", "fridge: fridge_c"),
        ("cluster_a.slot4.out1", "cluster_a.slot4.out0"),
        ("source: cluster_a.slot6.out3", "source: cluster_a.slot6.out9"),
    ):
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "facility.yaml"
    file.write_text(text)
    told = problems_of(file)
    assert len(told) == 6
    assert [problem.line for problem in told] == sorted(problem.line for problem in told)


def test_the_message_begins_with_the_file_and_the_count(tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text("facility: x\ninstruments: {}\nnode: {}\n")
    with pytest.raises(FacilityError) as refused:
        load_facility(file)
    assert str(refused.value).splitlines() == [
        f"{file}: 1 problem",
        f"{file}:3:1: node: 'node' is not known here; did you mean 'nodes'?",
    ]


@pytest.mark.parametrize("text", ["", "[]", "just words", "- a\n- b\n"])
def test_a_file_that_is_no_mapping_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text(text)
    assert problems_of(file)[0].line == 1


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    file.write_bytes(b"facility: x\n\xff\xfe")
    problem = problems_of(file)[0]
    assert problem.line == 2
    assert "UTF-8" in problem.message


def test_aliases_do_not_make_a_small_file_endless(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    file = tmp_path / "facility.yaml"
    file.write_text("\n".join(lines))
    assert "more than" in problems_of(file)[0].message


def test_an_empty_section_is_an_absent_one(tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text("facility: x\ninstruments: {}\nlinks:\nnodes:\n")
    assert load_facility(file).nodes == {}


def test_ten_thousand_lines_are_read(tmp_path: Path) -> None:
    lines = ["facility: big", "instruments:"]
    for n in range(3333):
        lines += [f"  bias_{n}:", "    model: yokogawa_gs200"]
        lines += [f'    address: "TCPIP::10.0.{n // 250}.{n % 250}::7655::SOCKET"']
    file = tmp_path / "facility.yaml"
    file.write_text("\n".join(lines) + "\n")
    assert len(load_facility(file).instruments) == 3333


@given(st.text(alphabet="abc:{}[]&*!|>'\"#%@,- \n\t0.9~<", max_size=60))
def test_any_text_is_read_or_refused_by_a_facility_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text)
    with contextlib.suppress(FacilityError):
        read_source(file)
        load_facility(file)
