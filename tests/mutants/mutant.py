"""One small change of the source, and the tests that must notice it."""

import ast
from dataclasses import dataclass, field
from pathlib import Path


class StaleMutant(Exception):
    """The source has moved on: the fragment is not there once. Mend the entry of the table."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A realistic mistake in what decides."""

    name: str
    """Room and mistake, as ``verdict/too-early-is-no-matter``; each once in the table."""
    file: str
    """From the root of the repository."""
    before: str
    """The fragment as it stands in the file, exactly once."""
    after: str
    tests: tuple[str, ...]
    """What must fail: files, or tests in files as pytest names them."""
    why: str
    """The harm that the mistake would do."""
    compiled: bool = field(default=False, kw_only=True)
    """It is compiled by Numba: caches on disk do not know of changes in other files."""

    def apply(self, source: str) -> str:
        """Return the source with the mistake in it; raises ``StaleMutant``."""
        count = source.count(self.before)
        if count != 1:
            raise StaleMutant(
                f"{self.name}: {self.before!r} occurs {count} times in {self.file}, not once"
            )
        mutated = source.replace(self.before, self.after)
        try:
            unchanged = ast.dump(ast.parse(mutated)) == ast.dump(ast.parse(source))
        except SyntaxError as error:
            raise StaleMutant(f"{self.name}: {self.file} would be no Python: {error}") from error
        if unchanged:
            raise StaleMutant(f"{self.name}: {self.after!r} means the same as what it replaces")
        return mutated

    def check(self, root: Path) -> None:
        """Return if the mutant fits the tree under ``root``; raises ``StaleMutant``."""
        path = root / self.file
        if not path.is_file():
            raise StaleMutant(f"{self.name}: there is no {self.file}")
        self.apply(path.read_text(encoding="utf-8"))
        if not self.tests:
            raise StaleMutant(f"{self.name}: no test is named that must notice it")
        for test in self.tests:
            file, *names = test.split("::")
            if not (root / file).is_file():
                raise StaleMutant(f"{self.name}: there is no {file}")
            text = (root / file).read_text(encoding="utf-8")
            for name in names:
                if f"def {name.partition('[')[0]}(" not in text:
                    raise StaleMutant(f"{self.name}: {file} has no test {name}")
