"""From a facility file that is wrong to lines: windows widen, neighbours are told apart, arcs lead.

The qubits of these tests are formulas: a resonator that follows its qubit, a line over the bias.
"""

from collections.abc import Callable

import numpy as np
import pytest
from tests.benches.calibration.pulled_line import mean_field
from tests.benches.calibration.qubits_on_a_bench import (
    FACILITY,
    QUBITS,
    RABI_HZ,
    SPOTS,
    design,
    lines,
    qubit_hz,
    worked,
)
from tests.benches.calibration.synthetic_data import (
    NODE,
    NOW_S,
    Asked,
    MadeRunner,
    known,
    noise,
    zero,
)
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import BRING_UP
from podium.control.calibration.fits.resonator import ReadoutWindow, dip
from podium.control.calibration.routines.dispersive_shift import excited_share
from podium.control.calibration.routines.flux_arc import (
    FIRST_MORE,
    MOST_SHOTS,
    SHOTS,
    ResonatorTrack,
    _shots,
)
from podium.control.calibration.routines.rabi import TAKES
from podium.control.calibration.routines.time_of_flight import quiet_hz
from podium.control.calibration.sequences import all_pulses, pulse_area_ns, until_all_end_ns
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Capture, Play

WIDE_OPEN = ReadoutWindow(0.0, 1e-3)


def resonators(places_hz: dict[str, float]) -> Callable[[MadeRunner], object]:
    """Every tone meets every resonator of the feedline."""

    def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        frequency = asked.swept["probe_frequency"]
        signal = 1e-3 * np.exp(-2j * np.pi * 30e-9 * (frequency - 7e9))
        for place in places_hz.values():
            signal = signal * dip(frequency, place, 4e6, 3.9e6, 0.0, WIDE_OPEN)
        return signal + noise(asked, rng)

    return lambda _: make


async def test_a_resonator_beside_the_designs_range_is_found_in_a_wider_window() -> None:
    true = {e: design(e, "readout_frequency") for e in ("q0", "q1", "q2")}
    true["q1"] += 62e6
    outcome, _, _ = await worked("resonator_spectroscopy", resonators(true))
    assert outcome.failures == {}
    for element, place in true.items():
        found = outcome.measured[f"{NODE}.{element}.ground_readout_frequency"]
        assert found.value == pytest.approx(place, abs=5 * found.sigma)
    assert len(outcome.runs) == 2
    (said,) = (panel.text for panel in outcome.panels if panel.element == "q1")
    assert "found in a window widened to" in said


async def test_a_resonator_that_is_not_there_is_not_its_neighbours() -> None:
    """q1's widest window holds the lines of q0 and q2; its own is missing."""
    true = {e: design(e, "readout_frequency") for e in ("q0", "q2")}
    true["q0"] -= 70e6
    outcome, _, _ = await worked("resonator_spectroscopy", resonators(true))
    assert outcome.failures.keys() == {f"{NODE}.q1"}
    assert not any(name.startswith(f"{NODE}.q1.") for name in outcome.measured)
    assert outcome.measured[f"{NODE}.q0.ground_readout_frequency"].value == pytest.approx(
        true["q0"], abs=2e5
    )


@pytest.mark.parametrize("strength", sampled([0.3, 0.5, 1.0, 2.0], kept=[2.0]))
async def test_a_line_is_found_however_strong_the_drive_turns_out(strength: float) -> None:
    """A pulse of twice pi leaves two humps, 10 MHz to either side: one line, in the middle."""
    true = {"q0": 6.0312e9, "q1": 5.6981e9, "q2": 5.0803e9}
    outcome, _, _ = await worked(
        "qubit_spectroscopy", lines(lambda e, _: true[e], RABI_HZ * strength)
    )
    assert outcome.failures == {}
    for element, place in true.items():
        found = outcome.measured[f"{NODE}.{element}.f01"]
        assert found.value == pytest.approx(place, abs=5 * found.sigma)
        rabi = outcome.measured[f"{NODE}.{element}.rabi_frequency"]
        assert rabi.value == pytest.approx(RABI_HZ * strength, abs=5 * rabi.sigma)


