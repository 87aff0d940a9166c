"""Defines messages of fires that a client asks of an agent directly, as the coordinator granted."""

from dataclasses import dataclass

from podium.control.bus.messages import RunId


def fires_key(facility: str, agent: str) -> str:
    """Key under which an agent answers fires that were granted."""
    return f"podium/{facility}/fires/{agent}"


@dataclass(frozen=True, slots=True)
class FiresGranted:
    """Grants fires of a prepared program to the client that has fired it just now."""

    agent: str
    secret: str
    """Known to the coordinator, the agent and this client."""
    last: RunId
    """Runs after the one just fired, up to this one, are the client's."""


# From client to agent


@dataclass(frozen=True, slots=True)
class FireDirectly:
    """Play what was granted, with these values. Said again, it is played once.

    Answered by ``FireData``, ``FireFailed``, ``AskCoordinator`` or ``StillPlaying``.
    """

    run: RunId
    secret: str
    values: bytes
    """As in ``FireProgram``."""


@dataclass(frozen=True, slots=True)
class GiveUpFire:
    """Let a fire not go on; ``Done`` once nothing of it plays, else ``StillPlaying``."""

    run: RunId
    secret: str
    reason: str


# From agent to client


@dataclass(frozen=True, slots=True)
class FireFailed:
    """It was begun, and has come to nothing; nothing of it plays."""

    reason: str


@dataclass(frozen=True, slots=True)
class AskCoordinator:
    """Nothing of it was played, nor will be: it has to be asked of the coordinator."""

    reason: str


@dataclass(frozen=True, slots=True)
class StillPlaying:
    """It is not over: ask again."""


# From client to coordinator


@dataclass(frozen=True, slots=True)
class DirectFireFailed:
    """Reports a fire that came to nothing."""

    id: str
    """As in ``FireProgram``."""
    run: RunId
    reason: str


# From coordinator to agent


@dataclass(frozen=True, slots=True)
class RecallFires:
    """Take a grant back; ``FiresRecalled`` once nothing of it plays, else ``StillPlaying``."""

    secret: str


@dataclass(frozen=True, slots=True)
class FiresRecalled:
    """No fire of the grant plays, or will be played."""

    done: int
    """So many were."""
