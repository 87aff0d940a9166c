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
    assert len(asked) == 3  # where the file ends, and each name


def test_a_file_that_somebody_writes_to_is_asked_for_what_was_added(tmp_path: Path) -> None:
    file, asked = tmp_path / "parameters.sqlite", list[str]()
    names = [f"node_a.q{number}.t1" for number in range(50)]
    with ParameterStore(file) as store, ParameterStore(file) as other:
        store.put([replace(T1, name=name) for name in names])
        assert all(store.get(name) for name in names)
        sa.event.listen(
            store._engine,
            "before_cursor_execute",
            lambda _connection, _cursor, text, *_: asked.append(text),
        )
        newer = replace(T1, name=names[7], value=1.0)
        other.put([newer, replace(newer, value=2.0)])
        values = [one.value for name in names if (one := store.get(name)) is not None]
    assert values == [2.0 if name == names[7] else T1.value for name in names]
    assert len(asked) == 2  # where it ends, and what was added


@pytest.mark.parametrize("place", [":memory:", "sqlite://"])
def test_a_store_in_memory_sees_its_own_writes(place: str) -> None:
    with ParameterStore(place) as store:
        assert store.get(T1.name) is None
        store.put([T1])
        assert store.get(T1.name) == T1
