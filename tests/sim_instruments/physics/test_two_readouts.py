"""Two readouts with a pulse between them, the second before the resonators have rung down."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.small_chip import (
    capture,
    coherent_turns,
    feedline_point,
    hann,
    pi_amplitude,
    play,
    prepared,
    qubit_point,
    run_of,
    tone,
    train,
)

from podium.sim_instruments.physics.episodes import NotSimulated, ring_down_ns
from podium.sim_instruments.physics.readout import ReadoutTone, response_table
from podium.sim_instruments.physics.signals import CaptureTrain, Piece, PulseTrain, Window

READ_NS, SHOT_NS, SHOTS = 500, 200_000, 40
PULSE = hann(40)
QUBIT = replace(qubit_point(t1=5e-3, thermal=1e-6), drive_delay_ns=70.3)
SLOW = qubit_point("node_a.q1", f01=5.5e9, resonator=7.1e9, kappa=2e6)
"""It is not read; its resonator rings down half as fast."""
FEEDLINE = replace(feedline_point(QUBIT, SLOW), noise_w_per_hz=0.0)


def read_twice(gap_ns: int, pulsed: bool) -> np.ndarray:
    """Return the first and the second readout of each shot, shape (2, shots)."""
    begins = [k * SHOT_NS + 1000 for k in range(SHOTS)]
    again = [at + READ_NS + gap_ns for at in begins]
    both = sorted([*begins, *again])
    pulses = [at - 60 for at in again]
    piece = Piece(6.02e9, pi_amplitude(QUBIT, PULSE) * PULSE, 0j, PULSE.size)
    turns = coherent_turns(6.02e9, pulses)
    drive = train("node_a.q0.drive", pulses, [piece], [0] * SHOTS, turns)
    heard: list[CaptureTrain] = [capture(7.26e9, READ_NS, [at + 146 for at in both])]
    drives = [*([drive] if pulsed else []), tone(7.26e9, 1e-4, READ_NS, both)]
    signals = run_of(drives, heard, SHOTS * SHOT_NS)
    (found,) = play(FEEDLINE, signals)
    return found.integrated.reshape(SHOTS, 2).T


ALL_GONE = ring_down_ns(FEEDLINE, 12.0) + 100
SOON = ring_down_ns(FEEDLINE, 4.0)


@pytest.mark.parametrize("gap_ns", [ALL_GONE, SOON])
def test_the_pulse_between_them_is_seen_by_the_second(gap_ns: int) -> None:
    first, second = read_twice(gap_ns, pulsed=True)
    zero, _ = read_twice(ALL_GONE, pulsed=False)
    one = read_twice(ALL_GONE, pulsed=True)[1]
    apart = abs(np.median(one) - np.median(zero))
    assert abs(np.median(first) - np.median(zero)) < 0.02 * apart
    assert abs(np.median(second) - np.median(one)) < 0.02 * apart


def test_without_a_pulse_they_agree_and_photons_that_are_left_are_heard() -> None:
    first, second = read_twice(SOON, pulsed=True)
    alone, after = read_twice(SOON, pulsed=False)
    assert np.median(first) == pytest.approx(np.median(alone), rel=1e-6)
    assert np.median(after) != pytest.approx(np.median(alone), rel=1e-5)
    assert abs(np.median(after) - np.median(alone)) < 0.1 * abs(
        np.median(second) - np.median(alone)
    )


def test_a_pulse_while_many_photons_are_left_is_refused_with_how_long_to_wait() -> None:
    least = ring_down_ns(FEEDLINE, 3.0)
    with pytest.raises(NotSimulated, match=f"only 100 ns after .* for {least} ns at least"):
        read_twice(100, pulsed=True)


def halves_then_flipped(amplitude: float, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Return which level each of two readouts shows: half pi, readout, pi, readout."""
    begins = [k * SHOT_NS + 1000 for k in range(count)]
    again = [at + READ_NS + ALL_GONE for at in begins]
    both, full = sorted([*begins, *again]), pi_amplitude(QUBIT, PULSE)
    pieces = [Piece(6.02e9, a * PULSE, 0j, PULSE.size) for a in (full / 2, full)]
    pulses = [at - 60 for at in both]
    turns = coherent_turns(6.02e9, pulses)
    drive = train("node_a.q0.drive", pulses, pieces, [0, 1] * count, turns)
    heard = [capture(7.26e9, READ_NS, [at + 146 for at in both])]
    signals = run_of([drive, tone(7.26e9, amplitude, READ_NS, both)], heard, count * SHOT_NS)
    (found,) = play(FEEDLINE, signals)
    seen = found.integrated
    away = np.abs(seen - seen[0])
    shows = (away > np.max(away) / 2).reshape(count, 2)
    return shows[:, 0], shows[:, 1]


