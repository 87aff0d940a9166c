"""Noise of an instrument's readings: the same for the same box, channel and reading."""

import hashlib


class ReadingNoise:
    """Standard normal numbers by channel and number of the reading (Philox, keyed by serial)."""

    def __init__(self, serial: str) -> None:
        """Take what tells this box from others."""
        self._key = int.from_bytes(hashlib.sha256(serial.encode()).digest()[:8], "big")

    def normal(self, channel: int, reading: int) -> float:
        """Return the number of one reading."""
        import numpy as np  # heavy: a box on a bench that reads nothing does without

        philox = np.random.Philox(
            key=np.array([self._key, channel], dtype=np.uint64),
            counter=np.array([reading & (2**64 - 1), reading >> 64, 0, 0], dtype=np.uint64),
        )
        return float(np.random.Generator(philox).standard_normal())
