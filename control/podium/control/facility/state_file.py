"""Keeps the state file of ``podium up``, by which others find the coordinator."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from podium.control.facility.atomic_files import write_text


class AlreadyUp(Exception):
    """Somebody else keeps this facility up: its instruments have an owner."""


class NotUp(Exception):
    """Nobody keeps this facility up."""


@dataclass(frozen=True, slots=True)
class UpState:
    """A facility that is up."""

    facility: str
    """Path of the facility file."""
    endpoints: str | None
    """Path of the file laid over it."""
    coordinator: str
    """Endpoint of the coordinator on the bus, kept across its restarts."""
    page: str | None = None
    """Address of the page; None: there is none."""
    page_key: str | None = None
    """What opens the page; None: it stands open."""
    metrics: str | None = None
    """Where Prometheus scrapes the supervisor of the cold side; None: there is none."""
    records: str | None = None
    """URL of the database of the index of runs; None: a file beside their data."""


@contextmanager
def kept_up(state_file: Path) -> Iterator[None]:
    """Be the one who keeps a facility up while the context is open; raises ``AlreadyUp``."""
    import fcntl

    state_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with state_file.with_suffix(".lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            who = lock.read().strip()
            raise AlreadyUp(
                f"{state_file}: process {who or '(it has not said its number)'} keeps this "
                "facility up already; `podium status` says how it is"
            ) from error
        with suppress(OSError):  # on a full disk it goes without: the lock is what counts
            lock.truncate(0)
            os.write(lock.fileno(), b"%d\n" % os.getpid())
        try:
            yield
        finally:
            state_file.unlink(missing_ok=True)


def write_state(state_file: Path, state: UpState) -> None:
    """Write ``state`` so that nobody ever reads half of it, and nobody else reads any."""
    write_text(state_file, json.dumps(asdict(state), indent=2) + "\n", mode=0o600)


def where_up(facility: Path, state_file: Path) -> UpState:
    """Return where a facility is up; one on several computers is, where its file says they meet.

    Raises ``NotUp``; for a facility file that is wrong what ``load_facility`` raises.
    """
    from podium.control.facility.load import load_facility

    try:
        return read_state(state_file)
    except NotUp:
        meeting = load_facility(facility).bus
        if meeting is None:
            raise
        return UpState(str(facility.resolve()), None, str(meeting.connect))


def read_state(state_file: Path) -> UpState:
    """Return what ``podium up`` has written; raises ``NotUp``."""
    try:
        return UpState(**json.loads(state_file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise NotUp(f"{state_file}: not there: `podium up` this facility first") from None
    except (ValueError, TypeError) as error:
        raise NotUp(f"{state_file}: cannot be read ({error}): `podium up` it again") from error
