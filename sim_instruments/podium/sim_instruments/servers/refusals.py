"""Errors that mean that what was asked for cannot be simulated, wherever it is asked."""

from functools import cache


@cache
def refusals() -> tuple[type[Exception], ...]:
    """Return them. Their messages say what would do; other errors are ours.

    Those of a facility made of a few words (:class:`.tree.NoSuchFacility`) and OSError are not
    among them, but for :class:`.loopback.NoAddressError`. Some are of modules that boxes on a bench
    do without: call it when an error is there.
    """
    from podium.firmware_interfaces.models import ModelError
    from podium.sim_instruments.physics.design import DesignError
    from podium.sim_instruments.physics.sampling_qubits import SamplingError
    from podium.sim_instruments.physics.world_file import WorldFileError
    from podium.sim_instruments.servers.extras import ExtraMissing
    from podium.sim_instruments.servers.loopback import NoAddressError
    from podium.sim_instruments.servers.twin_factory import TwinError
    from podium.sim_instruments.wiring import PlanError

    return (
        DesignError,
        ExtraMissing,
        ModelError,
        NoAddressError,
        PlanError,
        SamplingError,
        TwinError,
        WorldFileError,
    )
