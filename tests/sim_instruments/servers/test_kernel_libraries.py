"""Kernels from Numba's cache hold no module of LLVM, and others that call them still compile."""

import subprocess
import sys

CALLED = """
from numba import njit

@njit(cache=True)
def called(x):
    return 3 * x + 1
"""
USED = """
import gc, sys
from numba import njit
from podium.sim_instruments.servers.kernel_libraries import CachedLibrary, parse_when_linked
from called_kernel import called

parse_when_linked()
assert called(2) == 7
(library,) = [one.library for one in called.overloads.values()]
print(sum(called.stats.cache_hits.values()), library._shared_module is None)

@njit
def calls(x):
    return called(x) + called(x + 1)

print(calls(2), called(0.5))
"""


def test_what_calls_a_kernel_of_the_cache_is_compiled(tmp_path) -> None:
    (tmp_path / "called_kernel.py").write_text(CALLED)

    def run(text: str) -> list[str]:
        command = [sys.executable, "-c", text]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.split("\n")

    run("from called_kernel import called; called(2)")
    hits, found, _ = run(USED)
    assert hits == "1 True", "it comes from the cache, and nothing is held"
    assert found == "17 2.5"
