"""A chip on a Qblox cluster: readout, drives and static fluxes from its modules."""

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.facilities.chip_design import ChipDesign, QubitPlan
from podium.sim_instruments.facilities.chip_wiring import (
    ABOVE_F12_GHZ,
    BELOW_F01_GHZ,
    BIAS,
    DRIVE,
    FEEDLINE,
    NODE,
    PULSES,
    ChipWiring,
    biased_of,
    drives_coupler,
    in_step_ghz,
    node_of,
    plasmon_line_of,
)
from podium.sim_instruments.facilities.tree import NoSuchFacility

OUTPUTS_OF_A_QCM = 4
ON_A_QCM_RF = 2
BESIDE_MIDDLE_GHZ = 0.06
SLOW_GHZ = 0.4
"""Qubits below have drives of some dozen periods: their oscillators keep step with the grid."""
SPACIOUS = 9
"""So many modules leave every second slot free, as racks with air in between do."""


def wire(name: str, chip: ChipDesign, count: int) -> ChipWiring:
    """Wire the first ``count`` qubits of ``chip`` to the cluster ``name``.

    Drives below a QCM-RF's oscillator go through the modulator of a microwave source.
    """
    qubits = chip.taken(count)
    direct = [n for n, qubit in enumerate(qubits) if _within_reach(qubit)]
    mixed = [n for n in range(count) if n not in direct]
    lines = node_of(chip, count)["feedlines"]
    kinds = ["QRM-RF"] * len(lines)
    plasmons = [int(one.removeprefix("q")) for one in chip.driven_among(count)]
    kinds += ["QCM-RF"] * -(-(len(direct) + len(plasmons)) // ON_A_QCM_RF)
    biased, pulsed = biased_of(chip, count), chip.pulsed_among(count)
    outputs = 2 * len(mixed) + len(biased) + len(pulsed)
    kinds += ["QCM"] * -(-outputs // OUTPUTS_OF_A_QCM)
    if len(kinds) > limits.SLOTS:
        raise NoSuchFacility(
            f"{count} qubits of {chip.name} need {len(kinds)} modules, a cluster has "
            f"{limits.SLOTS} slots"
        )
    step = 2 if len(kinds) <= SPACIOUS else 1
    slots = {step * (place + 1): kind for place, kind in enumerate(kinds)}
    wired = ChipWiring({name: {"model": "qblox_cluster", "modules": slots}})
    places = {kind: [slot for slot, one in slots.items() if one == kind] for kind in set(kinds)}
    for slot, line in zip(places["QRM-RF"], lines, strict=True):
        wired.wiring[f"{NODE}.{line}"] = {
            "output": f"{name}.slot{slot}.out0",
            "input": f"{name}.slot{slot}.in0",
            "lo": f"{chip.readout_lo_ghz:.2f} GHz",
            "output_attenuation": "30 dB",
            "input_attenuation": "0 dB",
            **FEEDLINE,
        }
    for place, n in enumerate(direct):
        slot, output = places["QCM-RF"][place // ON_A_QCM_RF], place % ON_A_QCM_RF
        wired.wiring[f"{NODE}.q{n}.drive"] = {
            "output": f"{name}.slot{slot}.out{output}",
            "lo": f"{qubits[n].f01_ghz - BELOW_F01_GHZ:.2f} GHz",
            "output_attenuation": "0 dB",
            **DRIVE,
        }
    for place, n in enumerate(plasmons, start=len(direct)):
        slot, output = places["QCM-RF"][place // ON_A_QCM_RF], place % ON_A_QCM_RF
        wired.wiring[f"{NODE}.q{n}.plasmon"] = {
            "output": f"{name}.slot{slot}.out{output}",
            "lo": f"{_of_plasmon_ghz(chip, n):.2f} GHz",
            "output_attenuation": "0 dB",
            **plasmon_line_of(chip, f"q{n}"),
        }
    free = iter([(slot, output) for slot in places["QCM"] for output in range(OUTPUTS_OF_A_QCM)])
    for n in mixed:
        (slot, first), (_, second) = next(free), next(free)
        wired.instruments[f"lo_q{n}"] = {"model": "rohde_schwarz_sgs100a"}
        wired.wiring[f"{NODE}.q{n}.drive"] = {
            "output": f"{name}.slot{slot}.out{first}_{second}",
            "modulator": f"lo_q{n}",
            "lo": f"{_modulated_from_ghz(chip, count, n):.2f} GHz",
            "power": "0 dBm",
            **DRIVE,
        }
    for one in biased:
        slot, output = next(free)
        wired.wiring[f"{NODE}.{one}.flux"] = {"source": f"{name}.slot{slot}.out{output}", **BIAS}
    for one in pulsed:
        slot, output = next(free)
        wired.wiring[f"{NODE}.{one}.flux"] |= {
            "output": f"{name}.slot{slot}.out{output}",
            **PULSES,
        }
    return wired


def _modulated_from_ghz(chip: ChipDesign, count: int, qubit: int) -> float:
    """Return where the oscillator of a modulator is: one for both ends of an exchange.

    A carrier on flux is in step with both drives only so. Beside the middle, since each end would
    be at the other one's image else.
    """
    for edge in chip.edges_among(count):
        if edge.gate == "iswap" and qubit in edge.ends:
            middle = sum(chip.qubits[n].f01_ghz for n in edge.ends) / 2
            return middle - BESIDE_MIDDLE_GHZ
    f01_ghz = chip.qubits[qubit].f01_ghz
    return in_step_ghz(f01_ghz) if f01_ghz < SLOW_GHZ else f01_ghz - BELOW_F01_GHZ


def _of_plasmon_ghz(chip: ChipDesign, qubit: int) -> float:
    """Return where the oscillator of a plasmon's drive is, or of that of a coupler by its line."""
    found = (chip.qubits[qubit].f12_ghz or 0.0) + ABOVE_F12_GHZ
    return in_step_ghz(found) if drives_coupler(chip, f"q{qubit}") else found


def _within_reach(qubit: QubitPlan) -> bool:
    return (qubit.f01_ghz - BELOW_F01_GHZ) * 1e9 >= limits.LO_MIN_HZ
