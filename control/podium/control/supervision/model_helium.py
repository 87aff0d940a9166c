"""Properties of helium and copper, as the supervisor's model of a fridge uses them.

They are written from the publications, not from the simulated plant, and are simpler: see
docs/decisions/0038-a-second-model-of-a-fridge.md. Temperatures in K, pressures in Pa; all
functions take and return arrays of any one shape.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

GAS_CONSTANT = 8.314462618
ROOM_K = 295.0
ROOM_RT = GAS_CONSTANT * ROOM_K
"""J/mol of gas at room temperature."""
LATENT_3HE, LATENT_4HE = 25.0, 83.0
"""J/mol near 0.7 K (Pobell, Matter and Methods at Low Temperatures, ch. 7) and near 2 K (Donnelly
and Barenghi 1998)."""
DILUTION = 84.0
"""W for each mol/s of 3He and K^2 (Pobell, (7.19))."""
DILUTE_3HE = 106.0
"""J/(mol K) for each K of 3He in the dilute phase (Pobell, ch. 7)."""
TRICRITICAL_K = 0.867
"""Of 3He in 4He (Pobell, fig. 7.1)."""
_COPPER_KG = 0.063546
_DEBYE_K = 343.0
_NIST = (-1.91844, -0.15973, 8.61013, -18.996, 21.9661, -12.7328, 3.54322, -0.3797)
_GAMMA = 0.695e-3
"""J/(mol K^2), electrons of copper (Pobell, table 3.1)."""


_T62 = (-0.286001, 0.198608, -0.0502237, 0.00505486)
_MMHG_PA = 133.322


def vapour_pressure_3he(kelvin: Array) -> Array:
    """Return the vapour pressure of pure 3He: the T62 scale (Sydoriak, Sherman et al. 1964)."""
    t = np.minimum(np.maximum(kelvin, 0.08), 4.0)
    series = t * (_T62[0] + t * (_T62[1] + t * (_T62[2] + t * _T62[3])))
    return _MMHG_PA * np.exp(2.24846 * np.log(t) - 2.49174 / t + 4.80386 + series)


def vapour_pressure_4he(kelvin: Array) -> Array:
    """Return the vapour pressure of 4He: an ideal gas over a liquid that binds with 7.17 K.

    ``(2 pi m / h^2)^1.5 (k T)^2.5 exp(-L0 / R T)``, and a factor that brings it within 6 % of
    tables (Donnelly and Barenghi 1998) up to 4.2 K.
    """
    t = np.minimum(np.maximum(kelvin, 0.08), 6.0)
    return 2.076e4 * t * t * np.sqrt(t) * np.exp(-7.17 / t) / (1.0 + 0.02 * t * t)


def _tables() -> tuple[Array, Array, Array]:
    """Return temperatures, heat capacities (J/(kg K)) and enthalpies (J/kg) of copper.

    Below 4 K electrons and phonons (0.695 mJ/(mol K^2), 343 K: Pobell, table 3.1), from 8 K on
    NIST's fit for OFHC copper (cryogenic material data base, 4 to 300 K), between them from one
    to the other.
    """
    kelvin = np.geomspace(1e-3, 340.0, 700)
    phonons = 12 * np.pi**4 / 5 * GAS_CONSTANT * (kelvin / _DEBYE_K) ** 3
    low = (_GAMMA * kelvin + phonons) / _COPPER_KG
    powers = np.log10(np.maximum(kelvin, 4.0))[:, None] ** np.arange(8)
    high = 10.0 ** (powers @ np.array(_NIST))
    part = np.clip((kelvin - 4.0) / 4.0, 0.0, 1.0)
    capacity = np.where(kelvin < 8.0, low * (1.0 - part) + high * part, high)
    steps = np.diff(kelvin) * (capacity[1:] + capacity[:-1]) / 2
    return kelvin, capacity, np.concatenate([[0.0], np.cumsum(steps)])


_KELVIN, _CAPACITY, _ENTHALPY = _tables()


def copper_capacity(kelvin: Array) -> Array:
    """Return the heat capacity of copper, J/(kg K)."""
    return np.interp(kelvin, _KELVIN, _CAPACITY)


def copper_enthalpy(kelvin: Array) -> Array:
    """Return the heat in copper from 1 mK on, J/kg."""
    return np.interp(kelvin, _KELVIN, _ENTHALPY)
