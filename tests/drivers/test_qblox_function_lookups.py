"""What is looked up of functions once is what is looked up of each: same answers, same texts."""

import gc
import weakref
from functools import partial

import pytest
from qblox_instruments.docstring_helpers import partial_with_numpy_doc
from qblox_instruments.qcodes_drivers import registration_mixin
from qcodes.parameters import command
from qcodes.utils.function_helpers import is_function

from podium.drivers.qblox_cluster.function_lookups import (
    documented_once,
    look_up_once,
    remembered,
)


class Box:
    def set(self, slot: int, sequencer: int, value: float = 0.0, *, checked: bool = True) -> None:
        """Set a value."""

    def get(self, slot: int, sequencer: int) -> float:
        """Get a value."""
        return 0.0

    @staticmethod
    def fixed(slot: int, value: float) -> None:
        """Be the same for all."""

    async def later(self, slot: int) -> None:
        """Be awaited."""


def functions_of(box: Box) -> list[object]:
    whole = [box.set, box.get, Box.get, Box.fixed, box.later, int, print, None, 3]
    some = [partial(f, 1) for f in (box.set, box.get, Box.get, Box.fixed, box.later)]
    documented = partial(box.set, 1)
    documented.__doc__ = "A text keeps it from becoming one partial with the next."
    return [
        *(*whole, *some, partial(box.set, 1, 2), partial(box.set, 1, checked=False)),
        *(partial(box.set, 1, value=2.0), partial(documented, 2), partial(partial(box.get, 1), 2)),
    ]


@pytest.mark.parametrize("coroutine", [False, True, None])
def test_answers_are_those_of_qcodes_however_often_one_asks(coroutine) -> None:
    check = remembered(is_function)
    for _ in range(2):
        for box in (Box(), Box()):
            for f in functions_of(box):
                for count in range(4):
                    wanted = is_function(f, count, coroutine)
                    assert check(f, count, coroutine) == wanted, (f, count)


def test_texts_and_results_are_those_of_the_client() -> None:
    make = documented_once(partial_with_numpy_doc)
    for _ in range(2):
        box = Box()
        once = [(box.set, (1,)), (box.set, (1, 2)), (box.get, (1,)), (Box.fixed, (1,))]
        for f, args in once:
            made, theirs = (
                make(f, *args, end_with="More."),
                partial_with_numpy_doc(f, *args, end_with="More."),
            )
            assert made.__doc__ == theirs.__doc__
            assert (made.func, made.args) == (theirs.func, theirs.args)
        assert make(box.get, 1).__doc__ != make(box.get, 1, end_with="More.").__doc__
        assert make(box.get, 1)(2) == 0.0


def test_no_instrument_is_kept_alive() -> None:
    check, make = remembered(is_function), documented_once(partial_with_numpy_doc)
    box = Box()
    gone = weakref.ref(box)
    check(make(box.set, 1), 1)
    del box
    gc.collect()
    assert gone() is None


def test_both_are_exchanged_once() -> None:
    look_up_once()
    before = command.is_function, registration_mixin.partial_with_numpy_doc
    assert before[0].__wrapped__ is is_function
    assert before[1].__wrapped__ is partial_with_numpy_doc
    look_up_once()
    assert (command.is_function, registration_mixin.partial_with_numpy_doc) == before
