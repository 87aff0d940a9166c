"""Properties of helium and copper that a dilution refrigerator's balance of heat asks for.

Temperatures in K, pressures in Pa, amounts in mol, heats in J.
"""

import math
from bisect import bisect_right

GAS_CONSTANT = 8.314462618
ROOM_K = 295.0
ROOM_RT = GAS_CONSTANT * ROOM_K
"""J/mol of gas in lines and tanks, which are at room temperature."""

LATENT_3HE = 25.0
"""J/mol, of 3He out of the dilute phase at 0.7 K (Pobell, Matter and Methods, ch. 7)."""
LATENT_4HE = 83.0
"""J/mol at 2 K (Donnelly and Barenghi, J. Phys. Chem. Ref. Data 27 (1998) 1217)."""
DILUTION = 84.0
"""W of cooling for each mol/s of 3He and K^2: 95 - 11 in Pobell's (7.19)."""
DILUTE_HEAT_CAPACITY = 106.0
"""J/(mol K) for each K: 3He in the dilute phase, a Fermi liquid (Pobell, ch. 7)."""
FERMI_LIQUID_K = 0.4
"""Above it that heat capacity no longer grows. ASSUMED."""
TRICRITICAL_K = 0.867
"""Above it no phases separate (Pobell, fig. 7.1)."""

_THEIR_MMHG = 133.322


def vapour_pressure_3he(temperature_k: float) -> float:
    """Return the vapour pressure of pure 3He (Sydoriak, Sherman et al. 1964, T62), Pa."""
    t = max(temperature_k, 0.1)
    if t > 3.3:  # critical at 3.32 K; beyond, liquid of a mixture goes on to boil faster
        return float(vapour_pressure_3he(3.3) * (t / 3.3) ** 4)
    ln_mmhg = (
        2.24846 * math.log(t)
        - 2.49174 / t
        + 4.80386
        + t * (-0.286001 + t * (0.198608 + t * (-0.0502237 + t * 0.00505486)))
    )
    return _THEIR_MMHG * math.exp(ln_mmhg)


def vapour_pressure_4he(temperature_k: float) -> float:
    """Return the vapour pressure of 4He, Pa: an ideal gas over a liquid with 7.17 K to leave it.

    ``(2 pi m / h^2)^1.5 (k T)^2.5 exp(-L0 / R T)``. ASSUMED: the factor 1 + 0.02 T^2, which
    brings it within 5 % of tables (Donnelly and Barenghi) up to 4.2 K.
    """
    t = max(temperature_k, 0.1)
    if t > 5.2:
        return float(vapour_pressure_4he(5.2) * (t / 5.2) ** 4)
    return 2.076e4 * t * t * math.sqrt(t) * math.exp(-7.17 / t) / (1.0 + 0.02 * t * t)


class HeatTable:
    """Heat capacity and enthalpy of copper by temperature, J/(kg K) and J/kg.

    Below 4 K ``gamma T + beta T^3`` with 0.695 mJ/(mol K^2) and a Debye temperature of 343 K;
    above, NIST's fit for OFHC copper (cryogenics data base, 4 to 300 K), joined at 4 K.
    """

    def __init__(self) -> None:
        self._gamma: float = 0.695e-3 / 0.063546
        self._beta: float = 4.78e-5 / 0.063546
        joint = self._low(4.0) / _nist_copper(4.0)
        count = 400
        self._t: list[float] = [4.0 * (330.0 / 4.0) ** (i / (count - 1)) for i in range(count)]
        self._c: list[float] = [
            _nist_copper(t) * (joint + (1.0 - joint) * min(1.0, (t - 4.0) / 4.0)) for t in self._t
        ]
        self._h = [self._gamma * 8.0 + self._beta * 64.0]
        for i in range(1, count):
            step = self._t[i] - self._t[i - 1]
            self._h.append(self._h[-1] + step * (self._c[i] + self._c[i - 1]) / 2)

    def _low(self, t: float) -> float:
        return t * (self._gamma + self._beta * t * t)

    def capacity(self, t: float) -> float:
        """Return the heat capacity, J/(kg K)."""
        if t < 4.0:
            return t * (self._gamma + self._beta * t * t)
        i = min(bisect_right(self._t, t), len(self._t) - 1)
        low, c = self._t[i - 1], self._c
        return c[i - 1] + (c[i] - c[i - 1]) * (t - low) / (self._t[i] - low)

    def enthalpy(self, t: float) -> float:
        """Return the heat that it takes to get there from 0 K, J/kg."""
        if t < 4.0:
            return t * t * (self._gamma / 2 + self._beta / 4 * t * t)
        i = min(bisect_right(self._t, t), len(self._t) - 1)
        low, h = t - self._t[i - 1], self._h[i - 1]
        return h + low * (self._c[i - 1] + self.capacity(t)) / 2


def _nist_copper(t: float) -> float:
    terms = (-1.91844, -0.15973, 8.61013, -18.996, 21.9661, -12.7328, 3.54322, -0.3797)
    lg = math.log10(t)
    return float(10.0 ** sum(term * lg**power for power, term in enumerate(terms)))


COPPER = HeatTable()
