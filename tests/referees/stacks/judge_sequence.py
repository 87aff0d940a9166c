"""SeQUeNCe 1.3.1, unmodified, judges rate and fidelity of a two-click link, and the pace.

`make test-stacks STACKS=sequence` runs this file; `make test` does not. SeQUeNCe 1.3 wants Python
3.12. It knows no dark counts here: with them its timeline never ends (a plain Monte Carlo judges
those). What `podium reproduce optical` compares itself with was counted by the same script.
"""

import json
import math
import time
from pathlib import Path

import pytest
from tests.benches.referees.foreign_stack import asked

from podium.control.reproductions.optical import COUNTED, Counted
from podium.sim_instruments.physics.links.heralded_attempts import sample_attempts
from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_states import heralded_states, success

SIGMAS = 2.5
"""For six figures with a fixed seed; two each would fail one run in four."""
RATIO = 100.0


@pytest.mark.parametrize("link", COUNTED, ids=lambda one: one.name)
def test_rate_and_fidelity_are_those_of_sequence(link: Counted, tmp_path: Path) -> None:
    attempts = 10_000
    problem = {
        "transmission": link.transmission,
        "efficiency": link.efficiency,
        "visibility": link.visibility,
        "seed": 17,
        "attempts": attempts,
    }
    file = tmp_path / "problem.json"
    file.write_text(json.dumps(problem))
    theirs = asked("sequence", "sequence_lab.py", str(file), folder=tmp_path)
    detector = Detector(link.efficiency)
    arms = (Arm(link.transmission), Arm(link.transmission))
    world = HeraldedLink(Scheme.TWO_CLICKS, arms, (detector, detector), visibility=link.visibility)
    chance, fidelity = success(heralded_states(world))
    made = theirs["made"]
    assert abs(made - attempts * chance) < SIGMAS * math.sqrt(attempts * chance * (1 - chance))
    sigma = math.sqrt(fidelity * (1 - fidelity) / made)
    assert abs(theirs["good"] / made - fidelity) < SIGMAS * sigma
    began = time.perf_counter()
    sample_attempts(world, 1_000_000, 1)
    ours = 1_000_000 / (time.perf_counter() - began)
    assert ours > RATIO * attempts / theirs["took_s"]


def test_netqasm_s_sdk_still_writes_what_is_kept(tmp_path: Path) -> None:
    """`make test` reads and executes what was kept; this is the SDK itself."""
    kept = Path(__file__).parents[2] / "benches" / "links" / "netqasm_sdk.json"
    assert asked("sequence", "netqasm_host.py", folder=tmp_path) == json.loads(kept.read_text())
