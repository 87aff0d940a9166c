"""Kernels that come from the cache hold no code in LLVM's own form until another kernel wants it.

Numba keeps each library twice: as code of this processor, and as a module of LLVM, for kernels that
are compiled later and call it. All kernels of a chip and a cluster hold 22 MB of such modules,
which are 6 MB as bytes, and are hardly ever wanted: what calls them is in the cache too. Numba
parses each to learn what it defines; the object file says that, too, in a tenth of the time.

Nor is LLVM itself, whose library has 65 MB of pages in memory by then: they are given back.
"""

import ctypes
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from llvmlite import binding
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen


class CachedLibrary(JITCodeLibrary):
    """A library of Numba whose module is parsed when another library is linked with it."""

    _bitcode: bytes | None = None

    @classmethod
    def _unserialize(cls, codegen: JITCPUCodegen, state: tuple[str, str, Any]) -> "CachedLibrary":
        name, kind, content = state
        if kind != "object" or not content[0].startswith(_ELF64):
            untyped: Any = super()  # as all of Numba is
            read: CachedLibrary = untyped._unserialize(codegen, state)
            return read
        library: Any = cls(codegen, name)
        library.enable_object_caching()
        library._set_compiled_object(content[0])
        library._bitcode = content[1]
        library._finalize_final_module()
        codegen._engine._defined_symbols.update(defined_symbols(content[0]))
        made: CachedLibrary = library
        return made

    def _get_module_for_linking(self) -> binding.ModuleRef:
        if self._shared_module is None and self._bitcode is not None:
            return binding.parse_bitcode(self._bitcode)
        untyped: Any = super()
        return untyped._get_module_for_linking()


_ELF64: Final = b"\x7fELF\x02\x01"  # 64 bit, little endian
_TABLES: Final = np.dtype(
    {
        "names": ["type", "offset", "size", "link"],
        "formats": ["<u4", "<u8", "<u8", "<u4"],
        "offsets": [4, 24, 32, 40],
        "itemsize": 64,
    }
)  # Elf64_Shdr
_SYMBOLS: Final = np.dtype(
    {
        "names": ["name", "info", "section"],
        "formats": ["<u4", "u1", "<u2"],
        "offsets": [0, 4, 6],
        "itemsize": 24,
    }
)  # Elf64_Sym
_SYMBOL_TABLE: Final = 2
_UNDEFINED: Final = 0


def defined_symbols(content: bytes) -> set[str]:
    """Return the names that an object file (ELF, 64 bit, little endian) defines for others.

    The file's layout: System V ABI, chapter 4, "Object Files".
    """
    (tables_at,) = struct.unpack_from("<Q", content, 40)
    (count,) = struct.unpack_from("<H", content, 60)
    sections = np.frombuffer(content, _TABLES, count, tables_at)
    found: set[str] = set()
    for table in sections[sections["type"] == _SYMBOL_TABLE]:
        symbols = np.frombuffer(
            content, _SYMBOLS, int(table["size"]) // _SYMBOLS.itemsize, int(table["offset"])
        )
        shown = symbols[(symbols["section"] != _UNDEFINED) & (symbols["info"] >> 4 != 0)]
        names_at = int(sections["offset"][table["link"]])
        for start in (names_at + shown["name"]).tolist():
            found.add(content[start : content.index(b"\0", start)].decode())
    return found


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
