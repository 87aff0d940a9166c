"""Plans a channel's result logger: its averages, and the places of captures."""

import math
from collections.abc import Iterator

from podium.control.compilers.errors import TooLarge
from podium.control.compilers.zurich.channel_readout import CaptureLocation, ChannelReadout
from podium.control.compilers.zurich.shots import Shots
from podium.control.program.program import Program
from podium.firmware_interfaces.zurich import awg_limits as limits
from podium.firmware_interfaces.zurich.program import ResultLayout


def logged_apart(made: ChannelReadout, program: Program, shots: Shots) -> int:
    """Return how many repetitions are logged apart.

    Repetitions that lie otherwise on the grid have other integrators: those cannot be averaged
    with each other by the logger. Neither can results of 0 and 1: shots are told apart.
    """
    points = math.prod(shots.counts)
    if program.keep_shots or any(one.threshold_v is not None for one in made.heard):
        return program.shots
    if all(len(set(_turns_of(heard, points))) == 1 for heard in made.heard):
        return 1
    return shots.round if program.shots % shots.round == 0 else program.shots


def _turns_of(heard: CaptureLocation, points: int) -> list[tuple[int, ...]]:
    """Return the integrators of a capture in each repetition of a round."""
    if len(heard.slots) == 1:
        return [heard.slots]
    return [heard.slots[k : k + points] for k in range(0, len(heard.slots), points)]


def layouts_of(
    made: ChannelReadout, channel: int, program: Program, shots: Shots, logged: int
) -> Iterator[ResultLayout]:
    """Yield where each capture of a channel is found; ``logged``: repetitions apart."""
    for heard in made.heard:
        yield ResultLayout(
            capture=heard.name,
            frame=heard.frame,
            channel=channel,
            slots=heard.slots,
            entry=heard.entry,
            entries=made.entries,
            axes=tuple(axis.name for axis in program.axes),
            shape=shots.counts,
            shots=program.shots,
            keep_shots=program.keep_shots,
            logged=logged,
            samples=heard.samples,
            rotation_turns=heard.rotation_turns,
            threshold_v=heard.threshold_v,
        )


def check_logger(names: str, results: int, averages: int, *, apart: bool) -> None:
    """Raise :class:`TooLarge` for more than a logger holds; ``apart``: shots are logged apart."""
    if results > limits.LOGGER_RESULTS:
        raise TooLarge(
            f"{names}: {results} results, at most {limits.LOGGER_RESULTS} in the logger of a "
            "channel; keep fewer shots, or let them be averaged",
            results,
            limits.LOGGER_RESULTS,
            ("shots", "points") if apart else ("points",),
        )
    if averages > limits.LOGGER_AVERAGES:
        raise TooLarge(
            f"{names}: {averages} shots are averaged, at most {limits.LOGGER_AVERAGES} by the "
            "logger of a channel; run it several times",
            averages,
            limits.LOGGER_AVERAGES,
            ("shots",),
        )
