"""Loops say what was written point by point: the text is gone through here, line by line."""

import re

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podium.control.compilers.zurich.loops import COUNTERS, code_of
from podium.control.compilers.zurich.steps import (
    Choose,
    FixedText,
    Hold,
    Kind,
    NumberedText,
    Row,
    Silence,
    Steps,
)
from podium.control.compilers.zurich.tables import Entry, PlaySilence, PlayWave, Table

PLAYED: tuple[Entry, ...] = tuple(PlayWave(k, (k,)) for k in range(8))
ENTRIES = (*((one,) for one in PLAYED), *((PLAYED[k], PLAYED[k - 1]) for k in range(8)))
"""Eight that are played in any case, and eight of which a result chooses one of two."""
CHOSEN = 1
CHOICE, COUNT = Choose("k0"), NumberedText("t += {};")


def said(lines: list[str], table: Table) -> list[object]:
    """What the code does, in order."""
    known: dict[str, int] = {"k0": CHOSEN, "t": 7}
    done: list[object] = []

    def go(begin: int, end: int) -> None:
        at = begin
        while at < end:
            line = lines[at].strip()
            if found := re.fullmatch(r"repeat \((\d+)\) \{", line):
                depth, close = 1, at
                while depth:
                    close += 1
                    depth += lines[close].endswith("{") - (lines[close].strip() == "}")
                for _ in range(int(found[1])):
                    go(at + 1, close)
                at = close
            elif found := re.fullmatch(r"t \+= (.*);", line):
                done.append(("t", eval(found[1], {}, known)))
            elif found := re.fullmatch(r"(v\d) (\+?)= (-?\d+);", line):
                known[found[1]] = int(found[3]) + (known[found[1]] if found[2] else 0)
            elif found := re.fullmatch(r"(\w+)\((.*)\);", line):
                number = eval(found[2], {}, known) if found[2] else 0
                if found[1] == "executeTableEntry":
                    entry = table.entries[number]
                    done.append(
                        ("playZero", entry.samples) if isinstance(entry, PlaySilence) else entry
                    )
                else:
                    done.append((found[1], number))
            at += 1

    go(0, len(lines))
    return done


@st.composite
def all_steps(draw: st.DrawFn) -> Steps:
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    points = int(np.prod(shape))
    kind = st.sampled_from((Silence(), Hold(), Row(), FixedText("resetOscPhase();"), CHOICE, COUNT))
    kinds = draw(st.lists(st.lists(kind, min_size=1, max_size=5), min_size=1, max_size=3))
    pattern = np.array(
        draw(st.lists(st.integers(0, len(kinds) - 1), min_size=points, max_size=points))
    )
    if draw(st.booleans()):
        pattern[:] = 0
    numbers = []
    for number, these in enumerate(kinds):
        count = int((pattern == number).sum())
        columns = [_column(draw, one, count) for one in these]
        numbers.append(np.stack(columns, axis=-1) if count else np.zeros((0, len(these)), np.int64))
    return Steps(shape, pattern, tuple(tuple(these) for these in kinds), tuple(numbers))


def _column(draw: st.DrawFn, kind: Kind, count: int) -> np.ndarray:
    if isinstance(kind, Row | Choose):
        chosen = st.lists(st.integers(0, 7), min_size=count, max_size=count)
        return np.array(draw(chosen), np.int64) + (8 if isinstance(kind, Choose) else 0)
    start, step = draw(st.integers(2, 9)), draw(st.integers(0, 3))
    column = 16 * (start + step * np.arange(count))
    if not isinstance(kind, NumberedText) and draw(st.booleans()):
        column = 16 * np.array(draw(st.lists(st.integers(2, 9), min_size=count, max_size=count)))
    return np.asarray(column, np.int64)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(all_steps())
def test_loops_do_what_the_points_do_one_by_one(steps: Steps) -> None:
    table = Table()
    code = code_of(steps, steps.shape, table, ENTRIES)
    expected: list[object] = []
    for point in range(len(steps.pattern)):
        kinds, numbers = steps.of(np.array([point]))
        for kind, number in zip(kinds, numbers[0].tolist(), strict=True):
            match kind:
                case Silence():
                    expected.append(("playZero", number))
                case Hold():
                    expected.append(("playHold", number))
                case Row():
                    expected.append(PLAYED[number])
                case Choose():
                    expected.append(ENTRIES[number][CHOSEN])
                case NumberedText():
                    expected.append(("t", number))
                case _:
                    expected.append(("resetOscPhase", 0))
    assert said(list(code.lines), table) == expected
    assert code.counters <= COUNTERS


def test_axes_on_which_nothing_depends_are_loops_without_counters() -> None:
    steps = Steps((1,), np.zeros(1, np.int64), ((Silence(),),), (np.array([[64]]),))
    code = code_of(steps, (10,), Table(), ())
    assert code.lines == ("repeat (10) {", "  playZero(64);", "}")


def test_kinds_that_take_turns_along_an_axis_are_a_loop() -> None:
    """Shots of a round that lie unevenly on the grid: two kinds by turns, and the other way."""
    pattern = np.array([[0, 1, 0, 1, 0], [1, 0, 1, 0, 1]]).ravel()
    kinds: tuple[tuple[Kind, ...], ...] = (
        (Silence(), FixedText("a();")),
        (Silence(), FixedText("b();")),
    )
    numbers = np.tile(32 + 16 * np.arange(5), 2)
    steps = Steps(
        (2, 5),
        pattern,
        kinds,
        tuple(np.stack([numbers[pattern == k], np.zeros(5, np.int64)], axis=1) for k in range(2)),
    )
    code = code_of(steps, (2, 5), None, ())
    assert said(list(code.lines), Table()) == [
        one
        for k, number in zip(pattern.tolist(), numbers.tolist(), strict=True)
        for one in (("playZero", number), ("ab"[k], 0))
    ]
    assert sum(line.startswith("repeat") for line in code.lines) == 2
