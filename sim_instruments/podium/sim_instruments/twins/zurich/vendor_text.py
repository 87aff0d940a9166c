"""What a data server tells that is the vendor's own text, as it was found where it is installed.

None of it is kept in this project. Without the vendor's client there are no descriptions, units,
keywords and schemas; all else works.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from podium.firmware_interfaces.zurich.command_table import NEWER_SHFSG, SHFSG
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
    def version(self) -> str:
        """Major, minor and patch, as the hello has them."""
        return ".".join(self.installed.split(".")[:3])

    @property
    def short_version(self) -> str:
        """Year and month, as ``/zi/about/version`` has them: 26.07."""
        year, month = self.installed.split(".")[:2]
        return f"{year}.{month:0>2}"

    @property
    def full_version(self) -> str:
        """As ``/zi/about/fullversion`` has it."""
        return self.installed

    @property
    def revision(self) -> int:
        """As ``/zi/about/revision`` has it: 26.7.2.5 is 260720005. ASSUMED: the digits."""
        numbers = [int(number) for number in self.installed.split(".") if number.isdigit()]
        year, month, patch, build = (*numbers, 0, 0, 0, 0)[:4]
        return year * 10**7 + month * 10**5 + patch * 10**4 + build

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
