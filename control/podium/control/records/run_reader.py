"""Reads recorded data in parts: slices of a variable, and previews thinned for the eye.

Nothing else of a file is read: HDF5 takes a slice out of it (hyperslabs, HDF5 user's guide).
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.news import AxisSummary, CaptureSummary, VariableSummary
from podium.control.bus.records import (
    RecordedFile,
    RunPreview,
    SliceFound,
    ValuePreview,
)
from podium.control.records.netcdf_file import NetcdfFile
from podium.control.records.records_error import NoRun, RecordsError
from podium.control.records.stream_store import SUFFIX as STORE
from podium.control.records.stream_store import ZarrView

SLICE_BYTES = 64 << 20
"""A slice is not larger."""
CHECKED_BYTES = 64 << 20
"""The hash of larger files is not looked at: that takes a second for each GB."""
CHECKED_MOST = 10_000
"""So many files are remembered whose hash was right."""
POINTS = 2000
"""Most points of a line, and of a trace."""
SIDE = 160
"""Most points along one axis of a map."""
CLOUD = 2000
"""Most single shots, over all points."""
VALUES_READ = 4_000_000
"""So many values at most are read for a mean over shots: of more, every n-th shot."""
VARIABLES_SHOWN = 24
_ONE = re.compile(r"\s*(-?\d{1,18})?\s*(?:(:)\s*(-?\d{1,18})?\s*(?::\s*(\d{1,18})?\s*)?)?")


class WrongSlice(NoRun):
    """A variable or a slice that a file does not have; the message says what it has."""


class RunReader:
    """Reads files of runs; any thread may call it. Everything raises ``RecordsError``."""

    def __init__(self) -> None:
        self._checked: dict[tuple[str, int, int], None] = {}
        self._lock = threading.Lock()

    def slice_of(self, file: RecordedFile, variable: str, select: str) -> SliceFound:
        """Return a part of a variable; raises :class:`WrongSlice`."""
        with self._opened(file) as group:
            found = group.variables.get(variable)
            if found is None or found.dtype.kind not in "biuf":
                have = ", ".join(k for k, v in group.variables.items() if v.dtype.kind in "biuf")
                raise WrongSlice(f"run {file.run} has no numbers {variable!r}; it has {have}")
            keys = slices_of(select, found.shape)
            size = found.dtype.itemsize
            for key, length in zip(keys, found.shape, strict=True):
                size *= 1 if isinstance(key, int) else len(range(*key.indices(length)))
            if size > SLICE_BYTES:
                raise WrongSlice(
                    f"{variable}[{select}] of run {file.run} has {size / 1e6:.0f} MB; at most "
                    f"{SLICE_BYTES >> 20} MiB are read at once"
                )
            left = zip(found.dimensions, keys, strict=True)
            return SliceFound(
                file.run,
                variable,
                tuple(str(name) for name, key in left if not isinstance(key, int)),
                tuple(int(one) for one in found.shape),
                _text(found.attrs.get("units", "")),
                np.ascontiguousarray(_little(found[tuple(keys)])),
            )

    def preview(self, file: RecordedFile) -> RunPreview:
        """Return the data, thinned: every n-th point, the mean over shots, some single shots."""
        with self._opened(file) as group:
            return _Preview(group).made(file.run)

    def attribute(self, file: RecordedFile, name: str) -> str:
        """Return an attribute of a file as text; empty: it has none."""
        with self._opened(file) as group:
            return _text(group.attrs.get(name, ""))

    @contextmanager
    def _opened(self, file: RecordedFile) -> Iterator[NetcdfFile | ZarrView]:
        path = Path(file.file)
        try:
            if path.suffix == STORE:
                yield ZarrView(path)
                return
            self._check(path, file)
            with NetcdfFile(path) as group:
                yield group
        except (
            *(OSError, ValueError, KeyError, RuntimeError, TypeError),
            *(IndexError, ArithmeticError),
        ) as error:
            raise RecordsError(f"run {file.run}: {path} cannot be read: {error}") from error

    def _check(self, path: Path, file: RecordedFile) -> None:
        """Look at a file's hash once: HDF5 has been brought down by damaged ones."""
        found = path.stat()
        key = (str(path), found.st_size, found.st_mtime_ns)
        if key in self._checked or found.st_size > CHECKED_BYTES:
            return
        if hashlib.sha256(path.read_bytes()).hexdigest() != file.hash:
            raise RecordsError(
                f"run {file.run}: {path} was changed after it was recorded: its hash differs"
            )
        with self._lock:
            self._checked[key] = None
            while len(self._checked) > CHECKED_MOST:
                del self._checked[next(iter(self._checked))]


