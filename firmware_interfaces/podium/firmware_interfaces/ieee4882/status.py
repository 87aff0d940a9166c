"""Status reporting of IEEE 488.2, chapter 11, and the error queue of SCPI."""

from collections import deque
from enum import IntFlag

from podium.firmware_interfaces.ieee4882.errors import Event, ScpiError

QUEUE_LENGTH = 20  # ASSUMED: manuals rarely say; SCPI-1999 asks for at least two


class Status(IntFlag):
    """Bits of the status byte that the standards define."""

    ERROR_AVAILABLE = 4
    MESSAGE_AVAILABLE = 16
    EVENT_SUMMARY = 32
    MASTER_SUMMARY = 64


STANDARD_BITS = (
    Status.ERROR_AVAILABLE | Status.MESSAGE_AVAILABLE | Status.EVENT_SUMMARY | Status.MASTER_SUMMARY
)


class StatusRegisters:
    """The standard event status register, its enable register, the error queue."""

    def __init__(
        self,
        queue_length: int = QUEUE_LENGTH,
        *,
        bits: Status = STANDARD_BITS,
        repeats: bool = True,
    ) -> None:
        """``bits``: those of the standards that the status byte of this instrument has.

        ``repeats`` False: an error is not queued while the same one stands in the queue.
        """
        self._queue_length = queue_length
        self._bits = bits
        self._repeats = repeats
        self._errors: deque[ScpiError] = deque()
        self._events = Event.POWER_ON
        self.event_enable = 0
        """What *ESE holds."""
        self.service_enable = 0
        """What *SRE holds."""

    def report(self, error: ScpiError) -> None:
        """Queue an error and set its event bit; a full queue ends with -350."""
        self._events |= error.event
        if not self._repeats and any(str(one) == str(error) for one in self._errors):
            return
        if len(self._errors) < self._queue_length:
            self._errors.append(error)
        else:
            self._errors[-1] = ScpiError(-350)

    def note(self, event: Event) -> None:
        """Set a bit of the standard event status register."""
        self._events |= event

    def take_events(self) -> int:
        """Read the standard event status register, which clears it."""
        events, self._events = self._events, Event(0)
        return int(events)

    def take_error(self) -> ScpiError | None:
        """Remove the oldest error from the queue; None when it is empty."""
        return self._errors.popleft() if self._errors else None

    @property
    def error_count(self) -> int:
        """Return the number of errors in the queue."""
        return len(self._errors)

    def clear(self) -> None:
        """Do what *CLS does: events and errors are forgotten, the enable registers stay."""
        self._events = Event(0)
        self._errors.clear()

    def status_byte(self, message_available: bool, summaries: int = 0) -> int:
        """Return what *STB? answers, with ``summaries`` of the instrument's own registers."""
        standard = Status(0)
        if self._errors:
            standard |= Status.ERROR_AVAILABLE
        if message_available:
            standard |= Status.MESSAGE_AVAILABLE
        if self._events & self.event_enable:
            standard |= Status.EVENT_SUMMARY
        byte = summaries | int(standard & self._bits)
        if byte & self.service_enable & ~Status.MASTER_SUMMARY:
            byte |= Status.MASTER_SUMMARY
        return int(byte)
