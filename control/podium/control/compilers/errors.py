"""What a compiler says when a program cannot be played as it is."""


class DoesNotFit(ValueError):
    """The program is sound, but not for this hardware; nothing was compiled.

    The message names the limit, by how much it is passed, and what to change.
    """
