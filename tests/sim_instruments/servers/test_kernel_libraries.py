"""Kernels from Numba's cache hold no module of LLVM, and others that call them still compile."""

import subprocess
import sys

import pytest

from podium.sim_instruments.servers.kernel_libraries import _clean_mappings

CALLED = """
from numba import njit

@njit(cache=True)
def called(x):
    return 3 * x + 1
"""
USED = """
from llvmlite import binding
from numba import njit
from podium.sim_instruments.servers.kernel_libraries import CachedLibrary, parse_when_linked
from called_kernel import called

parse_when_linked()
assert called(2) == 7
(library,) = [one.library for one in called.overloads.values()]
print(sum(called.stats.cache_hits.values()), library._shared_module is None)

module = binding.parse_bitcode(library._bitcode)
named = {one.name for one in module.functions if not one.is_declaration}
print(bool(named), named <= library.codegen._engine._defined_symbols)

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
    hits, defined, found, _ = run(USED)
    assert hits == "1 True", "it comes from the cache, and nothing is held"
    assert defined == "True True", "the object file and LLVM name the same functions"
    assert found == "17 2.5"


RELEASED = """
from numba import njit
from podium.sim_instruments.servers.kernel_libraries import release_compiler

def file_kb():
    (line,) = [one for one in open("/proc/self/status") if one.startswith("RssFile")]
    return int(line.split()[1])

@njit
def square(x):
    return x * x

print(square(3))
before = file_kb()
print(release_compiler() > 50_000_000, before - file_kb() > 30_000)

@njit
def cube(x):
    return x * square(x)

print(cube(3), square(3.5), release_compiler() > 0, cube(2))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep the compiler's pages")
def test_the_compilers_pages_are_given_back_and_it_compiles_on() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RELEASED], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n") == ["9", "True True", "27 12.25 True 8", ""]


SMAPS = """\
1000-3000 r-xp 00000000 08:01 1 /lib/libllvmlite.so
Private_Dirty:         0 kB
Anonymous:             0 kB
VmFlags: rd ex
3000-4000 r--p 00002000 08:01 1 /lib/libllvmlite.so
Private_Dirty:         4 kB
Anonymous:             4 kB
VmFlags: rd
4000-5000 rw-p 00003000 08:01 1 /lib/libllvmlite.so
Private_Dirty:         0 kB
Anonymous:             0 kB
VmFlags: rd wr
5000-6000 r--p 00000000 08:01 2 /lib/libpython3.so
Private_Dirty:         0 kB
Anonymous:             0 kB
VmFlags: rd
"""


def test_what_was_written_to_is_not_given_back() -> None:
    assert list(_clean_mappings(SMAPS)) == [(0x1000, 0x3000)]
