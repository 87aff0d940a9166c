"""Shows the demo's progress: a live display, or plain lines when nobody looks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)


class Display:
    """Shows what is being done now, and keeps a line for everything that was done."""

    def __init__(self, console: Console, live: Progress | None, task: TaskID | None) -> None:
        self._console = console
        self._live = live
        self._task = task
        self._begin = time.monotonic()
        self._doing: dict[str, str] = {}

    def doing(self, what: str, detail: str = "", *, who: str = "") -> None:
        """Say what is being done now; ``who``: by whom, where several work side by side."""
        if self._live is None or self._task is None:
            return
        shown = f"{what}[dim] · {detail}[/dim]" if detail else what
        if not who:
            self._doing.clear()
        self._doing[who] = f"{who}: {shown}" if who else shown
        self._live.update(self._task, description="[dim] | [/dim]".join(self._doing.values()))

    def done(
        self, what: str, lines: tuple[str, ...] = (), *, failed: bool = False, who: str = ""
    ) -> None:
        """Say that something is done, and what came of it; the bar goes one further."""
        since_s = time.monotonic() - self._begin
        mark = "[red]✗[/red]" if failed else "[green]✓[/green]"
        whose = f"{who}: " if who else ""
        self._console.print(f"{mark} [dim]{since_s:6.1f} s[/dim]  [bold]{whose}{what}[/bold]")
        for line in lines:
            self._console.print(
                f"            {line}", style="dim", markup=False, highlight=False, soft_wrap=True
            )
        if self._live is not None and self._task is not None:
            self._live.advance(self._task)

    def note(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def display(console: Console, steps: int) -> Iterator[Display]:
    """Show progress over ``steps`` steps while the context is open."""
    if not console.is_terminal:
        yield Display(console, None, None)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as live:
        yield Display(console, live, live.add_task("starting", total=steps))
