"""What a facility file may say of an instrument, its driver takes: by the option's name."""

import inspect

import pytest

from podium.control.agent.instruments import driver_class
from podium.firmware_interfaces.models import BUILT_IN


@pytest.mark.parametrize("model", BUILT_IN, ids=lambda model: model.name)
def test_a_driver_takes_every_option_of_its_model(model) -> None:
    takes = inspect.signature(driver_class(model)).parameters
    assert {option.name for option in model.options} <= set(takes)
    rehearse = getattr(driver_class(model), "rehearse", None)
    if rehearse is not None:
        assert {o.name for o in model.options} <= set(inspect.signature(rehearse).parameters)
