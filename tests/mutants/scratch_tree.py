"""A copy of the repository in which mutants live; the working tree is never touched."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import Mutant

ROOMS = ("firmware_interfaces", "drivers", "sim_instruments", "control")
COPIED = (*ROOMS, "tests", "examples", "docs", "pyproject.toml")
PASSED, FAILED = 0, 1
"""Exit statuses of pytest."""


class NotIsolated(Exception):
    """Python finds the package elsewhere than in the copy: no verdict would mean anything."""


@dataclass(frozen=True, slots=True)
class TestRun:
    """The outcome of one run of pytest."""

    status: int | None
    """Exit status of pytest; None: it did not end in time."""
    passed: int
    first_failure: str
    """Name of the first test that failed; empty: none."""
    seconds: float
    output: str

    __test__ = False  # pytest: no test


class ScratchTree:
    """One copy. Not for two threads at once."""

    def __init__(self, root: Path, place: Path) -> None:
        """Copy what tests need from ``root`` to ``place``, which must not exist yet.

        Compiled files come along with their dates, so that nothing is compiled twice.
        """
        self.place = place
        place.mkdir()
        for name in COPIED:
            source = root / name
            if source.is_dir():
                shutil.copytree(source, place / name)
            elif source.exists():
                shutil.copy2(source, place / name)

    def check_isolated(self, module: str) -> None:
        """Return if ``module`` is found in the copy; raises ``NotIsolated``."""
        found = subprocess.run(
            [sys.executable, "-c", f"import {module} as one; print(one.__file__)"],
            cwd=self.place,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        if not Path(found).is_relative_to(self.place):
            raise NotIsolated(f"{module} is found at {found}, not below {self.place}")

    @contextmanager
    def mutated(self, mutant: Mutant) -> Iterator[None]:
        """Have the mistake in the copy for as long as this lasts."""
        path = self.place / mutant.file
        source = path.read_text(encoding="utf-8")
        before = path.stat()
        with self._without_kernels(path.parent) if mutant.compiled else _nothing():
            path.write_text(mutant.apply(source), encoding="utf-8")
            try:
                yield
            finally:
                path.write_text(source, encoding="utf-8")
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def run(self, tests: tuple[str, ...], limit_s: float) -> TestRun:
        """Run tests until the first fails, or the time is over."""
        command = (
            *(sys.executable, "-m", "pytest", "-x", "-q", "-rf", "--tb=line", "--no-header"),
            # The profile: no deadlines, which would kill on a slow machine, and always the same.
            *("-p", "no:cacheprovider", "--hypothesis-profile=ci", "-m", "not slow", *tests),
        )
        begun = time.monotonic()
        with subprocess.Popen(
            command,
            cwd=self.place,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=limit_s)
                status: int | None = process.returncode
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # the session that was begun here
                output, _ = process.communicate()
                status = None
        passed = re.search(r"(\d+) passed", output)
        failed = re.search(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)
        return TestRun(
            status,
            int(passed[1]) if passed else 0,
            failed[1] if failed else "",
            time.monotonic() - begun,
            output,
        )

    def _environment(self) -> dict[str, str]:
        paths = [str(self.place / room) for room in ROOMS]
        ours = ("PYTEST_", "PODIUM_")  # of the run that may have begun this one
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return kept | {
            "PYTHONPATH": os.pathsep.join([*paths, str(self.place)]),
            "PYTHONDONTWRITEBYTECODE": "1",  # bytecode is told apart by whole seconds only
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }

    @contextmanager
    def _without_kernels(self, folder: Path) -> Iterator[None]:
        """Put aside what Numba has kept for the files of a folder and below; then put it back."""
        aside = self.place / "kept-kernels"
        kept = [path for path in folder.rglob("__pycache__/*") if path.suffix in (".nbi", ".nbc")]
        for path in kept:
            there = aside / path.relative_to(self.place)
            there.parent.mkdir(parents=True, exist_ok=True)
            path.rename(there)
        try:
            yield
        finally:
            for path in folder.rglob("__pycache__/*.nb[ic]"):
                path.unlink()
            for path in kept:
                (aside / path.relative_to(self.place)).rename(path)
            shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _nothing() -> Iterator[None]:
    yield
