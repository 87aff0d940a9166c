"""Draws a plot anew whenever there are more data.

    plot = LivePlot()
    async for data in lab.stream(program):
        plot.update(data)

In a notebook it appears below the cell and changes in place, whatever backend matplotlib has.
In a script ``plot.figure`` is an ordinary figure, and ``plot.save(path)`` writes it.
"""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray

Show = Callable[[bytes], None]
"""Shows a picture (PNG), in place of the one before."""

PREFIXES = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
WIDTH_INCHES, HEIGHT_INCHES = 4.5, 3.0
"""Of one capture's plot."""
COLUMNS = 3
DOTS_PER_INCH = 90
SHOTS_SHOWN = 2000
"""Most single shots of a cloud."""


class LivePlot:
    """Draws each capture of a dataset: a line, a map, or a cloud of shots in the IQ plane."""

    def __init__(self, show: Show | None = None) -> None:
        """``show``: what is done with each picture; by default it goes below the notebook cell."""
        self.figure = Figure(dpi=DOTS_PER_INCH, layout="constrained")
        self._show = show or _below_the_cell()

    def update(self, data: "xarray.Dataset") -> None:
        """Draw ``data`` in place of what was drawn before."""
        captures = [str(name)[:-2] for name in data.data_vars if f"{str(name)[:-2]}_q" in data]
        captures = [name for name in dict.fromkeys(captures) if not name.endswith("_trace")]
        columns = min(COLUMNS, max(1, len(captures)))
        rows = max(1, math.ceil(len(captures) / columns))
        self.figure.clear()
        self.figure.set_size_inches(WIDTH_INCHES * columns, HEIGHT_INCHES * rows + 0.4)
        for number, name in enumerate(captures, 1):
            _draw(self.figure.add_subplot(rows, columns, number), data, name)
        self.figure.suptitle(progress_line(data))
        if self._show is not None:
            self._show(self.png())

    def png(self) -> bytes:
        """Return the picture."""
        picture = io.BytesIO()
        self.figure.savefig(picture, format="png")
        return picture.getvalue()

    def save(self, path: Path | str) -> None:
        """Write the picture; the suffix says in which format."""
        self.figure.savefig(path)


def progress_line(data: "xarray.Dataset") -> str:
    """Return what the data are and how far they have come."""
    attributes = data.attrs
    name = str(attributes.get("program", ""))
    if "shots_done" not in attributes:
        return name
    far = f"{attributes['shots_done']} of {attributes['shots']} shots"
    stopped = ", stopped" if attributes.get("stopped") else ""
    return f"{name}: {far}{stopped}"


def _draw(axes: Axes, data: "xarray.Dataset", name: str) -> None:
    i, q = data[f"{name}_i"], data[f"{name}_q"]
    axes.set_title(name)
    if "shot" in i.dims and i.ndim <= 2 and (i.ndim == 1 or i.sizes[i.dims[1]] <= 2):
        _cloud(axes, np.asarray(i.values), np.asarray(q.values))
        return
    if "shot" in i.dims:
        i, q = i.mean("shot"), q.mean("shot")
    if i.ndim == 0:
        _cloud(axes, np.asarray(i.values)[None], np.asarray(q.values)[None])
    elif i.ndim == 1:
        x, label = _coordinate(data, str(i.dims[0]), name)
        size, prefix = _prefix(np.concatenate([i.values, q.values]))
        axes.plot(x, i.values / size, "o-", markersize=3, label="I")
        axes.plot(x, q.values / size, "o-", markersize=3, label="Q")
        axes.set_xlabel(label)
        axes.set_ylabel(f"{prefix}V")
        axes.legend()
    else:
        last_two = [str(name) for name in i.dims[-2:]]
        iq = np.asarray(i.values + 1j * q.values).reshape(-1, *i.shape[-2:])[-1]
        size, prefix = _prefix(np.abs(iq))
        y, y_label = _coordinate(data, last_two[0], name)
        x, x_label = _coordinate(data, last_two[1], name)
        mesh = axes.pcolormesh(x, y, np.ma.masked_invalid(np.abs(iq) / size), shading="nearest")
        axes.figure.colorbar(mesh, ax=axes, label=f"|IQ| ({prefix}V)")
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)


def _cloud(axes: Axes, i: NDArray[Any], q: NDArray[Any]) -> None:
    size, prefix = _prefix(np.concatenate([i.ravel(), q.ravel()]))
    step = max(1, i.shape[0] // SHOTS_SHOWN)
    i, q = i[::step].reshape(-1, i[0].size), q[::step].reshape(-1, q[0].size)
    for point in range(i.shape[1]):
        axes.plot(i[:, point] / size, q[:, point] / size, ".", markersize=3, alpha=0.5)
    axes.set_xlabel(f"I ({prefix}V)")
    axes.set_ylabel(f"Q ({prefix}V)")
    axes.set_aspect("equal", adjustable="datalim")


def _coordinate(data: "xarray.Dataset", dimension: str, capture: str) -> tuple[NDArray[Any], str]:
    """Return the values along a dimension and their label: the capture's own, or the first."""
    along = [str(name) for name in data.coords if data.coords[name].dims == (dimension,)]
    if not along:
        return np.arange(data.sizes[dimension]), dimension
    own = [name for name in along if name.split("_")[0] == capture]
    name = (own or along)[0]
    values, unit = np.asarray(data[name].values, np.float64), data[name].attrs.get("units", "")
    if unit in ("", "1", "turn"):
        return values, f"{name} ({unit})" if unit == "turn" else name
    size, prefix = _prefix(values)
    return values / size, f"{name} ({prefix}{unit})"


def _prefix(values: NDArray[Any]) -> tuple[float, str]:
    """Return the size and the letter of the unit prefix in which ``values`` are read best."""
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max(initial=0.0))
    if largest == 0.0:
        return 1.0, ""
    power = min(9, max(-12, 3 * math.floor(math.log10(largest) / 3)))
    return 10.0**power, PREFIXES[power]


def _below_the_cell() -> Show | None:
    """Return what shows pictures in the notebook this runs in, or None outside of notebooks."""
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import Image, display
    except ImportError:
        return None
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    place: list[Any] = []

    def show(picture: bytes) -> None:
        image = Image(picture, format="png")  # type: ignore[no-untyped-call]  # IPython has no types here
        if place:
            place[0].update(image)
        else:
            place.append(display(image, display_id=True))  # type: ignore[no-untyped-call]

    return show
