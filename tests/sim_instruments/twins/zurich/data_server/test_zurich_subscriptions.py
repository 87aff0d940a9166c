"""Subscriptions to nodes come and go, many at once."""

import re

from podium.firmware_interfaces.zurich.values import AnnotatedValue
from podium.sim_instruments.twins.zurich.data_server import subscriptions
from podium.sim_instruments.twins.zurich.data_server.subscriptions import Subscriptions

A, B = "/dev1/a", "/dev1/b/0"


class Ear:
    def __init__(self) -> None:
        self.paths: list[str] = []

    def heard(self, value: AnnotatedValue) -> None:
        self.paths.append(value.path)


def told(*subscriptions: tuple[Ear, list[str]]) -> Subscriptions:
    made = Subscriptions()
    for ear, paths in subscriptions:
        made.add(ear, paths)
    return made


def test_each_is_told_of_its_nodes_alone() -> None:
    one, other = Ear(), Ear()
    made = told((one, [A, B]), (other, [B]))
    for path in (A, B, "/dev1/c"):
        made.publish(AnnotatedValue(path, 0, 1))
    assert (one.paths, other.paths) == ([A, B], [B])
    assert (A in made, "/dev1/c" in made, len(made)) == (True, False, 3)


def test_those_who_unsubscribe_are_told_no_more_and_others_are() -> None:
    one, other = Ear(), Ear()
    made = told((one, [A, B]), (other, [B]))
    made.remove([one], "/dev1/b/*")
    made.publish(AnnotatedValue(B, 0, 1))
    assert (one.paths, other.paths) == ([], [B])
    assert made.hears(one)
    made.remove([one], "/dev1")
    assert (made.hears(one), made.hears(other)) == (False, True)
    made.gone(other)
    assert (len(made), B in made) == (0, False)


def test_two_thousand_subscriptions_end_without_an_expression_being_tried(monkeypatch) -> None:
    def never(expression: str) -> re.Pattern[str]:
        raise AssertionError(f"{expression} is a node, no expression")

    ears = [Ear() for _ in range(2000)]
    ears_of = dict.fromkeys(ears).keys()
    made = told(*((ear, [f"/dev1/n/{k}"]) for k, ear in enumerate(ears)))
    monkeypatch.setattr(subscriptions, "pattern", never)
    for k in range(2000):
        made.remove(ears_of, f"/dev1/n/{k}")
    assert len(made) == 0
