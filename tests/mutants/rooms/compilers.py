"""Mistakes in compilers: what is rounded how, where statements are, what is refused."""

from tests.mutants.mutant import Mutant

_ROOM = "control/podium/control/compilers"
_TESTS = "tests/control/compilers"
_QBLOX = f"{_ROOM}/qblox/rounding.py"
_SWEEPS = f"{_ROOM}/qblox/sweeps.py"
_START = f"{_ROOM}/qblox/start.py"
_PACE = f"{_ROOM}/qblox/queue_timing.py"
_DISCRIMINATORS = f"{_ROOM}/qblox/discriminators.py"
_ZURICH = f"{_ROOM}/zurich/rounding.py"
_OSCILLATORS = f"{_ROOM}/zurich/oscillators.py"
_PLACING = f"{_ROOM}/placing.py"
_CLOCKS = f"{_ROOM}/clocks.py"
_ENVELOPES = "control/podium/control/program/envelopes.py"

_BY_QBLOX = (f"{_TESTS}/qblox/test_rounding.py",)
_BY_SWEEPS = (f"{_TESTS}/qblox/test_sweeps.py",)
_BY_START = (f"{_TESTS}/qblox/test_start_by_trigger.py",)
_BY_PACE = (f"{_TESTS}/qblox/test_queue_timing.py",)
_BY_ZURICH = (f"{_TESTS}/zurich/test_zurich_rounding.py",)
_BY_PLACING = (f"{_TESTS}/test_placing.py",)
_BY_ENVELOPES = ("tests/control/program/test_envelopes.py",)

