"""``podium twin herald``: an optical link with its herald station by itself, attempt by attempt."""

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.serve_command import DONE, WRONG_USE, CommandFailed

if TYPE_CHECKING:
    from podium.sim_instruments.physics.links.heralded_link import HeraldedLink

HERALD_HELP = "attempt to entangle two qubits by photons that meet at a herald station"


def add_herald(herald: ArgumentParser) -> None:
    """Add the arguments of ``podium twin herald``."""
    herald.add_argument("scheme", choices=("one-click", "two-clicks"), metavar="SCHEME")
    chances = (
        ("transmission", 0.1, "of each arm, from emitter to beam splitter"),
        ("efficiency", 1.0, "of each detector"),
        ("alpha", 0.5, "chance that an emitter emits; two clicks want 0.5"),
        ("visibility", 1.0, "of the photons' interference"),
        ("dark", 0.0, "chance of a dark count in a window, each detector"),
        ("noise", 0.0, "photons that a transducer adds in each mode, as they arrive"),
    )
    for name, default, text in chances:
        said = f"{text} (default {default:g})"
        herald.add_argument(f"--{name}", type=float, default=default, metavar="X", help=said)
    herald.add_argument(
        "--noise-modes", type=int, default=1, metavar="N", help="modes in a window (default 1)"
    )
    herald.add_argument("--dead", type=float, default=0.0, metavar="S", help="dead time, s")
    herald.add_argument(
        "--phase-sigma", type=float, default=0.0, metavar="RAD", help="how far the phase strays"
    )
    herald.add_argument(
        "--phase-time", type=float, default=1e-3, metavar="S", help="its correlation time, s"
    )
    herald.add_argument(
        "--period", type=float, default=1e-5, metavar="S", help="from window to window, s"
    )
    herald.add_argument(
        "--attempts", type=int, default=100_000, metavar="N", help="how many (default 100000)"
    )
    herald.add_argument("--seed", type=int, default=0, metavar="N", help="same seed, same clicks")
    herald.add_argument("--json", action="store_true", help="print JSON")


def run_herald(arguments: Namespace) -> int:
    """Print what came of the attempts, and the truth beside it."""
    from podium.sim_instruments.physics.links.heralded_attempts import sample_attempts
    from podium.sim_instruments.physics.links.heralded_readout import measured_fidelity
    from podium.sim_instruments.physics.links.heralded_states import heralded_states, success

    if arguments.attempts < 1:
        raise CommandFailed("podium twin herald: --attempts is 1 or more", WRONG_USE)
    try:
        link = _link(arguments)
    except ValueError as error:
        raise CommandFailed(f"podium twin herald: {error}", WRONG_USE) from error
    sampled = sample_attempts(link, arguments.attempts, arguments.seed)
    measured = measured_fidelity(sampled, arguments.seed)
    chance, fidelity = success(heralded_states(link))
    found = {
        "attempts": sampled.attempts,
        "heralds": sampled.heralds,
        "seconds": sampled.seconds,
        "fidelity": measured.value,
        "fidelity_sigma": measured.sigma,
        "truth": {"chance": chance, "fidelity": fidelity},
    }
    if arguments.json:
        print(json.dumps(found, indent=2))
        return DONE
    rate = sampled.heralds / sampled.seconds
    print(
        f"{sampled.heralds} pairs of {sampled.attempts} attempts in {sampled.seconds:.3g} s: "
        f"{rate:.4g} each second\nfidelity {measured.value:.4f} ± {measured.sigma:.4f} "
        f"(truth {fidelity:.4f}; chance of a pair {chance:.4g})"
    )
    return DONE


def _link(arguments: Namespace) -> "HeraldedLink":
    from podium.sim_instruments.physics.links.heralded_link import (
        Arm,
        Detector,
        HeraldedLink,
        Scheme,
    )

    arm = Arm(arguments.transmission, arguments.noise)
    detector = Detector(arguments.efficiency, arguments.dark, round(arguments.dead * FS_PER_S))
    return HeraldedLink(
        Scheme(arguments.scheme.replace("-", " ")),
        (arm, arm),
        (detector, detector),
        arguments.alpha,
        arguments.visibility,
        phase_sigma_rad=arguments.phase_sigma,
        phase_time_fs=round(arguments.phase_time * FS_PER_S),
        noise_modes=arguments.noise_modes,
        period_fs=round(arguments.period * FS_PER_S),
    )
