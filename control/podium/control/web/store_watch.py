"""Keeps the picture's parameters up to date with the store, which others write."""

import asyncio
import os
from pathlib import Path

from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.store import ParameterStore, StoreError
from podium.control.web.picture import FacilityPicture

LOOK_S = 0.4
"""The store is asked so often for what is new; it is read whole when it is opened."""


class StoreWatch:
    """The newest entries of a store, and where in it they end."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._store: ParameterStore | None = None
        self._file: tuple[int, int] | None = None
        self._entries: dict[str, ParameterEntry] = {}
        self._position = 0
        self.read_whole = 0
        """How often all of it was read."""

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def look(self) -> dict[str, ParameterEntry]:
        """Return the newest entry of each name; the same object where nothing is new.

        Raises ``StoreError``, and reads the store whole at the next look.
        """
        file = _file_of(self._place)
        if self._store is not None and file != self._file:  # another file is there now
            self.close()
        try:
            if self._store is None:
                self._store = ParameterStore(self._place, make=False)
                self._file = file
                self._position = self._store.position()
                self._entries = self._store.all()
                self.read_whole += 1
                return self._entries
            position, fresh = self._store.since(self._position)
        except StoreError:
            self.close()
            raise
        newest = {one.name: one for one in fresh}
        changed = {name: one for name, one in newest.items() if self._entries.get(name) != one}
        if changed:
            self._entries = dict(sorted((self._entries | changed).items()))
        self._position = position
        return self._entries


async def watch_store(picture: FacilityPicture) -> None:
    """Look at ``picture.store`` for ever; reading is all that is done to it."""
    watch = StoreWatch(picture.store)
    try:
        while True:
            try:
                found, problem = await asyncio.to_thread(watch.look), ""
            except StoreError as error:
                found, problem = {}, str(error)
            if found is not picture.parameters or problem != picture.store_problem:
                picture.take_parameters(found, problem)
                picture.changed.set()
            await asyncio.sleep(LOOK_S)
    finally:
        watch.close()


def _file_of(place: str) -> tuple[int, int] | None:
    """Return what tells a store's file from another of its name; None: it is no file."""
    if "://" in place:
        return None
    try:
        found = os.stat(Path(place))
    except OSError:
        return None
    return found.st_dev, found.st_ino
