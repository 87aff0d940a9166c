"""Plays programs that are held prepared: every check of a run is made, in one step."""

import threading

from podium.control.agent.compiled_programs import CompiledPart, CompiledPrograms, duration_fs
from podium.control.agent.fire_data import fire_data
from podium.control.agent.hardware_run import HardwareRun
from podium.control.agent.playback import Playback
from podium.control.agent.prepared_programs import PreparedPrograms
from podium.control.bus.messages import Roundings
from podium.control.runs.agent_values import Collected
from podium.control.runs.messages import UNVERIFIED, FiredProgram, Start, Token
from podium.control.timebase.epochs import Epochs
from podium.drivers.errors import Refused


class FiredPlayback:
    """One agent's programs that are held prepared, and how they are played."""

    def __init__(self, name: str, playing: Playback, compiled: CompiledPrograms | None) -> None:
        """``name``: of the agent, with the facility's."""
        self._name = name
        self._playing = playing
        self._held = PreparedPrograms(None if compiled is None else compiled.compiler)

    async def hold(self, program: str) -> tuple[str, Epochs, int, Roundings]:
        """Hold a program (JSON); return its hash, epochs, duration and roundings.

        Raises ``InstrumentError``; nothing is touched.
        """
        name, artifacts, rounded = await self._held.hold(program)
        return name, await self._playing.epochs(artifacts), duration_fs(artifacts), rounded

    async def play(
        self, hand: HardwareRun, program: FiredProgram, token: Token, stop: threading.Event
    ) -> Collected:
        """Play a program; ``hand`` has what is played as soon as anything is touched.

        Raises ``InstrumentError``, and ``EpochMoved`` where a clock was reset since it was
        prepared: nothing was touched then.
        """
        artifacts = await self._held.fired(program)
        await self._playing.allowed(artifacts)
        epochs = await self._playing.epochs(artifacts)
        token.epochs.check(epochs, "a clock was reset since the program was prepared")
        hash_ = program.program_hash
        hand.part = CompiledPart(hash_, hash_, artifacts)
        hand.epochs = hand.latest = epochs

        def go_on() -> None:
            if stop.is_set():
                raise Refused(f"{self._name}: run {hand.run} was given up")

        hand.started = True
        ((name, artifact),) = artifacts.items()
        started, data = await self._playing.play(name, artifact, go_on, fire_data)
        start = Start(started, 0, UNVERIFIED)
        return Collected(hand.run, epochs, (), start, 1, 0, 0, data)
