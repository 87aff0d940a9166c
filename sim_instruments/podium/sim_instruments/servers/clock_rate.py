"""Checks that a facility can live with world time that goes faster than the wall's."""

from podium.firmware_interfaces.models import known_models
from podium.sim_instruments.wiring import Plan, PlanError


def check_rate(plan: Plan, rate: int) -> None:
    """Refuse a rate other than 1 where something takes its time from elsewhere.

    A real instrument lives in the wall's time, and so does whoever waits in a facility in which no
    instrument tells TAI (role ``Clock``): they wait by the host's clock. Raises PlanError.
    """
    if rate == 1:
        return
    if plan.without_twin:
        raise PlanError(
            f"at a rate of {rate}, no real instrument can take part; those without a twin here: "
            f"{', '.join(plan.without_twin)}"
        )
    models = known_models()
    told = {str(entry["model"]) for entry in plan.instruments.values()}
    if not any("Clock" in models[model].roles for model in told if model in models):
        clocks = ", ".join(name for name, model in models.items() if "Clock" in model.roles)
        raise PlanError(
            f"at a rate of {rate}, an instrument has to tell the time (role Clock), or who waits "
            f"in {plan.name} waits by this computer's clock; models that do: {clocks}"
        )