async def test_a_qubit_beside_the_designs_range_is_found_in_a_wider_window() -> None:
    place = design("q1", "f01") - 216e6
    outcome, _, _ = await worked("qubit_spectroscopy", lines(lambda *_: place), ("q1",))
    found = outcome.measured[f"{NODE}.q1.f01"]
    assert found.value == pytest.approx(place, abs=5 * found.sigma)
    assert "found in a window widened to" in outcome.panels[-1].text


async def test_a_qubit_that_is_nowhere_is_not_found_and_no_line_of_another() -> None:
    """Both drives reach one line, 55 MHz from where q0 is expected, four spreads from q1."""
    place = design("q0", "f01") - 55e6
    outcome, _, _ = await worked("qubit_spectroscopy", lines(lambda *_: place), ("q0", "q1"))
    assert outcome.failures.keys() == {f"{NODE}.q1"}
    assert "is that of node_a.q0" in outcome.failures[f"{NODE}.q1"]
    assert f"{NODE}.q0.f01" in outcome.measured


def following(runner: MadeRunner) -> Callable[[Asked, np.random.Generator], np.ndarray]:
    def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        bias = runner.biases[f"{NODE}.{asked.element}.flux"]
        bare = design(asked.element, "readout_frequency") - 6e6
        place = bare + (85e6) ** 2 / (bare - qubit_hz(asked.element, bias))
        frequency = asked.swept["probe_frequency"]
        return 1e-3 * dip(frequency, place, 4e6, 3.9e6, 0.0, WIDE_OPEN) + noise(asked, rng)

    return make


async def test_resonators_lead_to_sweet_spots_in_a_few_biases() -> None:
    ground = {q.element: design(q.element, "readout_frequency") for q in QUBITS}
    assert max(ground.values()) > 0
    outcome, _, runner = await worked("flux_arc", following)
    assert outcome.failures == {}
    assert len(outcome.runs) <= 8
    for element, spot in SPOTS.items():
        found = outcome.measured[f"{NODE}.{element}.sweet_spot"]
        assert found.value == pytest.approx(spot, abs=5 * found.sigma)
        assert found.sigma < 6e-3
        assert runner.biases[f"{NODE}.{element}.flux"] == pytest.approx(found.value, abs=1e-4)


@pytest.mark.parametrize(
    ("sigmas_hz", "shots", "most"),
    [
        ((30e3,), (SHOTS,), FIRST_MORE),
        ((30e3, 30e3 * 0.46), (SHOTS, 1200), MOST_SHOTS),
        ((30e3, 30e3 * 0.64), (SHOTS, 1200), 1200),
        ((5e3, 5e3), (SHOTS, SHOTS), SHOTS),
    ],
    ids=["the second bias", "noise", "more than noise", "well known at once"],
)
def test_lines_that_more_shots_tell_no_better_get_no_more(sigmas_hz, shots, most) -> None:
    track = ResonatorTrack(sigma=list(sigmas_hz), shots=list(shots))
    assert _shots(track, 2e6) == most


async def test_a_resonator_that_stays_is_scanned_over_a_period_and_refused() -> None:
    still = {e: design(e, "readout_frequency") for e in ("q0",)}
    outcome, _, runner = await worked("flux_arc", resonators(still), ("q0",))
    assert outcome.measured == {}
    assert "does not follow the bias" in outcome.failures[f"{NODE}.q0"]
    assert runner.biases[f"{NODE}.q0.flux"] == 0.0


