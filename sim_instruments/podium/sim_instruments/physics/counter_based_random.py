"""Random numbers one by one, each a function of its key and number; no kernel is compiled for them.

They are those of :mod:`.noise`, which makes many at once: Philox4x32-10.
"""

import math
from hashlib import blake2b

ROUNDS = 10
MASK = 0xFFFF_FFFF
MULTIPLIERS = 0xD251_1F53, 0xCD9E_8D57
WEYL = 0x9E37_79B9, 0xBB67_AE85


def key(seed: int, element: str, use: str) -> int:
    """Return the 64-bit key for the random numbers of ``use`` at ``element``."""
    text = f"{seed}/{element}/{use}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


def words(key_: int, high: int, low: int) -> tuple[int, int]:
    """Return two 64-bit words for a key and a 128-bit counter, see :func:`.noise.philox`."""
    k0, k1 = key_ & MASK, key_ >> 32 & MASK
    c0, c1, c2, c3 = low & MASK, low >> 32 & MASK, high & MASK, high >> 32 & MASK
    for _ in range(ROUNDS):
        a, b = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = b >> 32 ^ c1 ^ k0, b & MASK, a >> 32 ^ c3 ^ k1, a & MASK
        k0, k1 = k0 + WEYL[0] & MASK, k1 + WEYL[1] & MASK
    return c0 | c1 << 32, c2 | c3 << 32


def uniform(key_: int, number: int) -> float:
    """Return a number of the open interval (0, 1), evenly distributed."""
    return _unit(words(key_, number, 0)[0])


def gaussian(key_: int, number: int) -> float:
    """Return a standard normal number."""
    a, b = words(key_, number, 0)
    return math.sqrt(-2.0 * math.log(_unit(a))) * math.cos(2.0 * math.pi * _unit(b))


def _unit(word: int) -> float:
    return (float(word >> 11) + 0.5) * 2.0**-53
