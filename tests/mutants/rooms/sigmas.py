"""Mistakes in sigmas and refusals: least squares, fidelity, levels, readout settings, T1."""

from tests.mutants.mutant import Mutant

_ROOM = "control/podium/control/calibration/fits"
_TESTS = "tests/control/calibration"
_SIGMAS = f"{_TESTS}/test_sigmas_of_fits.py"
_FITS = f"{_TESTS}/test_fits.py"
_LEAST = f"{_ROOM}/least_squares.py"
_BLOBS = f"{_ROOM}/blobs.py"
_PROJECTION = f"{_ROOM}/projection.py"
_HILL = f"{_ROOM}/separation.py"
_ROUTINES = "control/podium/control/calibration/routines"
_THERMAL, _RELAXATION = f"{_ROUTINES}/thermal_population.py", f"{_ROUTINES}/relaxation.py"
_ROUTINE = "control/podium/control/calibration/routine.py"
_BLOB_TESTS = f"{_TESTS}/test_blobs.py"
_HILL_TESTS = f"{_TESTS}/test_separation.py"
_THERMAL_TESTS = f"{_TESTS}/test_thermal_population.py"
_T1_TESTS = f"{_TESTS}/test_relaxation.py"
_ROUTINE_TESTS = f"{_TESTS}/test_routine.py"
_BY_LINES = (
    f"{_SIGMAS}::test_a_straight_line_has_the_sigmas_of_textbooks",
    f"{_SIGMAS}::test_noise_that_was_understated_is_in_the_sigmas_all_the_same",
    f"{_SIGMAS}::test_weights_follow_the_noise_of_each_point",
    f"{_SIGMAS}::test_a_bound_narrows_no_sigma",
)
_BY_FIDELITY = (
    f"{_SIGMAS}::test_an_assignment_fidelity",
    f"{_SIGMAS}::test_few_errors_still_have_a_sigma",
)
_BY_SHOTS = (f"{_SIGMAS}::test_the_mean_of_shots_scatters_as_the_levels_say",)
_BY_HILL = (f"{_HILL_TESTS}::test_the_best_setting_is_found_within_its_sigmas",)
_BY_MODELS = (f"{_TESTS}/test_models_of_fits.py",)


