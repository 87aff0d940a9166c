"""Pages of the documentation as tests see them: their fenced blocks, their links, their anchors.

What the fences of a page say to its tests:

- ``sh`` is run by bash, ``python`` as a script of its own, both in the page's folder;
- ``sh background`` is started and left running; it has started when the file of its
  ``--endpoints`` is there;
- ``python file=NAME`` is not run but saved under that name;
- ``on=NAME`` after ``sh``: on another computer of that name, as far as what it remembers goes;
- ``rack-a.lab:7447`` is a free port of this machine;
- ``sh slow`` is run by ``make test-all`` only; otherwise its results are laid in;
- ``text output`` is what the block before it prints. ``...`` stands for anything. Numbers are
  compared as well; with ``about`` to a fifth, with ``varies`` not at all;
- a line ``<!-- not run: REASON -->`` before a fence keeps its block from being run.
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
NOTEBOOKS = tuple(sorted((ROOT / "docs").rglob("*.ipynb")))
RUNNABLE = ("sh", "python", "bash", "console", "pycon")
FENCE = re.compile(r"^( *)```(\S*) *(.*?)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
NOT_RUN = re.compile(r"<!-- not run: (\S.*?) -->\n+\Z")
NUMBER = re.compile(r"(?<![\w.])[+\-−]?\d+(?:\.\d+)*(?:e[+-]?\d+)?")
"""Addresses with dots count as one: none is like another."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    language: str
    words: tuple[str, ...]
    """What follows the language."""
    text: str
    line: int
    """Of the fence, counted from 1."""
    reason: str | None
    """Why it is not run; None: no reason is given."""

    @property
    def runnable(self) -> bool:
        return self.language in RUNNABLE

    @property
    def file(self) -> str | None:
        """The name under which the reader saves it."""
        return next((w.removeprefix("file=") for w in self.words if w.startswith("file=")), None)

    @property
    def computer(self) -> str:
        """The computer on which it is run; empty: where the reader is."""
        return next((w.removeprefix("on=") for w in self.words if w.startswith("on=")), "")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        reason = NOT_RUN.search(text, 0, match.start())
        found.append(
            Block(
                match[2],
                tuple(match[3].split()),
                textwrap.dedent(match[4]),
                text.count("\n", 0, match.start()) + 1,
                reason[1] if reason else None,
            )
        )
    return found


def to_run(page: Path) -> bool:
    """Tell whether the page has blocks that are to be run."""
    return any(block.runnable and block.reason is None for block in blocks_of(page))


def prose_of(page: Path) -> str:
    """Return the page without its fenced blocks and without code in its lines."""
    return re.sub(r"`[^`\n]*`", "`code`", FENCE.sub("", page.read_text(encoding="utf-8")))


def links_of(page: Path) -> list[str]:
    """Return what the page links to and which pictures it shows."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return LINK.findall(text) + re.findall(r'(?:src|href)="([^"]+)"', text)


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of the page's headings, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def difference(shown: str, printed: str, within: float | None) -> str | None:
    """Return what of ``shown`` is not in ``printed``, or None where they agree.

    ``within``: how far numbers may be apart, as a share of the one shown; None: anywhere. How
    wide blanks are does not count.
    """
    shown, printed = _evenly(shown), _evenly(printed)
    numbers = NUMBER.findall(shown)
    pieces = [
        ".*?".join(re.escape(part) for part in between.split("..."))
        for between in NUMBER.split(shown)
    ]
    match = re.fullmatch(f"({NUMBER.pattern})".join(pieces), printed, re.DOTALL)
    if match is None:
        return f"shown:\n{shown}\nprinted:\n{printed}"
    for wanted, got in zip(numbers, match.groups(), strict=True):
        if within is not None and not _near(wanted, got, within):
            return f"shown {wanted}, printed {got}, in:\n{printed}"
    return None


def _evenly(text: str) -> str:
    """Return ``text`` with single blanks, and none at the ends of its lines."""
    return re.sub(r"[ \t]*\n[ \t]*", "\n", re.sub(r"[ \t]+", " ", text)).strip()


def _near(wanted: str, got: str, within: float) -> bool:
    if wanted.count(".") > 1:
        return wanted == got
    number, other = (float(text.replace("−", "-")) for text in (wanted, got))
    return abs(other - number) <= within * abs(number)


def named_in(row: str) -> set[str]:
    """Return the names in a row, and those between ``x1`` and ``x9`` where it says "to"."""
    found = set(re.findall(r"`(\w+)`", row))
    for word, first, last in re.findall(r"`([a-z_]+)(\d+)` to `\1(\d+)`", row):
        found |= {f"{word}{number}" for number in range(int(first), int(last) + 1)}
    return found
