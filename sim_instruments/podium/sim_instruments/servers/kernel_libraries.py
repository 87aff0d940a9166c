"""Kernels that come from the cache hold no code in LLVM's own form until another kernel wants it.

Numba keeps each library twice: as code of this processor, and as a module of LLVM, for kernels that
are compiled later and call it. All kernels of a chip and a cluster hold 22 MB of such modules,
which are 6 MB as bytes, and are hardly ever wanted: what calls them is in the cache too.
"""

from typing import Any

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
