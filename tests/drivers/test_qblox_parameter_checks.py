"""What is remembered of functions' signatures is what QCoDeS would find."""

import gc
import weakref
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import pytest
from qcodes.parameters import command
from qcodes.utils import is_function

from podium.drivers.qblox_cluster import parameter_checks
from podium.drivers.qblox_cluster.parameter_checks import remember_checks, takes


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