class _Preview:
    def __init__(self, group: NetcdfFile | ZarrView) -> None:
        self._group = group
        self._dimensions = group.dimensions
        self._data = {
            str(name): one
            for name, one in group.variables.items()
            if one.dtype.kind in "biuf" and str(name) not in self._dimensions
        }

    def made(self, run: str) -> RunPreview:
        listed = _text(self._group.attrs.get("coordinates", "")).split()
        for one in self._data.values():
            listed += _text(one.attrs.get("coordinates", "")).split()
        own = {name: one for name, one in self._data.items() if name not in listed}
        pairs = [
            name[:-2]
            for name in own
            if name.endswith("_i") and f"{name[:-2]}_q" in own and not name.endswith("_trace_i")
        ]
        captures = [name for name in pairs if own[f"{name}_i"].shape == own[f"{name}_q"].shape]
        used = {f"{name}{end}" for name in captures for end in ("_i", "_q", "_trace_i", "_trace_q")}
        others = [name for name in own if name not in used][:VARIABLES_SHOWN]
        shown = own[f"{captures[0]}_i"] if captures else own[others[0]] if others else None
        dims = [] if shown is None else [str(d) for d in shown.dimensions if d != "shot"]
        steps = self._steps(dims)
        attributes = self._group.attrs
        return RunPreview(
            run,
            _text(attributes.get("program", "")) or _text(attributes.get("title", "")),
            _text(attributes.get("complete", "1")) not in ("0", "false", "False"),
            tuple(self._axis(name, steps[name], listed) for name in dims),
            {name: self._capture(name, steps) for name in captures[:VARIABLES_SHOWN]},
            {name: self._values(own[name]) for name in others},
        )

    def _steps(self, dims: list[str]) -> dict[str, int]:
        most = POINTS if len(dims) < 2 else SIDE
        return {name: max(1, -(-self._dimensions[name] // most)) for name in dims}

    def _axis(self, name: str, step: int, listed: list[str]) -> AxisSummary:
        along = [
            one
            for one in dict.fromkeys([name, *listed])
            if (found := self._group.variables.get(one)) is not None
            and found.dtype.kind in "biuf"
            and tuple(found.dimensions) == (name,)
        ]
        variables = tuple(
            VariableSummary(
                one,
                _text(self._group.variables[one].attrs.get("units", "")),
                np.asarray(self._group.variables[one][::step], np.float64),
            )
            for one in along
        )
        numbers = np.arange(0, self._dimensions[name], step, dtype=np.float64)
        return AxisSummary(name, variables or (VariableSummary(name, "", numbers),))

    def _capture(self, name: str, steps: Mapping[str, int]) -> CaptureSummary:
        dims = [str(one) for one in self._data[f"{name}_i"].dimensions]
        every = tuple(slice(None, None, steps.get(one, 1)) for one in dims if one != "shot")
        cloud: list[NDArray[np.float64] | None] = [None, None]
        both = []
        for k, end in enumerate(("_i", "_q")):
            variable = self._data[f"{name}{end}"]
            if "shot" not in dims:
                both.append(np.asarray(variable[every], np.float64))
                continue
            shots = dims.index("shot")
            step = max(1, -(-int(np.prod(variable.shape)) // VALUES_READ))
            where = tuple(slice(None, None, step) if one == "shot" else slice(None) for one in dims)
            rows = np.moveaxis(np.asarray(variable[where], np.float64), shots, 0)
            points = max(1, rows[0].size)
            thin = max(1, -(-rows.shape[0] // max(1, CLOUD // points)))
            cloud[k] = rows[::thin].reshape(-1, points)
            both.append(_mean(rows)[every])
        trace_i, trace_q, step_s = self._trace(name)
        clipped = bool(self._data[f"{name}_i"].attrs.get("out_of_range", 0))
        return CaptureSummary(
            both[0], both[1], cloud[0], cloud[1], trace_i, trace_q, step_s, clipped
        )

    def _trace(self, name: str) -> tuple[Any, Any, float]:
        if f"{name}_trace_i" not in self._data or f"{name}_trace_q" not in self._data:
            return None, None, 1e-9
        step = max(1, -(-self._data[f"{name}_trace_i"].shape[-1] // POINTS))
        both = [np.asarray(self._data[f"{name}_trace_{k}"][::step], np.float64) for k in "iq"]
        return both[0], both[1], 1e-9 * step

    def _values(self, variable: Any) -> ValuePreview:
        dims = [str(one) for one in variable.dimensions]
        most = POINTS if len(dims) < 2 else SIDE
        steps = tuple(slice(None, None, max(1, -(-n // most))) for n in variable.shape)
        # of more than two axes the first ones stay at their beginning
        keys = tuple([0] * (len(dims) - 2)) + steps[-2:] if len(dims) > 2 else steps
        values = np.asarray(variable[keys] if dims else variable[()], np.float64)
        return ValuePreview(tuple(dims[-2:]), _text(variable.attrs.get("units", "")), values)


def slices_of(select: str, shape: tuple[int, ...]) -> list[int | slice]:
    """Return what ``0:100, ::4, 7`` selects, one for each axis; raises :class:`WrongSlice`."""
    words = select.split(",") if select.strip() else []
    if len(words) > len(shape):
        raise WrongSlice(f"{select!r:.80} selects along {len(words)} axes; there are {len(shape)}")
    keys: list[int | slice] = []
    for word, length in zip([*words, *[":"] * (len(shape) - len(words))], shape, strict=True):
        found = _ONE.fullmatch(word)
        if found is None or not word.strip():
            raise WrongSlice(f"{word!r:.80} is no slice; write it like 7, 0:100, or ::4")
        begin, colon, end, step = found.groups()
        if colon is None:
            index = int(begin)
            if not -length <= index < length:
                raise WrongSlice(f"{index} is not on an axis of {length} points")
            keys.append(index % length)
            continue
        if step is not None and int(step) == 0:
            raise WrongSlice(f"{word!r:.80}: a step is at least 1")
        key = slice(*(None if one is None else int(one) for one in (begin, end, step)))
        first, last, every = key.indices(length)
        keys.append(slice(first, max(first, last), every))
    return keys


def _mean(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over shots of what was measured; nan where nothing was."""
    counted = np.count_nonzero(~np.isnan(rows), axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(rows, axis=0) / counted)


def _little(values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.generic):
        return str(value.item())
    return value if isinstance(value, str) else json.dumps(value, default=str)
