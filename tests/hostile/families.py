"""Texts that a stranger may send to slow a parser down: one short piece repeated to any length."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Family:
    """Texts of one shape and of any length."""

    head: bytes
    piece: bytes
    """Stands as often as fits."""
    tail: bytes = b""

    def text(self, size: int) -> bytes:
        """Return the text of ``size`` bytes, or a few less."""
        room = size - len(self.head) - len(self.tail)
        return self.head + self.piece * (room // len(self.piece)) + self.tail


def _of(piece: bytes, head: bytes = b"", tail: bytes = b"") -> tuple[Family, Family]:
    """Return the family, and the same with an end that fits nothing: it sends a regex back."""
    return Family(head, piece, tail), Family(head, piece, tail + b"\x01!")


FAMILIES: Final[dict[str, Family]] = {
    f"{name}{end}": family
    for name, both in {
        "digits": _of(b"9"),
        "zeros": _of(b"0"),
        "negative digits": _of(b"7", b"-"),
        "digits after a point": _of(b"3", b"."),
        "digits of an exponent": _of(b"8", b"1e"),
        "points": _of(b"1."),
        "exponents": _of(b"1e1"),
        "hexadecimal": _of(b"f", b"0x"),
        "non-decimal": _of(b"F", b"#H"),
        "signs": _of(b"+-"),
        "letters": _of(b"a"),
        "capitals": _of(b"AB"),
        "letters and digits": _of(b"A1"),
        "underscores": _of(b"_"),
        "spaces": _of(b" "),
        "tabs": _of(b"\t "),
        "spaces within": _of(b" ", b"1", b"1"),
        "words": _of(b"a "),
        "commas": _of(b","),
        "list": _of(b"1,"),
        "semicolons": _of(b";"),
        "units": _of(b"a;"),
        "colons": _of(b":"),
        "headers": _of(b"a:"),
        "questions": _of(b"*IDN?;"),
        "slashes": _of(b"/"),
        "steps": _of(b"a/"),
        "asterisks": _of(b"*"),
        "asterisks and letters": _of(b"*a"),
        "double quotes": _of(b'"'),
        "single quotes": _of(b"'"),
        "an open quote": _of(b"x", b'"'),
        "quoted": _of(b'"a",'),
        "pairs of quotes": _of(b"'\""),
        "hashes": _of(b"#"),
        "blocks": _of(b" #11a"),
        "heads of blocks": _of(b" #9"),
        "an endless block": _of(b"1", b"#9"),
        "parentheses": _of(b"("),
        "closed": _of(b"()"),
        "brackets": _of(b"["),
        "braces": _of(b"{"),
        "nested JSON": _of(b'{"a":'),
        "lists in JSON": _of(b"[1],", b"["),
        "keys in JSON": _of(b'"a":1,', b"{"),
        "escapes": _of(b"\\"),
        "lines": _of(b"\n"),
        "returns": _of(b"\r"),
        "short lines": _of(b"a\n"),
        "labels": _of(b"a:\n"),
        "moves": _of(b"move 1,R1\n"),
        "points of a name": _of(b"a."),
        "dashes": _of(b"- "),
        "hyphens": _of(b"a-"),
        "nested maps": _of(b"? "),
        "anchors": _of(b"&a [*a,"),
        "symbols": _of(b"$a "),
        "at signs": _of(b"@"),
        "percents": _of(b"%41"),
        "zero bytes": _of(b"\x00"),
        "high bytes": _of(b"\xff"),
        "accents": _of("é".encode()),
        "digits of another script": _of("٣".encode()),
        "tags": _of(b"\x30\x80"),
        "lengths": _of(b"\x30\x84\x00\x00\x0f\xff"),
        "pointers": _of(b"\xfc\xff\xff\xff\x00\x00\x00\x00"),
        "lists of pointers": _of(b"\x01\x00\x00\x00\x0e\x00\x00\x00"),
    }.items()
    for end, family in zip(("", ", cut off"), both, strict=True)
}
