"""Forks processes from one that has imported what they need.

The processes of a facility import much the same modules, each for a second or more of processor
time. The fork server imports a module when it is first asked for and then copies itself: whoever is
started next, or again, runs at once and shares that memory. It has one thread, no event loop and no
connection but the one to who started it, so there is nothing in it that a copy could break. The
first one of ``podium up`` is a copy itself, made while ``podium up`` had no more than that either.

Over that connection, a pair of sockets, go messages in JSON: what to run, with the descriptors it
is to have; back come the process it is, and later how it ended. Processes outlive a fork server
that is killed; how they end is unknown then. It ends when who started it does.
"""

import fcntl
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from setproctitle import setproctitle

from podium_process import no_collection

LONGEST_MESSAGE = 2**17
"""Bytes: the arguments of one process are some hundred."""
MOST_DESCRIPTORS = 16
APART = 256
"""Descriptors that a process is to have are kept above this number until all others are closed."""


@dataclass(frozen=True, slots=True)
class Start:
    """Asks for a process that runs ``module.main(arguments)``; its descriptors go along."""

    number: int
    """By which the answer says what it answers."""
    module: str
    arguments: tuple[str, ...]
    descriptors: tuple[int, ...]
    """The numbers under which the process is to find them; the first is its standard input."""
    imports: tuple[str, ...] = ()
    """Modules that it will import as well, and others of its kind too."""


@dataclass(frozen=True, slots=True)
class Started:
    """Says which process was asked for by ``number``."""

    number: int
    pid: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Says how a process ended."""

    pid: int
    status: int
    """Its exit status; a signal's number, negative, where one ended it."""


Message = Start | Started | Ended
KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Start, Started, Ended)}


def encoded(message: Message) -> bytes:
    """Return the message as it goes over the connection."""
    return json.dumps({"kind": type(message).__name__, **asdict(message)}).encode()


def decoded(said: bytes) -> Message:
    """Return the message of some bytes of ours."""
    values = json.loads(said)
    kind = KINDS[values.pop("kind")]
    found: Message = kind(
        **{name: tuple(one) if isinstance(one, list) else one for name, one in values.items()}
    )
    return found


def main(argv: Sequence[str]) -> int:
    """Serve on the socket whose number is given; in a process that was started, run what it is."""
    with socket.socket(fileno=int(argv[0])) as connection:
        start = _serve(connection)
    if start is None:
        return 0
    name_process("podium_process", start.module, *start.arguments)
    sys.argv = [start.module, *start.arguments]
    status: int = import_module(start.module).main(list(start.arguments))
    return status


def name_process(*words: str) -> None:
    """Let this process appear in the list of processes as ``python -m WORDS``."""
    setproctitle(" ".join([sys.executable, "-m", *words]))


def _serve(connection: socket.socket) -> Start | None:
    """Start what is asked for until the connection ends; return what to be in each copy."""
    wakes, wakened = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakened, warn_on_full_buffer=False)
    while True:
        ready, _, _ = select.select([connection.fileno(), wakes], [], [])
        if wakes in ready:
            os.read(wakes, LONGEST_MESSAGE)
            _tell_ended(connection)
        if connection.fileno() not in ready:
            continue
        try:
            said, given, _, _ = socket.recv_fds(connection, LONGEST_MESSAGE, MOST_DESCRIPTORS)
        except ConnectionError:
            return None
        if not said:
            return None
        start = decoded(said)
        assert isinstance(start, Start)
        with no_collection(stays=True):  # no copy looks through what all of them share
            for module in (start.module, *start.imports):
                with suppress(Exception):  # the process says what is wrong, when it tries again
                    import_module(module)
        pid = os.fork()
        if pid == 0:
            _become(start, given, (connection.detach(), wakes, wakened))
            return start
        for descriptor in given:
            os.close(descriptor)
        with suppress(OSError):  # who asked is gone: the next reading says so
            connection.send(encoded(Started(start.number, pid)))


def _tell_ended(connection: socket.socket) -> None:
    """Say of each process that has ended how it did."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            with suppress(OSError):
                connection.send(encoded(Ended(pid, os.waitstatus_to_exitcode(status))))


def _become(start: Start, given: Sequence[int], own: Sequence[int]) -> None:
    """Be a session of its own with the signals of a new process and the descriptors asked for."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    apart = [_moved(descriptor) for descriptor in given]
    for descriptor in own:
        os.close(descriptor)
    for descriptor, wanted in zip(apart, start.descriptors, strict=True):
        os.dup2(descriptor, wanted, inheritable=False)
        os.close(descriptor)


def _moved(descriptor: int) -> int:
    """Return a descriptor of the same above :data:`APART`; the old one is closed."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, APART)
    os.close(descriptor)
    return moved
