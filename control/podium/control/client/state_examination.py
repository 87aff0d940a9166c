"""Examines the files of a facility at start: ramps, skews, epochs, starts, parameters.

Nothing is changed by it. What is damaged is found before it is needed.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from podium.control.agent.epoch_files import EpochFiles
from podium.control.agent.ramp_journal import JournalError, RampJournal
from podium.control.facility.state_folder import (
    accepted_file,
    epochs_folder,
    journal_file,
    skews_file,
)
from podium.control.parameters.store import ParameterStore, StoreError
from podium.control.runs.journal import JournalDamaged, check_journal
from podium.control.timebase.skew_store import SkewStore, SkewStoreError

NOWHERE = "address that no instrument has"


@dataclass(frozen=True, slots=True)
class Damage:
    """Describes the damage of one file."""

    what: str
    """The file, what is wrong, and what to do."""
    stops: bool
    """Whether nothing can be started before it is mended."""


def examine_state(state_file: Path, store: Path | str | None = None) -> tuple[Damage, ...]:
    """Return what is wrong with the files of the facility that has this state file.

    ``store``: the parameter store, where one is known.
    """
    ramps, skews = journal_file(state_file), skews_file(state_file)
    looks: list[tuple[Callable[[], None], bool]] = [
        (lambda: _ramps(ramps), False),
        (lambda: _skews(skews), True),
        (lambda: _epochs(epochs_folder(state_file)), True),
        (lambda: check_journal(accepted_file(state_file)), True),
    ]
    if store is not None:
        looks.append((lambda: _store(store), False))
    return tuple(_found(looks))


def _found(looks: list[tuple[Callable[[], None], bool]]) -> Iterator[Damage]:
    errors = JournalError, SkewStoreError, JournalDamaged, StoreError, ValueError, OSError
    for look, stops in looks:
        try:
            look()
        except errors as error:
            yield Damage(str(error), stops)


def _ramps(file: Path) -> None:
    if not file.exists():
        return
    advice = "move it away, and look at every bias before the next ramp"
    try:
        _whole(file)
    except sqlite3.Error as error:
        raise JournalError(f"the ramp journal {file} is damaged: {error}; {advice}") from error
    with closing(RampJournal(file)) as journal:
        journal.cut_off(NOWHERE)


def _skews(file: Path) -> None:
    if not file.exists():
        return
    try:
        _whole(file)
    except sqlite3.Error as error:
        raise SkewStoreError(
            f"the skew store {file} is damaged: {error}; move it away, and measure the skews anew"
        ) from error
    with SkewStore(file) as store:
        store.all()
        store.starts()


def _epochs(folder: Path) -> None:
    EpochFiles(folder)


def _store(place: Path | str) -> None:
    if "://" not in str(place):
        if not Path(place).exists():
            return
        try:
            _whole(Path(place))
        except sqlite3.Error as error:
            raise StoreError(
                f"the parameter store {place} is damaged: {error}; move it away, and calibrate "
                "anew, or put a copy of it in its place"
            ) from error
    with ParameterStore(place, make=False) as store:
        store.all()


def _whole(file: Path) -> None:
    """Raise ``sqlite3.Error`` unless all pages of a database are as they should be."""
    with closing(sqlite3.connect(file)) as database:
        said = [str(row[0]) for row in database.execute("PRAGMA quick_check(3)")]
    if said != ["ok"]:
        raise sqlite3.DatabaseError("; ".join(said))
