"""Commands and replies of a cluster are split from the byte stream, and written to it, here.

Client to cluster: one line for each command, ended by LF. A line may hold quoted
text and definite-length blocks (IEEE 488.2, 8.7.9: ``#<digits><length><bytes>``),
both of which may hold any character, LF included.

Cluster to client: a line of text ended by CR LF, or one or more blocks followed by
a single CR LF. A query that fails is answered by an empty line; the reason is in the
error queue.
"""

import re
from dataclasses import dataclass

END_OF_REPLY = b"\r\n"
LINE_MAX_BYTES = 1 << 20
"""Text outside blocks in one command. ASSUMED: the limit of the real parser is not published."""
BLOCK_MAX_BYTES = 1 << 26
"""ASSUMED: well above the largest program the vendor's client sends (10 495 KiB)."""

_SPECIAL = re.compile(rb'["#\n]')
_ARGUMENT = re.compile(r'(?:[^",]++|"[^"]*+(?:"|\Z))*+')


@dataclass(frozen=True, slots=True)
class Command:
    """One command or query as it came in."""

    header: str
    """Up to the first space, as sent, ``?`` included: ``SEQuencer0:STATE?``."""
    arguments: tuple[str, ...] = ()
    """Separated by commas, quotes removed; blocks are not among them."""
    block: bytes | None = None
    """Payload of the (last) block, if there was one."""

    @property
    def is_query(self) -> bool:
        """Tell whether an answer is expected."""
        return self.header.endswith("?")


@dataclass(frozen=True, slots=True)
class MalformedLine:
    """A line that is no command. The stream goes on with the next line."""

    reason: str


