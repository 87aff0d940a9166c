"""QuTiP solves the same signals from scratch and judges populations and coherences."""

from itertools import pairwise

import numpy as np
import pytest
import qutip
from tests.benches.physics.small_chip import (
    NONE,
    coherent_turns,
    feedline_point,
    hann,
    pi_amplitude,
    prepared,
    qubit_point,
    tone,
    train,
)
from tests.benches.thoroughness import cases, sampled

from podium.sim_instruments.physics.episodes import episodes_of
from podium.sim_instruments.physics.exposure import exposure_of
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.signals import Piece, PulseTrain

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

LINE = "node_a.q0.drive"
READ_AT = 20_000
TOLERANCE = 1e-6


def signal_at(trains: list[PulseTrain], now: float, frame_hz: float) -> complex:
    """The line's signal at a time, straight from its definition, over ``exp(2j pi f_frame t)``."""
    total = 0j
    for t in trains:
        for start, kind, phase in zip(t.start_ns, t.piece, t.phase_turns, strict=True):
            piece = t.pieces[kind]
            if start <= now < start + piece.duration_ns:
                j = int(now - start)
                value = piece.samples[j] if j < piece.samples.size else piece.level
                turns = phase + piece.carrier_hz * 1e-9 * (now - start) - frame_hz * 1e-9 * now
                total += value * np.exp(2j * np.pi * turns)
    return complex(total)


def judged(
    qubit: QubitPoint, trains: list[PulseTrain], until: int, start: int, shift_hz: float = 0.0
) -> np.ndarray:
    """Populations at ``until`` ns from the pure level ``start``, by QuTiP's master equation."""
    levels = qubit.levels_hz.size
    carriers = {piece.carrier_hz for t in trains for piece in t.pieces}
    frame = min(carriers)
    n = np.arange(levels)
    energies = qubit.levels_hz - n * frame + n * shift_hz
    still = qutip.Qobj(np.diag(2e-9 * np.pi * energies))
    raising = np.diag(1e-9 * np.pi * qubit.rabi_hz_per_sqrt_w * qubit.ladder, -1)
    rises = qutip.Qobj(raising)
    falls = qutip.Qobj(raising.T.copy())
    jumps = []
    for to in range(levels):
        for of in range(levels):
            if qubit.rates_1_s[to, of] > 0:
                jump = np.zeros((levels, levels))
                jump[to, of] = np.sqrt(1e-9 * qubit.rates_1_s[to, of])
                jumps.append(qutip.Qobj(jump))
    jumps.append(qutip.Qobj(np.diag(np.sqrt(2e-9 * qubit.dephasing_1_s) * n)))
    edges = sorted(
        {0, until}
        | {int(s) for t in trains for s in t.start_ns}
        | {
            int(s) + t.pieces[k].duration_ns
            for t in trains
            for s, k in zip(t.start_ns, t.piece, strict=True)
        }
    )
    edges = [edge for edge in edges if edge <= until]
    state = qutip.fock_dm(levels, start)
    for left, right in pairwise(edges):
        busy = any(
            s <= left < s + t.pieces[k].duration_ns
            for t in trains
            for s, k in zip(t.start_ns, t.piece, strict=True)
        )
        if not busy:
            state = qutip.vector_to_operator(
                (qutip.liouvillian(still, jumps) * float(right - left)).expm()
                * qutip.operator_to_vector(state)
            )
            continue
        for ns in range(left, right):  # one solve for each held sample: no step over an edge
            if len(carriers) == 1:
                held_still = signal_at(trains, float(ns), frame)
                hamiltonian = still + np.conj(held_still) * rises + held_still * falls
                state = qutip.vector_to_operator(
                    qutip.liouvillian(hamiltonian, jumps).expm() * qutip.operator_to_vector(state)
                )
                continue

            def held(t: float, ns: float = float(ns)) -> complex:
                return signal_at(trains, min(ns + t, ns + 1 - 1e-9), frame)

            evolving = qutip.QobjEvo(
                [
                    still,
                    [rises, lambda t, h=held: np.conj(h(t))],
                    [falls, lambda t, h=held: h(t)],
                ]
            )
            state = qutip.mesolve(
                evolving,
                state,
                [0.0, 1.0],
                jumps,
                options={"method": "vern9", "atol": 1e-12, "rtol": 1e-10, "progress_bar": ""},
            ).states[-1]
    return np.real(np.diag(state.full()))


