from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.store import ParameterStore

T1 = ParameterEntry(
    name="node_a.q0.t1",
    value=3e-5,
    sigma=1e-6,
    unit="s",
    run="1767225637-00012",
    routine="relaxation",
    tai_s=1767225640.25,
    epoch=3,
)


def test_what_any_writer_puts_counts_at_once(tmp_path: Path) -> None:
    file = tmp_path / "parameters.sqlite"
    with ParameterStore(file) as one, ParameterStore(file) as other:
        assert one.get(T1.name) is None
        for step in range(20):
            newer = replace(T1, value=T1.value + step * 1e-6)
            (one if step % 2 else other).put([newer])
            assert one.get(T1.name) == newer
            assert other.get(T1.name) == newer


def test_a_file_that_nobody_writes_to_is_asked_once(tmp_path: Path) -> None:
    asked: list[str] = []
    with ParameterStore(tmp_path / "parameters.sqlite") as store:
        store.put([T1])
        sa.event.listen(
            store._engine,
            "before_cursor_execute",
            lambda _connection, _cursor, text, *_: asked.append(text),
        )
        for _ in range(1000):
            assert store.get(T1.name) == T1
            assert store.get("node_a.q1.t1") is None
    assert len(asked) == 2


@pytest.mark.parametrize("place", [":memory:", "sqlite://"])
def test_a_store_in_memory_sees_its_own_writes(place: str) -> None:
    with ParameterStore(place) as store:
        assert store.get(T1.name) is None
        store.put([T1])
        assert store.get(T1.name) == T1
