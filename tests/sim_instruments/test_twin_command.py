"""``podium twin`` as a person types it: words, files, processes, exit statuses."""

import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from tests.benches.command_line import podium_here
from tests.benches.processes.forked_podium import start_podium

from podium.control import cli

EXAMPLE = Path(__file__).parents[2] / "examples" / "first_light" / "facility.yaml"
PODIUM = [sys.executable, "-m", "podium.control.cli"]
WITHIN_S = 90.0


@pytest.fixture(scope="module")
def twin(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("world") / "twin.yaml"
    assert cli.main(["twin", "sample", str(EXAMPLE), "--seed", "7", "--out", str(path)]) == 0
    return path


def typed(*words: object) -> tuple[int, str, str]:
    """Run ``podium twin WORDS`` in a process; return its exit status and what it said."""
    command = [*PODIUM, "twin", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def said():
    """Run ``podium twin WORDS`` in this process; return its exit status and what it said."""

    def said(*words: object) -> tuple[int, str, str]:
        done = podium_here("twin", *words)
        return done.returncode, done.stdout, done.stderr

    return said


# sample


def test_the_same_seed_draws_the_same_world(said, tmp_path, twin) -> None:
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    assert said("sample", EXAMPLE, "--seed", 7, "--out", one) == (0, "", "")
    assert said("sample", EXAMPLE, "--seed", 8, "--out", other)[0] == 0
    assert one.read_text() == twin.read_text()
    assert one.read_text() != other.read_text()


def test_each_option_draws_a_world_of_its_own_and_the_same_for_the_same_seed(
    said, tmp_path, twin
) -> None:
    texts = [twin.read_text()]
    for number, options in enumerate((["--wrong", 3], ["--mixers"], ["--drift"])):
        for again in ("one", "two"):
            path = tmp_path / f"{again}_{number}.yaml"
            assert said("sample", EXAMPLE, "--seed", 7, *options, "--out", path)[0] == 0
        assert (tmp_path / f"one_{number}.yaml").read_text() == path.read_text()
        texts.append(path.read_text())
    assert len(set(texts)) == 4


@pytest.mark.parametrize(
    ("wrong", "status", "complaint"),
    [
        ("-1", 2, "0 or more, not -1; 3 is three spreads off"),
        ("nan", 2, "0 or more, not nan"),
        ("much", 2, "'much' is no number of spreads; 3 is three spreads off"),
        ("40", 1, "no qubit 40 spreads off the design was found"),
    ],
)
def test_no_world_lies_so_many_spreads_off(
    said, tmp_path, wrong: str, status: int, complaint: str
) -> None:
    out = tmp_path / "twin.yaml"
    found, _, err = said("sample", EXAMPLE, "--wrong", wrong, "--out", out)
    assert found == status
    assert complaint in err
    assert not out.exists()


# truth


@pytest.fixture(scope="module")
def drifting(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("drifting") / "twin.yaml"
    words = ["twin", "sample", str(EXAMPLE), "--seed", "7", "--drift", "--out", str(path)]
    assert cli.main(words) == 0
    return path


def test_the_truth_at_a_time_is_that_of_the_drift(said, drifting, twin) -> None:
    def told(path: Path, *more: object) -> dict:
        status, out, err = said("truth", path, "--json", "--quick", *more)
        assert (status, err) == (0, "")
        return json.loads(out)

    def f01(told: dict) -> float:
        return told["node_a.q0.f01"]["value"]

    at = "1800000000..1800000010"
    assert told(drifting) == told(twin), "without a time, what the drift is about"
    assert len(told(drifting)) == 33, "all but the assignment fidelities"
    one = told(drifting, "--at", at)
    assert one == told(drifting, "--at", at)
    assert 1 < abs(f01(one) - f01(told(drifting))) < 20e3
    both = told(drifting, "--at", at, "--at", "1800036000")
    assert list(both) == [at, "1800036000"]
    assert both[at] == one
    assert f01(both["1800036000"]) != f01(one)


@pytest.mark.parametrize("when", ["yesterday", "5..4", ".."])
def test_a_time_that_is_none_is_refused_with_one_that_is(said, twin, when: str) -> None:
    status, _, err = said("truth", twin, "--at", when)
    assert status == 2
    assert f"{when!r} is no time" in err
    assert "1767225637.5..1767225640" in err


@pytest.fixture(scope="module")
def truth(said, twin) -> dict[str, dict]:
    """What the file's truth is, as a program is told it."""
    status, out, err = said("truth", twin, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)


def found_quickly(truth: dict[str, dict]) -> list[str]:
    return [name for name in truth if not name.endswith("assignment_fidelity")]


def test_the_truth_of_a_file_has_names_values_and_units(truth) -> None:
    assert len(truth) == 36
    assert all(set(one) == {"value", "unit"} for one in truth.values())
    assert {one["unit"] for one in truth.values()} == {"Hz", "s", "V", "1"}


def test_the_truth_of_a_file_is_told_to_people_as_well(said, twin, truth) -> None:
    status, out, _ = said("truth", twin, "--quick")
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    assert [line[0] for line in lines] == found_quickly(truth)
    for name, value, unit in lines:
        assert float(value) == pytest.approx(truth[name]["value"], rel=1e-8)
        assert unit == truth[name]["unit"]


# serve


class Simulation:
    """``podium twin serve``, from its first moment.

    ``from_nothing``: in an interpreter of its own, as a person starts it; else as a copy of one
    that has imported what it needs.
    """

    def __init__(self, folder: Path, twin: Path, *more: str, from_nothing: bool = False) -> None:
        self.endpoints = folder / "endpoints.json"
        self.log = folder / "log"
        words = ["twin", "serve", str(EXAMPLE), "--twin", str(twin)]
        words += ["--endpoints", str(self.endpoints), *more]
        with self.log.open("w") as sink:
            self.process = (
                subprocess.Popen([*PODIUM, *words], stdout=sink, stderr=sink)
                if from_nothing
                else start_podium(*words, out=sink)
            )

    def wait_for_endpoints(self) -> dict[str, dict]:
        """Return the instruments of the endpoints file, read the moment it is there."""
        give_up = time.monotonic() + WITHIN_S
        while True:
            try:
                text = self.endpoints.read_text()
            except FileNotFoundError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < give_up, self.log.read_text()
                time.sleep(0.001)
            else:
                return json.loads(text)["instruments"]

    def sockets(self) -> set[tuple[str, int]]:
        """Return every address it listens on, as the system tells it."""
        return {
            (one.laddr.ip, one.laddr.port)
            for one in psutil.Process(self.process.pid).net_connections("inet")
            if one.status == psutil.CONN_LISTEN
        }

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(WITHIN_S)


@pytest.fixture(scope="module")
def simulation(tmp_path_factory, twin) -> Iterator[Simulation]:
    """One that runs meanwhile."""
    simulation = Simulation(tmp_path_factory.mktemp("served"), twin, "--clock", "manual")
    simulation.wait_for_endpoints()
    yield simulation
    simulation.end()


def ask(entry: dict, message: bytes) -> bytes:
    """Put one question to an instrument of the endpoints file."""
    if "visa" in entry:
        _, host, port, kind = entry["visa"].split("::")
        assert kind == "SOCKET"
    else:
        host, port = entry["host"], entry["ports"]["scpi"]
    with socket.create_connection((host, int(port)), WITHIN_S) as connection:
        connection.sendall(message)
        with connection.makefile("rb") as lines:
            return lines.readline()


def test_the_endpoints_file_is_there_while_everything_listens(tmp_path, twin) -> None:
    simulation = Simulation(tmp_path, twin, from_nothing=True)
    try:
        for entry in simulation.wait_for_endpoints().values():
            assert ask(entry, b"*IDN?\n")
        back_door = simulation.endpoints.with_name("endpoints.json.back_door")
        for file in (back_door, simulation.endpoints):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    finally:
        assert simulation.end() == 0
    assert not simulation.endpoints.exists()
    assert not back_door.exists()
    assert simulation.log.read_text().splitlines() == [
        "cluster_a: 1 commands, 0 of them unknown, 0 without a meaning here",
        "thermometry_a: 1 commands, 0 of them unknown, 0 without a meaning here",
        "bias_q0: 1 commands, 0 of them unknown, 0 without a meaning here",
        "lo_q2: 1 commands, 0 of them unknown, 0 without a meaning here",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]


def test_what_a_killed_simulation_left_is_not_taken_for_the_next_ones(said, tmp_path, twin) -> None:
    killed = Simulation(tmp_path, twin)
    left = killed.wait_for_endpoints()
    killed.end(signal.SIGKILL)
    assert killed.endpoints.exists()
    status, _, err = said("time", "--endpoints", killed.endpoints)
    assert status == 1
    assert "does not answer" in err
    again = Simulation(tmp_path, twin)
    try:
        give_up = time.monotonic() + WITHIN_S
        while (found := again.wait_for_endpoints()) == left:
            assert time.monotonic() < give_up
            time.sleep(0.001)
        for entry in found.values():
            assert ask(entry, b"*IDN?\n")
    finally:
        assert again.end(signal.SIGINT) == 0, "Ctrl-C ends it as well"
    assert not again.endpoints.exists()


def test_the_endpoints_say_how_to_connect(simulation) -> None:
    instruments = simulation.wait_for_endpoints()
    assert {name: entry["model"] for name, entry in instruments.items()} == {
        "cluster_a": "qblox_cluster",
        "thermometry_a": "lakeshore_372",
        "bias_q0": "yokogawa_gs200",
        "lo_q2": "rohde_schwarz_sgs100a",
    }
    assert instruments["cluster_a"]["ports"] == {"scpi": 5025, "module_scpi_base": 25000}
    for name, entry in instruments.items():
        assert entry["host"].startswith("127.")
        assert entry["host"] in entry["connect"]
        assert name in entry["connect"]
        compile(entry["connect"], name, "exec")
    assert instruments["bias_q0"]["visa"].endswith("::7655::SOCKET")


def test_it_listens_on_loopback_only(simulation) -> None:
    sockets = simulation.sockets()
    assert len(sockets) == 4 + 3 + 3 + 1  # instruments, modules, HiSLIP and VXI-11, back door
    assert all(host.startswith("127.") for host, _ in sockets)


@pytest.mark.slow
def test_two_simulations_run_side_by_side(simulation, tmp_path, twin) -> None:
    second = Simulation(tmp_path, twin)
    try:
        for entry in (*second.wait_for_endpoints().values(),):
            assert ask(entry, b"*IDN?\n")
        assert not second.sockets() & simulation.sockets()
    finally:
        assert second.end() == 0
    assert simulation.process.poll() is None


# time, advance, tallies, fault, live truth


def test_time_is_told_and_advanced(said, simulation) -> None:
    status, out, _ = said("time", "--endpoints", simulation.endpoints)
    assert status == 0
    before = json.loads(out)
    assert before.keys() == {"tai_s", "since_start_s", "leapt_s", "running_s"}
    status, out, _ = said("advance", "--endpoints", simulation.endpoints, "3h")
    assert status == 0
    assert json.loads(out)["since_start_s"] - before["since_start_s"] == pytest.approx(10_800)


@pytest.mark.parametrize(
    ("span", "seconds"), [("10min", 600), ("2.5s", 2.5), ("20 ms", 0.02), ("0 s", 0)]
)
def test_spans_have_units(said, simulation, span, seconds) -> None:
    before = json.loads(said("time", "--endpoints", simulation.endpoints)[1])["leapt_s"]
    status, out, _ = said("advance", "--endpoints", simulation.endpoints, span)
    assert status == 0
    assert json.loads(out)["leapt_s"] - before == pytest.approx(seconds)


def test_a_clock_that_may_not_go_faster_says_so_and_goes_on(said, simulation, monkeypatch) -> None:
    status, _, err = said("rate", "--endpoints", simulation.endpoints, "600")
    assert status == 1
    assert "cannot go 600 times as fast" in err
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n1\n"))
    status, out, _ = said("rate", "--endpoints", simulation.endpoints, "-")
    assert status == 0
    assert [json.loads(line)["leapt_s"] >= 0 for line in out.splitlines()] == [True, True]


def test_tallies_are_told_by_instrument(said, simulation) -> None:
    entry = simulation.wait_for_endpoints()["bias_q0"]
    before = json.loads(said("tallies", "--endpoints", simulation.endpoints)[1])["bias_q0"]
    ask(entry, b":DANCE\n:OUTP?\n")
    after = json.loads(said("tallies", "--endpoints", simulation.endpoints)[1])["bias_q0"]
    assert {name: after[name] - before[name] for name in after} == {
        "commands": 2,
        "unknown": 1,
        "unmeant": 0,
    }


def test_the_live_truth_is_at_the_biases_of_the_moment(said, simulation, truth) -> None:
    where = ("--endpoints", simulation.endpoints)
    status, out, _ = said("truth", *where, "--json", "--quick", "--at", "now")
    assert status == 0
    live = json.loads(out)
    assert list(live) == found_quickly(truth)
    assert live["node_a.q0.f01"]["value"] < truth["node_a.q0.f01"]["value"]
    assert live["node_a.q0.sweet_spot"] == truth["node_a.q0.sweet_spot"]


def test_faults_are_listed_and_brought_about(said, simulation) -> None:
    status, out, _ = said("fault", "list")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == [
        *("unplug", "plug", "swap", "freeze", "thaw", "drop", "refuse"),
        *("accept", "restart", "halve", "whole", "unlock", "relock", "lose", "deliver", "delay"),
        *(
            "hasten",
            "duplicate",
            "single",
            "reorder",
            "order",
            "flood",
            "dry",
            "trip",
            "warm",
            "cool",
        ),
        *("compressor_trip", "warm_water", "leak", "trap_plug", "turbo_stop", "power_cut"),
        *("touch", "quench", "repair"),
    ]
    where = ("--endpoints", simulation.endpoints)
    assert said("fault", *where, "refuse", "bias_q0")[:2] == (0, "refuse bias_q0\n")
    entry = simulation.wait_for_endpoints()["bias_q0"]
    with suppress(ConnectionError):
        assert ask(entry, b"*IDN?\n") == b""
    assert said("fault", "accept", "bias_q0", *where)[0] == 0
    assert ask(entry, b"*IDN?\n").startswith(b"YOKOGAWA")


# What is wrong is said in one line first, with the status that programs look at


def test_what_cannot_be_done_is_said_on_standard_error(simulation) -> None:
    status, out, err = typed("fault", "--endpoints", simulation.endpoints, "unplug", "q0")
    assert (status, out) == (1, "")
    assert err.startswith("podium twin fault: unplug wants one line of node_a.feedline, ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["fault", "burn", "q0"], 2, "podium twin fault: no fault 'burn'; there are unplug, "),
        (["fault", "warm", "fridge_a"], 2, "podium twin fault: say in which simulation"),
        (["truth"], 2, "podium twin truth: give either a twin file or --endpoints FILE"),
        (["truth", "TWIN", "--endpoints", "x"], 2, "podium twin truth: give either"),
        (["truth", "none.yaml"], 2, "podium twin truth: .*No such file.*none.yaml"),
        (["truth", "FACILITY"], 1, "podium twin truth: .*facility.yaml describes no world, "),
        (["time", "--endpoints", "x"], 1, "podium twin time: .*is `podium twin serve` running"),
        (["advance", "--endpoints", "x", "3"], 2, "podium twin advance: '3' has no unit; a time"),
        (["advance", "--endpoints", "x", "3 V"], 2, "podium twin advance: '3 V' is a voltage"),
        (["advance", "--endpoints", "x", " -3 h"], 2, "world time does not go back"),
        (["rate", "--endpoints", "x", "fast"], 2, "podium twin rate: 'fast' is no whole number"),
        (["rate", "--endpoints", "x", "-1"], 2, "'-1' is no whole number"),
        (["sample", "none.yaml", "--out", "x"], 2, "podium twin sample: .*No such file"),
        (
            ["sample", "TWIN", "--out", "x"],
            1,
            "podium twin sample: .*twin.yaml: .*kind is missing",
        ),
        (["sample", "FACILITY", "--seed", "-1", "--out", "x"], 1, "whole number from 0, not -1"),
        (["sample", "FACILITY", "--out", "no/such/folder/x"], 2, "No such file or directory"),
        (["sample", "FACILITY"], 2, "podium twin sample: .*--out"),
        (
            ["serve", "FACILITY", "--twin", "none.yaml", "--endpoints", "x"],
            2,
            "podium twin serve: .*No such file.*none.yaml",
        ),
        (
            ["serve", "TWIN", "--twin", "TWIN", "--endpoints", "x"],
            1,
            "podium twin serve: .*twin.yaml: instruments: a mapping is wanted, not None",
        ),
        (
            ["serve", "FACILITY", "--twin", "FACILITY", "--endpoints", "x"],
            1,
            "podium twin serve: .*describes no world",
        ),
        (["serve", "FACILITY", "--twin", "TWIN", "--endpoints", "x", "--clock", "slow"], 2, "slow"),
        ([], 2, "VERB"),
        (["dance"], 2, "dance"),
    ],
)
def test_wrong_words_are_told_with_what_would_be_right(
    said, tmp_path, monkeypatch, twin, words, status, says
) -> None:
    monkeypatch.chdir(tmp_path)
    stand_for = {"TWIN": str(twin), "FACILITY": str(EXAMPLE)}
    ended, out, err = said(*(stand_for.get(word, word) for word in words))
    assert ended == status, err
    assert out == ""
    assert re.search(says, err.splitlines()[0])
    assert not (tmp_path / "x").exists()


def test_an_instrument_of_an_unknown_model_is_told(said, tmp_path, twin) -> None:
    facility = tmp_path / "facility.yaml"
    facility.write_text(EXAMPLE.read_text().replace("yokogawa_gs200", "yokogawa_gs999"))
    endpoints = tmp_path / "endpoints.json"
    status, _, err = said("serve", facility, "--twin", twin, "--endpoints", endpoints)
    assert status == 1
    assert err.startswith("podium twin serve: bias_q0: no model 'yokogawa_gs999' is known; there")


def test_a_world_of_another_facility_is_told(said, tmp_path, twin) -> None:
    facility = tmp_path / "facility.yaml"
    facility.write_text(EXAMPLE.read_text().replace("node_a", "node_z"))
    status, _, err = said("serve", facility, "--twin", twin, "--endpoints", tmp_path / "e.json")
    assert status == 1
    assert "the world of first_light has no node_z.feedline" in err


def test_a_process_that_cannot_serve_leaves_no_file(tmp_path, twin) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "endpoints.json").mkdir()  # in the way
    status, _, err = typed(
        "serve", EXAMPLE, "--twin", twin, "--endpoints", folder / "endpoints.json"
    )
    assert status == 2
    assert len(err.splitlines()) == 1
    assert os.listdir(folder) == ["endpoints.json"]
