"""Arithmetic of the Q1 processor on 32-bit registers, compiled by Numba into the kernel."""

from typing import Any, Final

import numba
import numpy as np

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import Operation

MASK: Final = 0xFFFF_FFFF
SIGN: Final = 0x8000_0000


@numba.njit(cache=True, inline="always")
def signed(value: Any) -> Any:
    """Return a register as a signed number."""
    return value - ((value & SIGN) << 1)


@numba.njit(cache=True, inline="always")
def signed16(value: Any) -> Any:
    """Return the lower half of a register as a signed number."""
    return (value & 0x7FFF) - (value & 0x8000)


@numba.njit(cache=True)
def multiply_32(op: int, a: Any, b: Any) -> Any:
    """Return the lower and the upper half of a product."""
    if op >= Operation.MULS32:
        product = signed(a) * signed(b)
        return product & MASK, (product >> 32) & MASK
    wide = np.uint64(a) * np.uint64(b)
    return np.int64(wide & np.uint64(MASK)), np.int64(wide >> np.uint64(32))


@numba.njit(cache=True, inline="always")
def multiply_16(op: int, a: Any, b: Any) -> Any:
    """Return the product of the lower halves of two registers."""
    if op == Operation.MULU16:
        result = (a & 0xFFFF) * (b & 0xFFFF)
    else:
        result = (signed16(a) * signed16(b)) & MASK
    return result


@numba.njit(cache=True, inline="always")
def shift(op: int, a: Any, by: Any) -> Any:
    """Return a shifted register, and the flags carry and overflow."""
    places = min(by, 63)
    if op == Operation.ASL:
        full = a << places
        result = full & MASK
        carry = ((full >> 32) & 1) != 0
        overflow = ((a ^ result) & SIGN) != 0
    else:
        result = ((signed(a) if op == Operation.ASR else a) >> places) & MASK
        carry = places > 0 and ((a >> (places - 1)) & 1) != 0
        overflow = False
    return result, carry, overflow


@numba.njit(cache=True, inline="always")
def jumps(op: int, zero: bool, negative: bool, carry: bool, overflow: bool) -> bool:
    """Tell whether a jump is taken."""
    if op == Operation.JMP:
        taken = True
    elif op == Operation.JZ:
        taken = zero
    elif op == Operation.JNZ:
        taken = not zero
    elif op == Operation.JO:
        taken = overflow
    elif op == Operation.JNO:
        taken = not overflow
    elif op == Operation.JS:
        taken = negative
    elif op == Operation.JNS:
        taken = not negative
    elif op == Operation.JG:
        taken = (not zero) and negative == overflow
    elif op == Operation.JGE:
        taken = negative == overflow
    elif op == Operation.JL:
        taken = negative != overflow
    elif op == Operation.JLE:
        taken = zero or negative != overflow
    elif op == Operation.JA:
        taken = not (zero or carry)
    elif op == Operation.JAE:
        taken = not carry
    elif op == Operation.JB:
        taken = carry
    else:
        taken = zero or carry
    return taken
