"""Registers of programs of the vendor's compiler: counters, times of results, and what shows."""

import numpy as np
from tests.benches.referees import seqc_corpus

from podium.firmware_interfaces.zurich.elf import read_elf
from podium.sim_instruments.twins.zurich.sequencer.image import SHFSG, make_image
from podium.sim_instruments.twins.zurich.sequencer.register_use import ProgramRegisters
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Op, Result

HEAD = (
    "wave w = ones(64); assignWaveIndex(1, 2, w, 0);"
    "configureFeedbackProcessing(QA_DATA_PROCESSED, 0, 1, 0); var t = 8; waitDigTrigger(1);"
)


def at_the_result(body: str):
    """Return the use of registers where a result is asked for, and the program's words."""
    elf, _ = seqc_corpus.vendor_elf(HEAD + body, "SHFQC")
    code = make_image(read_elf(elf), SHFSG).code
    (pc,) = np.flatnonzero((code[:, 0] == Op.TABLE) & (code[:, 1] == Result.QA)).tolist()
    registers = ProgramRegisters(code)
    return registers.at(pc), registers


def test_a_loop_counts_and_a_latency_is_a_time() -> None:
    use, registers = at_the_result(
        "repeat (50) { playZero(2432); executeTableEntry(QA_DATA_PROCESSED, t + 300);"
        "playZero(4096); t += 1000; }"
    )
    assert len(use.counters) == len(use.times) == 1
    assert set(use.counters) <= set(registers.counters)
    assert not use.shown, "what held a constant of an instruction before is dead"


def test_a_counter_that_is_looked_at_shows() -> None:
    use, _ = at_the_result(
        "var k; for (k = 0; k < 9; k++) { playZero(2432);"
        "executeTableEntry(QA_DATA_PROCESSED, 300); playZero(64 + 16 * k); waitDigTrigger(1); }"
    )
    assert use.shown
    assert not use.times


def test_a_time_that_also_is_played_shows() -> None:
    use, _ = at_the_result(
        "repeat (50) { playZero(2432); executeTableEntry(QA_DATA_PROCESSED, t + 300);"
        "playZero(t); t += 16; }"
    )
    assert use.shown
    assert not use.times