def ours(
    qubit: QubitPoint, trains: list[PulseTrain], read_at: int, shift_hz: float = 0.0
) -> np.ndarray:
    """[to, from]: populations when a readout tone arrives at the chip at ``read_at`` ns."""
    later = round(qubit.drive_delay_ns - 70.3)
    readout = tone(7.26e9, 1e-4, 400, [read_at + later])
    _, made = prepared(qubit, trains, [readout], (shift_hz, 0.0))
    return made.matrices[-1]


def compare(
    qubit: QubitPoint,
    trains: list[PulseTrain],
    until: int,
    starts: tuple[int, ...] = (0, 1),
    shift_hz: float = 0.0,
    tolerance: float = TOLERANCE,
) -> np.ndarray:
    found = ours(qubit, trains, until, shift_hz)
    # the block's first event follows the run's start at once: QuTiP starts there too
    first = min(int(t.start_ns[0]) for t in trains)
    for start in starts:
        wanted = judged(qubit, _moved(trains, -first), until - first, start, shift_hz)
        assert np.max(np.abs(found[:, start] - wanted)) < tolerance
    return found


def _moved(trains: list[PulseTrain], by: int) -> list[PulseTrain]:
    return [PulseTrain(t.line, t.start_ns + by, t.piece, t.phase_turns, t.pieces) for t in trains]


@pytest.mark.parametrize(
    ("levels", "share"),
    sampled(
        [(levels, share) for levels in (3, 4) for share in (1e-3, 0.37, 1.0, 2.0)],
        kept=[(3, 1.0), (4, 0.37)],
    ),
)
def test_populations_after_a_shaped_pulse_are_those_of_qutip(share: float, levels: int) -> None:
    qubit = qubit_point(levels=levels, t1=20e-6)
    envelope = hann(40) * (1 + 0.1j)
    piece = Piece(6.02e9, share * pi_amplitude(qubit, envelope) * envelope, 0j, 40)
    found = compare(qubit, [train(LINE, [0], [piece], [0], [0.3])], 60, (0, 1, 2))
    if share == 1.0:
        assert found[1, 0] > 0.98  # it did something


def test_a_short_lifetime_needs_no_finer_samples() -> None:
    qubit = qubit_point(t1=2e-6, thermal=0.2)
    envelope = hann(30)
    piece = Piece(6.021e9, pi_amplitude(qubit, envelope) * envelope, 0j, 30)
    compare(qubit, [train(LINE, [0], [piece], [0], [0.0])], 30, (0, 1, 3))


def test_a_held_level_after_a_rise_is_that_of_qutip() -> None:
    qubit = qubit_point(t1=5e-6)
    rise = np.linspace(0.1, 1.0, 5).astype(np.complex128)
    level = 0.02 * pi_amplitude(qubit, hann(10)) * 1j
    held = cases(100, 400)
    piece = Piece(6.0195e9, rise * level, level, held)
    compare(qubit, [train(LINE, [0], [piece], [0], [0.1])], held + 20)


@pytest.mark.parametrize("delay", sampled([40, 77, 400], kept=[77]))
def test_ramsey_fringes_of_a_detuned_oscillator_are_those_of_qutip(delay: int) -> None:
    qubit = qubit_point()
    carrier = 6.02e9 + 3.3e6
    envelope = hann(20)
    piece = Piece(carrier, 0.5 * pi_amplitude(qubit, envelope) * envelope, 0j, 20)
    starts = [100, 120 + delay]
    trains = [train(LINE, starts, [piece], [0, 0], coherent_turns(carrier, starts))]
    compare(qubit, trains, 150 + delay, shift_hz=4.1e5)


