"""Arming, starting, ending: the cluster's runs in virtual time, with physics that is told when."""

import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US, Bench

from podium.firmware_interfaces.exact_time import FS_PER_NS


@pytest.fixture
def bench() -> Bench:
    return Bench()


ACQUIRE = "wait_sync 4\nacquire 0,0,1000\nwait 9000\nstop"
WAIT = "wait_sync 4\nwait 5000\nstop"


def test_synchronised_sequencers_begin_when_the_last_armed_one_is_started(bench) -> None:
    bench.load(2, 0, ACQUIRE)
    bench.load(4, 0, WAIT)
    bench.send(2, "SEQuencer0:ARM")
    bench.send(4, "SEQuencer0:ARM")
    assert bench.twin.horizon(T0).armed
    bench.send(2, "SEQuencer0:START", T0 + US)
    assert bench.playback.tickets == []
    assert bench.twin.horizon(T0 + US).armed, "the world may not leap while one is missing"
    bench.send(4, "SEQuencer:START", T0 + 3 * US)
    assert len(bench.playback.tickets) == 1
    horizon = bench.twin.horizon(T0 + 3 * US)
    assert (horizon.armed, horizon.computing, horizon.busy_until_fs) == (False, True, None)
    bench.playback.release()
    horizon = bench.twin.horizon(T0 + 4 * US)
    assert not horizon.computing
    (signals,) = bench.playback.played
    assert signals.start_tai_fs == T0 + 3 * US
    assert horizon.busy_until_fs == T0 + 3 * US + signals.duration_ns * FS_PER_NS
    assert signals.duration_ns >= 10_004


