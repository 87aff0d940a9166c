"""A data server refuses by the ``Error`` of a result; these are its kinds."""

from dataclasses import dataclass
from enum import IntEnum

CATEGORY = "SERVER_ERROR"


class Kind(IntEnum):
    """The kind of a refusal (``ErrorKind``)."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    NOT_FOUND = 3
    OVERWHELMED = 4
    BAD_REQUEST = 5
    UNIMPLEMENTED = 6
    INTERNAL = 7
    UNAVAILABLE = 8
    TIMEOUT = 9


class Refused(ValueError):
    """The data server says no. Nothing has changed; the connection goes on."""

    def __init__(self, refusal: "Refusal") -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Refusal:
    """One no."""

    code: int
    """One of ``ZIResult_enum``, as in :class:`Code`."""
    message: str
    kind: Kind


class Code(IntEnum):
    """Results of the vendor's C interface that occur here (``ZIResult_enum`` of ``ziAPI.h``).

    The last two are younger than the headers that were read: which exception ``zhinst.core`` 26.7.2
    makes of them was seen.
    """

    NOT_FOUND = 0x4003
    COMMAND = 0x800E
    READ_ONLY = 0x8013
    INVALID_ARGUMENT = 0x801F
    WRITE_ONLY = 0x8020
