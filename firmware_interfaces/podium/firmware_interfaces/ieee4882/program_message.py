"""Program messages of IEEE 488.2: from bytes to units of header and parameters, and back.

A program message is a line; units in it are separated by semicolons, parameters
by commas. Text in quotes and blocks of bytes of a stated length may hold any
of these characters.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from podium.firmware_interfaces.ieee4882.errors import ScpiError

MNEMONIC_MAX = 12  # IEEE 488.2, 7.6.1.4.1
EXPONENT_MAX = 32_000  # IEEE 488.2, 7.7.2.4.1
DIGITS_MAX = 255  # IEEE 488.2, 7.7.2.4.1
SUFFIX_MAX = 12  # IEEE 488.2, 7.7.3.4
MESSAGE_MAX = 1 << 20
"""Bytes of one message. ASSUMED: what an instrument's input buffer holds differs."""


@dataclass(frozen=True, slots=True)
class Number:
    """Decimal numeric data, with the unit as it was written, in capitals; ``""`` for none."""

    value: Decimal
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """Character data: a word of the instrument's own vocabulary, e.g. ``MAX`` or ``ON``."""

    text: str


@dataclass(frozen=True, slots=True)
class Quoted:
    """String data: text between quotes, the quotes not included."""

    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """Arbitrary block data of definite length."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Expression:
    """Expression data, e.g. the channel list ``(@1:4)``; the parentheses are included."""

    text: str


@dataclass(frozen=True, slots=True)
class Empty:
    """Nothing between two commas. Not IEEE 488.2; some instruments take it for "as it is"."""


Parameter = Number | Word | Quoted | Block | Expression | Empty


@dataclass(frozen=True, slots=True)
class Unit:
    """One command or query of a program message."""

    header: str
    """As written but in capitals, with a leading colon or asterisk if there was one."""
    query: bool
    parameters: tuple[Parameter, ...] = ()


_HEADER = re.compile(r"(\*[A-Z]\w*|:?[A-Z]\w*(?::[A-Z]\w*)*)(\?)?", re.ASCII | re.IGNORECASE)
# Possessive (++, *+): a text that does not fit costs no more than its length.
_NUMBER = re.compile(
    r"([+-]?(?:\d++\.?+\d*+|\.\d++))(?:\s*+E\s*+([+-]?\d++))?\s*+([A-Z%/][\w%/.-]*+)?",
    re.ASCII | re.IGNORECASE,
)
_WORD = re.compile(r"[A-Z]\w*", re.ASCII | re.IGNORECASE)
_RADIX = {"H": (16, "0123456789ABCDEF"), "Q": (8, "01234567"), "B": (2, "01")}
_OPENS = re.compile(rb"[\n;,#\"'()]")
_LINE_OPENS = re.compile(rb"[\n#\"']")
_CLOSES = {quote: re.compile(rb"[\n%c]" % quote) for quote in b"\"'"}
_BLOCK_HEAD = re.compile(rb"#([1-9])(\d{0,9})")


class MessageSplitter:
    """Cuts a byte stream into program messages, however the network chopped it."""

    def __init__(self, max_bytes: int = MESSAGE_MAX) -> None:
        self._max_bytes = max_bytes
        self._pending = bytearray()
        self._at = 0
        """So far it is known that no message ends; read on from here."""
        self._quote = 0
        """The mark of the text that is open there; 0: none is."""
        self._discarding = False

    def feed(self, data: bytes) -> list[bytes | ScpiError]:
        """Return the messages that ``data`` completes, without their terminators.

        In place of a message that does not fit into the input buffer stands
        the :class:`ScpiError` -363; all of it up to the next newline is lost.
        """
        self._pending += data
        messages: list[bytes | ScpiError] = []
        while True:
            if self._discarding:
                newline = self._pending.find(b"\n")
                del self._pending[: newline + 1 if newline >= 0 else len(self._pending)]
                if newline < 0:
                    return messages
                self._discarding = False
            end = self._end_of_message()
            if (len(self._pending) if end is None else end) > self._max_bytes:
                messages.append(ScpiError(-363, f"more than {self._max_bytes} bytes"))
                self._at = self._quote = 0
                self._discarding = True
            elif end is None:
                return messages
            else:
                messages.append(bytes(self._pending[:end]))
                del self._pending[: end + 1]
                self._at = 0

    def eof(self) -> bytes:
        """Return what was received of a message that will never end."""
        rest = bytes(self._pending)
        self._pending.clear()
        self._at = self._quote = 0
        return rest

    def _end_of_message(self) -> int | None:
        """Index of the newline that ends the first message, or None if it is not there yet.

        Each byte is looked at once, however the stream was chopped.
        """
        pending = self._pending
        while found := _CLOSES.get(self._quote, _LINE_OPENS).search(pending, self._at):
            at, mark = found.start(), found[0][0]
            if mark == 0x0A:  # ASSUMED: an open quote does not swallow the next line
                self._quote = 0
                return at
            self._at = at + 1
            if self._quote:
                self._quote = 0
            elif mark != 0x23:
                self._quote = mark
            else:
                past = _past_block(pending, at)
                if past is None:
                    self._at = at
                    return None
                self._at = past
        self._at = len(pending)
        return None


def units(message: bytes) -> Iterator[Unit | ScpiError]:
    """Return the units of a message, in place of a malformed one the error that it makes."""
    for raw in _split(message, ord(";")):
        if not raw.strip():
            continue  # an empty unit is nothing: IEEE 488.2, 7.3.2
        try:
            yield _unit(raw)
        except ScpiError as error:
            yield error


def write(message: Iterable[Unit]) -> bytes:
    """Return the program message of these units, terminated."""
    return b";".join(_written_unit(unit) for unit in message) + b"\n"


def definite_block(data: bytes) -> bytes:
    """Return ``data`` as a definite length block: ``#`` digit length bytes."""
    length = str(len(data)).encode("ascii")
    return b"#%d%b%b" % (len(length), length, data)


