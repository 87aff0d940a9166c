"""Says of published links whose device tables have not been read what can be said without them.

Each figure is that of the twin's physics, with values taken for those that are not known. None of
it establishes a paper, however near it comes; the verdict is "not established", and which values
were taken stands at each figure.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.processes.child_processes import call, podium
from podium.control.reproductions.quantities import CannotReproduce, Quantity, Reproduction

HOW = "physics of the twin alone with values taken; no machine code, no tomography"


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """A figure of a paper's abstract."""

    value: float
    sigma: float
    at_least: bool = False
    """Whether the paper says no more than that it is greater."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Papers of which abstracts or second texts are known."""

    source: str
    figures: Mapping[str, PublishedFigure]
    """By quantity."""
    missing: str
    """What would have to be read."""


UNREAD: Mapping[str, Unread] = {
    "leung2019": Unread(
        "Leung et al., npj Quantum Inf. 5, 18 (2019), abstract",
        {
            "bell_fidelity": PublishedFigure(0.793, 0.003),
            "transfer_probability": PublishedFigure(0.6, 0.0, at_least=True),
        },
        "the device table (rates of the sidebands, width of the dark mode, T1 and T2) has not "
        "been read; the width is that which one figure asks for, and the other follows",
    ),
    "remote_gates": Unread(
        "Phys. Rev. Lett. npr7-b7kq (2025) and arXiv:2407.16743, abstracts",
        {
            "cnot_fidelity": PublishedFigure(0.9915, 0.0002),
            "cz_fidelity": PublishedFigure(0.9803, 0.0004),
            "transfer_probability": PublishedFigure(0.99, 0.005),  # "99 % level"
        },
        "neither device table has been read: frequencies, couplings, widths, T1, T2 and how the "
        "gates are made are values taken",
    ),
    "storz2023": Unread(
        "Storz et al., Nature 617, 265 (2023): S = 2.0747(33) raw, Bell 0.804 of a second text; "
        "loss of the link 0.55 to 0.65 dB of a second text",
        {"loss": PublishedFigure(0.13, 0.005)},
        "the device table (lifetimes, readout, widths) has not been read; each loss is the one "
        "that S, F or both ask for, beside that of the link",
    ),
}


async def reproduce_unread(name: str) -> Reproduction:
    """Return what comes out with values taken, as not established.

    Raises ``ProcessFailed`` where there is no simulation.
    """
    paper = UNREAD[name]
    rows = json.loads(await call("podium twin cable", podium("twin", "cable", name, "--json")))
    quantities: list[Quantity] = []
    missing = paper.missing
    for row in rows:
        length_ns = row["length_ns"]
        took = f"in {length_ns:.0f} ns: " if length_ns is not None else ""
        if row["value"] is None:
            missing += f"; {row['taken']}: nothing gives them"
            continue
        published = paper.figures[row["quantity"]]
        quantities.append(
            Quantity(
                row["quantity"],
                published.value,
                published.sigma,
                row["value"],
                0.0,
                f"{took}{row['taken']}; {HOW}",
                at_least=published.at_least,
            )
        )
    if not quantities:
        raise CannotReproduce(f"{name}: podium twin cable says nothing of it")
    return Reproduction(name, paper.source, tuple(quantities), missing)
