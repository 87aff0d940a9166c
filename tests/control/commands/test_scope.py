"""``podium scope``: what a stored run played, drawn and in words."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
import xarray
from tests.benches.nodes.triggered import Node, together
from tests.benches.nodes.twins_on_sockets import twins_on_sockets
from tests.benches.nodes.two_nodes_up import TWO_NODES
from tests.benches.programs.rabi_file import EXAMPLE, RABI
from tests.benches.servers.dump_reader import read

from podium.control import cli
from podium.control.agent.compiled_programs import roundings_of
from podium.control.bus.messages import roundings_to_json
from podium.control.calibration.facility_copy import keep_facility
from podium.control.client.facility_access import open_facility
from podium.control.commands import run
from podium.control.facility.line_response import LineResponse, lines_to_plain
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.pictures.stored_run import LINES_UNDONE
from podium.control.processes import emulator
from podium.control.program.program import Program
from podium.control.program.serialise import digest, to_json
from podium.control.records.datasets import load_dataset, save_dataset
from podium.control.timebase.timed_program import name_of
from podium.sim_instruments.twins.qblox_cluster.runs.emulation import emulate

RUN = "1795175211-00001"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "emulate", emulate)


def stored(
    folder: Path, program: Program = RABI, facility: Path = EXAMPLE, **attributes: object
) -> Path:
    """Store a run that has measured one number, and its facility file."""
    loaded = load_facility(facility)
    told = {
        "run": RUN,
        "program": program.name,
        "program_json": to_json(program),
        "program_hash": digest(program),
        "facility_hash": loaded.digest,
    }
    data = xarray.Dataset({"q0_i": ("x", np.zeros(1), {"units": "V"})}, attrs=told | attributes)
    keep_facility(facility, loaded.digest, folder)
    return save_dataset(data, folder)


def scope(*words: object) -> int:
    return cli.main(["scope", *map(str, words)])


def test_a_run_is_drawn_beside_its_data(tmp_path, capsys) -> None:
    stored(tmp_path)
    assert scope(RUN, "--data", tmp_path) == 0
    said, at = capsys.readouterr().out.splitlines()
    assert said.startswith("program and machine code are the same at 11 points")
    assert at == str(tmp_path / f"{RUN}.scope.svg")
    texts = [e.text for e in ElementTree.parse(at).iter() if e.tag.endswith("}text")]
    assert texts.count("program") == texts.count("machine code") == 2


def test_events_are_told_as_a_table(tmp_path, capsys) -> None:
    path = stored(tmp_path)
    assert scope(path, "--text", "--point", "amplitude=10") == 0
    out = capsys.readouterr().out
    meant, played = out.split("machine code\n", 1)
    rows = [line.split(maxsplit=3) for line in meant.splitlines()[3:]]
    assert rows[0] == ["ns", "port", "frame", "what"]
    assert ["192", "node_a.q0.readout", "readout"] in [row[:3] for row in rows]
    assert "capture q0 for 400 ns at 7260000000 Hz  [2]" in meant
    assert "capture q0 for 400 ns at 7260000000 Hz, into bin 10" in played
    assert "play Square 600 ns, 0.1 of full scale, +0.0000 degrees" in meant
    assert "switch closed for 100.64 µs" in played
    assert not list(tmp_path.glob("*.svg"))


def test_a_run_on_several_nodes_is_shown_with_how_each_was_started(tmp_path, capsys) -> None:
    program = together([Node("a"), Node("b")])
    settings = {
        "cluster_a": {"delay_ns": 100, "offset_ns": 0, "late_fs": 0},
        "cluster_b": {"delay_ns": 100, "offset_ns": 7, "late_fs": 350_000},
    }
    starts = json.dumps(dict.fromkeys(settings, "x"))
    stored(tmp_path, program, TWO_NODES, starts=starts, start_settings=json.dumps(settings))
    assert scope(RUN, "--data", tmp_path, "--text") == 0
    out = capsys.readouterr().out
    assert "node_b.q0.readout" in out
    assert "program and machine code are the same at 3 points" in out
    stored(tmp_path, program, TWO_NODES, starts=starts, start_settings="[]")
    assert scope(RUN, "--data", tmp_path) == 1
    assert "how run 1795175211-00001 was started cannot be read" in capsys.readouterr().err


def test_numbers_that_the_compiler_would_round_otherwise_today_are_told(tmp_path, capsys) -> None:
    then = roundings_to_json(roundings_of(compiler_for(load_facility(EXAMPLE))(RABI)))
    stored(tmp_path, quantised=then)
    assert scope(RUN, "--data", tmp_path) == 0
    assert capsys.readouterr().err == ""
    stored(tmp_path, quantised=then.replace("worst", "best", 1))
    assert scope(RUN, "--data", tmp_path) == 0
    assert (
        "podium scope: today's compiler does not make what was run: 1 n" in capsys.readouterr().err
    )


def test_without_an_emulator_the_program_alone_is_shown(tmp_path, monkeypatch, capsys) -> None:
    def none(*_: object) -> None:
        raise emulator.CannotEmulate("there is none here")

    monkeypatch.setattr(emulator, "emulate", none)
    stored(tmp_path)
    assert scope(RUN, "--data", tmp_path) == 0
    assert scope(RUN, "--data", tmp_path, "--text") == 0
    out, err = capsys.readouterr()
    assert "there is none here; shown is the program alone" in err
    assert "machine code" not in out
    assert "play Drag 40 ns" in out


def test_what_cannot_be_shown_is_refused_in_one_line(tmp_path, capsys) -> None:
    path = stored(tmp_path)

    def says(text: str, *words: object, status: int = 1) -> None:
        assert scope(*words) == status
        (line,) = capsys.readouterr().err.splitlines()
        assert text in line, line

    says(f"no data of run 17 in {tmp_path}; it has {RUN} ... {RUN}", 17, "--data", tmp_path)
    says("there is no such file", tmp_path / "x.nc")
    says("no axis 'x'", path, "--point", "x=1", status=2)
    (tmp_path / "bad.nc").write_text("hello")
    says("no data of a run can be read there", tmp_path / "bad.nc")
    stored(tmp_path, program_json="")
    says("do not hold a program", path)
    stored(tmp_path, program_json="{}")
    says("cannot be read", path)
    stored(tmp_path, program_json=to_json(replace(RABI, shots=4)))
    says("is not the one that was run", path)
    (kept,) = tmp_path.glob("facility-*.yaml")
    kept.unlink()
    stored_again = load_dataset(path)
    stored_again.attrs["program_json"] = to_json(RABI)
    save_dataset(stored_again, tmp_path)
    says("the facility file of then is not beside the data", path)


def test_of_a_run_that_undid_flux_lines_the_program_is_shown(tmp_path, capsys) -> None:
    lines = {"node_a.q0.flux": LineResponse(((100e-9, 0.02),))}
    text = json.dumps(lines_to_plain(lines))
    path = stored(tmp_path, flux_lines=text, program_hash=name_of(RABI, lines))
    assert scope(path) == 0
    assert f"{LINES_UNDONE}; shown is the program alone" in capsys.readouterr().err
    stored(tmp_path, flux_lines="[1]", program_hash=name_of(RABI, lines))
    assert scope(path) == 1
    assert "which flux lines run" in capsys.readouterr().err


async def test_what_was_run_on_twins_is_shown(tmp_path, capsys) -> None:
    async with (
        twins_on_sockets(tmp_path) as twins,
        open_facility(EXAMPLE, twins.endpoints, state=twins.state) as lab,
    ):
        await lab.ready(30)
        data = await lab.run(RABI)
    path = save_dataset(data, tmp_path)
    assert scope(path, "--facility", EXAMPLE) == 0
    out, err = capsys.readouterr()
    assert err == "", "what was rounded is the same today"
    assert out.startswith("program and machine code are the same at 11 points")


@pytest.mark.parametrize("edited", [False, True])
def test_a_run_keeps_its_facility_file_and_never_loses_data_over_it(
    tmp_path, monkeypatch, capsys, edited: bool
) -> None:
    facility = tmp_path / "facility.yaml"
    facility.write_text(EXAMPLE.read_text())
    (tmp_path / "p.json").write_text(to_json(RABI))
    attributes = {
        "run": RUN,
        "complete": 1,
        "program_json": to_json(RABI),
        "program_hash": digest(RABI),
        "facility_hash": load_facility(facility).digest,
    }

    async def measured(*_: object) -> xarray.Dataset:
        if edited:
            facility.write_text("facility: [")
        return xarray.Dataset({"q0_i": ("x", np.zeros(1), {"units": "V"})}, attrs=attributes)

    monkeypatch.setattr(run, "_run", measured)
    out = tmp_path / "out" / "p.nc"
    assert cli.main(["run", str(facility), str(tmp_path / "p.json"), "--out", str(out)]) == 0
    assert out.exists()
    assert ("the facility file is not kept with the data" in capsys.readouterr().err) == edited
    assert scope(out) == int(edited)


def test_a_shot_is_dumped_for_a_wave_viewer(tmp_path, capsys) -> None:
    path = stored(tmp_path)
    out = tmp_path / "shot.vcd"
    assert scope(path, "--vcd", out, "--point", "amplitude=10") == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    variables, comments = read(out.read_text())
    assert comments[:2] == ["machine code", RABI.name]
    (capture,) = [one for name, one in variables.items() if name.endswith("capture_q0")]
    (begin,), (end,) = capture.rises(), capture.falls()
    assert end - begin == 400 * 10**6
    (readout,) = [one for name, one in variables.items() if name.endswith(".readout.i")]
    assert readout.at(begin + 10**6) == pytest.approx(0.1, abs=1e-4)


def test_what_twins_played_last_is_asked_of_the_command_of_the_twins(
    tmp_path, monkeypatch, capsys
) -> None:
    asked: list[list[str]] = []

    def ran(words: list[str], **_: object) -> SimpleNamespace:
        asked.append(words[-5:])
        return SimpleNamespace(returncode=len(asked) - 1, stderr="nobody is there\n")

    monkeypatch.setattr(emulator.subprocess, "run", ran)
    words = ["--vcd", "all.vcd", "--endpoints", "e.json"]
    assert scope(*words) == 0
    assert capsys.readouterr().out == "all.vcd\n"
    assert asked == [["played", "--endpoints", "e.json", "--vcd", "all.vcd"]]
    assert scope(*words) == 1
    assert capsys.readouterr().err == "podium scope: nobody is there\n"
    for wrong in ([], [RUN, *words], ["--endpoints", "e.json"]):
        assert scope(*wrong) == 2
        assert "name a RUN, or give --vcd" in capsys.readouterr().err
