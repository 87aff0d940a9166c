import json
from pathlib import Path

import pytest

from podium.control.cli import main


def test_a_sound_file_is_said_to_be(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(example)]) == 0
    assert capsys.readouterr().out == (
        f"{example}: first_light is sound: 1 node, 3 qubits, 4 instruments, 7 lines\n"
    )


def test_problems_go_to_standard_error_one_line_first(
    tmp_path: Path, example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text(example.read_text().replace("cold_below: 30 mK", "cold_below: 30"))
    assert main(["check", str(file)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"{file}: 1 problem",
        f"{file}:7:69: fridges > fridge_a > cold_below: 30 has no unit; a temperature is wanted, "
        "written like '20 mK'",
    ]


def test_problems_can_be_read_by_a_program(
    tmp_path: Path, example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text(example.read_text().replace("2: QRM-RF", "2: QRM-FR"))
    assert main(["check", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "problems": [
            {
                "file": str(file),
                "line": 16,
                "column": 18,
                "path": ["instruments", "cluster_a", "modules", 2],
                "message": "'QRM-FR' is not known; did you mean 'QRM-RF'?",
            }
        ],
    }


def test_a_sound_file_can_be_read_by_a_program(
    example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(example), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["facility"], len(told["digest"])) == (True, "first_light", 64)


def test_endpoints_are_checked_as_well(
    tmp_path: Path, example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoints = tmp_path / "endpoints.json"
    endpoints.write_text('{"instruments": {"bias_q9": {"model": "yokogawa_gs200"}}}')
    assert main(["check", str(example), "--endpoints", str(endpoints)]) == 1
    assert f"{endpoints}:1:" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["nowhere.yaml"], ["."], ["{example}", "--endpoints", "no"]])
def test_a_file_that_cannot_be_read_is_wrong_use(
    words: list[str], example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *(word.format(example=example) for word in words)]) == 2
    assert capsys.readouterr().err.startswith("podium check: ")
