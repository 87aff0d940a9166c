"""The vendor's client runs programs that depend on what they measure, on a twin before a chip.

What comes out is held against a Monte Carlo of its own: rate equations and Gaussian noise, with
numbers of the chip and of the readout that was calibrated through the client.
"""

import numpy as np
import pytest
from tests.benches.physics.small_chip import feedline_point, hann, pi_amplitude, qubit_point
from tests.benches.qblox_cluster.chip_world import ChipWorld
from tests.benches.qblox_cluster.vendor_client import close, running
from tests.benches.referees.q1asm_oracle import Unavailable, judge, vendor_assembler
from tests.benches.referees.reset_monte_carlo import (
    AT_NS,
    SECOND_NS,
    T1_NS,
    THERMAL,
    expected,
    flipped,
    near,
)

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

READOUT_HZ = 7.26e9, 7.04e9
DRIVE_HZ = 6.02e9, 5.71e9
TONE = 5e-5
"""sqrt(W) at the connector: about twenty photons."""

QUBITS = (
    qubit_point(thermal=THERMAL, t1=T1_NS * 1e-9, n_crit=1e9),
    qubit_point(
        "node_a.q1", DRIVE_HZ[1], resonator=READOUT_HZ[1], thermal=THERMAL, t1=T1_NS * 1e-9,
        n_crit=1e9,
    ),
)  # fmt: skip
LINES = {
    "slot2.out0": "node_a.feedline",
    "slot2.in0": "node_a.feedline",
    "slot4.out0": "node_a.q0.drive",
    "slot4.out1": "node_a.q1.drive",
}
FULL = limits.rf_output_full_scale(0)
PI = [round(limits.DAC_MAX * pi_amplitude(qubit, hann(40)) / FULL) for qubit in QUBITS]
READ_GAIN = round(limits.DAC_MAX * TONE / FULL)

PERIOD_NS = 20_000
READ = """
      set_mrk 3
      wait_sync 4
      move {shots},R0
      move 0,R1
loop: reset_ph
      set_awg_gain {gain},{gain}
      upd_param 100
      play 0,1,146
      acquire 0,R1,{between}
      play 0,1,146
      acquire 1,R1,16000
      add R1,1,R1
      wait {rest}
      loop R0,@loop
      stop"""
DRIVE = """
      set_mrk 3
      wait_sync 4
      move {shots},R0
loop: reset_ph
      set_awg_gain {first},0
      play 0,0,40
      latch_rst 4
      set_latch_en 1,4
      wait {wait}
      set_cond {condition},40
      set_awg_gain {second},0
      play 0,0,40
      set_cond 0,0,0,4
      wait {rest}
      loop R0,@loop
      stop"""


@pytest.fixture(scope="module")
def cluster():
    from qblox_instruments import Cluster
    from qblox_instruments.types import DebugLevel

    world = ChipWorld(feedline_point(*QUBITS, kelvin=4.0), LINES)
    twin = ClusterTwin({2: "QRM-RF", 4: "QCM-RF"}, "00015_2141_009", world)
    with running(twin, world) as (host, server):
        client = Cluster("feedback", host, debug=DebugLevel.ERROR_CHECK)
        client.server = server
        try:
            set_up(client)
            yield client
        finally:
            close(client)
    world.pool.shutdown()


def set_up(client):
    read, drive = client.module2, client.module4
    read.out0_in0_lo_freq(7.1e9)
    drive.out0_lo_freq(6.0e9)
    drive.out1_lo_freq(5.7e9)
    for module in (read, drive):
        module.disconnect_outputs()
    read.disconnect_inputs()
    for n in range(2):
        reader, driver = read.sequencers[n], drive.sequencers[n]
        reader.connect_out0("IQ")
        reader.connect_acq("in0")
        reader.nco_freq(READOUT_HZ[n] - 7.1e9)
        reader.integration_length_acq(1000)
        reader.mod_en_awg(True)
        reader.demod_en_acq(True)
        driver.mod_en_awg(True)
    drive.sequencers[0].connect_out0("IQ")
    drive.sequencers[1].connect_out1("IQ")
    drive.sequencers[0].nco_freq(DRIVE_HZ[0] - 6.0e9)
    drive.sequencers[1].nco_freq(DRIVE_HZ[1] - 5.7e9)
    client.separation = [calibrate(client, n) for n in range(2)]


