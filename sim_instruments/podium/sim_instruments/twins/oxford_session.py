"""Lines of Oxford's grammar on a connection: each gets one answer, an empty one none."""

from typing import Protocol

from podium.firmware_interfaces import oxford_grammar as grammar


class Answers(Protocol):
    """A box that answers lines."""

    def answer(self, line: str, now_fs: int) -> str:
        """Return the answer to a line that is not empty."""
        ...


class OxfordSession:
    """One connection. A line that is too long is answered once, as invalid."""

    def __init__(self, box: Answers, end: bytes, line_max: int = grammar.LINE_MAX) -> None:
        """``end`` is what the answers end with, ``line_max`` how many bytes a line may have."""
        self._box, self._end, self._line_max = box, end, line_max
        self._buffer = b""

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return the answers."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > self._line_max:
            lines.append(self._buffer)
            self._buffer = b""
        texts = (line.decode("latin-1").strip() for line in lines)
        answers = (self._box.answer(text, now_fs) for text in texts if text)
        return b"".join(one.encode("latin-1") + self._end for one in answers)
