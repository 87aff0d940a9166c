from collections.abc import Iterable

from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.known_values import KnownValues
from podium.control.parameters.validity import Validities

T1 = ParameterEntry("node_a.q0.t1", 3e-5, 1e-6, "s", "1-1", "relaxation", 1.0, 0)


class CountingRecord:
    """Holds T1, and counts how often it is asked."""

    asked = 0

    def get(self, name: str) -> ParameterEntry | None:
        self.asked += 1
        return T1 if name == T1.name else None

    def put(self, entries: Iterable[ParameterEntry]) -> None: ...

    def all(self, path: str = "") -> dict[str, ParameterEntry]:
        return {T1.name: T1}


def test_a_record_that_is_unchanged_is_asked_once_for_each_name() -> None:
    record = CountingRecord()
    known = KnownValues(record, Validities({}))
    with known.unchanged():
        for _ in range(3):
            assert known.get(T1.name) == T1
            assert known.get("node_a.q1.t1") is None
        with known.unchanged():
            assert known.get(T1.name) == T1
    assert record.asked == 2
    assert known.get(T1.name) == T1
    assert record.asked == 3


def test_what_is_put_meanwhile_counts_at_once() -> None:
    record = CountingRecord()
    known = KnownValues(record, Validities({}))
    with known.unchanged():
        known.get(T1.name)
        known.put([T1])
        known.get(T1.name)
    assert record.asked == 2
