"""Makes a facility of a link's device table, and the table of a link as it was measured.

A table is what ``podium twin budget TABLE --json`` says of a file or of a paper: numbers in SI
units by their names, two of them for sender and receiver.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

Tree = dict[str, Any]
Table = Mapping[str, Any]
LINK = "link_ab"
NODES = ("node_a", "node_b")
EXAMPLE = ("frequency", "f01", "anharmonicity", "thermal_photons")
"""What the example's link has where a table does not."""
ECHO_OVER_RAMSEY = 1.2
"""T2 of an echo over that of a Ramsey scan, where a table has none of an echo."""  # ASSUMED
DESIGN = {"f01": "f01", "anharmonicity": "anharmonicity", "t1_ge": "t1", "t2_ge": "t2_ramsey"}
"""Quantities of a qubit's design by their names in a table; later ones count more."""
DESIGN |= {"t1_ef": "t1_ef", "t2_ramsey": "t2_ramsey", "t2_echo": "t2_echo"}
LIFETIME_SPREAD = 0.05
"""How well f's lifetime is known, of which an example has none."""  # ASSUMED
MEASURED = {"t1": ("t1_ge", "t1_ef"), "t2_ramsey": ("t2_ge", "t2_ef")}
"""Measured quantities of both ends' qubits; in a table of 1, and of f."""
LIFETIME_OF_F = "t1_ef"
"""Of f, as a table and the store name it."""
UNITS = {"transmission": "1", "thermal_photons": "1", "gamma": "Hz", "kappa": "Hz"}


def facility_of(table: Table, tree: Tree) -> Tree:
    """Return the linked nodes with the table's numbers; ``tree``, the example, stays as it is."""
    made = copy.deepcopy(tree)
    made["facility"] = table["name"]
    link = made["links"][LINK]
    _put(link, "bandwidth", _hertz(table["gamma"]))
    _put(link, "loss", f"{1 - table['transmission']:.6g}")
    _put(link, "delay", f"{1e9 * table['delay']:.6g} ns")
    if "frequency" in table:
        _put(link, "frequency", _hertz(table["frequency"]))
    for end, node in enumerate(NODES):
        transfer = link["transfer"][node]
        _put(transfer, "kappa", _hertz(table["kappa"][end]))
        if "frequency" in table:
            _put(transfer, "frequency", _hertz(table["frequency"]))
        if "thermal_photons" in table:
            _put(transfer, "thermal_photons", f"{table['thermal_photons']:.6g}")
            transfer["thermal_photons"]["spread"] = _no_wider(transfer, table["thermal_photons"])
        design = made["nodes"][node]["qubits"]["q0"]["design"]
        for name, quantity in DESIGN.items():
            if name in table:
                value = table[name][end]
                text = f"{1e6 * value:.6g} us" if quantity.startswith("t") else _hertz(value)
                _put(design, quantity, text)
        if "t1_ef" in table:
            spread_us = 1e6 * LIFETIME_SPREAD * table["t1_ef"][end]
            design["t1_ef"] = {"value": design["t1_ef"], "spread": f"{spread_us:.6g} us"}
        if "t2_echo" not in table:
            ramsey_s = table.get("t2_ramsey", table["t2_ge"])[end]
            _put(design, "t2_echo", f"{1e6 * ECHO_OVER_RAMSEY * ramsey_s:.6g} us")
    return made


def taken(table: Table) -> tuple[str, ...]:
    """Return the names of what is taken from the example, since the table does not say."""
    return tuple(name for name in EXAMPLE if name not in table)


def measured_table(table: Table, values: Mapping[str, float]) -> Tree:
    """Return a table's file with what was measured in place of what was published.

    ``values``: by full name, as the store has them. f's coherence, and its lifetime unless
    both ends' was measured, are taken to have changed as those of 1 did.
    """
    found: dict[str, object] = {"name": f"{table['name']}, as measured"}

    def put(name: str, values: Sequence[float] | float, source: str) -> None:
        each = [values] if isinstance(values, float) else values
        unit = UNITS.get(name, "s")
        known = [{"value": float(one), "unit": unit, "source": source} for one in each]
        found[name] = known[0] if isinstance(values, float) else known

    for name, (of_one, of_f) in MEASURED.items():
        full = [f"{node}.q0.{name}" for node in NODES]
        shares = [
            values[one] / was if one in values else 1.0
            for one, was in zip(full, table[of_one], strict=True)
        ]
        for own, source in ((of_one, f"{name} as measured"), (of_f, f"changed as {of_one} has")):
            now = [share * was for share, was in zip(shares, table[own], strict=True)]
            put(own, now, source)
    lives_s = [values[one] for node in NODES if (one := f"{node}.q0.{LIFETIME_OF_F}") in values]
    if len(lives_s) == len(NODES):
        put(LIFETIME_OF_F, lives_s, "as measured")
    kappa = [values.get(f"{LINK}.{end}.kappa", table["kappa"][k]) for k, end in enumerate("ab")]
    put("kappa", kappa, "as measured")
    width = min(values.get(f"{LINK}.photon_bandwidth", table["gamma"]), *kappa)
    put("gamma", width, "photon_bandwidth as measured")
    transmission = min(1.0, values.get(f"{LINK}.transmission", table["transmission"]))
    put("transmission", transmission, "as measured")
    for name in ("pulse", "pi_pulse", "delay", "thermal_photons"):
        if name in table:
            put(name, table[name], "as the table has it")
    return found


def _put(place: Tree, quantity: str, value: object) -> None:
    if isinstance(place.get(quantity), dict):
        place[quantity]["value"] = value
    else:
        place[quantity] = value


def _no_wider(transfer: Tree, photons: float) -> float:
    """Return how well thermal photons are known: as in the example, and no worse than they are."""
    return min(float(transfer["thermal_photons"]["spread"]), photons)


def _hertz(value: float) -> str:
    return f"{value / 1e6:.9g} MHz"