def _past_block(text: bytes | bytearray, at: int) -> int | None:
    """Index after the block (or the mere hash sign) at ``at``; None if it is not all there."""
    if at > 0 and text[at - 1] not in b" \t,":
        return at + 1  # not at the beginning of a parameter: no block
    head = _BLOCK_HEAD.match(text, at)
    if head is None:
        return None if len(text) == at + 1 else at + 1
    digits = int(head[1])
    if len(head[2]) < digits:
        cut_short = head.end() == len(text)
        return None if cut_short else at + 1
    past = at + 2 + digits + int(head[2][:digits])
    return past if past <= len(text) else None


def _split(text: bytes, separator: int) -> Iterator[bytes]:
    """Cut at ``separator`` where it is not inside quotes, a block or parentheses."""
    begin = at = depth = 0
    while found := _OPENS.search(text, at):
        at = found.start()
        match text[at]:
            case 0x23:
                past = _past_block(text, at)
                at = len(text) if past is None else past
            case 0x22 | 0x27 as quote:
                past = text.find(quote, at + 1)
                at = len(text) if past < 0 else past + 1
            case 0x28:
                depth += 1
                at += 1
            case 0x29:
                depth = max(0, depth - 1)
                at += 1
            case other:
                if other == separator and depth == 0:
                    yield text[begin:at]
                    begin = at + 1
                at += 1
    yield text[begin:]


