"""``podium compile``: resources, annotated code, pictures, and what is told where they differ."""

import json
import re
from importlib.metadata import EntryPoint
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.benches.nodes.triggered import Node, together
from tests.benches.nodes.two_nodes_up import TWO_NODES
from tests.benches.programs.rabi_file import EXAMPLE, RABI

from podium.control import cli
from podium.control.processes import emulator
from podium.control.program.serialise import to_json
from podium.sim_instruments.twins.qblox_cluster.runs.emulation import emulate


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "rabi.json"
    path.write_text(to_json(RABI))
    return path


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emulate in this process; that it can be done in one of its own is another test's."""
    monkeypatch.setattr(emulator, "emulate", emulate)


def test_resources_and_annotated_code_are_printed(program: Path, capsys) -> None:
    assert cli.main(["compile", str(EXAMPLE), str(program)]) == 0
    out = capsys.readouterr().out
    table = [line.split() for line in out.splitlines()[2:5]]
    assert table[0][:4] == ["frame", "output", "module", "seq"]
    assert table[1][:3] == ["drive", "slot4.out0", "QCM-RF"]
    assert "/16384" in table[1][4]
    assert "3 shots x 11 points last" in out
    assert "3  Play     readout: Square 600 ns x 0.1" in out
    (play,) = [line for line in out.splitlines() if "play [0] Drag" in line]
    assert re.match(r" *\d+ +4 +0 +play +\d,\d,\d+ +# shot starts, play \[0\] Drag", play), play
    (acquire,) = [line for line in out.splitlines() if "acquire" in line]
    assert re.match(r" *\d+ +4 +192 +acquire .*# capture \[2\] q0", acquire), acquire


def test_a_diagram_is_a_picture_of_what_the_program_means(program: Path, tmp_path, capsys) -> None:
    out = tmp_path / "d.svg"
    words = ["compile", str(EXAMPLE), str(program), "--diagram", str(out), "--point", "amplitude=4"]
    assert cli.main(words) == 0
    assert capsys.readouterr().out == f"{out}\n"
    texts = [e.text for e in ElementTree.parse(out).iter() if e.tag.endswith("}text")]
    assert "amplitude=4: height = 0.2" in texts
    assert any(str(text).startswith("Drag 40 ns, 0.199") for text in texts)
    assert "node_a.q0.readout" in texts
    assert any(str(text).startswith("7.26 GHz, LO ") for text in texts)


