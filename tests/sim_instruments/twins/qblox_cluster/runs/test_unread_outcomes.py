"""Outcomes that nobody looks at branch nothing; whoever looks at one is right all the same."""

from dataclasses import replace

from tests.benches.qblox_cluster.left_behind import Left, both, left_behind

from benches import feedback
from podium.sim_instruments.twins.qblox_cluster.runs import halting_sequencers, unread_outcomes
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_run import TreeRun

SHOTS = 30
FLIP = """set_cond 1,{mask},0,20
      set_awg_offs 20000,0
      upd_param 36
      set_awg_offs 0,0
      upd_param 4
      set_cond 0,0,0,4"""
"""40 ns, whether it flips or not."""
DRIVE = """
      set_mrk 3
      wait_sync 4
      set_latch_en 1,4
      move {shots},R0
loop: reset_ph
      {body}
      set_awg_offs 7500,0
      upd_param 36
      set_awg_offs 0,0
      upd_param {rest}
      loop R0,@loop
      stop"""
"""Shots of 20 us, each with a pulse that leaves a qubit in 0 or 1."""
LATCH_RST = "latch_rst 4"
DUE_NS = 2200
"""From the begin of a shot: first readings have been heard of."""


def drive(*acts: str | int, shots: int = SHOTS) -> str:
    """Return a drive's program: what it does, or how many ns it waits, then its pulse."""
    body, spent_ns = [], 0
    for act in acts:
        body.append(f"wait {act}" if isinstance(act, int) else act)
        spent_ns += act if isinstance(act, int) else 4 if act == LATCH_RST else 40
    return DRIVE.format(body="\n".join(body), rest=20_000 - 36 - spent_ns, shots=shots)


def flips(number: int, shots: int = SHOTS) -> str:
    return drive(LATCH_RST, DUE_NS, FLIP.format(mask=1 << number), shots=shots)


def sequencers(drives: dict[int, str], shots: int = SHOTS) -> list[feedback.Sequencer]:
    """Return the readouts of three qubits, and drives of some of them."""
    found: list[feedback.Sequencer] = []
    for one in feedback.resets(shots, 3):
        if one.slot == 2:
            found.append(one)
        elif one.qubit in drives:
            found.append(replace(one, program=drives[one.qubit]))
    return found


def with_leads(used: list[feedback.Sequencer], leads: dict[int, int]) -> list[feedback.Sequencer]:
    """Return sequencers of which readouts listen so many ns after their tones begin."""
    found: list[feedback.Sequencer] = []
    for one in used:
        lead = leads[one.qubit]
        read = feedback.READ.format(shots=SHOTS, lead=lead, rest=20_000 - 4_600 - 2 * lead)
        found.append(replace(one, program=read) if one.slot == 2 else one)
    return found


def played(used: list[feedback.Sequencer]) -> Left:
    left = both(used, feedback.chip(3), 3)
    assert all(b"OKAY;STOPPED" in state for state in left.states)
    assert min(left.counts[2:4]) > SHOTS / 6, "readings are 0 and 1"
    return left


def decided(tree: TreeRun | None) -> list[int]:
    """Return how many outcomes are decided at a halt of a walk that was right."""
    assert tree is not None
    return sorted({len(node.halt.decisions) for node in tree.tree._nodes})


def test_the_last_reading_of_a_shot_is_not_decided(trees) -> None:
    played(sequencers({n: flips(n) for n in range(3)}))
    assert decided(trees[0]) == [0, 3]


def both_read_twice(settings):
    """Return settings in which a latch of qubit 1 is set from the second trigger on."""

    def counting(*given):
        values = settings(*given)
        values["seq_proc"]["trg"][1]["count_threshold"] = 2
        return values

    return counting


LAST_OF_Q1 = FLIP.format(mask=2)
OTHERS = {0: flips(0), 2: flips(2)}
LATE = {n: drive(1_600, LATCH_RST, DUE_NS - 1_604, FLIP.format(mask=1 << n)) for n in range(3)}
"""Latches are reset between the pulses of the first readings."""


