"""Optical instruments of herald stations."""

from podium.firmware_interfaces.dicon_gp600 import SETTLE_S, SIZES, TCP_PORT
from podium.firmware_interfaces.instrument_model import InstrumentModel, TextOption

DICON_GP600 = InstrumentModel(
    name="dicon_gp600",
    vendor="DiCon",
    product="GP600",
    address="visa",
    ports={"commands": TCP_PORT},
    roles=("OpticalSwitch",),
    driver="podium.drivers.dicon_gp600:DiconGp600",
    twin="podium.sim_instruments.twins.dicon_gp600:DiconGp600",
    options=(TextOption("size", "its inputs and outputs", SIZES, required=False),),
    answers=("Dicon Fiberoptics Inc,GP600",),
    settle_s=SETTLE_S,
    connect="from podium.drivers.dicon_gp600 import DiconGp600; "
    "{name} = DiconGp600('{name}', '{visa}')",
)
