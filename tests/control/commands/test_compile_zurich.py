"""``podium compile`` and ``podium scope`` for instruments of Zurich Instruments."""

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.benches.programs.example_programs import NS
from tests.benches.programs.rabi_file import RABI

from podium.control import cli
from podium.control.facility.load import load_facility
from podium.control.pictures.stored_run import case_of, changed_since
from podium.control.program.program import (
    Affine,
    Axis,
    Frame,
    Linear,
    Play,
    Program,
    SetFrequency,
    Variable,
)
from podium.control.program.serialise import to_json
from podium.control.program.waveforms import Gaussian
from podium.firmware_interfaces.zurich.program import from_plain

RACK = Path(__file__).parents[3] / "examples" / "zi_rack" / "facility.yaml"
EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light_zi" / "facility.yaml"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "rabi.json"
    path.write_text(to_json(RABI))
    return path


def swept(points: int) -> Program:
    """A readout whose frequency is swept: a waveform for each point."""
    hz = Variable("f", "Hz", Linear.steps(7.25e9, 1e6, points))
    body = (SetFrequency("readout", Affine("f")), *RABI.body[2:])
    return Program("swept", RABI.frames[1:], body, (Axis("f", (hz,)),), shots=2)


def test_what_each_instrument_is_given_is_printed(program: Path, capsys) -> None:
    assert cli.main(["compile", str(EXAMPLE), str(program)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# zi_a.dev12000: program rabi\n")
    assert "sg 0  drive" in out
    assert "// sgchannels/0/awg: drive" in out
    assert "startQA(QA_GEN_0, QA_INT_0" in out
    assert "qachannels/0/centerfreq = " in out


def test_json_is_what_the_driver_takes(program: Path, capsys) -> None:
    assert cli.main(["compile", str(EXAMPLE), str(program), "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out).values()
    assert from_plain(entry).instrument == "zi_a.dev12000"


def test_of_a_program_that_is_cut_into_several_it_is_told_how_many(tmp_path, capsys) -> None:
    (tmp_path / "p.json").write_text(to_json(swept(40)))
    assert cli.main(["compile", str(EXAMPLE), str(tmp_path / "p.json")]) == 0
    said = capsys.readouterr().out
    count = int(re.match(r"It takes (\d+) programs", said)[1])
    assert cli.main(["compile", str(EXAMPLE), str(tmp_path / "p.json"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == count > 1


def test_a_diagram_names_the_connectors(program: Path, tmp_path, capsys) -> None:
    out = tmp_path / "d.svg"
    words = ["compile", str(EXAMPLE), str(program), "--diagram", str(out), "--point", "amplitude=4"]
    assert cli.main(words) == 0
    assert capsys.readouterr().out == f"{out}\n"
    texts = [str(e.text) for e in ElementTree.parse(out).iter() if e.tag.endswith("}text")]
    assert any("zi_a.dev12000.sg0" in text for text in texts)
    assert any("zi_a.dev12000.qa0_out" in text for text in texts)
    assert any(text.startswith("7.26 GHz, LO ") for text in texts)
    assert any(text.startswith("Drag 40 ns, 0.199") for text in texts)


@pytest.mark.parametrize("option", ["--play", "--compare", "--artifact"])
def test_what_is_not_drawn_yet_is_said(option, program: Path, tmp_path, capsys) -> None:
    assert cli.main(["compile", str(EXAMPLE), str(program), option, str(program)]) == 1
    assert "play is not drawn yet" in capsys.readouterr().err


def test_of_a_rack_each_instrument_is_told(tmp_path, capsys) -> None:
    flux = Frame("flux", "node_a.q0.flux", 0.0)
    body = (Play("flux", Gaussian(100 * NS, 20 * NS), 0.2), *RABI.body)
    program = replace(RABI, frames=(*RABI.frames, flux), body=body)
    (tmp_path / "p.json").write_text(to_json(program))
    words = ["compile", str(RACK), str(tmp_path / "p.json")]
    assert cli.main(words) == 0
    said = capsys.readouterr().out
    told = [line.split()[1] for line in said.splitlines() if line.startswith("# zi_a.")]
    assert sorted(told) == ["zi_a.dev12001:", "zi_a.dev12002:", "zi_a.dev8001:"]
    out = tmp_path / "d.svg"
    assert cli.main([*words, "--diagram", str(out)]) == 0
    texts = [str(e.text) for e in ElementTree.parse(out).iter() if e.tag.endswith("}text")]
    assert any("zi_a.dev8001.sigout0" in text for text in texts)


def test_a_program_that_does_not_fit_is_told(tmp_path, capsys) -> None:
    far = replace(RABI, frames=(replace(RABI.frames[0], frequency_hz=7.9e9), RABI.frames[1]))
    (tmp_path / "p.json").write_text(to_json(far))
    assert cli.main(["compile", str(EXAMPLE), str(tmp_path / "p.json")]) == 1
    assert "at most 500 MHz" in capsys.readouterr().err


def test_of_a_stored_run_the_program_is_drawn() -> None:
    facility = load_facility(EXAMPLE)
    attributes = {"run": "1", "program_json": to_json(RABI), "quantised": "[]"}
    case = case_of(attributes, facility)
    assert not case.artifacts
    assert changed_since(attributes, case) == ""
    assert [lane.frame for lane in case.view((0,)).lanes] == ["drive", "readout"]