def test_both_are_compared_by_an_emulator_in_a_process_of_its_own(
    program: Path, tmp_path, capsys
) -> None:
    out = tmp_path / "c.html"
    assert cli.main(["compile", str(EXAMPLE), str(program), "--compare", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "program and machine code are the same at 11 points, in the first and"
        " the last repetition, to one step of the"
    )
    text = out.read_text()
    assert "no difference beyond one step of the converter" in text
    assert "<pre>program\n" in text
    assert "machine code\n" in text


@pytest.mark.usefixtures("here")
def test_a_damaged_artifact_is_found_named_and_marked(program: Path, tmp_path, capsys) -> None:
    assert cli.main(["compile", str(EXAMPLE), str(program), "--json"]) == 0
    artifacts = json.loads(capsys.readouterr().out)
    readout = artifacts["cluster_a"]["sequencers"][1]
    assert readout["frame"] == "readout"
    readout["text"] = readout["text"].replace("set_awg_offs 3277,0", "set_awg_offs 3377,0")
    (tmp_path / "a.json").write_text(json.dumps(artifacts))
    out = tmp_path / "c.svg"
    words = ["compile", str(EXAMPLE), str(program), "--compare", str(out)]
    assert cli.main([*words, "--artifact", str(tmp_path / "a.json"), "--point", "amplitude=0"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("1 difference beyond one step of the converter")
    assert said[1] == (
        "  readout, 40 ns: statement 3, Square 600 ns: its amplitude is 0.10306 of full scale, "
        "meant is 0.10001 (amplitude=0: height = 0)"
    )
    root = ElementTree.parse(out).getroot()
    marks = [e for e in root.iter() if e.get("class") == "off"]
    assert len(marks) == 1
    wrong = [e.text for e in root.iter() if e.get("class") == "wrong"]
    assert wrong[0] == "1 difference"
    assert "Square 600 ns: its amplitude is 0.10306" in str(wrong[1])


@pytest.mark.usefixtures("here")
def test_the_first_point_with_a_difference_is_drawn_where_none_is_asked_for(
    program: Path, tmp_path, capsys
) -> None:
    assert cli.main(["compile", str(EXAMPLE), str(program), "--json"]) == 0
    artifacts = json.loads(capsys.readouterr().out)
    drive = artifacts["cluster_a"]["sequencers"][0]
    step = re.search(r"add (R\d+),(\d+),\1", drive["text"])
    assert step is not None
    more = step[0].replace(step[2], str(int(step[2]) + int(step[2]) // 5))
    drive["text"] = drive["text"].replace(step[0], more)
    (tmp_path / "a.json").write_text(json.dumps(artifacts))
    out = tmp_path / "c.svg"
    words = ["compile", str(EXAMPLE), str(program), "--compare", str(out)]
    assert cli.main([*words, "--artifact", str(tmp_path / "a.json")]) == 1
    said = capsys.readouterr().out
    assert said.startswith("10 differences")  # at amplitude 0 both are silent
    assert "(amplitude=1: height = 0.05)" in said.splitlines()[1]


@pytest.mark.usefixtures("here")
def test_what_the_machine_code_plays_is_drawn_alone(program: Path, tmp_path) -> None:
    out = tmp_path / "p.svg"
    words = ["compile", str(EXAMPLE), str(program), "--play", str(out), "--point", "amplitude=-1"]
    assert cli.main(words) == 0
    texts = [e.text for e in ElementTree.parse(out).iter() if e.tag.endswith("}text")]
    assert any(str(text).startswith("waveform 40 ns, 0.49") for text in texts)


def test_without_simulated_instruments_it_is_said_and_the_diagram_is_still_drawn(
    program: Path, tmp_path, monkeypatch, capsys
) -> None:
    others = [EntryPoint("other", "somebody:command", "podium.commands")]
    monkeypatch.setattr(emulator, "entry_points", lambda group: others)
    words = ["compile", str(EXAMPLE), str(program)]
    assert cli.main([*words, "--diagram", str(tmp_path / "d.svg")]) == 0
    assert cli.main([*words, "--play", str(tmp_path / "p.svg")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("podium compile: what the machine code plays can only be seen where the")
    assert "podium.sim_instruments" in said
    assert not (tmp_path / "p.svg").exists()


@pytest.mark.parametrize(
    ("words", "says", "status"),
    [
        (["--point", "amplitud=3"], "no axis 'amplitud'; did you mean 'amplitude'?", 2),
        (["--point", "amplitude=11"], "has 11 points, with indices 0 to 10", 2),
        (["--point", "amplitude"], "a point is chosen by AXIS=INDEX, e.g. amplitude=0", 2),
        (["--point", "amplitude=x"], "'x' is no index; a whole number from 0 to 10", 2),
    ],
)
def test_a_point_that_is_none_is_refused_in_words(
    program: Path, tmp_path, words, says, status, capsys
) -> None:
    out = tmp_path / "d.svg"
    given = ["compile", str(EXAMPLE), str(program), "--diagram", str(out), *words]
    assert cli.main(given) == status
    assert says in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.usefixtures("here")
def test_a_program_on_several_nodes_is_compiled_as_it_starts_together(tmp_path, capsys) -> None:
    program = tmp_path / "two.json"
    program.write_text(to_json(together([Node("a"), Node("b")])))
    out = tmp_path / "two.svg"
    assert cli.main(["compile", str(TWO_NODES), str(program)]) == 0
    listing = capsys.readouterr().out
    assert listing.count("wait_trigger") == 4
    assert cli.main(["compile", str(TWO_NODES), str(program), "--compare", str(out)]) == 0
    texts = [e.text for e in ElementTree.parse(out).iter() if e.tag.endswith("}text")]
    assert {"cluster_a slot4.out0", "cluster_b slot4.out0"} <= set(texts)


@pytest.mark.parametrize("text", ["[]", "{}x", '{"cluster_a": 3}', '{"cluster_a": {}}'])
def test_an_artifact_that_is_none_is_refused_in_one_line(
    program: Path, tmp_path, text, capsys
) -> None:
    (tmp_path / "a.json").write_text(text)
    words = ["compile", str(EXAMPLE), str(program), "--artifact", str(tmp_path / "a.json")]
    assert cli.main(words) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_place_where_nothing_can_be_written_is_named(program: Path, tmp_path, capsys) -> None:
    out = tmp_path / "nowhere" / "d.svg"
    assert cli.main(["compile", str(EXAMPLE), str(program), "--diagram", str(out)]) == 2
    assert str(out) in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_an_artifact_of_another_program_or_cluster_is_refused(
    program: Path, tmp_path, capsys
) -> None:
    def refused(plain: object, says: str) -> None:
        (tmp_path / "a.json").write_text(json.dumps(plain))
        words = ["compile", str(EXAMPLE), str(program), "--artifact", str(tmp_path / "a.json")]
        assert cli.main([*words, "--compare", str(tmp_path / "c.svg")]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert says in line

    assert cli.main(["compile", str(EXAMPLE), str(program), "--json"]) == 0
    artifacts = json.loads(capsys.readouterr().out)
    refused({"cluster_z": artifacts["cluster_a"]}, "is for cluster_z; the facility has cluster_a")
    other = json.loads(json.dumps(artifacts))
    other["cluster_a"]["sequencers"][0]["frame"] = "flux"
    refused(other, "is of another program, rabi: it has flux, this one has drive, readout")
    other = json.loads(json.dumps(artifacts).replace('"axes": ["amplitude"]', '"axes": ["x"]'))
    refused(other, "it has axes [('x', 11)], this one has drive, readout, with axes [('amplitude'")
    other = json.loads(json.dumps(artifacts))
    other["cluster_a"]["sequencers"][0]["slot"] = 3
    refused(other, "is in slot 3, whose module is 'none'")
