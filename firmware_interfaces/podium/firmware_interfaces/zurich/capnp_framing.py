"""Cap'n Proto messages in a stream of bytes: a table of segments, then the segments.

Standard framing, not packed (https://capnproto.org/encoding.html, "Serialization Over a Stream").
"""

from dataclasses import dataclass
from struct import Struct as Packing

from podium.firmware_interfaces.zurich.errors import ProtocolError

WORD = 8
SEGMENTS_MAX = 512
"""More are refused by Cap'n Proto's own reader (serialize.c++)."""
MESSAGE_BYTES_MAX = 8 * 1024 * 1024 * WORD
"""Largest message: the traversal limit of Cap'n Proto's reader, 8 Mi words (message.h).
ASSUMED: the real data server has not raised it."""
WORDS_MAX = MESSAGE_BYTES_MAX // WORD - 1
_U32 = Packing("<I")
_HEAD = Packing("<II")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it came: its bytes, and where each segment of it begins and ends."""

    content: bytes
    segments: tuple[tuple[int, int], ...]
    """Byte offsets (begin, end) within ``content``."""


class Splitter:
    """Takes the stream as it comes and gives whole messages."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the messages that are whole now.

        Raises :class:`ProtocolError` for a table of segments that nobody would write; the
        splitter is of no use afterwards.
        """
        kept = self._kept
        kept += data
        frames: list[Frame] = []
        at = 0
        while (frame := _frame(kept, at)) is not None:
            frames.append(frame[0])
            at = frame[1]
        if at:
            del kept[:at]
        return frames


def framed(segment: bytes | bytearray) -> bytes:
    """Return a message of one segment, of whole words, as it goes on the wire."""
    return b"\0\0\0\0" + _U32.pack(len(segment) // WORD) + segment


def _frame(kept: bytearray, at: int) -> tuple[Frame, int] | None:
    """Return the message that begins at ``at`` and where it ends; None: more has to come."""
    if len(kept) - at < WORD:
        return None
    others, words = _HEAD.unpack_from(kept, at)
    if not others and words <= WORDS_MAX:  # the usual case: one segment
        end = WORD + words * WORD
        if len(kept) - at < end:
            return None
        return Frame(bytes(kept[at : at + end]), ((WORD, end),)), at + end
    count = others + 1
    if count > SEGMENTS_MAX:
        raise ProtocolError(f"a message of {count} segments, at most {SEGMENTS_MAX} are taken")
    head = (4 + 4 * count + WORD - 1) // WORD * WORD
    if len(kept) - at < head:
        return None
    ends: list[tuple[int, int]] = []
    end = head
    for number in range(count):
        begin = end
        end += _U32.unpack_from(kept, at + 4 + 4 * number)[0] * WORD
        ends.append((begin, end))
    if end > MESSAGE_BYTES_MAX:
        raise ProtocolError(f"a message of {end} bytes, at most {MESSAGE_BYTES_MAX} are taken")
    if len(kept) - at < end:
        return None
    return Frame(bytes(memoryview(kept)[at : at + end]), tuple(ends)), at + end
