"""A chip on an SHFQC of Zurich Instruments behind its data server, and a GS200 for each flux.

Where gates pulse fluxes, an HDAWG plays them, and a PQSC starts both.
"""

from collections.abc import Iterator

from podium.firmware_interfaces.zurich.limits import LO_STEP_HZ
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
    plasmon_line_of,
)
from podium.sim_instruments.facilities.tree import NoSuchFacility

SERIAL = 12000
HDAWG_SERIAL = 8000
PQSC_SERIAL = 10000
LOWEST_GHZ = 1.0  # the lowest centre: its modulation goes lower, with its image in the way
_STEPS_IN_A_GHZ = 10**9 // LO_STEP_HZ
OPTIONS = "16W LRT"
"""Of the analyser: readouts are swept on oscillators. Without them a scan of two resonators is cut
into as many runs as it has eight waveforms, each some 1 s of a data server's time."""
CHANNELS = 6
"""Outputs for drives; two neighbours share a synthesizer, whose centre goes in 200 MHz."""


def wire(name: str, chip: ChipDesign, count: int) -> ChipWiring:
    """Wire the first ``count`` qubits of ``chip`` to an SHFQC behind the data server ``name``."""
    qubits = chip.taken(count)
    if count > CHANNELS:
        raise NoSuchFacility(
            f"an SHFQC drives {CHANNELS} qubits, not {count}; a facility file can have more of them"
        )
    if slow := [n for n, one in enumerate(qubits) if one.f01_ghz < LOWEST_GHZ]:
        raise NoSuchFacility(
            f"q{slow[0]} of {chip.name} is driven at {qubits[slow[0]].f01_ghz:g} GHz, an SHFQC's "
            f"outputs begin at {LOWEST_GHZ:g} GHz; a qblox_cluster reaches it through a modulator"
        )
    device = f"{name}.dev{SERIAL}"
    fitted = {"devices": {SERIAL: "SHFQC"}, "options": {SERIAL: OPTIONS}}
    wired = ChipWiring({name: {"model": "zurich", **fitted}})
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
    _wire_plasmons(wired, device, chip, count)
    for one in biased_of(chip, count):
        wired.instruments[f"bias_{one}"] = {"model": "yokogawa_gs200"}
        wired.wiring[f"{NODE}.{one}.flux"] = {"source": f"bias_{one}", **BIAS}
    pulsed = chip.pulsed_among(count)
    if pulsed:
        wired.instruments[name] |= {
            "devices": {PQSC_SERIAL: "PQSC", SERIAL: "SHFQC", HDAWG_SERIAL: "HDAWG8"},
            "zsync": {0: f"dev{SERIAL}", 1: f"dev{HDAWG_SERIAL}"},
        }
    for place, one in enumerate(pulsed):
        wired.wiring[f"{NODE}.{one}.flux"] |= {
            "output": f"{name}.dev{HDAWG_SERIAL}.sigout{place}",
            **PULSES,
        }
    return wired


def _wire_plasmons(wired: ChipWiring, device: str, chip: ChipDesign, count: int) -> None:
    """Wire the drives of plasmons, two to the channels of a synthesizer that drives no qubit."""
    driven = chip.driven_among(count)
    for n, one in enumerate(driven):
        place = count + n // 2
        if 2 * place >= CHANNELS:
            raise NoSuchFacility(
                f"an SHFQC has {CHANNELS // 2} synthesizers: {count} qubits of {chip.name} leave "
                f"none for the plasmon of {one}"
            )
        beside = [chip.qubits[int(q.removeprefix("q"))].f12_ghz for q in driven[n - n % 2 :][:2]]
        f12_ghz = sum(ghz or 0.0 for ghz in beside) / len(beside)
        wired.wiring[f"{NODE}.{one}.plasmon"] = {
            "output": f"{device}.sg{2 * place + n % 2}",
            "lo": f"{_centre(f12_ghz + ABOVE_F12_GHZ):.1f} GHz",
            "output_attenuation": "5 dB",
            **plasmon_line_of(chip, one),
        }


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
