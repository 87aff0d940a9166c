"""A session recorded through the proxy, then replayed to the twin."""

import asyncio
import io
import json
from contextlib import suppress
from pathlib import Path

import pytest
from tests.benches.nodes.twins_on_sockets import EXAMPLE, twins_on_sockets

from podium.control.cli import main
from podium.control.client.facility_access import open_facility
from podium.control.commands.record import through
from podium.control.commands.record_proxy import NotRecordable, doors_of, recording
from podium.control.facility.facility import InstrumentEntry, VisaAddress
from podium.control.facility.load import load_facility
from podium.firmware_interfaces.trace import read_trace
from podium.sim_instruments.command import replay_command


@pytest.fixture
async def twins(tmp_path):
    async with twins_on_sockets(tmp_path) as twins:
        yield twins


async def recorded(twins, folder: Path, name: str, work) -> Path:
    """Record what ``work(lab)`` says to one instrument."""
    facility = load_facility(EXAMPLE, twins.endpoints)
    path, endpoints = folder / f"{name}.trace", folder / "through.json"
    with path.open("w") as trace:
        async with recording(facility.instruments[name], trace) as here:
            endpoints.write_text(json.dumps(through(facility, {name: dict(here.endpoint)})))
            async with open_facility(EXAMPLE, endpoints) as lab:
                status = await lab.ready(30)
                states = {i.name: i.state for a in status.agents for i in a.instruments}
                assert set(states.values()) == {"connected"}, status
                await work(lab)
    return path


def replayed(path: Path, capsys, *words: str) -> tuple[int, str]:
    status = main(["twin", "replay", str(path), "--against", "twin", *words])
    return status, capsys.readouterr().out


async def test_all_that_passes_is_written_down_and_nothing_is_changed(twins, tmp_path) -> None:
    twins.heard.clear()

    async def work(lab) -> None:
        assert await lab.ask("lo_q2", "power", -7, write=True) == -7
        assert str(await lab.ask("lo_q2", "*IDN?")).startswith("Rohde&Schwarz,SGS100A")

    path = await recorded(twins, tmp_path, "lo_q2", work)
    head, pieces = read_trace(path.read_text().splitlines(keepends=True))
    assert (head.instrument, head.model) == ("lo_q2", "rohde_schwarz_sgs100a")
    sent = b"".join(piece.data for piece in pieces if piece.to == "instrument")
    assert sent == b"".join(data for name, data in twins.heard if name == "lo_q2")
    assert {piece.connection for piece in pieces} == {1, 2}  # after a setting by hand: anew
    assert [piece.at_s for piece in pieces] == sorted(piece.at_s for piece in pieces)


async def test_a_source_is_replayed_with_all_answers_the_same(twins, tmp_path, capsys) -> None:
    async def work(lab) -> None:
        await lab.bias({"node_a.q0.flux": 0.2})
        await lab.snapshot()
        await lab.bias({"node_a.q0.flux": 0.0})

    path = await recorded(twins, tmp_path, "bias_q0", work)
    status, told = await asyncio.to_thread(replayed, path, capsys, "--leap", "--all")
    assert status == 0, told
    assert " 0 with other numbers, 0 otherwise" in told.splitlines()[-1]
    assert "*IDN?   [same]" in told
    assert ":PROG:RUN" in told  # by itself, or with the question behind it: as they came


async def test_a_cluster_and_a_run_are_replayed(twins, tmp_path, capsys, trial) -> None:
    async def work(lab) -> None:
        await lab.run(trial())

    path = await recorded(twins, tmp_path, "cluster_a", work)
    _, told = await asyncio.to_thread(replayed, path, capsys, "--leap", "--json")
    commands = json.loads(told)["commands"]
    assert {one["port"] for one in commands} == {"scpi", "slot2", "slot4", "slot6"}
    # When a run has ended, and what it measured, depend on the world of the recording.
    rest = [
        one for one in commands if not one["sent"].upper().endswith(("STATE?", "DATA?", "ALIST?"))
    ]
    assert [one for one in rest if one["verdict"] == "differs"] == []
    assert sum(one["verdict"] == "same" for one in rest) > 0.9 * len(rest) > 50


async def test_where_the_twin_answers_otherwise_is_told_command_by_command(
    twins, tmp_path, capsys
) -> None:
    async def work(lab) -> None:
        await lab.ask("lo_q2", "*OPT?")

    path = await recorded(twins, tmp_path, "lo_q2", work)
    path.write_text(path.read_text().replace("SGS-B112V", "SGS-B106V"))
    status, told = await asyncio.to_thread(replayed, path, capsys)
    assert status == 0  # another number in a name of an option
    path.write_text(path.read_text().replace("SGS-B106V,", ""))
    status, told = await asyncio.to_thread(replayed, path, capsys)
    assert status == 1
    assert "*OPT?   [differs]" in told
    assert "lo_q2: SGS-B26,SGS-K22,SGS-K90" in told
    assert "twin: SGS-B112V,SGS-B26,SGS-K22,SGS-K90" in told
    assert "1 otherwise" in told


async def test_an_instrument_that_is_away_ends_the_clients_connection(twins, tmp_path) -> None:
    facility = load_facility(EXAMPLE, twins.endpoints)
    await twins.serving.served["lo_q2"].close()
    trace = io.StringIO()
    async with recording(facility.instruments["lo_q2"], trace) as here:
        visa = str(here.endpoint["visa"]).split("::")
        reader, writer = await asyncio.open_connection(visa[1], int(visa[2]))
        async with asyncio.timeout(10):
            with suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()
    assert len(trace.getvalue().splitlines()) == 1


def test_what_is_no_socket_cannot_be_recorded() -> None:
    entry = InstrumentEntry("old", "yokogawa_gs200", VisaAddress("GPIB0::7::INSTR"))
    with pytest.raises(NotRecordable, match="old is reached as GPIB0::7::INSTR"):
        doors_of(entry)


def test_the_doors_of_a_cluster_are_its_own_and_its_modules() -> None:
    doors = doors_of(load_facility(EXAMPLE).instruments["cluster_a"])
    host = "192.168.0.2"
    assert doors == {
        "scpi": (host, 5025),
        **{f"slot{slot}": (host, 25000 + slot) for slot in (2, 4, 6)},
    }


def test_wrong_use_is_told(tmp_path, capsys) -> None:
    out = str(tmp_path / "t")
    assert main(["record", "lo_q3", "--out", out, "--facility", str(EXAMPLE)]) == 2
    assert "no instrument 'lo_q3'" in capsys.readouterr().err
    assert main(["twin", "replay", str(tmp_path / "none")]) == 2
    (tmp_path / "bad").write_text("{}\n")
    assert main(["twin", "replay", str(tmp_path / "bad")]) == 1
    assert "line 1 is no line of a trace" in capsys.readouterr().err


def test_replay_is_a_command_of_its_own_as_well() -> None:
    pyproject = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    assert 'replay = "podium.sim_instruments.command:replay_command"' in pyproject
    assert replay_command.name == "replay"
