"""Texts for fuzzing: sound ones with something wrong, hostile ones, and noise, all from a seed."""

import random
from typing import Final

from tests.hostile.families import FAMILIES
from tests.hostile.parser import Parser

SIZE_MAX: Final = 4096
WORDS: Final = (
    *(
        b"",
        b"-1",
        b"1e999",
        b"nan",
        b"inf",
        b"0x",
        b"9" * 5000,
        b"4294967296",
        b'"',
        b"'",
        b"\\u00",
    ),
    *(b"\\u00", b"#0", b"#9", b"#15", b"\n", b"\r\n", b"\x00", b"\xff\xfe", b"[[", b"{}", b"null"),
    *(b'{"type": "Play"}', b": ", b"- ", b"&a ", b"*a", b"!!python/object ", b"<<: "),
)


def mutant(parser: Parser, chance: random.Random) -> bytes:
    """Return a text of at most :data:`SIZE_MAX` bytes for one of the frames of a parser."""
    kind = chance.randrange(4)
    if kind == 0:
        size = chance.choice((16, 256, SIZE_MAX))
        inner = FAMILIES[chance.choice(list(FAMILIES))].text(size)
        return _framed(parser, chance, inner)
    if kind == 1:
        return _framed(parser, chance, chance.randbytes(chance.choice((1, 8, 40, 400))))
    sound = bytearray(chance.choice(parser.samples or parser.frames))
    for _ in range(chance.choice((1, 1, 2, 5))):
        _spoil(sound, chance)
    return bytes(sound[:SIZE_MAX])


def _framed(parser: Parser, chance: random.Random, inner: bytes) -> bytes:
    frame = chance.choice(parser.frames)
    room = SIZE_MAX - len(frame)
    return frame.replace(b"%s", inner[:room])


def _spoil(text: bytearray, chance: random.Random) -> None:
    """Change one thing."""
    at, to = sorted(chance.randrange(len(text) + 1) for _ in range(2))
    match chance.randrange(5):
        case 0:
            text[at:to] = b""
        case 1:
            text[at:at] = chance.choice(WORDS)
        case 2:
            text[at:at] = text[at:to]
        case 3 if at < len(text):
            text[at] ^= 1 << chance.randrange(8)
        case _:
            text[at:to] = chance.randbytes(chance.randrange(9))
