"""Reading a Cap'n Proto message: structs, lists, texts and capabilities by their places.

Places are those that the schema compiler gives (``session.capnp`` beside this file, and
``rpc.capnp`` of Cap'n Proto): byte offsets in the data section, numbers of pointers. The encoding
is that of https://capnproto.org/encoding.html. A pointer that leads out of the message, too deep a
nesting, and more to read than a message can hold raise
:class:`~podium.firmware_interfaces.zurich.errors.ProtocolError`: whatever bytes come, reading
ends.
"""

from struct import Struct as Packing

from podium.firmware_interfaces.zurich.capnp_framing import MESSAGE_BYTES_MAX, WORD, Frame
from podium.firmware_interfaces.zurich.errors import ProtocolError

DEPTH_MAX = 64
"""Pointers followed one within the other; Cap'n Proto's own limit (message.h)."""
STRUCT, LIST, FAR, OTHER = range(4)
"""Kinds of pointer: their lowest two bits."""
ELEMENT_BITS = (0, 1, 8, 16, 32, 64, 64)
"""Size of a list's elements, by their code; code 7 is a list of structs."""
COMPOSITE = 7
_U16 = Packing("<H")
_U32 = Packing("<I")
_U64 = Packing("<Q")
_I64 = Packing("<q")
_F64 = Packing("<d")
_POINTER = Packing("<II")


