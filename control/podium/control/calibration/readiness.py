"""Prepares a facility for routines: fridges are cold, and biases at the sweet spots."""

from podium.control.calibration.coupler_rest import rest_of
from podium.control.calibration.runner import Runner
from podium.control.facility.edges import Edge
from podium.control.facility.facility import Facility, Qubit
from podium.control.parameters.entry import ParameterRecord
from podium.control.parameters.validity import Validities


class NotCold(Exception):
    """A fridge is too warm to measure in. Nothing was played and no bias was moved."""


def fridges_of(facility: Facility, qubits: tuple[Qubit, ...]) -> tuple[str, ...]:
    """Return the names of the fridges that the qubits' nodes are in."""
    named = dict.fromkeys(facility.nodes[qubit.node].fridge for qubit in qubits)
    return tuple(name for name in named if name is not None)


async def check_fridges(runner: Runner, qubits: tuple[Qubit, ...]) -> dict[str, float]:
    """Return the readings of the fridges that the qubits are in, K; raises NotCold."""
    facility = runner.facility
    readings: dict[str, float] = {}
    for name in fridges_of(facility, qubits):
        fridge = facility.fridges[name]
        thermometer = fridge.thermometer
        kelvin = await runner.read(thermometer.instrument, thermometer.channel)
        if not kelvin < fridge.cold_below_k:
            raise NotCold(
                f"{name} is at {kelvin * 1e3:.4g} mK by {thermometer}, and counts as cold "
                f"below {fridge.cold_below_k * 1e3:.4g} mK; wait, or look at the fridge"
            )
        readings[name] = kelvin
    return readings


async def ramp_biases(
    runner: Runner, qubits: tuple[Qubit, ...], store: ParameterRecord, validities: Validities
) -> tuple[dict[str, float], list[str]]:
    """Ramp every qubit that has a flux line to its sweet spot, as measured or else expected.

    So do others of their nodes whose sweet spots are measured: currents on all lines reach all
    loops, so a sweet spot is one with the others at theirs. Couplers between them go where they
    rest (:func:`.coupler_rest.rest_of`), where that is known. Returns all biases, V, by flux port,
    and what to say of them: a measured bias that is old is still the best guess, and harmless; it
    is used, and said.
    """
    qubits = (*qubits, *_beside(runner.facility, qubits, store))
    tai = await runner.now()
    now_tai_s = tai.seconds + tai.femtoseconds * 1e-15
    levels: dict[str, float] = {}
    notes: list[str] = []
    for qubit in runner.facility.with_flux_line(qubits):
        known = store.get(f"{qubit.name}.sweet_spot")
        old = known and validities.complaint(known, now_tai_s, None)
        if old:
            notes.append(f"{old}: the bias goes there all the same")
        levels[qubit.flux_port] = runner.facility.bias_at(
            qubit, None if known is None else known.value
        )

    def value_of(name: str) -> float | None:
        entry = store.get(name)
        return None if entry is None else entry.value

    for edge in _coupled_edges(runner.facility, qubits):
        coupler = runner.facility.nodes[edge.node].couplers[edge.coupler or ""]
        level_v, name = rest_of(runner.facility, edge, coupler, value_of)
        known = store.get(name)
        old = known and validities.complaint(known, now_tai_s, None)
        if old:
            notes.append(f"{old}: the bias of {coupler.name} goes there all the same")
        if level_v is not None:
            levels[coupler.flux_port] = level_v
    if levels:
        await runner.bias(levels)
    return levels, notes


def _beside(facility: Facility, qubits: tuple[Qubit, ...], store: ParameterRecord) -> list[Qubit]:
    """Return the other qubits of these qubits' nodes whose sweet spots are measured."""
    nodes = {qubit.node for qubit in qubits}
    return [
        one
        for name, one in facility.qubits().items()
        if one.node in nodes and one not in qubits and store.get(f"{name}.sweet_spot") is not None
    ]


def _coupled_edges(facility: Facility, qubits: tuple[Qubit, ...]) -> list[Edge]:
    """Return the edges between these qubits that have a tunable coupler."""
    names = {qubit.name for qubit in qubits}
    return [
        edge
        for edge in facility.edges().values()
        if edge.coupler is not None and {f"{edge.node}.{end}" for end in edge.ends} <= names
    ]
