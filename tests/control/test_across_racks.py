"""A facility whose processes meet over mutual TLS, with stand-in instruments on either side."""

import asyncio
import logging
import shutil
import stat
import time
from argparse import ArgumentParser
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.benches.nodes.several_nodes import facility_file
from tests.benches.security.certificates import HOST, Authority, free_port

from podium.control.agent.owners import owners_of
from podium.control.bus import messages
from podium.control.bus.log_publisher import publish_log
from podium.control.bus.process_bus import open_bus
from podium.control.client.facility_access import join_facility
from podium.control.commands import certificates, up
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command
from podium.control.facility.load import load_facility
from podium.control.processes.process_layout import NoSuchPart, parts_of
from podium.control.runs.errors import RunFailed, RunRefused
from podium.control.security.access import Member
from podium.control.security.certificates import BadCertificate
from podium.control.web.bus_subscriptions import follow_bus
from podium.control.web.picture import FacilityPicture

AGENTS = ("node_a", "node_b", "room")


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("racks") / "certificates")
    made.sign("router", "coordinator", "page", "records", "client.ann", "client.eve")
    made.sign(*(f"agent.{name}" for name in AGENTS))
    return made


def write_facility(folder: Path, bus: str) -> Path:
    path = facility_file(folder, 2)
    path.write_text(f"{path.read_text()}\nbus: {bus}\n")
    return path


def with_clients(holder: str, authority: Authority, folder: Path) -> Path:
    where = f"{holder}: tls/{HOST}:{free_port()}, certificates: {authority.folder}"
    return write_facility(folder, f"{{{where}, clients: [ann]}}")


@pytest.fixture
def path(authority, tmp_path) -> Path:
    return with_clients("router", authority, tmp_path)


@asynccontextmanager
async def standing(path: Path, bench, open_agent) -> AsyncIterator[None]:
    """Have all processes of the facility, as they would be on four computers."""
    facility = load_facility(path)
    async with AsyncExitStack() as stack:

        async def come(member: Member, *, holds: bool):
            agents = AGENTS if holds else None
            return await stack.enter_async_context(open_bus(facility, member, agents=agents))

        if facility.bus.held_by == "router":
            await come(Member("router"), holds=True)
        bus = await come(Member("coordinator"), holds=facility.bus.held_by == "coordinator")
        await stack.enter_async_context(publish_log(bus, facility.name, "coordinator"))
        await stack.enter_async_context(Coordinator(facility, bus).running())
        for name, instruments in owners_of(facility).items():
            bus = await come(Member("agent", name), holds=False)
            await stack.enter_async_context(publish_log(bus, facility.name, f"agent {name}"))
            await stack.enter_async_context(open_agent(facility, bench, bus, name, instruments))
        yield


@pytest.mark.parametrize("holder", ["router", "coordinator"])
async def test_a_client_runs_programs_on_the_nodes_of_two_racks(
    holder, authority, tmp_path, bench, open_agent, trial, monkeypatch
) -> None:
    monkeypatch.setenv("PODIUM_CLIENT", "ann")
    path = with_clients(holder, authority, tmp_path)
    async with (
        asyncio.timeout(60),
        standing(path, bench, open_agent),
        join_facility(path, recorded=False) as lab,
    ):
        status = await lab.ready(20)
        assert {agent.agent for agent in status.agents} == set(AGENTS)
        assert not status.missing
        for node in ("node_a", "node_b"):
            one = trial(port=f"{node}.q0.drive", readout=f"{node}.q0.readout")
            assert (await lab.run(one)).attrs["program"] == "trial"
        await lab.bias({"node_b.q0.flux": 0.1})
        assert bench.levels["bias_q0_b."] == 0.1
        assert [one.by for one in (await lab.status()).asked] == [lab.who] * 3


async def test_a_client_cannot_ask_an_agent_past_the_coordinator(
    path, bench, open_agent, monkeypatch
) -> None:
    monkeypatch.setenv("PODIUM_CLIENT", "ann")
    facility = load_facility(path)
    key = messages.agent_key(facility.name, "node_a")
    async with (
        asyncio.timeout(60),
        standing(path, bench, open_agent),
        open_bus(facility, Member("client", "ann")) as bus,
    ):
        answer = await messages.ask(bus, key, messages.Hello(), messages.Welcome, timeout_s=5.0)
    assert isinstance(answer, messages.Failed)
    assert answer.kind == "refused"
    assert "denied: the certificate client.ann may not ask" in answer.message
    assert "that takes the certificate coordinator" in answer.message


