"""Kernels that Numba has compiled, on disk: whether all are there, and one copy for all users.

A wheel that was built on this machine brings them (``build_backend``); else whoever needs them
first compiles them (:mod:`.warm_up`).

Numba keeps them beside the modules, or where that cannot be written, in a folder of the user's
(``NUMBA_CACHE_DIR`` names another). It does not look beside the modules then, though all may be
there, compiled by who has installed them: those are copied.
"""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

FAMILIES = ("chip", "links", "qblox_cluster", "zurich")
"""Of kernels: the physics of a chip, that of links, and the processors of two families of
controllers."""
ROOM = Path(__file__).parents[1]
_SIM = "podium.sim_instruments"
KERNELS = {
    "physics": (f"{_SIM}.physics.evolution", "evolve"),
    "physics/joint": (f"{_SIM}.physics.joint.group_kernels", "play_parts"),
    "physics/links": (f"{_SIM}.physics.links.pair_kernels", "evolve_pairs"),
    "physics/meeting": (f"{_SIM}.physics.meeting.shared_walk", "walk_members"),
    "execution": (f"{_SIM}.execution.tree_walk", "walk_on"),
    "twins/qblox_cluster/processor": (
        f"{_SIM}.twins.qblox_cluster.processor.q1_kernel",
        "execute",
    ),
    "twins/qblox_cluster/outputs": (
        f"{_SIM}.twins.qblox_cluster.outputs.segment_kernel",
        "segments",
    ),
    "twins/zurich/sequencer": (f"{_SIM}.twins.zurich.sequencer.kernel", "execute"),
    "twins/zurich/signals": (f"{_SIM}.twins.zurich.signals.filter_kernel", "walk_blocks"),
}
"""Folders with kernels, in :data:`ROOM`, each with the module and name of one of its kernels."""
SOURCES = tuple(KERNELS)
NOTE = "podium_kernels.json"
SOURCES_NOTE = "podium_kernels.sources"
"""Says from which sources kernels were compiled; see :mod:`.stale_kernels`."""


def cache_folder() -> Path:
    """Return the folder in which Numba keeps the physics' kernels."""
    from podium.sim_instruments.physics.evolution import evolve

    return Path(str(evolve.stats.cache_path))


def compiled(families: Sequence[str]) -> bool:
    """Tell whether all kernels of these families are in the cache, for this processor."""
    return not families or _noted(cache_folder(), families)


def at_hand(families: Sequence[str]) -> bool:
    """Tell whether no kernel of these families has to be compiled; take over an installation's."""
    return compiled(families) or copy_of_install(families)


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
        for pattern in ("*.sources", "*.nbc", "*.nbi"):  # the index last: it names the others
            for file in (ROOM / modules / "__pycache__").glob(pattern):
                draft = into / f".{file.name}.{os.getpid()}"
                shutil.copyfile(file, draft)
                draft.replace(into / file.name)  # whole or not at all: others may load it now
    note_compiled(families)
    return True


def cache_folder_of(modules: str) -> Path:
    """Return where Numba keeps kernels of one of :data:`SOURCES`."""
    if modules == "physics":
        return cache_folder()
    module, kernel = KERNELS[modules]
    return Path(str(getattr(import_module(module), kernel).stats.cache_path))


def kernel_modules() -> list[tuple[str, Path]]:
    """Return the name of each module with kernels, and the folder in which Numba keeps them."""
    found: list[tuple[str, Path]] = []
    for modules in SOURCES:
        into = cache_folder_of(modules)
        found += [
            (f"{_SIM}.{modules.replace('/', '.')}.{file.stem}", into)
            for file in sorted((ROOM / modules).glob("*.py"))
            if "njit" in file.read_text(encoding="utf-8")
        ]
    return found


def _noted(folder: Path, families: Sequence[str]) -> bool:
    stamp, known = _stamp(), _read(folder / NOTE)
    return all(known.get(one) == stamp for one in families)


def _read(note: Path) -> dict[str, Any]:
    try:
        known = json.loads(note.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _contents(file: Path) -> object:
    """Return what Numba compares of a module: a hash of its contents, earlier its time and size."""
    from numba.core import caching

    if hasattr(caching, "_hash_source_file"):
        return hashlib.sha256(file.read_bytes()).hexdigest()
    return file.stat().st_mtime_ns, file.stat().st_size


def _stamp() -> str:
    """Return a word that changes with everything that makes Numba compile anew."""
    from llvmlite import binding

    sources = [
        (str(file.relative_to(ROOM)), _contents(file))
        for modules in SOURCES
        for file in sorted((ROOM / modules).glob("*.py"))
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
