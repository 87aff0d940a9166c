"""A data server repeats the vendor's own texts, as found where they are installed.

None of it is kept in this project. Without the vendor's client there are no descriptions, units,
keywords and schemas; all else works.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from podium.firmware_interfaces.zurich.command_table import NEWER_SHFSG, SHFSG
from podium.firmware_interfaces.zurich.labone_version import LabOneVersion
from podium.firmware_interfaces.zurich.node_documentation import NodeDocumentation

VERSION = "26.7.2.5"
"""Of the vendor's client that this was written against."""


@dataclass(frozen=True, slots=True)
class VendorText:
    """The texts, and the version that clients of the same age expect."""

    installed: str = VERSION
    """Version of the vendor's client, ``26.7.2.5``: a data server of another is refused by it."""
    documentation: NodeDocumentation = field(default_factory=NodeDocumentation)
    table_schemas: Mapping[str, str] = field(default_factory=dict)
    """JSON schemas of command tables, by the model's family: ``shfsg``, ``hdawg``."""

    @property
    def version(self) -> LabOneVersion:
        """Return the version that a server with these texts claims. Raises ValueError."""
        return LabOneVersion.of(self.installed)

    def table_schema(self, model: str) -> str:
        """Return the schema of a model's command tables; empty: none is known."""
        family = "hdawg" if model.startswith("HDAWG") else "shfsg"
        return self.table_schemas.get(family, "")

    def table_check(self, model: str) -> Callable[[str], str]:
        """Return what tells what is wrong with a model's command table; it is JSON."""
        schema = self.table_schema(model)
        if not schema:
            return lambda text: ""
        checks: list[Any] = []

        def check(text: str) -> str:
            if not checks:
                from jsonschema import Draft4Validator  # the draft that the vendor writes in

                checks.append(Draft4Validator(json.loads(schema)))
            problems = sorted(
                checks[0].iter_errors(_as_of_schema(json.loads(text))),
                key=lambda one: one.json_path,
            )
            return "" if not problems else f"{problems[0].json_path}: {problems[0].message}"

        return check


def _as_of_schema(table: Any) -> Any:
    """Return a table of a newer version than the schema's as one of the schema's version."""
    header = table.get("header") if isinstance(table, dict) else None
    if isinstance(header, dict) and header.get("version") in NEWER_SHFSG:
        return table | {"header": header | {"version": SHFSG.versions[0]}}
    return table
