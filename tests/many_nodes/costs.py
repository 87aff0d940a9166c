"""What a phase of the story costs: wall time, processor time and memory of all its processes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil


@dataclass
class Costs:
    """Collects them, phase by phase."""

    roots: Callable[[], list[int]]
    """Processes that count, with their children."""
    phases: dict[str, dict[str, float]] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Note what is done inside."""
        before, begun = self._cpu(), time.monotonic()
        yield
        after, wall_s = self._cpu(), time.monotonic() - begun
        cpu_s = sum(max(0.0, spent - before.get(pid, 0.0)) for pid, spent in after.items())
        self.phases[name] = {
            "wall_s": round(wall_s, 2),
            "cpu_s": round(cpu_s, 2),
            "pss_mb": round(self._pss_mb()),
        }

    def _processes(self) -> list[psutil.Process]:
        found: dict[int, psutil.Process] = {}
        for pid in self.roots():
            with suppress(psutil.NoSuchProcess):
                root = psutil.Process(pid)
                for one in (root, *root.children(recursive=True)):
                    found[one.pid] = one
        return list(found.values())

    def _cpu(self) -> dict[int, float]:
        spent = {}
        for one in self._processes():
            with suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                spent[one.pid] = times.user + times.system
        return spent

    def _pss_mb(self) -> float:
        total = 0
        for one in self._processes():
            with suppress(psutil.NoSuchProcess):
                total += one.memory_full_info().pss
        return total / 2**20
