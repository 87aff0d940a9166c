"""Phases of local oscillators: nobody sees them but who has two; a lock draws them anew."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.small_chip import NONE, feedline_point, play, prepared, qubit_point, tone
from tests.benches.qblox_cluster.cluster_bench import T0, US, Bench

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.clock_makes import CONTROLLER
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import still_air
from podium.sim_instruments.physics.signals import Piece, PulseTrain, RunSignals
from podium.sim_instruments.physics.tick_counter import TickCounter
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import IdealClock

F01 = 6_020_000_000
READOUT = 7_260_000_000
PULSE = "set_awg_offs 10000,0\nupd_param 20\nset_awg_offs 0,0\nupd_param 980\n"
TWO_PULSES = f"set_mrk 3\nwait_sync 4\n{PULSE}{PULSE}stop"
READ = (
    "set_mrk 2\nwait_sync 4\nset_awg_offs 1000,0\nupd_param 200\nacquire 0,0,1000\n"
    "set_awg_offs 0,0\nupd_param 5000\nstop"
)


class Oscillating(Bench):
    """Slot 4 plays the same on both of its outputs; slot 2 reads."""

    def __init__(self, clock: TickCounter | None) -> None:
        super().__init__()
        self.twin = ClusterTwin({2: "QRM-RF", 4: "QCM-RF"}, "7", self.playback, clock)
        self.sessions = {name: self.twin.open(name) for name in ("scpi", "slot2", "slot4")}
        self.load(2, 0, READ)
        self.load(4, 0, TWO_PULSES)
        self.tune(2, 1, READOUT)
        self.tune(4, 0, F01)
        self.tune(4, 1, F01)

    def tune(self, slot: int, lo: int, hz: int) -> None:
        self.send(slot, f"STATus:QUEStionable:FREQuency:LO{lo} {hz}")

    def run(self, at_fs: int) -> RunSignals:
        for slot in (2, 4):
            self.send(slot, "SEQuencer0:ARM", at_fs)
        for slot in (2, 4):
            self.send(slot, "SEQuencer0:START", at_fs)
        self.playback.release()
        self.twin.horizon(at_fs + 100 * US)
        assert self.errors(2) == self.errors(4) == 0
        return self.playback.played[-1]


def on(signals: RunSignals, line: str) -> PulseTrain:
    (train,) = (one for one in signals.drives if one.line == line)
    return train


def apart(signals: RunSignals) -> float:
    """Return the phase of out1 against out0, turns."""
    first, second = on(signals, "slot4.out0"), on(signals, "slot4.out1")
    assert first.start_ns[0] == second.start_ns[0]
    return float((second.phase_turns[0] - first.phase_turns[0]) % 1.0)


def off(one: float, other: float) -> float:
    """Return how far two phases are from each other, turns."""
    return abs((one - other + 0.5) % 1.0 - 0.5)


@pytest.fixture
def clock() -> Clock:
    return Clock(1, "cluster_a", CONTROLLER, still_air())


@pytest.fixture
def bench(clock: Clock) -> Oscillating:
    return Oscillating(TickCounter(clock))


LATER = T0 + 20 * FS_PER_S


def test_two_oscillators_keep_their_phase_during_a_lock_and_have_another_after_it(
    bench, clock
) -> None:
    found = [apart(bench.run(T0 + n * 12_345 * US)) for n in range(5)]
    assert max(off(one, found[0]) for one in found) < 1e-8
    relocked = []
    for n in range(1, 6):
        clock.lock(T0 + n * 20 * FS_PER_S)
        begun_fs = T0 + (n * 20 + 15) * FS_PER_S
        relocked.append(apart(bench.run(begun_fs)))
        assert off(apart(bench.run(begun_fs + 777 * US)), relocked[-1]) < 1e-8
    every = [found[0], *relocked]
    assert min(off(a, b) for n, a in enumerate(every) for b in every[:n]) > 1e-3


def test_oscillators_of_unlike_frequency_beat_between_runs(bench) -> None:
    bench.tune(4, 1, F01 - 1_300_001)
    before, after = bench.run(T0), bench.run(T0 + 4567 * US)
    ticks = round((after.start_tai_fs - before.start_tai_fs) / 1e6)
    assert off(apart(after), apart(before) - 1_300_001e-9 * ticks) < 1e-6


def test_an_oscillator_that_is_tuned_away_and_back_has_another_phase(bench) -> None:
    before = bench.run(T0)
    bench.tune(4, 1, F01)
    assert off(apart(bench.run(T0 + 1000 * US)), apart(before)) < 1e-8, "it was there already"
    bench.tune(4, 1, F01 + 1)
    bench.tune(4, 1, F01)
    retuned = bench.run(T0 + 2000 * US)
    assert off(apart(retuned), apart(before)) > 1e-3
    bench.send(4, "LO1:ENAble 0")
    bench.send(4, "LO1:ENAble 1")
    assert off(apart(bench.run(T0 + 3000 * US)), apart(retuned)) > 1e-3


def second_pulse_by(signals: RunSignals, line: str) -> float:
    """Return P(1) after two quarter turns of one qubit: by out0, and 1 us later by ``line``."""
    qubit = qubit_point(thermal=1e-6, dephasing=0.0, drive_delay=70.3)
    quarter = Piece(F01, NONE, 0.25e9 / (qubit.rabi_hz_per_sqrt_w * 20), 20)
    pulses = [on(signals, "slot4.out0"), on(signals, line)]
    drives = [
        PulseTrain(
            "node_a.q0.drive",
            train.start_ns[[n]],
            np.zeros(1, np.int32),
            train.phase_turns[[n]],
            (quarter,),
        )
        for n, train in enumerate(pulses)
    ]
    _, made = prepared(qubit, drives, [tone(READOUT, 1e-4, 300, [3000])])
    return float(made.matrices[-1][1, 0])


def test_a_qubit_with_two_oscillators_sees_the_lock_and_one_with_one_does_not(bench, clock) -> None:
    before = bench.run(T0)
    again = bench.run(T0 + 3333 * US)
    clock.lock(T0 + FS_PER_S)
    after = bench.run(LATER)
    alone = [second_pulse_by(one, "slot4.out0") for one in (before, again, after)]
    assert max(alone) - min(alone) < 1e-9
    both = [second_pulse_by(one, "slot4.out1") for one in (before, again, after)]
    assert abs(both[1] - both[0]) < 1e-6
    assert abs(both[2] - both[0]) > 1e-2
    # as the phase says: two quarter turns about axes that far apart
    for one, found in zip((before, after), (both[0], both[2]), strict=True):
        angle = 2 * np.pi * apart(one)
        ideal = np.cos(angle / 2) ** 2
        assert found == pytest.approx(ideal, abs=0.1)


def heard(signals: RunSignals, tone_of: str) -> np.ndarray:
    """Return what slot2.in0 integrates of what leaves an output, with noise that is the same."""
    feedline = feedline_point(qubit_point())
    return play(
        feedline,
        RunSignals(
            run=1,
            start_tai_fs=10**24,
            duration_ns=signals.duration_ns,
            drives=(replace(on(signals, tone_of), line=feedline.name),),
            captures=tuple(replace(one, line=feedline.name) for one in signals.captures),
            biases_v={},
        ),
    )[0].integrated


def test_one_oscillator_up_and_down_leaves_the_blob_where_it_is(bench, clock) -> None:
    before = bench.run(T0)
    clock.lock(T0 + FS_PER_S)
    after = bench.run(LATER)
    train, found = on(before, "slot2.out0"), on(after, "slot2.out0")
    assert off(float(train.phase_turns[0]), float(found.phase_turns[0])) > 1e-3
    np.testing.assert_allclose(heard(after, "slot2.out0"), heard(before, "slot2.out0"), rtol=1e-6)


def test_a_tone_of_another_oscillator_turns_the_blob_at_each_lock(bench, clock) -> None:
    """A probe from slot 4 into the input of slot 2: what a scope there would show."""
    bench.tune(4, 0, READOUT)
    bench.load(4, 0, "set_mrk 3\nwait_sync 4\nset_awg_offs 1000,0\nupd_param 2000\nstop")
    before, again = bench.run(T0), bench.run(T0 + 5000 * US)
    clock.lock(T0 + FS_PER_S)
    after = bench.run(LATER)
    blobs = [heard(one, "slot4.out0")[0] for one in (before, again, after)]
    assert abs(blobs[1] / blobs[0] - 1) < 1e-6
    assert abs(blobs[2]) == pytest.approx(abs(blobs[0]), rel=0.01)
    turned = on(after, "slot4.out0").phase_turns[0] - after.captures[0].phase_turns[0]
    turned -= on(before, "slot4.out0").phase_turns[0] - before.captures[0].phase_turns[0]
    assert off(float(np.angle(blobs[2] / blobs[0]) / (2 * np.pi)), float(turned)) < 1e-3
    assert off(float(turned), 0.0) > 1e-3


def test_without_a_timing_plane_phases_are_there_and_stay() -> None:
    bench = Oscillating(None)
    found = [apart(bench.run(T0 + n * 12_345 * US)) for n in range(3)]
    assert max(off(one, found[0]) for one in found) < 1e-8
    assert off(found[0], 0.0) > 1e-3
    assert IdealClock("7").lo_turns("slot4.lo0", 0) != IdealClock("8").lo_turns("slot4.lo0", 0)
