"""``podium demo --cold`` with a supervisor that plays its part, without twins and processes."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.benches.web.cold import COOLDOWN, COUNTDOWNS, FRIDGE, NOW_S, cold_news, tripped
from tests.benches.web.cold import cold_facility as facility

from podium.control import cli
from podium.control.bus import cold
from podium.control.bus.cold import ColdNews, StepNews
from podium.control.bus.messages import Done
from podium.control.demo.cold_side import demonstration, fridge_operation
from podium.control.demo.cold_side.fridge_operation import PEOPLE
from podium.control.processes import simulation
from podium.control.runs.errors import RunRefused

MINUTES_A_LOOK = 10


@dataclass
class PlayedFridge:
    """A fridge that cools by a third at each look once its compressor runs."""

    kelvin: float = 295.0
    base_k: float = 0.00705
    running: bool = False
    looks: int = 0
    asked: list[object] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    rates: list[int] = field(default_factory=list)
    procedure: cold.ColdProcedureNews | None = None
    refuses: str = ""
    silent: bool = False
    """Then no alarm tells of the trip."""
    fails: bool = False
    """Then its procedure fails."""
    stays_warm: bool = False
    sets: int = 0
    """At so many looks more its step sets a valve."""

    async def ask(self, request: object, expected: type) -> Any:
        if isinstance(request, cold.AskCold):
            return self.news()
        self.asked.append(request)
        return Done()

    async def once(self, request: object, expected: type) -> Any:
        self.asked.append(request)
        match request:
            case cold.BeginProcedure(name, fridge, by) if not self.refuses:
                state = "asking" if name == "cooldown" else "running"
                self.sets = 2
                self.procedure = replace(
                    COOLDOWN, id=f"{name}-1", name=name, fridge=fridge, state=state, by=by
                )
                self.running = state == "running"
            case cold.ConfirmProcedure(_, by) if self.procedure is not None:
                assert by != self.procedure.by
                self.procedure = replace(self.procedure, state="running", confirmed_by=(by,))
                self.running = True
            case _:
                raise RunRefused(self.refuses)
        return self.procedure

    def news(self) -> ColdNews:
        self.looks += 1
        tripped_now = bool(self.faults) and self.faults[-1] == "compressor_trip"
        if tripped_now:
            self.kelvin = min(4.0, self.kelvin * 1.5)
        elif self.running and not (self.stays_warm and self.faults):
            self.kelvin = max(self.base_k, self.kelvin / 1.5)
        self._go_on()
        tai = (NOW_S + 60 * MINUTES_A_LOOK * self.looks, 0)
        news = cold_news(facility(), self.looks, tai=tai)
        values = {
            "temperature.mixing_chamber": self.kelvin,
            "compressor.running": float(self.running and not tripped_now),
        }
        return replace(
            news,
            readings=tuple(
                replace(one, value=values.get(one.signal, one.value)) for one in news.readings
            ),
            alarms=tripped() if tripped_now and not self.silent else (),
            countdowns=COUNTDOWNS if tripped_now else (),
            procedures=() if self.procedure is None else (self.procedure,),
        )

    def _go_on(self) -> None:
        if self.procedure is None or self.procedure.state != "running":
            return
        if self.fails:
            self.procedure = replace(self.procedure, state="failed", words="the can leaks")
        elif self.sets:
            self.sets -= 1
            words = "valve.v1.open = 1" if self.sets else "shields cool"
            steps = (replace(COOLDOWN.steps[2], words=words), *COOLDOWN.steps[3:])
            self.procedure = replace(self.procedure, steps=(*COOLDOWN.steps[:2], *steps))
        elif self.kelvin <= 2 * self.base_k:
            steps = tuple(
                StepNews(one.name, "done", "", (NOW_S, 0), (NOW_S + 600, 0))
                for one in COOLDOWN.steps
            )
            self.procedure = replace(self.procedure, state="done", steps=steps)


Play = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def fridge() -> PlayedFridge:
    return PlayedFridge()


@pytest.fixture
def play(tmp_path: Path, fridge: PlayedFridge, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run ``podium demo --cold`` on the played fridge; return its status and its summary."""

    async def fault(_: Path, name: str, on: str) -> None:
        assert on == FRIDGE
        fridge.faults.append(name)

    class Clock:
        def __init__(self, children: object, endpoints: Path, rate: int) -> None:
            self.set(rate)

        def set(self, rate: int) -> None:
            if rate != (fridge.rates or [0])[-1]:
                fridge.rates.append(rate)

    @asynccontextmanager
    async def up(*_: object) -> AsyncIterator[PlayedFridge]:
        yield fridge

    monkeypatch.setattr(simulation, "fault", fault)
    monkeypatch.setattr(simulation, "ClockRate", Clock)
    monkeypatch.setattr(demonstration, "_up", up)
    monkeypatch.setattr(demonstration, "WATCH_S", 0.0)
    monkeypatch.setattr(fridge_operation, "LOOK_S", 0.0)

    def run(*more: str) -> tuple[int, dict[str, Any]]:
        status = cli.main(["demo", "--cold", "--report", str(tmp_path), *more])
        return status, json.loads((tmp_path / "summary.json").read_text())

    return run


