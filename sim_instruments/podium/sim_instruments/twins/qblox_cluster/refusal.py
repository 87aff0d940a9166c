"""Refusals and the queue in which a device keeps them until somebody asks."""

from collections import deque

from podium.firmware_interfaces.qblox_cluster.messages import NO_ERROR, error_line

QUEUE_LENGTH = 64
"""ASSUMED: how many errors a module keeps."""

# SCPI-99 volume 2, chapter 21.8
UNDEFINED_HEADER = -113
BLOCK_DATA_ERROR = -160
SYNTAX_ERROR = -102
MISSING_PARAMETER = -109
DATA_TYPE_ERROR = -104
SUFFIX_OUT_OF_RANGE = -114
EXECUTION_ERROR = -200
SETTINGS_CONFLICT = -221
OUT_OF_RANGE = -222
TOO_MUCH_DATA = -223
ILLEGAL_PARAMETER = -224
PROGRAM_SYNTAX_ERROR = -285
DEVICE_ERROR = -300
QUEUE_OVERFLOW = -350
"""ASSUMED: the numbers the real box uses; the client shows the text only."""


class Refusal(Exception):
    """The device will not do it; its state is unchanged. Goes to the error queue."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number
        self.text = text


class ErrorQueue:
    """First in, first out; when full its last entry says so."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()

    def __len__(self) -> int:
        return len(self._lines)

    def put(self, refusal: Refusal) -> None:
        """Add an error."""
        if len(self._lines) < QUEUE_LENGTH:
            self._lines.append(error_line(refusal.number, refusal.text))
        else:
            self._lines[-1] = error_line(QUEUE_OVERFLOW, "Queue overflow")

    def take(self) -> str:
        """Remove and return the oldest error, or say that there is none."""
        return self._lines.popleft() if self._lines else NO_ERROR

    def clear(self) -> None:
        """Forget all errors."""
        self._lines.clear()
