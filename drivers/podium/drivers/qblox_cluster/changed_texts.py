"""Replaces the texts of a loaded program, where nothing else of it changes, and plays it.

It takes three packets to each module and back: texts, arming and what became of both; the start;
how it ended, and the bins. What is sent is what the vendor's client sends. A module's error queue
is asked before and after.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.qblox_cluster.bins_reply import Acquisitions, BinsReply, ReplyLayout
from podium.drivers.qblox_cluster.client_sockets import (
    CLUSTER,
    DirectSockets,
    answer_lines,
    lines,
)
from podium.drivers.qblox_cluster.completion import POLL_FIRST_S, has_stopped
from podium.drivers.qblox_cluster.connection import ERRORS, asking
from podium.drivers.qblox_cluster.slot_commands import EMPTY, Places, place, status_of
from podium.drivers.qblox_cluster.triggered_start import TIME, time_of
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, SequencerProgram
from podium.firmware_interfaces.tai import Tai

ASSEMBLED = "STATus:ASSEMbler:SUCCess?"
"""Whether a module has assembled what it was sent last (qblox-instruments 1.4.1)."""
STATE = ":STATE?"
"""How a sequencer is."""
BINS = ":ACQ:ALISt?"
"""All that a sequencer has acquired."""
ARMED = b"ARMED"
"""Stands for a status that says so."""
_ALL_BUT_TEXT = attrgetter(*(one.name for one in fields(SequencerProgram) if one.name != "text"))


def differs_in_texts(loaded: ClusterProgram, program: ClusterProgram) -> bool:
    """Return whether all that is set and uploaded for two programs is equal but for Q1ASM."""
    return (
        loaded.modules == program.modules
        and loaded.start == program.start
        and len(loaded.sequencers) == len(program.sequencers)
        and all(
            one is other or _ALL_BUT_TEXT(one) == _ALL_BUT_TEXT(other)
            for one, other in zip(loaded.sequencers, program.sequencers, strict=True)
        )
    )


def changed(loaded: ClusterProgram, program: ClusterProgram) -> list[SequencerProgram]:
    """Return the sequencers of ``program`` that have another text."""
    pairs = zip(loaded.sequencers, program.sequencers, strict=True)
    return [new for old, new in pairs if old.text != new.text]


def replace_texts(
    sockets: DirectSockets,
    slots: Iterable[int],
    entries: Sequence[SequencerProgram],
    arm: Places = (),
    empty: Places = (),
) -> bool:
    """Send programs; return whether all were assembled and no error waits, older ones included.

    ``slots``: the modules to be asked, those of ``entries`` among them. ``arm``: sequencers that
    are armed then, and have to be; ``empty``: those of them whose bins are emptied before. Where
    False is returned some of them may be armed. Nothing plays.
    """
    arm, empty = tuple(arm), tuple(empty)
    messages: dict[int, bytes] = {CLUSTER: _line(ERRORS)}
    wanted: dict[int, list[bytes]] = {CLUSTER: [b"0"]}
    for slot in slots:
        told, answers = [_line(ERRORS)], [b"0"]
        for entry in entries:
            if entry.slot == slot:
                told += _program(entry)
                answers.append(b"1")
        arming, count = _arming(arm, empty, slot)
        messages[slot] = b"".join([*told, arming])
        wanted[slot] = [*answers, *[ARMED] * count, b"0"]
    told_of = sockets.exchange(messages, {slot: lines(len(one)) for slot, one in wanted.items()})
    return all(
        all(map(_fits, answer_lines(told_of[slot], len(one)), one)) for slot, one in wanted.items()
    )


def _fits(answer: bytes, wanted: bytes) -> bool:
    if wanted is ARMED:
        return _is_armed(answer)
    return answer == wanted or int(answer) == int(wanted)


@lru_cache(64)
def _is_armed(status: bytes) -> bool:
    return str(status_of(status.decode()).state.name) == "ARMED"


@lru_cache(64)
def _has_stopped(status: bytes) -> bool:
    """Return whether a sequencer has come to its proper end; False also where something is wrong.

    Its names are looked up once: an enumeration of the vendor's takes a microsecond for each.
    """
    try:
        return has_stopped(status_of(status.decode()), "")
    except ProtocolError:
        return False


def _program(entry: SequencerProgram) -> list[bytes]:
    # The vendor's client sends it so, without the last line's end.
    text = entry.text.rstrip("\n").encode("ascii")
    size = str(len(text))
    head = f"SEQuencer{entry.sequencer}:PROGram #{len(size)}{size}"
    # Of several programs the module has the status of the last alone.
    return [head.encode(), text, b"\n", _line(ASSEMBLED)]


@lru_cache(256)
def _arming(arm: Places, empty: Places, slot: int) -> tuple[bytes, int]:
    """Return what empties and arms sequencers of a module and asks it for errors.

    Also returns how many of them say how they are then.
    """
    here = _numbers(arm, slot)
    parts = _to(_numbers(empty, slot), EMPTY), _to(here, ":ARM"), _to(here, STATE), _line(ERRORS)
    return b"".join(parts), len(here)


@lru_cache(256)
def _numbers(sequencers: tuple[tuple[int, int], ...], slot: int) -> tuple[int, ...]:
    return tuple(number for where, number in sequencers if where == slot)


@lru_cache(256)
def _to(numbers: tuple[int, ...], command: str) -> bytes:
    """Return a command to each of these sequencers of a module."""
    return b"".join(_line(f"SEQuencer{number}{command}") for number in numbers)


@lru_cache(16)
def _line(command: str) -> bytes:
    return f"{command}\n".encode()


class StartedPlay:
    """Sequencers that were armed, from their start to their bins, as often as they are."""

    def __init__(
        self, name: str, sockets: DirectSockets, sequencers: Sequence[tuple[int, int]], what: str
    ) -> None:
        """``name``: of the cluster; ``what``: the program's."""
        self._of = sockets, tuple(sequencers), what
        self._name = name
        self._running = f"{name}: running {what!r}"
        self._slots = tuple(dict.fromkeys(slot for slot, _ in sequencers))
        self._starts = {CLUSTER: _line(TIME)}
        for slot in self._slots:
            here = _numbers(self._of[1], slot)
            self._starts[slot] = _to(here, ":START") + _line(ERRORS)
        self._started = dict.fromkeys(self._starts, lines(1))
        self._layouts: dict[tuple[int, Places], ReplyLayout] = {}
        """Of answers with bins, by slot and what was read."""

    def is_of(
        self, sockets: DirectSockets, sequencers: Sequence[tuple[int, int]], what: str
    ) -> bool:
        """Return whether it was made with these."""
        return self._of == (sockets, tuple(sequencers), what)

    def start(self) -> tuple[Tai, float, list[int]]:
        """Start them; return the cluster's time just before, our own just after, s.

        Also returns the slots in whose queues errors are.
        """
        sockets, _, what = self._of
        with asking(self._name, f"starting {what!r}"):
            told = sockets.exchange(self._starts, self._started)
            began_s = time.monotonic()
            started = _time(told.pop(CLUSTER))
            wrong = [slot for slot, answer in told.items() if int(answer_lines(answer, 1)[0])]
        return started, began_s, wrong

    def finish(
        self,
        began_s: float,
        duration_s: float,
        read: Places,
        interrupted: threading.Event,
        frame: Callable[[int, int], str],
    ) -> dict[tuple[int, int], Acquisitions] | None:
        """Return the bins of ``read``, None: some have not stopped when they should have.

        Bins come with how the sequencers are, in one packet. Raises as
        :func:`.wait_until_stopped` does.
        """
        sockets, sequencers, what = self._of
        of_bins = tuple(read)
        asked: dict[int, bytes] = {}
        replies: dict[int, BinsReply] = {}
        for slot in self._slots:
            here, bins = _numbers(sequencers, slot), _numbers(of_bins, slot)
            asked[slot] = _to(here, STATE) + _to(bins, BINS)
            replies[slot] = BinsReply(len(here), len(bins), self._layouts.get((slot, of_bins)))
        pause_s = min(duration_s, POLL_FIRST_S) - (time.monotonic() - began_s)
        if pause_s > 0.0 and interrupted.wait(pause_s):
            interrupted.clear()
            raise Refused(f"{self._running}: given up while it ran")
        with asking(self._name, f"running {what!r}"):
            told = sockets.exchange(asked, {slot: one.complete for slot, one in replies.items()})
            found = {slot: iter(one.acquisitions(told[slot])) for slot, one in replies.items()}
            told_states = {slot: iter(one.states(told[slot])) for slot, one in replies.items()}
            told_of = [next(told_states[slot]) for slot, _ in sequencers]
            over = all(map(_has_stopped, told_of))
            statuses = [] if over else [status_of(one.decode()) for one in told_of]
        for where, status in zip(sequencers, statuses, strict=not over):
            if not has_stopped(status, f"{self._running}: {place(*where)} ({frame(*where)})"):
                return None
        for slot, one in replies.items():
            self._layouts[slot, of_bins] = one.layout(told[slot])
        return {where: next(found[where[0]]) for where in read}


def _time(answer: memoryview) -> Tai:
    """Return a time of the cluster's from its block of JSON."""
    (block,) = answer_lines(answer, 1)
    if block[:1] != b"#":
        raise ValueError(f"invalid literal: a block begins with #, got {block!r}: header error")
    return time_of(block[2 + int(block[1:2]) :].decode())
