"""``podium twin budget``: what each part costs, of a link's Bell pair or of an edge's gate."""

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.sim_instruments.serve_command import DONE, WRONG_USE

if TYPE_CHECKING:
    from podium.sim_instruments.physics.joint.gate_knobs import GivenGate

BUDGET_HELP = "tell what each part costs, of a link's pair or of an edge's gate"


class _WrongUse(Exception):
    """A file says nothing that a budget could be made of. The message says why."""


def add_budget(budget: ArgumentParser) -> None:
    """Add the arguments of ``podium twin budget``."""
    budget.add_argument(
        "table",
        metavar="TABLE|TWIN",
        help="of a link: kurpiers2018, magnard2020, or a YAML file; with --edge a twin file",
    )
    budget.add_argument(
        "--edge", metavar="NAME", help="an edge, e.g. node_a.q0_q1: its cz or iswap"
    )
    budget.add_argument(
        "--gate",
        type=Path,
        metavar="FILE",
        help="the edge's gate as it is calibrated, from podium params get EDGE --json (default: "
        "the best pulse of one sign)",
    )
    budget.add_argument(
        "--endpoints",
        type=Path,
        metavar="FILE",
        help="of a running simulation: describe the edge's gates as played in the latest run, too",
    )
    budget.add_argument("--json", action="store_true", help="print JSON")


def run_budget(arguments: Namespace) -> int:
    """Print the budget, the dearest part first."""
    try:
        return _of_edge(arguments) if arguments.edge is not None else _of_link(arguments)
    except (OSError, _WrongUse) as error:
        print(f"podium twin budget: {error}", file=sys.stderr)
        return WRONG_USE


def _of_link(arguments: Namespace) -> int:
    from podium.sim_instruments.physics.links.dephasing import number_operator, two_sigma_z
    from podium.sim_instruments.physics.links.link_budget import link_budget
    from podium.sim_instruments.physics.links.link_table import LinkTableError, parse_link_table
    from podium.sim_instruments.physics.links.published_links import PUBLISHED

    if arguments.gate is not None or arguments.endpoints is not None:
        raise _WrongUse("--gate and --endpoints go with --edge: which edge's gate is it?")
    link = PUBLISHED.get(arguments.table)
    plain = {} if link is None else link.plainly()
    if link is None:
        try:
            read = parse_link_table(Path(arguments.table).read_bytes(), arguments.table)
        except LinkTableError as error:
            raise _WrongUse(error) from error
        link, plain = read.link(), read.plainly()
    models = {"number_operator": number_operator, "two_sigma_z": two_sigma_z}
    found = {name: asdict(link_budget(link, model)) for name, model in models.items()}
    if arguments.json:
        print(json.dumps({"name": link.name, **found, "table": plain}, indent=2))
        return DONE
    for name, budget in found.items():
        costs = ", ".join(f"{part} {cost:.4f}" for part, cost in budget["costs"].items())
        print(f"{link.name}, {name}: Bell fidelity {budget['bell_fidelity']:.4f}")
        print(f"  perfect by itself each part would add: {costs}")
        print(f"  with all of them perfect: {budget['without_all']:.4f}")
    return DONE


def _of_edge(arguments: Namespace) -> int:
    from podium.sim_instruments.physics.joint.gate_knobs import NoSuchEdge, gate_knobs
    from podium.sim_instruments.physics.world_file import WorldFileError, read_world

    known = {} if arguments.gate is None else _numbers(arguments.gate, arguments.edge)
    played = {} if arguments.endpoints is None else _played(arguments, known)
    given = None if arguments.gate is None else _given(known, arguments.edge, arguments.gate)
    try:
        found = gate_knobs(read_world(Path(arguments.table)), arguments.edge, given)
    except (WorldFileError, NoSuchEdge) as error:
        raise _WrongUse(error) from error
    measured = {name: known[name] for name in ("budget_error", "gate_error") if name in known}
    if arguments.json:
        told = {**asdict(found), "measured": measured}
        print(json.dumps(told | ({"played": played} if played else {}), indent=2))
        return DONE
    errs = _percent(found.infidelity)
    print(f"{found.edge}: a {found.gate} in {found.duration_ns} ns errs by {errs}")
    print(
        f"  without decoherence and noise by {_percent(found.coherent)}; "
        f"it leaks {_percent(found.leakage)}"
    )
    if played:
        print(
            f"  as played in the latest run, {played['slot_ns']} ns with its wait: errs by "
            f"{_percent(played['infidelity'])}; it leaks {_percent(played['leakage'])}, and "
            f"{_percent(played['swapped'])} passes between 01 and 10"
        )
    for name, (value, sigma) in measured.items():
        print(f"  measured, {name}: {_percent(value)} ± {_percent(sigma)}")
    print("each by itself would buy:")
    for knob in found.knobs:
        print(f"  {100 * knob.buys:+8.4f} %  {knob.name}")
    return DONE


