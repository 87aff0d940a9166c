import json
from pathlib import Path

import pytest

from podium.control.processes import simulation
from podium.control.processes.simulation import TwinProgress

EARLY, LATE = "10.0..20.0", "30.5..31.0"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """A world whose T1 is the end of the span in s; the options of each question for its truth."""
    questions: list[tuple[str, ...]] = []

    def truths(when: str | None) -> dict:
        value = 33.0 if when is None else float(when.rpartition("..")[2])
        one = {"value": value, "unit": "s"}
        return dict.fromkeys(("q.t1", "q.t2_echo", "q.assignment_fidelity", "link.best_lag"), one)

    async def call(name: str, words: list[str]) -> str:
        options = tuple(words[words.index("--json") + 1 :])
        questions.append(options)
        times = [word for word in options if ".." in word]
        if not times:
            return json.dumps(truths(None))
        told = [truths(when) for when in times]
        if "--quick" in options:
            told = [{n: t for n, t in one.items() if n.startswith("q.t")} for one in told]
        return json.dumps(told[0] if len(times) == 1 else dict(zip(times, told, strict=True)))

    monkeypatch.setattr(simulation, "call", call)
    return questions


async def test_the_truth_of_a_world_that_stands_still_is_asked_for_once(
    asked: list[tuple[str, ...]],
) -> None:
    truth = await simulation.told_truth(Path("twin.yaml"))
    assert asked == [()]
    assert {one.value for one in truth.values()} == {33.0}


async def test_twins_that_run_are_asked_with_their_qubits_at_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[str]] = []

    async def call(name: str, words: list[str]) -> str:
        asked.append(words)
        return json.dumps({"q.t1": {"value": 33.0, "unit": "s"}})

    monkeypatch.setattr(simulation, "call", call)
    await simulation.told_truth(None, {"q.t1": EARLY}, Path("endpoints.json"))
    of = ["--endpoints", "endpoints.json", "--at-rest", "--json"]
    assert [words[words.index("truth") + 1 :] for words in asked] == [
        of,
        [*of, "--quick", "--at", EARLY],
    ]


@pytest.mark.parametrize("echo", [EARLY, LATE], ids=["one span", "two spans"])
async def test_the_truth_of_a_drifting_world_is_that_of_the_time_of_each_measurement(
    asked: list[tuple[str, ...]], echo: str
) -> None:
    slow = dict.fromkeys(("q.assignment_fidelity", "link.best_lag"), LATE)
    spans = {"q.t1": EARLY, "q.t2_echo": echo, **slow, "q.probe": LATE}
    truth = await simulation.told_truth(Path("twin.yaml"), spans)
    assert truth["q.t1"].value == 20.0
    assert truth["q.t2_echo"].value == float(echo.rpartition("..")[2])
    assert [truth[name].value for name in slow] == [31.0, 31.0]
    assert truth.keys() == {"q.t1", "q.t2_echo", *slow}
    assert [options[:1] for options in asked] == [(), ("--quick",), ("--at",)]
    assert asked[2].count("--at") == 1, "only where something is slow"


def test_whole_lines_of_compiling_are_shown_once_and_nothing_else(tmp_path, capsys) -> None:
    log = tmp_path / "twin.log"
    log.write_text("cluster at 127.0.0.3\ncompiling kernels\ncompiled 1 o")
    progress = TwinProgress(log)
    progress.show()
    progress.show()
    assert capsys.readouterr().err == "twins: compiling kernels\n"
    with log.open("a") as more:
        more.write("f 2: readout\nready\n")
    progress.show()
    assert capsys.readouterr().err == "twins: compiled 1 of 2: readout\n"
