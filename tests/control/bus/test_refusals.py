"""Who is refused is counted, logged now and then, and told."""

import logging

import pytest

from podium.control.bus.log import event_log
from podium.control.bus.refusals import (
    KINDS_MAX,
    LETTERS_MAX,
    LOG_EVERY_S,
    THE_REST,
    Refusal,
    Refusals,
    refusal_in,
)

HEAD = "\x1b[2m2026-11-21T20:02:25.141236Z\x1b[0m \x1b[33m WARN\x1b[0m acc-0 ThreadId(07) "
HINT = "Hint: increase the system open file limit."


def test_refusals_of_one_sort_are_counted_together() -> None:
    now = [100.0]
    refusals = Refusals(event_log("test"), clock=lambda: now[0])
    for what in ("a", "b", "a"):
        now[0] += 1
        refusals.add(what)
    assert refusals.told().refusals == (Refusal("b", 1, 102.0), Refusal("a", 2, 103.0))


def test_a_flood_is_logged_now_and_then(caplog) -> None:
    now = [100.0]
    refusals = Refusals(event_log("test"), clock=lambda: now[0])
    with caplog.at_level(logging.WARNING, "podium"):
        for _ in range(1000):
            refusals.add("a")
        now[0] += LOG_EVERY_S
        refusals.add("a")
    assert [record.told["times"] for record in caplog.records] == ["1", "1001"]


def test_who_makes_up_ever_new_sorts_fills_no_memory() -> None:
    refusals = Refusals(event_log("test"))
    for number in range(10 * KINDS_MAX):
        refusals.add(f"{number} " + "x" * 10_000)
    told = refusals.told().refusals
    assert len(told) == KINDS_MAX + 1
    assert max(len(one.what) for one in told) <= LETTERS_MAX
    assert Refusal(THE_REST, 9 * KINDS_MAX, told[-1].last_s) == told[-1]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            f"received corrupt message of type InvalidContentType. {HINT}",
            "somebody connected without TLS",
        ),
        (f"peer sent no certificates. {HINT}", "somebody connected without a certificate"),
        (
            f"invalid peer certificate: UnknownIssuer. {HINT}",
            "somebody connected with a certificate of another authority",
        ),
        (f"something new. {HINT}", "a connection failed: something new"),
    ],
)
def test_zenoh_is_understood(said, words) -> None:
    assert (
        refusal_in(f"{HEAD}\x1b[2mzenoh_link_tls::unicast\x1b[0m\x1b[2m:\x1b[0m {said}\n") == words
    )


def test_what_else_zenoh_says_is_no_refusal() -> None:
    assert refusal_in(f"{HEAD}zenoh::net::runtime: Using ZID: 5c51\n") == ""
    assert refusal_in("") == ""
