"""Tabulates recovered parameters for a terminal."""

from collections.abc import Iterable

from rich import box
from rich.table import Table
from rich.text import Text

from podium.control.report.comparison import Comparison
from podium.control.report.story import Story


def recovered_table(comparisons: Iterable[Comparison]) -> Table:
    """Return recovered values beside the hidden truth; a pull beyond 3 sigma stands out."""
    table = Table(title="Recovered, and the hidden truth", box=box.SIMPLE_HEAD)
    table.add_column("parameter", no_wrap=True)
    table.add_column("recovered ± σ", justify="right", no_wrap=True)
    table.add_column("truth", justify="right", no_wrap=True)
    table.add_column("pull", justify="right", no_wrap=True, min_width=6)
    qubit = None
    for row in comparisons:
        if row.qubit != qubit:
            if qubit is not None:
                table.add_section()
            qubit = row.qubit
            table.add_row(Text(qubit, style="bold"))
        pull = Text("–") if row.pull is None else Text(f"{row.pull:+.2f}")
        if row.pull is not None and abs(row.pull) > 3:
            pull.stylize("bold red")
        found = Text(row.told_found(), style="red" if row.lost else "")
        table.add_row(f"  .{row.quantity}", found, row.told_truth(), pull)
    return table


def headline(story: Story) -> str:
    """Return what a person wants to know first, in one line."""
    found = story.found()
    return (
        f"{sum(found.values())} of {len(found)} qubits found; {story.lab_s:.1f} s of laboratory "
        f"time simulated in {story.wall_s:.1f} s: {story.ratio:.1f} times as fast"
    )
