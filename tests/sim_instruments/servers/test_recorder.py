"""A client that knows only an address, recorded without a facility file, then replayed."""

import asyncio
import io
import socket
from pathlib import Path

import pytest

from podium.sim_instruments.command import TwinCommand
from podium.sim_instruments.facilities.one_instrument import facility_of
from podium.sim_instruments.facilities.tree import NoSuchFacility
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.one_line import draw
from podium.sim_instruments.servers.recorder import recorded, recording
from podium.sim_instruments.servers.serving import open_laboratory
from podium_command_line import Parser

MODULES = {2: "QRM-RF", 4: "QCM-RF", 6: "QCM"}


async def asked(host: str, port: int, question: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(question)
        return await asyncio.wait_for(reader.readline(), 20)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def session(model: str, ports: dict[int, bytes], out: Path, options=None) -> str:
    """Put a question to each port of an instrument's recording; return the line that connects."""
    drawn = draw(facility_of(model), 0)
    async with open_laboratory(drawn.laboratory, WorldClock(ClockMode.LEAP)) as serving:
        (served,) = serving.served.values()
        one = recorded(model, "box", served.listening.host, options or {})
        with out.open("w") as trace:
            async with recording(one, trace) as clients:
                host = clients["a plain socket"].split("'")[1]
                assert host != served.listening.host
                for port, question in ports.items():
                    direct = await asked(served.listening.host, port, question)
                    assert await asked(host, port, question) == direct != b""
    return clients["a plain socket"]


async def test_a_cluster_is_recorded_with_its_modules_at_its_own_ports(tmp_path, capsys) -> None:
    path = tmp_path / "cluster.trace"
    questions = {5025: b"*IDN?\n", 25002: b"*IDN?\n", 25006: b"*IDN?\n"}
    line = await session("qblox_cluster", questions, path, {"modules": MODULES})
    assert line.endswith(", 5025))")
    status = await asyncio.to_thread(replayed, path)
    told = capsys.readouterr().out
    assert status == 0, told
    assert told.startswith("box (qblox_cluster): 3 commands, 3 answered the same")


async def test_a_source_that_answers_otherwise_is_told(tmp_path, capsys) -> None:
    path = tmp_path / "lo.trace"
    await session("rohde_schwarz_sgs100a", {5025: b"*IDN?;:OUTP?\n"}, path)
    path.write_text(path.read_text().replace(';0\\n"', ';maybe\\n"'))
    status = await asyncio.to_thread(replayed, path)
    told = capsys.readouterr().out
    assert status == 1, told
    assert "1 scpi: *IDN?;:OUTP?   [differs]" in told


def replayed(path: Path) -> int:
    command = TwinCommand()
    parser = Parser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(["replay", str(path), "--leap"]))


@pytest.mark.parametrize(
    ("model", "to", "options", "says"),
    [
        ("cluster", "10.0.0.2", {}, "no model 'cluster' is known; there are "),
        ("qblox_cluster", "10.0.0.2", {}, "--option modules=... (slot: module)"),
        ("zurich", "10.0.0.2", {}, "--option devices=... (serial number: model)"),
        ("wrtd_node", "10.0.0.2", {"mode": "slave"}, "is spoken to by datagrams"),
        ("yokogawa_gs200", ":7655", {}, "HOST or HOST:PORT is wanted, not ':7655'"),
        ("yokogawa_gs200", "10.0.0.2:x", {}, "HOST or HOST:PORT is wanted"),
    ],
)
def test_what_cannot_be_recorded_is_refused(model, to, options, says) -> None:
    with pytest.raises(NoSuchFacility) as refused:
        recorded(model, "box", to, options)
    assert says in str(refused.value)


async def test_clients_are_listened_for_on_loopback_only() -> None:
    one = recorded("yokogawa_gs200", "box", "10.0.0.2:7000", {})
    assert one.doors == {"scpi": ("10.0.0.2", 7000)}
    with pytest.raises(OSError, match=r"192\.0\.2\.1 is no loopback address"):
        async with recording(one, io.StringIO(), "192.0.2.1"):
            pass


async def test_an_instrument_that_is_away_is_told_and_ends_the_clients_connection() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # it does not listen
        port = nobody.getsockname()[1]
        one = recorded("yokogawa_gs200", "box", f"127.0.0.1:{port}", {})
        told: list[str] = []
        async with recording(one, io.StringIO(), trouble=told.append) as clients:
            where = clients["a plain socket"].split("'")[1]
            assert await asked(where, port, b"*IDN?\n") == b""
    assert told[0].startswith(f"scpi cannot be reached at 127.0.0.1:{port}: ")