async def test_the_page_hears_everybody(path, bench, open_agent, caplog) -> None:
    caplog.set_level(logging.INFO, "podium")  # what processes log is what they tell
    facility = load_facility(path)
    picture = FacilityPicture(facility, "")
    async with (
        asyncio.timeout(60),
        standing(path, bench, open_agent),
        open_bus(facility, Member("page")) as bus,
        follow_bus(picture, bus),
    ):
        while not heard_of_all(picture):  # noqa: ASYNC110  it is told what changed, not how far
            await asyncio.sleep(0.02)


def heard_of_all(picture: FacilityPicture) -> bool:
    """Tell whether status, heartbeats, runs' past and logs of all have come."""
    agents = [picture.agent(name) for name in AGENTS]
    told = {event.process for event in picture.events}
    return (
        picture.coordinator
        and picture.tai_s() is not None
        and all(agent.present and agent.status is not None for agent in agents)
        and told >= {"coordinator", *(f"agent {name}" for name in AGENTS)}
    )


async def test_who_is_no_client_is_told_before_anything_is_sent(path, monkeypatch) -> None:
    monkeypatch.setenv("PODIUM_CLIENT", "eve")
    with pytest.raises(RunRefused, match="'eve' is no client of this facility; clients are ann"):
        async with join_facility(path):
            pass


async def test_an_expired_certificate_says_so(path, authority, tmp_path, monkeypatch) -> None:
    own = Authority(tmp_path / "own", authority.ca)
    own.sign_expired("client.ann")
    path.write_text(path.read_text().replace(str(authority.folder), str(own.folder)))
    with pytest.raises(RunRefused, match=r"client.ann.pem has expired on .* podium certificates"):
        async with join_facility(path):
            pass


async def test_a_facility_that_is_not_there_says_where_it_was_sought(path, monkeypatch) -> None:
    monkeypatch.setenv("PODIUM_CLIENT", "ann")
    monkeypatch.setattr("podium.control.client.coordinator_client.LOST_S", 0.1)
    monkeypatch.setattr("podium.control.bus.meeting_bus.JOIN_S", 0.3)
    with pytest.raises(RunFailed, match=r"is gone: .*tls/127.* is not reached: nobody listens"):
        async with join_facility(path) as lab:
            await lab.status()


# Which processes are started on this computer, and with what


def in_file(authority: Authority, folder: Path) -> Path:
    endpoint = f"tls/{HOST}:{free_port()}"
    return write_facility(folder, f"{{router: {endpoint}, certificates: {authority.folder}}}")


def test_records_without_a_certificate_are_left_out_with_a_line_that_says_what_to_do(
    tmp_path,
) -> None:
    older = Authority(tmp_path / "certificates")
    older.sign("router", "coordinator", "page", *(f"agent.{name}" for name in AGENTS))
    facility = load_facility(with_clients("router", older, tmp_path))
    here = parts_of(facility, AGENTS, None, page=True)
    assert Member("records") not in here.members
    assert Member("page") in here.members
    assert "podium certificates --make" in here.left_out
    with pytest.raises(BadCertificate, match=r"records\.pem is not there; podium certificates"):
        parts_of(facility, AGENTS, "records", page=True)
    older.sign("records")
    whole = parts_of(facility, AGENTS, None, page=True)
    assert (Member("records") in whole.members, whole.left_out) == (True, "")


def test_each_computer_starts_its_own_processes(authority, tmp_path) -> None:
    facility = load_facility(in_file(authority, tmp_path))
    here = parts_of(facility, AGENTS, "room, coordinator", page=False)
    assert here.members == (Member("coordinator"), Member("agent", "room"))
    assert here.words[Member("agent", "room")] == ()
    assert here.coordinator == str(facility.bus.connect)
    everything = parts_of(facility, AGENTS, None, page=True)
    assert everything.members == (
        Member("router"),
        Member("coordinator"),
        *(Member("agent", name) for name in AGENTS),
        Member("records"),
        Member("page"),
    )
    assert everything.words[Member("router")] == ("--agents", "node_a,node_b,room")


