"""``podium cold``: what it says to a person, as JSON, and of itself."""

import json
from dataclasses import replace

import numpy as np
import pytest

from podium.control import cli
from podium.control.bus.cold import (
    AlarmNews,
    ColdHistory,
    ColdNews,
    ColdProcedureNews,
    Corridor,
    Countdown,
    ReadingNews,
    Rehearsal,
    StepNews,
)
from podium.control.bus.readings import Course
from podium.control.commands import cold_words

ACTIONS = ("status", "alarms", "history", "incident", "run", "rehearse", "confirm", "stop")
STILL = ReadingNews("b.still", "fridge_a", "temperature.still", 0.7249, "K", (5, 6), "good")
ALARM = AlarmNews(
    name="fridge_a.compressor_stopped",
    fridge="fridge_a",
    kind="limit",
    state="unacknowledged",
    priority="critical",
    active=True,
    reading="",
    value=0.0,
    limit=0.5,
    unit="1",
    since=(5, 0),
    what="the compressor stands",
    cause="its mains",
    to_do="Start it.",
)
PROCEDURE = ColdProcedureNews(
    "p1", "recover", "fridge_a", "running", (StepNews("start it", "running"),), "ann", False, (5, 0)
)
NEWS = ColdNews(
    1,
    (5, 7),
    (
        STILL,
        replace(STILL, name="b.mc", value=None, quality="out_of_range", problem="T_OVER"),
        replace(STILL, name="c.v1", signal="valve.v1.open", value=0.0, unit="1"),
    ),
    (ALARM, replace(ALARM, name="fridge_a.still_warm", leader=ALARM.name, priority="high")),
    (PROCEDURE,),
    (Countdown("fridge_a", "last_moment", "last moment to act", 480.0, 420.0, 540.0),),
    (),
    ("a note",),
)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_says_that_it_is_no_safety_system(action: str, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["cold", action, "--help"])
    assert ended.value.code == 0
    assert "no safety system" in " ".join(capsys.readouterr().out.split())


def test_status_as_json_has_what_scripts_ask_for() -> None:
    said = json.loads(json.dumps(cold_words.status_json(NEWS)))
    assert said["readings"]["b.still"]["value"] == 0.7249
    assert {"value", "unit", "tai", "quality"} <= said["readings"]["b.still"].keys()
    assert said["readings"]["b.mc"]["value"] is None
    assert said["alarms"][0]["name"] == ALARM.name
    assert said["procedure"]["name"] == "recover"
    assert said["procedure"]["steps"][0]["state"] == "running"
    assert (
        json.loads(json.dumps(cold_words.status_json(replace(NEWS, procedures=()))))["procedure"]
        is None
    )


def test_status_tells_nothing_by_colour_and_followers_below_their_leader() -> None:
    lines = list(cold_words.status_lines(NEWS))
    assert lines == [
        "fridge_a:",
        f"  {'b.still':<32} {'724.9 mK':>14}",
        f"  {'b.mc':<32} {'no value':>14}  OUT OF RANGE: T_OVER",
        f"  {'c.v1':<32} {'closed':>14}",
        "ALARM CRITICAL unacknowledged: fridge_a.compressor_stopped: the compressor stands",
        "  cause: its mains",
        "  do: Start it.",
        "  follows, unacknowledged: fridge_a.still_warm: the compressor stands",
        "procedure recover of fridge_a: running, id p1, begun by ann",
        "  running  start it",
        "fridge_a: last moment to act in 8.0 min (7.0 to 9.0)",
        "note: a note",
    ]


def test_histories_and_rehearsals_are_plain_values() -> None:
    line = np.array([1.0, 2.0])
    history = ColdHistory({"b.still": Course("K", line, line, line, line)})
    assert cold_words.history_json(history)["courses"]["b.still"]["mean"] == [1.0, 2.0]
    assert "last 2 K (2 points over 1 s)" in "".join(cold_words.history_lines(history))
    steps = (StepNews("start it", "done"),)
    signals = {"temperature.still": Corridor("K", line, line, line)}
    rehearsal = Rehearsal("recover", "fridge_a", line, signals, steps, (0.0,), "fine")
    said = json.loads(json.dumps(cold_words.rehearsal_json(rehearsal)))
    assert said["steps"][0]["begins_s"] == 0.0
    assert said["signals"]["temperature.still"]["low"] == [1.0, 2.0]
    assert len(list(cold_words.rehearsal_lines(rehearsal))) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["alarms", "shelve", "x"], "for how long?"),
        (["alarms", "dance", "x"], "is nothing that is done with an alarm"),
        (["confirm"], "name one procedure's id"),
    ],
)
def test_words_that_make_no_sense_are_told(words, said, tmp_path) -> None:
    import asyncio
    from argparse import Namespace

    from podium.control.commands import cold

    chosen = Namespace(words=words[1:], names=words[1:], action=words[0], for_=None, json=True)
    with pytest.raises(cold.WrongWords, match=said):
        asyncio.run(cold.ACTIONS[words[0]](chosen, None))
