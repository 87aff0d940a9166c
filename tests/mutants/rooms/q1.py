"""Mistakes in the twin's Q1 processor: instructions, flags, queue, latches, phases, times."""

from tests.mutants.mutant import Mutant

_QBLOX = "sim_instruments/podium/sim_instruments/twins/qblox_cluster/processor"
_Q1_KERNEL = f"{_QBLOX}/q1_kernel.py"
_Q1_ARITHMETIC = f"{_QBLOX}/q1_arithmetic.py"
_Q1_LATCHES = f"{_QBLOX}/q1_latches.py"
_Q1_EVENTS = f"{_QBLOX}/q1_events.py"
_Q1_TESTS = "tests/sim_instruments/twins/qblox_cluster/processor"
_BY_ARITHMETIC = (f"{_Q1_TESTS}/test_q1_arithmetic.py",)
_BY_Q1 = (f"{_Q1_TESTS}/test_q1_processor.py",)
_ROW_STORE = f"{_QBLOX}/row_store.py"
_BY_ROWS = (f"{_Q1_TESTS}/test_row_store.py", f"{_Q1_TESTS}/test_written_rows.py")


def _q1(
    name: str, file: str, before: str, after: str, why: str, tests: tuple[str, ...] = _BY_Q1
) -> Mutant:
    return Mutant(f"q1/{name}", file, before, after, tests, why, compiled=True)


