"""Writing a Cap'n Proto message into one segment.

What is written first is the root; a struct's pointers are filled when what they lead to is
written. Places are those of :mod:`podium.firmware_interfaces.zurich.capnp_reader`.
"""

from struct import Struct as Packing

from podium.firmware_interfaces.zurich.capnp_framing import WORD, framed
from podium.firmware_interfaces.zurich.capnp_reader import COMPOSITE

_POINTER = Packing("<II")
_U16 = Packing("<H")
_U32 = Packing("<I")
_U64 = Packing("<Q")
_I64 = Packing("<q")
_F64 = Packing("<d")
_BYTES, _EIGHT_BYTES, _POINTERS = 2, 5, 6


class StructWriter:
    """A struct in a message that is being written."""

    __slots__ = ("_at", "_content", "_pointers_at")

    def __init__(self, content: bytearray, at: int, data_words: int) -> None:
        self._content = content
        self._at = at
        self._pointers_at = at + data_words * WORD

    # --- data section -----------------------------------------------------------------

    def boolean(self, bit: int, value: bool) -> None:
        """Set a bit as it is stored (a default of true is inverted)."""
        if value:
            self._content[self._at + bit // 8] |= 1 << bit % 8

    def u8(self, byte: int, value: int) -> None:
        """Set the byte at that offset."""
        self._content[self._at + byte] = value

    def u16(self, byte: int, value: int) -> None:
        """Set 16 bits at that byte."""
        _U16.pack_into(self._content, self._at + byte, value)

    def u32(self, byte: int, value: int) -> None:
        """Set 32 bits at that byte."""
        _U32.pack_into(self._content, self._at + byte, value)

    def u64(self, byte: int, value: int) -> None:
        """Set 64 bits at that byte."""
        _U64.pack_into(self._content, self._at + byte, value)

    def i64(self, byte: int, value: int) -> None:
        """Set 64 bits at that byte, signed."""
        _I64.pack_into(self._content, self._at + byte, value)

    def f64(self, byte: int, value: float) -> None:
        """Set a number in double precision at that byte."""
        _F64.pack_into(self._content, self._at + byte, value)

    # --- pointers ---------------------------------------------------------------------

    def struct(self, number: int, data_words: int, pointers: int) -> "StructWriter":
        """Have that pointer lead to a new struct, and return it."""
        at = self._grow((data_words + pointers) * WORD)
        # A struct without content stands at its own pointer: an offset of -1, not null.
        offset = self._offset(number, at) if data_words + pointers else -1
        self._point(number, (offset << 2) & 0xFFFFFFFF, data_words | pointers << 16)
        return StructWriter(self._content, at, data_words)

    def structs(
        self, number: int, count: int, data_words: int, pointers: int
    ) -> "tuple[StructWriter, ...]":
        """Have that pointer lead to a new list of ``count`` structs, and return them."""
        size = (data_words + pointers) * WORD
        at = self._grow(WORD + count * size)
        self._lead(number, at, COMPOSITE, count * size // WORD)
        _POINTER.pack_into(self._content, at, count << 2, data_words | pointers << 16)
        first = at + WORD
        return tuple(
            StructWriter(self._content, first + one * size, data_words) for one in range(count)
        )

    def data(self, number: int, value: bytes) -> None:
        """Have that pointer lead to these bytes."""
        at = len(self._content)
        self._content += value
        self._grow(-len(value) % WORD)
        self._lead(number, at, _BYTES, len(value))

    def content(self, byte: int, value: bytes) -> None:
        """Set these bytes from that one on."""
        self._content[self._at + byte : self._at + byte + len(value)] = value

    def numbers(self, number: int, value: bytes, words: int) -> None:
        """Have that pointer lead to a list of numbers of eight bytes, or of structs of so many.

        ``value``: all of them one after the other; ``words``: 1 for numbers.
        """
        if words == 1:
            at = self._grow(len(value))
            self._lead(number, at, _EIGHT_BYTES, len(value) // WORD)
        else:
            at = self._grow(WORD + len(value))
            self._lead(number, at, COMPOSITE, len(value) // WORD)
            _POINTER.pack_into(self._content, at, len(value) // WORD // words << 2, words)
            at += WORD
        self._content[at : at + len(value)] = value

    def text(self, number: int, value: str) -> None:
        """Have that pointer lead to this text."""
        self.data(number, value.encode() + b"\0")

    def texts(self, number: int, values: tuple[str, ...]) -> None:
        """Have that pointer lead to a list of texts."""
        at = self._grow(len(values) * WORD)
        self._lead(number, at, _POINTERS, len(values))
        inner = StructWriter(self._content, at, 0)
        for one, value in enumerate(values):
            inner.text(one, value)

    def capability(self, number: int, entry: int) -> None:
        """Put an entry of the message's table of capabilities there."""
        self._point(number, 3, entry)

    # --- how --------------------------------------------------------------------------

    def _grow(self, size: int) -> int:
        at = len(self._content)
        self._content += bytes(size)
        return at

    def _offset(self, number: int, at: int) -> int:
        return (at - (self._pointers_at + (number + 1) * WORD)) // WORD

    def _lead(self, number: int, at: int, code: int, count: int) -> None:
        self._point(number, self._offset(number, at) << 2 | 1, code | count << 3)

    def _point(self, number: int, low: int, high: int) -> None:
        _POINTER.pack_into(self._content, self._pointers_at + number * WORD, low, high)


class MessageWriter:
    """A message that is being written."""

    __slots__ = ("_content", "root")

    def __init__(self, data_words: int, pointers: int) -> None:
        """Begin a message whose root has that many words and pointers."""
        self._content = bytearray(WORD)
        self.root = StructWriter(self._content, 0, 0).struct(0, data_words, pointers)

    def framed(self) -> bytes:
        """Return the message as it goes on the wire."""
        return framed(self._content)
