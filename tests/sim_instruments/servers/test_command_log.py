"""The log of commands: each as a person would type it, with what became of it."""

import pytest

from podium.sim_instruments.facilities.one_instrument import facility_of
from podium.sim_instruments.servers import command_log
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.command_log import CommandLog
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.one_line import draw


@pytest.fixture
def laboratory():
    opened = []

    def make(model: str) -> Laboratory:
        opened.append(draw(facility_of(model), 0).laboratory(WorldClock(ClockMode.MANUAL)))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def told(laboratory: Laboratory, *pieces: tuple[str, bytes]) -> list[tuple[str, str, str]]:
    """Send pieces to ports of the only instrument; return what is told of each command."""
    log = CommandLog(laboratory.clock.now_fs)
    ((name, twin),) = laboratory.twins.items()
    assert log.watch(name, twin)
    sessions = {port: log.through(port, twin.open(port)) for port, _ in pieces}
    for port, data in pieces:
        sessions[port].feed(data, laboratory.clock.now_fs())
    assert {one.instrument for one in log.since()} <= {name}
    return [(one.port, one.text, one.verdict) for one in log.since()]


def test_commands_of_a_cluster_are_told_with_their_ports(laboratory) -> None:
    block = b"SEQuencer0:PROGram #210" + b"stop\nstop\n"
    assert told(
        laboratory("qblox_cluster"),
        ("scpi", b"*IDN?\n"),
        ("slot2", block + b"\nSEQuencer0:FOO 1\n"),
        ("scpi", b"SLOT4:SEQuencer9:STATE?\n"),
        ("slot2", b'SEQuencer0:AWG:WLISt:WAVeform:NEWEncoded "w",8,2\n'),
    ) == [
        ("scpi", "*IDN?", "known"),
        ("slot2", "SEQuencer0:PROGram <10 bytes>", "known"),
        ("slot2", "SEQuencer0:FOO 1", "unknown"),
        ("scpi", "SLOT4:SEQuencer9:STATE?", "refused"),
        ("slot2", "SEQuencer0:AWG:WLISt:WAVeform:NEWEncoded w,8,2", "known"),
    ]


def test_units_of_a_message_are_told_one_by_one(laboratory) -> None:
    message = b':SOUR:RANG MAX;:SOUR:LEV 1.5E1;:DISP:BRIG 3;:PROG:MEM "a;b";NONSENSE;*OPC?\n'
    assert [text for _, text, _ in told(laboratory("yokogawa_gs200"), ("scpi", message))][:2] == [
        ":SOUR:RANG MAX",
        ":SOUR:LEV 15",
    ]
    verdicts = [verdict for _, _, verdict in told(laboratory("yokogawa_gs200"), ("scpi", message))]
    assert verdicts[-2:] == ["unknown", "known"]


def test_a_frequency_standard_refuses_what_is_out_of_range(laboratory) -> None:
    sent = b"ID?\rXX?\rLO7\rLO1\rSN?\r"
    assert [
        (text, verdict) for _, text, verdict in told(laboratory("srs_fs725"), ("serial", sent))
    ] == [
        ("ID?", "known"),
        ("XX?", "unknown"),
        ("LO7", "refused"),
        ("LO1", "known"),
        ("SN?", "known"),
    ]


def test_calls_of_a_trigger_node_are_told_as_lines(laboratory) -> None:
    calls = b'{"id": 1, "call": "get_fw_name", "args": []}\nnonsense\n'
    found = told(laboratory("wrtd_node"), ("service", calls))
    assert [verdict for _, _, verdict in found][-1] == "unknown"
    assert found[-1][1] == "nonsense"


def test_only_the_last_are_kept_and_long_ones_are_cut(laboratory, monkeypatch) -> None:
    monkeypatch.setattr(command_log, "KEPT", 3)
    monkeypatch.setattr(command_log, "TEXT_MAX", 10)
    lines = b"".join(b"NOTHING:AT:ALL %d\n" % number for number in range(5))
    found = told(laboratory("lakeshore_372"), ("scpi", lines))
    assert len(found) == 3
    assert found[0][1].startswith("NOTHING:AT... (")


def test_unheard_twins_tell_nothing(laboratory) -> None:
    lab = laboratory("qblox_cluster")
    log = CommandLog(lab.clock.now_fs)
    (twin,) = lab.twins.values()
    twin.open("scpi").feed(b"*IDN?\n", 0)
    assert log.since() == []
