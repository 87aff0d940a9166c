"""The hidden truth of lines, couplers, defects and losses, by names of the store."""

from collections.abc import Mapping

import numpy as np

from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.known_truth import Truth
from podium.sim_instruments.physics.relaxation import lifetime_s


def flux_line_truth(chip: Chip) -> dict[str, Truth]:
    """Tell what lines do to pulses: ``node_a.q0.flux_tau1``, ``node_a.q0.flux_amplitude1`` ...

    And ``node_a.q1.pulsed_crosstalk_q0``: flux in q1's loop over that in q0's own, of a pulse on
    the line of q0.
    """
    told: dict[str, Truth] = {}
    names = {qubit.flux_line: qubit.name for qubit in chip.qubits}
    for line in sorted(chip.flux_lines):
        response, element = chip.response_of(line), names[line]
        if response is None:
            continue
        values = {"flux_delay": Truth(response.delay_ns * 1e-9, "s")}
        for number, (amplitude, tau_ns) in enumerate(response.exponentials, 1):
            values[f"flux_amplitude{number}"] = Truth(amplitude, "1")
            values[f"flux_tau{number}"] = Truth(tau_ns * 1e-9, "s")
        if np.isfinite(response.high_pass_ns):
            values["flux_high_pass"] = Truth(response.high_pass_ns * 1e-9, "s")
        part, later_ns = response.reflection
        if part:
            values["flux_reflection"] = Truth(part, "1")
            values["flux_reflection_delay"] = Truth(later_ns * 1e-9, "s")
        told |= {f"{element}.{quantity}": known for quantity, known in values.items()}
        own = chip.flux_shares(element)[line]
        node, _, short = element.rpartition(".")
        for other in chip.qubits:
            if other.name != element and other.name.startswith(f"{node}."):
                part = chip.flux_shares(other.name)[line] / own
                told[f"{other.name}.pulsed_crosstalk_{short}"] = Truth(part, "1")
    return told


def drive_crosstalk_truth(chip: Chip, f01_hz: Mapping[str, float]) -> dict[str, Truth]:
    """Tell how drives reach others: ``node_a.q1.drive_crosstalk_q0``, of the drive of q0 at q1.

    And ``drive_crosstalk_phase_q0``, in turns, at the frequency at which q1 is.
    """
    told = {}
    for source, reached in sorted(chip.drive_crosstalk.reached.items()):
        short = source.removesuffix(".drive").rpartition(".")[2]
        for one in reached:
            name = one.line.removesuffix(".drive")
            if name not in f01_hz:
                continue  # nobody reads it
            turns = (one.turns_at(f01_hz[name]) + 0.5) % 1.0 - 0.5
            told[f"{name}.drive_crosstalk_{short}"] = Truth(abs(one.ratio), "1")
            told[f"{name}.drive_crosstalk_phase_{short}"] = Truth(turns, "1")
    return told


def defect_truth(chip: Chip) -> dict[str, Truth]:
    """Tell of each defect beside a qubit ``node_a.q0.tls1_frequency``, ``tls1_coupling`` ..."""
    return {
        f"{one.name}_{quantity}": Truth(value, unit)
        for qubit in chip.qubits
        for one in qubit.defects
        for quantity, value, unit in (
            ("frequency", one.frequency_hz, "Hz"),
            ("coupling", one.coupling_hz, "Hz"),
            ("t1", one.t1_s, "s"),
            ("t2", one.t2_s, "s"),
        )
    }


def fluxonium_truth(chip: Chip) -> dict[str, Truth]:
    """Tell what fluxoniums lose by beside capacitance: ``node_a.q0.inductive_quality`` ..."""
    told = {}
    for qubit in chip.qubits:
        loss = qubit.more_loss
        if np.isfinite(loss.inductive_quality):
            told[f"{qubit.name}.inductive_quality"] = Truth(loss.inductive_quality, "1")
        if loss.quasiparticles:
            told[f"{qubit.name}.quasiparticles"] = Truth(loss.quasiparticles, "1")
    return told


def coupler_truth(chip: Chip, biases_v: Mapping[str, float]) -> dict[str, Truth]:
    """Tell the couplers' transitions and lifetimes at these biases, ``node_a.c01.f01`` ..."""
    told = {}
    for name in sorted(chip.couplers):
        point = chip.element_at(name, biases_v)
        f01 = float(point.levels_hz[1])
        told[f"{name}.f01"] = Truth(f01, "Hz")
        told[f"{name}.anharmonicity"] = Truth(float(point.levels_hz[2]) - 2 * f01, "Hz")
        told[f"{name}.t1"] = Truth(lifetime_s(point.rates_1_s), "s")
    return told
