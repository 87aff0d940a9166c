"""Kernels that Numba has compiled, on disk: whether all are there, and one copy for all users.

Numba keeps them beside the modules, or where that cannot be written, in a folder of the user's
(``NUMBA_CACHE_DIR`` names another). It does not look beside the modules then, though all may be
there, compiled by who has installed them: those are copied.
"""

import hashlib
import json
import platform
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

FAMILIES = ("chip", "qblox_cluster", "zurich")
"""Of kernels: the physics of a chip, and the processors of two families of controllers."""
ROOM = Path(__file__).parents[1]
SOURCES = ("physics", "twins/qblox_cluster", "twins/zurich/sequencer")
"""Folders with kernels, in :data:`ROOM`."""
NOTE = "podium_kernels.json"


def cache_folder() -> Path:
    """Return the folder in which Numba keeps the physics' kernels."""
    from podium.sim_instruments.physics.evolution import evolve

    return Path(str(evolve.stats.cache_path))


def compiled(families: Sequence[str]) -> bool:
    """Tell whether all kernels of these families are in the cache, for this processor."""
    return not families or _noted(cache_folder(), families)


def note_compiled(families: Sequence[str]) -> None:
    """Note that all kernels of these families are in the cache."""
    folder = cache_folder()
    known = _read(folder / NOTE)
    (folder / NOTE).write_text(json.dumps(known | dict.fromkeys(families, _stamp())))


def copy_of_install(families: Sequence[str]) -> bool:
    """Copy what was compiled beside the modules to where Numba looks; tell whether all is there."""
    folder, beside = cache_folder(), ROOM / "physics" / "__pycache__"
    if folder == beside or not _noted(beside, families):
        return False
    for modules in SOURCES:
        into = cache_folder_of(modules)
        into.mkdir(parents=True, exist_ok=True)
        for pattern in ("*.nbc", "*.nbi"):  # the index last: it names the others
            for file in (ROOM / modules / "__pycache__").glob(pattern):
                shutil.copy2(file, into)
    note_compiled(families)
    return True


def cache_folder_of(modules: str) -> Path:
    """Return where Numba keeps kernels of one of :data:`SOURCES`."""
    if modules == "physics":
        return cache_folder()
    if modules == "twins/qblox_cluster":
        from podium.sim_instruments.twins.qblox_cluster import q1_kernel

        return Path(str(q1_kernel.execute.stats.cache_path))
    from podium.sim_instruments.twins.zurich.sequencer import kernel

    return Path(str(kernel.execute.stats.cache_path))


def _noted(folder: Path, families: Sequence[str]) -> bool:
    stamp, known = _stamp(), _read(folder / NOTE)
    return all(known.get(one) == stamp for one in families)


def _read(note: Path) -> dict[str, Any]:
    try:
        known = json.loads(note.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _stamp() -> str:
    """Return a word that changes with everything that makes Numba compile anew."""
    from llvmlite import binding

    sources = [
        (str(file.relative_to(ROOM)), status.st_mtime_ns, status.st_size)
        for modules in SOURCES
        for file in sorted((ROOM / modules).glob("*.py"))
        for status in (file.stat(),)
    ]
    told = (
        platform.python_version(),
        version("numba"),
        version("llvmlite"),
        binding.get_host_cpu_name(),
        binding.get_host_cpu_features().flatten(),
        sources,
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()
