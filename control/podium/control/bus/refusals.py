"""Counts refused connections and requests where the processes meet, and reports them."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

LOG_EVERY_S = 10.0
"""The same refusal is logged at once, and after it at most so often."""
KINDS_MAX = 50
"""So many sorts of refusals are told apart; the rest are one."""
THE_REST = "others, of more sorts than are told apart"
LETTERS_MAX = 300

ZENOH_LOG = "error,zenoh_link_tls=warn"
"""Of its log we want the connections that it refuses: it tells nobody else of them."""
STYLE = re.compile(r"\x1b\[[0-9;]*m")
OF_A_LINK = re.compile(r"zenoh_link_tls::\S*: (.*)")
HINT = ". Hint: increase the system open file limit."
"""Zenoh's advice whatever went wrong."""
WORDS = {
    "received corrupt message": "somebody connected without TLS",
    "peer sent no certificates": "somebody connected without a certificate",
    "UnknownIssuer": "somebody connected with a certificate of another authority",
    "BadSignature": "somebody connected with a certificate that its authority has not signed",
    "Expired": "somebody connected with a certificate that has expired",
    "tls handshake eof": "somebody connected and said nothing",
}
"""What rustls says of a handshake that failed, in part, and what it means here."""


@dataclass(frozen=True, slots=True)
class AskRefusals:
    """Asks for what was refused."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that was refused, once or several times."""

    what: str
    count: int
    last_s: float
    """When it was last refused, Unix time."""


@dataclass(frozen=True, slots=True)
class RefusalReport:
    """All that was refused since the meeting point was opened, oldest first."""

    refusals: tuple[Refusal, ...]


def refusals_key(facility: str) -> str:
    """Return where the holder of the meeting point answers :class:`AskRefusals`."""
    return f"podium/{facility}/refusals"


class Refusals:
    """Counts what is refused; from any thread."""

    def __init__(self, log: Any, clock: Callable[[], float] = time.time) -> None:
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[str, Refusal] = {}
        self._logged_s: dict[str, float] = {}

    def add(self, what: str) -> None:
        """Count one refusal; ``what``: of whom, of what, and why."""
        what = what[:LETTERS_MAX]
        now_s = self._clock()
        with self._lock:
            if what not in self._found and len(self._found) >= KINDS_MAX:
                what = THE_REST
            before = self._found.pop(what, Refusal(what, 0, 0.0))
            found = self._found[what] = Refusal(what, before.count + 1, now_s)
            if now_s - self._logged_s.get(what, 0.0) < LOG_EVERY_S:
                return
            self._logged_s[what] = now_s
        self._log.warning("refused", what=what, times=found.count)

    def told(self) -> RefusalReport:
        """Return all of them."""
        with self._lock:
            return RefusalReport(tuple(self._found.values()))


@contextmanager
def refused_connections(note: Callable[[str], None]) -> Iterator[None]:
    """Note each connection that Zenoh refuses in this process, while the context is open.

    Zenoh writes that to standard output, which is ours alone meanwhile: for a process of its own
    that prints nothing. To be entered before Zenoh is opened; ``note`` is called in a thread.
    """
    import zenoh

    os.environ["RUST_LOG"] = ZENOH_LOG
    told, written = os.pipe()
    before = os.dup(1)
    os.dup2(written, 1)
    os.close(written)

    def read() -> None:
        with open(told, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if words := refusal_in(line):
                    note(words)

    reader = threading.Thread(target=read, name="refused connections", daemon=True)
    reader.start()
    zenoh.init_log_from_env_or(ZENOH_LOG)
    try:
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)
        reader.join(1.0)


def refusal_in(line: str) -> str:
    """Return what a line of Zenoh's log says of a refused connection; empty: nothing."""
    found = OF_A_LINK.search(STYLE.sub("", line))
    if found is None:
        return ""
    said = found[1].strip().removesuffix(HINT)
    known = [words for part, words in WORDS.items() if part in said]
    return known[0] if known else f"a connection failed: {said}"
