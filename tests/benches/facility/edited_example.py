"""What is said of an example's facility file when one place of it is written otherwise."""

from pathlib import Path

import pytest

from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError


def refusal_of(example: Path, old: str, new: str, folder: Path) -> str:
    """Return what is said of the example with ``new`` for the first ``old``, and in which line."""
    text = example.read_text()
    assert old in text
    file = folder / "facility.yaml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(FacilityError) as error:
        load_facility(file)
    told = str(error.value)
    assert f"{file}:" in told
    return told
