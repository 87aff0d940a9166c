"""Prints a compiled program for a person: resources, then each sequencer with comments."""

from collections.abc import Sequence

from podium.firmware_interfaces.qblox_cluster.program import SequencerResources
from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction, format_program

_COLUMNS = ("slot", "seq", "frame", "instructions", "registers", "waveforms", "samples", "bins")


def print_listing(
    name: str, resources: Sequence[SequencerResources], programs: Sequence[Sequence[Instruction]]
) -> str:
    """Return the listing; ``resources`` and ``programs`` go in step."""
    parts = [f"program {name}\n\n{print_resources(resources)}"]
    parts += [
        f"\n# slot {use.slot}, sequencer {use.sequencer}: {use.frame}\n{format_program(program)}"
        for use, program in zip(resources, programs, strict=True)
    ]
    return "".join(parts)


def print_resources(resources: Sequence[SequencerResources]) -> str:
    """Return a table of what is used and what there is."""
    rows = [_COLUMNS] + [
        (
            str(use.slot),
            str(use.sequencer),
            use.frame,
            f"{use.instructions}/{use.instructions_max}",
            f"{use.registers}/{use.registers_max}",
            str(use.waveforms),
            f"{use.samples}/{use.samples_max}",
            f"{use.bins}/{use.bins_max}" if use.bins else "-",
        )
        for use in resources
    ]
    written = "".join(
        f"{use.frame}: every point of {', '.join(use.written_out)} is written out: for loops the "
        "processor has not the time, or the registers\n"
        for use in resources
        if use.written_out
    )
    triggers = "".join(_triggers(use) for use in resources)
    triggers += "".join(
        f"{use.frame}: its line is undone: {'; '.join(use.undoes)}\n"
        for use in resources
        if use.undoes
    )
    widths = [max(len(row[k]) for row in rows) for k in range(len(_COLUMNS))]
    return "".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in rows
    ) + (f"\n{written}{triggers}" if written or triggers else "")


def _triggers(use: SequencerResources) -> str:
    """Return lines on what it sends, and what it depends on."""
    sends = f"{use.frame}: its results go to trigger {use.sends_to}\n" if use.sends_to else ""
    numbers = ", ".join(map(str, use.listens_to))
    return sends + (f"{use.frame}: depends on trigger {numbers}\n" if numbers else "")