@pytest.mark.parametrize("amplitude", [1e-4, 2e-5, 1e-5, 7e-6])
def test_the_second_goes_on_from_the_level_that_the_first_shows(amplitude: float) -> None:
    """Also where level 2 looks like one of the others, so that its coherence outlives a readout."""
    first, second = halves_then_flipped(amplitude)
    assert 0.3 < np.mean(first) < 0.7
    assert abs(np.mean(first == second) - 0.5) > 0.48  # few decay between the two


DECAYS = replace(qubit_point(t1=60e-6, thermal=1e-6), drive_delay_ns=70.3)
APART_NS = 1_000_000
"""From shot to shot: it is back in 0."""


def pulse_and_read(amplitude: float, shots: int) -> tuple[list[int], list[PulseTrain]]:
    """Return when a qubit is read, and the pi pulses and tones for it."""
    reads = [k * APART_NS + 5000 for k in range(shots)]
    pulses = [at - PULSE.size for at in reads]
    piece = Piece(6.02e9, pi_amplitude(DECAYS, PULSE) * PULSE, 0j, PULSE.size)
    turns = coherent_turns(6.02e9, pulses)
    drive = train("node_a.q0.drive", pulses, [piece], [0] * shots, turns)
    return reads, [drive, tone(7.26e9, amplitude, READ_NS, reads)]


def share_lost(
    amplitude: float, herald_before_ns: int | None, late_ns: int, shots: int
) -> tuple[float, float]:
    """Return what share is read nearer to 0 behind a pi pulse, and what is expected; no noise.

    ``herald_before_ns``: from the end of a herald to the readout; None: it is read alone;
    ``late_ns``: so much later than the readout's arrival the pulse ends.
    """
    qubit = replace(DECAYS, drive_delay_ns=70.3 + late_ns)
    feedline = replace(feedline_point(qubit, SLOW), noise_w_per_hz=0.0)
    window = Window(7.26e9, READ_NS, None)
    table = response_table(feedline, [ReadoutTone(7.26e9, amplitude, READ_NS)], window, 146, 0)

    def nearer_to_0(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(values - table.mean[0]) < np.abs(values - table.mean[1]))

    _, first = pulse_and_read(amplitude, 1)
    _, made = prepared(qubit, first[:1], first[1:])
    expected = 0.0
    for level, share in enumerate(made.matrices[-1][:, 0]):
        values, weights = table.outcomes(level)
        expected += float(share * np.sum(weights[nearer_to_0(values)]))

    reads, drives = pulse_and_read(amplitude, shots)
    heard = [capture(7.26e9, READ_NS, [at + 146 for at in reads])]
    turns = heard[0].phase_turns - drives[1].phase_turns
    if herald_before_ns is not None:
        heralds = [at - READ_NS - herald_before_ns for at in reads]
        drives.append(tone(7.26e9, 1e-4, READ_NS, heralds))
        heard.append(capture(7.26e9, READ_NS, [at + 146 for at in heralds]))
    found = play(feedline, run_of(drives, heard, shots * APART_NS))[0].integrated
    return float(np.mean(nearer_to_0(found * np.exp(2j * np.pi * turns)))), expected


@pytest.mark.parametrize("herald_before_ns", [None, SOON, ALL_GONE])
@pytest.mark.parametrize(
    ("amplitude", "late_ns"), [(2e-4, 0), (4e-4, 0), (8e-4, 0), (2e-4, 30), (2e-4, 60)]
)
def test_photons_hasten_the_loss_of_1_as_the_response_table_says(
    amplitude: float, late_ns: int, herald_before_ns: int | None
) -> None:
    """Also where a resonator beside it still rings with a herald as the readout begins."""
    shots = 20_000
    share, expected = share_lost(amplitude, herald_before_ns, late_ns, shots)
    # 5.5 sigma: false alarm below 1e-6
    assert abs(share - expected) < 5.5 * np.sqrt(expected * (1 - expected) / shots)
