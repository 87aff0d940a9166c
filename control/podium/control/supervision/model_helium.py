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
_DEBYE_K = 335.0
"""Of copper between 4 and 300 K; 343 K at 0 K. # ASSUMED: between the two."""
_GAMMA = 0.695e-3
"""J/(mol K^2), electrons of copper (Pobell, table 3.1)."""


def vapour_pressure_3he(kelvin: Array) -> Array:
    """Return the vapour pressure of pure 3He.

    A vapour of spins 1/2 over a liquid of free spins: ``(2 pi m / h^2)^1.5 (k T)^2.5 exp(-L0/RT)``
    with L0/R = 2.47 K and a factor 1.1; within 12 % of the T62 scale from 0.5 to 2 K.
    """
    bounded = np.minimum(np.maximum(kelvin, 0.08), 6.0)
    return 1.5e4 * bounded**2.5 * np.exp(-2.47 / bounded)


def vapour_pressure_4he(kelvin: Array) -> Array:
    """Return the vapour pressure of 4He, likewise: L0/R = 7.17 K, within 10 % up to 4.2 K."""
    bounded = np.minimum(np.maximum(kelvin, 0.08), 6.0)
    return 2.076e4 * bounded**2.5 * np.exp(-7.17 / bounded) / (1.0 + bounded / 12.0)


def _tables() -> tuple[Array, Array, Array]:
    """Return temperatures, heat capacities (J/(kg K)) and enthalpies (J/kg) of copper."""
    kelvin = np.geomspace(1e-3, 340.0, 700)
    grid = np.linspace(1e-4, 1.0, 400)
    x = _DEBYE_K / kelvin[:, None] * grid
    small = np.minimum(x, 60.0)
    integrand = small**4 * np.exp(-small) / (1.0 - np.exp(-small)) ** 2
    mean = np.trapezoid(integrand, grid, axis=1) * (_DEBYE_K / kelvin)
    lattice = 9.0 * GAS_CONSTANT * (kelvin / _DEBYE_K) ** 3 * mean
    cold = 12 * np.pi**4 / 5 * GAS_CONSTANT * (kelvin / _DEBYE_K) ** 3
    capacity = (_GAMMA * kelvin + np.where(kelvin < _DEBYE_K / 40, cold, lattice)) / _COPPER_KG
    steps = np.diff(kelvin) * (capacity[1:] + capacity[:-1]) / 2
    return kelvin, capacity, np.concatenate([[0.0], np.cumsum(steps)])


_KELVIN, _CAPACITY, _ENTHALPY = _tables()


def copper_capacity(kelvin: Array) -> Array:
    """Return the heat capacity of copper, J/(kg K): Debye's and the electrons'."""
    return np.interp(kelvin, _KELVIN, _CAPACITY)


def copper_enthalpy(kelvin: Array) -> Array:
    """Return the heat in copper from 1 mK on, J/kg."""
    return np.interp(kelvin, _KELVIN, _ENTHALPY)


def copper_temperature(enthalpy: Array) -> Array:
    """Return the temperature of copper that holds so much heat, K."""
    return np.interp(enthalpy, _ENTHALPY, _KELVIN)
