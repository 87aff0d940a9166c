"""The firmware that all IEEE 488.2 instruments share: parser, common commands, status, replies.

A twin gives its command table and what each command does; this gives it
sessions. Everything takes the world's time as an argument.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import Event, ScpiError
from podium.firmware_interfaces.ieee4882.header import HeaderTree, Path
from podium.firmware_interfaces.ieee4882.parameters import Value, Whole
from podium.firmware_interfaces.ieee4882.program_message import (
    MESSAGE_MAX,
    MessageSplitter,
    Unit,
    units,
)
from podium.firmware_interfaces.ieee4882.status import STANDARD_BITS, Status, StatusRegisters
from podium.sim_instruments.twins.command_observer import CommandObserver, unit_words

_REGISTER = Whole(0, 255)

UNITS_AT_ONCE = 250
"""Units carried out before other instruments have their turn: some milliseconds."""


@dataclass(frozen=True, slots=True)
class Call:
    """One command or query as it arrives at the instrument's firmware."""

    now_fs: int
    values: tuple[Value, ...]
    """Its parameters, checked; None for those left out."""
    suffixes: tuple[int, ...]
    """Numeric suffixes of its header."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A command and what it does. A function raises :class:`ScpiError` to refuse."""

    command: Command
    do: Callable[[Call], None] | None = None
    answer: Callable[[Call], str] | None = None
    meant: bool = True
    """False: its setting is stored and read back, and nothing in the simulation depends on it.
    To set it is counted, to read it back is not: what a snapshot reads is what was set.
    """
    ready: Callable[[Call], bool] | None = None
    """Tells whether it can be carried out now, and begins what it needs: until then it waits."""


@dataclass(frozen=True, slots=True)
class Manners:
    """In what the makers of IEEE 488.2 instruments differ."""

    identity: str
    """What ``*IDN?`` answers."""
    options: str | None
    """What ``*OPT?`` answers; None: not a command of this instrument."""
    terminator: bytes = b"\n"
    register_digits: int = 1
    """Width of the answers to ``*ESR?`` and the like, with leading zeros."""
    message_max: int = MESSAGE_MAX
    """Bytes of the longest program message that it takes."""
    status_bits: Status = STANDARD_BITS
    """Bits of the standards that its status byte has; a box without an error queue has none of
    that, and its own summaries may be in their places."""
    repeats_errors: bool = True
    """False: an error is not queued while the same one stands in the queue."""

    def registers(self) -> StatusRegisters:
        """Return status registers as they are at power-on."""
        return StatusRegisters(bits=self.status_bits, repeats=self.repeats_errors)