@pytest.mark.parametrize("off_v", sampled([0.0, 2e-3, -30e-3], kept=[-30e-3]))
async def test_a_sweet_spot_does_not_depend_on_the_asymmetry(off_v: float) -> None:
    """The facility file says 0.4, the world 0.61; the arc of the resonators was off as well."""
    element = "q1"
    top = qubit_hz(element, SPOTS[element] + off_v)
    outcome, _, runner = await worked(
        "sweet_spot",
        lines(qubit_hz),
        (element,),
        sigmas={"sweet_spot": max(2e-3, abs(off_v) / 3), "f01": 10e3},
        sweet_spot=SPOTS[element] + off_v,
        f01=top,
        pi_amplitude=0.385,
    )
    assert outcome.failures == {}
    found = outcome.measured[f"{NODE}.{element}.sweet_spot"]
    assert found.value == pytest.approx(SPOTS[element], abs=5 * found.sigma)
    assert found.sigma < 70e-6
    assert runner.biases[f"{NODE}.{element}.flux"] == pytest.approx(SPOTS[element], abs=2e-4)


def test_the_share_in_1_is_that_of_cycles_counted_one_by_one() -> None:
    t1, cycle, begin, duration, thermal = 30e-6, 40e-6, 0.2e-6, 0.9e-6, 0.02
    excited = thermal
    for _ in range(200):
        excited = thermal + (excited - thermal) * np.exp(-cycle / t1)
        excited = 1 - excited
    times = begin + duration * (np.arange(1000) + 0.5) / 1000
    mean = np.mean(thermal + (excited - thermal) * np.exp(-times / t1))
    assert excited_share(thermal, t1, cycle, begin, duration) == pytest.approx(mean, abs=1e-6)


def test_the_pulse_that_is_timed_lies_beside_all_resonators() -> None:
    bench = Bench(MadeRunner(noise), NODE, QUBITS, known(FACILITY), keep=lambda _: None)
    place = quiet_hz(bench, QUBITS[0])
    spreads = [q.design["readout_frequency"] for q in QUBITS]
    assert min(abs(place - one.value) / one.spread for one in spreads) > 10
    assert abs(place - bench.feedline(QUBITS[0]).lo_hz) < 480e6


def weakly_driven(rabi_hz: float) -> Callable[[MadeRunner], object]:
    """A Rabi scan of qubits with that Rabi frequency at full scale, by the area of what plays."""

    def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        pulse = next(
            one
            for one in asked.program.body
            if isinstance(one, Play) and one.frame == f"{asked.element}.drive"
        )
        area_ns = pulse_area_ns(round(pulse.waveform.duration_fs * 1e-6))
        turns = asked.swept["amplitude"] * area_ns * 1e-9 * rabi_hz
        return 1e-3 * np.cos(2 * np.pi * turns) + noise(asked, rng)

    return lambda _: make


async def test_a_drive_too_weak_for_the_designs_pulses_is_given_longer_ones() -> None:
    """With the design's pulse a pi pulse would take 1.1 of full scale."""
    weak_hz = 0.45 / 1.1 * design("q0", "rabi_frequency")
    outcome, bench, _ = await worked(
        "rabi",
        weakly_driven(weak_hz),
        ("q0", "q1"),
        unknown=("pi_amplitude",),
        rabi_frequency=weak_hz,
    )
    assert outcome.failures == {}
    for pulses in all_pulses(bench, bench.qubits):
        name = pulses.qubit.name
        found = outcome.measured[f"{name}.pi_amplitude"]
        assert found.value == pytest.approx(TAKES, abs=0.05)
        assert found.sigma < 0.01 * found.value
        turned = found.value * pulse_area_ns(pulses.pulse_ns) * 1e-9 * weak_hz
        assert turned == pytest.approx(0.5, abs=0.5 * 5 * found.sigma / found.value)
        assert bench.known(pulses.qubit, "pulse_duration").value == pytest.approx(
            1e-9 * pulses.pulse_ns
        )
    assert sum("would take 1.10 of full scale" in note for note in outcome.notes) == 2


