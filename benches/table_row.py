"""One line of the table of benchmarks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    peer: str = ""
    ratio: float | None = None
    asked: str = ""
    """What is wanted, empty where nothing is."""
    met: bool = True


def line(row: Row) -> str:
    """Return one line of the table."""
    ratio = (
        "" if row.ratio is None else f"{row.ratio:,.1f}" if row.ratio < 100 else f"{row.ratio:,.0f}"
    )
    verdict = "" if not row.asked else f"{row.asked}{'' if row.met else '   MISSED'}"
    return f"{row.what:<54} {row.ours:<24} {row.peer:<52} {ratio:>7}   {verdict}".rstrip()


def cells(row: Row) -> str:
    """Return one line of the table as the page of the benchmarks has it."""
    ratio = "" if row.ratio is None else f"{row.ratio:.{2 if row.ratio < 10 else 0}f}"
    asked = row.asked if row.met else f"{row.asked}, missed"
    words = (row.what.strip(), row.ours, row.peer, ratio, asked)
    return "| " + " | ".join(words).replace("  ", " ") + " |"
