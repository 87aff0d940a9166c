"""Finds the vendor's own texts where the vendor's client is installed; imports none of it."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from podium.firmware_interfaces.zurich.node_documentation import NodeDocumentation, documents_in
from podium.sim_instruments.twins.zurich.data_server.vendor_text import VERSION, VendorText

CLIENT = "zhinst-core"
SCHEMAS = {"shfsg": "ct_schema_shfsg.json", "hdawg": "ct_schema_hdawg.json"}


@cache
def vendor_text() -> VendorText:
    """Return what is installed; what is not is left out."""
    try:
        installed = version(CLIENT)
    except PackageNotFoundError:
        return VendorText(VERSION)
    return VendorText(installed, _documentation(), _schemas())


def _documentation() -> NodeDocumentation:
    folder = _folder("core")
    for library in sorted(folder.glob("_core*.so")) if folder else ():
        documents = documents_in(library.read_bytes())
        if documents:
            return NodeDocumentation(documents[0])
    return NodeDocumentation()


def _schemas() -> dict[str, str]:
    folder = _folder("toolkit")
    if folder is None:
        return {}
    files = {name: folder / "resources" / file for name, file in SCHEMAS.items()}
    return {name: file.read_text("utf-8") for name, file in files.items() if file.exists()}


def _folder(package: str) -> Path | None:
    """Return where a package of the vendor's is, without running any of it."""
    vendor = find_spec("zhinst")
    for place in (vendor.submodule_search_locations or ()) if vendor else ():
        folder = Path(place) / package
        if folder.is_dir():
            return folder
    return None
