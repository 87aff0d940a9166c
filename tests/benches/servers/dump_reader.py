"""A value change dump, read by pyvcd (MIT): none of our code."""

import io
from bisect import bisect_right
from dataclasses import dataclass, field

from vcd.reader import TokenKind, tokenize

FS = {"s": 10**15, "ms": 10**12, "us": 10**9, "ns": 10**6, "ps": 1000, "fs": 1}


@dataclass
class Read:
    """One variable: its kind and its changes."""

    kind: str
    at_fs: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def at(self, fs: int) -> float:
        return self.values[bisect_right(self.at_fs, fs) - 1]

    def rises(self) -> list[int]:
        return [at for at, value in zip(self.at_fs, self.values, strict=True) if value == 1.0]

    def falls(self) -> list[int]:
        """Instants of falling edges: not the value at time 0."""
        return [a for a, v in zip(self.at_fs, self.values, strict=True) if v == 0.0 and a > 0]


def read(text: str) -> tuple[dict[str, Read], list[str]]:
    """Return variables by their full names, and the comments."""
    scopes: list[str] = []
    found: dict[str, Read] = {}
    by_code: dict[str, Read] = {}
    comments: list[str] = []
    step_fs = now_fs = 0
    for token in tokenize(io.BytesIO(text.encode("ascii"))):
        match token.kind:
            case TokenKind.COMMENT:
                comments.append(str(token.data).strip())
            case TokenKind.TIMESCALE:
                step_fs = token.timescale.magnitude * FS[token.timescale.unit.value]
            case TokenKind.SCOPE:
                scopes.append(token.scope.ident)
            case TokenKind.UPSCOPE:
                scopes.pop()
            case TokenKind.VAR:
                one = Read(token.var.type_.value)
                found[".".join((*scopes, token.var.reference))] = one
                by_code[token.var.id_code] = one
            case TokenKind.CHANGE_TIME:
                assert token.time_change * step_fs >= now_fs, "time goes back"
                now_fs = token.time_change * step_fs
            case TokenKind.CHANGE_SCALAR | TokenKind.CHANGE_REAL:
                change = token.data
                by_code[change.id_code].at_fs.append(now_fs)
                by_code[change.id_code].values.append(float(change.value))
    assert not scopes
    return found, comments
