"""The pictures of the page on what is played, made by the page's own code.

``python tests/benches/docs/keep_pictures.py`` writes them into docs/pictures; a test says when they
are no longer current.
"""

import json
import os
import sys
import tempfile
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from tests.benches.docs.pages import blocks_of  # noqa: E402

from podium.control import cli  # noqa: E402
from podium.control.processes import emulator  # noqa: E402
from podium.sim_instruments.twins.qblox_cluster.runs.emulation import emulate  # noqa: E402

PAGE = ROOT / "docs" / "how-to" / "see-what-is-played.md"
PICTURES = ROOT / "docs" / "pictures"
FACILITY = ROOT / "examples" / "first_light" / "facility.yaml"
MEANT, OTHERWISE = "played_rabi.svg", "played_otherwise.svg"


def made(folder: Path) -> dict[str, str]:
    """Return the pictures by name, made in ``folder``."""
    (program,) = (block for block in blocks_of(PAGE) if block.language == "python")
    emulator.emulate = emulate
    with chdir(folder):
        exec(compile(program.text, str(PAGE), "exec"), {})
        words = ["compile", str(FACILITY), "rabi.json"]
        told = StringIO()
        with redirect_stdout(told):
            assert cli.main([*words, "--json"]) == 0
        artifacts = json.loads(
            told.getvalue().replace("set_awg_offs 3277,0", "set_awg_offs 3377,0")
        )
        Path("artifacts.json").write_text(json.dumps(artifacts))
        changed = [
            "--artifact",
            "artifacts.json",
            "--compare",
            OTHERWISE,
            "--point",
            "amplitude=40",
        ]
        with redirect_stdout(StringIO()):
            assert cli.main([*words, "--diagram", MEANT]) == 0
            assert cli.main([*words, *changed]) == 1
        return {name: Path(name).read_text() for name in (MEANT, OTHERWISE)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, text in made(Path(folder)).items():
            (PICTURES / name).write_text(text)
            print(os.path.relpath(PICTURES / name))
