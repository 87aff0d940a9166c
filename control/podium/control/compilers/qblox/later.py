"""Where this family's passes find sequences that are made late: they are the same for all."""

from podium.control.compilers.later import Later

__all__ = ["Later"]
