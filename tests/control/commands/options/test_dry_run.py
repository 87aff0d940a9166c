"""``--dry-run``: what would be sent is told, and nothing is sent."""

import asyncio
import re

import pytest
from tests.benches.nodes.twins_on_sockets import EXAMPLE, twins_on_sockets

from podium.control.cli import main
from podium.control.client.facility_access import open_facility
from podium.control.commands.ask import value_of
from podium.control.program.serialise import to_json
from podium.firmware_interfaces.ieee4882.queries import only_asks


@pytest.fixture
async def twins(tmp_path):
    async with twins_on_sockets(tmp_path) as twins:
        yield twins


COMMAND = re.compile(rb"\*|:?(SEQuencer|AFE|LO\d|STATus|ACQ:|SOUR|OUTP)", re.IGNORECASE)
"""How a line begins that is a command, and not one of a program for a sequencer."""


def setting(twins) -> list[str]:
    """What the twins heard that sets something, as a dry run tells it."""
    told = []
    for name, data in twins.heard:
        for line in re.split(rb"\r?\n", data):
            head = line.split(b"#")[0]
            if COMMAND.match(line) and not only_asks(head):
                told.append(f"{name} {head.decode().rsplit(':', 1)[-1].split(' ')[0]}")
    return told


async def test_a_dry_run_tells_what_a_run_sends_and_sends_nothing(
    twins, trial, tmp_path, capsys
) -> None:
    program = tmp_path / "program.json"
    program.write_text(to_json(trial(port="node_a.q2.drive")))
    twins.heard.clear()
    words = ["run", str(EXAMPLE), str(program), "--dry-run", *twins.words]
    assert await asyncio.to_thread(main, words) == 0
    out = capsys.readouterr().out.splitlines()
    assert twins.heard == []
    assert list(tmp_path.glob("*.nc")) == []
    assert out[-1] == "dry run: nothing was sent"
    told = out[:-1]
    assert "cluster_a: SLOT2:SEQuencer0:ARM" in told
    assert any(line.startswith("cluster_a: SLOT2:SEQuencer0:PROGram #<") for line in told)
    assert any(line.startswith("lo_q2: ") and "4960000000" in line for line in told)
    async with open_facility(EXAMPLE, twins.endpoints) as lab:
        await lab.ready(30)
        twins.heard.clear()
        await lab.run(trial(port="node_a.q2.drive"))
    sent = {one for one in setting(twins) if "STOP" not in one}
    foretold = {head(line) for line in told}
    assert sent <= foretold, sent - foretold


def test_a_program_that_would_be_refused_says_so(trial, tmp_path, capsys) -> None:
    program = tmp_path / "program.json"
    program.write_text(to_json(trial(shots=2**40)))
    assert main(["run", str(EXAMPLE), str(program), "--dry-run"]) == 1
    assert "it would be refused" in capsys.readouterr().out


def test_a_calibration_tells_biases_and_the_beginning_of_each_routine(tmp_path, capsys) -> None:
    out = tmp_path / "out"
    words = ["calibrate", str(EXAMPLE), "q0", "--dry-run", "--out", str(out)]
    assert main([*words, "--only", "time_of_flight", "--only", "sweet_spot"]) == 0
    told = capsys.readouterr().out
    assert not out.exists()
    assert "bias_q0: *CLS;:PROG:REP 0" in told or "bias_q0: :SOUR:RANG 1" in told
    assert "# time_of_flight on node_a: " in told
    assert "# sweet_spot on node_a: cannot be told before it is measured" in told
    assert told.endswith("dry run: nothing was sent\n")


def asked(*words: str) -> list[str]:
    return ["ask", *words, "--facility", str(EXAMPLE)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("lo_q2", "power", "-12.5"), "lo_q2: SOUR:POW -12.5", marks=pytest.mark.slow),
        (("lo_q2", ":SOUR:POW -3"), "lo_q2: :SOUR:POW -3"),
        (("cluster_a", "module4.out1_att", "6"), "cluster_a: SLOT4:"),
    ],
)
async def test_what_setting_by_hand_would_send_is_told_and_is_what_is_sent(
    twins, capsys, words, told
) -> None:
    twins.heard.clear()
    dry = [*asked(*words), "--write", "--dry-run", *twins.words]
    assert await asyncio.to_thread(main, dry) == 0
    *foretold, last = capsys.readouterr().out.splitlines()
    assert last == "dry run: nothing was sent"
    assert twins.heard == []
    assert any(line.startswith(told) for line in foretold), foretold
    instrument, what, *value = words
    async with open_facility(EXAMPLE, twins.endpoints) as lab:
        await lab.ready(30)
        twins.heard.clear()
        await lab.ask(instrument, what, *map(value_of, value), write=True)
    heard = {line for line in setting(twins) if "*CLS" not in line}
    foretold_heads = {head(line) for line in foretold}
    assert heard
    assert heard <= foretold_heads, (heard, foretold)


def head(line: str) -> str:
    name, _, message = line.partition(": ")
    return f"{name} {message.split('#')[0].rsplit(':', 1)[-1].split(' ')[0]}"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("lo_q2", "power", "--write"), 0, "it would only read"),
        (("lo_q2", "*IDN?"), 0, "it would only read"),
        (("lo_q2", "power", "-5"), 1, "'power -5' would set something: ask again with --write"),
        (("lo_q2", "powr", "-5", "--write"), 1, "no parameter 'powr': did you mean power"),
        (("lo_q2", "power", "high", "--write"), 1, "power cannot be 'high'"),
        (("lo_2", "power", "-5", "--write"), 1, "no instrument 'lo_2'"),
        (("bias_q0", "voltage", "1", "--write"), 1, "moves in ramps only, within the limits"),
    ],
)
def test_of_what_would_set_nothing_or_be_refused_it_says_so(words, status, said, capsys) -> None:
    assert main([*asked(*words), "--dry-run"]) == status
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("dry run: nothing was sent; ")
    assert said in line
