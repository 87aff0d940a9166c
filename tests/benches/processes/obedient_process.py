"""A process that does what its arguments say, for tests of how processes are started."""

import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Do the first word with the others; return the exit status."""
    what, *words = argv
    if what == "end":
        return int(words[0])
    if what == "say":
        os.write(int(words[0]), " ".join(words[1:]).encode())
        return 0
    if what == "imported":
        os.write(int(words[0]), str(words[1] in sys.modules).encode())
        return 0
    os.write(int(words[0]), b"waiting")
    sys.stdin.read()
    return 3
