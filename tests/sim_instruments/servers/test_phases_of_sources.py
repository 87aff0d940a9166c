"""External microwave sources: whose 10 MHz they take, and what a lock does to their phase."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from tests.benches.servers.loopback_drivers import TWO_NODES

from podium.control.facility.load import load_facility
from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_NS, FS_PER_S
from podium.sim_instruments.physics.clocks import LockState
from podium.sim_instruments.physics.meeting.kept_states import KeptStates
from podium.sim_instruments.physics.oscillators import turns_of
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.signals import Piece, PulseTrain, RunSignals
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.wiring import read_plan

HZ = 4_960_000_000
AT_FS = 1_800_000_000 * FS_PER_S


class Listening:
    """In place of the world: keeps what arrives at its lines."""

    def __init__(self) -> None:
        self.heard: list[RunSignals] = []
        self.kept = KeptStates()

    def play(self, signals: RunSignals) -> tuple[()]:
        self.heard.append(signals)
        return ()


class Bench:
    def __init__(self, facility: Path) -> None:
        clock = WorldClock(ClockMode.MANUAL)
        self.laboratory = Laboratory(read_plan(facility), sample(facility, 3), clock)
        self.world = Listening()
        self.laboratory.world = self.world  # type: ignore[assignment]
        self.source = self.laboratory.twins["lo_q2"].open("scpi")
        self.say(f"FREQ {HZ};:POW 0;:IQ:STAT 1;:OUTP 1")

    def say(self, message: str, now_fs: int = AT_FS) -> None:
        self.source.feed(message.encode() + b"\n", now_fs)

    def phase(self, at_fs: int) -> float:
        """Return the phase with which a pulse without one arrives, played at once."""
        piece = Piece(0.0, np.zeros(0, complex), 0.1 + 0j, 100)
        train = PulseTrain(
            "slot6.out0_1", np.zeros(1, np.int64), np.zeros(1, np.int32), np.zeros(1), (piece,)
        )
        signals = RunSignals(1, at_fs, 100, (train,), (), {})
        self.laboratory.submit("cluster_a", lambda play: play(signals)).result(10)
        (arriving,) = self.world.heard[-1].drives
        assert arriving.line == "node_a.q2.drive"
        return float(arriving.phase_turns[0]) % 1.0


def off(one: float, other: float) -> float:
    return abs((one - other + 0.5) % 1.0 - 0.5)


@pytest.fixture
def in_a_domain(tmp_path) -> Iterator[Bench]:
    yaml = YAML()
    tree = yaml.load(TWO_NODES.read_text())
    tree["clocks"]["tone_a"] = {"source": "lo_q2", "reference": "plane_a"}
    path = tmp_path / "facility.yaml"
    with path.open("w") as file:
        yaml.dump(tree, file)
    load_facility(path)  # control reads it, too
    bench = Bench(path)
    yield bench
    bench.laboratory.close()


@pytest.fixture
def in_none() -> Iterator[Bench]:
    bench = Bench(TWO_NODES)
    yield bench
    bench.laboratory.close()


def test_the_phase_of_an_oscillator_is_exact_for_any_time() -> None:
    assert turns_of(4.9e9, FS_PER_S // 4 + FS_PER_NS) == pytest.approx(0.9, abs=1e-9)
    assert turns_of(0.001, 10**33 + 250 * FS_PER_S) == 0.25


def test_a_source_beside_a_controller_keeps_its_phase_against_its_ticks(in_none) -> None:
    laboratory = in_none.laboratory
    clock, counter = laboratory.clocks["cluster_a"], laboratory.timed.counters["cluster_a"]
    assert "lo_q2" not in laboratory.clocks

    def against_ticks(at_fs: int) -> float:
        tick = counter.to_ticks(at_fs)
        begun_fs = counter.to_world(tick)
        return in_none.phase(begun_fs) - turns_of(HZ, tick * FS_PER_NS)

    found = [against_ticks(AT_FS + n * 777 * FS_PER_MS) for n in range(4)]
    assert max(off(one, found[0]) for one in found) < 1e-9
    clock.lock(AT_FS + 10 * FS_PER_S)
    assert off(against_ticks(AT_FS + 30 * FS_PER_S), found[0]) > 1e-3


def test_a_source_on_the_plane_has_a_lock_of_its_own(in_a_domain) -> None:
    laboratory = in_a_domain.laboratory
    clock = laboratory.clocks["lo_q2"]
    assert clock.state(AT_FS) is LockState.LOCKED

    def against_tai(at_fs: int) -> float:
        return in_a_domain.phase(at_fs) - turns_of(HZ, at_fs)

    steps = [AT_FS + n * 777 * FS_PER_MS for n in range(20)]
    found = [against_tai(at_fs) for at_fs in steps]
    # White Rabbit's 13 ps rms are 0.064 turns, its fixed 100 ps at most half a turn: 6 sigma
    assert 1e-3 < max(off(one, found[0]) for one in found) < 0.5
    assert np.std([(one - found[0] + 0.5) % 1.0 for one in found]) < 0.13
    laboratory.clocks["cluster_a"].lock(AT_FS + 20 * FS_PER_S)
    assert off(against_tai(AT_FS + 40 * FS_PER_S), found[0]) < 0.4, "another one's lock"
    before = clock.lo_phase_turns("lo_q2 tone #2", AT_FS + 40 * FS_PER_S)
    clock.lock(AT_FS + 50 * FS_PER_S)
    after = clock.lo_phase_turns("lo_q2 tone #2", AT_FS + 60 * FS_PER_S)
    moved = against_tai(AT_FS + 60 * FS_PER_S) - against_tai(AT_FS + 40 * FS_PER_S)
    assert off(moved, after - before) < 0.4
    assert off(after, before) > 1e-3


def test_a_source_follows_its_reference_as_it_is_told(in_a_domain, in_none) -> None:
    clock = in_a_domain.laboratory.clocks["lo_q2"]
    assert in_a_domain.source.feed(b"ROSC:SOUR?\n", AT_FS) == b"EXT\n"
    assert in_none.source.feed(b"ROSC:SOUR?\n", AT_FS) == b"INT\n"
    in_a_domain.say("*RST")
    assert in_a_domain.source.feed(b"ROSC:SOUR?\n", AT_FS) == b"EXT\n"
    in_a_domain.say("ROSC:SOUR INT")
    assert clock.state(AT_FS) is LockState.FREE
    in_a_domain.say("ROSC:SOUR EXT", AT_FS + FS_PER_S)
    assert clock.state(AT_FS + FS_PER_S) is LockState.LOCKING
    assert (clock.state(AT_FS + 3 * FS_PER_S), clock.epoch(AT_FS + 3 * FS_PER_S)) == (
        LockState.LOCKED,
        1,
    )


def test_a_new_frequency_is_a_new_lock(in_none) -> None:
    before = in_none.phase(AT_FS)
    in_none.say(f"FREQ {HZ}")
    assert in_none.phase(AT_FS) == before
    in_none.say(f"FREQ {HZ + 1};FREQ {HZ}")
    assert off(in_none.phase(AT_FS), before) > 1e-3


def test_a_source_whose_domain_has_no_reference_runs_by_itself(tmp_path) -> None:
    yaml = YAML()
    tree = yaml.load(TWO_NODES.read_text())
    tree["clocks"]["tone_a"] = {"source": "lo_q2"}
    path = tmp_path / "facility.yaml"
    with path.open("w") as file:
        yaml.dump(tree, file)
    bench = Bench(path)
    now_fs = bench.laboratory.clock.now_fs()
    assert bench.laboratory.clocks["lo_q2"].state(now_fs) is LockState.FREE
    bench.laboratory.close()
