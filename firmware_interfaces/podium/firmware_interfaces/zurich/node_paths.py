"""Paths of nodes, and expressions that fit many of them.

In an expression ``*`` stands for any characters but slashes, and an expression that fits a branch
means all below it (labone 1.1.0, examples of ``Session.list_nodes``). Case does not matter.
"""

import re
from collections.abc import Iterable
from enum import IntFlag
from functools import lru_cache


class ListFlags(IntFlag):
    """Options of listing nodes (labone 1.1.0, ``ListNodesFlags``; ``ziListEnum`` of the vendor)."""

    RECURSIVE = 1
    ABSOLUTE = 1 << 1
    LEAVES_ONLY = 1 << 2
    SETTINGS_ONLY = 1 << 3
    STREAMING_ONLY = 1 << 4
    SUBSCRIBED_ONLY = 1 << 5
    BASE_CHANNEL_ONLY = 1 << 6
    GET_ONLY = 1 << 7
    EXCLUDE_STREAMING = 1 << 20
    EXCLUDE_VECTORS = 1 << 24


def normal(path: str) -> str:
    """Return a path as it is compared: small letters, one slash in front, none behind."""
    return "/" + path.strip().strip("/").lower()


def is_expression(path: str) -> bool:
    """Tell whether it may fit several nodes."""
    return "*" in path or "," in path


@lru_cache(maxsize=1024)
def pattern(expression: str) -> re.Pattern[str]:
    """Return what fits the whole path of a node, or of a branch above it, for an expression.

    Several may stand in one, with commas between them. What stands between two asterisks is looked
    for once only (atomic groups), so that no expression takes long.
    """
    return re.compile(f"(?:{'|'.join(map(_one, expression.split(',')))})" + r"(?=/|\Z)")


def _one(expression: str) -> str:
    first, *others = [re.escape(piece) for piece in re.split(r"\*+", normal(expression))]
    if not others:
        return first.rstrip("/")
    *between, last = others
    return first + "".join(f"(?>[^/]*?{piece})" for piece in between) + f"[^/]*?{last.rstrip('/')}"


def fits(expression: str, path: str) -> bool:
    """Tell whether an expression fits a node or a branch above it."""
    return pattern(expression).match(path) is not None


def listed(expression: str, paths: Iterable[str], flags: ListFlags) -> tuple[str, ...]:
    """Return the names that a listing shows, in the order of ``paths`` (absolute ones of leaves).

    Not recursive: what stands directly below what fits. Without ``ABSOLUTE`` only the last step
    of it, or, recursive, what lies below the root of the instrument.
    """
    found: dict[str, None] = {}
    # Nodes that fit by themselves are listed unless something stands below them.
    itself: dict[str, str] = {}
    whole = pattern(expression)
    for path in paths:
        match = whole.match(path)
        if match is None:
            continue
        if flags & ListFlags.RECURSIVE:
            if not flags & ListFlags.LEAVES_ONLY:
                _add_branches(found, path, match.end(), flags)
            found[_shown(path, flags)] = None
            continue
        if match.end() == len(path):
            itself[path] = path if flags & ListFlags.ABSOLUTE else path.rpartition("/")[2]
            continue
        itself.pop(path[: match.end()], None)
        end = _next(path, match.end())
        if end < len(path) and flags & ListFlags.LEAVES_ONLY:
            continue
        child = path[:end]
        if flags & ListFlags.ABSOLUTE:
            found[child] = None
        else:
            found[child.rpartition("/")[2]] = None
    return (*itself.values(), *found)


def base_channels(paths: Iterable[str]) -> tuple[str, ...]:
    """Return those paths in which every index is 0, but for that of the instrument."""
    return tuple(path for path in paths if not re.search(r"/(?!0+(?:/|\Z))\d+(?=/|\Z)", path))


def _next(path: str, end: int) -> int:
    """Return where the step after ``end`` ends."""
    if end >= len(path):
        return end
    slash = path.find("/", end + 1)
    return len(path) if slash < 0 else slash


def _add_branches(found: dict[str, None], path: str, end: int, flags: ListFlags) -> None:
    while (end := _next(path, end)) < len(path):
        found[_shown(path[:end], flags)] = None


def _shown(path: str, flags: ListFlags) -> str:
    return path if flags & ListFlags.ABSOLUTE else path.partition("/")[2].partition("/")[2]
