"""``podium tutorial`` puts the notebook and its facility file where they are opened."""

import nbformat

from podium.control.cli import main
from podium.control.commands.tutorial import notebook_file
from podium.control.facility.example import example_facility


def test_the_notebook_and_its_facility_file_are_copied(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["podium", "tutorial", str(tmp_path / "mine")])
    assert main() == 0
    notebook = nbformat.read(tmp_path / "mine" / "02-notebook.ipynb", as_version=4)
    first = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    facility = "examples/first_light/facility.yaml"
    assert facility in first  # as it stands in the folder
    assert (tmp_path / "mine" / facility).read_bytes() == example_facility().read_bytes()
    assert "jupyter lab 02-notebook.ipynb" in capsys.readouterr().out


def test_what_somebody_has_changed_is_not_written_over(tmp_path, capsys, monkeypatch) -> None:
    (tmp_path / "02-notebook.ipynb").write_text("mine")
    monkeypatch.setattr("sys.argv", ["podium", "tutorial", str(tmp_path)])
    assert main() == 2
    assert "there already" in capsys.readouterr().err
    assert (tmp_path / "02-notebook.ipynb").read_text() == "mine"


def test_it_is_the_notebook_that_the_docs_show() -> None:
    assert notebook_file().name == "02-notebook.ipynb"
