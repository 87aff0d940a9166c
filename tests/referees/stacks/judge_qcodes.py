"""Plain QCoDeS: a lab's own ``dond`` loops find f01 and T1 of worlds that nobody has looked at.

The script (``qcodes_lab.py``) is run by the Python that PODIUM_STACK_QCODES names, by default that
of the environment that ``make test-stacks`` makes; QCoDeS is among what Podium itself requires, so
that where there is none this one does. `make test-stacks` runs this file; `make test` does not.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from podium.sim_instruments.testing import TwinPool

ROOT = Path(__file__).parents[3]
OWN = ROOT / ".venv-referees-qcodes" / "bin" / "python"
PYTHON = os.environ.get("PODIUM_STACK_QCODES", str(OWN if OWN.exists() else sys.executable))
SCRIPT = Path(__file__).with_name("qcodes_lab.py")
HELD_OUT = (8101, 8102, 8103)
"""Seeds that were not used while script and twin were written."""
SIGMAS, PART = 3.0, 0.05


def asked(*words: str, folder: Path) -> dict[str, float]:
    """Return what a lab's script prints last."""
    ended = subprocess.run(
        [PYTHON, *words, str(folder)],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        | {"HOME": str(folder), "PYTHONWARNINGS": ""},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def pool():
    with TwinPool() as pool:
        yield pool


@pytest.mark.parametrize("seed", HELD_OUT)
def test_f01_and_t1_are_recovered_with_a_cluster(pool: TwinPool, tmp_path: Path, seed: int) -> None:
    with pool.instrument("qblox_cluster", chip="krinner2022", seed=seed, strict=True) as cluster:
        found = asked(str(SCRIPT), cluster.host, folder=tmp_path)
        truth = cluster.truth
    f01_hz, t1_s = truth["node_a.q0.f01"], truth["node_a.q0.t1"]
    print(f"seed {seed}: {found}, truth {f01_hz:.0f} Hz, {t1_s:.3e} s")
    # 5 % of f01 would say nothing: three sigma, or a tenth of what the fit of a line gives
    assert abs(found["f01_hz"] - f01_hz) < max(SIGMAS * found["f01_sigma_hz"], 3e3)
    off_s = abs(found["t1_s"] - t1_s)
    assert off_s < max(SIGMAS * found["t1_sigma_s"], PART * t1_s)
    assert found["f01_sigma_hz"] < 20e3
    assert found["t1_sigma_s"] < 0.2 * t1_s
