"""The pictures of the page on what is played are what its code makes today."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.benches.docs.keep_pictures import MEANT, OTHERWISE, PICTURES, made
from tests.benches.docs.pages import difference

from podium.control.processes import emulator


def words_of(text: str) -> str:
    root = ElementTree.fromstring(text)
    return "\n".join(e.text or "" for e in root.iter() if re.search("}(text|title|desc)$", e.tag))


def shapes_of(text: str) -> list[str]:
    return [e.tag + e.get("class", "") for e in ElementTree.fromstring(text).iter()]


def test_the_pictures_are_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "emulate", emulator.emulate)  # put back when the test is over
    pictures = made(tmp_path)
    for name in (MEANT, OTHERWISE):
        kept = (PICTURES / name).read_text()
        again = (
            f"{name}: run python tests/benches/docs/keep_pictures.py, and look at what has changed"
        )
        assert difference(words_of(kept), words_of(pictures[name]), 1e-6) is None, again
        assert shapes_of(kept) == shapes_of(pictures[name]), again
