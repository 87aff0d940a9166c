"""``podium twin fridge``: stories and their numbers; the data sheet is its referee's."""

import io
import json
from argparse import ArgumentParser
from collections.abc import Callable

import pytest

from podium.sim_instruments.fridge_command import add_fridge, run_fridge
from podium.sim_instruments.serve_command import CommandFailed

Run = Callable[..., str]


@pytest.fixture
def run(capsys) -> Run:
    def typed(*words: str) -> str:
        parser = ArgumentParser()
        add_fridge(parser)
        assert run_fridge(parser.parse_args(words)) == 0
        return capsys.readouterr().out

    return typed


STORY = (
    *("LD400", "--for", "40min", "--fault", "compressor_trip@10min"),
    *("--heater", "mixing_chamber=20uW@1min", "--json"),
)


def test_a_story_gives_series_by_the_names_of_signals(run: Run) -> None:
    told = json.loads(run(*STORY, "--every", "5min"))
    assert told["times_s"] == [300.0 * number for number in range(9)]
    values = told["values"]
    assert all(len(series) == 9 for series in values.values())
    assert values["temperature.mixing_chamber"][0] < 0.0075
    assert 0.02 < values["temperature.mixing_chamber"][2] < 0.03
    assert values["compressor.running"] == [1.0, 1.0, *7 * [0.0]]
    assert values["temperature.mixing_chamber"][-1] > 1.0


def test_how_often_it_is_looked_at_changes_no_number(run: Run) -> None:
    often, seldom = (json.loads(run(*STORY, "--every", every)) for every in ("100s", "20min"))
    at = {time_s: index for index, time_s in enumerate(often["times_s"])}
    for index, time_s in enumerate(seldom["times_s"]):
        for name, series in seldom["values"].items():
            assert often["values"][name][at[time_s]] == series[index]


def test_a_warm_start_is_cooled_down_unless_nobody_touches_it(run: Run) -> None:
    asked = ("LD400", "--from", "warm", "--for", "2h", "--every", "1h", "--json")
    cooled, left = json.loads(run(*asked)), json.loads(run(*asked, "--untouched"))
    assert list(cooled["steps_s"]) == ["rough the vacuum can", "pump the vacuum can", "precool"]
    assert cooled["values"]["temperature.first_stage"][-1] < 260
    assert left["values"]["temperature.first_stage"][-1] == pytest.approx(295.0, abs=0.5)
    assert "steps_s" not in left


def test_inputs_are_written_and_outputs_chosen(run: Run) -> None:
    text = run(
        *("LD250", "--for", "2s", "--every", "1s", "--set", "valve.v18.open=1@1.5s"),
        *("--signal", "valve.v18.open", "--signal", "heater.still.power"),
    )
    assert text.splitlines() == [
        "time_s valve.v18.open heater.still.power",
        "0 0 0.008",
        "1 0 0.008",
        "2 1 0.008",
    ]


def test_a_repaired_fault_is_over(run: Run) -> None:
    told = json.loads(
        run(
            *("LD400", "--for", "90s", "--every", "30s", "--json", "--fault", "compressor_trip@0s"),
            *("--repair", "compressor_trip@50s", "--set", "pulse_tube.on=1@60s"),
        )
    )
    assert told["values"]["compressor.running"] == [0.0, 0.0, 1.0, 1.0]


def test_all_faults_are_listed(run: Run) -> None:
    names = [line.split()[0] for line in run("LD400", "--fault", "list").splitlines()]
    assert names[0] == "compressor_trip"
    assert {"warm_water", "leak", "plug", "turbo_stop", "power_cut", "touch", "quench"} < set(names)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--fault", "flood@1h"), "no fault 'flood'; there are compressor_trip"),
        (("--fault", "plug=2@1h"), "plug: 0 to 1 1 can be, not 2"),
        (("--fault", "quench@1h"), "no magnet"),
        (("--heater", "oven=1W@1h"), "no input 'heater.oven.power'"),
        (("--signal", "temperature.oven"), "no output 'temperature.oven'"),
        (("--every", "0s"), "--every wants more than 0 s"),
        (("--set", "valve.v1.open=7@1s"), "0 and 1 can be"),
    ],
)
def test_what_cannot_be_told_is_refused(run: Run, words: tuple[str, ...], why: str) -> None:
    with pytest.raises(CommandFailed, match=why):
        run("LD400", "--for", "1min", *words)


@pytest.mark.parametrize(
    "words", [("--fault", "plug"), ("--heater", "still=3K@1h"), ("--for", "x")]
)
def test_what_is_no_story_is_wrong_use(run: Run, words: tuple[str, ...], capsys) -> None:
    with pytest.raises(SystemExit):
        run("LD400", *words)
    assert "error: argument" in capsys.readouterr().err


def test_a_dialogue_answers_each_line_and_survives_what_is_no_request(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ['{"do": "hello"}', "", "[1]", "{", '{"do": "advance", "to_s": 5}']
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    told = run("LD250", "--dialogue", "--seed", "3", "--vary", "0.2").splitlines()
    hello, odd, broken, now = (json.loads(line) for line in told)
    assert hello["model"] == "LD250"
    assert hello["readings"]["gauges_a.p3"] == {"signal": "pressure.p3", "unit": "Pa"}
    assert "refused" in odd
    assert "refused" in broken
    assert now["readings"]["thermometry_a.still"] > 0.0
