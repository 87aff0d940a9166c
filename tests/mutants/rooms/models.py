"""Mistakes in what is fitted: decays, lines, oscillations, resonators, arcs, ladders."""

from tests.mutants.mutant import Mutant

_ROOM = "control/podium/control/calibration/fits"
_TESTS = "tests/control/calibration"
_SIGMAS = f"{_TESTS}/test_sigmas_of_fits.py"
_NOISE = f"{_TESTS}/test_fits_of_noise.py"
_DECAY = f"{_ROOM}/decay.py"
_OSCILLATION = f"{_ROOM}/oscillation.py"
_PEAK = f"{_ROOM}/peak.py"
_RESONATOR = f"{_ROOM}/resonator.py"
_FLUX = f"{_ROOM}/flux.py"
_LADDER = f"{_ROOM}/ladder.py"
_BY_DECAY = (f"{_SIGMAS}::test_a_decay",)
_BY_LINE = (
    f"{_SIGMAS}::test_a_line",
    f"{_SIGMAS}::test_a_line_is_never_known_better_than_other_levels_bend_it",
)
_BY_MODELS = (f"{_TESTS}/test_models_of_fits.py",)
_NO_DIP = (
    'if fit.values["coupling"] < {} * fit.sigmas["coupling"]:\n'
    '        raise FitFailed(\n            f"no resonance between'
)


