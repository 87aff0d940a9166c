"""The vendor's client: opened so that no error is silent, closed from whatever thread.

Traps of qblox-instruments 1.4.1 that end here:

- At its default debug level a refused setting or a program that does not assemble raises
  nothing. We open it with a check of the error queue after every command.
- ``Cluster.close()`` leaves the modules' sockets and its event loop open, and cannot be
  called while a call runs in another thread.
- It waits a minute for an answer.
"""

import asyncio
import itertools
import re
import socket
import time
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from qblox_instruments import Cluster, PortsInfo
from qblox_instruments.ieee488_2.transport import Transport
from qblox_instruments.types import DebugLevel

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.qblox_cluster.client_sockets import (
    CLUSTER,
    DirectSockets,
    FastSocket,
    is_question,
)
from podium.drivers.qblox_cluster.parameter_checks import remember_checks

CONNECT_S = 3.0
"""A box that is there says who it is within this (the vendor's client waits as long to connect)."""
ANSWER_S = 10.0
"""The instrument answers any command within this, or its connection is taken for dead."""
UNWIND_S = 5.0
"""How long a call may take to notice that its connection was closed under it."""

IDENTITY = b"Qblox"
"""How the answer to ``*IDN?`` begins (the vendor's client asks for it as well)."""

ERRORS = "SYSTem:ERRor:COUNt?"
"""How many errors wait in a queue (qblox-instruments 1.4.1, ``scpi.py``)."""

SOCKETS = "podium_sockets"
"""Where an opened client holds its :class:`.DirectSockets`."""

_CLOSED = "base 10: ''"
"""What the vendor's client says when it reads a number off a connection that was closed."""
_OUT_OF_STEP = ("header error", "invalid literal", "unpack requires", "codec can't decode")
"""Words of the vendor's client when an answer is not what the question asks for."""

_SLOT = re.compile(r"SLOT(\d+):", re.IGNORECASE)
_BLOCK = re.compile(r"#([1-9])(?=\d)")

_numbers = itertools.count(1)


def open_cluster(name: str, host: str, ports: Mapping[str, int]) -> Any:
    """Return the vendor's connected client; connecting only reads. Raises ``Unreachable``.

    QCoDeS wants a name of its own for every instance, also while an old one still closes.
    """
    at = f"{host}:{ports['scpi']}"
    with asking(name, f"connecting to {at}"):
        _probe(host, ports["scpi"])
        remember_checks()
        try:
            cluster = Cluster(
                f"{name}_{next(_numbers)}",
                host,
                ports=PortsInfo(scpi=ports["scpi"], module_scpi_base=ports["module_scpi_base"]),
                debug=DebugLevel.VERSION_AND_ERROR_CHECK,
                use_configuration_cache=True,
            )
        except BaseException as error:
            _close_half_open(error)
            raise
    for transport in _transports(cluster):
        transport.timeout = ANSWER_S
        FastSocket(transport)
    setattr(cluster, SOCKETS, DirectSockets(cluster))
    return cluster


def sockets_of(cluster: Any) -> DirectSockets | None:
    """Return the sockets of a client that was opened here; None: a rehearsal has none."""
    sockets: DirectSockets | None = getattr(cluster, SOCKETS, None)
    return sockets


def _probe(host: str, port: int) -> None:
    # Where nobody answers the client would wait a minute, and leave a socket and an event
    # loop behind.
    with socket.create_connection((host, port), CONNECT_S) as probe:
        probe.settimeout(CONNECT_S)
        probe.sendall(b"*IDN?\n")
        answer = b""
        while not answer.endswith(b"\n"):
            chunk = probe.recv(4096)
            if not chunk:
                raise ConnectionError(
                    f"it closed the connection when asked *IDN?, after {answer!r}"
                )
            answer += chunk
    if not answer.startswith(IDENTITY):
        raise ProtocolError(f"*IDN? gives {answer[:80]!r}, which is no {IDENTITY.decode()} cluster")