def test_on_one_computer_all_meet_at_a_router_of_their_own(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    facility = load_facility(facility_file(tmp_path, 2))
    here = parts_of(facility, AGENTS, None, page=True)
    assert here.members[0] == Member("router")
    assert len(here.members) == 7
    assert here.coordinator.startswith("tls/127.0.0.1:")
    assert set(here.words.values()) == {("--meet", here.coordinator)}
    assert (tmp_path / "podium" / "certificates" / "router.pem").exists()


@pytest.mark.parametrize("said", ["option", "file"])
def test_on_one_computer_there_is_no_lock_if_somebody_says_so(tmp_path, monkeypatch, said) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    facility = replace(load_facility(facility_file(tmp_path, 2)), insecure=said == "file")
    here = parts_of(facility, AGENTS, None, page=True, insecure=said == "option")
    assert len(here.members) == 6
    assert all(
        word.startswith("tcp/127.0.0.1:") for words in here.words.values() for word in words[1::2]
    )
    assert not (tmp_path / "podium").exists()


def test_what_runs_here_alone_takes_a_place_where_all_meet(tmp_path) -> None:
    facility = load_facility(facility_file(tmp_path, 2))
    with pytest.raises(NoSuchPart, match="names none; add a section 'bus'"):
        parts_of(facility, AGENTS, "node_a", page=False)


@pytest.mark.parametrize(
    ("only", "spoilt", "status", "says"),
    [
        ("node_c", "", WRONG_USE, "nodes_2 has no process 'node_c'; did you mean 'node_"),
        ("node_b", "agent.node_b.key", FOUND_PROBLEM, "agent.node_b.key is not there; podium cer"),
        ("router", "router.pem", FOUND_PROBLEM, "router.pem is not there"),
    ],
)
def test_podium_up_starts_nothing_that_cannot_be(
    authority, tmp_path, capsys, only, spoilt, status, says
) -> None:
    path = in_file(authority, tmp_path)
    copy = tmp_path / "certificates"
    shutil.copytree(authority.folder, copy)
    path.write_text(path.read_text().replace(str(authority.folder), str(copy)))
    if spoilt:
        (copy / spoilt).unlink()
    words = [str(path), "--only", only, "--state", str(tmp_path / "up.json")]
    assert run(up.command, words) == status
    assert says in capsys.readouterr().err


def run(command: Command, words: list[str]) -> int:
    parser = ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def test_certificates_are_made_listed_and_made_anew_when_they_have_expired(
    authority, tmp_path, capsys
) -> None:
    path = in_file(authority, tmp_path)
    folder = tmp_path / "made"
    path.write_text(path.read_text().replace(str(authority.folder), "made"))
    assert run(certificates.command, [str(path)]) == DONE
    assert "agent.node_b     not here" in capsys.readouterr().out
    assert run(certificates.command, [str(path), "--make"]) == DONE
    told = capsys.readouterr().out
    assert f"its key stays on this machine: {folder}/authority.key" in told
    assert f"router           good until {year_from_now(1)}" in told
    assert stat.S_IMODE((folder / "agent.room.key").stat().st_mode) == 0o600
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    for end in ("pem", "key"):
        (folder / f"agent.room.{end}").unlink()
    assert run(certificates.command, [str(path), "--make", "--days", "730"]) == DONE
    told = capsys.readouterr().out
    assert f"agent.room       good until {year_from_now(2)}" in told
    changed = {name for name, was in before.items() if (folder / name).read_bytes() != was}
    assert changed == {"agent.room.pem", "agent.room.key"}
    (folder / "authority.key").unlink()
    assert run(certificates.command, [str(path), "--make"]) == FOUND_PROBLEM
    assert "authority.key is not here: make certificates on the machine" in capsys.readouterr().err
    Authority(tmp_path / "other", authority.ca).sign("page")
    shutil.copy(tmp_path / "other" / "page.pem", folder / "page.pem")
    assert run(certificates.command, [str(path)]) == FOUND_PROBLEM
    assert "KEY_VALUES_MISMATCH" in capsys.readouterr().out


def year_from_now(years: int) -> int:
    return time.gmtime(time.time() + years * 365 * 86_400).tm_year


def test_certificates_of_a_facility_on_one_computer_are_not_made(tmp_path, capsys) -> None:
    assert run(certificates.command, [str(facility_file(tmp_path, 1))]) == WRONG_USE
    assert "names no folder for them: a section 'bus'" in capsys.readouterr().err
