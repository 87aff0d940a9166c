"""How good a twin is: rules in four tiers, and the file beside each twin that says which it keeps.

A twin's file is ``<model>.quality.yaml`` beside its module, or ``quality.yaml`` in its folder. It
says of each rule ``done`` with its evidence, ``exempt`` with the reason, or ``todo``. A tier is
reached when all of its rules, and those of the tiers below, are done or exempt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.firmware_interfaces.models import InstrumentModel
from podium.firmware_interfaces.yaml_text import parse_yaml

RULES: dict[str, dict[str, str]] = {
    "bronze": {
        "client_connects": "a client that nobody here wrote connects and reads",
        "commands_known": "every command that it sends is known or refused",
        "file_names": "codec, driver, twin and tests have the model's name",
        "limits_listed": "what is ASSUMED in its files stands on the page of claims",
    },
    "silver": {
        "manual_behaviour": "state, error queue, ranges and refusals are as the manual has them",
        "five_faults": "five faults can be injected by the back door, each with a test",
        "parser_linear": "a parser's time grows no faster than the text, whatever comes",
        "vendor_examples": "the vendor's own published examples run",
    },
    "gold": {
        "world_coupled": "what it measures comes of the world, and what it does acts there",
        "vendor_unit_tests": "what the vendor's unit tests ask of a fake is asked over a socket",
        "adjacent_models": "models or firmware beside it can be chosen",
        "answer_timing": "answers take as long as those of the box",
    },
    "platinum": {
        "recording_compared": "a recording of the real box is played to it, and it answers alike",
    },
}
"""By tier, lowest first: the rules and what each wants."""
NO_TIER = "none"
STATES = ("done", "exempt", "todo")


class QualityError(ValueError):
    """A quality file is missing or says what cannot be. The message names it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a quality file says of one rule."""

    state: str
    """One of :data:`STATES`."""
    why: str
    """Evidence (files of tests, with commas between), or the reason; empty for a todo."""


def quality_file(model: InstrumentModel) -> Path:
    """Return where the quality file of a model of the house stands, whether it is there or not."""
    here = Path(__file__).parent
    folder = here / model.name
    return folder / "quality.yaml" if folder.is_dir() else here / f"{model.name}.quality.yaml"


def quality_of(model: InstrumentModel) -> Mapping[str, Verdict]:
    """Return the verdicts of a model by rule; raises :class:`QualityError`."""
    file = quality_file(model)
    try:
        found = parse_yaml(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise QualityError(f"{file.name}: {error}") from error
    wanted = [rule for rules in RULES.values() for rule in rules]
    if not isinstance(found, Mapping) or list(found) != wanted:
        raise QualityError(f"{file.name}: its rules are to be {', '.join(wanted)}, in this order")
    return {rule: _verdict(file.name, rule, entry) for rule, entry in found.items()}


def tier_of(verdicts: Mapping[str, Verdict]) -> str:
    """Return the highest tier that is reached, or :data:`NO_TIER`."""
    reached = NO_TIER
    for tier, rules in RULES.items():
        if any(verdicts[rule].state == "todo" for rule in rules):
            break
        reached = tier
    return reached


def _verdict(file: str, rule: str, entry: Any) -> Verdict:
    if entry == "todo":
        return Verdict("todo", "")
    if isinstance(entry, Mapping) and len(entry) == 1:
        ((state, why),) = entry.items()
        if state in STATES and isinstance(why, str) and why.strip():
            return Verdict(str(state), why.strip())
    raise QualityError(f"{file}: {rule} is `todo`, or `done: EVIDENCE`, or `exempt: REASON`")
