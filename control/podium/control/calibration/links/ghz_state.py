"""Shares a GHZ state of three nodes: a hub passes on half of what it has caught.

The first end shares an excitation with the hub. Where that has caught the photon it holds it in f;
a pi pulse on 0-1 brings it to e where it has not. Then f leaves over the second link, and e stays:
``|110> + |001>`` of the first end, the hub and the last end.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.fits.ghz_state import KETS, PHASES, ghz_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.entangled_pair import ones
from podium.control.calibration.links.link_bench import EndPulses, LinkBench
from podium.control.calibration.links.photon_shapes import emission, played
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.runner import Runner
from podium.control.facility.links import Relay
from podium.control.parameters.entry import Measured, ParameterRecord
from podium.control.parameters.validity import Validities
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Play,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

SHOTS = 2500
SHARED_BY_THREE = 0.5
"""States in which one of three takes no part in the entanglement have at most this fidelity."""
RESET_LIFETIMES = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class RelayBench:
    """Both links on the bench."""

    relay: Relay
    first: LinkBench
    last: LinkBench

    @classmethod
    def of(
        cls,
        runner: Runner,
        relay: Relay,
        record: ParameterRecord,
        keep: "Callable[[xarray.Dataset], None]",
        validities: Validities,
        *,
        thoroughness: float = 1.0,
    ) -> "RelayBench":
        """Return the bench; raises NotMeasured as :meth:`.LinkBench.of`."""
        first, last = (
            LinkBench.of(runner, link, record, keep, validities, thoroughness=thoroughness)
            for link in (relay.first, relay.last)
        )
        return cls(relay, first, last)

    @property
    def link(self) -> Relay:
        """Of what outcomes are."""
        return self.relay

    async def begin(self) -> None:
        """Read the clock: ages of parameters count from now."""
        for one in (self.first, self.last):
            await one.begin()

    @property
    def ends(self) -> tuple[EndPulses, EndPulses, EndPulses]:
        """First end, hub as it catches, last end."""
        return self.first.first, self.first.second, self.last.second

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all frames."""
        return tuple(dict.fromkeys((*self.first.names, *self.last.names)))

    def reset(self) -> list[Statement]:
        """Bring all three to 0: by waiting, then each sends what is left in 1 away, in turns."""
        body = passive_reset([end.node for end in self.ends], self.names, RESET_LIFETIMES)
        emptied: list[tuple[EndPulses, LinkBench]] = [
            (self.first.first, self.first),
            (self.last.first, self.last),
            (self.last.second, self.last),
        ]
        for end, bench in emptied:
            photon = bench.photon()
            pulse = emission(end.drive(), photon.bandwidth_hz, end.kappa_hz(), photon.duration_ns)
            body += [Barrier(self.names), end.node.ef_pulse(end.node.ef_pi_amplitude())]
            body += [Barrier(self.names), Play(end.sideband, played(pulse)), Barrier(self.names)]
            body += [Delay(self.names, bench.empty_ns() * FS_PER_NS), Barrier(self.names)]
        return body

    def shared(self) -> list[Statement]:
        """Return the statements after which all three share the state."""
        first, hub, last = self.ends
        photon, passed_on = self.first.photon(), self.last.photon()
        half = first.node.ef_pulse(first.node.ef_pi_amplitude() / 2)
        flight_ns = self.last.flight_ns()
        return [
            *self.reset(),
            first.node.pi(),
            Barrier(first.names),
            half,
            Barrier(first.names),
            self.first.send(photon),
            Delay((hub.sideband,), self.first.catch_after_fs()),
            self.first.catch(photon),
            Barrier(self.names),
            hub.node.pi(),
            Barrier(self.names),
            Delay((last.sideband,), max(0, flight_ns) * FS_PER_NS),
            Delay((self.last.first.sideband,), max(0, -flight_ns) * FS_PER_NS),
            self.last.send(passed_on),
            self.last.catch(passed_on),
            Barrier(self.names),
            last.node.ef_pulse(last.node.ef_pi_amplitude()),
            Barrier(self.names),
        ]


