"""Mistakes in what routines decide: the best readout, the thermal population, T1, what is noise."""

from tests.mutants.mutant import Mutant

_ROOM = "control/podium/control/calibration"
_TESTS = "tests/control/calibration"
_HILL = f"{_ROOM}/fits/separation.py"
_OPTIMISATION = f"{_ROOM}/routines/readout_optimisation.py"
_WINDOW = f"{_ROOM}/fits/readout_window.py"
_FORM = f"{_ROOM}/fits/separation_hill.py"
_DRIVEN = f"{_ROOM}/fits/driven_resonator.py"
_DRIVEN_TESTS = f"{_TESTS}/test_driven_resonator.py"
_LAG = f"{_ROOM}/fits/readout_lag.py"
_LAG_TESTS = f"{_TESTS}/test_readout_lag.py"
_THERMAL = f"{_ROOM}/routines/thermal_population.py"
_JUMPS = f"{_ROOM}/readout_jumps.py"
_RELAXATION = f"{_ROOM}/routines/relaxation.py"
_SWEET = f"{_ROOM}/routines/coupler_sweet_spot.py"
_REST = f"{_ROOM}/coupler_rest.py"
_SWEET_TESTS = f"{_TESTS}/test_coupler_sweet_spot.py"
_ROUTINE = f"{_ROOM}/routine.py"
_HILL_TESTS = f"{_TESTS}/test_separation.py"
_THERMAL_TESTS = f"{_TESTS}/test_thermal_population.py"
_BY_FIELDS = (
    f"{_TESTS}/test_readout_jumps.py::test_jumps_count_as_drawn_shots_with_fields_of_their_own_do",
)
_T1_TESTS = f"{_TESTS}/test_relaxation.py"
_ROUTINE_TESTS = f"{_TESTS}/test_routine.py"
_BY_HILL = (f"{_HILL_TESTS}::test_the_best_setting_is_found_within_its_sigmas",)

