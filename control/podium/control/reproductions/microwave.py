"""Reproduces published microwave links by the twin's physics, from their device tables.

No program is compiled and no instrument plays: that the same comes out of two nodes' machine code
is not shown here, and each figure's model says so. What no paper says, how the coherence of g and
f dephases, is taken both ways.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.processes.child_processes import call, podium
from podium.control.reproductions.quantities import SIGMAS, Quantity, Reproduction

HOW = (
    "physics of the twin alone: cascaded master equation of the device table at the delay of the "
    "best absorption, before readout; no machine code, no tomography"
)
HOW_SKEWED = (
    "physics of the twin alone: cascaded master equation, atoms that do not decay; no machine code"
)
SKEW_TOLERANCE = 1e-3
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


async def reproduce_skew(seed: int) -> Reproduction:
    """Return catch and Bell fidelity of ends that start apart, beside their closed forms.

    ``catch = eta [x/sinh x]^2``, ``F = (1 + sqrt catch)^2/4``, ``x = Gamma skew/2``, for sech
    photons that are not cut off. ``seed`` changes nothing.
    """
    del seed
    found = json.loads(await call("podium twin photon", podium("twin", "photon", "skew", "--json")))
    (gamma_hz,), (eta,) = found["gamma_hz"], found["transmission"]
    rows: list[Quantity] = []
    for skew_ns, caught, bell in zip(
        found["skew_ns"], found["caught"], found["bell_fidelity"], strict=True
    ):
        x = math.pi * gamma_hz * skew_ns * 1e-9
        closed = eta * (x / math.sinh(x)) ** 2 if x else eta
        said = f"skew {skew_ns:g} ns, against the closed form; {HOW_SKEWED}"
        half = SKEW_TOLERANCE / SIGMAS
        rows.append(Quantity("absorption", closed, half, caught, 0.0, f"part caught, {said}"))
        rows.append(
            Quantity("bell_fidelity", (1 + math.sqrt(closed)) ** 2 / 4, half, bell, 0.0, said)
        )
    return Reproduction("skew", "closed forms of sech photons", tuple(rows))