def _unit(raw: bytes) -> Unit:
    raw = raw.lstrip()
    text = raw.decode("latin-1")
    head = _HEADER.match(text)
    if head is None:
        code = -102 if text[0] in ":*?\"'" or (text[0].isascii() and text[0].isalnum()) else -101
        raise ScpiError(code, _shown(raw))
    header = head[1].upper()
    for mnemonic in header.lstrip("*:").split(":"):
        if len(mnemonic) > MNEMONIC_MAX:
            raise ScpiError(-112, mnemonic)
    rest = raw[head.end() :]
    if rest and rest[0] > 0x20:  # IEEE 488.2, 7.4.1.2: white space is 0 to 32
        raise ScpiError(-111, _shown(raw))
    return Unit(header, head[2] is not None, _parameters(rest))


def _parameters(raw: bytes) -> tuple[Parameter, ...]:
    if not raw.strip():
        return ()
    return tuple(_parameter(part) for part in _split(raw, ord(",")))


def _parameter(raw: bytes) -> Parameter:
    raw = _without_space(raw)
    if not raw:
        return Empty()
    text = raw.decode("latin-1")
    match text[0]:
        case "#":
            return _hash(raw, text)
        case '"' | "'" as quote:
            inner = text[1:-1].replace(quote * 2, "")
            if len(text) < 2 or text[-1] != quote or quote in inner:
                raise ScpiError(-151, _shown(raw))
            return Quoted(text[1:-1].replace(quote * 2, quote))
        case "(":
            if text[-1] != ")":
                raise ScpiError(-171, _shown(raw))
            return Expression(text)
        case first if first in "+-.0123456789":
            return _number(raw, text)
    if _WORD.fullmatch(text):
        return Word(text.upper())
    raise ScpiError(-141 if text[0].isascii() and text[0].isalpha() else -101, _shown(raw))


def _without_space(raw: bytes) -> bytes:
    """Strip white space around a parameter, but none that belongs to a block's bytes."""
    raw = raw.lstrip()
    if raw[:1] == b"#":
        past = _past_block(raw, 0)
        if past is not None and past > 1:
            return raw[:past] + raw[past:].rstrip()
    return raw.rstrip()


def _hash(raw: bytes, text: str) -> Parameter:
    radix, digits = _RADIX.get(text[1:2].upper(), (0, ""))
    if radix:
        written = text[2:].upper()
        if not written or written.strip(digits):
            raise ScpiError(-121, _shown(raw))
        if len(written) > DIGITS_MAX:
            raise ScpiError(-124, _shown(raw))
        return Number(Decimal(int(written, radix)))
    past = _past_block(raw, 0)
    if past is None or past < 3 or past != len(raw):
        raise ScpiError(-161, _shown(raw))
    return Block(raw[2 + int(text[1]) :])


def _number(raw: bytes, text: str) -> Number:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ScpiError(-121, _shown(raw))
    mantissa, exponent, suffix = match[1], match[2] or "0", match[3] or ""
    if len(exponent) > 7 or abs(int(exponent)) > EXPONENT_MAX:
        raise ScpiError(-123, _shown(raw))
    if len(mantissa) > DIGITS_MAX:
        raise ScpiError(-124, _shown(raw))
    if len(suffix) > SUFFIX_MAX:
        raise ScpiError(-134, suffix)
    return Number(Decimal(f"{mantissa}E{exponent}"), suffix.upper())


def _shown(raw: bytes) -> str:
    text = raw.decode("latin-1").strip()
    return text if len(text) <= 60 else text[:57] + "..."


def _written_unit(unit: Unit) -> bytes:
    head = (unit.header + ("?" if unit.query else "")).encode("ascii")
    if not unit.parameters:
        return head
    return head + b" " + b",".join(_written(parameter) for parameter in unit.parameters)


def _written(parameter: Parameter) -> bytes:
    match parameter:
        case Number(value, suffix):
            return f"{value}{' ' if suffix else ''}{suffix}".encode("ascii")
        case Word(text) | Expression(text):
            return text.encode("latin-1")
        case Quoted(text):
            return ('"' + text.replace('"', '""') + '"').encode("latin-1")
        case Block(data):
            return definite_block(data)
        case Empty():
            return b""
