"""Reproduces published microwave links by the twin's physics, from their device tables.

No program is compiled and no instrument plays: that the same comes out of two nodes' machine code
is not shown here, and each figure's model says so. What no paper says, how the coherence of g and
f dephases, is taken both ways.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.processes.child_processes import call, podium
from podium.control.reproductions.quantities import SIGMAS, Quantity, Reproduction

HOW = (
    "physics of the twin alone: cascaded master equation of the device table at the delay of the "
    "best absorption, before readout; no machine code, no tomography"
)
MODELS: Mapping[str, str] = {
    "number_operator": "dephasing by the number operator",
    "two_sigma_z": "dephasing of g-e and e-f by themselves",
}


@dataclass(frozen=True, slots=True)
class Published:
    """Figures of a paper that are corrected for readout, and how near they are asked for."""

    source: str
    figures: Mapping[str, tuple[float, float]]
    """By quantity: the figure, and the tolerance that was asked for."""


PUBLISHED: Mapping[str, Published] = {
    "kurpiers2018": Published(
        "Kurpiers et al., Nature 558, 264 (2018), corrected for readout",
        {
            "bell_fidelity": (0.789, 0.03),
            "process_fidelity": (0.800, 0.05),
            "absorption": (0.981, 0.02),
        },
    ),
    "magnard2020": Published(
        "Magnard et al., Phys. Rev. Lett. 125, 260502 (2020), corrected for readout",
        {
            "bell_fidelity": (0.795, 0.03),
            "average_state_fidelity": (0.858, 0.03),
            "concurrence": (0.746, 0.05),
            "absorption": (0.958, 0.03),
        },
    ),
}


async def reproduce_microwave(name: str) -> Reproduction:
    """Return the figures of a published link by both models, beside those of the paper.

    Raises ``ProcessFailed`` where there is no simulation.
    """
    paper = PUBLISHED[name]
    found = json.loads(await call("podium twin photon", podium("twin", "photon", name, "--json")))
    return Reproduction(
        name,
        paper.source,
        tuple(
            Quantity(
                quantity, value, tolerance / SIGMAS, found[model][quantity], 0.0, f"{said}; {HOW}"
            )
            for quantity, (value, tolerance) in paper.figures.items()
            for model, said in MODELS.items()
        ),
    )
