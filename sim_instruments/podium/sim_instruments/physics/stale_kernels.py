"""Stale entries of Numba's caches: Numba does not see changes in files that a kernel imports."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any


def forget_stale(function: Any, *sources: Path) -> None:
    """Drop what was compiled of ``function`` from other contents of ``sources``.

    Numba compares the file of the function itself with its cache, and no other: of what that file
    imports, the constants and small functions of then would go on to be executed. A file beside
    the cache says which contents they had. To be called before the function is. Where Numba is
    told to compile nothing (``NUMBA_DISABLE_JIT``), there is nothing to drop.
    """
    if not hasattr(function, "stats"):
        return
    folder = Path(function.stats.cache_path)
    code = function.py_func.__code__
    name = f"{Path(code.co_filename).stem}.{code.co_qualname}"
    note = folder / f"{name}.sources"
    contents = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    with suppress(OSError, ValueError):
        if note.read_text(encoding="ascii") == contents:
            return
    for index in folder.glob(f"{name}-*.nbi"):
        index.unlink(missing_ok=True)
    with suppress(OSError):  # a cache that cannot be written: nothing is kept there either
        folder.mkdir(parents=True, exist_ok=True)
        note.write_text(contents, encoding="ascii")