def test_phases_of_pulses_rotate_the_axis_and_the_echo_refocuses() -> None:
    qubit = qubit_point()
    envelope = hann(20)
    half = Piece(6.02e9, 0.5 * pi_amplitude(qubit, envelope) * envelope, 0j, 20)
    whole = Piece(6.02e9, pi_amplitude(qubit, envelope) * envelope, 0j, 20)
    starts = [0, 300, 600]
    turns = coherent_turns(6.02e9, starts)
    turns[1] += 0.25
    turns[2] += 0.11
    trains = [train(LINE, starts, [half, whole], [0, 1, 0], turns)]
    found = compare(qubit, trains, 640, shift_hz=1.1e6)
    moved = compare(qubit, trains, 640, shift_hz=-0.7e6)
    assert abs(found[1, 0] - moved[1, 0]) < 0.05  # refocused, whatever the shift


@pytest.mark.slow
def test_a_pulse_on_the_second_transition_by_another_oscillator_is_that_of_qutip() -> None:
    qubit = qubit_point()
    envelope = hann(40)
    first = Piece(6.02e9, pi_amplitude(qubit, envelope) * envelope, 0j, 40)
    second = Piece(5.845e9, pi_amplitude(qubit, envelope) / np.sqrt(2) * envelope, 0j, 40)
    trains = [
        train(LINE, [0, 100], [first], [0, 0], coherent_turns(6.02e9, [0, 100])),
        train(LINE, [45], [second], [0], coherent_turns(5.845e9, [45])),
    ]
    found = compare(qubit, trains, 150, (0,))
    assert found[2, 0] > 0.9


def test_two_oscillators_at_once_add_on_the_line() -> None:
    qubit = qubit_point()
    envelope = hann(40)
    first = Piece(6.02e9, 0.8 * pi_amplitude(qubit, envelope) * envelope, 0j, 40)
    second = Piece(5.845e9, 0.5 * pi_amplitude(qubit, envelope) * envelope, 0j, 40)
    trains = [
        train(LINE, [0], [first], [0], [0.0]),
        train(LINE, [15], [second], [0], [0.4]),
    ]
    # within 1/256 of its period the beat is held: this case alone is looser
    found = compare(qubit, trains, 60, (0,), tolerance=1e-4)
    assert found[2, 0] > 0.05


def test_waiting_leads_to_the_thermal_populations_as_in_qutip() -> None:
    qubit = qubit_point(t1=1e-6, thermal=0.15)
    silent = Piece(6.02e9, NONE, 1e-12 + 0j, 4)
    found = compare(qubit, [train(LINE, [0], [silent], [0], [0.0])], 700, (0, 1, 2))
    assert 0.05 < found[1, 0] < 0.15


def test_dephasing_and_stark_shift_of_a_readout_are_those_of_a_cavity_in_qutip() -> None:
    qubit = qubit_point(levels=3, t1=1.0, thermal=1e-9, dephasing=0.0, n_crit=1e9)
    level, lasts = 6e-6, 300
    probe = tone(7.2605e9, level, lasts, [0])
    feedline = feedline_point(qubit)
    kind = episodes_of(feedline, [probe], []).kinds[0]
    exposure = exposure_of(qubit, kind, True, 1)

    size = 14
    lower = qutip.destroy(size)
    number = lower.dag() * lower
    kappa = 2e-9 * np.pi * qubit.kappa_hz
    planck = 6.62607015e-34
    drive = np.sqrt(
        1e-9 * np.pi * qubit.kappa_coupling_hz * 1e-9 / (planck * qubit.bare_resonator_hz)
    ) * (level * feedline.transmission_in)

    def coherent(a: int, b: int) -> complex:
        """Coherence [a, b] after tone and ring-down, of 1 at the beginning."""
        at = [2e-9 * np.pi * (qubit.resonator_hz[n] - 7.2605e9) for n in (a, b)]
        left = at[0] * number
        right = at[1] * number
        pump = drive * (lower + lower.dag())
        state = qutip.operator_to_vector(qutip.fock_dm(size, 0))
        for pumping, span in ((1.0, float(lasts)), (0.0, 600.0)):
            generator = -1j * (
                qutip.spre(left + pumping * pump) - qutip.spost(right + pumping * pump)
            ) + kappa * qutip.lindblad_dissipator(lower)
            state = (generator * span).expm() * state
        return complex(qutip.vector_to_operator(state).tr())

    for a, b in ((1, 0), (2, 0), (2, 1)):
        wanted = coherent(a, b)
        found = np.exp(exposure.exponent_at(lasts + 600)[a, b])
        assert 0.1 < abs(wanted) < 0.97
        assert abs(found - wanted) < 2e-4


