"""Defines a compiler's refusals of programs that cannot be played as they are."""


class DoesNotFit(ValueError):
    """The program is sound, but not for this hardware; nothing was compiled.

    The message names the limit, by how much it is passed, and what to change.
    """


class TooLarge(DoesNotFit):
    """It would fit in several parts: of its points, of its shots, or of its programs."""

    def __init__(
        self,
        message: str,
        needed: int,
        limit: int,
        into: tuple[str, ...] = ("points",),
        counts: tuple[int, ...] = (),
        piece: tuple[int, ...] = (),
    ) -> None:
        """``needed`` of something of which there is ``limit``.

        ``into``: what can be split, ``points`` or ``shots``, the better first; ``counts``: what
        each program of a series needs; ``piece``: points of each axis that would fit at once,
        where that is known.
        """
        super().__init__(message)
        self.needed = needed
        self.limit = limit
        self.into = into
        self.counts = counts
        self.piece = piece
