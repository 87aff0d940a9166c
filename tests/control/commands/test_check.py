"""What ``podium check`` says of a sound file besides: assumptions, real instruments, twins."""

import json
from pathlib import Path

import pytest

from podium.control.cli import main

STRANGERS = Path(__file__).parents[2] / "strangers"
INSTRUMENTS = """
facility: my_lab
instruments:
  meter_a: {{driver: {driver}, address: "{address}"}}
"""
METER = "qcodes.instrument_drivers.Keysight.Keysight34465A"


def written(tmp_path: Path, driver: str, address: str = "TCPIP::192.0.2.8::INSTR") -> Path:
    path = tmp_path / "facility.yaml"
    path.write_text(INSTRUMENTS.format(driver=driver, address=address))
    return path


def check_json(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main(["check", str(path), "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_what_is_assumed_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(STRANGERS / "attic.yaml")]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("assumed by default (what you know better goes under 'design'):")
    assert lines[at + 1].startswith(
        "  chip_7.left: f01 as written ± 49 MHz, anharmonicity -200 MHz ± 30 MHz, "
    )
    assert lines[at + 2].startswith("  chip_7.right: f01 as written ± 52 MHz, ")


def test_what_is_assumed_can_be_read_by_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assumed = check_json(STRANGERS / "shed.yaml", capsys)["assumed"]
    assert isinstance(assumed, dict)
    left, right = assumed["chip_7.left"], assumed["chip_7.right"]
    assert right.keys() - left.keys() == {"flux_period", "flux_offset", "asymmetry"}
    assert left["f01"]["assumed"] == "spread"
    assert left["kappa"] == {
        "value": 1.5e6,
        "spread": 0.375e6,
        "unit": "Hz",
        "source": "typical: a resonator with kappa = 2 |chi|",
        "assumed": "value",
    }


def test_what_twins_assume_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    twins = check_json(STRANGERS / "attic.yaml", capsys)["twins"]
    assert isinstance(twins, list)
    assert twins[0].startswith("chip_7: chip our_chip_7b: noise, temperatures and other hidden")
    assert "krinner2022 (ASSUMED)" in twins[0]
    assert twins[1:] == ["chip_7: without a flux line, and so not tuned: left, right"]


def test_a_channel_that_tells_no_stage_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "facility.yaml"
    path.write_text((STRANGERS / "attic.yaml").read_text().replace("5: still", "5: magnet"))
    twins = check_json(path, capsys)["twins"]
    assert isinstance(twins, list)
    assert "blue: the channel 'magnet' tells no stage by its name; it reads what the" in twins[-1]


def test_a_chip_of_which_no_world_can_be_drawn_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "facility.yaml"
    path.write_text(
        (STRANGERS / "attic.yaml").read_text().replace("f01: 4.9", "chi: 1 MHz, f01: 4.9")
    )
    (told,) = check_json(path, capsys)["twins"]  # type: ignore[misc]
    assert told.startswith("they cannot be started: chip_7.left: no transmon below its resonator")


def test_a_class_that_is_not_there_is_a_problem_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, METER[:-1])
    assert main(["check", str(path)]) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[1].startswith(f"{path}:4:21: instruments > meter_a > driver: there is no driver")
    assert told[1].endswith("did you mean 'Keysight34465A'?")


def test_a_module_that_is_not_there_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "qcodes.instrument_drivers.Kitsight.Keysight34465A")
    assert main(["check", str(path), "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["path"] == ["instruments", "meter_a", "driver"]


def test_a_package_may_be_installed_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (told,) = check_json(written(tmp_path, "their_drivers.Meter"), capsys)["real_instruments"]  # type: ignore[misc]
    assert "the package their_drivers is not installed here" in told


def test_a_bare_ip_is_no_visa_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(written(tmp_path, METER, "192.0.2.8"))]) == 1
    assert "write 'TCPIP::192.0.2.8::INSTR'" in capsys.readouterr().err


def test_gpib_needs_more_than_is_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = check_json(written(tmp_path, METER, "GPIB0::8::INSTR"), capsys)
    assert "GPIB0::8::INSTR needs the VISA library" in str(told["real_instruments"])
    assert "there is no twin of what qcodes" in str(told["twins"])
