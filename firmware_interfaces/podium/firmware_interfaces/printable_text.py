"""Makes text of instruments safe to show: control characters act on terminals, so they are named.

A box under a stranger's hand may answer with the sequences that clear a screen or set its title.
"""

SHOWN_AS_THEY_ARE = "\n\t"


def printable(text: str) -> str:
    """Return ``text`` with every character that is not for reading written as ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in SHOWN_AS_THEY_ARE else _escaped(one) for one in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
