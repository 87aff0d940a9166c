"""The cluster as seen from its sockets: replies whole and of the right kind, whatever comes."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.benches.docs.page_tools import page_tool
from tests.benches.thoroughness import cases

from podium.firmware_interfaces.qblox_cluster.command_table import (
    COMMANDS,
    CommandEntry,
    Reply,
    Socket,
)
from podium.firmware_interfaces.qblox_cluster.framing import take_blocks
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin, meant_headers

PAGE = Path(__file__).parents[4] / "docs/reference/qblox_cluster_commands.md"


class NoPlayback:
    def submit(self, work):
        raise AssertionError("nothing is started here")


def make_twin() -> ClusterTwin:
    return ClusterTwin({2: "QRM-RF", 6: "QCM"}, "00015_2141_001", NoPlayback())


def ask(twin: ClusterTwin, port: str, line: str | bytes) -> bytes:
    data = line if isinstance(line, bytes) else line.encode() + b"\n"
    return twin.open(port).feed(data, 10**18)


def example(entry: CommandEntry) -> bytes:
    arguments = ",".join("1" for _ in entry.arguments)
    line = f"{entry.header.replace('#', '0')} {arguments}".strip().encode()
    return line + (b" #12[]\n" if entry.takes_block else b"\n")


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.header)
@pytest.mark.parametrize("port", ["scpi", "slot2", "slot6"])
def test_every_command_is_answered_as_the_client_reads_it_or_by_an_empty_line(entry, port) -> None:
    twin = make_twin()
    reply = ask(twin, port, example(entry))
    if entry.reply is Reply.NOTHING:
        assert reply == b""
    elif reply == b"\r\n" and entry.default != "":
        assert int(ask(twin, port, "SYSTem:ERRor:COUNt?")) == 1
    elif entry.reply.is_block and reply != b"\r\n":
        take_blocks(reply)
    else:
        assert reply.endswith(b"\r\n")
        assert reply.count(b"\n") == 1
    here = entry.socket is Socket.BOTH or (entry.socket is Socket.CMM) == (port == "scpi")
    assert twin.tallies()["unknown"] == (0 if here else 1)


@pytest.mark.parametrize("header", sorted(meant_headers()))
def test_everything_that_means_something_stands_in_the_table(header) -> None:
    assert header in {entry.header for entry in COMMANDS}


@settings(max_examples=cases(60, 200), deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["scpi", "slot2", "slot6"]))
def test_garbage_never_breaks_the_connection(garbage, port) -> None:
    twin = make_twin()
    session = twin.open(port)
    session.feed(garbage, 10**18)
    closing = b'"\n' if garbage.count(b'"') % 2 else b"\n"
    session.feed(closing, 10**18)
    # a half-open block may swallow this one: the next connection does not suffer
    assert ask(twin, port, "*OPC?") == b"1\r\n"


meaningful = st.sampled_from(
    [
        b"*IDN?\n",
        b"SYSTem:ERRor:COUNt?\n",
        b'SEQuencer0:AWG:WLISt:WAVeform:NEWEncoded "g",2,2\n',
        b'SEQuencer0:AWG:WLISt:WAVeform:PACKed "g", #14\x00@\n#\n',
        b"SEQuencer0:AWG:WLISt?\n",
        b"SEQuencer0:STATE?\n",
        b"SEQuencer0:CONFiguration?\n",
        b"NOT:A:COMMAND?\n",
        b"AFE:ATT:OUT0 30\n",
        b"AFE:ATT:OUT0?\n",
    ]
)


@given(st.lists(meaningful, max_size=8), st.lists(st.integers(0, 400), max_size=6))
def test_chopping_the_stream_changes_no_reply(lines, cuts) -> None:
    data = b"".join(lines)
    whole = make_twin().open("slot2").feed(data, 10**18)
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    session = make_twin().open("slot2")
    parts = [session.feed(data[a:b], 10**18) for a, b in pairwise(edges)]
    assert b"".join(parts) == whole


def test_a_module_is_reached_through_the_cmm_by_its_slot() -> None:
    twin = make_twin()
    ask(twin, "scpi", "SLOT2:AFE:ATT:OUT0 10")
    assert ask(twin, "slot2", "AFE:ATT:OUT0?") == b"10\r\n"
    ask(twin, "scpi", "SLOT2:AFE:ATT:OUT0 11")
    assert ask(twin, "slot2", "SYSTem:ERRor:COUNt?") == b"0\r\n"
    assert b"steps of 2 dB" in ask(twin, "scpi", "SYSTem:ERRor:NEXT?")
    ask(twin, "scpi", "SLOT3:AFE:ATT:OUT0 10")
    assert b"slot 3 is not available" in ask(twin, "scpi", "SYSTem:ERRor:NEXT?")


def test_a_module_does_not_know_what_only_the_cmm_knows_and_the_other_way_round() -> None:
    twin = make_twin()
    assert ask(twin, "slot2", "BP:MODules?") == b"\r\n"
    assert ask(twin, "scpi", "SEQuencer0:STATE?") == b"\r\n"
    assert twin.tallies()["unknown"] == 2


def test_settings_without_meaning_are_kept_and_counted() -> None:
    twin = make_twin()
    ask(twin, "scpi", 'SYSTem:NAME "left one"')
    assert ask(twin, "scpi", "SYSTem:NAME?") == b"left one\r\n"
    led = "STATus:QUEStionable:LED:BRIGHTness"
    ask(twin, "scpi", f"{led} LOW")
    assert ask(twin, "scpi", f"{led}?") == b"LOW\r\n"
    assert twin.tallies() == {"commands": 4, "unknown": 0, "unmeant": 2}


def test_an_error_queue_that_overflows_says_so_and_stays_short() -> None:
    twin = make_twin()
    session = twin.open("slot2")
    for _ in range(200):
        session.feed(b"NO:SUCH\n", 0)
    count = int(session.feed(b"SYSTem:ERRor:COUNt?\n", 0))
    lines = [session.feed(b"SYSTem:ERRor:NEXT?\n", 0) for _ in range(count + 1)]
    assert count < 200
    assert lines[-2].startswith(b"-350")
    assert lines[-1] == b'0,"No error"\r\n'


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([b'W:NEWEncoded "a",17000,2'], b"does not fit"),
        ([b'W:NEWEncoded "a",2,2', b'W:NEWEncoded "a",2,2'], b"already in waveform list"),
        ([b'W:NEWEncoded "a",2,2', b'W:PACKed "a", #12ab'], b"1 samples sent, 2 announced"),
        ([b'W:NEWEncoded "a",2,9'], b"sample encoding 9"),
        ([b'W:NEWEncoded "a",2,2', b'W:INDex "a",1024'], b"0-1023 exist"),
        (
            [b'W:NEWEncoded "a",2,2', b'W:NEWEncoded "b",2,2', b'W:INDex "b",0'],
            b"index 0 already in use by a",
        ),
        ([b'A:NEW "a",3000001'], b"must lie between 1 and 3e+06"),
        ([b'A:NEW "a",2000000', b'A:NEW "b",2000000'], b"1000000 of 3000000 are free"),
        ([b'A:DATA? "x"'], b"Acquisition x does not exist"),
        ([b"C:CHANnelmap #12{}"], b"two lists of channels 0-1"),
        ([b"C:CHANnelmap #19[[0],[7]]"], b"two lists of channels 0-1"),
        ([b"C:CONFiguration #12{}"], b"is missing"),
        ([b'W:NEWEncoded "a",two,2'], b"'two' is not a number"),
        ([b'W:NEWEncoded "a"'], b"needs 2 arguments, got 1"),
        ([b"C:PROGram"], b"needs a block of data"),
    ],
)
def test_memories_refuse_what_does_not_fit(lines, reason) -> None:
    twin = make_twin()
    names = {
        b"W:": b"SEQuencer0:AWG:WLISt:WAVeform:",
        b"A:": b"SEQuencer0:ACQ:ALISt:ACQuisition:",
        b"C:": b"SEQuencer0:",
    }
    for line in lines:
        ask(twin, "slot2", names[line[:2]] + line[2:] + b"\n")
    assert reason in ask(twin, "slot2", "SYSTem:ERRor:NEXT?")


def test_what_does_not_exist_is_refused_at_construction_and_at_opening() -> None:
    with pytest.raises(ValueError, match="slot 21"):
        ClusterTwin({21: "QCM"}, "1", NoPlayback())
    with pytest.raises(KeyError):
        ClusterTwin({1: "QXM"}, "1", NoPlayback())
    with pytest.raises(KeyError, match="it has scpi, slot2, slot6"):
        make_twin().open("slot3")


def test_the_page_of_commands_is_current() -> None:
    assert PAGE.read_text() == page_tool("qblox_cluster_commands").command_page()
