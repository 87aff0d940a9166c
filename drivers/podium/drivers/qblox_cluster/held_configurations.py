"""Holds configurations of a cluster's sequencers back until all settings of them are made."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any


@contextmanager
def configured_once(cluster: Any, sequencers: Iterable[tuple[int, int]]) -> Iterator[None]:
    """Send the configuration of each sequencer once, behind all settings of it.

    The client sends the whole configuration with each setting, two kilobytes of JSON, and copies it
    twice: for a first program eighty times. It asks for the ones that it does not know when it
    meets them: those of ``sequencers`` (slot and number) are asked for beforehand, of all modules
    side by side. What was read here and is left as it is goes not back. Where the client refuses a
    setting, those before it are sent.
    """
    held = HeldConfigurations(cluster)
    cluster._run_in_loop(held.read(sequencers))
    vars(cluster).update(held.methods)
    gone = False
    try:
        yield
    except OSError:
        gone = True  # nobody is there to be sent anything
        raise
    finally:
        for name in held.methods:
            del vars(cluster)[name]
        if not gone:
            cluster._run_in_loop(held.send())


class HeldConfigurations:
    """Stands before the configurations of sequencers of the vendor's client, while some are set."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self._held: dict[tuple[int, int], dict[str, Any]] = {}
        self._as_read: dict[tuple[int, int], dict[str, Any]] = {}
        """Those that the cluster was asked for just now."""
        self._set: dict[tuple[int, int], None] = {}
        self._read = cluster._get_sequencer_config_async
        self._send = cluster._set_sequencer_config_async
        self.methods: dict[str, Any] = {
            "_get_sequencer_config_async": self._hold,
            "_set_sequencer_config_async": self._change,
            "_get_sequencer_config": lambda *where: cluster._run_in_loop(self._hold(*where)),
            "_set_sequencer_config": lambda *words: cluster._run_in_loop(self._change(*words)),
        }
        """What takes the place of the client's own methods."""

    async def read(self, sequencers: Iterable[tuple[int, int]]) -> None:
        """Hold the configurations of sequencers, given by slot and number."""
        await asyncio.gather(*(self._hold(*where) for where in sequencers))

    async def send(self) -> None:
        """Send those that were changed."""
        for where in self._set:
            if self._held[where] != self._as_read.get(where):
                await self._send(*where, self._held[where])

    async def _hold(self, slot: int, sequencer: int) -> dict[str, Any]:
        where = slot, sequencer
        if where not in self._held:
            known: dict[tuple[int, int], dict[str, Any]] = self._cluster._config_cache_sequencer
            was_known = where in known
            self._held[where] = await self._read(*where)
            if not was_known:  # the client has kept a copy of it, where it keeps any
                self._as_read[where] = known.get(where) or deepcopy(self._held[where])
        return self._held[where]

    async def _change(self, slot: int, sequencer: int, config: dict[str, Any]) -> None:
        self._held[slot, sequencer] = config
        self._set[slot, sequencer] = None
