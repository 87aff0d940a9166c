"""Mistakes in the twin's sequencer of Zurich Instruments: words, plays, waits, results."""

from tests.mutants.mutant import Mutant

_ZURICH = "sim_instruments/podium/sim_instruments/twins/zurich/sequencer"
_SEQC_KERNEL = f"{_ZURICH}/kernel.py"
_SEQC_ROW = f"{_ZURICH}/row.py"
_SEQC_INPUTS = f"{_ZURICH}/inputs.py"
_SEQC_OSCILLATORS = f"{_ZURICH}/oscillators.py"
_BY_SEQC = ("tests/sim_instruments/twins/zurich/sequencer/test_zurich_processor.py",)


def _seqc(name: str, file: str, before: str, after: str, why: str) -> Mutant:
    return Mutant(f"seqc/{name}", file, before, after, _BY_SEQC, why, compiled=True)


MUTANTS = (
    _seqc(
        "words-of-64-bits",
        _SEQC_KERNEL,
        "return (value << 32) >> 32",
        "return value",
        "a register does not wrap",
    ),
    _seqc(
        "branch-at-zero",
        _SEQC_KERNEL,
        "if registers[b] > 0:",
        "if registers[b] >= 0:",
        "a loop goes round once more",
    ),
    _seqc(
        "shift-right-logical",
        _SEQC_KERNEL,
        "registers[a] = registers[a] >> 1",
        "registers[a] = (registers[a] & _LOW_32) >> 1",
        "negative numbers become large ones",
    ),
    _seqc(
        "play-waits-for-nobody",
        _SEQC_KERNEL,
        "            if end >= begin:\n                begin = end\n",
        "            if end > begin + 16:\n                begin = end\n",
        "a play begins before the one before it has ended",
    ),
    _seqc(
        "gaps-are-not-counted",
        _SEQC_KERNEL,
        "state[State.GAPS] += 1",
        "state[State.GAPS] += 0",
        "a program too slow for its plays passes",
    ),
    _seqc(
        "rate-twice",
        _SEQC_KERNEL,
        "lasting = samples << rate",
        "lasting = samples << (2 * rate)",
        "slow plays last too long",
    ),
    _seqc(
        "length-cut-off",
        _SEQC_KERNEL,
        "(registers[b] + c + GRANULARITY - 1) & -GRANULARITY",
        "(registers[b] + c) & -GRANULARITY",
        "a length in a register is cut off, not extended",
    ),
    _seqc(
        "wait-of-one-cycle-less",
        _SEQC_KERNEL,
        "core = max(now, last, state[State.OUT]) + CYCLE + max(0, registers[b]) * CYCLE",
        "core = max(now, last, state[State.OUT]) + max(0, registers[b]) * CYCLE",
        "every wait is 4 ns short",
    ),
    _seqc(
        "wave-is-not-waited-for",
        _SEQC_KERNEL,
        "            elif op == Op.WAIT_WAVE:\n                core = max(now, end) + CYCLE",
        "            elif op == Op.WAIT_WAVE:\n                core = max(now, last) + CYCLE",
        "waitWave returns when the wave begins",
    ),
    _seqc(
        "trigger-between-cycles",
        _SEQC_KERNEL,
        "core = (when + CYCLE - 1) // CYCLE * CYCLE + CYCLE",
        "core = when + CYCLE",
        "a sequencer acts between two of its cycles",
    ),
    _seqc(
        "late-results-are-fine",
        _SEQC_KERNEL,
        "                if state[State.LATENCY] >= 0:\n"
        "                    due = state[State.START_TRIGGER] + state[State.LATENCY] * CYCLE\n"
        "                    state[State.LATE] += now > due",
        "                if state[State.LATENCY] >= 0:\n"
        "                    due = state[State.START_TRIGGER] + state[State.LATENCY] * CYCLE\n"
        "                    state[State.LATE] += 0",
        "feedback that comes too late is not counted",
    ),
    _seqc(
        "result-before-it-is-known",
        _SEQC_KERNEL,
        "                if now > state[State.KNOWN]:\n"
        "                    state[State.NEEDS] = now\n"
        "                    status = Status.UNKNOWN.value\n"
        "                    pc -= 1\n"
        "                    count -= 1\n"
        "                    core -= CYCLE\n"
        "                    break\n"
        "                state[State.LATENCY] = -1\n"
        "                core = now + CYCLE\n"
        "                take(inputs, state, now + 1)\n"
        "                if op == Op.LOAD_RESULT:",
        "                state[State.LATENCY] = -1\n"
        "                core = now + CYCLE\n"
        "                take(inputs, state, now + 1)\n"
        "                if op == Op.LOAD_RESULT:",
        "a branch is taken on the result of the shot before",
    ),
    _seqc(
        "phase-increments-are-set",
        _SEQC_KERNEL,
        "before = state[State.PHASE_0 + c] if op == Op.SINE_INCREMENT else 0",
        "before = 0",
        "virtual Z gates do not add up",
    ),
    _seqc(
        "amplitude-beyond-full-scale",
        _SEQC_ROW,
        "max(-AMPLITUDE_ONE, min(AMPLITUDE_ONE, total))",
        "min(AMPLITUDE_ONE, total)",
        "a negative amplitude runs on below full scale",
    ),
    _seqc(
        "table-phases-are-set",
        _SEQC_ROW,
        "(state[State.PHASE_0 + k] + value) & (PHASE_TURN - 1)",
        "value & (PHASE_TURN - 1)",
        "increments of a command table do not add up",
    ),
    _seqc(
        "input-of-this-instant",
        _SEQC_INPUTS,
        "inputs[k, 0] < until",
        "inputs[k, 0] <= until",
        "a message counts a moment before it is there",
    ),
    _seqc(
        "any-source-is-the-trigger",
        _SEQC_INPUTS,
        "if inputs[k, 1] == source:",
        "if inputs[k, 1] <= source:",
        "a sequencer starts on another's trigger",
    ),
    _seqc(
        "mask-before-the-shift",
        _SEQC_INPUTS,
        "((word & _WORD) >> shift & mask)",
        "((word & _WORD & mask) >> shift)",
        "a result is that of another qubit",
    ),
    _seqc(
        "sweep-without-its-start",
        _SEQC_OSCILLATORS,
        "state[place] + state[place + 1] * state[place + 2]",
        "state[place + 1] * state[place + 2]",
        "a frequency sweep begins at 0",
    ),
)
