"""A chip on an SHFQC of Zurich Instruments behind its data server, and a GS200 for each flux."""

from collections.abc import Iterator

from podium.firmware_interfaces.zurich.limits import LO_STEP_HZ
from podium.sim_instruments.facilities.chip_design import ChipDesign, QubitPlan
from podium.sim_instruments.facilities.chip_wiring import (
    BELOW_F01_GHZ,
    BIAS,
    DRIVE,
    FEEDLINE,
    NODE,
    ChipWiring,
)
from podium.sim_instruments.facilities.tree import NoSuchFacility

SERIAL = 12000
_STEPS_IN_A_GHZ = 10**9 // LO_STEP_HZ
CHANNELS = 6
"""Outputs for drives; two neighbours share a synthesizer, whose centre goes in 200 MHz."""


def wire(name: str, chip: ChipDesign, count: int) -> ChipWiring:
    """Wire the first ``count`` qubits of ``chip`` to an SHFQC behind the data server ``name``."""
    qubits = chip.taken(count)
    if count > CHANNELS:
        raise NoSuchFacility(
            f"an SHFQC drives {CHANNELS} qubits, not {count}; a facility file can have more of them"
        )
    device = f"{name}.dev{SERIAL}"
    wired = ChipWiring({name: {"model": "zurich", "devices": {SERIAL: "SHFQC"}}})
    wired.wiring[f"{NODE}.feedline"] = {
        "output": f"{device}.qa0_out",
        "input": f"{device}.qa0_in",
        "lo": f"{_centre(chip.readout_lo_ghz):.1f} GHz",
        # below the largest output range of 10 dBm; above the smallest input range of -50 dBm
        "output_attenuation": "35 dB",
        "input_attenuation": "35 dB",
        **FEEDLINE,
    }
    for n, (channel, centre_ghz) in _channels(qubits).items():
        wired.wiring[f"{NODE}.q{n}.drive"] = {
            "output": f"{device}.sg{channel}",
            "lo": f"{centre_ghz:.1f} GHz",
            "output_attenuation": "5 dB",
            **DRIVE,
        }
    for n in range(count):
        wired.instruments[f"bias_q{n}"] = {"model": "yokogawa_gs200"}
        wired.wiring[f"{NODE}.q{n}.flux"] = {"source": f"bias_q{n}", **BIAS}
    return wired


def _channels(qubits: tuple[QubitPlan, ...]) -> dict[int, tuple[int, float]]:
    """Return channel and centre (GHz) by qubit.

    Each qubit has a synthesizer alone while there are enough; then the nearest share one.
    """
    if 2 * len(qubits) <= CHANNELS:
        groups = [[n] for n in range(len(qubits))]
    else:
        order = sorted(range(len(qubits)), key=lambda n: (-qubits[n].f01_ghz, n))
        groups = _paired(order, len(qubits) - CHANNELS // 2, qubits)
    found: dict[int, tuple[int, float]] = {}
    for place, group in enumerate(groups):
        middle = sum(qubits[n].f01_ghz for n in group) / len(group)
        for beside, n in enumerate(group):
            found[n] = 2 * place + beside, _centre(middle - BELOW_F01_GHZ)
    return dict(sorted(found.items()))


def _paired(order: list[int], pairs: int, qubits: tuple[QubitPlan, ...]) -> list[list[int]]:
    """Return groups of neighbours in ``order``, so many of them pairs, none wider than must be."""

    def groupings(rest: list[int], left: int) -> Iterator[list[list[int]]]:
        if left > len(rest) // 2:
            return
        if not rest:
            yield []
            return
        for size in (2, 1) if left else (1,):
            if size <= len(rest):
                for more in groupings(rest[size:], left - (size == 2)):
                    yield [rest[:size], *more]

    def widest(groups: list[list[int]]) -> float:
        return max(qubits[one[0]].f01_ghz - qubits[one[-1]].f01_ghz for one in groups)

    return min(groupings(order, pairs), key=widest)


def _centre(ghz: float) -> float:
    return round(ghz * _STEPS_IN_A_GHZ) / _STEPS_IN_A_GHZ
