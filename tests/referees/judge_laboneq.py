"""LabOne Q 26.7, not emulated, finds on the twin's chip what the world hides.

No part of `make test`: `make test-laboneq` runs this file. LabOne Q needs zhinst-comms, whose
licence is the vendor's own; it lives in an environment of its own and is never imported here. Its
Python is what PODIUM_LABONEQ names.
"""

import json
import os
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import curve_fit
from tests.benches.referees.zurich_laboratory import served

from podium.firmware_interfaces.qblox_cluster.limits import tone_amplitude
from podium.sim_instruments.physics.truth import qubit_truth
from podium.sim_instruments.physics.world_file import read_world

ROOT = Path(__file__).parents[2]
FACILITY = ROOT / "examples" / "first_light_zi" / "facility.yaml"
LABONEQ = os.environ.get("PODIUM_LABONEQ", str(ROOT / ".venv-referees-laboneq/bin/python"))
QUBITS = ("node_a.q0", "node_a.q1", "node_a.q2")
DRIVE_DBM = 5.0
GRID_HZ = 200e6
"""LabOne Q takes no other local oscillators."""
PULSE_S, SIGMA = 40e-9, 0.5
READOUT = 0.15
SHOTS = 200
WORLDS = (None, 701, 702, 703)
"""Seeds: of the world that all else is looked at in, and of three that nobody looked at."""


@pytest.fixture(scope="module", params=WORLDS)
def laboratory(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("laboneq")
    with served(folder, FACILITY.read_text(), "zi_a", request.param) as server:
        yield folder, server


@pytest.fixture(scope="module")
def points(laboratory):
    """The operating points of the qubits at the biases that are held."""
    folder, _ = laboratory
    chip = read_world(folder / "t.yaml").chip()
    biases = chip.sweet_spots_v()
    held = json.loads((folder / "e.json").read_text())["instruments"]
    for name in QUBITS:
        qubit = name.removeprefix("node_a.")
        host = held[f"bias_{qubit}"]["host"]
        with socket.create_connection((host, 7655)) as source:
            level = biases[f"{name}.flux"]
            source.sendall(f":SOUR:RANG 1\n:SOUR:LEV {level:.5f}\n:OUTP ON\n*OPC?\n".encode())
            assert source.recv(16) == b"1\n"
            biases[f"{name}.flux"] = round(level, 5)
    return {one.name: one for line in chip.at(biases) for one in line.qubits}


class LabOneQ:
    """The process in which it runs."""

    def __init__(self, process):
        self.process = process

    def ask(self, **asked):
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or '{"error": "it has ended"}')
        assert "error" not in answer, answer["error"]
        return answer

    def measure(self, **asked):
        data = self.ask(**asked)["data"]
        return {name: np.array(re) + 1j * np.array(im) for name, (re, im) in data.items()}


