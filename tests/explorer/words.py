"""Steps in words, for people."""

from tests.explorer.node import NodeStep, said
from tests.explorer.office import OfficeStep

from podium.control.runs.run_values import Send


def words_of(step: NodeStep | OfficeStep) -> str:
    """Say a step and what it has led to."""
    does = []
    for action in step.actions:
        match action:
            case Send(agent, request):
                does.append(f"says {said(request)} to {agent}")
            case _:
                inner = getattr(action, "answer", None) or getattr(action, "entry", None)
                inner = inner or getattr(action, "state", None)
                name = type(action).__name__
                does.append(said(action) if inner is None else f"{name} {said(inner)}")
                action = inner
        reason = getattr(action, "reason", "") or getattr(action, "ended", "")
        if reason:
            does[-1] += f" ({reason})"
    return f"{step.what}: {'; '.join(does)}" if does else step.what
