"""Prints a compiled program for a person: resources, then each core's table and text."""

import json
from collections.abc import Sequence

from podium.firmware_interfaces.zurich.program import CoreProgram, CoreResources, Setting

_COLUMNS = ("core", "frames", "statements", "table", "samples", "slots", "written out")


def print_listing(
    name: str,
    resources: Sequence[CoreResources],
    cores: Sequence[CoreProgram],
    settings: Sequence[Setting],
) -> str:
    """Return the listing; ``resources`` and ``cores`` go in step."""
    parts = [f"program {name}\n\n{print_resources(resources)}"]
    for core in cores:
        parts.append(f"\n// {core.node}: {', '.join(core.frames)}\n")
        for wave in core.waveforms:
            parts.append(f"// wave {wave.index}: {wave.name}, {len(wave.i)} samples\n")
        for generated in core.readout_waveforms:
            parts.append(
                f"// QA_GEN_{generated.slot}: {generated.frame}, {len(generated.i)} samples\n"
            )
        for weights in core.weights:
            parts.append(f"// QA_INT_{weights.slot}: {weights.frame}, {len(weights.i)} samples\n")
        if core.command_table:
            for entry in json.loads(core.command_table)["table"]:
                parts.append(f"// {json.dumps(entry)}\n")
        parts.append(core.text)
    parts.append("\n" + "".join(f"{path} = {value}\n" for path, value in settings))
    return "".join(parts)


def print_resources(resources: Sequence[CoreResources]) -> str:
    """Return a table of what is used and what there is."""
    rows = [_COLUMNS] + [
        (
            f"{use.kind} {use.index}",
            ", ".join(use.frames),
            f"{use.statements}/{use.instructions_max}",
            f"{use.table_entries}/{use.table_entries_max}" if use.table_entries_max else "-",
            f"{use.samples}/{use.samples_max}" if use.samples_max else "-",
            f"{use.slots}/{use.slots_max}" if use.slots_max else "-",
            f"{use.written_out} points" if use.written_out else "-",
        )
        for use in resources
    ]
    widths = [max(len(row[k]) for row in rows) for k in range(len(_COLUMNS))]
    return "".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in rows
    ) + "".join(f"undone: {one}\n" for use in resources for one in use.undoes)