async def test_a_scan_that_saw_half_a_period_makes_the_next_ones_pulses_longer() -> None:
    """Spectroscopy had the drive stronger than it is: the first scan found 0.97 of full scale."""
    weak_hz = 0.45 / 0.97 * design("q0", "rabi_frequency")
    outcome, bench, _ = await worked(
        "rabi", weakly_driven(weak_hz), ("q0",), pi_amplitude=0.97, rabi_frequency=1.5 * weak_hz
    )
    assert outcome.failures == {}
    (pulses,) = all_pulses(bench, bench.qubits)
    found = outcome.measured[f"{pulses.qubit.name}.pi_amplitude"]
    assert found.value == pytest.approx(TAKES, abs=0.05)
    turned = found.value * pulse_area_ns(pulses.pulse_ns) * 1e-9 * weak_hz
    assert turned == pytest.approx(0.5, abs=0.5 * 5 * found.sigma / found.value)


async def test_a_pi_pulse_beyond_full_scale_is_sought_again_with_longer_ones() -> None:
    """Spectroscopy had the drive twice as strong as it is."""
    weak_hz = 0.45 / 1.07 * design("q0", "rabi_frequency")
    outcome, bench, runner = await worked(
        "rabi",
        weakly_driven(weak_hz),
        ("q0",),
        unknown=("pi_amplitude",),
        rabi_frequency=2 * weak_hz,
    )
    assert outcome.failures == {}
    assert len(runner.datasets) == 2
    (pulses,) = all_pulses(bench, bench.qubits)
    found = outcome.measured[f"{pulses.qubit.name}.pi_amplitude"]
    assert found.value == pytest.approx(TAKES, abs=0.05)
    turned = found.value * pulse_area_ns(pulses.pulse_ns) * 1e-9 * weak_hz
    assert turned == pytest.approx(0.5, abs=0.5 * 5 * found.sigma / found.value)
    assert bench.known(pulses.qubit, "pulse_duration").value == pytest.approx(
        1e-9 * pulses.pulse_ns
    )
    assert "would take 1.0" in "".join(outcome.notes)


async def test_a_drive_as_designed_keeps_the_designs_pulses() -> None:
    outcome, _, _ = await worked(
        "rabi", weakly_driven(RABI_HZ), ("q0",), unknown=("pi_amplitude",), rabi_frequency=RABI_HZ
    )
    assert outcome.failures == {}
    assert not any(name.endswith("pulse_duration") for name in outcome.measured)


def test_a_short_pulse_is_read_as_late_as_the_longest() -> None:
    """Two pulses begin together, and the readout waits for both."""
    bench = Bench(MadeRunner(zero, facility=FACILITY), NODE, QUBITS[:2], known(FACILITY), print)
    longer = ParameterEntry(
        f"{QUBITS[0].name}.pulse_duration", 120e-9, 1e-12, "s", "", "", float(NOW_S), 1
    )
    bench.record.put([longer])
    first, second = all_pulses(bench, bench.qubits)
    assert first.pulse_ns == 120
    assert until_all_end_ns((first, second)) == {
        QUBITS[0].name: 60.0,
        QUBITS[1].name: 120 - second.pulse_ns / 2,
    }


def window(asked: Asked) -> ReadoutWindow:
    """Return when a capture listens, from its pulse's return: it closes with the pulse."""
    capture = next(
        one for one in asked.program.body if isinstance(one, Capture) and one.name == asked.capture
    )
    tone = next(
        one for one in asked.program.body if isinstance(one, Play) and one.frame == capture.frame
    )
    lasts_s = 1e-15 * capture.duration_fs
    return ReadoutWindow(1e-15 * tone.waveform.duration_fs - lasts_s, lasts_s)