MUTANTS = (
    Mutant(
        "least-squares/cost-is-chi2",
        _LEAST,
        "chi2 = 2 * best.cost / degrees",
        "chi2 = best.cost / degrees",
        _BY_LINES,
        "every sigma of unknown noise is too narrow by the root of two",
    ),
    Mutant(
        "least-squares/twice-the-chi2",
        _LEAST,
        "covariance = covariance * chi2",
        "covariance = covariance * chi2**2",
        _BY_LINES,
        "sigmas follow the variance of the noise",
    ),
    Mutant(
        "least-squares/chi2-not-applied",
        _LEAST,
        "if sigma is None or _significant(chi2, degrees):",
        "if _significant(chi2, degrees):",
        _BY_LINES,
        "sigmas of unknown noise are those of noise 1",
    ),
    Mutant(
        "least-squares/understated-noise-stands",
        _LEAST,
        "if sigma is None or _significant(chi2, degrees):",
        "if sigma is None:",
        _BY_LINES,
        "a model that does not fit has narrow sigmas all the same",
    ),
    Mutant(
        "least-squares/good-luck-narrows",
        _LEAST,
        "if sigma is None or _significant(chi2, degrees):",
        "if sigma is None or chi2:",
        _BY_LINES,
        "a lucky scatter narrows sigmas below what the noise allows",
    ),
    Mutant(
        "least-squares/every-point-is-free",
        _LEAST,
        "degrees = max(1, len(data) - len(names))",
        "degrees = max(1, len(data))",
        (f"{_SIGMAS}::test_few_points_have_few_degrees_of_freedom",),
        "with few points sigmas are too narrow",
    ),
    Mutant(
        "least-squares/variance-for-sigma",
        _LEAST,
        "float(np.sqrt(covariance[k, k]))",
        "float(covariance[k, k])",
        _BY_LINES,
        "a variance is called a sigma",
    ),
    Mutant(
        "least-squares/correlations-left-out",
        _LEAST,
        "inverse = (right.T / singular**2) @ right",
        "inverse = np.diag(1 / np.sum((jacobian / norms) ** 2, axis=0))",
        _BY_LINES,
        "what other parameters take with them is not in the sigma",
    ),
    Mutant(
        "least-squares/singular-values-not-squared",
        _LEAST,
        "(right.T / singular**2) @ right",
        "(right.T / singular) @ right",
        _BY_LINES,
        "sigmas of correlated parameters are too narrow",
    ),
    Mutant(
        "least-squares/norms-once",
        _LEAST,
        "inverse / np.outer(norms, norms)",
        "inverse / norms",
        _BY_LINES,
        "sigmas have the unit of something else",
    ),
    Mutant(
        "least-squares/scale-is-forgotten",
        _LEAST,
        "np.asarray(found.jac, dtype=np.float64) / scale",
        "np.asarray(found.jac, dtype=np.float64)",
        _BY_LINES,
        "sigmas are in units of the solver",
    ),
    Mutant(
        "least-squares/weights-squared",
        _LEAST,
        "1.0 / np.asarray(sigma, dtype=np.float64)",
        "1.0 / np.asarray(sigma, dtype=np.float64) ** 2",
        _BY_LINES,
        "the noise of points is taken for its square",
    ),
    Mutant(
        "least-squares/nothing-is-fixed-is-fine",
        _LEAST,
        "if singular[-1] < 1e-6 * singular[0]:",
        "if singular[-1] < 1e-12 * singular[0]:",
        (f"{_SIGMAS}::test_parameters_that_the_data_do_not_fix_are_refused",),
        "a parameter that the data say nothing of gets a value",
    ),
    Mutant(
        "least-squares/constant-data-are-fitted",
        _LEAST,
        "if np.max(np.abs(values - values.flat[0])) <= STILL * size:",
        "if np.max(np.abs(values - values.flat[0])) < -STILL * size:",
        (f"{_FITS}::test_data_that_are_the_same_everywhere_are_no_measurement",),
        "an input that is not connected is measured",
    ),
    Mutant(
        "least-squares/worst-start-wins",
        _LEAST,
        "solution.cost < best.cost",
        "solution.cost > best.cost",
        (f"{_SIGMAS}::test_the_deepest_of_several_minima_is_taken",),
        "a local minimum is taken for the fit",
    ),
    Mutant(
        "fidelity/twice-the-sigma",
        _BLOBS,
        "np.hypot(self.false_excited_sigma, self.false_ground_sigma)) / 2",
        "np.hypot(self.false_excited_sigma, self.false_ground_sigma))",
        _BY_FIDELITY,
        "a fidelity is said to be known half as well as it is",
    ),
    Mutant(
        "fidelity/sigma-of-one-kind",
        _BLOBS,
        "return _binomial(self.false_ground, self.excited_shots)",
        "return _binomial(self.false_excited, self.excited_shots)",
        _BY_FIDELITY,
        "errors of the excited state do not count in the sigma",
    ),
    Mutant(
        "fidelity/sigma-of-half-the-shots",
        _BLOBS,
        "        len(zeros),\n",
        "        len(zeros) // 2,\n",
        _BY_FIDELITY,
        "shots that were judged by the other half do not count",
    ),
    Mutant(
        "fidelity/no-error-no-sigma",
        _BLOBS,
        "p = max(share, 0.5 / shots)",
        "p = share",
        _BY_FIDELITY,
        "a fidelity of 1 is exact",
    ),
    Mutant(
        "fidelity/judged-by-its-own-shots",
        _BLOBS,
        "for train, test in ((0, 1), (1, 0)):",
        "for train, test in ((0, 0), (1, 1)):",
        (f"{_BLOB_TESTS}::test_shots_that_set_a_threshold_do_not_judge_it",),
        "the fidelity is too good: the threshold has chosen its shots",
    ),
    Mutant(
        "herald/one-counts-as-zero",
        _BLOBS,
        "cut = min(STRICTLY * sigma, 1 - SURELY * sigma)",
        "cut = min(STRICTLY, 1 - STRICTLY * sigma)",
        (f"{_BLOB_TESTS}::test_what_is_heralded_in_0_is_in_0",),
        "the thermal population is in every error",
    ),
    Mutant(
        "herald/only-the-far-side",
        _BLOBS,
        "cut = min(STRICTLY * sigma, 1 - SURELY * sigma)",
        "cut = -min(STRICTLY * sigma, 1 - SURELY * sigma)",
        (f"{_BLOB_TESTS}::test_what_is_heralded_in_0_is_in_0",),
        "five shots of six are thrown away",
    ),
    Mutant(
        "fidelity/threshold-in-the-middle",
        _BLOBS,
        "return float(values[order][k])",
        "return float(np.mean(values))",
        _BY_FIDELITY,
        "the threshold does not know that level 1 decays",
    ),
    Mutant(
        "fidelity/errors-of-one-kind-twice",
        _BLOBS,
        "return 1 - (self.false_excited + self.false_ground) / 2",
        "return 1 - max(self.false_excited, self.false_ground)",
        _BY_FIDELITY,
        "the fidelity is another quantity than its page says",
    ),
    Mutant(
        "fidelity/looks-alike-is-fine",
        _BLOBS,
        "np.sqrt(np.var(ground) / len(ground) + np.var(excited) / len(excited))",
        "np.sqrt(np.var(ground) + np.var(excited)) / len(ground)",
        (f"{_SIGMAS}::test_two_preparations_that_are_one_are_refused",),
        "noise is discriminated",
    ),
    Mutant(
        "levels/nobody-draws-which-kind",
        _PROJECTION,
        "+ p * (1 - p)",
        "",
        _BY_SHOTS,
        "projection noise is left out of every sigma",
    ),
    Mutant(
        "levels/variance-of-the-other-level",
        _PROJECTION,
        "(1 - p) * self.ground_variance + p * self.excited_variance",
        "p * self.ground_variance + (1 - p) * self.excited_variance",
        _BY_SHOTS,
        "levels scatter as the other one does",
    ),
    Mutant(
        "levels/sigma-of-a-shot",
        _PROJECTION,
        "np.sqrt(variance / shots)",
        "np.sqrt(variance) / shots",
        _BY_SHOTS,
        "sigmas fall with the number of shots, not with its root",
    ),
    Mutant(
        "levels/distance-once",
        _PROJECTION,
        "np.conj(axis)) / abs(axis) ** 2",
        "np.conj(axis)) / abs(axis)",
        _BY_MODELS,
        "a projected level is in volts",
    ),
    Mutant(
        "levels/axis-mirrored",
        _PROJECTION,
        "(iq - self.ground) * np.conj(axis)",
        "(iq - self.ground) * axis",
        _BY_MODELS,
        "what lies across the line is counted",
    ),
    Mutant(
        "hill/no-curvature",
        _HILL,
        "return np.ones_like(x), x, y, x**2, x * y, y**2",
        "return np.ones_like(x), x, y, x**3, x * y, y**2",
        _BY_HILL,
        "the top is the edge of what was measured",
    ),
    Mutant(
        "hill/distance-does-not-grow",
        _HILL,
        "(window - self.fills_s * missing) / np.sqrt(window)",
        "(window - self.fills_s * missing) / window",
        (f"{_HILL_TESTS}::test_the_distance_grows_as_a_resonator_fills",),
        "short readouts look as good as long ones",
    ),
    Mutant(
        "hill/decay-of-the-whole-window",
        _HILL,
        "half = np.maximum(length_s - window.opens_s, 0.0) / 2",
        "half = np.maximum(length_s - window.opens_s, 0.0)",
        (f"{_HILL_TESTS}::test_the_fidelity_is_that_of_drawn_shots",),
        "lengths are chosen too short",
    ),
    Mutant(
        "hill/noise-has-a-best-setting",
        _HILL,
        "if float(np.max(clear)) < SEEN:",
        "if float(np.max(clear)) < SEEN / 6:",
        (f"{_HILL_TESTS}::test_noise_has_no_best_setting",),
        "a readout is set by noise",
    ),
    Mutant(
        "hill/doubt-is-not-drawn",
        _HILL,
        "other = replace(hill, terms=hill.terms + change, growth=max(0.0, growth))",
        "other = replace(hill, growth=max(0.0, growth))",
        _BY_HILL,
        "a setting is said to be better than it is known to be",
    ),
    Mutant(
        "thermal/shots-that-forget-nothing",
        _THERMAL,
        "count = len(shots) * (1 - kept) / (1 + kept)",
        "count = len(shots)",
        (f"{_THERMAL_TESTS}::test_correlated_shots_scatter_by_their_sigma",),
        "correlated shots count as many as others",
    ),
    Mutant(
        "t1/left-over-twice",
        _RELAXATION,
        "np.where(excited, 1 - rest, rest)",
        "np.where(excited, 1 - 2 * rest, rest)",
        (f"{_T1_TESTS}::test_what_the_shot_before_has_left_does_not_move_t1",),
        "T1 is off by a sigma where it was expected otherwise",
    ),
    Mutant(
        "routine/noise-is-explained",
        _ROUTINE,
        "needed = float(fdtri(PARAMETERS, degrees, 1 - FALSE_ALARMS / count))",
        "needed = float(fdtri(PARAMETERS, degrees, 1 - 0.5 / count))",
        (f"{_ROUTINE_TESTS}::test_noise_is_hardly_ever_explained",),
        "what is fitted to noise is stored",
    ),
    Mutant(
        "routine/nothing-is-explained",
        _ROUTINE,
        "if (whole - left) / PARAMETERS < needed * left / degrees:",
        "if (whole - left) / PARAMETERS < needed * whole / degrees:",
        (f"{_ROUTINE_TESTS}::test_a_real_line_is_explained",),
        "faint lines are refused",
    ),
)