def test_results_are_there_when_the_program_is_over_and_not_before(bench) -> None:
    bench.load(2, 0, ACQUIRE)
    bench.send(2, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    bench.playback.release()
    end = bench.twin.horizon(T0 + US).busy_until_fs
    assert bench.state(2, 0, end - 1).startswith("OKAY;RUNNING;")
    assert not bench.bins(2, 0, end - 1)["valid"].any()
    assert bench.state(2, 0, end).startswith("OKAY;STOPPED;0;ACQ SCOPE DONE PATH 0,")
    assert bench.bins(2, 0, end)["average_count"].tolist() == [1, 0]
    assert bench.twin.horizon(end).busy_until_fs is None


def test_the_end_waits_for_the_last_integration(bench) -> None:
    bench.load(2, 0, "acquire 0,0,4\nstop", sync=False)
    bench.send(2, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    bench.playback.release()
    assert bench.twin.horizon(T0).busy_until_fs >= T0 + 1000 * FS_PER_NS


def test_physics_that_takes_longer_than_the_program_is_waited_for(bench) -> None:
    bench.load(2, 0, ACQUIRE)
    bench.send(2, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    late = T0 + 10**15
    assert bench.state(2, 0, late).startswith("OKAY;RUNNING;")
    bench.playback.release()
    assert bench.state(2, 0, late).startswith("OKAY;STOPPED;")


def test_results_of_two_runs_add_up(bench) -> None:
    bench.load(2, 0, ACQUIRE)
    for k in range(2):
        bench.send(2, "SEQuencer0:ARM", T0 + k * 10**12)
        bench.send(2, "SEQuencer0:START", T0 + k * 10**12)
        bench.playback.release()
    first, second = bench.playback.tickets
    assert first is not second
    bins = bench.bins(2, 0, T0 + 10**15)
    assert bins["average_count"].tolist() == [2, 0]
    assert [signals.run for signals in bench.playback.played] == [1, 2]


def test_sequencers_without_sync_begin_at_once_and_alone(bench) -> None:
    bench.load(2, 0, ACQUIRE, sync=False)
    bench.load(4, 0, WAIT, sync=True)
    bench.send(2, "SEQuencer0:ARM")
    bench.send(4, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    assert len(bench.playback.tickets) == 1
    assert bench.twin.horizon(T0).armed


def test_one_that_is_not_started_is_waited_for_until_it_is_or_has_no_sync(bench) -> None:
    bench.load(2, 0, ACQUIRE)
    bench.load(4, 0, WAIT)
    bench.send(2, "SEQuencer0:ARM")
    bench.send(4, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    bench.send(4, "SEQuencer0:STOP")
    assert bench.state(4, 0, T0).startswith("OKAY;STOPPED;0;DISARMED,")
    assert len(bench.playback.tickets) == 0
    bench.load(4, 0, WAIT, sync=False)
    assert len(bench.playback.tickets) == 1


def test_one_that_is_not_even_armed_is_waited_for(bench) -> None:
    bench.load(2, 0, ACQUIRE)
    bench.load(4, 0, WAIT)
    bench.send(2, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    assert len(bench.playback.tickets) == 0
    bench.send(4, "SEQuencer0:ARM")
    bench.send(4, "SEQuencer0:START")
    assert len(bench.playback.tickets) == 1


def test_a_module_that_is_reset_is_waited_for_no_more(bench) -> None:
    bench.load(2, 0, ACQUIRE)
    bench.load(4, 0, WAIT)
    bench.send(2, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    bench.send(4, "*RST")
    assert len(bench.playback.tickets) == 1


def test_a_stopped_sequencer_keeps_nothing_of_its_run(bench) -> None:
    bench.load(2, 0, ACQUIRE)
    bench.send(2, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    bench.send(2, "SEQuencer0:STOP", T0 + US)
    bench.playback.release()
    assert bench.state(2, 0, T0 + 10**15) == "OKAY;STOPPED;0;FORCED STOP,;;;"
    assert not bench.bins(2, 0, T0 + 10**15)["valid"].any()
    assert bench.twin.horizon(T0 + 10**15).busy_until_fs is None


def test_a_start_without_arming_does_nothing(bench) -> None:
    bench.load(2, 0, ACQUIRE)
    bench.send(2, "SEQuencer:START")
    assert bench.playback.tickets == []
    assert bench.state(2, 0, T0).startswith("OKAY;IDLE;")


def test_arming_without_a_program_is_refused(bench) -> None:
    bench.send(2, "SEQuencer3:ARM")
    assert "has no program" in bench.send(2, "SYSTem:ERRor:NEXT?")
    assert bench.state(2, 3, T0).startswith("OKAY;IDLE;")


def test_a_program_set_aside_is_installed_by_arming(bench) -> None:
    bench.load(2, 0, "stop 1")
    bench.send(2, "SEQuencer0:ASSEmble", block=b"stop 7")
    bench.send(2, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    bench.playback.release()
    assert bench.state(2, 0, T0 + 10**15).split(";")[2] == "7"


def test_a_world_that_fails_stops_the_run_and_says_why(bench) -> None:
    bench.load(2, 0, ACQUIRE)
    bench.playback.error = ArithmeticError("the qubit fell out")
    bench.send(2, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    bench.playback.release()
    assert bench.state(2, 0, T0 + US).startswith("ERROR;STOPPED;")
    assert "the qubit fell out" in bench.send(2, "SYSTem:ERRor:NEXT?")
    assert not bench.twin.horizon(T0 + US).computing


def test_a_program_too_long_for_the_memory_is_refused(bench) -> None:
    for slot in (2, 4):
        bench.send(slot, "SEQuencer0:PROGram", block=b"nop\n" * 12_289)
    bench.playback.release()
    assert "12288" in bench.send(2, "SYSTem:ERRor:NEXT?")
    assert bench.errors(4) == 0


def test_a_long_program_is_assembled_elsewhere_while_its_module_waits(bench) -> None:
    bench.load(4, 0, WAIT)
    bench.send(2, "SEQuencer0:PROGram", block=b"nop\n" * 2000 + b"stop 5")
    assert bench.send(2, "STATus:ASSEMbler:SUCCess?") == ""
    bench.sessions["slot2"].feed(b"SEQuencer0:ARM\nSEQuencer0:START\n", T0)
    assert bench.send(4, "*OPC?") == "1", "the other module goes on"
    assert bench.twin.horizon(T0).computing
    bench.playback.release()
    assert bench.sessions["slot2"].feed(b"", T0) == b"1\r\n"
    bench.playback.release()
    assert bench.state(2, 0, T0 + 10**15).split(";")[1:3] == ["STOPPED", "5"]


def test_a_long_program_that_does_not_assemble_is_refused_when_that_is_known(bench) -> None:
    bench.send(2, "SEQuencer0:PROGram", block=b"nop\n" * 2000 + b"fly")
    assert bench.sessions["slot2"].feed(b"SYSTem:ERRor:NEXT?\n", T0) == b""
    bench.playback.release()
    assert b"line 2001" in bench.sessions["slot2"].feed(b"", T0)


def test_a_program_that_cannot_be_executed_here_is_refused_when_it_is_armed(bench) -> None:
    bench.load(2, 0, "fb_com_extra 1,5,100\nstop")
    bench.send(2, "SEQuencer0:ARM")
    assert "extra bytes is not known" in bench.send(2, "SYSTem:ERRor:NEXT?")
    assert bench.state(2, 0, T0).startswith("OKAY;IDLE;")


def test_what_is_changed_after_the_start_does_not_touch_the_run(bench) -> None:
    bench.load(2, 0, ACQUIRE)
    bench.send(2, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    bench.send(2, "STATus:QUEStionable:FREQuency:LO1 8000000000")
    bench.playback.release()
    bench.twin.horizon(T0)
    (signals,) = bench.playback.played
    assert signals.captures[0].windows[0].demod_hz == 6e9


def test_a_reset_forgets_what_was_running(bench) -> None:
    bench.load(2, 0, ACQUIRE)
    bench.send(2, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    bench.send(0, "*RST")
    bench.playback.release()
    horizon = bench.twin.horizon(T0 + US)
    assert (horizon.armed, horizon.computing, horizon.busy_until_fs) == (False, False, None)
    assert bench.state(2, 0, T0 + US).startswith("OKAY;IDLE;")
