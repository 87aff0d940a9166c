"""Stale entries of Numba's caches: Numba does not see changes in files that a kernel imports."""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "podium"
"""Modules of it are looked into; others come with versions, which Numba's caches do not know of
either, but :mod:`.kernel_cache` does."""


def forget_stale(modules: Iterable[tuple[str, Path]], note: Path, package: str = PACKAGE) -> None:
    """Drop what was compiled of modules when what they import had other contents than now.

    Numba compares the file of a function itself with its cache, and no other: constants and small
    functions of other files would go on to be executed as they were.

    ``modules``: name of each module with kernels, and the folder of their cache. ``note``: a file
    that says which contents they had, written anew. To be called before a kernel is.
    """
    known: dict[str, str] = {}
    with suppress(OSError, ValueError):
        known = dict(json.loads(note.read_text(encoding="utf-8")))
    imports: dict[str, tuple[str, frozenset[str]]] = {}
    now: dict[str, str] = {}
    for module, cache in modules:
        now[module] = _contents(module, imports, package)
        if known.get(module) == now[module]:
            continue
        for pattern in ("nbi", "nbc"):
            for entry in cache.glob(f"{module.rpartition('.')[2]}.*.{pattern}"):
                entry.unlink(missing_ok=True)
    note.write_text(json.dumps(known | now, indent=1), encoding="utf-8")


def _contents(module: str, imports: dict[str, tuple[str, frozenset[str]]], package: str) -> str:
    """Return a word for the contents of a module and of all that it imports, and so on."""
    found: set[str] = set()
    ahead = [module]
    while ahead:
        name = ahead.pop()
        if name in found:
            continue
        found.add(name)
        if name not in imports:
            imports[name] = _looked_into(name, package)
        ahead += imports[name][1]
    told = sorted((name, imports[name][0]) for name in found)
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _looked_into(module: str, package: str) -> tuple[str, frozenset[str]]:
    """Return a word for the contents of one module, and the modules of the package it imports."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:  # a folder without a file of its own
        return "", frozenset()
    source = Path(spec.origin).read_bytes()
    named = frozenset(
        name for name in _imported(ast.parse(source)) if name.partition(".")[0] == package
    )
    return hashlib.sha256(source).hexdigest(), frozenset(filter(_is_module, named))


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield what may be modules of what a file imports, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # a name in a module that is no package
        return False
