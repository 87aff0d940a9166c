"""What is compiled follows the files from which it takes constants and functions."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FILES = {
    "kernels/__init__.py": "",
    "kernels/entry.py": """\
import numba
from kernels import middle
from kernels.middle import twice

@numba.njit(cache=True)
def kernel():
    return twice() + middle.OFFSET
""",
    "kernels/middle.py": """\
import numba
from kernels.last import VALUE
OFFSET = 0

@numba.njit(cache=True)
def twice():
    return 2 * VALUE
""",
    "kernels/last.py": "VALUE = 1\n",
    "kernels/aside.py": """\
import numba

@numba.njit(cache=True)
def aside():
    return 5
""",
}
ASK = """\
import os, sys
from pathlib import Path
from podium.sim_instruments.servers.stale_kernels import forget_stale
import numba
cache = Path(sys.argv[1])
for _ in sys.stdin:
    if os.fork():
        os.wait()
        continue
    modules = [(f"kernels.{one}", cache) for one in ("entry", "middle", "aside")]
    forget_stale(modules, cache / "noted.sources", package="kernels")
    from kernels.aside import aside
    from kernels.entry import kernel
    found = kernel(), aside()
    print(*found, *(sum(one.stats.cache_hits.values()) for one in (kernel, aside)), flush=True)
    os._exit(0)
"""
"""At each line a process that has Numba, but not the modules, goes on as a copy that asks them."""


class Asked:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self) -> list[int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return [int(one) for one in self._process.stdout.readline().split()]


@contextmanager
def asked_in(folder: Path) -> Iterator[Asked]:
    """Ask for both kernels' values and how often they were found compiled, as if just started."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(folder), *(path for path in sys.path if path)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment.pop("NUMBA_CACHE_DIR", None)
    cache = folder / "kernels" / "__pycache__"
    cache.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", ASK, str(cache)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Asked(process)


def test_a_kernel_is_compiled_anew_when_what_it_imports_has_changed(tmp_path) -> None:
    last, middle = tmp_path / "kernels" / "last.py", tmp_path / "kernels" / "middle.py"
    with asked_in(tmp_path) as asked:
        assert asked() == [2, 5, 0, 0]
        assert asked() == [2, 5, 1, 1], "what has not changed is not compiled again"
        later = last.stat().st_mtime_ns + 10**9
        os.utime(last, ns=(later, later))
        assert asked() == [2, 5, 1, 1], "its contents are the same, as when it is installed"
        last.write_text("VALUE = 2\n")
        os.utime(last, ns=(later, later))
        assert asked() == [4, 5, 0, 1], "a constant, two files away; what is aside stays"
        middle.write_text(FILES["kernels/middle.py"].replace("2 * VALUE", "3 * VALUE"))
        assert asked() == [6, 5, 0, 1], "a function that is compiled in"
        (tmp_path / "kernels" / "__pycache__" / "noted.sources").write_text("{")
        assert asked() == [6, 5, 0, 0], "without a sound note nothing is trusted"


@pytest.mark.parametrize("named", ["import kernels.last", "from kernels.last import VALUE"])
def test_either_way_to_import_counts(tmp_path, named) -> None:
    last = tmp_path / "kernels" / "last.py"
    with asked_in(tmp_path) as asked:
        middle = tmp_path / "kernels" / "middle.py"
        value = "kernels.last.VALUE" if named.startswith("import") else "VALUE"
        middle.write_text(
            f"import numba\n{named}\n\n@numba.njit(cache=True)\ndef twice():\n"
            f"    return 2 * {value}\n\nOFFSET = 0\n"
        )
        assert asked() == [2, 5, 0, 0]
        last.write_text("VALUE = 7\n")
        assert asked() == [14, 5, 0, 1]