MUTANTS = (
    Mutant(
        "hill/no-correction",
        _FORM,
        "return np.ones_like(x * y), x, y, x**2, x * y, y**2",
        "return 0 * x * y + 1e-3, x**3, y**3, x**2, x * y, y**2",
        (f"{_HILL_TESTS}::test_what_the_law_does_not_tell_is_a_quadratic_form_beside_it",),
        "the top of a hill that is not the law's is missed",
    ),
    Mutant(
        "hill/distance-does-not-grow",
        _DRIVEN,
        "np.abs(whole) / np.sqrt(window)",
        "np.abs(whole) / window",
        (f"{_DRIVEN_TESTS}::test_fields_are_those_of_the_equation_of_motion",),
        "short readouts look as good as long ones",
    ),
    Mutant(
        "hill/lines-that-no-photon-pulls",
        _DRIVEN,
        "rate.imag = away + pull / np.sqrt(1 + middle)",
        "rate.imag = away + pull",
        (f"{_DRIVEN_TESTS}::test_full_photons_are_those_of_the_line_where_they_pull_it",),
        "strong probes are taken to be off resonance",
    ),
    Mutant(
        "hill/decay-of-the-whole-window",
        _WINDOW,
        "ndtr(at[..., None] - far * self.place)",
        "ndtr(at[..., None])",
        (f"{_HILL_TESTS}::test_the_fidelity_is_that_of_drawn_shots",),
        "lengths are chosen too short",
    ),
    Mutant(
        "hill/photons-do-nothing",
        _WINDOW,
        "folds = self.arrives_s + np.cumsum(pulse.waits_s + growth * pulse.lit_s",
        "folds = self.arrives_s + np.cumsum(pulse.waits_s + 0 * growth * pulse.lit_s",
        (f"{_HILL_TESTS}::test_the_fidelity_is_that_of_drawn_shots",),
        "probes are taken too strong",
    ),
    Mutant(
        "hill/decay-at-once",
        _DRIVEN,
        "seen = seen + left * (",
        "seen = seen + 0 * left * (",
        (f"{_DRIVEN_TESTS}::test_a_decay_leaves_the_field_of_1_slowly",),
        "what has decayed is read as 0 sooner than it is",
    ),
    Mutant(
        "hill/threshold-halfway",
        _WINDOW,
        "tried[top] + step * np.clip(0.5 * (low - high) / bend, -1, 1)",
        "0.5 + 0 * bend",
        (f"{_HILL_TESTS}::test_the_fidelity_is_that_of_drawn_shots",),
        "what lies between the clouds counts as much as a threshold halfway would lose",
    ),
    Mutant(
        "fidelity/no-dephasing-in-the-pulse",
        f"{_ROOM}/preparation_errors.py",
        "pure_dephasing_1_s(bench, qubit, t1) - 0.5 / t1",
        "0.0 - 0.5 / t1",
        (f"{_TESTS}/test_preparation_errors.py",),
        "pulses that are slow against T2 are taken for a worse readout",
    ),
    Mutant(
        "fidelity/decays-all-through-the-pulse",
        f"{_ROOM}/preparation_errors.py",
        "pure_dephasing_1_s(bench, qubit, t1) - 0.5 / t1",
        "pure_dephasing_1_s(bench, qubit, t1)",
        (f"{_TESTS}/test_preparation_errors.py",),
        "fidelities of qubits of short T1 come out too high",
    ),
    Mutant(
        "fidelity/own-herald-is-the-longest",
        f"{_ROOM}/preparation_errors.py",
        "(longest_ns - p.probe_ns + 0.5 * p.pulse_ns)",
        "(p.flight_ns() + 0.5 * p.pulse_ns)",
        (f"{_TESTS}/test_preparation_errors.py",),
        "what the bath lifts while a neighbour is still read is taken for an error of the readout",
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
        "terms=hill.terms + change,",
        "terms=hill.terms,",
        (f"{_HILL_TESTS}::test_few_shots_are_said_to_miss_more",),
        "a setting is said to be better than it is known to be",
    ),
    Mutant(
        "hill/drawn-hills-do-not-bend",
        _HILL,
        "middle + slopes + bends + u * v",
        "middle + slopes + u * v",
        (
            f"{_HILL_TESTS}::test_drawn_hills_have_the_fidelities_that_each_would_be_worked_out_to_have",
        ),
        "what the doubt about a setting costs is said to be next to nothing",
    ),
    Mutant(
        "hill/corners-that-no-map-has",
        _OPTIMISATION,
        "return best.inside and any(one.holds(*place_of(best)) for one in self.maps[-TOP_RUNS:])",
        "return best.inside",
        (
            f"{_TESTS}/test_readout_optimisation.py"
            "::test_a_setting_is_inside_where_one_of_the_maps_at_the_top_has_it",
        ),
        "a readout is set where none was measured",
    ),
    Mutant(
        "lag/fields-of-one-level",
        _LAG,
        "fields[1] * np.conj(fields[0])",
        "fields[0] * np.conj(fields[0])",
        (f"{_LAG_TESTS}::test_the_share_of_1_is_that_of_the_equations_of_motion",),
        "photons turn the phase and wash nothing out",
    ),
    Mutant(
        "lag/the-wrong-way",
        _LAG,
        "(waits - lag[:, None])",
        "(waits + lag[:, None])",
        (f"{_LAG_TESTS}::test_the_lag_is_found_within_its_sigma",),
        "a readout that arrives later is taken for an earlier one",
    ),
    Mutant(
        "lag/the-design's-pull",
        _LAG,
        "np.copysign(np.exp(log_chi), shaken.chi_hz)",
        "np.full_like(log_chi, shaken.chi_hz)",
        (f"{_LAG_TESTS}::test_a_pull_that_is_a_third_off_does_not_make_the_tone_later",),
        "in worlds off their file readouts seem to arrive later than they do",
    ),
    Mutant(
        "thermal/decayed-is-missed",
        _THERMAL,
        "share_in_one(bench, qubit, played, since_s, population) - before",
        "1 - before",
        (f"{_THERMAL_TESTS}::test_what_has_decayed_before_a_readout_is_no_error_of_it",),
        "what heralded shots lose before they are read is taken for an error of the readout",
    ),
    Mutant(
        "punch-out/photons-leave-the-line",
        f"{_ROOM}/fits/power_map.py",
        "middle = np.maximum(1.5 * photons - 0.5 * before, 0.0)",
        "middle = np.full(photons.shape, float(np.mean(photons)))",
        (f"{_TESTS}/test_power_map.py",),
        "narrow lines seem to bear three times the photons that they do",
    ),
    Mutant(
        "thermal/all-is-lifted-at-once",
        _THERMAL,
        "value, spread / _slope(chain, value)",
        "value, spread",
        (f"{_THERMAL_TESTS}::test_correlated_shots_scatter_by_their_sigma",),
        "the sigma is that of a population that the bath reaches at once",
    ),
    Mutant(
        "thermal/who-falls-early-stays",
        _THERMAL,
        "stays * min(reads / soon_fallen, 1.0)",
        "stays * reads",
        (f"{_THERMAL_TESTS}::test_lifts_that_are_seen_twice_are_as_many_as_are_drawn",),
        "populations are a per cent of themselves too high",
    ),
    Mutant(
        "jumps/lifts-are-falls-turned-over",
        _JUMPS,
        "one_at * (1 - lifted_from)",
        "one_at * (1 - fallen_to)",
        _BY_FIELDS,
        "of many photons lifts are placed by the line of the wrong level",
    ),
    Mutant(
        "jumps/the-dark-rate",
        _JUMPS,
        "(seen.waits_s.ravel() + share * one for one in (in_1_s, in_0_s))",
        "(seen.waits_s.ravel() + 0 * one for one in (in_1_s, in_0_s))",
        _BY_FIELDS,
        "photons hasten nothing while a readout lasts: populations are 2 % too high",
    ),
    Mutant(
        "jumps/empty-at-once",
        _JUMPS,
        "empties_s = share / (2 * pi * resonator.kappa_hz)",
        "empties_s = 0.0",
        _BY_FIELDS,
        "photons that a readout leaves behind hasten nothing",
    ),
    Mutant(
        "t1/flips-leave-nothing",
        _RELAXATION,
        'rest = values["rest"] * np.exp(-pad / t1_s)',
        "rest = 0.0 * pad",
        (f"{_T1_TESTS}::test_what_flips_have_left_does_not_move_t1",),
        "T1 is off by several per cent where qubits are reset by flips",
    ),
    Mutant(
        "t1/what-is-left-stays-until-the-pulse",
        _RELAXATION,
        'values["rest"] * np.exp(-pad / t1_s)',
        'values["rest"] * np.exp(-0 * pad / t1_s)',
        (f"{_T1_TESTS}::test_what_flips_have_left_relaxes_until_the_pulse",),
        "T1 of a qubit that waits for its neighbours' delays is off by several sigma",
    ),
    Mutant(
        "reset/an-old-threshold",
        f"{_ROOM}/sequences.py",
        "return all(one is None or one.tai_s <= threshold.tai_s for one in settings)",
        "return all(True for one in settings)",
        (f"{_TESTS}/test_reset.py::test_without_a_threshold_of_this_readout_qubits_wait",),
        "qubits are flipped by a threshold of another readout",
    ),
    Mutant(
        "reset/results-at-one-time",
        f"{_ROOM}/sequences.py",
        "free_ns = found[k] + lasts_ns[k] + RESULTS_APART_NS",
        "free_ns = found[k] + lasts_ns[k]",
        (f"{_TESTS}/test_reset.py::test_windows_end_apart_and_results_have_come_before_the_flips",),
        "results are lost on the trigger network",
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
        (f"{_ROUTINE_TESTS}::test_noise_is_not_explained_by_many_parameters_either",),
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
    Mutant(
        "coupler/one-sign-may-differ",
        _SWEET,
        "if not abs(off) < EVEN + 5 * doubt:",
        "if not off < EVEN + 5 * doubt:",
        (f"{_SWEET_TESTS}::test_a_bias_that_does_not_arrive_is_not_believed",),
        "a coupler whose source is not connected counts as biased",
    ),
    Mutant(
        "coupler/sweet-spot-before-off-point",
        _REST,
        'for one in (f"{edge.name}.off_point", f"{coupler.name}.sweet_spot"):',
        'for one in (f"{coupler.name}.sweet_spot", f"{edge.name}.off_point"):',
        (f"{_SWEET_TESTS}::test_an_off_point_that_was_measured_counts_more",),
        "ends shift each other where they need not",
    ),
)