class CommandSplitter:
    """Cuts what arrives on one connection into commands, however the bytes were chopped."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._quoted = False
        self._block_end = -1
        self._blocks: list[tuple[int, int, int]] = []
        self._skipping = False

    def feed(self, data: bytes) -> list[Command | MalformedLine]:
        """Take ``data`` and return the commands it completes."""
        self._buffer += data
        done: list[Command | MalformedLine] = []
        while (found := self._next()) is not None:
            if found:
                done.extend(found)
        return done

    def _next(self) -> list[Command | MalformedLine] | None:
        """Advance to the next special byte; None when more data is needed."""
        if self._block_end >= 0:
            if len(self._buffer) < self._block_end:
                return None
            self._at = self._block_end
            self._block_end = -1
        match = _SPECIAL.search(self._buffer, self._at)
        if match is None:
            self._at = len(self._buffer)
            return self._overlong() if self._text_bytes() > LINE_MAX_BYTES else None
        where, special = match.start(), match.group()
        if special == b"\n" and (self._skipping or not self._quoted):
            return self._end_of_line(where)
        self._at = where + 1
        if self._skipping or special == b"\n":
            return []
        if special == b'"':
            self._quoted = not self._quoted
            return []
        return [] if self._quoted else self._open_block(where)

    def _text_bytes(self) -> int:
        return self._at - sum(end - start for start, _, end in self._blocks)

    def _overlong(self) -> list[Command | MalformedLine] | None:
        reason = f"more than {LINE_MAX_BYTES} bytes of text without a line end"
        found: list[Command | MalformedLine] = [] if self._skipping else [MalformedLine(reason)]
        self._skip()
        del self._buffer[:]
        self._at = 0
        return found or None

    def _open_block(self, where: int) -> list[Command | MalformedLine] | None:
        """Read the head of the block at ``where``; None (and step back) when it is not all here."""
        digits = self._buffer[where + 1 : where + 2]
        if not digits:
            self._at = where
            return None
        if not digits.isdigit() or digits == b"0":
            return self._bad_block(f"'#' is followed by {bytes(digits)!r}, expected a digit 1-9")
        count = int(digits)
        length_text = self._buffer[where + 2 : where + 2 + count]
        if len(length_text) < count:
            if not length_text or length_text.isdigit():
                self._at = where
                return None
            return self._bad_block(f"block length {bytes(length_text)!r} is not a number")
        if not length_text.isdigit():
            return self._bad_block(f"block length {bytes(length_text)!r} is not a number")
        length = int(length_text)
        if length > BLOCK_MAX_BYTES:
            return self._bad_block(f"block of {length} bytes, at most {BLOCK_MAX_BYTES} fit")
        start = where + 2 + count
        self._block_end = start + length
        self._blocks.append((where, start, self._block_end))
        return []

    def _bad_block(self, reason: str) -> list[Command | MalformedLine]:
        self._skip()
        return [MalformedLine(reason)]

    def _skip(self) -> None:
        self._skipping = True
        self._quoted = False
        self._blocks.clear()

    def _end_of_line(self, where: int) -> list[Command | MalformedLine]:
        skipped, blocks = self._skipping, list(self._blocks)
        text = bytearray()
        block: bytes | None = None
        position = 0
        for head, start, end in blocks:
            text += self._buffer[position:head]
            block = bytes(self._buffer[start:end])
            position = end
        text += self._buffer[position:where]
        del self._buffer[: where + 1]
        self._at = 0
        self._skipping = self._quoted = False
        self._blocks.clear()
        if skipped:
            return []
        line = text.decode("utf-8", "replace").strip()
        if not line and block is None:
            return []
        if not line:
            return [MalformedLine("a block without a command before it")]
        header, _, rest = line.partition(" ")
        return [Command(header, _split_arguments(rest.strip()), block)]


def _split_arguments(text: str) -> tuple[str, ...]:
    """Split at commas outside quotes, and drop the empty one that a block leaves behind."""
    if not text:
        return ()
    parts: list[str] = []
    at = 0
    while at <= len(text):
        end = at if (part := _ARGUMENT.match(text, at)) is None else part.end()
        parts.append(text[at:end])
        at = end + 1
    cleaned = [part.strip() for part in parts]
    if cleaned and not cleaned[-1]:
        cleaned.pop()
    return tuple(
        part[1:-1] if len(part) >= 2 and part[0] == part[-1] == '"' else part for part in cleaned
    )


def encode_command(command: Command) -> bytes:
    """Return the bytes a client sends for ``command``; arguments that are no numbers are quoted."""
    line = command.header
    if command.arguments:
        line += " " + ",".join(map(_quote, command.arguments))
    data = line.encode()
    if command.block is not None:
        data += (b", " if command.arguments else b" ") + block(command.block)
    return data + b"\n"


def _quote(argument: str) -> str:
    return argument if re.fullmatch(r"[-+.\w]+", argument) else f'"{argument}"'


def block(data: bytes) -> bytes:
    """Return ``data`` as a definite-length block, without a line end."""
    return _head(data) + data


def _head(data: bytes) -> bytes:
    length = b"%d" % len(data)
    return b"#%d%s" % (len(length), length)


def text_reply(text: str) -> bytes:
    """Return ``text`` as a reply line."""
    return text.encode() + END_OF_REPLY


def block_reply(*payloads: bytes) -> bytes:
    """Return ``payloads`` as blocks one after the other, with the one line end that closes them."""
    # Joined once: bins of single shots take megabytes.
    pieces = [piece for payload in payloads for piece in (_head(payload), payload)]
    return b"".join([*pieces, END_OF_REPLY])


def take_blocks(reply: bytes) -> tuple[bytes, ...]:
    """Return the payloads of a reply made of blocks; ValueError if it is anything else."""
    payloads: list[bytes] = []
    at = 0
    while reply[at : at + 1] == b"#":
        digits = int(reply[at + 1 : at + 2])
        start = at + 2 + digits
        at = start + int(reply[at + 2 : start])
        if at > len(reply):
            raise ValueError(f"the block announces {at - len(reply)} bytes more than there are")
        payloads.append(reply[start:at])
    if reply[at:] != END_OF_REPLY:
        raise ValueError(
            f"expected CR LF after {len(payloads)} blocks, found {reply[at : at + 8]!r}"
        )
    return tuple(payloads)
