"""Loads a user's own routines: one file, one async function, named like the file."""

import importlib.util
import inspect
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from podium.control.calibration.catalogue import ROUTINES
from podium.control.calibration.declaration import Routine


class NoRoutine(LookupError):
    """A routine is asked for that is not there, or a file that holds none."""

    def __str__(self) -> str:
        return str(self.args[0])


def find_routines(words: Iterable[str]) -> tuple[tuple[str, ...], Mapping[str, Routine]]:
    """Return the names of the routines that ``words`` ask for, and all routines by name.

    A word is the name of a routine of the house, or a Python file with one more. Raises
    :class:`NoRoutine`.
    """
    names: list[str] = []
    routines = dict(ROUTINES)
    for word in words:
        path = Path(word)
        if path.suffix != ".py":
            names.append(word)
            continue
        if path.stem in ROUTINES:
            raise NoRoutine(f"{path}: {path.stem!r} is a routine already; name the file otherwise")
        routines[path.stem] = routine_of(path)
        names.append(path.stem)
    return tuple(names), routines


def routine_of(path: Path) -> Routine:
    """Return the routine in a file: ``async def <name of the file>(bench, qubits)``.

    Modules beside the file can be imported by it. Raises :class:`NoRoutine`.
    """
    wanted = f"async def {path.stem}(bench, qubits)"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise NoRoutine(f"{path} is not a file; it would hold `{wanted}`")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise NoRoutine(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(folder)
    found: Routine | None = getattr(module, path.stem, None)
    if found is None or not inspect.iscoroutinefunction(found):
        there = [n for n, one in vars(module).items() if inspect.iscoroutinefunction(one)]
        has = f"it has {', '.join(there)}" if there else "it has no async function"
        raise NoRoutine(f"{path}: there is no `{wanted}`; {has}")
    if len(inspect.signature(found).parameters) != 2:
        takes = inspect.signature(found)
        raise NoRoutine(
            f"{path}: {path.stem}{takes} must take the bench and the qubits: `{wanted}`"
        )
    return found
