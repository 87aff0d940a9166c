"""Does what a scenario, a player or a rule does to a running simulation."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.sim_instruments.scenarios.scenario import (
    Act,
    CommandAct,
    FaultAct,
    LinesAct,
    PanelAct,
    ScenarioError,
)

Ask = Callable[[dict[str, Any]], Any]
"""Asks the back door; raises what says that it refuses."""
ANSWER_S = 10.0
"""An instrument's answer is waited for so long, s of the wall."""
COMMAND_S = 120.0
"""A command of the control processes likewise."""


@dataclass(frozen=True, slots=True)
class ControlProcesses:
    """The control processes that run beside a simulation."""

    facility: Path
    state: Path
    """The file that ``podium up --state`` writes."""

    def run(self, *words: str) -> str:
        """Run ``podium WORDS`` against them and return its standard output.

        Raises :class:`ScenarioError` with what it says when it fails.
        """
        command = [sys.executable, "-m", "podium_start", *words, "--state", str(self.state)]
        environment = {**os.environ, "PODIUM_FACILITY": str(self.facility)}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_S, env=environment, check=False
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise ScenarioError(f"podium {' '.join(words)}: {said}")
        return done.stdout


@dataclass(frozen=True, slots=True)
class ActExecution:
    """Does acts to one simulation."""

    ask: Ask
    instruments: Mapping[str, Mapping[str, Any]]
    """Where each listens: ``instruments`` of an endpoints file."""
    control: ControlProcesses | None = None

    def do(self, act: Act, by: str) -> None:
        """Do one act; raises :class:`ScenarioError`, and what :attr:`ask` raises."""
        match act:
            case FaultAct():
                self.ask({"do": "fault", "fault": act.fault, "on": act.on, "by": by})
            case PanelAct():
                panel = {"on": act.on, "input": act.input, "value": act.value}
                self.ask({"do": "operate", **panel, "by": by})
            case LinesAct():
                self.send(act.on, act.send)
            case CommandAct():
                if self.control is None:
                    raise ScenarioError(f"{act.words}: no control processes run here")
                self.control.run(*act.podium)

    def send(self, instrument: str, lines: tuple[str, ...]) -> str:
        """Send lines to an instrument's socket; return what it answers to the last, if it asks.

        Raises :class:`ScenarioError` where there is no such instrument, or it does not answer.
        """
        visa = str(self.instruments.get(instrument, {}).get("visa", ""))
        words = visa.split("::")
        if len(words) < 4:  # TCPIP::HOST::PORT::SOCKET
            raise ScenarioError(f"{instrument!r} is no instrument here with a VISA socket")
        try:
            with socket.create_connection((words[1], int(words[2])), ANSWER_S) as connection:
                connection.sendall("".join(f"{line}\n" for line in lines).encode())
                # An answer to a question of ours says that all before it has been carried out.
                asks = lines[-1].partition(" ")[0].endswith("?")
                if not asks:
                    connection.sendall(b"*IDN?\n")
                with connection.makefile("rb") as answers:
                    answer = answers.readline().decode(errors="replace").strip()
        except OSError as error:
            raise ScenarioError(f"{instrument}: {error}") from error
        if not answer:
            raise ScenarioError(f"{instrument}: it answers nothing to {lines[-1]!r}")
        return answer if asks else ""


def instruments_of(endpoints: Path) -> dict[str, dict[str, Any]]:
    """Return where each instrument of an endpoints file listens; raises :class:`ScenarioError`."""
    try:
        content = json.loads(endpoints.read_text(encoding="utf-8"))
        return dict(content["instruments"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ScenarioError(f"{endpoints} is no endpoints file: {error}") from error