def punched_out(critical: float, pull_hz: float = 6e6) -> Callable[[MadeRunner], object]:
    """Resonators whose qubits pull them less and less with the power of the probe.

    ``critical``: amplitude at which the photons are as many as the critical number, of qubits as
    far away as designed: as the distance, so grow this amplitude and the inverse of the pull.
    """

    def made(runner: MadeRunner) -> Callable[[Asked, np.random.Generator], np.ndarray]:
        def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
            bias = runner.biases.get(f"{NODE}.{asked.element}.flux", SPOTS[asked.element])
            bare = design(asked.element, "readout_frequency") - pull_hz
            farther = (bare - qubit_hz(asked.element, bias)) / (bare - design(asked.element, "f01"))
            amplitude = asked.swept.get("probe_amplitude", np.full(asked.shape, 1e-3))
            photons = (amplitude / (critical * farther)) ** 2
            field = mean_field(
                asked.swept["probe_frequency"], photons, bare, pull_hz / farther, 4e6, window(asked)
            )
            return amplitude * (1 - 3.9 / 4.0 * field) + 1e-2 * noise(asked, rng)

        return make

    return made


async def test_a_line_that_the_power_moves_part_of_the_way_tells_where_photons_are_too_many() -> (
    None
):
    """The greatest power makes 1.6 times the critical number of photons: the bare line is far."""
    outcome, _, runner = await worked("punch_out", punched_out(0.3, 5.1e6), ("q0",))
    assert outcome.failures == {}
    greatest = float(runner.datasets[-1].q0_probe_amplitude.max())
    found = outcome.measured[f"{NODE}.q0.critical_amplitude"]
    assert greatest < 1.3 * 0.3
    assert found.value == pytest.approx(0.3, abs=3 * found.sigma)


async def test_a_line_that_no_power_moves_belongs_to_no_qubit() -> None:
    outcome, _, _ = await worked("punch_out", punched_out(1e3), ("q0",))
    assert "at all powers: no qubit couples to it" in outcome.failures[f"{NODE}.q0"]


async def test_the_critical_amplitude_is_that_at_the_sweet_spot() -> None:
    """At 0 V the qubit is 1.3 times as far from its resonator, and bears as much more."""
    runner = MadeRunner(lambda *_: np.zeros(1), 1, facility=FACILITY)
    runner.make = punched_out(0.05)(runner)
    qubits = tuple(q for q in QUBITS if q.element == "q2")
    bench = Bench(runner, NODE, qubits, MemoryRecord(), keep=lambda _: None)
    runner.biases[f"{NODE}.q2.flux"] = 0.0
    steps = tuple(
        name
        for name in BRING_UP[: BRING_UP.index("punch_out") + 1]
        if name not in ("mixer_calibration", "time_of_flight")
    )
    outcomes = [one async for one in bring_up(bench, steps)]
    assert [one.failures for one in outcomes] == [{}] * len(steps)
    found = bench.known(qubits[0], "critical_amplitude")
    assert found.value == pytest.approx(0.05, abs=0.012)


async def test_one_hump_at_the_end_of_a_scan_is_no_line() -> None:
    """A pulse of twice pi: the line lies beside the scan, the hump 12 MHz beside it within."""
    place = design("q0", "f01") + 130e6 + 3e6
    outcome, _, _ = await worked(
        "qubit_spectroscopy", lines(lambda *_: place, 2 * RABI_HZ), ("q0",)
    )
    assert outcome.failures == {}
    found = outcome.measured[f"{NODE}.q0.f01"]
    assert found.value == pytest.approx(place, abs=5 * found.sigma)


async def test_a_sweet_spot_without_flanks_says_which_lines_are_missing() -> None:
    def only_at_the_top(element: str, bias_v: float) -> float:
        return qubit_hz(element, bias_v) if abs(bias_v - SPOTS[element]) < 1e-3 else 1e9

    outcome, _, _ = await worked(
        "sweet_spot",
        lines(only_at_the_top),
        ("q0",),
        sweet_spot=SPOTS["q0"],
        f01=design("q0", "f01"),
        pi_amplitude=0.385,
    )
    assert "the line was seen at 1 of 3 biases only" in outcome.failures[f"{NODE}.q0"]
