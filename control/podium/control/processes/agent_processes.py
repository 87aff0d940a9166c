"""Starts the agents of a facility as processes, for ``podium up`` and ``join``."""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from podium.control.facility.state_folder import epochs_folder, journal_file
from podium.control.processes.supervisor import Report, kept_running

AGENT = "podium.control.agent.process"


async def keep_agents(
    stack: AsyncExitStack,
    owners: Mapping[str, Sequence[str]],
    of_the_bus: Mapping[str, Sequence[str]],
    common: Sequence[str],
    state_file: Path,
    store: str,
    report: Report,
) -> None:
    """Start an agent for each of ``owners`` (names, with instruments) and keep it running.

    ``of_the_bus``: each one's arguments about it; ``common``: the facility file and what is laid
    over it. They end with ``stack``.
    """
    for name, instruments in owners.items():
        words = [
            *common,
            *("--name", name, "--instruments", ",".join(instruments)),
            *of_the_bus[name],
            *("--journal", str(journal_file(state_file))),
            *("--epochs", str(epochs_folder(state_file))),
            *("--store", store),
        ]
        await stack.enter_async_context(kept_running(f"agent {name}", AGENT, words, report))


def files_of(arguments: Namespace) -> list[str]:
    """Return the words that name the facility file and what is laid over it."""
    return list(_files(arguments.facility, arguments.endpoints))


def _files(facility: Path, endpoints: Path | None) -> Iterator[str]:
    yield str(facility)
    if endpoints is not None:
        yield from ("--endpoints", str(endpoints))
