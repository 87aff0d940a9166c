"""The start protocol under faults, and proof that these faults find what is broken."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tests.benches.thoroughness import cases
from tests.chaos.__main__ import chaos, held, never, summary
from tests.chaos.faults import KINDS
from tests.chaos.world import GUARDS, Tally, World

from podium.control.runs import (
    agent_checks,
    agent_machine,
    agent_steps,
    coordinator_machine,
    verdict,
)
from podium.control.runs.agent_values import ReadClock
from podium.control.runs.journal import SessionBegun
from podium.control.runs.messages import Fire
from podium.control.timebase.epochs import Epochs

ROOT = Path(__file__).parents[2]


def test_hundreds_of_faults_lead_to_no_wrong_pulse_and_no_partial_start_unseen() -> None:
    faults = cases(250, 1_000)
    total = chaos(seed=1, faults=faults)
    assert total.problems == []
    assert held(total)
    assert set(total.kinds) == set(KINDS)
    assert never(total, enough=1_000) == ()
    # The faults did bite, and the runs went on all the same.
    assert total.partial_starts > faults / 20
    assert total.discarded_after_the_fact > faults / 50
    assert total.refused > faults / 5
    assert total.completed > faults / 2


def test_a_seed_gives_the_same_world_every_time() -> None:
    once, again = World("7", 20).run(), World("7", 20).run()
    assert once == again
    assert World("8", 20).run() != once


def test_the_last_line_is_one_line_of_json() -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.chaos",
            "--seed",
            "3",
            "--faults",
            "20",
            "--live",
            "0",
            "--twins",
            "0",
            "--mixed",
            "0",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = json.loads(ended.stdout.splitlines()[-1])
    assert ended.returncode == 0
    assert said["faults"] >= 20
    assert said["wrong_time_pulses"] == said["undetected_partial_starts"] == said["lost_jobs"] == 0
    assert said["starts"] > 0
    assert said["completed"] > 0
    assert said["refused"] >= 0
    assert said["seed"] == 3
    assert len(said["commit"].removesuffix("-dirty")) == 40 or not (ROOT / ".git").exists()


# Machines that are broken on purpose


def broken(faults: int, raises_late_triggers: bool = False) -> Tally:
    """Return what came of faults until the first that broke the contract."""
    return chaos(
        1, faults, raises_late_triggers=raises_late_triggers, in_a_world=100, until_broken=True
    )


@pytest.mark.slow
def test_without_fencing_a_message_of_another_run_starts_this_one(monkeypatch) -> None:
    fire = agent_machine._fire

    def unfenced(state, request, now_s):
        moved = request
        if state.hand is not None:  # whatever FIRE comes first is the one
            moved = Fire(state.hand.run, state.hand.t0 or request.t0)
        return fire(state, moved, now_s)

    monkeypatch.setattr(agent_checks, "is_fenced", lambda state, request: False)
    monkeypatch.setattr(agent_machine, "_fire", unfenced)
    total = broken(faults=4_000)
    assert total.wrong_time_pulses > 0


def test_without_an_epoch_check_a_relocked_node_plays_at_a_wrong_time(monkeypatch) -> None:
    monkeypatch.setattr(agent_checks, "epoch_moved", lambda token, now: "")
    total = broken(faults=4_000)
    assert total.wrong_time_pulses > 0


@pytest.mark.slow
def test_without_an_epoch_check_of_the_report_a_moved_node_s_data_count(monkeypatch) -> None:
    monkeypatch.setattr(Epochs, "moved", lambda epochs, now: ())
    of_one = verdict._of_one
    monkeypatch.setattr(
        verdict, "_of_one", lambda t0, one, report, n: of_one(t0, one, _forgotten(report), n)
    )
    total = broken(faults=1_000)
    assert total.undetected_partial_starts > 0


def _forgotten(report):
    return replace(report, relocks=())


@pytest.mark.slow
def test_without_a_late_check_a_late_fire_starts_a_node_late(monkeypatch) -> None:
    sound = chaos(seed=1, faults=cases(150, 400), raises_late_triggers=True)
    assert sound.problems == []
    monkeypatch.setattr(agent_checks, "missing_fs", lambda needed_fs, slack_fs: 0)
    total = broken(faults=1_000, raises_late_triggers=True)
    assert total.wrong_time_pulses > 0


def test_without_a_look_at_the_reports_partial_starts_become_results(monkeypatch) -> None:
    monkeypatch.setattr(verdict, "problems", lambda t0, nodes: ())
    total = broken(faults=500)
    assert total.undetected_partial_starts > 0


def test_without_the_start_tick_a_late_edge_becomes_a_result(monkeypatch) -> None:
    monkeypatch.setattr(verdict, "TOLERANCE_FS", 10**12)
    total = broken(faults=1_000)
    assert total.undetected_partial_starts > 0


@pytest.mark.slow
def test_without_a_journal_accepted_jobs_are_lost(monkeypatch) -> None:
    def forgetful(entries):
        return [entry for entry in entries if isinstance(entry, SessionBegun)]

    monkeypatch.setattr(coordinator_machine, "needed", forgetful)
    assert broken(faults=300).lost_jobs > 0


@pytest.mark.slow
def test_without_a_dead_man_s_guard_a_frozen_agent_plays_after_a_relock(monkeypatch) -> None:
    # The trigger is set as soon as FIRE has come: nobody looks at the epochs after that.
    monkeypatch.setattr(agent_checks, "may_commit", lambda told_fs, guard_fs: True)
    monkeypatch.setattr(agent_steps, "ReadClock", lambda run, after_fs: ReadClock(run, 0))
    total = broken(faults=4_000)
    assert total.wrong_time_pulses > 0


def test_what_the_contract_counts_is_what_it_is_told_to() -> None:
    total = World("9", 20).run()
    assert held(total)
    total.wrong_time_pulses = 1
    assert not held(total)
    assert summary(total, 9, "abc")["wrong_time_pulses"] == 1


def test_faults_that_never_take_effect_are_named() -> None:
    total = Tally(kinds=Counter(dict.fromkeys(KINDS, 1_000)), guards=Counter(GUARDS))
    assert never(total) == ()
    del total.kinds["lose"], total.guards["fire: late"]
    assert never(total) == ("lose", "fire: late")
    assert summary(total, 1, "abc")["never"] == ["lose", "fire: late"]
