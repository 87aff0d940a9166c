"""``podium twin serve --model``: a virtual instrument in one line, without the control layer."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.benches.nodes.podium_up import wait_for
from tests.benches.processes.forked_podium import start_podium

from podium.control.facility.load import load_facility, load_with_remarks
from podium.sim_instruments.command import command
from podium.sim_instruments.facilities.chips import CHIPS
from podium.sim_instruments.facilities.one_instrument import facility_of
from podium_command_line import carry_out, parser_of_one

START_S = 60
WITHOUT_CONTROL = """
import atexit, os, sys

class Refuses:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("podium.control", "podium.drivers")):
            raise ImportError(f"{name} must not be needed")

sys.meta_path.insert(0, Refuses())
import podium_start
status = podium_start.main()
others = [one for one in sys.modules if one.startswith(("podium.control", "podium.drivers"))]
print("IMPORTED", others)
sys.exit(status)
"""


@contextmanager
def served(*words: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Start ``podium twin serve WORDS`` with control unimportable; yield what it says at first."""
    process = subprocess.Popen(
        [sys.executable, "-c", WITHOUT_CONTROL, "twin", "serve", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith("files: "):
                break
        else:
            assert process.stderr is not None
            pytest.fail(process.stderr.read())
        yield process, lines
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=START_S)


def serve_once(folder: Path, *words: str) -> None:
    """Start ``podium twin serve WORDS`` as a copy, and end it when it listens."""
    log, endpoints = folder / "log", folder / "endpoints.json"
    with log.open("w") as said:
        process = start_podium("twin", "serve", *words, out=said)
    try:
        wait_for(endpoints.exists, log)
    finally:
        process.terminate()
        assert process.wait(START_S) == 0, log.read_text()
    assert not endpoints.exists()


def say(*words: str) -> int:
    """Run ``podium twin WORDS`` here."""
    return carry_out(["twin", *words], lambda _: parser_of_one("twin", command))


def test_a_cluster_on_a_chip_is_served_in_one_line_and_without_control(tmp_path) -> None:
    words = ("--model", "qblox_cluster", "--chip", "krinner2022", "--seed", "5")
    with served(*words, "--state", str(tmp_path / "state")) as (process, said):
        told = dict(line.strip().split(": ", 1) for line in said)
        assert re.fullmatch(r"qblox_cluster at 127\.\d+\.\d+\.\d+", told["cluster"])
        assert told["chip krinner2022, 3 qubits, seed 5"].startswith("Krinner et al., Nature 605")
        names: dict[str, socket.socket] = {}
        exec(told["a plain socket"], names)  # the line that a person pastes
        with names["cluster"] as cluster:
            cluster.sendall(b"*IDN?\n")
            assert cluster.recv(1000).startswith(b"Qblox,Cluster MM,")
        entry = json.loads((tmp_path / "state" / "endpoints.json").read_text())
        clients = entry["instruments"]["cluster"]["clients"]
        assert list(clients) == [line.strip().split(": ")[0] for line in said if line[0] == " "]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=START_S)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines() == [
        "cluster: 1 commands, 0 of them unknown, 0 without a meaning here",
        "IMPORTED []",
    ]
    assert sorted(file.name for file in (tmp_path / "state").iterdir()) == [
        "facility.yaml",
        "twin.yaml",
    ]