MUTANTS = (
    Mutant(
        "qblox/gain-cut-off",
        _QBLOX,
        "np.rint(amplitude * DAC_MAX)",
        "np.trunc(amplitude * DAC_MAX)",
        _BY_QBLOX,
        "amplitudes are up to a whole step too small",
    ),
    Mutant(
        "qblox/level-on-the-scale-of-gains",
        _QBLOX,
        "np.rint(amplitude * FULL_SCALE_WORD)",
        "np.rint(amplitude * DAC_MAX)",
        _BY_QBLOX,
        "a held pulse is another height than a sampled one",
    ),
    Mutant(
        "qblox/frequency-in-hertz",
        _QBLOX,
        "np.rint(nco_hz * NCO_STEPS_PER_HZ)",
        "np.rint(nco_hz) * NCO_STEPS_PER_HZ",
        _BY_QBLOX,
        "carriers are rounded to 1 Hz and said to be to 0.25 Hz",
    ),
    Mutant(
        "qblox/phase-of-a-full-turn",
        _QBLOX,
        "np.where(words == PHASE_STEPS, 0, words)",
        "words",
        _BY_QBLOX,
        "an operand of 1e9 is refused by the assembler",
    ),
    Mutant(
        "qblox/phase-of-the-other-sign",
        _QBLOX,
        "turns - np.floor(turns)",
        "np.ceil(turns) - turns",
        _BY_QBLOX,
        "virtual Z gates turn the wrong way",
    ),
    Mutant(
        "qblox/samples-cut-off",
        _QBLOX,
        "np.floor(samples * DAC_MAX + 0.5)",
        "np.floor(samples * DAC_MAX)",
        _BY_QBLOX,
        "every waveform has an offset of half a step",
    ),
    Mutant(
        "qblox/values-of-other-words",
        _QBLOX,
        "np.asarray(words / FULL_SCALE_WORD, np.float64)",
        "np.asarray(words / DAC_MAX, np.float64)",
        _BY_QBLOX,
        "what was rounded is said wrongly",
    ),
    Mutant(
        "qblox/carrier-without-its-oscillator",
        _QBLOX,
        "lo_hz + words * FREQUENCY_STEP_HZ",
        "lo_hz - words * FREQUENCY_STEP_HZ",
        _BY_QBLOX,
        "the other sideband is said to be played",
    ),
    Mutant(
        "qblox/sweep-drifts",
        _SWEEPS,
        "low, high = starts(left)",
        "low, high = starts(mean)",
        _BY_SWEEPS,
        "swept gains are a word off, or take a table",
    ),
    Mutant(
        "qblox/any-steps-are-even",
        _SWEEPS,
        "if (steps == steps[0]).all():",
        "if (np.abs(steps - steps[0]) <= 1).all():",
        _BY_SWEEPS,
        "a sweep gathers rounding from point to point",
    ),
    Mutant(
        "qblox/phases-do-not-wrap",
        _SWEEPS,
        "steps %= PHASE_STEPS",
        "steps %= 2 * PHASE_STEPS",
        _BY_SWEEPS,
        "a phase that passes a turn takes a table",
    ),
    Mutant(
        "qblox/rest-of-a-whole-tick",
        _START,
        "if 2 * start.late_fs < FS_PER_NS:",
        "if start.late_fs < FS_PER_NS:",
        _BY_START,
        "markers and windows stand a whole tick off",
    ),
    Mutant(
        "qblox/rest-the-wrong-way",
        _START,
        "late_fs=start.late_fs - FS_PER_NS",
        "late_fs=FS_PER_NS - start.late_fs",
        _BY_START,
        "half of all skews are put in instead of taken out",
    ),
    Mutant(
        "qblox/offset-of-a-start-is-lost",
        _START,
        "return REAL_TIME_MIN_NS + start.offset_ns",
        "return REAL_TIME_MIN_NS",
        _BY_START,
        "the first shot is said to be where it is not",
    ),
    Mutant(
        "qblox/lines-are-never-late",
        _PACE,
        "if (late_ns > 0).any():",
        "if (late_ns > 10_000).any():",
        _BY_PACE,
        "a program is loaded whose pulses come before the processor has got to them",
    ),
    Mutant(
        "qblox/loops-cost-nothing",
        _PACE,
        "needed_ns = sum(costs) + overhead_ns",
        "needed_ns = sum(costs)",
        _BY_PACE,
        "a program with many loops starves the queue",
    ),
    Mutant(
        "qblox/two-discriminators-are-one",
        _DISCRIMINATORS,
        "if first is not None and first.discriminator != one.discriminator:",
        "if first is not None and first.discriminator is None:",
        (f"{_TESTS}/qblox/test_branch_refusals.py",),
        "the second capture is discriminated by the first one's threshold",
    ),
    Mutant(
        "zurich/amplitude-cut-off",
        _ZURICH,
        "np.rint(amplitude * TABLE_AMPLITUDE_STEPS)",
        "np.trunc(amplitude * TABLE_AMPLITUDE_STEPS)",
        _BY_ZURICH,
        "amplitudes are up to a whole step too small",
    ),
    Mutant(
        "zurich/frequency-cut-off-twice",
        _ZURICH,
        "(word + (0.5 if word > 0 else -0.5)) * FREQUENCY_STEP_HZ",
        "word * FREQUENCY_STEP_HZ",
        _BY_ZURICH,
        "the vendor's compiler cuts off what is between two words",
    ),
    Mutant(
        "zurich/half-a-word-the-wrong-way",
        _ZURICH,
        "0.5 if word > 0 else -0.5",
        "0.5 if word > 0 else 0.5",
        _BY_ZURICH,
        "negative frequencies are a word off",
    ),
    Mutant(
        "zurich/phase-of-a-full-turn",
        _ZURICH,
        "np.rint((turns % 1.0) * TABLE_PHASE_STEPS).astype(np.int64) % TABLE_PHASE_STEPS",
        "np.rint((turns % 1.0) * TABLE_PHASE_STEPS).astype(np.int64)",
        _BY_ZURICH,
        "a phase is a turn, which no table takes",
    ),
    Mutant(
        "zurich/uneven-sweep-is-even",
        _OSCILLATORS,
        "if np.abs(even - flat).max() > count / 2:",
        "if np.abs(even - flat).max() > 10**9 * count:",
        (f"{_TESTS}/zurich/test_zurich_rounding.py",),
        "points of a table are played as if they were evenly spaced",
    ),
    Mutant(
        "zurich/sweep-step-of-one-point-less",
        _OSCILLATORS,
        "step = round(int(flat[-1] - flat[0]) / (count - 1))",
        "step = round(int(flat[-1] - flat[0]) / count)",
        _BY_ZURICH,
        "no sweep is even any longer, or it ends too soon",
    ),
    Mutant(
        "placing/branch-takes-its-own-time",
        _PLACING,
        "clock.at_fs = np.maximum(clock.at_fs, ended[name])",
        "clock.at_fs = ended[name]",
        _BY_PLACING,
        "what follows a branch comes sooner after one of its ways",
    ),
    Mutant(
        "placing/second-way-after-the-first",
        _PLACING,
        "clock.at_fs = begun[name]",
        "clock.at_fs = now[name]",
        _BY_PLACING,
        "a branch lasts as long as both of its ways",
    ),
    Mutant(
        "placing/barrier-waits-for-the-first",
        _PLACING,
        "latest = np.maximum(latest, clocks[name].at_fs)",
        "latest = np.maximum(latest, clocks[frames[0]].at_fs)",
        _BY_PLACING,
        "frames behind a barrier are not together",
    ),
    Mutant(
        "placing/capture-moves-its-frame",
        _PLACING,
        "            clock.items.append(window)\n",
        "            clock.items.append(window)\n            clock.at_fs = opens\n",
        _BY_PLACING,
        "what is read out is played after the window has opened",
    ),
    Mutant(
        "placing/retuned-from-the-start",
        _PLACING,
        "retuned = Retuning(clock.at_fs, now.frequency_hz, hz, counts)",
        "retuned = Retuning(clock.at_fs * 0, now.frequency_hz, hz, counts)",
        _BY_PLACING,
        "the phase after a retuning is wrong",
    ),
    Mutant(
        "placing/off-the-grid-is-near",
        _PLACING,
        "off = whole * step_fs != time_fs",
        "off = np.abs(whole * step_fs - time_fs) > step_fs // 2",
        _BY_PLACING,
        "times between two samples are cut off in silence",
    ),
    Mutant(
        "placing/half-a-femtosecond",
        _CLOCKS,
        "off = np.abs(whole - time_fs) > 1e-3",
        "off = np.abs(whole - time_fs) > 1",
        (f"{_TESTS}/test_clocks.py",),
        "a delay in seconds is a wait of nothing",
    ),
    Mutant(
        "placing/time-runs-over",
        _CLOCKS,
        "if (moved < clock_fs).any():",
        "if (moved < clock_fs).all() and moved.size > 1:",
        (f"{_TESTS}/test_clocks.py",),
        "after 2.56 h a shot begins below zero",
    ),
    Mutant(
        "envelopes/sample-at-its-beginning",
        _ENVELOPES,
        "return _at_fs(waveform, (np.arange(count) + 0.5) * FS_PER_NS)",
        "return _at_fs(waveform, np.arange(count) * FS_PER_NS)",
        _BY_ENVELOPES,
        "every pulse comes half a sample late",
    ),
    Mutant(
        "envelopes/soft-pulses-at-the-tick-before",
        _ENVELOPES,
        "early_fs = 0 if is_hard(waveform) else FS_PER_NS // 2",
        "early_fs = 0",
        _BY_ENVELOPES,
        "pulses between two samples share one with the pulse before",
    ),
    Mutant(
        "envelopes/drag-in-nanoseconds",
        _ENVELOPES,
        "_gaussian_slope_1_fs(time_fs, duration_fs, sigma_fs) * FS_PER_S",
        "_gaussian_slope_1_fs(time_fs, duration_fs, sigma_fs) * FS_PER_NS",
        _BY_ENVELOPES,
        "the quadrature of a DRAG pulse is nothing",
    ),
    Mutant(
        "envelopes/hard-edge-the-wrong-way",
        _ENVELOPES,
        "np.arange(count + 2) * float(FS_PER_NS) - late_fs",
        "np.arange(count + 2) * float(FS_PER_NS) + late_fs",
        _BY_ENVELOPES,
        "a square that is late comes early",
    ),
)