def test_a_pulse_amid_photons_turns_the_qubit_as_in_a_full_model() -> None:
    """Qubit and cavity together in QuTiP, a pi pulse in the steady state of a weak tone.

    Ours takes the fields of unchanging levels: good to a per cent for a photon, as here, and only
    in kind for several.
    """
    qubit = qubit_point(levels=3, t1=1.0, thermal=1e-9, dephasing=0.0, n_crit=1e9, drive_delay=70.3)
    probe_hz, level, lasts, size = 7.2605e9, 8e-6, 560, 12
    envelope = hann(120)
    pulse = Piece(6.02e9, pi_amplitude(qubit, envelope) * envelope, 0j, 120)
    drive = train(LINE, [400], [pulse], [0], [0.0])
    readout = tone(7.26e9, 1e-4, 300, [3000])
    found = []
    for tones in ([tone(probe_hz, level, lasts, [0]), readout], [readout]):
        _, made = prepared(qubit, [drive], tones)
        found.append(made.matrices[-1][:, 0])

    cavity, lower = qutip.qeye(size), qutip.destroy(size)
    number = lower.dag() * lower
    planck = 6.62607015e-34
    push = np.sqrt(np.pi * qubit.kappa_coupling_hz * 1e-18 / (planck * qubit.bare_resonator_hz))
    push *= level * 1e-3
    still = sum(
        qutip.tensor(
            qutip.fock_dm(3, n),
            2e-9 * np.pi * (qubit.resonator_hz[n] - probe_hz) * number
            + 2e-9 * np.pi * (qubit.levels_hz[n] - n * 6.02e9) * cavity,
        )
        for n in range(3)
    )
    pump = qutip.tensor(qutip.qeye(3), push * (lower + lower.dag()))
    raising = qutip.Qobj(np.diag(1e-9 * np.pi * qubit.rabi_hz_per_sqrt_w * qubit.ladder, -1))
    flip = qutip.tensor(raising + raising.dag(), cavity)
    leak = [np.sqrt(2e-9 * np.pi * qubit.kappa_hz) * qutip.tensor(qutip.qeye(3), lower)]
    strength = np.append(pulse.samples.real, 0.0)
    held = qutip.coefficient(strength, tlist=400.0 + np.arange(121), order=0)
    state = qutip.tensor(qutip.fock_dm(3, 0), qutip.fock_dm(size, 0))
    options = {"method": "adams", "atol": 1e-8, "rtol": 1e-6, "nsteps": 100_000, "max_step": 1.0}
    for hamiltonian, span in (
        (still + pump, [0.0, 400.0]),
        (qutip.QobjEvo([still + pump, [flip, held]]), [400.0, 520.0]),
    ):
        options["progress_bar"] = ""
        state = qutip.mesolve(hamiltonian, state, span, leak, options=options).states[-1]
    wanted = np.real(np.diag(state.ptrace(0).full()))
    assert qutip.expect(number, state.ptrace(1)) > 0.3
    assert abs(found[1][1] - wanted[1]) > 0.1  # without photons: far off
    assert np.max(np.abs(found[0] - wanted)) < 0.01
