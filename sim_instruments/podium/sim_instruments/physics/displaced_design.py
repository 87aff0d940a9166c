"""Moves a design away from the facility file: the world drawn from it contradicts the file.

With ``wrong`` = K each design value of a qubit or coupling that has a spread becomes the value plus
or minus K spreads; seed, element and quantity draw the side. The usual draw follows about the moved
value, so the truth lies K + z spreads to that side, z standard normal and cut at :data:`.draw.CUT`.
The circuit stays a physical one:

- A quantity keeps its sign and at least :data:`LEAST` of its design, an asymmetry stays within
  :data:`ASYMMETRIES`: the draw is cut there.
- All sides of a qubit are drawn again where a cut leaves nothing, where the moved coherence times
  do not go together (:func:`.sampling_qubits.together_fit`; about those that do, they are drawn
  until they fit) or no circuit has the numbers; all sides of a node where its couplings make a
  register that cannot be simulated.

A feedline's attenuation and gain are off by up to :data:`LINE_ERROR_DB`, evenly drawn, in place of
their usual errors; its delay is moved by :data:`DELAY_ERROR_S` to one side and drawn as usual about
that. What a drive line's attenuation is off by is in ``rabi_frequency``. Cables of the timing plane
and what the file does not say (noise, temperatures) are drawn as usual.
"""

import math
from dataclasses import replace

from podium.sim_instruments.physics.circuit_inversion import NoSuchCircuit
from podium.sim_instruments.physics.design import (
    CouplingDesign,
    FeedlineDesign,
    NodeDesign,
    QubitDesign,
)
from podium.sim_instruments.physics.draw import generator
from podium.sim_instruments.physics.sampling_qubits import (
    SamplingError,
    circuit,
    drawn_values,
    together_fit,
)
from podium.sim_instruments.physics.spread import CUT, Spread

LEAST = 0.2
"""ASSUMED: no chip is cooled down of which a quantity is below a fifth of its design."""
ASYMMETRIES = (0.0, 0.95)
LINE_ERROR_DB = 6.0
DELAY_ERROR_S = 20e-9
ATTEMPTS = 50
"""Sides of a qubit are drawn at most so many times."""


def check_wrong(wrong: float) -> float:
    """Return K, or raise :class:`.SamplingError` for one that is no number of spreads."""
    if not (math.isfinite(wrong) and wrong >= 0):
        raise SamplingError(
            f"a world lies some number of spreads off its facility file, 0 or more, not {wrong:g}"
        )
    return wrong


def displaced_node(node: NodeDesign, wrong: float, seed: int, attempt: int = 0) -> NodeDesign:
    """Return the design of a node ``wrong`` spreads off; ``attempt`` draws other sides.

    Raises :class:`.SamplingError` where no world lies so far off.
    """
    return replace(
        node,
        qubits=tuple(
            _qubit(qubit, f"{node.name}.{qubit.name}", wrong, seed, attempt * ATTEMPTS)
            for qubit in node.qubits
        ),
        feedlines=tuple(
            _feedline(feedline, f"{node.name}.{feedline.name}", seed) for feedline in node.feedlines
        ),
        couplings=tuple(
            _coupling(coupling, f"{node.name}.{coupling.name}", wrong, seed, attempt)
            for coupling in node.couplings
        ),
    )


def line_errors(element: str, seed: int) -> dict[str, Spread]:
    """Return by how much a feedline's attenuation and gain are off, dB, without a spread."""
    errors = {}
    for quantity in ("attenuation_error", "gain_error"):
        even = generator(seed, element, quantity, "wrong").uniform(-1.0, 1.0)
        errors[quantity] = Spread(LINE_ERROR_DB * float(even), 0.0, "dB")
    return errors


def _qubit(
    qubit: QubitDesign, element: str, wrong: float, seed: int, first_attempt: int
) -> QubitDesign:
    """Draw sides until the numbers that will be drawn about the moved values make a circuit."""
    why: Exception | None = None
    for attempt in range(first_attempt, first_attempt + ATTEMPTS):
        try:
            moved = replace(
                qubit,
                values={
                    quantity: _moved(spread, element, quantity, wrong, seed, attempt)
                    for quantity, spread in qubit.values.items()
                },
            )
            times = [moved.values[key].value for key in ("t1", "t2_echo", "t2_ramsey")]
            if not together_fit(*times):
                raise SamplingError(f"{element}: coherence times of {times} s do not go together")
            circuit(qubit.kind, drawn_values(moved, element, seed))
        except (SamplingError, NoSuchCircuit) as error:
            why = error
        else:
            return moved
    raise SamplingError(
        f"{element}: no qubit {wrong:g} spreads off the design was found in {ATTEMPTS} draws of "
        f"the sides; fewer spreads have one. The last draw: {why}"
    )


def _moved(
    spread: Spread, element: str, quantity: str, wrong: float, seed: int, attempt: int
) -> Spread:
    if spread.spread == 0:
        return spread
    low, high = _limits(spread, quantity)
    value = spread.value + _side(element, quantity, seed, attempt) * wrong * spread.spread
    if not value + CUT * spread.spread > low or not value - CUT * spread.spread < high:
        raise SamplingError(
            f"{element}.{quantity} would be {value:.4g} {spread.unit}, and lies within "
            f"{low:.4g} ... {high:.4g} {spread.unit}"
        )
    return replace(spread, value=value, low=low, high=high)


def _limits(spread: Spread, quantity: str) -> tuple[float, float]:
    if quantity == "asymmetry":
        return ASYMMETRIES
    if quantity == "flux_offset" or spread.value == 0:  # of either sign
        return spread.low, spread.high
    least = LEAST * spread.value
    return (least, spread.high) if spread.value > 0 else (spread.low, least)


def _side(element: str, quantity: str, seed: int, attempt: int = 0) -> float:
    return 1.0 if generator(seed, element, quantity, "side", attempt).random() < 0.5 else -1.0


def _feedline(feedline: FeedlineDesign, element: str, seed: int) -> FeedlineDesign:
    delay = feedline.delay
    value = delay.value + _side(element, "delay", seed) * DELAY_ERROR_S
    least = LEAST * delay.value
    return replace(feedline, delay=replace(delay, value=max(value, least), low=least))


def _coupling(
    coupling: CouplingDesign, element: str, wrong: float, seed: int, attempt: int
) -> CouplingDesign:
    return replace(
        coupling,
        exchange=_moved(coupling.exchange, element, "exchange", wrong, seed, attempt),
    )