@pytest.fixture(scope="module")
def laboneq(laboratory, points):
    folder, server = laboratory
    truths = [qubit_truth(points[name]) for name in QUBITS]
    drives = [one["f01"].value for one in truths]
    rack = {
        "host": server.host,
        "port": server.port,
        "device": "dev12000",
        "options": "SHFQC/QC6CH/RTR/16W/LRT",
        "drives": [0, 2, 4],
        "drive_dbm": DRIVE_DBM,
        "output_dbm": -25,
        "input_dbm": -15,
        "port_delay_s": 200e-9,
        "readout_lo_hz": 7.2e9,
        "readout_hz": [one["readout_frequency"].value for one in truths],
        "drive_lo_hz": [round((hz - GRID_HZ) / GRID_HZ) * GRID_HZ for hz in drives],
        "drive_hz": drives,
    }
    with subprocess.Popen(
        [LABONEQ, ROOT / "tests/referees/laboneq_experiments.py"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
    ) as process:  # fmt: skip
        try:
            one = LabOneQ(process)
            assert one.ask(**rack) == {"connected": True}
            yield one
        finally:
            process.kill()


def along(found):
    """Return points along the line on which they lie."""
    centred = found - found.mean()
    return (centred * np.exp(-0.5j * np.angle((centred**2).sum()))).real


def fitted(model, x, y, first):
    """Return the parameters and their standard deviations."""
    best, covariance = curve_fit(model, x, y, first, maxfev=20_000)
    return best, np.sqrt(np.diag(covariance))


def cosine(a, height, turns, offset):
    return height * np.cos(2 * np.pi * turns * a) + offset


def turn_of(point):
    """Return the height of LabOne Q's Gaussian that turns a qubit by half a turn."""
    t = np.linspace(-1, 1, 4001)
    area_s = np.trapezoid(np.exp(-(t**2) / (2 * SIGMA**2)), t) * PULSE_S / 2
    return 0.5 / (point.rabi_hz_per_sqrt_w * tone_amplitude(DRIVE_DBM) * area_s)


def measured_turns(laboneq, qubits):
    axis = {"start": 0.0, "stop": 0.95, "points": 39}
    found = laboneq.measure(
        experiment="rabi", axis=axis, qubits=qubits, shots=SHOTS, height=READOUT
    )
    turns = {}
    heights = np.linspace(0, 0.95, 39)
    for name, one in found.items():
        line = along(one)
        (_, hz, _), (_, error, _) = fitted(cosine, heights, line, (np.ptp(line) / 2, 0.9, 0))
        turns[name] = 0.5 / abs(hz), 0.5 * error / hz**2
    return turns


@pytest.fixture(scope="module")
def pi(laboneq):
    return measured_turns(laboneq, [0])["q0"]


def test_rabi_finds_the_height_of_half_a_turn(points, pi):
    height, error = pi
    assert height == pytest.approx(turn_of(points[QUBITS[0]]), rel=0.02)
    assert error < 0.01 * height


def own_fit(laboneq, fit, x, y, first):
    """Return what LabOne Q's own analysis finds: parameters and standard deviations."""
    found = laboneq.ask(fit=fit, x=list(x), y=list(y), first=list(first))
    return found["best"], found["errors"]


def assert_found(found, error, truth, scale=None):
    """Within three standard deviations, or within 5 %."""
    assert found == pytest.approx(truth, abs=max(3 * error, 0.05 * (scale or truth)))
    assert error < 0.1 * (scale or truth), "an error so large would let anything pass"


def test_its_own_analysis_finds_what_a_turn_takes(points, laboneq):
    heights = np.linspace(0, 0.95, 39)
    found = laboneq.measure(
        experiment="rabi", axis={"start": 0.0, "stop": 0.95, "points": 39}, qubits=[0],
        shots=SHOTS, height=READOUT,
    )["q0"]  # fmt: skip
    line = along(found)
    first = (2 * np.pi * 0.9, 0.0, np.ptp(line) / 2, 0.0)
    best, errors = own_fit(laboneq, "oscillatory", heights, line, first)
    half = np.pi / abs(best[0])
    assert_found(half, half * errors[0] / abs(best[0]), turn_of(points[QUBITS[0]]))


def test_its_own_analysis_finds_frequency_and_lifetime(points, laboneq, pi):
    truth = qubit_truth(points[QUBITS[0]])
    off_hz = 0.2e6
    us = np.linspace(0, 60, 121)
    fringes = laboneq.measure(
        experiment="ramsey", axis={"start": 0.0, "stop": 60e-6, "points": 121}, off_hz=off_hz,
        pi=pi[0], shots=SHOTS, height=READOUT,
    )["q0"]  # fmt: skip
    line = along(fringes)
    first = (2 * np.pi * off_hz * 1e-6, 0.0, 1 / 30, np.ptp(line) / 2, 0.0)
    best, errors = own_fit(laboneq, "oscillatory_decay", us, line, first)
    assert_found(abs(best[0]), errors[0], 2 * np.pi * off_hz * 1e-6)

    us = np.linspace(0, 150, 31)
    decay = laboneq.measure(
        experiment="relaxation", axis={"start": 0.0, "stop": 150e-6, "points": 31}, pi=pi[0],
        shots=3 * SHOTS, height=READOUT,
    )["q0"]  # fmt: skip
    line = along(decay)
    first = (1 / 40, line[-1], line[0] - line[-1])
    best, errors = own_fit(laboneq, "exponential_decay", us, line, first)
    t1_us = 1 / best[0]
    assert_found(t1_us, t1_us * errors[0] / best[0], 1e6 * truth["t1"].value)


def test_its_own_analysis_finds_the_resonator(points, laboneq):
    point = points[QUBITS[0]]
    begin = point.resonator_hz[0] - 7.2e9 - 10e6
    found = laboneq.measure(
        experiment="resonator", axis={"start": begin, "stop": begin + 20e6, "points": 41},
        shots=2000, gain=0.005,
    )["q0"]  # fmt: skip
    power = np.abs(found) ** 2
    mhz = np.linspace(-10, 10, 41)
    best, errors = own_fit(laboneq, "lorentzian", mhz, power / power.max(), (2, 0, -2, 1))
    kappa_mhz = 1e-6 * point.kappa_hz
    assert_found(2 * abs(best[0]), 2 * errors[0], kappa_mhz)
    assert_found(best[1], errors[1], 0.0, scale=kappa_mhz)


def test_rabi_of_three_qubits_at_once_finds_three_heights(points, laboneq):
    found = measured_turns(laboneq, [0, 1, 2])
    for name, (height, _) in found.items():
        assert height == pytest.approx(turn_of(points[f"node_a.{name}"]), rel=0.03), name


def test_ramsey_finds_the_detuning_and_the_coherence_time(points, laboneq, pi):
    off_hz, stop = 0.2e6, 60e-6
    times = np.linspace(0, stop, 121)
    found = laboneq.measure(
        experiment="ramsey", axis={"start": 0.0, "stop": stop, "points": 121}, off_hz=off_hz,
        pi=pi[0], shots=SHOTS, height=READOUT,
    )["q0"]  # fmt: skip

    def fringes(t, height, hz, phase, t2, power, offset):
        return height * np.exp(-((t / t2) ** power)) * np.cos(2 * np.pi * hz * t + phase) + offset

    line = along(found)
    first = (np.ptp(line) / 2, off_hz, 0.0, 27e-6, 1.3, 0.0)
    best, errors = fitted(fringes, times, line, first)
    truth = qubit_truth(points[QUBITS[0]])
    assert abs(best[1]) == pytest.approx(off_hz, abs=max(5 * errors[1], 1e3))
    assert best[3] == pytest.approx(truth["t2_ramsey"].value, rel=0.15)
    assert errors[3] < 0.1 * best[3]


def test_a_turn_and_a_wait_find_the_lifetime(points, laboneq, pi):
    stop = 150e-6
    found = laboneq.measure(
        experiment="relaxation", axis={"start": 0.0, "stop": stop, "points": 31}, pi=pi[0],
        shots=3 * SHOTS, height=READOUT,
    )["q0"]  # fmt: skip
    line = along(found)
    best, errors = fitted(
        lambda t, height, t1, offset: height * np.exp(-t / t1) + offset,
        np.linspace(0, stop, 31), line, (line[0] - line[-1], 40e-6, 0.0),
    )  # fmt: skip
    truth = qubit_truth(points[QUBITS[0]])["t1"].value
    assert best[1] == pytest.approx(truth, abs=max(5 * errors[1], 0.05 * truth))
    assert errors[1] < 0.05 * truth


@pytest.mark.parametrize("otherwise", [{"near_time": True}, {"chunks": 3}])
def test_near_time_and_a_pipeline_of_chunks_see_the_same_as_real_time(laboneq, pi, otherwise):
    axis = {"start": 0.0, "stop": pi[0], "points": 6}
    asked = {"experiment": "rabi", "axis": axis, "qubits": [0], "shots": SHOTS, "height": READOUT}
    real = laboneq.measure(**asked)["q0"]
    other = laboneq.measure(**asked, **otherwise)["q0"]
    assert np.abs(real - other).max() < 0.2 * np.abs(real[0] - real[-1])


@pytest.mark.parametrize("near_time", [False, True])
def test_spectroscopy_finds_the_resonator(points, laboneq, near_time):
    point = points[QUBITS[0]]
    begin = point.resonator_hz[0] - 7.2e9 - 10e6
    axis = {"start": begin, "stop": begin + 20e6, "points": 41}
    found = laboneq.measure(
        experiment="resonator", axis=axis, shots=2000, gain=0.005, near_time=near_time
    )["q0"]

    def dip(hz, full, depth, centre, kappa):
        return full * np.abs(1 - depth / (1 + 2j * (hz - centre) / kappa))

    offsets = np.linspace(-10e6, 10e6, 41)
    size = np.abs(found)
    best, _ = fitted(dip, offsets, size / size.max(), (1.0, 0.9, 0.0, 4e6))
    assert abs(best[2]) < 0.15e6  # photons pull it down: 60 kHz at this power, twice at twice
    assert best[3] == pytest.approx(point.kappa_hz, rel=0.1)
    assert best[1] == pytest.approx(point.kappa_coupling_hz / point.kappa_hz, abs=0.1)


def test_single_shots_fall_into_two_clouds_and_a_threshold_tells_them_apart(laboneq, pi):
    asked = {"experiment": "prepared", "pi": pi[0], "shots": 300, "height": READOUT}
    clouds = [laboneq.measure(**asked, turns=n, kind="INTEGRATION")["q0"] for n in (0, 1)]
    assert [len(one) for one in clouds] == [300, 300]
    middle = np.mean([one.mean().real for one in clouds])
    sign = np.sign(clouds[1].mean().real - clouds[0].mean().real)
    for turns, cloud in enumerate(clouds):
        states = laboneq.measure(
            **asked, turns=turns, kind="DISCRIMINATION", thresholds=float(middle)
        )["q0"].real
        assert set(states) <= {0.0, 1.0}
        # As many lie above the threshold as in the clouds: of 600, within five deviations.
        share = np.mean(cloud.real > middle)
        assert np.mean(states) == pytest.approx(share, abs=0.2)
        assert (np.mean(states) > 0.5) == (turns == 1 if sign > 0 else turns == 0)


@pytest.fixture(scope="module")
def single_shot(laboneq, pi):
    """Phase of the kernel and threshold, and how seldom shots are taken for the other state."""
    asked = {"experiment": "prepared", "pi": pi[0], "shots": 1000, "height": READOUT}

    def clouds(phase):
        return [
            laboneq.measure(**asked, turns=turns, kind="INTEGRATION", phase=phase)["q0"]
            for turns in (0, 1)
        ]

    down, up = (one.mean() for one in clouds(0.0))
    phase = -float(np.angle(up - down))
    down, up = (np.sort(one.real) for one in clouds(phase))
    assert np.median(up) > np.median(down), "a kernel's phase turns what it adds up"
    levels = np.concatenate([down, up])
    wrong = [np.mean(down > level) + np.mean(up <= level) for level in levels]
    best = int(np.argmin(wrong))
    return phase, float(levels[best]), float(wrong[best]) / 2


def test_calibrated_single_shots_are_told_apart_by_the_instrument(laboneq, pi, single_shot):
    phase, threshold, error = single_shot
    found = [
        laboneq.measure(
            experiment="prepared", pi=pi[0], shots=2000, height=READOUT, turns=turns,
            kind="DISCRIMINATION", phase=phase, thresholds=threshold,
        )["q0"].real
        for turns in (0, 1)
    ]  # fmt: skip
    wrong = (np.mean(found[0] == 1) + np.mean(found[1] == 0)) / 2
    # 2,000 shots each, and the threshold was chosen from 1,000 each: 5 deviations of both.
    assert wrong == pytest.approx(error, abs=0.05)
    assert wrong < 0.25


def test_a_qubit_is_reset_by_what_was_just_measured(laboneq, pi, single_shot):
    """``match`` on the instrument's own result: a turn where a 1 was found, none where a 0 was."""
    phase, threshold, error = single_shot
    found = {
        turns: laboneq.measure(
            experiment="reset", pi=pi[0], height=READOUT, turns=turns, shots=400, phase=phase,
            thresholds=threshold,
        )
        for turns in (0, 1)
    }  # fmt: skip
    before, after = (
        {turns: np.mean(data[name].real == 1) for turns, data in found.items()}
        for name in ("before", "q0")
    )
    assert before[1] - before[0] == pytest.approx(1 - 2 * error, abs=0.12)
    # What the readout misses is turned the wrong way, or not at all, and what relaxes in the 2 us
    # between pulse and pulse is turned up: twice the error, and a tenth.
    assert after[1] < 2 * error + 0.1 + before[0]
    assert after[0] < 2 * error + 0.1 + before[0]
    assert after[1] < before[1] - 0.3


def test_the_averaged_trace_adds_up_to_what_is_integrated(points, laboneq, pi):
    asked = {"experiment": "prepared", "pi": pi[0], "turns": 0, "height": READOUT}
    trace = laboneq.measure(**asked, shots=64, kind="RAW", mode="CYCLIC")["q0"]
    summed = laboneq.measure(**asked, shots=SHOTS, kind="INTEGRATION", mode="CYCLIC")["q0"]
    assert trace.shape == (2000,)
    tone_hz = qubit_truth(points[QUBITS[0]])["readout_frequency"].value - 7.2e9
    turning = np.exp(-2j * np.pi * tone_hz * np.arange(2000) / 2e9)
    assert abs(np.sum(trace * turning)) == pytest.approx(abs(summed), rel=0.05)


def test_a_long_readout_tells_the_states_apart(laboneq, pi):
    asked = {"experiment": "long_readout", "pi": pi[0], "shots": SHOTS, "height": 0.1}
    down, up = (laboneq.measure(**asked, turns=turns)["q0"] for turns in (0, 1))
    # The noise of a sum of 10,000 samples is near 1, and 200 are averaged.
    assert abs(up - down) > 2.0
    assert abs(down) > 5.0