def ask(cluster: Any, said: Mapping[int, Sequence[str]]) -> dict[int, list[str]]:
    """Send each slot its lines in one packet; return its answers to those that ask, by slot.

    Block headers are taken off. It goes by the sockets themselves where the client's loop stands
    and nothing is left over on any, which takes a fifth of the time.
    """
    direct = sockets_of(cluster)
    if direct is not None and direct.ready():
        told = direct.ask(said)
    else:
        told = cluster._run_in_loop(_ask_by_client(cluster._scpi, said))
    return {slot: [_without_header(one) for one in answers] for slot, answers in told.items()}


def carry_out(
    cluster: Any, said: Mapping[int, Sequence[str]], checked: Collection[int]
) -> dict[int, list[str]]:
    """Do so, and ask the error queues of the slots ``checked`` once, each behind its lines.

    Raises what the client raises on an error.
    """
    told = ask(
        cluster,
        {slot: (*lines, ERRORS) if slot in checked else lines for slot, lines in said.items()},
    )
    check_errors(cluster, [slot for slot in said if slot in checked and int(told[slot].pop()) > 0])
    return told


def in_words(cluster: Any, message: str) -> str:
    """Send a message as it stands; return the reply, without its block header, or nothing.

    ``SLOT2:...`` goes to the socket of the module in slot 2, without that word. Of one that asks
    nothing the error queue is asked.
    """
    found = _SLOT.match(message)
    slot, text = (int(found[1]), message[found.end() :]) if found else (CLUSTER, message)
    told = carry_out(cluster, {slot: (text,)}, () if is_question(text) else (slot,))
    return "".join(told[slot])


def in_one_packet(cluster: Any, messages: Sequence[str]) -> list[str]:
    """Send messages to the cluster itself together; return the replies to those that ask.

    Where one sets something, the error queue is asked once, behind them all.
    """
    checked = () if all(map(is_question, messages)) else (CLUSTER,)
    return carry_out(cluster, {CLUSTER: tuple(messages)}, checked)[CLUSTER]


async def _ask_by_client(scpi: Any, said: Mapping[int, Sequence[str]]) -> dict[int, list[str]]:
    async def on(slot: int, told: Sequence[str]) -> list[str]:
        way = scpi._connection() if slot == CLUSTER else scpi._slot_connection(slot)
        async with way as connection:
            for line in told:
                await connection._transport.write(line)
            return [await _answer(connection._transport) for one in told if is_question(one)]

    answers = await asyncio.gather(*(on(slot, told) for slot, told in said.items()))
    return dict(zip(said, answers, strict=True))


async def _answer(transport: Any) -> str:
    answer = str(await transport.readline())
    if not answer:
        raise ConnectionError("it closed the connection")
    return answer.strip()


def _without_header(answer: str) -> str:
    block = _BLOCK.match(answer)
    return answer[block.end() + int(block[1]) :].strip() if block else answer


def close_cluster(cluster: Any) -> None:
    """Close all sockets and the event loop, also while a call hangs: that call then raises."""
    if (direct := sockets_of(cluster)) is not None:
        direct.close()
    transports = _transports(cluster)
    loop = transports[0].loop
    for transport in transports:
        writer = transport._writer
        if writer is not None:
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(writer.transport.abort)
    give_up = time.monotonic() + UNWIND_S
    while loop.is_running() and time.monotonic() < give_up:
        time.sleep(0.005)
    if loop.is_running() or loop.is_closed():
        return
    _wind_up(loop, transports)
    with suppress(Exception):  # only QCoDeS' own list of instruments is left to tidy
        type(cluster).remove_instance(cluster)


