"""Build backend of Podium (PEP 517): Hatchling with kernels compiled for the machine at hand.

``pip install .`` builds a wheel where it is installed. It holds what Numba compiles for this
processor, this Python and this Numba, so that the first run of a simulation compiles nothing; its
tag says which machines it is for. Elsewhere, or with another Numba, these files are passed over and
the kernels are compiled at their first use.

``-C kernels=none`` or ``PODIUM_KERNELS=none`` leaves them out: a wheel for every machine, as an
index has it, and as Hatchling builds it by itself (``hatchling build``). An editable install has
none either.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling import build as hatchling
from hatchling.build import *  # noqa: F403
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parents[1]
ROOMS = "firmware_interfaces", "sim_instruments"
WARM_UP = "podium.sim_instruments.servers.warm_up"
WITH_KERNELS = ".nbi", ".nbc", ".sources", "podium_kernels.json"
"""Ends of the names of files that hold kernels, or say of what they were compiled."""
FOLDER = "PODIUM_KERNELS_FOLDER"
"""Environment variable: where the hook finds them."""
NEWEST_PYTHON = 3, 14
"""For which Numba has wheels."""
Settings = Mapping[str, Any] | None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Return what Hatchling wants and what kernels are compiled with."""
    wanted: list[str] = hatchling.get_requires_for_build_wheel(config_settings)
    if _kernels_wanted(config_settings):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        wanted += [*project["dependencies"], *project["optional-dependencies"]["chip"]]
    return wanted


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build the wheel; if kernels cannot be compiled here, build it without."""
    with tempfile.TemporaryDirectory() as folder:
        if _kernels_wanted(config_settings) and compile_kernels(Path(folder)):
            os.environ[FOLDER] = folder
        try:
            name: str = hatchling.build_wheel(wheel_directory, config_settings, metadata_directory)
        finally:
            os.environ.pop(FOLDER, None)
    return name


def _kernels_wanted(config_settings: Settings) -> bool:
    said = (config_settings or {}).get("kernels") or os.environ.get("PODIUM_KERNELS", "")
    if said not in ("", "none"):
        raise SystemExit(f"kernels={said}: there is only `none`, or leave it out")
    return (
        not said
        and sys.platform == "linux"
        and platform.python_implementation() == "CPython"
        and sys.version_info[:2] <= NEWEST_PYTHON
    )


def compile_kernels(folder: Path) -> bool:
    """Compile all kernels in a copy of their packages, below ``folder``; tell whether it worked."""
    for room in ROOMS:
        shutil.copytree(
            ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    known = os.environ.get("PYTHONPATH")
    paths = [*(str(folder / room) for room in ROOMS), *([known] if known else [])]
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    surroundings.pop("NUMBA_CACHE_DIR", None)  # beside the modules, where the wheel has them
    done = subprocess.run([sys.executable, "-m", WARM_UP], env=surroundings, check=False)
    if done.returncode:
        print("Kernels could not be compiled here: the first use will do it.", file=sys.stderr)
    return done.returncode == 0


class KernelsHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts into the wheel what :func:`build_wheel` has had compiled."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files, and say for which machines the wheel is."""
        if FOLDER not in os.environ:
            return
        room = Path(os.environ[FOLDER]) / "sim_instruments"
        for file in room.rglob("__pycache__/*"):
            if file.name.endswith(WITH_KERNELS):
                build_data["force_include"][str(file)] = str(file.relative_to(room))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
