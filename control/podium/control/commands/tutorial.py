"""``podium tutorial``: the notebook of the tutorials, with the facility file that it opens."""

import shutil
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.control.facility.command import DONE, WRONG_USE, Command
from podium.control.facility.example import NoExample, example_facility, in_sources

NOTEBOOK = "02-notebook.ipynb"
HOW = """\
{notebook} is there. What it needs, in {folder}:

    podium demo --node-only --facility {facility} --report report
    podium twin serve {facility} --twin report/twin.yaml --endpoints endpoints.json

The first takes a minute; the second goes on until you end it. Then, in another terminal:

    pip install jupyterlab && jupyter lab {notebook}

or open it in an editor that knows notebooks, with this Python: {python}"""


def notebook_file() -> Path:
    """Return the notebook: beside this file in a wheel, or in the docs of the source tree."""
    beside = Path(__file__).with_name(NOTEBOOK)
    places = [beside, *(up / "docs" / "tutorials" / NOTEBOOK for up in beside.parents)]
    for place in places:
        if place.exists():
            return place
    raise NoExample(f"the notebook is neither {beside} nor in a source tree above it")


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path("podium-tutorial"),
        metavar="FOLDER",
        help="where to put it (default podium-tutorial)",
    )


def _run(arguments: Namespace) -> int:
    folder: Path = arguments.folder
    try:
        wanted = {folder / NOTEBOOK: notebook_file(), folder / in_sources("first_light"): None}
        there = [str(path) for path in wanted if path.exists()]
        if there:
            print(f"podium tutorial: {there[0]} is there already; name a folder", file=sys.stderr)
            return WRONG_USE
        for path, source in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source or example_facility(), path)
    except OSError as error:
        print(f"podium tutorial: {error}", file=sys.stderr)
        return WRONG_USE
    words = {"notebook": NOTEBOOK, "folder": folder, "facility": in_sources("first_light")}
    print(HOW.format(python=sys.executable, **words))
    return DONE


command = Command(
    name="tutorial",
    help="copy the notebook of the tutorials, and say how to open it",
    add_arguments=_add_arguments,
    run=_run,
)
