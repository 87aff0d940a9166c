import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"


@pytest.fixture
def example() -> Path:
    return EXAMPLE


def _place(text: str, at: str) -> tuple[int, int]:
    offset = text.index(at)
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


@pytest.fixture
def refuses(example: Path, refuses_in: Callable[..., None]) -> Callable[[str, str, str, str], None]:
    """Change the example in one place; it is refused, at ``at``, in the words ``says``.

    ``(line of X)`` in ``says`` stands for the line of X.
    """
    return partial(refuses_in, example)


@pytest.fixture
def refuses_in(tmp_path: Path) -> Callable[[Path, str, str, str, str], None]:
    """Do the same with another file."""

    def check(sound: Path, old: str, new: str, at: str, says: str) -> None:
        text = sound.read_text()
        assert old in text
        text = text.replace(old, new, 1)
        file = tmp_path / "facility.yaml"
        file.write_text(text)
        with pytest.raises(FacilityError) as refused:
            load_facility(file)
        wanted = re.sub(
            r"\(line of (.*?)\)", lambda match: f"(line {_place(text, match[1])[0]})", says
        )
        told = [problem for problem in refused.value.problems if wanted in str(problem)]
        assert told, str(refused.value)
        assert told[0].file == str(file)
        assert (told[0].line, told[0].column) == _place(text, at)

    return check
