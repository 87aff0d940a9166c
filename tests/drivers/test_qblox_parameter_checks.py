"""What is remembered of functions' signatures is what QCoDeS would find."""

import gc
import weakref
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import pytest
from qblox_instruments.docstring_helpers import partial_with_numpy_doc
from qcodes.parameters import command
from qcodes.utils import is_function

from podium.drivers.qblox_cluster import parameter_checks
from podium.drivers.qblox_cluster.parameter_checks import documented, remember_checks, takes


class Client:
    def level(self, slot: int, sequencer: int, value: float = 0.0) -> float:
        return slot + sequencer + value

    def every(self, *slots: int) -> int:
        return len(slots)

    async def later(self, slot: int, value: float) -> float:
        return slot + value


def functions(client: Client) -> list[Callable[..., Any]]:
    bound = partial(client.level, 1)
    bound.__doc__ = "Which keeps the partial that is made of it from being made of the method."
    return [
        *(client.level, bound, partial(bound, 2), partial(bound, value=1.0)),
        *(partial(client.level, 1, 2), partial(client.level, slot=1, sequencer=2)),
        *(partial(client.every, 1), partial(client.later, 1), partial(client.later, 1, 2.0)),
        *(partial(max, 1), partial(lambda one, other: one, 1), float, print),
    ]


def test_answers_are_those_of_qcodes_asked_once_or_again() -> None:
    asked = list(product(range(4), (None, False, True)))
    wanted = [[is_function(f, *words) for words in asked] for f in functions(Client())]
    assert {one for row in wanted for one in row} == {False, True}
    for _ in range(2):
        assert [[takes(f, *words) for words in asked] for f in functions(Client())] == wanted


def test_documentations_are_the_vendors_written_once_or_again() -> None:
    class Documented(Client):
        def both(self, slot: int, sequencer: int) -> int:
            """
            Return a number.

            Parameters
            ----------
            slot : int
                Which module.
            sequencer : int
                Which sequencer of it.

            Returns
            -------
            int
                The number.

            """
            return 10 * slot + sequencer

    def plain(one: int, other: int) -> int:
        return one + other

    whole = Documented()
    for _ in range(2):
        for func, args in (
            (whole.both, (2,)),
            (whole.both, (2, 3)),
            (whole.both, ()),
            (plain, (1,)),
        ):
            for ending in ("", "Note\n----\nOf the parent."):
                wanted = partial_with_numpy_doc(func, *args, end_with=ending)
                made = documented(func, *args, end_with=ending)
                assert (made.__doc__, made.func, made.args) == (
                    wanted.__doc__,
                    wanted.func,
                    wanted.args,
                )
                again = documented(made, *([4] if len(args) == 1 else []), end_with=ending)
                assert (
                    again.__doc__
                    == partial_with_numpy_doc(
                        wanted, *([4] if len(args) == 1 else []), end_with=ending
                    ).__doc__
                )
    assert documented(documented(whole.both, 2), 3)() == 23


def test_a_signature_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[object] = []

    def noted(f: object, *words: Any) -> bool:
        found.append(f)
        return is_function(f, *words)

    class Another(Client):
        def level(self, slot: int, sequencer: int, value: float = 0.0) -> float:
            return 0.0

    monkeypatch.setattr(parameter_checks, "is_function", noted)
    for slot in range(5):
        assert takes(partial(Another().level, slot), 1)
    assert len(found) == 1


def test_no_client_is_kept() -> None:
    client = Client()
    takes(partial(client.level, 1), 2)
    seen = weakref.ref(client)
    del client
    gc.collect()
    assert seen() is None


def test_qcodes_asks_what_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "is_function", is_function)
    remember_checks()
    assert vars(command)["is_function"] is takes
    with pytest.raises(TypeError, match="function with arg_count=1"):
        command.Command(arg_count=1, cmd=partial(Client().level, 1, 2, 3.0))