def test_it_cools_down_trips_and_recovers(play, fridge, capsys) -> None:
    status, told = play()
    assert status == 0
    assert told["good"]
    assert told["start_k"] == pytest.approx(295.0)
    assert told["base_k"] == pytest.approx(0.00705)
    assert told["alarm"]["name"] == "fridge_a.compressor_stopped"
    assert told["alarm"]["followers"] == ["fridge_a.still_warm", "fridge_a.second_stage_warm"]
    assert told["countdowns"]["mixture_boils_off"]["at_s"] == 660.0
    assert told["warmest_k"] > told["base_k"]
    assert told["recovered"]
    assert told["recovery_s"] > 0
    assert [one["procedure"] for one in told["steps"]] == ["cooldown"] * 5 + ["recover"] * 5
    assert told["steps"][0]["took_s"] == 600
    assert fridge.faults == ["compressor_trip", "repair"]
    begun = [one for one in fridge.asked if isinstance(one, cold.BeginProcedure)]
    assert [one.procedure for one in begun] == ["cooldown", "recover"]
    assert cold.ConfirmProcedure("cooldown-1", PEOPLE[1]) in fridge.asked
    assert cold.Acknowledge("fridge_a.compressor_stopped", PEOPLE[0]) in fridge.asked
    said = capsys.readouterr().out
    assert "no safety system" in said
    assert "4 K plate above 10 K" in said


def test_world_time_goes_slower_while_something_is_set_or_mixture_moves(play, fridge) -> None:
    play("--rate", "1200")
    assert fridge.rates[:3] == [1200, 30, 1200]  # the first step sets a valve
    assert fridge.rates.count(10) == 1  # while the compressor stands
    assert 200 in fridge.rates
    assert fridge.rates[-1] == 1200


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"refuses": "cooldown is off for fridge_a"}, "cooldown is off"),
        ({"fails": True}, "the can leaks"),
        ({"silent": True}, "an alarm after the trip"),
        ({"stays_warm": True}, "the end of recover-1"),
        ({"base_k": 0.2}, "base temperature"),
    ],
)
def test_what_goes_wrong_is_told_and_is_the_exit_status(play, fridge, wrong, words) -> None:
    for name, value in wrong.items():
        setattr(fridge, name, value)
    status, told = play()
    assert status == 1
    assert not told["good"]
    assert not told["recovered"]
    assert words in told["trouble"][0]


def test_wrong_use_is_told_before_anything_is_started(tmp_path, capsys) -> None:
    report = ["--report", str(tmp_path)]
    assert cli.main(["demo", "--cold", "--rate", "0", *report]) == 2
    assert "--rate" in capsys.readouterr().err
    warm = tmp_path / "facility.yaml"
    example = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
    warm.write_text(example.read_text())
    assert cli.main(["demo", "--cold", "--facility", str(warm), *report]) == 2
    assert "`model`" in capsys.readouterr().err
