"""Reads couplers and flux lines, with what lines do to pulses, from the twin file."""

from pydantic import Field, model_validator

from podium.sim_instruments.physics.chip import Qubit
from podium.sim_instruments.physics.circuit_inversion import Circuit
from podium.sim_instruments.physics.edge_design import EdgeGate
from podium.sim_instruments.physics.flux_line import LineResponse
from podium.sim_instruments.physics.transmon import Transmon
from podium.sim_instruments.physics.world_quantities import (
    Flux,
    FluxPerVolt,
    Hertz,
    Kelvin,
    Number,
    Part,
    PerSecond,
    Seconds,
    SignedNumber,
    SignedSeconds,
)

FAR_HZ = 100e9
"""A coupler has no resonator: one of no coupling stands here in its place."""


class CouplerWorld(Part):
    """A tunable coupler: a transmon with a flux line that no feedline reads."""

    charging_energy: Hertz
    josephson_energy: Hertz
    asymmetry: Number
    offset_charge: Number
    quality_factor: Number
    bath_temperature: Kelvin
    white_dephasing: PerSecond
    flux_noise: Flux
    slow_memory: Seconds
    delay: Seconds
    """From the source's connector to the coupler."""
    flux_at_zero: Flux
    flux_per_volt: dict[str, FluxPerVolt]
    """As of a qubit."""

    def qubit(self, name: str) -> Qubit:
        """Return the constants under the coupler's full name."""
        atom = Transmon(
            self.charging_energy.value,
            self.josephson_energy.value,
            self.asymmetry.value,
            self.offset_charge.value,
        )
        return Qubit(
            name=name,
            circuit=Circuit(atom, 0.0, FAR_HZ),
            kappa_coupling_hz=0.0,
            kappa_internal_hz=0.0,
            quality=self.quality_factor.value,
            temperature_k=self.bath_temperature.value,
            white_dephasing_1_s=self.white_dephasing.value,
            frequency_noise_hz=0.0,
            flux_noise=self.flux_noise.value,
            slow_memory_s=self.slow_memory.value,
            drive_hz_per_sqrt_w=0.0,
            drive_delay_ns=self.delay.value * 1e9,
        )


class ExponentialWorld(Part):
    """One exponential of a line's step response."""

    amplitude: SignedNumber
    tau: Seconds


class FluxLineWorld(Part):
    """Response of a flux line to pulses in place of a bias: :class:`.flux_line.LineResponse`."""

    delay: SignedSeconds | None = None
    """How much later pulses arrive than drives of the qubit; left out: with them."""
    exponentials: list[ExponentialWorld] = Field(default_factory=list, max_length=8)
    high_pass: Seconds | None = None
    """Time constant of the bias tee; left out: there is none."""
    reflection: SignedNumber | None = None
    """Part of the signal that arrives once more."""
    reflection_delay: Seconds | None = None
    """So much later."""
    pulsed_flux_per_volt: dict[str, FluxPerVolt] = Field(default_factory=dict)
    """By qubit or coupler: flux of a pulse, where it is not that of the bias."""

    @model_validator(mode="after")
    def _has_a_response(self) -> "FluxLineWorld":
        for one in self.exponentials:
            if one.tau.value <= 0:
                raise ValueError("exponentials: tau has to be above 0 s")
        if self.high_pass is not None and self.high_pass.value <= 0:
            raise ValueError("high_pass has to be above 0 s: leave it out where there is none")
        if (self.reflection is None) != (self.reflection_delay is None):
            raise ValueError("reflection and reflection_delay go together")
        return self

    def response(self) -> LineResponse:
        """Return the constants."""
        return LineResponse(
            exponentials=tuple(
                (one.amplitude.value, one.tau.value * 1e9) for one in self.exponentials
            ),
            high_pass_ns=float("inf") if self.high_pass is None else self.high_pass.value * 1e9,
            delay_ns=0.0 if self.delay is None else self.delay.value * 1e9,
            reflection=(
                (0.0, 0.0)
                if self.reflection is None or self.reflection_delay is None
                else (self.reflection.value, self.reflection_delay.value * 1e9)
            ),
        )


class EdgeWorld(Part):
    """Two qubits between which a gate is played."""

    ends: tuple[str, str]
    gate: EdgeGate = "cz"
    pulsed: str
    """The qubit or coupler whose flux the gate pulses; of a cnot the control, which is driven."""
    driven: bool = False
    """Whether the gate drives the plasmon of that qubit, and pulses no flux."""
    carrier: bool = False
    """Whether a CZ is played by a carrier on that flux."""