class Device:
    """The common firmware of one instrument, shared by all its connections."""

    def __init__(
        self,
        manners: Manners,
        commands: tuple[Bound, ...],
        *,
        reset: Callable[[int], None],
        busy: Callable[[int], bool] = lambda now_fs: False,
        summaries: Callable[[int], int] = lambda now_fs: 0,
        clear: Callable[[int], None] = lambda now_fs: None,
        before: Callable[[int], None] = lambda now_fs: None,
        trigger: Callable[[int], None] | None = None,
    ) -> None:
        """Take the table and the hooks of one instrument.

        ``reset`` is *RST; ``busy`` says whether an overlapped operation is
        pending, which *OPC, *OPC? and *WAI wait for; ``summaries`` are the
        instrument's own bits of the status byte; ``clear`` clears its own
        event registers on *CLS; ``before`` does what has fallen due by itself before a command;
        ``trigger`` is *TRG, None: not a command of this instrument.
        """
        self.manners = manners
        self.status = manners.registers()
        self.commands = 0
        self.unknown = 0
        self.unmeant = 0
        self.ear: CommandObserver[Unit | ScpiError] = CommandObserver(self.tallies, unit_words)
        self._tree: HeaderTree[Bound] = HeaderTree()
        self._some_need_work = any(bound.ready is not None for bound in commands)
        for bound in commands:
            self._tree.add(bound.command.header, bound)
        self._reset = reset
        self._busy = busy
        self._summaries = summaries
        self._clear = clear
        self._before = before
        self._trigger = trigger
        self._completion_awaited = False

    def open(self) -> "DeviceSession":
        """Return a fresh connection."""
        return DeviceSession(self)

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return {"commands": self.commands, "unknown": self.unknown, "unmeant": self.unmeant}

    @property
    def root(self) -> Path[Bound]:
        """Where the headers of a message begin."""
        return self._tree.root

    def must_wait(self, unit: Unit | ScpiError, path: Path[Bound], now_fs: int) -> bool:
        """Return whether ``unit`` waits for a pending operation, or for what it needs itself."""
        if not isinstance(unit, Unit):
            return False
        if unit.header.startswith("*"):
            waits = unit.header == ("*OPC" if unit.query else "*WAI")
            return waits and self._busy(now_fs)
        return self._some_need_work and not self._is_ready(unit, path, now_fs)

    def _is_ready(self, unit: Unit, path: Path[Bound], now_fs: int) -> bool:
        try:
            found = self._tree.find(unit.header, path)
            if found.value.ready is None:
                return True
            values = found.value.command.take(unit.query, unit.parameters)
            return found.value.ready(Call(now_fs, values, found.suffixes))
        except ScpiError:
            return True  # to be refused needs nothing

    def execute(
        self, unit: Unit | ScpiError, path: Path[Bound], replied: bool, now_fs: int
    ) -> tuple[str | None, Path[Bound]]:
        """Execute one unit: return its answer, if any, and where the next header begins.

        What goes wrong goes into the status registers. ``replied``: earlier
        units of the same message have put answers into the output queue.
        """
        self._before(now_fs)
        self._settle(now_fs)
        before = self.ear.begin()
        self.commands += 1
        refused = False
        try:
            if isinstance(unit, ScpiError):
                raise unit
            if unit.header.startswith("*"):
                return self._common(unit, replied, now_fs), path
            found = self._tree.find(unit.header, path)
            path = found.path
            values = found.value.command.take(unit.query, unit.parameters)
            call = Call(now_fs, values, found.suffixes)
            read_back = unit.query and found.value.do is not None
            self.unmeant += not (found.value.meant or read_back)
            act = found.value.answer if unit.query else found.value.do
            if act is None:
                raise ScpiError(-113, unit.header)
            return act(call), path
        except ScpiError as error:
            self.unknown += error.code == -113
            self.status.report(error)
            refused = True
            return None, path
        finally:
            self.ear.end(before, unit, refused)

    def poll(self, available: bool, now_fs: int) -> int:
        """Return the status byte as a serial poll does; ``available``: a response waits."""
        self._settle(now_fs)
        return self.status.status_byte(available, self._summaries(now_fs))

    def power_on(self) -> None:
        """Begin anew, as when it is switched on: registers and queued errors are forgotten."""
        self.status = self.manners.registers()
        self.give_up_completion()

    def give_up_completion(self) -> None:
        """Let *OPC no longer take effect (IEEE 488.2, 12.5.2: on a device clear)."""
        self._completion_awaited = False

    def _settle(self, now_fs: int) -> None:
        """Let *OPC take effect if what it waited for has ended."""
        if self._completion_awaited and not self._busy(now_fs):
            self._completion_awaited = False
            self.status.note(Event.OPERATION_COMPLETE)

    def _common(self, unit: Unit, replied: bool, now_fs: int) -> str | None:
        """Execute a common command (IEEE 488.2, chapter 10)."""
        masks = unit.header in ("*ESE", "*SRE") and not unit.query
        if unit.parameters and not masks:
            raise ScpiError(-108, unit.header)
        match unit.header, unit.query:
            case "*CLS", False:
                self.status.clear()
                self._clear(now_fs)
                self._completion_awaited = False
            case "*ESE", False:
                self.status.event_enable = _mask(unit)
            case "*SRE", False:
                self.status.service_enable = _mask(unit)
            case "*OPC", False:
                self._completion_awaited = True
                self._settle(now_fs)
            case "*WAI", False:
                pass
            case "*TRG", False if self._trigger is not None:
                self._trigger(now_fs)
            case "*RST", False:
                self._completion_awaited = False
                self._reset(now_fs)
            case "*ESE", True:
                return self._register(self.status.event_enable)
            case "*ESR", True:
                return self._register(self.status.take_events())
            case "*SRE", True:
                return self._register(self.status.service_enable)
            case "*STB", True:
                summaries = self._summaries(now_fs)
                return self._register(self.status.status_byte(replied, summaries))
            case "*IDN", True:
                return self.manners.identity
            case "*OPC", True:
                return "1"
            case "*TST", True:
                return "0"
            case "*OPT", True if self.manners.options is not None:
                return self.manners.options
            case _:
                raise ScpiError(-113, unit.header + ("?" if unit.query else ""))
        return None

    def _register(self, value: int) -> str:
        return f"{value:0{self.manners.register_digits}d}"


class DeviceSession:
    """One connection: an input buffer, a header path, a message under way."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._splitter = MessageSplitter(device.manners.message_max)
        self._messages: deque[bytes | ScpiError] = deque()
        self._units: Iterator[Unit | ScpiError] = iter(())
        self._next: Unit | ScpiError | None = None
        self._path = device.root
        self._answers: list[str] = []
        self._left = 0
        """So many more units are carried out before others have their turn."""

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return the replies that are due; see :class:`Session`."""
        self._messages.extend(self._splitter.feed(data))
        replies = b""
        self._left = UNITS_AT_ONCE
        while self._continue(now_fs):
            if self._answers:
                replies += ";".join(self._answers).encode("latin-1")
                replies += self._device.manners.terminator
            self._answers = []
            if not self._messages:
                break
            message = self._messages.popleft()
            self._units = iter((message,)) if isinstance(message, ScpiError) else units(message)
            self._path = self._device.root
        return replies

    # Of faces that send messages and not lines; see :class:`.faces.message_device.MessageDevice`.

    def clear(self) -> None:
        """Forget what was received and not carried out, and answers that were not sent."""
        self._splitter.eof()
        self._messages.clear()
        self._units, self._next, self._answers = iter(()), None, []
        self._device.give_up_completion()

    def poll(self, available: bool, now_fs: int) -> int:
        """Return the status byte; ``available``: a response waits to be read."""
        return self._device.poll(available, now_fs)

    def report(self, code: int) -> None:
        """Queue an error of the exchange of messages."""
        self._device.status.report(ScpiError(code))

    def _continue(self, now_fs: int) -> bool:
        """Execute what is left of the present message; False if it must wait, or others wait."""
        while True:
            if self._left <= 0:
                return False
            if self._next is None:
                self._next = next(self._units, None)
            if self._next is None:
                return True
            if self._device.must_wait(self._next, self._path, now_fs):
                return False
            answer, self._path = self._device.execute(
                self._next, self._path, bool(self._answers), now_fs
            )
            self._next = None
            self._left -= 1
            if answer is not None:
                self._answers.append(answer)


def _mask(unit: Unit) -> int:
    if not unit.parameters:
        raise ScpiError(-109, unit.header)
    if len(unit.parameters) > 1:
        raise ScpiError(-108, unit.header)
    return _REGISTER.take(unit.parameters[0])
