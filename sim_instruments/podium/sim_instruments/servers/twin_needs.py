"""A simulation needs, or assumes, more of a facility file than real instruments do."""

from collections.abc import Iterator
from pathlib import Path

from podium.firmware_interfaces.fridge_stages import MIXING_CHAMBER, stage_of
from podium.firmware_interfaces.models import ModelError
from podium.sim_instruments.physics.cryostat.parameters import MODELS
from podium.sim_instruments.physics.design import NO_DEVICE, Design, DesignError, read_design
from podium.sim_instruments.physics.sampling import LIBRARY, OF_KIND, draw_world
from podium.sim_instruments.physics.sampling_qubits import SamplingError
from podium.sim_instruments.wiring import PlanError, read_plan


def twin_needs(facility: Path) -> list[str]:
    """Return a line for each need or assumption; none where all is as the libraries know it.

    A world is drawn to see that there is one.
    """
    try:
        plan = read_plan(facility)
        needs = [
            f"{name}: there is no twin of what {driver} reaches; it is left out, and keeps the "
            "address of this file"
            for name, driver in plan.without_twin.items()
        ]
        design = read_design(facility)
        draw_world(design, seed=0)
    except (PlanError, DesignError, SamplingError, ModelError) as error:
        return [f"they cannot be started: {str(error).removeprefix(f'{facility}: ')}"]
    return [*needs, *_assumed(design)]


def _assumed(design: Design) -> Iterator[str]:
    if not design.nodes:
        yield "no nodes: instruments without a chip behind them"
    for node in design.nodes:
        if node.device not in LIBRARY:
            like = ", ".join(dict.fromkeys(OF_KIND[qubit.kind] for qubit in node.qubits))
            known = ", ".join(LIBRARY)
            what = "its chip is not named" if node.device == NO_DEVICE else f"chip {node.device}"
            yield (
                f"{node.name}: {what}: noise, temperatures and other hidden values are those of "
                f"{like} (ASSUMED); chips with values of their own: {known}"
            )
        fixed = [qubit.name for qubit in node.qubits if not qubit.has_flux_line]
        if fixed:
            yield f"{node.name}: without a flux line, and so not tuned: {', '.join(fixed)}"
    for fridge, model in design.fridge_models.items():
        if model not in MODELS:
            yield (
                f"{fridge}: no plant of a {model!r} is known, only of {', '.join(MODELS)}: its "
                "stages keep cold temperatures (ASSUMED)"
            )
    for fridge, channels in design.stages.items():
        for channel in channels:
            stage = stage_of(channel)
            if stage is None:
                yield (
                    f"{fridge}: the channel {channel!r} tells no stage by its name; it reads "
                    f"what the {MIXING_CHAMBER} does (ASSUMED; the twin file has the number)"
                )
