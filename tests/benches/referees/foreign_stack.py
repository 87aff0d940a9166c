"""Runs other people's software in environments of its own: `make test-stacks`, `make test-clients`.

PODIUM_STACK_NAME (``-`` and ``.`` as ``_``) names another Python. Nothing of it is ever imported
here.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HELD_OUT = (8101, 8102, 8103)
"""Seeds that were not used while scripts and twin were written."""
SIGMAS, PART = 3.0, 0.05
WITHIN_S = 400.0


def python_of(stack: str) -> str:
    """Return the Python of a stack; skips where there is none."""
    name = f"PODIUM_STACK_{re.sub('[-.]', '_', stack).upper()}"
    found = os.environ.get(name) or str(ROOT / f".venv-referees-{stack}" / "bin" / "python")
    if not Path(found).exists():
        pytest.skip(f"no Python with {stack}: make test-stacks, or make test-clients, installs it")
    return found


def asked(
    stack: str, script: str, *words: str, folder: Path, within_s: float = WITHIN_S
) -> dict[str, float]:
    """Return what a lab's script prints last: ``python script WORDS FOLDER``."""
    ended = subprocess.run(
        [
            python_of(stack),
            str(ROOT / "tests" / "referees" / "stacks" / script),
            *words,
            str(folder),
        ],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        | {"HOME": str(folder), "PYTHONWARNINGS": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    print(f"{stack} on Python {sys.version_info.major}.{sys.version_info.minor}: {found}")
    return found


def near(found: dict[str, float], name: str, truth: float, part: float = PART) -> bool:
    """Tell whether a value is within three of its own sigma of the truth, or within a part."""
    off = abs(found[name] - truth)
    print(f"{name}: {found[name]:.6g}, truth {truth:.6g}")
    return off < max(SIGMAS * found.get(f"{name}_sigma", 0.0), part * abs(truth))


def finds_the_world(found: dict[str, float], truth: dict[str, float], qubit: str = "q0") -> None:
    """Assert that f01 and T1 are those of the world, and known well enough to say so."""
    f01, t1 = truth[f"node_a.{qubit}.f01"], truth[f"node_a.{qubit}.t1"]
    # 5 % of a frequency would say nothing: three sigma, or a tenth of what the fit of a line gives
    assert near(found, "f01", f01, 3e3 / f01)
    assert near(found, "t1", t1)
    assert found["f01_sigma"] < 20e3
    assert found["t1_sigma"] < 0.2 * t1