MUTANTS = (
    _q1(
        "carry-of-a-difference",
        _Q1_KERNEL,
        "carry = a < b",
        "carry = a <= b",
        "jb is taken where both are equal",
        _BY_ARITHMETIC,
    ),
    _q1(
        "overflow-of-a-difference",
        _Q1_KERNEL,
        "overflow = ((a ^ b) & (a ^ result) & SIGN) != 0",
        "overflow = ((a ^ b) & (b ^ result) & SIGN) != 0",
        "jl and jg compare large signed numbers wrongly",
        _BY_ARITHMETIC,
    ),
    _q1(
        "not-of-64-bits",
        _Q1_KERNEL,
        "result = ~slots[code[at, 1]] & MASK",
        "result = ~slots[code[at, 1]]",
        "a register holds more than 32 bits",
        _BY_ARITHMETIC,
    ),
    _q1(
        "jump-for-greater-by-sign-alone",
        _Q1_ARITHMETIC,
        "taken = (not zero) and negative == overflow",
        "taken = not zero and not negative",
        "signed comparisons that overflow go the other way",
        _BY_ARITHMETIC,
    ),
    _q1(
        "jump-for-below-or-equal",
        _Q1_ARITHMETIC,
        "        taken = zero or carry\n",
        "        taken = carry\n",
        "a loop ends one turn too early",
        _BY_ARITHMETIC,
    ),
    _q1(
        "shift-right-logical",
        _Q1_ARITHMETIC,
        "signed(a) if op == Operation.ASR else a",
        "a if op == Operation.ASR else a",
        "a negative gain in fixed point becomes a large positive one",
        _BY_ARITHMETIC,
    ),
    _q1(
        "shift-carries-the-wrong-bit",
        _Q1_ARITHMETIC,
        "((a >> (places - 1)) & 1) != 0",
        "((a >> places) & 1) != 0",
        "the carry of a shift is that of its neighbour",
        _BY_ARITHMETIC,
    ),
    _q1(
        "product-unsigned",
        _Q1_ARITHMETIC,
        "product = signed(a) * signed(b)",
        "product = a * b",
        "negative factors give a wrong upper half",
        _BY_ARITHMETIC,
    ),
    _q1(
        "half-words-unsigned",
        _Q1_ARITHMETIC,
        "return (value & 0x7FFF) - (value & 0x8000)",
        "return value & 0xFFFF",
        "negative gains and offsets are positive",
    ),
    _q1(
        "jump-costs-nothing",
        _Q1_KERNEL,
        "core += _JUMP_NS",
        "core += 0 * _JUMP_NS",
        "a program that runs dry on the box runs on the twin",
        _BY_ARITHMETIC,
    ),
    _q1(
        "queue-of-31",
        _Q1_KERNEL,
        "if queued == q1.QUEUE_SIZE:",
        "if queued == q1.QUEUE_SIZE - 1:",
        "the queue is shorter than the box's",
        _BY_ARITHMETIC,
    ),
    _q1(
        "queue-is-never-full",
        _Q1_KERNEL,
        "            core = queue[np.uint64(head)]\n",
        "            core = max(core, 0)\n",
        "the classical side runs ahead without limit",
    ),
    _q1(
        "never-too-late",
        _Q1_KERNEL,
        "if time < core:\n            fault = q1.FLAG_UNDERFLOW\n            break",
        "if time < core - 400:\n            fault = q1.FLAG_UNDERFLOW\n            break",
        "an underflow of 100 ticks is no underflow",
    ),
    _q1(
        "shortest-wait-of-3",
        _Q1_KERNEL,
        "duration < q1.MIN_DURATION_NS",
        "duration < q1.MIN_DURATION_NS - 1",
        "what the box refuses runs on the twin",
    ),
    _q1(
        "frequency-one-sided",
        _Q1_KERNEL,
        "value > q1.MAX_FREQ or value < -q1.MAX_FREQ",
        "value > q1.MAX_FREQ",
        "a frequency below -500 MHz runs on the twin",
    ),
    _q1(
        "trigger-then-no-wait",
        _Q1_KERNEL,
        "time = arrival + duration",
        "time = arrival",
        "what waits for a trigger starts too early",
    ),
    _q1(
        "skipped-takes-its-own-time",
        _Q1_KERNEL,
        "duration = state[q1.COND_ELSE_NS]",
        "duration = max(duration, state[q1.COND_ELSE_NS])",
        "a branch that is not taken lasts as long as the taken one",
    ),
    _q1(
        "skipped-parameters-stay",
        _Q1_KERNEL,
        "                drop_phase(state)\n",
        "",
        "a phase of a branch that was not taken is played later",
    ),
    _q1(
        "phase-of-the-old-frequency",
        _Q1_LATCHES,
        "state[q1.PHASE_OFFSET] = (kept - freq * wrapped % q1.TURN) % q1.TURN",
        "state[q1.PHASE_OFFSET] = kept",
        "a retuned carrier jumps in phase",
    ),
    _q1(
        "reset-keeps-phases",
        _Q1_LATCHES,
        "        state[q1.PHASE_SET] = 0\n        state[q1.PHASE_DELTA] = 0\n",
        "",
        "a shot begins with the phase of the one before",
    ),
    _q1(
        "delta-is-set",
        _Q1_LATCHES,
        "(state[q1.PHASE_DELTA] + state[q1.NEXT_DELTA]) % q1.TURN",
        "state[q1.NEXT_DELTA] % q1.TURN",
        "virtual Z gates do not add up",
    ),
    _q1(
        "counts-what-is-not-latched",
        _Q1_LATCHES,
        "if state[q1.LATCH_ENABLED]:",
        "if state[q1.LATCH_ENABLED] >= 0:",
        "triggers of earlier shots meet conditions",
        _BY_ARITHMETIC,
    ),
    _q1(
        "threshold-beyond",
        _Q1_LATCHES,
        "latches[q1.COUNTS, address] >= latches[q1.THRESHOLDS, address]",
        "latches[q1.COUNTS, address] > latches[q1.THRESHOLDS, address]",
        "one trigger more is needed than was set",
    ),
    _q1(
        "nor-is-or",
        _Q1_LATCHES,
        "return met == ((operation & 1) == 0)",
        "return met",
        "inverted conditions are not inverted",
        _BY_ARITHMETIC,
    ),
    _q1(
        "all-of-the-mask-is-any",
        _Q1_LATCHES,
        "met = hits == mask",
        "met = hits != 0",
        "a branch is taken when one of two results is 1",
        _BY_ARITHMETIC,
    ),
    _q1(
        "latches-are-not-reset",
        _Q1_LATCHES,
        "latches[q1.COUNTS, address] = 0",
        "latches[q1.COUNTS, address] += 0",
        "results of the shot before meet conditions",
        _BY_ARITHMETIC,
    ),
    _q1(
        "bin-beyond-the-last",
        _Q1_EVENTS,
        "elif bin_ >= bins:",
        "elif bin_ > bins:",
        "a bin that does not exist is written",
    ),
    _q1(
        "binning-is-instant",
        _Q1_EVENTS,
        "while waiting > 0 and ready <= time:",
        "while waiting > 0:",
        "no acquisition is ever lost",
    ),
    _q1(
        "passes-that-count-from-the-second",
        _ROW_STORE,
        "value = once[row] + (begin + time) * steps[row]",
        "value = once[row] + (begin + time + 1) * steps[row]",
        "what a loop acquires comes a pass too late",
        _BY_ROWS,
    ),
    _q1(
        "markers-before-a-loop-are-its-own",
        f"{_QBLOX}/written_rows.py",
        "places, marker = _events_within(rows, rows.each, marker)",
        "marker = _events_within(rows, rows.each, marker)[1]\n    places, marker = "
        "_events_within(rows, rows.each, marker)",
        "a marker that changes as a loop begins is not seen",
        _BY_ROWS,
    ),
)
