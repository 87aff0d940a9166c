"""Reports one qubit alone: a choice at the top hides all others, without a script."""

from collections.abc import Iterator, Sequence
from html import escape

from podium.control.report.story import Step, Story


def choice(story: Story) -> Iterator[str]:
    """Return the choice of a qubit and the rules by which the others are hidden."""
    if len(story.qubits) < 2:
        return
    yield "<style>"
    for k, qubit in enumerate(story.qubits):
        chosen = f"body:has(#of-{k}:checked)"
        node = qubit.partition(".")[0]
        hidden = (
            f"{chosen} [data-qubit]:not([data-qubit~='{escape(qubit)}'])",
            f"{chosen} [data-node]:not([data-node='{escape(node)}'])",
        )
        yield f"{', '.join(hidden)} {{ display: none; }}"
    yield "</style>"
    yield '<fieldset class="choice"><legend>show</legend>'
    yield '<label><input type="radio" name="of" id="of-all" checked>all qubits</label>'
    for k, qubit in enumerate(story.qubits):
        yield f'<label><input type="radio" name="of" id="of-{k}">{escape(qubit)}</label>'
    yield "</fieldset>"


def of_qubit(element: str, node: str, qubits: Sequence[str]) -> str:
    """Return the attribute of what is shown of ``element`` on ``node`` (empty: any node).

    What belongs to no single qubit, as a feedline does, is shown with all of them.
    """
    own = [
        name
        for name in qubits
        if element in (name, name.partition(".")[2])
        and (not node or name.startswith(f"{node}.") or element == name)
    ]
    return f' data-qubit="{escape(" ".join(own))}"' if own else ""


def superseded_by(steps: Sequence[Step], number: int) -> int | None:
    """Return the number of the step that has found anew all that step ``number`` had found.

    It is the last of the same routine on the same node; None where it has found less, or there is
    none.
    """
    step = steps[number]
    later = [
        n
        for n in range(number + 1, len(steps))
        if (steps[n].outcome.routine, steps[n].node) == (step.outcome.routine, step.node)
    ]
    anew = {name for n in later for name in steps[n].outcome.measured}
    return later[-1] if later and set(step.outcome.measured) <= anew else None