MUTANTS = (
    Mutant(
        "decay/ends-are-exact",
        _DECAY,
        "sigma = np.concatenate([noise, [ends.sigma, ends.sigma]])",
        "sigma = np.concatenate([noise, [ends.sigma / 10, ends.sigma / 10]])",
        _BY_DECAY,
        "what other runs say of the ends has no error: T1 is known too well",
    ),
    Mutant(
        "decay/ends-are-noise",
        _DECAY,
        "signal = np.concatenate([signal, [ends.start, ends.end]])",
        "signal = np.concatenate([signal, [ends.end, ends.start]])",
        _BY_DECAY,
        "a decay ends where it begins",
    ),
    Mutant(
        "decay/rate-for-time",
        _DECAY,
        'shape(delay_s / free["decay"])',
        'shape(delay_s / free["decay"] * 2)',
        _BY_DECAY,
        "T1 is twice as long",
    ),
    Mutant(
        "decay/noise-decays",
        _DECAY,
        "if left > UNEXPLAINED:",
        "if left > 2 * UNEXPLAINED:",
        (f"{_SIGMAS}::test_noise_between_known_ends_is_no_decay",),
        "data that do not decay have a T1",
    ),
    Mutant(
        "line/trusted-too-far",
        _PEAK,
        "TRUSTED * 2 * half_width",
        "TRUSTED * half_width",
        _BY_LINE,
        "a line is known better than other levels allow",
    ),
    Mutant(
        "line/sigma-added-twice",
        _PEAK,
        'np.hypot(fit.sigmas["centre"], TRUSTED',
        'np.hypot(2 * fit.sigmas["centre"], TRUSTED',
        _BY_LINE,
        "a line is said to be known half as well as it is",
    ),
    Mutant(
        "line/noise-is-a-line",
        _PEAK,
        "SIGNIFICANT = 6.0",
        "SIGNIFICANT = 2.0",
        (f"{_NOISE}::test_noise_is_not_a_line",),
        "noise has a line",
    ),
    Mutant(
        "line/without-the-root",
        _PEAK,
        "total = np.hypot(rabi_hz, frequency_hz - centre_hz)",
        "total = rabi_hz + np.abs(frequency_hz - centre_hz)",
        _BY_MODELS,
        "the line is too narrow",
    ),
    Mutant(
        "line/memory-is-not-turned",
        _PEAK,
        "(1 - 2 * excited) * memory",
        "(1 - excited) * memory",
        _BY_MODELS,
        "what is left of a shot is thought to stay through a pi pulse",
    ),
    Mutant(
        "line/memory-of-the-shot-after",
        _PEAK,
        "total = total + share * _earlier(total, shift)",
        "total = total + share * _earlier(total, -shift)",
        _BY_MODELS,
        "a line is moved the wrong way by the shots before",
    ),
    Mutant(
        "line/turns-for-half-turns",
        _PEAK,
        "np.sin(np.pi * total * duration_s)",
        "np.sin(2 * np.pi * total * duration_s)",
        _BY_MODELS,
        "a pi pulse is taken for a pulse of half its angle",
    ),
    Mutant(
        "line/bends-without-their-weights",
        _PEAK,
        "np.median(np.abs(bends)) / np.sqrt(6)",
        "np.median(np.abs(bends)) / np.sqrt(2)",
        _BY_MODELS,
        "noise is thought 1.7 times as large, and lines are not seen",
    ),
    Mutant(
        "oscillation/envelope-of-a-rate",
        _OSCILLATION,
        "np.exp(-(1 - gaussian) * u - gaussian * u**2)",
        "np.exp(-(1 - gaussian) * u - (gaussian * u) ** 2)",
        _BY_MODELS,
        "T2 is not the 1/e time",
    ),
    Mutant(
        "oscillation/phase-the-wrong-way",
        _OSCILLATION,
        'angle = values["detuning"] * delay_s + phase_turns + values["shift"]',
        'angle = values["detuning"] * delay_s - phase_turns + values["shift"]',
        _BY_MODELS,
        "the detuning has the wrong sign",
    ),
    Mutant(
        "oscillation/period-is-half-of-it",
        _OSCILLATION,
        'np.cos(2 * np.pi * x / values["period"])',
        'np.cos(np.pi * x / values["period"])',
        _BY_MODELS,
        "the pi amplitude is half of what it is",
    ),
    Mutant(
        "oscillation/fringes-of-noise",
        _OSCILLATION,
        'if fit.values["amplitude"] < 5 * fit.sigmas["amplitude"]:',
        'if fit.values["amplitude"] < 0 * fit.sigmas["amplitude"]:',
        (f"{_NOISE}::test_noise_has_no_fringes",),
        "noise has a detuning",
    ),
    Mutant(
        "resonator/half-widths",
        _RESONATOR,
        "rate = np.pi * kappa_hz + 2j",
        "rate = 2 * np.pi * kappa_hz + 2j",
        _BY_MODELS,
        "kappa is the half width",
    ),
    Mutant(
        "resonator/detuning-the-wrong-way",
        _RESONATOR,
        "+ 2j * np.pi * (frequency_hz - resonance_hz)",
        "- 2j * np.pi * (frequency_hz - resonance_hz)",
        _BY_MODELS,
        "the circle is run through backwards: delay and phase come out wrong",
    ),
    Mutant(
        "resonator/always-filled",
        _RESONATOR,
        "strength / rate * (1 - filling)",
        "strength / rate",
        _BY_MODELS,
        "a short window makes kappa too large",
    ),
    Mutant(
        "resonator/window-opens-at-once",
        _RESONATOR,
        "begin, end = window.opens_s, window.opens_s + window.duration_s",
        "begin, end = 0.0, window.duration_s",
        _BY_MODELS,
        "when the window opens does not matter",
    ),
    Mutant(
        "resonator/gain-keeps-the-sigma-of-one",
        _RESONATOR,
        "_refuse_second(frequency_hz, (data - model(fit.values)), fit)\n"
        '    fit.values["gain"] *= gain\n    fit.sigmas["gain"] *= gain',
        "_refuse_second(frequency_hz, (data - model(fit.values)), fit)\n"
        '    fit.values["gain"] *= gain\n    fit.sigmas["gain"] *= 1.0',
        (f"{_SIGMAS}::test_the_gain_of_a_line_has_a_sigma_in_its_own_unit",),
        "gain and its sigma have different units",
    ),
    Mutant(
        "resonator/noise-has-a-dip",
        _RESONATOR,
        _NO_DIP.format(5),
        _NO_DIP.format(0),
        (f"{_NOISE}::test_noise_has_no_resonance",),
        "noise has a resonance",
    ),
    Mutant(
        "resonator/chi-is-the-whole-split",
        _RESONATOR,
        'low = values["resonance"] + sign * values["chi"]',
        'low = values["resonance"] + sign * values["chi"] / 2',
        _BY_MODELS,
        "chi is twice as large",
    ),
    Mutant(
        "resonator/preparation-is-perfect",
        _RESONATOR,
        "    w = scan.excited[:, None]\n\n",
        "    w = np.round(scan.excited[:, None])\n\n",
        _BY_MODELS,
        "what decays during the window makes chi too small",
    ),
    Mutant(
        "flux/root-for-fourth-root",
        _FLUX,
        "squid**0.25 - charging_hz",
        "squid**0.5 - charging_hz",
        _BY_MODELS,
        "the arc is too steep",
    ),
    Mutant(
        "flux/charging-energy-is-left-out",
        _FLUX,
        "(top_hz + charging_hz) * squid**0.25",
        "top_hz * squid**0.25",
        _BY_MODELS,
        "f01 at the sweet spot is too low by Ec",
    ),
    Mutant(
        "flux/asymmetry-not-squared",
        _FLUX,
        "asymmetry**2 * np.sin(x) ** 2",
        "asymmetry * np.sin(x) ** 2",
        _BY_MODELS,
        "the lower sweet spot is too high",
    ),
    Mutant(
        "flux/period-of-half-a-quantum",
        _FLUX,
        "x = np.pi * (bias_v - sweet_v) / period_v",
        "x = 2 * np.pi * (bias_v - sweet_v) / period_v",
        _BY_MODELS,
        "the period is twice as long",
    ),
    Mutant(
        "flux/pull-of-the-wrong-sign",
        _FLUX,
        '/ (values["bare"] - qubit)',
        '/ (qubit - values["bare"])',
        _BY_MODELS,
        "the resonator is pushed towards the qubit",
    ),
    Mutant(
        "flux/any-sweet-spot",
        _FLUX,
        "spot - fitted * round(spot / fitted)",
        "spot - fitted * int(spot / fitted)",
        (f"{_SIGMAS}::test_of_the_sweet_spots_the_one_nearest_to_zero_is_taken",),
        "a sweet spot is taken that is further from 0 V than another",
    ),
    Mutant(
        "flux/noise-is-an-arc",
        _FLUX,
        "if left > EXPLAINED * scatter or",
        "if left > 3 * EXPLAINED * scatter or",
        (f"{_NOISE}::test_a_resonator_that_does_not_follow_the_bias_has_no_sweet_spot",),
        "a flux line that is not connected has a sweet spot",
    ),
    Mutant(
        "flux/few-biases-are-an-arc",
        _FLUX,
        "np.ptp(resonator_hz) < MOVES *",
        "np.ptp(resonator_hz) < 0 * MOVES *",
        (f"{_NOISE}::test_a_resonator_that_does_not_follow_the_bias_has_no_sweet_spot",),
        "a few biases that scatter by chance have a sweet spot",
    ),
    Mutant(
        "ladder/second-level-falls-as-the-first",
        _LADDER,
        "rates[1, 2], rates[2, 1] = 2.0, 2.0 * up**ratio_12",
        "rates[1, 2], rates[2, 1] = 1.0, 1.0 * up**ratio_12",
        _BY_MODELS,
        "level 2 lives as long as level 1",
    ),
    Mutant(
        "ladder/odds-for-population",
        _LADDER,
        "up = thermal / (1 - thermal)",
        "up = thermal",
        _BY_MODELS,
        "a warm bath lifts too little",
    ),
    Mutant(
        "ladder/pulse-moves-level-2",
        _LADDER,
        "start = rest[[1, 0, 2]]",
        "start = rest[[1, 2, 0]]",
        _BY_MODELS,
        "a pi pulse exchanges what it does not",
    ),
    Mutant(
        "ladder/lifetime-towards-nothing",
        _LADDER,
        "- one.sum() / np.e",
        "- one.sum() / 2",
        _BY_MODELS,
        "T1 is the half-life",
    ),
)
