"""A scan of alpha on attempts that are drawn from exact states: what is played, what is found."""

import numpy as np
import pytest
from tests.benches.links.linked_ends import EXAMPLES, bench_of
from tests.benches.links.station_lab import ERRORS
from tests.benches.thoroughness import sampled

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.two_qubit_state import Confusion, both, turned
from podium.control.calibration.links.alpha_scan import (
    ALPHAS,
    SETTINGS_OF_ALPHA,
    AlphaPoints,
    alpha_points,
    alpha_program,
    fit_alphas,
)
from podium.control.calibration.links.entangled_pair import PHASES
from podium.control.calibration.links.heralded_pair import (
    ONE_CLICK,
    TWO_CLICKS,
    HeraldedAttempts,
    Heralds,
    with_alpha,
)
from podium.control.facility.load import load_facility
from podium.control.families.family import families_of
from podium.control.parameters.entry import NotMeasured
from podium.control.parameters.one_click_model import BadAlpha
from podium.control.program.validate import validate
from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_states import heralded_states

OPTICAL = EXAMPLES / "linked" / "facility_optical.yaml"
CONFUSION = Confusion((ERRORS[0],) * 2, (ERRORS[1],) * 2)


def points(
    seed: int,
    shots: int = 2500,
    eta: float = 0.5,
    dark: float = 9e-4,
    visibility: float = 0.95,
    phase_sigma: float = 0.2,
) -> AlphaPoints:
    """Return what a scan sees of a link whose states are exact."""
    drawn = np.random.default_rng(seed)
    settings = len(ALPHAS) * SETTINGS_OF_ALPHA
    first, second, even, odd = np.zeros((4, shots, settings), bool)
    turns = np.linspace(0.0, 1.0, PHASES)
    for k, alpha in enumerate(ALPHAS):
        link = HeraldedLink(
            Scheme.ONE_CLICK,
            (Arm(eta), Arm(eta)),
            (Detector(1.0, dark), Detector(1.0, dark)),
            alpha,
            visibility=visibility,
            phase_rad=1.1,
            phase_sigma_rad=phase_sigma,
        )
        states = heralded_states(link)
        chance = np.array([one.probability for one in states])
        for j in range(SETTINGS_OF_ALPHA):
            at = k * SETTINGS_OF_ALPHA + j
            which = drawn.choice(len(states), shots, p=chance / chance.sum())
            half = turned(np.pi / 2, 0.0)
            unitary = np.eye(4) if j == 0 else both(half, turned(np.pi / 2, turns[j - 1]))
            for number, state in enumerate(states):
                mine = np.flatnonzero(which == number)
                rho = unitary @ state.rho[::-1, ::-1] @ unitary.conj().T
                chances = np.diag(rho).real.clip(0)
                was = drawn.choice(4, mine.size, p=chances / chances.sum()) if mine.size else mine
                for told, bit in ((first, was // 2), (second, was % 2)):
                    flips = drawn.random(mine.size) < np.where(bit, ERRORS[1], ERRORS[0])
                    told[mine, at] = (bit ^ flips).astype(bool)
                even[mine, at], odd[mine, at] = state.sign > 0, state.sign < 0
    return alpha_points(first, second, Heralds(even, odd), CONFUSION)


@pytest.mark.parametrize("seed", sampled([41, 42], kept=[41]))
def test_a_scan_foretells_rate_and_fidelity_at_alphas_that_it_did_not_play(seed: int) -> None:
    model, sigmas, _, _ = fit_alphas(points(seed))
    assert model.eta == pytest.approx(0.5, abs=4 * sigmas["eta"] + 0.005)
    assert model.dark == pytest.approx(9e-4, abs=4 * sigmas["dark"])
    assert 0 < sigmas["contrast"] < 0.02
    for alpha in (0.05, 0.1, 0.22, 0.4):
        link = HeraldedLink(
            Scheme.ONE_CLICK, (Arm(0.5), Arm(0.5)), (Detector(1.0, 9e-4),) * 2, alpha,
            visibility=0.95, phase_sigma_rad=0.2,
        )  # fmt: skip
        good = [one for one in heralded_states(link) if one.sign]
        chance = sum(one.probability for one in good)
        fidelity = sum(one.probability * one.fidelity for one in good) / chance
        assert model.chance(alpha) == pytest.approx(chance, rel=0.03)
        assert model.fidelity(alpha) == pytest.approx(fidelity, abs=4 * model.sigma(alpha) + 0.005)
        wrong = abs(model.fidelity(min(0.5, alpha + 0.12)) - fidelity)  # the null: another alpha
        assert wrong > 5 * model.sigma(alpha)


def test_pairs_without_a_phase_are_refused() -> None:
    with pytest.raises(FitFailed, match="share no pair"):
        points(43, shots=400, phase_sigma=6.0)
    with pytest.raises(FitFailed, match="no pair was heralded"):
        points(44, shots=60, eta=1e-6, dark=0.0)


def test_every_alpha_is_played_in_every_setting_on_three_instruments() -> None:
    attempts = HeraldedAttempts.of(bench_of(OPTICAL), ONE_CLICK)
    program = alpha_program(attempts, 100)
    validate(program)
    facility = load_facility(OPTICAL)
    families, trigger = families_of(facility), facility.timing.triggers
    for name in ("cluster_a", "cluster_b", "station"):
        made = families[name].compile(program, name, families[name].started_by(name, trigger[name]))
        assert {one.shape for one in made.results} == {(len(ALPHAS) * SETTINGS_OF_ALPHA,)}


def test_alpha_is_played_as_asked_and_refused_outside_of_what_it_can_be() -> None:
    bench = bench_of(OPTICAL)
    full = [end.node.ef_pi_amplitude() for end in bench.ends]
    for alpha, part in ((0.5, 0.5), (0.1, 0.2048), (0.02, 0.0903)):
        attempts = HeraldedAttempts.of(bench, with_alpha(ONE_CLICK, alpha))
        lifts = [attempts.ef_amplitude(end, alpha) for end in bench.ends]
        assert np.allclose(lifts, np.array(full) * part, rtol=1e-3)
        angle = part * np.pi
        assert np.sin(angle / 2) ** 2 == pytest.approx(alpha, rel=2e-3)
    for alpha in (0.0, 0.6, -1.0):
        with pytest.raises(BadAlpha):
            with_alpha(ONE_CLICK, alpha)
    with pytest.raises(NotMeasured, match=r"take alpha = 0\.5"):
        with_alpha(TWO_CLICKS, 0.2)
