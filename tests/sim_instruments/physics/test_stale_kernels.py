"""What is compiled follows the files from which it takes constants."""

import os
import subprocess
import sys
from pathlib import Path

MODULE = """\
from pathlib import Path
import numba
import other
from podium.sim_instruments.physics.stale_kernels import forget_stale

@numba.njit(cache=True)
def kernel():
    return other.VALUE

forget_stale(kernel, Path(other.__file__))
"""
ASK = "import module; print(module.kernel(), sum(module.kernel.stats.cache_hits.values()))"


def _asked(folder: Path) -> list[str]:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(folder), *(path for path in sys.path if path)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment.pop("NUMBA_CACHE_DIR", None)
    said = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, check=True, capture_output=True, text=True
    )
    return said.stdout.split()


def test_a_constant_of_another_file_is_compiled_in_anew_when_that_file_changes(tmp_path):
    (tmp_path / "module.py").write_text(MODULE)
    (tmp_path / "other.py").write_text("VALUE = 1\n")
    assert _asked(tmp_path) == ["1", "0"]
    assert _asked(tmp_path) == ["1", "1"], "what has not changed is not compiled again"
    other = tmp_path / "other.py"
    later = other.stat().st_mtime_ns + 10**9
    os.utime(other, ns=(later, later))
    assert _asked(tmp_path) == ["1", "1"], "its contents are the same, as when it is installed"
    other.write_text("VALUE = 2\n")
    os.utime(other, ns=(later, later))
    assert _asked(tmp_path) == ["2", "0"]
