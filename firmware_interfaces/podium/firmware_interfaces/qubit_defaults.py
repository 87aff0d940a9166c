"""Typical values with wide spreads stand in for what a facility file leaves out of a qubit.

Both readers of the file take them from here: control, which looks for a quantity within a few
spreads, and the sampler of simulated worlds. Sources: Krantz et al., Appl. Phys. Rev. 6, 021318
(2019), arXiv:1904.06560, and Kjaergaard et al., Annu. Rev. Condens. Matter Phys. 11, 369 (2020),
arXiv:1905.13641, on transmons; where a number is this house's choice it says ASSUMED.
"""

from collections.abc import Mapping
from dataclasses import dataclass

KRANTZ = "typical: Krantz et al., Appl. Phys. Rev. 6, 021318 (2019)"
KJAERGAARD = "typical: Kjaergaard et al., Annu. Rev. Condens. Matter Phys. 11, 369 (2020)"

ANHARMONICITY_HZ = -200e6
"""Krantz et al.: EC, which is about -anharmonicity, is designed to be 100 to 300 MHz."""
KAPPA_HZ = 1.5e6
"""ASSUMED: between resonators of long-lived and of quickly read qubits, 0.3 to 8 MHz."""
KAPPA_OVER_CHI = 2.0
"""Resonators are designed for the most information per photon, 2 abs(chi) = kappa (Gambetta et
al., Phys. Rev. A 77, 012112 (2008)), with f_r(1) - f_r(0) = 2 chi."""
T1_S = 50e-6
"""Kjaergaard et al.: some tens of microseconds to about a hundred."""
ECHO_OVER_T1, RAMSEY_OVER_ECHO = 1.0, 0.6
"""ASSUMED: an echo time is of the order of T1, a Ramsey time somewhat shorter."""
RABI_HZ, RABI_DBM = 40e6, -55.0
"""ASSUMED: the first at a power of the second at the chip: at 5 GHz a drive line that would take
some 50 ms to relax the qubit, as of designs that it does not limit."""
PERIOD_OVER_LIMIT = 1.25
"""ASSUMED: a bias is limited such that most of one flux quantum is within its reach."""
OFFSET_SPREAD = 0.1
"""ASSUMED: of a flux period; offsets of cool-downs in a good shield."""
ASYMMETRY = 0.3
"""ASSUMED: between symmetric SQUIDs and those that are made asymmetric against flux noise."""

SPREADS = {
    "f01": 0.01,
    "anharmonicity": 0.15,
    "readout_frequency": 0.0015,
    "kappa": 0.25,
    "chi": 0.25,
    "t1": 0.25,
    "t2_echo": 0.25,
    "t2_ramsey": 0.25,
    "rabi_frequency": 0.25,
    "flux_period": 0.1,
}
"""Relative, of a number that is not written. ASSUMED. Of f01: resistances of junctions scatter by
some per cent over a wafer, f01 by half of that."""

WRITTEN_SPREADS = {"f01": 0.01, "readout_frequency": 0.0015}
"""Relative, of a number that is written without a spread: those whose place has to be searched."""
ASYMMETRY_SPREAD = 0.05
"""Of an asymmetry without a spread. ASSUMED: 5 % of EJ1 + EJ2, as areas of small junctions on one
chip scatter by some per cent."""


@dataclass(frozen=True, slots=True)
class Typical:
    """A number that nobody has written, in the unit of its quantity."""

    value: float
    spread: float
    """One standard deviation."""
    source: str
    """Where it comes from, in words."""


def usual_spread(quantity: str, value: float) -> float:
    """Return the spread of a design value that is written without one, in the value's unit."""
    if quantity == "asymmetry":
        return ASYMMETRY_SPREAD
    return abs(value) * WRITTEN_SPREADS.get(quantity, 0.0)


def typical_design(
    kind: str,
    written: Mapping[str, float],
    chip_dbm: float | None,
    limit_v: float | None,
) -> dict[str, Typical]:
    """Return what is to be expected of the quantities that may be left out and are.

    ``written``: by quantity, in SI units. ``chip_dbm``: power of a full-scale tone at the chip's
    end of its drive line; None: no line drives it. ``limit_v``: of its flux bias; None: it has no
    flux line, so no period, offset and asymmetry. What has to be written is not among the result.
    """
    found = {**_readout(kind, written), **_times(written)}
    power_dbm = RABI_DBM if chip_dbm is None else chip_dbm
    rabi_hz = RABI_HZ * 10 ** ((power_dbm - RABI_DBM) / 20)
    found["rabi_frequency"] = _typical(
        "rabi_frequency", rabi_hz, "typical of drive lines with so much power at the chip"
    )
    if kind == "transmon":
        found["anharmonicity"] = _typical("anharmonicity", ANHARMONICITY_HZ, KRANTZ)
        if limit_v is not None:
            found |= _flux(written, limit_v)
    return {name: known for name, known in found.items() if name not in written}


def _typical(quantity: str, value: float, source: str) -> Typical:
    return Typical(value, abs(value) * SPREADS[quantity], source)


def _readout(kind: str, written: Mapping[str, float]) -> dict[str, Typical]:
    chi_hz, kappa_hz = written.get("chi"), written.get("kappa")
    if kappa_hz is None:
        kappa_hz = KAPPA_HZ if chi_hz is None else KAPPA_OVER_CHI * abs(chi_hz)
    matched = "typical: a resonator with kappa = 2 |chi|"
    found = {"kappa": _typical("kappa", kappa_hz, matched)}
    if kind == "transmon":  # a fluxonium's has either sign
        found["chi"] = _typical("chi", -kappa_hz / KAPPA_OVER_CHI, matched)
    return found


def _times(written: Mapping[str, float]) -> dict[str, Typical]:
    """Return coherence times that go together with those that are written, s."""
    echo_s, ramsey_s = written.get("t2_echo"), written.get("t2_ramsey")
    if echo_s is None and ramsey_s is not None:
        echo_s = ramsey_s / RAMSEY_OVER_ECHO
    t1_s = written.get("t1", T1_S if echo_s is None else echo_s / ECHO_OVER_T1)
    if echo_s is None or "t2_echo" not in written:
        echo_s = max(echo_s or 0.0, ECHO_OVER_T1 * t1_s)
    return {
        "t1": _typical("t1", t1_s, KJAERGAARD),
        "t2_echo": _typical("t2_echo", echo_s, KJAERGAARD),
        "t2_ramsey": _typical("t2_ramsey", RAMSEY_OVER_ECHO * echo_s, KJAERGAARD),
    }


def _flux(written: Mapping[str, float], limit_v: float) -> dict[str, Typical]:
    period_v = written.get("flux_period", PERIOD_OVER_LIMIT * limit_v)
    return {
        "flux_period": _typical("flux_period", period_v, "typical: the limit of its bias"),
        "flux_offset": Typical(0.0, OFFSET_SPREAD * period_v, "typical of cool-downs"),
        "asymmetry": Typical(ASYMMETRY, 0.1, "typical of SQUIDs"),
    }