def test_one_address_and_ports_for_all_can_be_asked_for(tmp_path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        shift = 20_000 + probe.getsockname()[1] % 1000
    words = ("--model", "yokogawa_gs200", "--host", "127.0.0.1", "--shift", str(shift))
    with served(*words) as (_, said):
        assert said[0] == "source: yokogawa_gs200 at 127.0.0.1"
        with socket.create_connection(("127.0.0.1", 7655 + shift)) as source:
            source.sendall(b"*IDN?\n")
            assert source.recv(1000).startswith(b"YOKOGAWA,GS210,")
        folder = Path(said[-1].removeprefix("files: ").removesuffix(", until this ends"))
        assert folder.is_dir()
    assert not folder.exists()


def test_a_world_that_is_there_is_served_again_and_never_drawn_over(tmp_path, capsys) -> None:
    words = ["--model", "qblox_cluster", "--chip", "krinner2022", "--qubits", "1"]
    state = ["--state", str(tmp_path)]
    serve_once(tmp_path, *words, *state)  # it draws a world
    twin = tmp_path / "twin.yaml"
    changed = twin.read_text().replace("seed: 0", "seed: 0  # by hand")
    twin.write_text(changed)
    serve_once(tmp_path, *words, *state)
    assert twin.read_text() == changed
    for other in (["--seed", "1"], ["--qubits", "2"]):
        assert say("serve", *words, *state, *other) == 2
        assert "holds the world of other words (seed 0): name another folder" in (
            capsys.readouterr().err
        )
    assert twin.read_text() == changed


def test_chips_are_listed_with_their_sources(capsys) -> None:
    assert say("chips") == 0
    out = capsys.readouterr().out
    for name, chip in CHIPS.items():
        assert f"{name}: up to {len(chip.qubits)} qubits, " in out
        assert chip.source in out


def test_a_chip_on_instruments_that_count_ticks_gets_a_clock(tmp_path) -> None:
    """A data server tells no time, and nothing is calibrated without."""
    file = tmp_path / "facility.yaml"
    assert (
        say("chips", "krinner2022", "--model", "zurich", "--qubits", "2", "--out", str(file)) == 0
    )
    facility, remarks = load_with_remarks(file)
    assert remarks == ()
    assert facility.nodes["node_a"].clock == "house"
    assert facility.clocks["house"].source in facility.instruments
    bare = tmp_path / "bare.yaml"
    YAML().dump(facility_of("zurich", "krinner2022", 2), bare)
    (remark,) = load_with_remarks(bare)[1]
    assert "no instrument tells the time" in str(remark)


def test_a_chip_becomes_a_facility_file(tmp_path, capsys) -> None:
    file = tmp_path / "facility.yaml"
    assert say("chips", "marxer2025", "--out", str(file)) == 0
    facility = load_facility(file)
    assert facility.nodes["node_a"].qubits.keys() == {"q0", "q1"}
    assert "arXiv:2508.16437" in file.read_text()
    for words, told in (
        (("marxer2025", "--out", str(file)), "is there already"),
        (("marxer2025",), "where is marxer2025 to be written? --out FILE"),
        (("nobody", "--out", "x.yaml"), "no chip 'nobody'; there are krinner2022"),
        (("--out", "x.yaml"), "--out wants the name of a chip"),
        (("ding2023", "--model", "zurich", "--out", "x.yaml"), "q0 of ding2023 is driven at 0.3"),
        (("marxer2025", "--qubits", "3", "--out", "x.yaml"), "has 1 to 2 qubits here, not 3"),
        (("marxer2025", "--out", str(tmp_path / "no" / "f.yaml")), "No such file or directory"),
    ):
        assert say("chips", *words) == 2
        assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "give either a facility file or --model MODEL"),
        (("f.yaml", "--model", "zurich"), "give either a facility file or --model MODEL"),
        (("f.yaml",), "a facility file wants --twin TWIN and --endpoints FILE"),
        (("--model", "zurich", "--shift", "3"), "--shift wants --host"),
        (("--model", "qblox"), "no model 'qblox' is known"),
        (("--model", "qblox_cluster", "--chip", "x"), "no chip 'x'; there are krinner2022"),
        (("--model", "zurich", "--option", "devices"), "an option is NAME=VALUE"),
    ],
)
def test_wrong_words_are_told_in_one_line(words, says, capsys) -> None:
    assert say("serve", *words) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"podium twin serve: {says}")
    assert len(err.splitlines()) == 1


def test_nobody_is_let_in_from_outside(capsys) -> None:
    assert say("serve", "--model", "zurich", "--host", "0.0.0.0") == 1
    assert "0.0.0.0 is no loopback address; a twin lets everybody in" in capsys.readouterr().err


def test_a_log_of_commands_is_told_if_it_is_kept(tmp_path, capsys) -> None:
    endpoints = tmp_path / "ends.json"
    words = ("--model", "lakeshore_372", "--endpoints", str(endpoints))
    with served(*words, "--log") as (_, said):
        names: dict[str, socket.socket] = {}
        exec(next(line for line in said if "plain socket" in line).split(": ", 1)[1], names)
        with names["thermometer"] as thermometer:
            thermometer.settimeout(START_S)
            thermometer.sendall(b"KRDG? 6\nNOTHING? 1\n*IDN?\n")
            answers = thermometer.makefile("rb")
            assert [b"LSCI" in answers.readline() for _ in range(2)] == [False, True]
            assert say("log", "--endpoints", str(endpoints)) == 0
            assert [line.split(None, 1)[1] for line in capsys.readouterr().out.splitlines()] == [
                "thermometer scpi: KRDG? 6   [known]",
                "thermometer scpi: NOTHING? 1   [unknown]",
                "thermometer scpi: *IDN?   [known]",
            ]
            assert say("log", "--endpoints", str(endpoints), "--unknown", "--since", "1") == 0
            assert capsys.readouterr().out.split(None, 1)[1].startswith("thermometer scpi: NOTHING")