def ghz_program(bench: RelayBench, shots: int) -> Program:
    """Return the state read as it is, then behind half pi about :data:`PHASES` axes on all."""
    sweep = np.arange(PHASES) / PHASES
    variables = []
    body = bench.shared()
    for end, sign in zip(bench.ends, (1, 1, -1), strict=True):
        name, half = end.node.qubit.name, end.node.pi_amplitude() / 2
        heights, turns = (0.0, *([half] * PHASES)), (0.0, *(sign * sweep).tolist())
        variables.append(Variable(f"{name}_height", "1", Table(heights)))
        variables.append(Variable(f"{name}_turn", "turn", Table(turns)))
        body += [
            ShiftPhase(end.node.drive, Affine(f"{name}_turn")),
            end.node.pulse(Affine(f"{name}_height")),
        ]
    body.append(Barrier(bench.names))
    for end in bench.ends:
        body += end.node.measured()
    frames = {one.name: one for one in (*bench.first.frames(), *bench.last.frames())}
    axis = Axis("setting", tuple(variables))
    return Program(
        "GHZ state", tuple(frames.values()), tuple(body), (axis,), shots=shots, keep_shots=True
    )


async def ghz_state(bench: RelayBench) -> Outcome:
    """Share a GHZ state of three nodes many times, and find its fidelity.

    Needs both links calibrated, and readouts whose errors have been counted: these are taken out.
    The state's phase, another one after each start, is free. Stores ``ghz_fidelity`` (1): above
    0.5 all three are entangled with each other.
    """
    for one in (bench.first, bench.last):
        one.check_phase()
    outcome = Outcome("ghz_state", "GHZ state of three nodes")
    data = await bench.first.run(outcome, ghz_program(bench, bench.first.shots(SHOTS)))

    def seen() -> NDArray[np.bool_]:
        return np.stack([ones(end, iq_of(data, end.capture)) for end in bench.ends])

    def raw(_: Relay) -> Panel:
        read = seen().mean(axis=1)
        series = tuple(
            Series(end.capture, np.arange(read.shape[1], dtype=float), row)
            for end, row in zip(bench.ends, read, strict=True)
        )
        return Panel(bench.relay.name, "setting", "read as 1", series, judged=False)

    def fit(_: Relay, panel: Panel) -> Found:
        confusions = []
        for end in bench.ends:
            up, down = (
                end.bench.known(end.node.qubit, one).value
                for one in ("false_excited", "false_ground")
            )
            confusions.append(np.array([[1 - up, down], [up, 1 - down]]))
        found = ghz_of(seen(), confusions)
        if not outcome.notes:
            plain = ghz_of(seen(), [np.eye(2)] * len(confusions))
            outcome.notes.append(
                f"in both states {found.populations[list(KETS)].sum():.3f}, coherence "
                f"{found.coherence:.3f}; errors of the readouts are taken out, with them the "
                f"fidelity is {plain.fidelity:.3f}"
            )
        if not found.fidelity > SHARED_BY_THREE + 3 * found.sigma:
            raise FitFailed(
                f"three nodes share no entanglement: fidelity with a GHZ state "
                f"{found.fidelity:.3f} ± {found.sigma:.3f}; without it is {SHARED_BY_THREE} at most"
            )
        turns = np.arange(PHASES) / PHASES
        series = (Series("product of all", turns, found.products),)
        return {"ghz_fidelity": Measured(found.fidelity, found.sigma, "1")}, replace(
            panel,
            x_label="axes (turns)",
            y_label="mean product",
            series=series,
            text="fidelity {ghz_fidelity}",
        )

    await analyse(bench.first.first.bench, outcome, (bench.relay,), raw, fit)
    return outcome
