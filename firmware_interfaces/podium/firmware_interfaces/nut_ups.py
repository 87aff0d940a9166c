"""Network UPS Tools: the protocol by which ``upsd`` says how a power supply with a battery is.

Lines of words; a word with spaces stands in double quotes, with a backslash before a quote, a
backslash or a number sign in it.

Sources: RFC 9271 (commands, responses, errors: sections 4 and 5; names of variables: appendix A)
and Network UPS Tools 2.8 (docs/net-protocol.txt; where these leave it open, upsd's own source,
server/netcmds.h, netget.c, netlist.c, netset.c, netuser.c and netinstcmd.c).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

TCP_PORT = 3493  # RFC 9271, 7
PROTOCOLS = {"2.7.4": "1.2", "2.8.0": "1.3"}
"""Protocol by release of upsd (docs/net-protocol.txt, "Revision history")."""
PROTOCOL = PROTOCOLS["2.8.0"]
NEW_IN_1_3 = ("PROTVER", "PRIMARY", "TRACKING")
"""Words that a server of protocol 1.2 does not know."""
LINE_MAX = 1024
"""Bytes of a line that is taken. ASSUMED: the buffers of Network UPS Tools."""
END = b"\n"
_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^\s"\\]|\\.)+))')
_ESCAPED = re.compile(r"\\(.)")


class NutError(ValueError):
    """A line, or an answer, is none of this protocol. The message says what is wrong."""


class Refusal(Enum):
    """Errors (RFC 9271, 4.3)."""

    ACCESS_DENIED = "ACCESS-DENIED"
    ALREADY_SET_PASSWORD = "ALREADY-SET-PASSWORD"
    ALREADY_SET_USERNAME = "ALREADY-SET-USERNAME"
    COMMAND_NOT_SUPPORTED = "CMD-NOT-SUPPORTED"
    FEATURE_NOT_CONFIGURED = "FEATURE-NOT-CONFIGURED"
    INVALID_ARGUMENT = "INVALID-ARGUMENT"
    UNKNOWN_COMMAND = "UNKNOWN-COMMAND"
    UNKNOWN_UPS = "UNKNOWN-UPS"
    USERNAME_REQUIRED = "USERNAME-REQUIRED"
    PASSWORD_REQUIRED = "PASSWORD-REQUIRED"
    VARIABLE_NOT_SUPPORTED = "VAR-NOT-SUPPORTED"


class Word(Enum):
    """Words of ``ups.status`` (RFC 9271, 5.1)."""

    ON_LINE = "OL"
    ON_BATTERY = "OB"
    LOW_BATTERY = "LB"
    CHARGING = "CHRG"
    DISCHARGING = "DISCHRG"
    OVERLOAD = "OVER"
    REPLACE_BATTERY = "RB"
    BYPASS = "BYPASS"
    OFF = "OFF"
    ALARM = "ALARM"
    FORCED_SHUTDOWN = "FSD"


def words(line: str) -> tuple[str, ...]:
    """Return the words of a line; raises :class:`NutError` for quotes that do not close."""
    found, at = [], 0
    line = line.rstrip()
    while at < len(line):
        match = _WORD.match(line, at)
        if match is None:
            raise NutError(f"no words from {line[at : at + 20]!r} on")
        quoted, bare = match.groups()
        found.append(_ESCAPED.sub(r"\1", bare if quoted is None else quoted))
        at = match.end()
    return tuple(found)


def quoted(text: str) -> str:
    """Return a value as answers have it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("#", "\\#")
    return f'"{escaped}"'


def list_lines(what: str, rows: Iterable[str]) -> Iterator[str]:
    """Return the lines of a list: ``what`` is ``VAR name`` or the like."""
    yield f"BEGIN LIST {what}"
    yield from rows
    yield f"END LIST {what}"


def variable_line(ups: str, name: str, value: str) -> str:
    """Return the line of a variable."""
    return f"VAR {ups} {name} {quoted(value)}"


def read_variables(ups: str, lines: Iterable[str]) -> dict[str, str]:
    """Return the variables of a list, by name.

    Raises :class:`NutError` for an answer that is no list of this supply's variables.
    """
    rows = [words(line) for line in lines]
    begin, end = ("BEGIN", "LIST", "VAR", ups), ("END", "LIST", "VAR", ups)
    if len(rows) < 2 or rows[0] != begin or rows[-1] != end:
        raise NutError(f"no list of the variables of {ups}")
    found: dict[str, str] = {}
    for row in rows[1:-1]:
        if len(row) != 4 or row[:2] != ("VAR", ups):
            raise NutError(f"no variable of {ups}: {' '.join(row)[:60]!r}")
        found[row[2]] = row[3]
    return found


def number_of(variables: Mapping[str, str], name: str) -> float | None:
    """Return a variable that is a number; None where there is none, or it is no finite one."""
    try:
        value = float(variables[name])
    except (KeyError, ValueError):
        return None
    return value if abs(value) < float("inf") else None
