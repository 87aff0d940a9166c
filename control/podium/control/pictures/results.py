"""Chooses the results of a shot that is shown."""

from podium.control.program.capture_counts import capture_counts
from podium.control.program.program import Program


def results_of(words: str, program: Program) -> dict[str, int] | None:
    """Return the results that ``words`` (``m=1,n=0``) name, by capture; None where none is.

    Raises ValueError for what is no capture of ``program`` with results, or no result.
    """
    if not words:
        return None
    known = [one.name for one in capture_counts(program).values() if one.discriminator is not None]
    found: dict[str, int] = {}
    for word in words.split(","):
        name, _, result = word.strip().partition("=")
        if name not in known:
            there = ", ".join(known) or "none"
            why = f"no capture {name!r} has results; there are: {there}"
            raise ValueError(f"--results {word}: {why}")
        if result not in ("0", "1"):
            raise ValueError(f"--results {word}: a result is 0 or 1, e.g. {name}=1")
        found[name] = int(result)
    return found
