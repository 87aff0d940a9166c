"""A rule plays an incident in a person's place: a file of Python with a function ``act(desk)``.

It is called after each look. What it knows it has to find out as a person does: from instruments,
by their sockets, and from the control processes. The truth it does not see.
"""

import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from podium.sim_instruments.scenarios.act_execution import ActExecution
from podium.sim_instruments.scenarios.scenario import ScenarioError

FUNCTION = "act"
BY = "rule"


@dataclass(slots=True)
class Desk:
    """Sight and hands of a rule. All times are s of world time since the play began."""

    elapsed_s: float
    instruments: Mapping[str, Mapping[str, Any]]
    """Where each listens: ``instruments`` of an endpoints file (host, ports or visa)."""
    memory: dict[str, Any]
    """The rule's own, from one call to the next."""
    _execution: ActExecution
    _done: list[str] = field(default_factory=list)

    def do(self, fault: str, on: str) -> None:
        """Do by hand what ``podium twin fault`` does: repair, plug, relock, thaw ..."""
        self._execution.ask({"do": "fault", "fault": fault, "on": on, "by": BY})
        self._done.append(f"{fault} {on}")

    def operate(self, fridge: str, name: str, value: float) -> None:
        """Write an input of a fridge at its panel, SI unit."""
        panel = {"on": fridge, "input": name, "value": value}
        self._execution.ask({"do": "operate", **panel, "by": BY})
        self._done.append(f"{fridge}.{name} = {value:g}")

    def send(self, instrument: str, *lines: str) -> str:
        """Send lines to an instrument's VISA socket; return the answer if the last line asks."""
        answer = self._execution.send(instrument, lines)
        if not answer:
            self._done.append(f"{instrument}: {'; '.join(lines)}")
        return answer

    def podium(self, *words: str) -> str:
        """Run ``podium WORDS`` against the control processes; return its standard output."""
        if self._execution.control is None:
            raise ScenarioError(f"podium {' '.join(words)}: no control processes run here")
        answer = self._execution.control.run(*words)
        self._done.append(f"podium {' '.join(words)}")
        return answer

    def note(self, words: str) -> None:
        """Have something that the rule did by a connection of its own in the list of events."""
        self._done.append(words)


@dataclass(slots=True)
class Rule:
    """A rule at one play."""

    function: Callable[[Desk], object]
    execution: ActExecution
    memory: dict[str, Any] = field(default_factory=dict)

    def act(self, elapsed_s: float) -> list[str]:
        """Let it act once; return what it did, in words. Raises what the rule raises."""
        desk = Desk(elapsed_s, self.execution.instruments, self.memory, self.execution)
        self.function(desk)
        return desk._done


def rule_function(file: Path) -> Callable[[Desk], object]:
    """Return the function of a rule's file; raises :class:`ScenarioError`."""
    try:
        found = runpy.run_path(str(file)).get(FUNCTION)
    except (OSError, SyntaxError) as error:
        raise ScenarioError(f"{file}: {error}") from error
    if not callable(found):
        raise ScenarioError(f"{file} has no function {FUNCTION}(desk)")
    function: Callable[[Desk], object] = found
    return function
