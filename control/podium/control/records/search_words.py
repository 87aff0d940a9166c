"""Reads a search for runs in the words of ``podium data list``."""

import shlex
from collections.abc import Mapping
from dataclasses import replace

from podium.control.bus.records import FindRuns
from podium.control.records.run_times import begin_of, end_of

FILTERS = {
    "node": "of this node",
    "qubit": "of this qubit: node_a.q1, or q1 of any node",
    "routine": "of this routine",
    "program": "of a program with this name",
    "parameter": "whose routine gave a value for it: node_a.q1.t1, or t1 of anything",
    "by": "asked for by a name that begins so",
    "ended": "that ended so: done, stopped, failed, refused, late, given up",
    "tag": "with this tag",
    "words": "with these words in a note",
    "since": "since then: monday, yesterday, '3 h ago', 2026-11-20",
    "until": "until then, a day with its end",
}
"""The words, and what each of them asks for."""
WORDS_MOST = 400


class WrongSearch(ValueError):
    """Words ask for no runs; the message says what would."""


def asked_of(given: Mapping[str, str], now_s: float, limit: int) -> FindRuns:
    """Return the search of :data:`FILTERS`' names and what they are to be; raises ``NoTime``."""
    since, until = given.get("since", ""), given.get("until", "")
    return FindRuns(
        node=given.get("node", ""),
        qubit=given.get("qubit", ""),
        routine=given.get("routine", ""),
        program=given.get("program", ""),
        parameter=given.get("parameter", ""),
        by=given.get("by", ""),
        state=given.get("ended", ""),
        tag=given.get("tag", ""),
        words=given.get("words", ""),
        since_s=begin_of(since, now_s) if since else None,
        until_s=end_of(until, now_s) if until else None,
        limit=limit,
    )


def search_of(text: str, now_s: float, limit: int, skip: int = 0) -> FindRuns:
    """Return the search of a line: ``--qubit q1 --since "last monday" odd dip``.

    Words that follow no name stand in a note. Raises :class:`WrongSearch` and ``NoTime``.
    """
    try:
        words = shlex.split(text[:WORDS_MOST])
    except ValueError as error:
        raise WrongSearch(f"{text!r:.80}: {error}; a name with blanks is 'put so'") from error
    given: dict[str, str] = {}
    others = []
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            others.append(word)
            continue
        name, equals, value = word[2:].partition("=")
        if name not in FILTERS:
            have = ", ".join(f"--{one}" for one in FILTERS)
            raise WrongSearch(f"there is no --{name}; there are {have}")
        if not equals:
            if not words:
                raise WrongSearch(f"--{name}: say which; it finds runs {FILTERS[name]}")
            value = words.pop(0)
        given[name] = value
    if others:
        given["words"] = " ".join([given.get("words", ""), *others]).strip()
    return replace(asked_of(given, now_s, limit), skip=skip)