class StructReader:
    """A struct within a message. What the sender's schema did not have reads as zero."""

    __slots__ = ("_at", "_budget", "_depth", "_frame", "_pointers", "_pointers_at", "_segment")

    def __init__(
        self, frame: Frame, segment: int, at: int, pointers_at: int, pointers: int, depth: int,
        budget: list[int],
    ) -> None:  # fmt: skip
        self._frame = frame
        self._segment = segment
        self._at = at
        self._pointers_at = pointers_at
        self._pointers = pointers
        self._depth = depth
        self._budget = budget

    # --- data section -----------------------------------------------------------------

    def boolean(self, bit: int) -> bool:
        """Return the bit of that number, as it is stored (a default of true is inverted)."""
        at = self._at + bit // 8
        return at < self._pointers_at and bool(self._frame.content[at] >> bit % 8 & 1)

    def u8(self, byte: int) -> int:
        """Return the byte at that offset."""
        at = self._at + byte
        return self._frame.content[at] if at < self._pointers_at else 0

    def u16(self, byte: int) -> int:
        """Return the 16 bits at that byte."""
        at = self._at + byte
        return _U16.unpack_from(self._frame.content, at)[0] if at < self._pointers_at else 0

    def u32(self, byte: int) -> int:
        """Return the 32 bits at that byte."""
        at = self._at + byte
        return _U32.unpack_from(self._frame.content, at)[0] if at < self._pointers_at else 0

    def u64(self, byte: int) -> int:
        """Return the 64 bits at that byte."""
        at = self._at + byte
        return _U64.unpack_from(self._frame.content, at)[0] if at < self._pointers_at else 0

    def i64(self, byte: int) -> int:
        """Return the 64 bits at that byte, signed."""
        at = self._at + byte
        return _I64.unpack_from(self._frame.content, at)[0] if at < self._pointers_at else 0

    def f64(self, byte: int) -> float:
        """Return the number in double precision at that byte."""
        at = self._at + byte
        return _F64.unpack_from(self._frame.content, at)[0] if at < self._pointers_at else 0.0

    # --- pointers ---------------------------------------------------------------------

    def struct(self, number: int) -> "StructReader":
        """Return the struct that pointer leads to; an empty one where it is null."""
        if number < self._pointers and self._depth <= DEPTH_MAX:
            # The usual case, written out: a pointer to what stands further on in this segment.
            at = self._pointers_at + number * WORD
            low, high = _POINTER.unpack_from(self._frame.content, at)
            if not low & 3 and low < 1 << 31 and (low or high):
                begin = at + WORD + (low >> 2) * WORD
                there = begin + (high & 0xFFFF) * WORD
                end = there + (high >> 16) * WORD
                self._budget[0] -= end - begin + WORD
                if end <= self._frame.segments[self._segment][1] and self._budget[0] >= 0:
                    return StructReader(
                        *(self._frame, self._segment, begin, there, high >> 16),
                        *(self._depth + 1, self._budget),
                    )
        found = self._follow(number)
        if found is None:
            return StructReader(self._frame, 0, 0, 0, 0, self._depth + 1, self._budget)
        low, high, at, segment = found
        if low & 3 != STRUCT:
            raise ProtocolError("a list or a capability stands where a struct is expected")
        return self._struct_at(high & 0xFFFF, high >> 16, at, segment)

    def has(self, number: int) -> bool:
        """Tell whether that pointer leads somewhere."""
        return self._follow(number) is not None

    def structs(self, number: int) -> "tuple[StructReader, ...]":
        """Return the structs of a list."""
        found = self._follow(number)
        if found is None:
            return ()
        low, high, at, segment = found
        if low & 3 != LIST or high & 7 != COMPOSITE:
            raise ProtocolError("something else stands where a list of structs is expected")
        words = high >> 3
        self._check(segment, at, (words + 1) * WORD)
        tag, sizes = _POINTER.unpack_from(self._frame.content, at)
        count = tag >> 2
        data, pointers = sizes & 0xFFFF, sizes >> 16
        if tag & 3 != STRUCT or count * (data + pointers) > words or count > words + DEPTH_MAX:
            raise ProtocolError(f"a list of {count} structs that its {words} words do not hold")
        size = (data + pointers) * WORD
        return tuple(
            self._struct_at(data, pointers, at + WORD + size * one, segment) for one in range(count)
        )

    def data(self, number: int) -> bytes:
        """Return the bytes of a list of bytes."""
        found = self._follow(number)
        if found is None:
            return b""
        at, count = self._list(found, 2)
        return self._frame.content[at : at + count]

    def content(self, size: int) -> bytes:
        """Return the first bytes of the data section; what is not there reads as zero."""
        return self._frame.content[self._at : min(self._at + size, self._pointers_at)].ljust(
            size, b"\0"
        )

    def numbers(self, number: int, words: int) -> bytes:
        """Return the bytes of a list of numbers of eight bytes (``words``: 1), or of structs of
        so many that have no pointers."""
        found = self._follow(number)
        if found is None:
            return b""
        if words == 1:
            at, count = self._list(found, 5)
            return self._frame.content[at : at + count * WORD]
        low, high, at, segment = found
        if low & 3 != LIST or high & 7 != COMPOSITE:
            raise ProtocolError("something else stands where a list of structs is expected")
        self._check(segment, at, ((high >> 3) + 1) * WORD)
        tag, sizes = _POINTER.unpack_from(self._frame.content, at)
        count = tag >> 2
        if tag & 3 != STRUCT or sizes != words or count * words > high >> 3:
            raise ProtocolError(f"a list of structs that are not of {words} words of numbers each")
        return self._frame.content[at + WORD : at + WORD + count * words * WORD]

    def text(self, number: int) -> str:
        """Return a text; what is not UTF-8 in it becomes a replacement character."""
        found = self._follow(number)
        if found is None:
            return ""
        return self._text(found)

    def texts(self, number: int) -> tuple[str, ...]:
        """Return a list of texts."""
        found = self._follow(number)
        if found is None:
            return ()
        at, count = self._list(found, 6)
        inner = StructReader(
            self._frame, found[3], at, at, count, self._depth + 1, self._budget
        )  # fmt: skip
        return tuple(inner.text(one) for one in range(count))

    def capability(self, number: int) -> int | None:
        """Return which entry of the message's table of capabilities stands there; None: none."""
        found = self._follow(number)
        if found is None:
            return None
        low, high, _, _ = found
        if low != OTHER:
            raise ProtocolError("something else stands where a capability is expected")
        return high

    # --- how --------------------------------------------------------------------------

    def _text(self, found: tuple[int, int, int, int]) -> str:
        at, count = self._list(found, 2)
        if not count or self._frame.content[at + count - 1]:
            raise ProtocolError("a text that does not end with a zero byte")
        return self._frame.content[at : at + count - 1].decode("utf-8", "replace")

    def _list(self, found: tuple[int, int, int, int], code: int) -> tuple[int, int]:
        """Return where the elements of a list are, and how many."""
        low, high, at, segment = found
        if low & 3 != LIST or high & 7 != code:
            raise ProtocolError(f"something else stands where a list of kind {code} is expected")
        count = high >> 3
        self._check(segment, at, (count * ELEMENT_BITS[code] + 7) // 8)
        return at, count

    def _struct_at(self, data: int, pointers: int, at: int, segment: int) -> "StructReader":
        self._check(segment, at, (data + pointers) * WORD)
        there = at + data * WORD
        return StructReader(
            self._frame, segment, at, there, pointers, self._depth + 1, self._budget
        )

    def _check(self, segment: int, at: int, size: int) -> None:
        begin, end = self._frame.segments[segment]
        if at < begin or at + size > end:
            raise ProtocolError(f"a pointer out of the message: {size} bytes at {at} of {end}")
        self._budget[0] -= size + WORD
        if self._budget[0] < 0:
            raise ProtocolError("a message in which the same words are read over and over")

    def _follow(self, number: int) -> tuple[int, int, int, int] | None:
        """Return the two halves of a pointer, where it leads and in which segment; None: null."""
        if number >= self._pointers:
            return None
        at = self._pointers_at + number * WORD
        segment = self._segment
        low, high = _POINTER.unpack_from(self._frame.content, at)
        if not low and not high:
            return None
        if self._depth > DEPTH_MAX:
            raise ProtocolError(f"structs nested deeper than {DEPTH_MAX}")
        if low & 3 == FAR:
            return self._far(low, high)
        if low & 3 == OTHER:
            return low, high, at, segment
        return low, high, at + WORD + _offset(low), segment

    def _far(self, low: int, high: int) -> tuple[int, int, int, int]:
        landing = self._landing(low, high)
        wide = low & 4
        self._check(high, landing, 2 * WORD if wide else WORD)
        first, sizes = _POINTER.unpack_from(self._frame.content, landing)
        if not wide:
            if first & 3 == FAR:
                raise ProtocolError("a far pointer that leads to another")
            return first, sizes, landing + WORD + _offset(first), high
        if first & 3 != FAR or first & 4:
            raise ProtocolError("a far pointer whose landing pad is none")
        at = self._landing(first, sizes)
        tag, tag_sizes = _POINTER.unpack_from(self._frame.content, landing + WORD)
        return tag, tag_sizes, at, sizes

    def _landing(self, low: int, segment: int) -> int:
        if segment >= len(self._frame.segments):
            raise ProtocolError(f"a pointer into segment {segment}, there is none of that number")
        return self._frame.segments[segment][0] + (low >> 3) * WORD


def root(frame: Frame) -> StructReader:
    """Return the struct that a message is."""
    begin, end = frame.segments[0]
    if end - begin < WORD:
        raise ProtocolError("a message without a root")
    budget = [min(MESSAGE_BYTES_MAX, 4 * len(frame.content) + 1024)]
    return StructReader(frame, 0, begin, begin, 1, 0, budget).struct(0)


def _offset(low: int) -> int:
    """Return the signed distance of a struct or list pointer, in bytes."""
    words = low >> 2
    return (words - (1 << 30) if words >> 29 else words) * WORD
