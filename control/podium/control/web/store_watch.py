"""Keeps the picture's parameters up to date with the store, which others write."""

import asyncio

from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.store import ParameterStore, StoreError
from podium.control.web.picture import Picture

LOOK_S = 0.4
"""The store is looked at so often."""


async def watch_store(picture: Picture) -> None:
    """Look at ``picture.store`` for ever; reading is all that is done to it."""
    store: ParameterStore | None = None
    try:
        while True:
            try:
                if store is None:
                    store = await asyncio.to_thread(ParameterStore, picture.store, make=False)
                found = await asyncio.to_thread(store.all)
                problem = ""
            except StoreError as error:
                found, problem = {}, str(error)
                if store is not None:
                    store.close()
                    store = None
            if (found, problem) != (picture.parameters, picture.store_problem):
                picture.take_parameters(found, problem)
                picture.changed.set()
            await asyncio.sleep(LOOK_S)
    finally:
        if store is not None:
            store.close()


async def history_of(picture: Picture, name: str) -> tuple[ParameterEntry, ...]:
    """Return every value that the store has of a parameter, oldest first."""

    def read() -> tuple[ParameterEntry, ...]:
        with ParameterStore(picture.store, make=False) as store:
            return store.history(name)

    return await asyncio.to_thread(read) if picture.store else ()