def play(cluster, shots, programs):
    """Run programs by (module, sequencer); return bits and IQ of each acquisition of readers."""
    everybody = [m.sequencers[n] for m in (cluster.module2, cluster.module4) for n in range(2)]
    for sequencer in everybody:
        sequencer.sync_en(False)
    used = []
    for (module, n), program in programs.items():
        sequencer = getattr(cluster, f"module{module}").sequencers[n]
        reads = module == 2
        acquisitions = {"a": 0, "b": 1} if reads else {}
        samples = {"one": [1.0] * 1000, "no": [0.0] * 1000} if reads else {"pi": hann(40).real}
        sequencer.sequence(
            {
                "waveforms": {
                    name: {"data": list(data), "index": index}
                    for index, (name, data) in enumerate(samples.items())
                },
                "weights": {},
                "acquisitions": {
                    name: {"num_bins": shots, "index": index}
                    for name, index in acquisitions.items()
                },
                "program": program,
            }
        )
        sequencer.sync_en(True)
        used.append(sequencer)
    for sequencer in used:
        sequencer.arm_sequencer()
    for sequencer in used:
        sequencer.start_sequencer()
    for sequencer in used:
        assert sequencer.get_sequencer_status(timeout=2).status.name == "OKAY"
    found = {}
    for (module, n), _ in programs.items():
        if module == 2:
            read = cluster.module2.sequencers[n].get_acquisitions()
            for name in "ab":
                bins = read[name]["acquisition"]["bins"]
                iq = np.array(bins["integration"]["path0"]) + 1j * np.array(
                    bins["integration"]["path1"]
                )
                found[n, name] = np.array(bins["threshold"]), iq
    return found


def reading(shots, between=SECOND_NS - 146):
    rest = PERIOD_NS - 100 - 146 - between - 146 - 16_000
    return READ.format(shots=shots, gain=READ_GAIN, between=between, rest=rest)


def driving(shots, first, second, condition="0,0,0", at_ns=AT_NS):
    wait = at_ns - 40 - 8
    rest = PERIOD_NS - at_ns - 40
    return DRIVE.format(
        shots=shots, first=first, second=second, condition=condition, wait=wait, rest=rest
    )


def calibrate(cluster, n):
    """Set rotation and threshold by two prepared states; return distance over twice sigma."""
    means, spread = [], 0.0
    for first in (0, PI[n]):
        found = play(cluster, 800, {(2, n): reading(800), (4, n): driving(800, first, 0)})
        points = found[n, "a"][1]
        # the larger part of the points lies about the median
        means.append(np.median(points.real) + 1j * np.median(points.imag))
        spread = np.median(np.abs(points.imag - means[-1].imag)) / 0.6745
    angle = float(np.angle(means[1] - means[0]))
    reader = cluster.module2.sequencers[n]
    reader.thresholded_acq_rotation(np.degrees(-angle) % 360)
    middle = (means[0] + means[1]) / 2 * np.exp(-1j * angle)
    reader.thresholded_acq_threshold(float(middle.real))
    reader.thresholded_acq_trigger_address(n + 1)
    reader.thresholded_acq_trigger_en(True)
    return abs(means[1] - means[0]) / (2 * spread)


