"""The same program gives the same text: in another process, with other hashes of strings."""

import hashlib
import os
import subprocess
import sys

from tests.benches.programs.example_programs import first_light, target
from tests.benches.thoroughness import cases

from podium.control.compilers.qblox.compile import compile_program

SCRIPT = "from tests.control.compilers.qblox.test_same_text import texts; print(texts())"


def texts() -> str:
    """Hash of all that is compiled of the programs of bring-up, listings included."""
    said = hashlib.sha256()
    for name, program in first_light().items():
        made = compile_program(program, target())
        said.update(repr((name, made.sequencers, made.modules, tuple(made.quantised))).encode())
        said.update(made.listing.encode())
    return said.hexdigest()


def test_the_same_program_gives_the_same_text_in_every_process() -> None:
    seen = {texts()}
    for seed in ("1", "2")[: cases(1, 2)]:
        ended = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        seen.add(ended.stdout.strip())
    assert len(seen) == 1
