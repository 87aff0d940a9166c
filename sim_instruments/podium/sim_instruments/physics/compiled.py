"""Numba's caches on disk: what a compiled function takes from other files, Numba does not know."""

from pathlib import Path
from typing import Any


def forget_stale(function: Any, *sources: Path) -> None:
    """Drop what was compiled of ``function`` before one of ``sources`` was changed.

    Numba compares the file of the function itself with its cache, and no other: of what that file
    imports, the constants and small functions of then would go on to be executed. To be called
    before the function is. Where Numba is told to compile nothing (``NUMBA_DISABLE_JIT``), there
    is nothing to drop.
    """
    if not hasattr(function, "stats"):
        return
    folder = Path(function.stats.cache_path)
    code = function.py_func.__code__
    newest_ns = max(source.stat().st_mtime_ns for source in sources)
    for index in folder.glob(f"{Path(code.co_filename).stem}.{code.co_qualname}-*.nbi"):
        if index.stat().st_mtime_ns < newest_ns:
            index.unlink(missing_ok=True)
