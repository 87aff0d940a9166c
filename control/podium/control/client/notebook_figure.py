"""Figures that a notebook shows below the cell, whatever backend Matplotlib has."""

import io

from matplotlib.figure import Figure

DOTS_PER_INCH = 90


class NotebookFigure(Figure):
    """A Matplotlib figure that nobody has to show: IPython asks it for its picture."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=DOTS_PER_INCH)
        return picture.getvalue()
