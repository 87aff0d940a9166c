"""Tells which bits of results a program ever reads: others show in nothing that it does.

What is read is shifted and cut to its bits as ``configureFeedbackProcessing`` says, or as nodes do
until then; raw data is read whole.
"""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.zurich.sequencer.image import Integers
from podium.sim_instruments.twins.zurich.sequencer.register_use import following_instructions
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    MASK_AT,
    SHIFT_AT,
    WHOLE,
    Op,
    Result,
    Source,
    State,
)

_WORD: Final = 0xFFFF_FFFF
_PROCESSED: Final = {Result.PROCESSED_A: 0, Result.PROCESSED_B: 1, Result.QA: 2}
"""The place of each one's shift and mask among those that a program sets."""
_OF: Final = {
    Source.QA: (Result.QA, Result.QA_RAW),
    Source.FORWARDED: (Result.RAW, Result.PROCESSED_A, Result.PROCESSED_B),
}
"""By what is received: the results that are read of it."""


def bits_read(code: Integers, feedback: Sequence[int], source: Source) -> int:
    """Return a mask of the bits that a program reads of words from a source; 0: of none.

    ``code``: an image's, shape (n, 4); ``feedback``: shifts and masks of results processed A and
    B, and of those of the own analyser, packed, as nodes have them; ``source``: QA or FORWARDED.
    """
    return reduce(or_, (_bits(code, feedback, one) for one in _OF[source]), 0)


def bits_read_next(code: Integers, state: Integers, source: Source) -> int | None:
    """Return the bits that the instruction reads at which a sequencer stands.

    ``state``: its state vector. None: it reads no word from the source.
    """
    op, a, _, constant = code[state[State.PC]].tolist()
    result = {Op.TABLE: a, Op.LOAD_RESULT: constant}.get(op)
    if result not in _OF[source]:
        return None
    place = _PROCESSED.get(Result(result))
    return _field(WHOLE if place is None else int(state[State.FEEDBACK_A + place]))


def _field(packed: int) -> int:
    """Return the bits that one setting lets through."""
    return (packed >> MASK_AT) << (packed >> SHIFT_AT & 31) & _WORD


def _bits(code: Integers, feedback: Sequence[int], result: Result) -> int:
    """Return the bits that are read of a result, by all of its settings."""
    tables = (code[:, 0] == Op.TABLE) & (code[:, 1] == result)
    reads = tables | (code[:, 0] == Op.LOAD_RESULT) & (code[:, 3] == result)
    if not reads.any():
        return 0
    if result not in _PROCESSED:
        return _field(WHOLE)
    place = _PROCESSED[result]
    sets = (code[:, 0] == Op.SET_FEEDBACK) & (code[:, 2] == place)
    settings = code[sets, 3].tolist()
    if _comes_to(code, reads, sets):
        settings.append(feedback[place])
    return reduce(or_, map(_field, settings), 0)


def _comes_to(code: Integers, reads: NDArray[np.bool_], sets: NDArray[np.bool_]) -> bool:
    """Tell whether a program may come to a read before it has set how results are read."""
    todo, seen = [0], np.zeros(len(code), np.bool_)
    while todo:
        at = todo.pop()
        if at >= len(code) or seen[at] or sets[at]:
            continue
        if reads[at]:
            return True
        seen[at] = True
        op, _, _, constant = code[at].tolist()
        todo += following_instructions(op, at, constant)
    return False
