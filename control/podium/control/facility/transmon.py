"""Derives the frequency of a flux-tunable transmon from its design."""

import math


def transmon_hz(f01_hz: float, anharmonicity_hz: float, asymmetry: float, flux: float) -> float:
    """Return f01 of a transmon, Hz; ``flux`` from its sweet spot, in quanta.

    Koch et al., Phys. Rev. A 76, 042319 (2007): sqrt(8 EJ EC) - EC, EC as minus the anharmonicity.
    """
    turn = math.pi * flux
    junctions = math.cos(turn) ** 2 + (asymmetry * math.sin(turn)) ** 2
    charging_hz = -anharmonicity_hz
    return float((f01_hz + charging_hz) * junctions**0.25 - charging_hz)
