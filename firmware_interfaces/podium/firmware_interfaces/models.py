"""The instrument models that Podium knows: one frozen entry each, and how others add theirs.

An entry says what a facility file may write about such a box (address, options,
connectors and their ranges) and names its driver and its twin as dotted paths
``package.module:Class``. The paths are strings: they are resolved by the agent and by
the twin server only, so that checking a file loads neither.

A package of someone else adds a model by an entry point of the group ``podium.models``
whose target is an :class:`InstrumentModel`.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from podium.firmware_interfaces.built_in_models.analyzers import (
    KEYSIGHT_N5222B,
    KEYSIGHT_N9030B,
    ROHDE_SCHWARZ_ZNB20,
)
from podium.firmware_interfaces.built_in_models.bias_sources import (
    OXFORD_MERCURY_IPS,
    QDEVIL_QDAC2,
    QDEVIL_QSWITCH,
    YOKOGAWA_GS200,
)
from podium.firmware_interfaces.built_in_models.fridges import (
    BLUEFORS_CONTROL,
    CRYOMECH_CPA,
    OXFORD_TRITON,
    PFEIFFER_TC400,
    PFEIFFER_TPG366,
)
from podium.firmware_interfaces.built_in_models.microwave_sources import (
    KEYSIGHT_N5183B,
    ROHDE_SCHWARZ_SGS100A,
    SRS_SG384,
)
from podium.firmware_interfaces.built_in_models.optical import DICON_GP600
from podium.firmware_interfaces.built_in_models.qblox import QBLOX_CLUSTER
from podium.firmware_interfaces.built_in_models.room import HWGROUP_POSEIDON2, NUT_UPS, SMC_HRS100
from podium.firmware_interfaces.built_in_models.thermometry import (
    BLUEFORS_TC,
    LAKESHORE_336,
    LAKESHORE_350,
    LAKESHORE_372,
)
from podium.firmware_interfaces.built_in_models.timing import (
    SRS_FS725,
    WHITE_RABBIT_SWITCH,
    WRTD_NODE,
)
from podium.firmware_interfaces.built_in_models.waveform_generators import (
    KEYSIGHT_33512B,
    TEKTRONIX_AWG5208,
    TEKTRONIX_AWG70002A,
)
from podium.firmware_interfaces.built_in_models.zurich import ZURICH
from podium.firmware_interfaces.instrument_model import (
    AnalyzerPort,
    Connector,
    DigitalPort,
    InstrumentModel,
    IqOutput,
    MapOption,
    Marker,
    ModulatedSource,
    ModuleModel,
    Option,
    PulseOutput,
    Range,
    RfInput,
    RfOutput,
    TextOption,
    TriggerInput,
    TriggerOutput,
    VoltageOutput,
    WaveformOutput,
)

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "BUILT_IN",
    "ENTRY_POINT_GROUP",
    "AnalyzerPort",
    "Connector",
    "DigitalPort",
    "InstrumentModel",
    "IqOutput",
    "MapOption",
    "Marker",
    "ModelError",
    "ModulatedSource",
    "ModuleModel",
    "Option",
    "PulseOutput",
    "Range",
    "RfInput",
    "RfOutput",
    "TextOption",
    "TriggerInput",
    "TriggerOutput",
    "VoltageOutput",
    "WaveformOutput",
    "known_models",
    "level_resolution_v",
    "model_named",
    "output_full_scale_dbm",
]

ENTRY_POINT_GROUP = "podium.models"


class ModelError(ValueError):
    """A model from an entry point cannot be used. Mend or uninstall the package named."""


BUILT_IN: tuple[InstrumentModel, ...] = (
    QBLOX_CLUSTER,
    ZURICH,
    LAKESHORE_372,
    LAKESHORE_336,
    LAKESHORE_350,
    PFEIFFER_TPG366,
    PFEIFFER_TC400,
    OXFORD_TRITON,
    OXFORD_MERCURY_IPS,
    YOKOGAWA_GS200,
    QDEVIL_QDAC2,
    QDEVIL_QSWITCH,
    KEYSIGHT_33512B,
    ROHDE_SCHWARZ_SGS100A,
    KEYSIGHT_N5183B,
    ROHDE_SCHWARZ_ZNB20,
    KEYSIGHT_N5222B,
    KEYSIGHT_N9030B,
    SRS_SG384,
    WRTD_NODE,
    WHITE_RABBIT_SWITCH,
    SRS_FS725,
    CRYOMECH_CPA,
    BLUEFORS_CONTROL,
    NUT_UPS,
    HWGROUP_POSEIDON2,
    SMC_HRS100,
    BLUEFORS_TC,
    TEKTRONIX_AWG70002A,
    TEKTRONIX_AWG5208,
    DICON_GP600,
)


@cache
def known_models() -> Mapping[str, InstrumentModel]:
    """Return all models by name: ours and those of installed packages.

    Raises :class:`ModelError` when a package's entry point cannot be loaded, is no model,
    or takes a name that is taken.
    """
    from importlib.metadata import entry_points  # a tenth of what a box on a bench takes to start

    return _merged(BUILT_IN, tuple(entry_points(group=ENTRY_POINT_GROUP)))


def model_named(name: str) -> InstrumentModel:
    """Return the model of that name; other packages are asked only if it is none of ours.

    Raises KeyError if there is none, and as :func:`known_models`.
    """
    ours = next((model for model in BUILT_IN if model.name == name), None)
    return known_models()[name] if ours is None else ours


def output_full_scale_dbm(
    model: InstrumentModel, modules: Mapping[int, str] | None, channel: str
) -> float:
    """Return what a tone at digital full scale brings out of an RF output, in dBm, nominally.

    ``modules``: slot (or serial number) -> module; ``channel``: ``slot2.out0``. Raises
    :class:`ModelError` when there is no such RF output.
    """
    connector = _connector(model, modules, channel)
    if not isinstance(connector, RfOutput):
        raise ModelError(f"{model.name} has no RF output {channel!r}")
    return connector.full_scale_dbm


def level_resolution_v(
    model: InstrumentModel, modules: Mapping[int, str] | None, channel: str
) -> float | None:
    """Return the grid on which a static voltage output sets its level, V; None if not known.

    Arguments as of :func:`output_full_scale_dbm`. Raises :class:`ModelError` when there is no
    such voltage output.
    """
    connector = _connector(model, modules, channel)
    if not isinstance(connector, VoltageOutput):
        raise ModelError(f"{model.name} has no voltage output {channel!r}")
    return connector.resolution_v


def _connector(
    entry: InstrumentModel, modules: Mapping[int, str] | None, channel: str
) -> Connector | None:
    slot, dot, socket = channel.rpartition(".")
    connectors = entry.connectors
    if dot and entry.modules is not None and modules is not None:
        module = modules.get(int(slot.removeprefix(entry.place)))
        connectors = entry.modules[module].connectors if module is not None else ()
    return next((one for one in connectors if one.name == socket), None)


def _merged(
    built_in: tuple[InstrumentModel, ...], added: "tuple[EntryPoint, ...]"
) -> dict[str, InstrumentModel]:
    models = {model.name: model for model in built_in}
    for point in added:
        source = f"entry point {point.name} = {point.value} of {ENTRY_POINT_GROUP}"
        try:
            model = point.load()
        except Exception as error:
            raise ModelError(f"{source} cannot be loaded: {error}") from error
        if not isinstance(model, InstrumentModel):
            raise ModelError(f"{source} is a {type(model).__name__}, not an InstrumentModel")
        if model.name in models:
            raise ModelError(f"{source} takes the name {model.name}, which is taken")
        models[model.name] = model
    return models
