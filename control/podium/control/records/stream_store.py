"""Keeps what a stream has measured so far in a Zarr store, until its data are recorded.

A file of netCDF is written whole. Of a store (Zarr, version 3) only the chunks are written that
have changed, and it can be read meanwhile: by the page, by slices, by ``xarray.open_zarr``. Whoever
dies in the middle of a stream leaves what had come some seconds before.

A chunk is written whole or not at all. A kill between two of them leaves some points as they were
one batch earlier: the attribute ``shots_done`` is then that of the earlier batch. It needs the
extra ``zarr``: ``pip install 'podium[zarr]'``.
"""

import json
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.control.bus.records import MAIN, RecordedFile, RunFacts
from podium.control.records.records_error import RecordsError

if TYPE_CHECKING:
    import xarray

SUFFIX = ".zarr"
FACTS = "podium_run"
"""Attribute of a store: what is known of its run, JSON."""
CHUNK_BYTES = 1 << 20
"""A chunk is no larger, as far as its first axis can be cut."""


class ZarrView:
    """A store with the names that :class:`.netcdf_file.NetcdfFile` has."""

    def __init__(self, path: Path) -> None:
        group = _zarr().open_group(path, mode="r")
        self.attrs = group.attrs
        self.variables = {name: _ZarrVariable(array) for name, array in group.arrays()}
        self.dimensions = {
            name: size
            for one in self.variables.values()
            for name, size in zip(one.dimensions, one.shape, strict=True)
        }


class _ZarrVariable:
    def __init__(self, array: Any) -> None:
        self._array = array
        self.dimensions = tuple(array.metadata.dimension_names or ())
        self.shape: tuple[int, ...] = array.shape
        self.dtype = array.dtype
        self.attrs = array.attrs

    def __getitem__(self, key: Any) -> Any:
        """Return a part of it; other chunks are not read."""
        return self._array[key]


class StreamStore:
    """The stores of streams in one folder. Every method raises :class:`RecordsError`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, facts: RunFacts, data: "xarray.Dataset") -> None:
        """Write what a stream has so far; chunks that have not changed stay as they are."""
        path = self._path(facts.run)
        said = _plain(data.attrs) | {FACTS: json.dumps(asdict(facts))}
        with _translated(facts.run, "cannot be written"):
            if not path.exists():
                whole = data.assign_attrs(said)
                for variable in whole.variables.values():
                    variable.attrs = _plain(variable.attrs)
                self._begin(path, whole)
                return
            group = _zarr().open_group(path, mode="r+")
            for name, variable in data.variables.items():
                _update(group[str(name)], np.asarray(variable.values))
            group.attrs.update(said)

    def runs(self) -> tuple[str, ...]:
        """Return the runs whose streams are not recorded yet."""
        found = sorted(self._folder.glob(f"[!.]*{SUFFIX}"))  # drafts begin with a dot
        return tuple(one.name.removesuffix(SUFFIX) for one in found)

    def written_s(self, run: str) -> float:
        """Return when a store was last written, Unix time; 0: there is none."""
        try:
            return (self._path(run) / "zarr.json").stat().st_mtime
        except OSError:
            return 0.0

    def load(self, run: str) -> "tuple[RunFacts, xarray.Dataset]":
        """Return what is known of a stream's run, and its data so far."""
        import xarray

        with _translated(run, "cannot be read"):
            _zarr()
            with xarray.open_zarr(self._path(run), consolidated=False) as opened:
                data = opened.load()
            plain = json.loads(str(data.attrs.pop(FACTS)))
            lists = {name: tuple(one) for name, one in plain.items() if isinstance(one, list)}
            for variable in data.variables.values():
                variable.encoding.clear()
            return RunFacts(**{**plain, **lists}), data

    def located(self, run: str) -> RecordedFile | None:
        """Return a stream's store as a file of its run; None: it has none."""
        if self.written_s(run) == 0.0:
            return None
        return RecordedFile(run, MAIN, 0, str(self._path(run)), "", 0, "", self.written_s(run))

    def remove(self, run: str) -> None:
        """Take a store away: its data are recorded."""
        shutil.rmtree(self._path(run), ignore_errors=True)

    def _path(self, run: str) -> Path:
        if not run.replace("-", "").replace(".", "").isalnum():
            raise RecordsError(f"{run!r:.80} is no run that could have a stream")
        return self._folder / f"{run}{SUFFIX}"

    def _begin(self, path: Path, data: "xarray.Dataset") -> None:
        """Make a store, whole or not at all."""
        draft = path.with_name(f".{path.name}")
        shutil.rmtree(draft, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        cut = {
            name: {"chunks": _chunks(one.shape, one.dtype.itemsize)}
            for name, one in data.variables.items()
            if one.ndim
        }
        _zarr()
        data.to_zarr(draft, mode="w", consolidated=False, zarr_format=3, encoding=cut)
        draft.rename(path)


def _plain(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Return attributes in values that JSON has."""
    return {
        str(name): value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        for name, value in attributes.items()
    }


def _chunks(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    row = itemsize * int(np.prod(shape[1:], dtype=np.int64))
    return (max(1, min(shape[0], CHUNK_BYTES // max(1, row))), *(max(1, n) for n in shape[1:]))


def _update(array: Any, values: np.ndarray[Any, Any]) -> None:
    """Write the chunks of an array that differ; it has the shape of ``values`` then."""
    if array.shape != values.shape:
        array.resize(values.shape)
    if not values.ndim:
        array[()] = values[()]
        return
    rows = array.chunks[0]
    for begin in range(0, values.shape[0], rows):
        part = values[begin : begin + rows]
        if not np.array_equal(array[begin : begin + rows], part, equal_nan=part.dtype.kind == "f"):
            array[begin : begin + rows] = part


def _zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise RecordsError(
            f"streams are kept while they are on with the extra zarr: pip install 'podium[zarr]' "
            f"({error})"
        ) from error
    return zarr


@contextmanager
def _translated(run: str, what: str) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            # Texts have no type in Zarr 3 that is settled; this store is read by who wrote it.
            warnings.simplefilter("ignore")
            yield
    except RecordsError:
        raise
    except Exception as error:
        # Of a damaged store: zarr, numcodecs and json complain in many ways.
        raise RecordsError(
            f"the stream of run {run} {what}: {type(error).__name__}: {error}"
        ) from error


def as_left(facts: RunFacts, ended_s: float) -> RunFacts:
    """Return a stream's run as it stands in the records when its client has died."""
    why = (
        facts.error or "its client ended before it sent the data; what had come is its file stream"
    )
    return replace(facts, ticket="", state="stopped", ended_s=ended_s, error=why)