def _close_half_open(error: BaseException) -> None:
    """Close what the vendor's client had opened when its constructor failed: it forgets that.

    The frames that the error came through know it: a transport, or who has one.
    """
    transports: list[Any] = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        owner = frame.f_locals.get("self")
        held = getattr(owner, "__dict__", {}).values()
        transports += [one for one in (owner, *held) if _opened(one)]
    for loop in {transport._loop for transport in transports}:
        if loop.is_running() or loop.is_closed():
            continue
        for transport in transports:
            if (writer := getattr(transport, "_writer", None)) is not None:
                writer.transport.abort()
        _wind_up(loop, transports)


def _opened(thing: object) -> bool:
    return isinstance(thing, Transport) and hasattr(thing, "_loop")


def _wind_up(loop: asyncio.AbstractEventLoop, transports: Iterable[Any]) -> None:
    """Close a loop whose transports were aborted; they forget their sockets."""
    loop.run_until_complete(_unwind())
    for transport in transports:
        transport._reader = transport._writer = None
    loop.close()


async def _unwind() -> None:
    # What was cancelled or aborted gets its turn to end, and sockets to close.
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)


@contextmanager
def asking(name: str, what: str) -> Iterator[None]:
    """Translate the errors of a question: whatever comes instead of an answer breaks protocol."""
    try:
        yield
    except TimeoutError as error:
        told = str(error) or f"no answer within {ANSWER_S:g} s"
        raise Unreachable(f"{name}: {what}: {told}") from error
    except (OSError, EOFError) as error:
        raise Unreachable(f"{name}: {what}: {_words(error)}") from error
    except (Refused, Unreachable):
        raise
    except Exception as error:
        if str(error).endswith(_CLOSED):
            raise Unreachable(f"{name}: {what}: it closed the connection") from error
        raise ProtocolError(f"{name}: {what}: {_words(error)}") from error


@contextmanager
def telling(name: str, what: str) -> Iterator[None]:
    """Translate the errors of a command: the instrument, or the client before it, may refuse."""
    try:
        with asking(name, what):
            yield
    except ProtocolError as error:
        cause = error.__cause__
        if cause is None or any(word in str(cause).lower() for word in _OUT_OF_STEP):
            raise
        raise Refused(str(error)) from cause


@contextmanager
def unchecked(cluster: Any) -> Iterator[None]:
    """Ask for no errors after commands: who sends the next ones to the same module does."""
    scpi = cluster._scpi
    level, scpi._debug = scpi._debug, DebugLevel.NO_CHECK
    try:
        yield
    finally:
        scpi._debug = level


@contextmanager
def checked_once(cluster: Any, slots: Sequence[int]) -> Iterator[None]:
    """Ask modules for errors at the end of several commands, not after each of them.

    They go out together then. Raises what the client raises where there are errors, also where one
    was raised on the way.
    """
    error: Exception | None = None
    try:
        with unchecked(cluster):
            yield
    except OSError:
        raise  # nobody is there to be asked
    except Exception as raised:
        error = raised

    if error is None:
        told = ask(cluster, dict.fromkeys(slots, (ERRORS,)))
        slots = [slot for slot in slots if int(told[slot][0]) > 0]
    check_errors(cluster, slots, error)


def check_errors(cluster: Any, slots: Sequence[int], error: Exception | None = None) -> None:
    """Empty the error queues of slots; raise what the client raises where one held something.

    ``error``: what was raised on the way, which is raised again, with what the queues hold.
    """
    scpi = cluster._scpi

    async def check() -> None:
        asked = (
            scpi._check_error_queue_async(error)
            if slot == CLUSTER
            else scpi.check_slot_error_queue_async(slot, error)
            for slot in slots
        )
        found = await asyncio.gather(*asked, return_exceptions=True)
        for one in found:
            if one is not None:
                raise one

    if slots:
        cluster._run_in_loop(check())


def _words(error: BaseException) -> str:
    if isinstance(error, ProtocolError):
        return str(error)
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _transports(cluster: Any) -> list[Any]:
    # The client has no public way to its sockets.
    slots = cluster._scpi._slot_connections.values()
    return [cluster._transport, *(connection._transport for connection in slots)]
