"""What is compiled follows the files from which it takes constants."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
ASK = """\
import os, sys
import podium.sim_instruments.physics.stale_kernels
for _ in sys.stdin:
    if os.fork():
        os.wait()
        continue
    import module
    print(module.kernel(), sum(module.kernel.stats.cache_hits.values()), flush=True)
    os._exit(0)
"""
"""At each line a process that has Numba, but not the module, goes on as a copy that asks it."""


class Asked:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self) -> list[str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().split()


@contextmanager
def asked_in(folder: Path) -> Iterator[Asked]:
    """Ask for the kernel's value and how often it was found compiled, as a new process sees it."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(folder), *(path for path in sys.path if path)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment.pop("NUMBA_CACHE_DIR", None)
    with subprocess.Popen(
        [sys.executable, "-c", ASK],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Asked(process)


def test_a_constant_of_another_file_is_compiled_in_anew_when_that_file_changes(tmp_path):
    (tmp_path / "module.py").write_text(MODULE)
    (tmp_path / "other.py").write_text("VALUE = 1\n")
    with asked_in(tmp_path) as asked:
        assert asked() == ["1", "0"]
        assert asked() == ["1", "1"], "what has not changed is not compiled again"
        other = tmp_path / "other.py"
        later = other.stat().st_mtime_ns + 10**9
        os.utime(other, ns=(later, later))
        assert asked() == ["1", "1"], "its contents are the same, as when it is installed"
        other.write_text("VALUE = 2\n")
        os.utime(other, ns=(later, later))
        assert asked() == ["2", "0"]