def _played(arguments: Namespace, known: dict[str, tuple[float, float]]) -> dict[str, Any]:
    """Return how the edge's gates were in the latest run of a simulation."""
    from podium.sim_instruments.servers.back_door_client import BackDoorError, ask

    names = "phase_first", "phase_second"
    phases = [known[name][0] for name in names] if known.keys() >= set(names) else None
    try:
        found: dict[str, Any] = ask(
            arguments.endpoints, {"do": "gate", "edge": arguments.edge, "phases": phases}
        )
    except BackDoorError as error:
        raise _WrongUse(error) from error
    return found


def _percent(share: float) -> str:
    return f"{100 * share:.4f} %"


def _numbers(file: Path, edge: str) -> dict[str, tuple[float, float]]:
    """Return values and sigmas of an edge's parameters by their quantities."""
    try:
        every = json.loads(file.read_text(encoding="utf-8"))
        own = {
            name.removeprefix(f"{edge}."): (float(one["value"]), float(one["sigma"]))
            for name, one in every.items()
            if name.startswith(f"{edge}.")
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _WrongUse(
            f"{file} holds no parameters as podium params get {edge} --json prints them: {error!r}"
        ) from error
    if not own:
        raise _WrongUse(f"{file} holds no parameter of {edge}")
    return own


def _given(known: dict[str, tuple[float, float]], edge: str, file: Path) -> "GivenGate":
    """Return the shape of a gate's pulse."""
    from podium.sim_instruments.physics.joint.gate_knobs import (
        GivenGate,
        NetZeroPulse,
        ShapedPulse,
    )

    if "gate_duration" not in known:
        raise _WrongUse(f"{file} has no gate_duration of {edge}: its gate is not calibrated")

    def ns(name: str) -> int:
        return round(known.get(name, (0.0, 0.0))[0] * 1e9)

    off_v = known.get("off_point", (None, 0.0))[0]
    count = round(known.get("gate_samples", (0.0, 0.0))[0])
    if not 0 <= count <= LONGEST_NS // 2:
        raise _WrongUse(f"{file}: {count} samples of half a pulse; {LONGEST_NS // 2} at most")
    if count:
        wanted = [f"gate_sample{k}" for k in range(1, count + 1)]
        if missing := [name for name in wanted if name not in known]:
            raise _WrongUse(f"{file} has no {missing[0]} of {edge}, and {count} samples of a half")
        return GivenGate(ShapedPulse(tuple(known[name][0] for name in wanted)), off_v)
    rise_ns, whole_ns = ns("gate_rise"), ns("gate_duration")
    top_ns = whole_ns // 2 - 2 * rise_ns
    if top_ns < 0 or whole_ns > LONGEST_NS:
        raise _WrongUse(
            f"{file}: a net-zero pulse of {whole_ns} ns with edges of {rise_ns} ns is none; it "
            f"lasts four edges at least, and {LONGEST_NS} ns at most"
        )
    shape = NetZeroPulse(top_ns, rise_ns, ns("gate_gap"), known.get("gate_ratio", (1.0, 0.0))[0])
    return GivenGate(shape, off_v)


LONGEST_NS = 1000
"""Of a gate's pulse."""
