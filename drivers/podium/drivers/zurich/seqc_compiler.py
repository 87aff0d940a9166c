"""Compiles SeqC to machine code with the vendor's compiler, which needs no instrument."""

from functools import lru_cache

from zhinst.core import compile_seqc

from podium.drivers.errors import Refused
from podium.drivers.zurich.client_messages import CompileSource

KEPT = 32
"""Programs of which the machine code is remembered: those that come by turns, core by core."""


@lru_cache(KEPT)
def compile_source(source: CompileSource) -> bytes:
    """Return the machine code; raises ``Refused`` with the compiler's words, which name the line.

    What is compiled and larger than the memory of a sequencer is refused as well.
    """
    try:
        elf, told = compile_seqc(
            source.text,
            source.model,
            source.options,
            source.index,
            samplerate=source.rate_hz,
            sequencer=source.sequencer,
        )
    except RuntimeError as error:
        raise Refused(f"it does not compile: {error}") from error
    most = int(told["maxelfsize"])
    if len(elf) > most:
        raise Refused(f"{len(elf)} bytes compiled, at most {most}; take fewer points")
    return bytes(elf)
