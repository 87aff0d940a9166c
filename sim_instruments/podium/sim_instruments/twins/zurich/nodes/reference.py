"""The reference clock of an instrument: which it takes, how it stands to it, what it says of that.

The instrument that the timing plane starts follows the plane's 10 MHz, and on it, over ZSync,
those that take their clock from there. ASSUMED: it was set to the external reference by hand; while
the lock is lost it runs by itself and says so; every loss is an entry in the error log, which
stands there until the log is cleared.
"""

import json
from typing import Final

from podium.firmware_interfaces.zurich.limits import LOST_LOCK
from podium.sim_instruments.physics.clocks import Clock, LockState
from podium.sim_instruments.twins.zurich.nodes.node_store import NodeStore

REFERENCE: Final = "system/clocks/referenceclock/in/"
INTERNAL, EXTERNAL = 0, 1
LOCKED, ERROR, BUSY = 0, 1, 2
"""Values of ``source`` and ``status`` (node documentation)."""
_ERRORS: Final = "raw/error/json/errors"


class Reference:
    """Without a clock of the world's its nodes stay as they are."""

    def __init__(self, store: NodeStore, clock: Clock | None) -> None:
        self._store = store
        self._clock = clock if store.has(f"{REFERENCE}source") else None
        self._losses = 0
        self._shown = LOCKED, INTERNAL
        if self._clock is not None:
            self._put("source", EXTERNAL, 0)
            self._put("sourceactual", EXTERNAL, 0)
            self._shown = LOCKED, EXTERNAL

    def chosen(self, source: int, now_fs: int) -> bool:
        """Take another reference; return False where there is no clock to do so."""
        if self._clock is None:
            return False
        if source == EXTERNAL and self._clock.state(now_fs) is not LockState.LOCKED:
            self._clock.lock(now_fs)
        elif source == INTERNAL and self._clock.state(now_fs) is LockState.LOCKED:
            self._clock.lose(now_fs)
        self.update(now_fs)
        return True

    def update(self, now_fs: int) -> None:
        """Have nodes show how it stands."""
        if self._clock is None:
            return
        losses = self._clock.losses(now_fs)
        if losses > self._losses:
            self._complain(losses - self._losses, now_fs)
            self._losses = losses
        shown = self._state(now_fs)
        if shown != self._shown:
            self._shown = shown
            self._put("status", shown[0], now_fs)
            self._put("sourceactual", shown[1], now_fs)

    def _state(self, now_fs: int) -> tuple[int, int]:
        wanted = self._store.value(f"{REFERENCE}source", now_fs)
        state = LockState.FREE if self._clock is None else self._clock.state(now_fs)
        if wanted == INTERNAL:
            return LOCKED, INTERNAL
        if state is LockState.LOCKED:
            return LOCKED, int(str(wanted))
        return BUSY if state is LockState.LOCKING else ERROR, INTERNAL

    def _complain(self, times: int, now_fs: int) -> None:
        log = json.loads(str(self._store.value(_ERRORS, now_fs)))
        entry = {"code": 2, "message": LOST_LOCK, "severity": 1, "count": times}
        log["messages"].append(entry)
        self._store.put(_ERRORS, json.dumps(log), now_fs)

    def _put(self, node: str, value: int, now_fs: int) -> None:
        self._store.put(f"{REFERENCE}{node}", value, now_fs)
