"""What nobody should send to an instrument: garbage, half lines, wrong blocks, huge claims."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from podium.firmware_interfaces.qblox_cluster.command_table import COMMANDS, CommandEntry

STARTS: Final = ("START",)
"""Commands that nothing here sends: what they start takes time in which nothing is tried."""
ENTRIES: Final = [entry for entry in COMMANDS if not entry.header.endswith(STARTS)]
WORDS: Final = [
    *("0", "1", "-1", "7", "63", "64", "1023", "1e3", "1e400", "-1e400", "nan", "inf", "0x10"),
    *("4294967296", "99999999999999999999999", "9" * 5000, "1.5", "", " ", "all", "ON", "?"),
    *('"a"', '"', '""', '"a,b"', "'a'", "#", "#0", "#12ab", "\x00", "é", "R1", "*", ";", ":", "\\"),
]
JSON_VALUES: Final[list[object]] = [
    *(None, True, 0, -1, 2**70, 1.5, float("nan"), float("inf"), "", "x", [], {}, [[]], [{}]),
    *([[0], [1]], [[-1], [9]], {"awg": 5}, {"awg": [None]}, {"acq": [], "awg": [], "seq_proc": 0}),
    *([{"router_id": 1, "mask": -1, "event_id": [1040]}], {"R1": True}, {"sel_path": {}}),
]
PROGRAMS: Final = [
    b"",
    b"\x00\xff",
    b"stop",
    b"move R1",
    b"jmp @nowhere",
    b"a: a: nop",
    b"nop\n" * 20_000,
    b"x" * 100_000,
    b"#" * 1000,
    b"wait 4\xe9\n",
    b".DEF a $a\nstop $a",
    b"stop 99999999999999999999",
]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one connection is told."""

    kind: str
    pieces: tuple[bytes, ...]
    """Sent one after the other, as packets of their own."""


def attempt(chance: random.Random) -> Attempt:
    """Return one attempt."""
    kind = chance.choice(list(KINDS))
    data = KINDS[kind](chance)
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice((0, 0, 1, 3))))
    pieces = (data[a:b] for a, b in pairwise([0, *cuts, len(data)]))
    return Attempt(kind, tuple(piece for piece in pieces if piece))


def _noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((1, 3, 30, 300, 3000)))


def _noisy_lines(chance: random.Random) -> bytes:
    """Bytes that mean something to a parser, in no order."""
    return bytes(chance.choices(b'ABc:*?#"\n\r, 0123456789;\x00', k=chance.choice((5, 50, 500))))


def _header(chance: random.Random, entry: CommandEntry) -> str:
    numbers = ("0", "1", "5", "6", "20", "99", "-1", "", "00000000000000000000")
    header = "".join(chance.choice(numbers) if c == "#" else c for c in entry.header)
    slot = chance.choice(("", "", "", "SLOT2:", "SLOT0:", "SLOT99:", "SLOT:"))
    header = slot + header
    return chance.choice((header, header.lower(), header.upper()))


def _line(chance: random.Random, entry: CommandEntry | None = None) -> bytes:
    """A command of the cluster with arguments that may be anything."""
    entry = entry or chance.choice(ENTRIES)
    count = max(0, len(entry.arguments) + chance.choice((-1, 0, 0, 0, 1, 3)))
    arguments = ",".join(chance.choice(WORDS) for _ in range(count))
    return f"{_header(chance, entry)} {arguments}".encode()


def _lines(chance: random.Random) -> bytes:
    end = chance.choice((b"\n", b"\n", b"\r\n", b"\n\n"))
    return b"".join(_line(chance) + end for _ in range(chance.choice((1, 2, 10))))


def _half_line(chance: random.Random) -> bytes:
    line = _line(chance)
    return line[: chance.randrange(1, len(line) + 1)]


def _payload(chance: random.Random) -> bytes:
    match chance.randrange(5):
        case 0:
            return chance.randbytes(chance.choice((0, 1, 2, 3, 7, 64, 5000)))
        case 1:
            return json.dumps(chance.choice(JSON_VALUES)).encode()
        case 2:
            return chance.choice((b"[", b'{"a":')) * chance.choice((10, 10_000))
        case 3:
            return json.dumps({k: chance.choice(JSON_VALUES) for k in ("awg", "acq")}).encode()
        case _:
            return chance.choice(PROGRAMS)


def _with_block(chance: random.Random, announced: int | None = None) -> bytes:
    entries = [entry for entry in ENTRIES if entry.takes_block]
    payload = _payload(chance)
    length = str(len(payload) if announced is None else announced)
    names = chance.choice((b"", b"", b'"a", ', b"5, "))
    line = _header(chance, chance.choice(entries)).encode() + b" " + names
    return line + f"#{len(length)}{length}".encode() + payload + b"\n"


def _block(chance: random.Random) -> bytes:
    return _with_block(chance)


def _wrong_block(chance: random.Random) -> bytes:
    return _with_block(chance, chance.choice((0, 1, 5, 100, 65_536, 10_000_000)))


def _claim(chance: random.Random) -> bytes:
    """A block of up to a gigabyte is announced, or one with ten digits, and little comes."""
    claims = (999_999_999, 500_000_000, 67_108_865, 67_108_864, 1 << 30, 10**12)
    return _with_block(chance, chance.choice(claims))


def _bad_head(chance: random.Random) -> bytes:
    head = chance.choice((b"#", b"#0", b"#x", b"#9", b"#1", b"#3a12", b"##", b"#-1", b"#9   12"))
    return _line(chance) + head + _payload(chance) + chance.choice((b"", b"\n"))


def _open_quote(chance: random.Random) -> bytes:
    return _line(chance) + b' "' + chance.randbytes(20) + b"\n" + _line(chance) + b"\n"


KINDS: Final[dict[str, Callable[[random.Random], bytes]]] = {
    "noise": _noise,
    "noisy lines": _noisy_lines,
    "lines": _lines,
    "half a line": _half_line,
    "a block": _block,
    "a block of the wrong length": _wrong_block,
    "a claim": _claim,
    "a bad head of a block": _bad_head,
    "an open quote": _open_quote,
}
