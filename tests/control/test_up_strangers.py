"""Processes of the same computer without a key: nothing of what they try is done, all is told."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.benches.command_line import answer_of
from tests.benches.nodes.podium_up import EXAMPLE, PODIUM, Up

from podium.control.facility.state_folder import certificates_folder
from podium.control.security.authority import SmallAuthority

STRANGER = Path(__file__).parents[1] / "benches" / "nodes" / "stranger.py"
ACTS = ["list", "status", "ask", "set", "bias", "release", "answer in another's place"]


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("up"))
    yield up
    up.close()


@pytest.fixture
def stranger(tmp_path) -> Path:
    """Return the folder of a stranger: an authority and a certificate of its own."""
    authority = SmallAuthority(tmp_path / "own", 30)
    authority.found("stranger's")
    authority.sign("client", "127.0.0.1")
    shutil.copy(certificates_folder() / "authority.pem", authority.folder / "theirs.pem")
    return authority.folder


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_STATE_HOME": str(folder)}


def tries(endpoint: str, folder: Path, meanwhile) -> dict[str, list[str]]:
    """Return what a stranger got done; ``meanwhile`` is called when it has tried to come in."""
    words = [sys.executable, str(STRANGER), endpoint, "first_light", str(folder)]
    with subprocess.Popen(
        words,
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("tried"):
                meanwhile()
                process.stdin.write("\n")
                process.stdin.flush()
        assert process.stdout is not None
        return json.loads(process.stdout.read())


def settings(up: Up) -> list[str]:
    asked = [("lo_q2", "power"), ("bias_q0", "voltage")]
    on = ("--facility", EXAMPLE, "--state", up.state)
    return [answer_of("ask", *words, *on) for words in asked]


def test_a_stranger_gets_nothing_done_and_that_is_told(up, stranger) -> None:
    endpoint = json.loads(up.state.read_text())["coordinator"]
    before = settings(up)
    statuses = []
    told = tries(endpoint, stranger, lambda: statuses.append(up.status()))
    assert len(told) == 4
    assert {way: done for way, done in told.items() if done} == {}
    code, status = up.status()
    assert (code, status["facility"]) == (0, "first_light")
    assert all(one == (0, {**status, **one[1]}) for one in statuses)
    assert {one["state"] for one in status["agents"][0]["instruments"]} == {"connected"}
    assert settings(up) == before
    refused = {one["what"]: one["count"] for one in status["refused"]}
    assert refused.keys() >= {
        "somebody connected without TLS",
        "somebody connected without a certificate",
        "somebody connected with a certificate of another authority",
    }
    shown = answer_of("status", EXAMPLE, "--state", up.state)
    assert "refused:\n  somebody connected " in shown
    assert "router WARNING refused what='somebody connected without TLS'" in up.log.read_text()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("status", EXAMPLE), marks=pytest.mark.slow),
        ("ask", "lo_q2", "power", "--facility", EXAMPLE),
        ("ask", "lo_q2", "power", "15", "--write", "--facility", EXAMPLE),
        pytest.param(("release", "bias_q0", "--facility", EXAMPLE), marks=pytest.mark.slow),
    ],
    ids=["status", "ask", "set", "release"],
)
def test_the_commands_of_another_user_are_refused_in_words(up, stranger, words) -> None:
    told = subprocess.run(
        [*PODIUM, *map(str, words), "--state", str(up.state)],
        env=environment(stranger),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.returncode != 0
    assert "the certificates of this user are not there" in told.stderr


@pytest.mark.slow
def test_a_stranger_gets_all_done_where_there_is_no_lock(tmp_path_factory, stranger) -> None:
    """The same stranger, where somebody has asked for it: what the test above finds is real."""
    up = Up(tmp_path_factory.mktemp("insecure"), options=("--insecure",))
    try:
        assert "the bus has no lock: whoever reaches it may do everything" in up.log.read_text()
        endpoint = json.loads(up.state.read_text())["coordinator"]
        told = tries(endpoint, stranger, up.status)
        assert told["without TLS, as a client"] == ACTS
    finally:
        up.close()