def test_another_sequencer_looks_at_the_last_reading_in_the_next_shot(trees) -> None:
    looks = drive(LAST_OF_Q1, LATCH_RST, DUE_NS, FLIP.format(mask=1))
    played(sequencers({**OTHERS, 0: looks, 1: flips(1)}))
    assert decided(trees[0]) == [0, 2, 3], "it could look at qubit 0 as well"


def test_a_latch_that_is_never_reset_holds_the_last_reading(trees) -> None:
    played(sequencers({**OTHERS, 1: drive(DUE_NS, FLIP.format(mask=2))}))
    assert decided(trees[0]) == [0, 1, 3]


def test_triggers_are_counted_of_the_last_reading_as_well(trees, monkeypatch) -> None:
    monkeypatch.setattr(feedback, "settings", both_read_twice(feedback.settings))
    played(sequencers({**OTHERS, 1: drive(LAST_OF_Q1, LATCH_RST)}))
    assert decided(trees[0]) == [0, 1, 2, 3], "two of the last shot, in which it stops at once"


def test_only_what_arrives_before_latches_are_reset_is_forgotten(trees) -> None:
    """The pulse of qubit 0 arrives 1,510 ns from the begin of a shot, those of others later."""
    played(sequencers(LATE))
    assert decided(trees[0]) == [0, 1], "one after another"


def test_what_nobody_looks_at_is_decided_where_it_keeps_others_off_the_network(trees) -> None:
    """Pulses of qubit 2 come 100 ns before those of qubit 1, which flips; nobody looks at 0."""
    used = sequencers({1: flips(1), 2: drive()})
    left = played(with_leads(used, {0: 666, 1: 246, 2: 146}))
    assert decided(trees[0]) == [0, 2]
    assert left.counts[2] < 2 * SHOTS, "some are lost"


def test_nobody_looks_any_longer_once_a_sequencer_has_stopped(trees) -> None:
    half = drive(LATCH_RST, DUE_NS, LAST_OF_Q1, shots=SHOTS // 2)
    played(sequencers({**OTHERS, 1: half}))
    assert decided(trees[0]) == [0, 2, 3]


def test_what_was_taken_for_unread_and_is_not_is_found_out(trees, monkeypatch) -> None:
    """Then the run is walked once more, and all outcomes are decided."""
    monkeypatch.setattr(unread_outcomes, "_is_forgotten", lambda *given: True)
    played(sequencers({**OTHERS, 1: flips(1)}))
    assert trees[0] is None
    assert decided(trees[1]) == [0, 3]


def test_pulses_that_nobody_looks_at_are_lost_by_the_rules_of_the_network(trees) -> None:
    """Nobody looks at qubit 2, whose pulses come 100 ns before those of qubit 1 at the end."""
    used = sequencers({0: flips(0), 1: drive(), 2: drive()})
    left = played(with_leads(used, {0: 666, 1: 246, 2: 146}))
    assert decided(trees[0]) == [0, 1]
    assert left.counts[1] < left.counts[2] < left.counts[3], "0 is hardly ever in 1"


def test_a_last_reading_has_an_edge_where_it_had_eight(trees, monkeypatch) -> None:
    shots = 500
    used = sequencers({n: flips(n, shots) for n in range(3)}, shots)
    left = left_behind(used, feedback.chip(3), 3, plans=True)
    monkeypatch.setattr(halting_sequencers, "unread_outcomes", lambda *given: frozenset())
    assert left == left_behind(used, feedback.chip(3), 3, plans=True)
    few, many = (len(tree.tree._done) for tree in trees)
    assert 2 * few < many
    assert len(trees[0].tree._firmware._states) < 15, "what is forgotten is no part of a state"


def test_a_world_that_plans_nothing_is_asked_once(monkeypatch) -> None:
    """The first halt is behind an outcome that nobody looks at."""
    begun = []
    begin = feedback.ChipPlay.begin

    def noting(self, *given):
        begun.append(given)
        return begin(self, *given)

    monkeypatch.setattr(feedback.ChipPlay, "begin", noting)
    left_behind(sequencers(LATE), feedback.chip(3), 3, plans=False)
    assert len(begun) == 2, "for a plan, and then as it comes"
