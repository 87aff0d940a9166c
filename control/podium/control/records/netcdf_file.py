"""Opens a netCDF-4 file for reading parts of it, through HDF5 itself.

h5netcdf looks at every variable, dimension and scale of a file before it gives one of them: 12 ms
of a processor for a small file, here 1. What is read is the same: a dimension is a dimension scale,
a variable names its scales (NetCDF user's guide, appendix C). Groups below the root are not looked
at: Podium writes none.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    import h5py

NO_VARIABLE = b"This is a netCDF dimension but not a netCDF variable"
"""How the name of a scale begins that is a dimension alone (appendix C)."""
NOT_ITS_OWN = "_nc4_non_coord_"
"""Before the name of a variable that has a dimension's name, and is not its scale (appendix C)."""


class NetcdfAttributes:
    """Attributes of a file or a variable, each read when it is asked for."""

    def __init__(self, of: "h5py.File | h5py.Dataset") -> None:
        self._attributes = of.attrs

    def get(self, name: str, default: object) -> Any:
        """Return an attribute; one with a single value as that value."""
        value = self._attributes.get(name, default)
        return value.reshape(-1)[0] if isinstance(value, np.ndarray) and value.size == 1 else value


class NetcdfVariable:
    """One variable; ``variable[0:10]`` reads that part of it."""

    def __init__(self, dataset: "h5py.Dataset", dimensions: tuple[str, ...]) -> None:
        self._dataset = dataset
        self.dimensions = dimensions
        self.shape: tuple[int, ...] = dataset.shape
        self.dtype = dataset.dtype
        self.attrs = NetcdfAttributes(dataset)

    def __getitem__(self, key: Any) -> Any:
        """Return a part of it."""
        return self._dataset[key]


class NetcdfFile:
    """A file that is open while the context is. Raises what h5py raises for a damaged one."""

    def __init__(self, path: Path) -> None:
        import h5py  # heavy: many import this room, and few read a file

        self._file = h5py.File(path, "r")
        try:
            self.attrs = NetcdfAttributes(self._file)
            self.dimensions: dict[str, int] = {}
            """Sizes by name."""
            self.variables: dict[str, NetcdfVariable] = {}
            self._read_names()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self._file.close()

    def _read_names(self) -> None:
        import h5py

        datasets = {name: one for name, one in self._file.items() if isinstance(one, h5py.Dataset)}
        unnamed: dict[int, str] = {}
        alone = set()
        for name, one in datasets.items():
            if h5py.h5ds.is_scale(one.id):
                self.dimensions[name] = one.shape[0] if one.shape else 0
                if (h5py.h5ds.get_scale_name(one.id) or b"").startswith(NO_VARIABLE):
                    alone.add(name)
        for name, one in datasets.items():
            if name not in alone:
                along = tuple(self._dimensions_of(name, one, unnamed))
                self.variables[name.removeprefix(NOT_ITS_OWN)] = NetcdfVariable(one, along)
        for size, name in unnamed.items():
            self.dimensions[name] = size

    def _dimensions_of(
        self, name: str, dataset: "h5py.Dataset", unnamed: dict[int, str]
    ) -> Iterator[str]:
        """Yield the names of a variable's dimensions; one that has none is named by its length."""
        import h5py

        scales = None
        if "DIMENSION_LIST" in dataset.attrs:
            scales = dataset.attrs["DIMENSION_LIST"]
        for axis, size in enumerate(dataset.shape):
            if scales is not None and len(scales[axis]):
                said = h5py.h5r.get_name(scales[axis][0], self._file.id)
                yield said.decode().rpartition("/")[2]
            elif axis == 0 and name in self.dimensions:
                yield name
            else:
                yield unnamed.setdefault(size, f"phony_dim_{len(unnamed)}")