def test_active_reset_leaves_what_decay_and_errors_of_assignment_predict(cluster) -> None:
    shots = 3000
    half = cluster.separation[0]
    assert half > 2
    found = play(
        cluster,
        shots,
        {(2, 0): reading(shots), (4, 0): driving(shots, PI[0] // 2, PI[0], "1,1,0")},
    )
    first, second = found[0, "a"][0], found[0, "b"][0]
    bit, again = expected(half, shots, flipped, lambda level, bit: np.where(bit, 1 - level, level))
    assert near(first.sum(), bit.sum(), shots)
    assert near(second.sum(), again.sum(), shots)
    for value in (0, 1):
        mine, theirs = second[first == value], again[bit == value]
        assert near(mine.mean() * 1000, theirs.mean() * 1000, 1000), value
    assert second.mean() < 0.2 * first.mean(), "the qubit was reset"


def test_the_scope_shows_the_last_acquisition_of_a_run_with_feedback(cluster) -> None:
    reader = cluster.module2.sequencers[0]
    cluster.module2.scope_acq_sequencer_select(0)
    program = reading(20)
    found = play(cluster, 20, {(2, 0): program, (4, 0): driving(20, PI[0] // 2, PI[0], "1,1,0")})
    reader.store_scope_acquisition("b")
    seen = reader.get_acquisitions()["b"]["acquisition"]["scope"]
    assert seen["path0"]["data"]
    trace = np.array(seen["path0"]["data"]) + 1j * np.array(seen["path1"]["data"])
    tone = READOUT_HZ[0] - 7.1e9
    turning = np.exp(-2j * np.pi * tone * 1e-9 * np.arange(1000))
    mean = np.mean(trace[:1000] * turning)
    assert abs(mean) == pytest.approx(abs(found[0, "b"][1][-1]) / 1000, rel=0.1)


def test_without_the_condition_the_same_program_resets_nothing(cluster) -> None:
    shots = 1500
    found = play(
        cluster,
        shots,
        {(2, 0): reading(shots), (4, 0): driving(shots, PI[0] // 2, 0, "1,1,0")},
    )
    first, second = found[0, "a"][0], found[0, "b"][0]
    assert abs(second.mean() - first.mean()) < 0.08
    assert np.mean(first == second) > 0.85, "a level that was read stays"


def test_a_condition_before_the_trigger_can_arrive_sees_the_old_count(cluster) -> None:
    """The integration ends at 1246 ns, its trigger is there at 1610 ns: 1600 ns is too early."""
    shots = 800
    late = play(
        cluster,
        shots,
        {(2, 0): reading(shots), (4, 0): driving(shots, PI[0] // 2, PI[0], "1,1,0", 1600)},
    )
    first, second = late[0, "a"][0], late[0, "b"][0]
    assert np.mean(first == second) > 0.85, "no pulse was played: else branch"
    timely = play(
        cluster,
        shots,
        {(2, 0): reading(shots), (4, 0): driving(shots, PI[0] // 2, PI[0], "1,1,0", 1610)},
    )
    assert timely[0, "b"][0].mean() < 0.15


def test_a_gate_on_another_qubit_depends_on_the_result(cluster) -> None:
    """q1 is flipped where q0 was read 1: both are read together on one feedline.

    q1 sends triggers as well, to an address of its own, 252 ns later.
    """
    shots = 1500
    other = reading(shots).replace("upd_param 100", "upd_param 352")
    other = other.replace(f"wait {1054}", f"wait {1054 - 252}")
    found = play(
        cluster,
        shots,
        {
            (2, 0): reading(shots),
            (2, 1): other,
            (4, 0): driving(shots, PI[0] // 2, 0),
            (4, 1): driving(shots, 0, PI[1], "1,1,0", 1960),
        },
    )
    cause, effect = found[0, "a"][0], found[1, "b"][0]
    before = found[1, "a"][0]
    assert 0.4 < cause.mean() < 0.6
    assert effect[(cause == 1) & (before == 0)].mean() > 0.85
    assert effect[(cause == 0) & (before == 0)].mean() < 0.12
    kept = (found[0, "b"][0] == cause).mean()
    assert kept > 0.85, "q0 stays what it was read as"


REPEAT_READ = """
      set_mrk 3
      wait_sync 4
      set_latch_en 1,4
      move {shots},R0
      move 0,R1
      set_awg_gain {gain},{gain}
shot: latch_rst 4
      move 6,R2
try:  set_cond 1,1,1,4
      reset_ph
      play 0,1,146
      acquire 0,R1,2354
      set_cond 0,0,0,4
      wait 500
      loop R2,@try
      wait 18000
      reset_ph
      play 0,1,146
      acquire 1,R1,18000
      add R1,1,R1
      loop R0,@shot
      stop"""
"""Reads up to six times, until it has found a 1: bins count the tries."""


def test_repeat_until_success_stops_at_the_first_success(cluster) -> None:
    """Only a thermal excitation is a success here: nearly all shots take all six tries."""
    shots = 120
    program = REPEAT_READ.format(shots=shots, gain=READ_GAIN)
    reader = cluster.module2.sequencers[0]
    play(cluster, shots, {(2, 0): program})
    bins = reader.get_acquisitions()["a"]["acquisition"]["bins"]
    tries = np.array(bins["avg_cnt"])
    successes = np.rint(np.array(bins["threshold"]) * tries)
    assert set(np.unique(tries)) <= {1, 2, 3, 4, 5, 6}
    assert np.all(successes <= 1), "after a success nothing is read"
    assert np.all(tries[successes == 0] == 6)
    assert 0 < successes.sum() < shots
    assert np.all(successes[tries < 6] == 1)


MESSAGE_AT_NS = 1900
"""The message with the bit is there 480 ns after the integration, at 1726 ns."""
DRIVE_ON_MESSAGE = """
      set_mrk 3
      wait_sync 4
      move {shots},R0
loop: reset_ph
      set_awg_gain {first},0
      play 0,0,{at}
      fb_pop_data 20,R1
      nop
      and R1,1,R1
      jz @zero
      set_awg_gain {second},0
      jmp @play
zero: set_awg_gain 0,0
play: play 0,0,40
      wait {rest}
      fb_pop_data 20,R2
      loop R0,@loop
      stop"""


def sharing(program, *lines):
    return program.replace("wait_sync 4", "wait_sync 4\n" + "\n".join(lines))


@pytest.mark.slow
def test_active_reset_by_messages_does_what_it_does_by_triggers(cluster) -> None:
    shots = 2000
    cluster.clear_router()
    cluster.set_cmm_route(20, [cluster.module4.sequencer0])
    drive = DRIVE_ON_MESSAGE.format(
        shots=shots, first=PI[0] // 2, second=PI[0], at=MESSAGE_AT_NS,
        rest=PERIOD_NS - MESSAGE_AT_NS - 40,
    )  # fmt: skip
    read = sharing(reading(shots), "fb_acq_tb_id 20,4")
    if not isinstance(vendor_assembler(), Unavailable):
        assert all(judge(program).accepted for program in (read, drive))
    found = play(cluster, shots, {(2, 0): read, (4, 0): drive})
    first, second = found[0, "a"][0], found[0, "b"][0]
    bit, again = expected(
        cluster.separation[0],
        shots,
        flipped,
        lambda level, bit: np.where(bit, 1 - level, level),
        at_ns=MESSAGE_AT_NS,
    )
    assert near(first.sum(), bit.sum(), shots)
    assert near(second.sum(), again.sum(), shots)
    assert second.mean() < 0.2 * first.mean(), "the qubit was reset"


def test_registers_hold_the_integral_that_is_in_the_bin(cluster) -> None:
    share = sharing(reading(1), "fb_acq_tb_id 6,4", "fb_acq_iq_id 5,4", "fb_acq_iq_shift 1,4")
    pops = "fb_pop_data 6,R9\nfb_pop_data 5,R10\nfb_pop_data 5,R11\n      acquire 1"
    found = play(cluster, 1, {(2, 0): share.replace("acquire 1", pops)})
    bit, (iq,) = found[0, "a"]
    registers = cluster.module2.sequencers[0].get_registers(["R9", "R10", "R11"])
    assert registers["R9"] == 2 + bit[0]
    signed = [(registers[name] ^ 1 << 31) - (1 << 31) for name in ("R10", "R11")]
    assert signed == pytest.approx([iq.real * 4096 / 2, iq.imag * 4096 / 2], abs=1)
    assert abs(iq) > 0.1
