"""What mixers add to lines: held against the same tones played as what they are."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.small_chip import capture, feedline_point, qubit_point, tone, train

from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.relaxation import equilibrium
from podium.sim_instruments.physics.signals import Piece, RunSignals
from podium.sim_instruments.physics.spurs import felt, pumped
from podium.sim_instruments.physics.world import World

LO_HZ = 7.1e9
QUBIT = qubit_point(thermal=0.0, t1=1.0)
DECAYING = qubit_point()
MS = 1_000_000


def world() -> World:
    return World(lambda _: (feedline_point(QUBIT, kelvin=1e-9),), 3)


def run(drives, captures, duration_ns=3 * MS) -> RunSignals:
    return RunSignals(1, 10**18, duration_ns, tuple(drives), tuple(captures), {})


def leak(amplitude: complex, *spans: tuple[int, int], hz: float = LO_HZ):
    parts = [tone(hz, amplitude, duration, [start]) for start, duration in spans]
    return [replace(one, spur="carrier") for one in parts]


@pytest.mark.parametrize("demod_hz", [LO_HZ, LO_HZ + 0.7e6, 7.04e9])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_leak_is_heard_as_the_same_tone_that_is_played(demod_hz: float, weighted: bool) -> None:
    weights = np.hanning(800) + 0j if weighted else None
    heard = [capture(demod_hz, 800, [50_000, 123_457, 200_004], weights, scope=True)]
    spurs = leak(2e-6, (0, 300_000))
    (left,) = world().play(run(spurs, heard))
    (right,) = world().play(run([replace(one, spur="") for one in spurs], heard))
    scale = np.abs(right.integrated).max()
    assert scale > 0
    assert np.allclose(left.integrated, right.integrated, atol=0.02 * scale)
    low = np.abs(right.trace[:800]).max()
    assert np.allclose(left.trace[:800], right.trace[:800], atol=0.02 * low)


def test_a_window_that_sees_the_switch_close_hears_that_part() -> None:
    heard = [capture(LO_HZ, 1000, [50_000])]
    spurs = leak(2e-6, (50_500 - 146, 100_000))
    (left,) = world().play(run(spurs, heard))
    (right,) = world().play(run([replace(one, spur="") for one in spurs], heard))
    assert abs(left.integrated[0]) == pytest.approx(abs(right.integrated[0]), rel=0.05)
    whole = world().play(run(leak(2e-6, (0, 100_000)), heard))[0].integrated[0]
    assert 0.4 < abs(left.integrated[0] / whole) < 0.6


def test_a_leak_may_last_longer_than_any_readout() -> None:
    starts = list(range(100_000, 20 * MS, 2 * MS))
    spurs = leak(2e-6, (0, 20 * MS))
    heard = [capture(LO_HZ, 1000, starts)]
    (found,) = world().play(run(spurs, heard, 20 * MS))
    assert np.allclose(found.integrated, found.integrated[0], rtol=1e-4)
    with pytest.raises(NotSimulated, match="without a pause"):
        world().play(run([replace(one, spur="") for one in spurs], heard, 20 * MS))


def test_piece_by_piece_a_run_hears_the_same() -> None:
    heard = [capture(LO_HZ, 1000, [50_000, 150_000])]
    whole = world().play(run(leak(2e-6, (0, 300_000)), heard))[0].integrated
    session = world().begin(RunStart(1, 10**18, {}))
    found = []
    for begin in (0, 100_000):
        chunk = leak(2e-6, (begin, 100_000))
        (answer,) = session.go_on(chunk, [capture(LO_HZ, 1000, [begin + 50_000])], [0])
        found += answer.integrated.tolist()
    assert np.allclose(found, whole, rtol=1e-3)


def test_an_image_of_a_readout_is_heard_as_the_same_tones_that_are_played() -> None:
    """It begins before one window and ends within another; its samples count."""
    samples = np.linspace(0, 2e-6, 300) * np.exp(0.3j)
    piece = Piece(6.95e9, samples, 2e-6, 900)
    starts = [10_000, 40_000, 70_000]
    image = train("node_a.feedline", starts, [piece], [0, 0, 0], [0.1, 0.4, 0.8])
    heard = [capture(6.95e9, 500, [10_200, 40_400, 70_900], scope=True)]
    heard.append(capture(6.96e9, 700, [10_500, 40_100, 71_500]))
    left = world().play(run([replace(image, spur="image")], heard))
    right = world().play(run([image], heard))
    for one, other in zip(left, right, strict=True):
        scale = np.abs(other.integrated).max()
        assert np.allclose(one.integrated, other.integrated, atol=0.02 * scale)
    scale = np.abs(right[0].trace).max()
    assert np.allclose(left[0].trace[:500], right[0].trace[:500], atol=0.02 * scale)


def test_an_image_on_a_resonator_is_a_tone_like_any_other() -> None:
    """A tenth of what a readout plays, on the resonator: it must ring."""
    bright = replace(tone(7.261e9, 2e-5, 900, [10_000]), spur="image")
    heard = [capture(7.261e9, 500, [10_200])]
    left = world().play(run([bright], heard))[0].integrated
    right = world().play(run([replace(bright, spur="")], heard))[0].integrated
    assert np.array_equal(left, right)


def drive(hz: float, amplitude: complex, duration_ns: int, spur: str):
    piece = Piece(hz, np.zeros(0, complex), amplitude, duration_ns)
    return replace(train("node_a.q0.drive", [1000], [piece], [0], [0.0]), spur=spur)


READ = [tone(7.26e9, 1e-6, 1000, [100_000])]
HEAR = [capture(7.26e9, 1000, [100_146])]


def carrier(hz: float, rabi_hz: float):
    return drive(hz, rabi_hz / QUBIT.rabi_hz_per_sqrt_w, 20 * MS, "carrier")


def test_a_far_carrier_on_a_drive_line_does_nothing() -> None:
    lab = World(lambda _: (feedline_point(DECAYING, kelvin=1e-9),), 3)
    quiet = lab.play(run(READ, HEAR))[0].integrated
    far = lab.play(run([*READ, carrier(6.32e9, 0.4e6)], HEAR))[0].integrated
    assert np.array_equal(quiet, far)
    assert pumped(DECAYING, [carrier(6.32e9, 0.4e6)]) is DECAYING


@pytest.mark.parametrize("apart_hz", [0.0, 20e3, 0.3e6, 5e6])
@pytest.mark.parametrize("rabi_hz", [1e3, 20e3])
def test_a_near_carrier_pumps_to_the_population_of_the_bloch_equations(
    apart_hz: float, rabi_hz: float
) -> None:
    """Steady state of the optical Bloch equations of two levels, cold bath."""
    t1_s, dephasing_1_s = 33e-6, 1e4
    two = qubit_point(thermal=0.0, t1=t1_s, dephasing=dephasing_1_s, anharmonicity=-3e9)
    level = rabi_hz / two.rabi_hz_per_sqrt_w
    found = pumped(two, [drive(6.02e9 + apart_hz, level, 20 * MS, "carrier")])
    # level 1 also leaves the coherence of 0 and 1 by its own decay
    width = 1 / (2 * t1_s) + dephasing_1_s
    pump = (2 * np.pi * rabi_hz) ** 2 / 2 * width / (width**2 + (2 * np.pi * apart_hz) ** 2)
    expected = pump * t1_s / (1 + 2 * pump * t1_s)
    if found is two:
        assert expected < 1.1e-3
    else:
        assert equilibrium(found.rates_1_s)[1] == pytest.approx(expected, rel=2e-3)


def test_a_carrier_on_the_line_leaves_nothing_of_a_pi_pulse() -> None:
    pulse = 0.5 / 40e-9 / QUBIT.rabi_hz_per_sqrt_w
    shots = 400
    starts = 100_000 * np.arange(1, shots + 1)
    flip = train(
        "node_a.q0.drive",
        starts - 3000,
        [Piece(6.02e9, np.full(40, pulse + 0j), 0j, 40)],
        np.zeros(shots, int),
        np.zeros(shots),
    )
    probe = tone(7.26e9, 1e-6, 1000, list(starts))
    heard = capture(7.26e9, 1000, list(starts + 146))

    def mean(*more) -> complex:
        signals = run([probe, *more], [heard], 100_000 * (shots + 2))
        lab = World(lambda _: (feedline_point(DECAYING, kelvin=1e-9),), 3)
        return complex(np.mean(lab.play(signals)[0].integrated))

    leak_ = carrier(6.02e9, 1e6)
    contrast = abs(mean(flip) - mean())
    left = abs(mean(flip, leak_) - mean(leak_))
    # 400 shots each, in 0 or 1: the difference scatters by 3.5 % of the contrast, fixed seeds
    assert left < 0.2 * contrast
    assert abs(mean(leak_) - mean()) > 0.3 * contrast


def test_in_a_run_played_in_pieces_a_carrier_pumps_from_its_beginning() -> None:
    lab = World(lambda _: (feedline_point(DECAYING, kelvin=1e-9),), 3)
    leak_ = carrier(6.02e9, 1e6)

    def answers(*carriers) -> np.ndarray:
        session = lab.begin(RunStart(1, 10**18, {}))
        found = []
        for shot in range(60):
            at = 100_000 * (shot + 1)
            drives = [tone(7.26e9, 1e-6, 1000, [at]), *(carriers if shot == 0 else ())]
            heard = [capture(7.26e9, 1000, [at + 146])]
            found.append(session.go_on(drives, heard, [0])[0].integrated[0])
        return np.array(found)

    quiet, leaking = answers(), answers(leak_)
    # thermal 1 %; half of 60 shots excited: 30 within 5 standard errors, fixed seed
    far = np.abs(leaking - np.median(quiet)) > 0.5 * np.abs(leaking - np.median(quiet)).max()
    assert 10 < np.count_nonzero(far) < 50


def test_a_carrier_that_begins_to_pump_in_the_middle_of_such_a_run_is_refused() -> None:
    session = world().begin(RunStart(1, 10**18, {}))
    session.go_on(READ, HEAR, [0])
    later = [tone(7.26e9, 1e-6, 1000, [200_000])]
    with pytest.raises(NotSimulated, match=r"leaks into node_a.q0.drive.*in the middle of a run"):
        session.go_on([*later, carrier(6.02e9, 1e6)], [capture(7.26e9, 1000, [200_146])], [0])


def test_an_image_beside_its_pulse_is_one_shape_whatever_its_phase() -> None:
    """What differs from shot to shot in phase only must not be worked out for each shot."""
    starts = 10_000 * np.arange(50)
    pieces = [Piece(6.05e9, np.full(40, 1e-3 + 0j), 0j, 40)]
    pulse = train("node_a.q0.drive", starts, pieces, np.zeros(50, int), np.zeros(50))
    mirrored = (replace(pieces[0], carrier_hz=5.79e9),)
    image = replace(pulse, pieces=mirrored, phase_turns=np.linspace(0, 0.9, 50), spur="image")
    assert np.unique(drives_of([pulse, image]).shape).size == 1
    assert np.unique(drives_of([pulse, replace(image, spur="")]).shape).size == 50


def test_of_an_image_only_the_near_pieces_are_felt() -> None:
    weak = 0.01 * 0.5 / 40e-9 / QUBIT.rabi_hz_per_sqrt_w
    pieces = [Piece(hz, np.full(40, weak + 0j), 0j, 40) for hz in (6.02e9, 5.0e9)]
    both = train("node_a.q0.drive", [0, 1000, 2000], pieces, [0, 1, 0], [0.0, 0.1, 0.2])
    (left,) = felt(QUBIT, [replace(both, spur="image")])
    assert left.start_ns.tolist() == [0, 2000]
    assert left.phase_turns.tolist() == [0.0, 0.2]


def test_an_image_is_left_out_where_it_is_far_and_played_where_it_is_near() -> None:
    pulse = 0.5 / 40e-9 / QUBIT.rabi_hz_per_sqrt_w

    def answer(hz: float, spur: str) -> complex:
        one = drive(hz, pulse, 40, "")
        piece = replace(one.pieces[0], samples=np.full(40, pulse + 0j))
        given = replace(one, pieces=(piece,), spur=spur)
        return complex(world().play(run([*READ, given], HEAR))[0].integrated[0])

    assert answer(6.02e9, "image") == answer(6.02e9, ""), "a pi pulse is a pi pulse"
    quiet = complex(world().play(run(READ, HEAR))[0].integrated[0])
    assert answer(6.02e9, "image") != quiet
    assert answer(5.0e9, "image") == quiet, "one gigahertz away nothing is felt"


def test_a_driven_qubit_in_the_light_of_a_leak_is_refused_in_words() -> None:
    """On resonance, 1 uW at the chip's connector would be a flood of photons."""
    spurs = leak(2e-4, (0, 300_000), hz=7.262e9)
    world().play(run(spurs, HEAR))  # nobody is driven: it is heard, and that is all
    with pytest.raises(NotSimulated, match=r"photons in the resonator of node_a.q0"):
        world().play(run([*spurs, drive(6.02e9, 1e-3, 40, "")], HEAR))
