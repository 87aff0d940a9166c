"""Keeps a calibration's data and its parameters."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray

OUT = "podium_calibration"
"""Folder for data and the store, where none is named."""
STORE = "parameters.sqlite"
"""Name of the store in that folder."""


@dataclass(frozen=True, slots=True)
class CalibrationFolder:
    """Names the places of data and parameters."""

    folder: Path
    store: Path | str
    facility_file: Path | None
    """Kept beside the data, so that they can be refitted when it has changed."""

    @property
    def datasets(self) -> Path:
        """Folder of the runs' data."""
        return self.folder / "datasets"

    def keep(self, data: "xarray.Dataset") -> None:
        """Write the data of a run."""
        from podium.control.records.datasets import save_dataset  # heavy

        save_dataset(data, self.datasets)
