"""A cluster whose firmware is older knows no command, and no instruction, that came later."""

import pytest

from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin


class NoPlayback:
    def submit(self, work):
        raise AssertionError("nothing is started here")


def cluster(firmware: str) -> ClusterTwin:
    return ClusterTwin({2: "QRM-RF"}, "7", NoPlayback(), firmware=firmware)


def ask(twin: ClusterTwin, line: bytes) -> bytes:
    return twin.open("scpi").feed(line + b"\n", 10**18)


def uploaded(program: str) -> bytes:
    size = str(len(program))
    return f"SLOT2:SEQuencer0:PROGram #{len(size)}{size}{program}".encode()


@pytest.mark.parametrize("firmware", ["0.12.0", "0.12.1", "0.13.0"])
def test_a_newer_command_is_an_undefined_header(firmware) -> None:
    twin = cluster(firmware)
    assert ask(twin, b"SLOT2:SEQuencer0:ISAversion?") == b"\r\n"
    assert twin.tallies()["unknown"] == 1
    assert b"Undefined header" in ask(twin, b"SYSTem:ERRor:NEXT?")


def test_the_newest_knows_it() -> None:
    twin = cluster("2.1.0")
    assert b'"major": 2' in ask(twin, b"SLOT2:SEQuencer0:ISAversion?").replace(b'":2', b'": 2')
    assert twin.tallies()["unknown"] == 0


def test_a_newer_instruction_does_not_assemble() -> None:
    twin = cluster("0.13.0")
    ask(twin, uploaded("move 3,R0\nstop\n"))
    assert ask(twin, b"SLOT2:STATus:ASSEMbler:SUCCess?") == b"1\r\n"
    ask(twin, uploaded("jnz 0\nstop\n"))
    assert ask(twin, b"SLOT2:STATus:ASSEMbler:SUCCess?") == b"0\r\n"
    assert b"newer firmware has it" in ask(twin, b"SYSTem:ERRor:NEXT?")


def test_a_status_tells_no_exit_code_before_there_was_one() -> None:
    assert ask(cluster("0.13.0"), b"SLOT2:SEQuencer0:STATE?").count(b";") == 5
    assert ask(cluster("2.1.0"), b"SLOT2:SEQuencer0:STATE?").count(b";") == 6


def test_a_release_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"no firmware '1\.0' is known, there are 0\.12\.0, "):
        cluster("1.0")
