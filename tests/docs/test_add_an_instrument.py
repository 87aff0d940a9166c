"""The instrument of the how-to is added: its files are written, its entry point found, it runs."""

import tomllib
from pathlib import Path

import pytest
from tests.benches.docs.pages import ROOT, Block, blocks_of, difference
from tests.benches.docs.tutorial_reader import Reader

PAGE = ROOT / "docs" / "how-to" / "add-an-instrument.md"


@pytest.fixture
def reader(tmp_path: Path):
    reader = Reader(tmp_path)
    yield reader
    reader.leave()


def lay_in(folder: Path, blocks: list[Block]) -> None:
    """Write the page's files, and beside them what an installation would: the entry points."""
    for block in blocks:
        if block.file is not None:
            (folder / block.file).write_text(block.text)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    told = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines: list[str] = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (told / "entry_points.txt").write_text("\n".join(lines) + "\n")


def test_every_piece_of_the_page_works_together(reader: Reader) -> None:
    blocks = blocks_of(PAGE)
    lay_in(reader.folder, blocks)
    reader.environment["PYTHONPATH"] = str(reader.folder)
    printed, shown = "", 0
    for block in blocks:
        if "output" in block.words:
            within = None if "varies" in block.words else 0.0
            problem = difference(block.text, printed, within)
            assert problem is None, f"line {block.line}: {problem}"
            shown += 1
        elif block.file is None and block.runnable and block.reason is None:
            if "background" in block.words:
                reader.start(block)
            else:
                printed = reader.run(block)
    assert shown == 3
