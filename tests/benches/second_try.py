"""Runs the few tests that failed in the two halves once more, one after another, beside nothing.

``python -m tests.benches.second_try CACHE [word of pytest ...]``: CACHE is where pytest
noted what failed. A computer that is busy with something else breaks deadlines of the wall that
an idle one keeps; a fault of ours fails again. Tests that pass only now are named, for each is
a finding: it fails beside others, or now and then.

Exit status: 0 where all of them pass, else that of pytest; 1 where more than :data:`FEW` failed,
which no busy computer explains: nothing is run then.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benches.file_collection import NAME

FEW = 12
"""So many tests may have failed; with more of them the computer is not to blame."""


def failed_tests(cache: Path) -> list[str]:
    """Return the names of the tests that pytest noted as failed, in order."""
    try:
        return sorted(json.loads((cache / "v" / "cache" / "lastfailed").read_text()))
    except FileNotFoundError:
        return []


def places(failed: Sequence[str]) -> list[str]:
    """Return what pytest is to run: of a file in which a worker died, all tests."""
    return [name.removesuffix(f"::{NAME}") for name in failed]


def main(cache: Path, words: Sequence[str]) -> int:
    """Run what failed once more and say what passes only now; return the exit status."""
    failed = failed_tests(cache)
    if not failed:
        print("No failed test is noted: what ended pytest was something else.")
        return 1
    if len(failed) > FEW:
        print(f"{len(failed)} tests failed: too many for a second try ({FEW} at most).")
        return 1
    print(f"A second try, beside nothing: {', '.join(failed)}", flush=True)
    status = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "-o", f"cache_dir={cache}", *places(failed)],
        check=False,
    ).returncode
    still = failed_tests(cache)
    now_and_then = [name for name in failed if name not in still]
    if status in (0, 1) and now_and_then:
        print(f"Passed only at the second try: {', '.join(now_and_then)}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
