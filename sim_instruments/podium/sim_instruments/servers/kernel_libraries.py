"""Kernels that come from the cache hold no code in LLVM's own form until another kernel wants it.

Numba keeps each library twice: as code of this processor, and as a module of LLVM, for kernels that
are compiled later and call it. All kernels of a chip and a cluster hold 22 MB of such modules,
which are 6 MB as bytes, and are hardly ever wanted: what calls them is in the cache too.

Nor is LLVM itself, whose library has 65 MB of pages in memory by then: they are given back.
"""

import ctypes
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from llvmlite import binding
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen


class CachedLibrary(JITCodeLibrary):
    """A library of Numba whose module is parsed when another library is linked with it."""

    _bitcode: bytes | None = None

    @classmethod
    def _unserialize(cls, codegen: JITCPUCodegen, state: tuple[str, str, Any]) -> "CachedLibrary":
        untyped: Any = super()  # as all of Numba is
        library: CachedLibrary = untyped._unserialize(codegen, state)
        _, kind, content = state
        if kind == "object":
            library._bitcode, library._shared_module = content[1], None
        return library

    def _get_module_for_linking(self) -> binding.ModuleRef:
        if self._shared_module is None and self._bitcode is not None:
            return binding.parse_bitcode(self._bitcode)
        untyped: Any = super()
        return untyped._get_module_for_linking()


def parse_when_linked() -> None:
    """Have Numba make libraries of this kind from now on, in this process."""
    JITCPUCodegen._library_class = CachedLibrary


_COMPILER: Final = "libllvmlite"
_MAPPING: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ +(\S+)")
_MADV_DONTNEED: Final = 4  # asm-generic/mman-common.h


def release_compiler() -> int:
    """Give back the pages of LLVM that nobody has written to; return how many bytes that may be.

    They are read again from the file's cache when somebody compiles or loads a kernel, which costs
    some milliseconds. Other systems than Linux keep them. In any thread.
    """
    released = 0
    with suppress(AttributeError, OSError):
        advise = ctypes.CDLL(None).madvise
        advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for begin, end in _clean_mappings(Path("/proc/self/smaps").read_text()):
            if advise(begin, end - begin, _MADV_DONTNEED) == 0:
                released += end - begin
    return released


def _clean_mappings(smaps: str) -> Iterator[tuple[int, int]]:
    """Yield what of the compiler's file is mapped to be read, and is as it is in the file.

    What relocation has written is not: dropped, it would be lost (proc(5), madvise(2)).
    """
    begin, end, clean = 0, 0, False
    for line in smaps.splitlines():
        if found := _MAPPING.match(line):
            begin, end = int(found[1], 16), int(found[2], 16)
            clean = "w" not in found[3] and Path(found[4]).name.startswith(_COMPILER)
        elif line.startswith(("Private_Dirty:", "Shared_Dirty:", "Anonymous:")):
            clean = clean and int(line.split()[1]) == 0
        elif line.startswith("VmFlags:") and clean:
            yield begin, end
            clean = False
