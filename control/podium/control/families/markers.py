"""Marker outputs of a module, as the facility file names them."""

from podium.control.compilers.errors import DoesNotFit
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import Facility
from podium.control.facility.instrument_models import model_of
from podium.firmware_interfaces.models import Marker, ModuleModel


def module_of(facility: Facility, connector: ConnectorRef) -> tuple[int, ModuleModel]:
    """Return the place of a connector's module and the module; raises ``DoesNotFit``."""
    entry = facility.instruments[connector.instrument]
    model = model_of(entry)
    kinds, known, slot = entry.options.get(model.modules_option), model.modules, connector.slot
    if kinds is None or isinstance(kinds, str) or known is None or slot is None:
        raise DoesNotFit(f"{connector} is no connector of a module")
    return slot, known[kinds[slot]]


def marker_of(module: ModuleModel, output: ConnectorRef) -> Marker:
    """Return a marker output; raises ``DoesNotFit`` where it is no such thing."""
    found = next((one for one in module.connectors if one.name == output.socket), None)
    if not isinstance(found, Marker):
        raise DoesNotFit(
            f"{output} is a channel of a {module.name}; a loopback raises the markers of "
            "control and readout modules"
        )
    return found
