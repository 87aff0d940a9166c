"""A worker that runs tests beside others imports a test file when its turn comes, and no other.

Without this every worker imports all files and makes an object of each test before the first one
runs: as often as there are workers. To pytest-xdist a file is one item here, and the longest files
begin first, so that the workers end together. ``--by-file`` asks for it; reports, markers, timeouts
and fixtures are those of pytest, but a fixture of a package that several files share is made anew
for each file.

Of a test that passed one report goes to the process that counts them: its setup and teardown are
sent where they took long, or did not pass, or where a file in JUnit's format is written.
"""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

LONGEST_FIRST = (
    "test_end_to_end.py",
    "control/test_shutdown.py",
    "control/runs/test_explorer.py",
    "control/test_up_clients.py",
    "control/test_mixed_start.py",
    "control/test_two_nodes_start.py",
    "control/test_up.py",
    "control/test_up_two_nodes.py",
    "chaos/test_live_chaos.py",
    "control/test_misbehaving_instruments.py",
    "sim_instruments/physics/joint/test_gate_knobs.py",
    "sim_instruments/test_serve_command.py",
    "control/calibration/test_cryoscope.py",
    "control/calibration/links/test_absorption.py",
    "control/supervision/test_procedure_kills.py",
    "control/calibration/test_pulse_design.py",
    "control/calibration/test_separation.py",
    "control/web/test_page_api.py",
    "control/calibration/test_refusals.py",
    "sim_instruments/physics/meeting/test_herald_meeting.py",
    "control/compilers/qblox/test_oracle.py",
    "sim_instruments/testing/test_plugin.py",
    "docs/test_tutorials.py",
    "control/test_crash_in_a_ramp.py",
    "control/commands/test_ask_and_release.py",
    "sim_instruments/test_twin_command.py",
    "control/web/test_cold_page_in_chromium.py",
    "control/client/test_lab.py",
    "control/test_misbehaving_zurich.py",
    "control/campaign/test_cold.py",
    "control/supervision/test_supervised_fridge.py",
    "referees/test_zurich_compiled_programs.py",
    "sim_instruments/servers/parts/test_serve_parts.py",
    "sim_instruments/servers/test_facility_copies.py",
    "control/campaign/test_campaign.py",
    "control/bus/test_meeting_bus.py",
    "control/web/test_page_in_chromium.py",
    "control/supervision/test_observer.py",
    "control/calibration/test_hot_qubits.py",
    "sim_instruments/servers/test_debugger.py",
    "sim_instruments/scenarios/test_incidents.py",
    "sim_instruments/servers/test_stale_kernels.py",
    "sim_instruments/physics/joint/test_joint_trajectory.py",
    "control/supervision/test_countdowns.py",
    "control/supervision/test_procedures_over_sockets.py",
    "drivers/test_zurich_faults.py",
    "control/web/test_stop_in_chromium.py",
    "control/web/test_pages_in_chromium.py",
    "test_source_rules.py",
    "control/test_one_start.py",
    "docs/test_tutorials_of_several_nodes.py",
    "sim_instruments/servers/test_two_nodes_start_together.py",
    "control/test_one_start_on_clusters.py",
    "control/timebase/test_skew_on_twins.py",
)
"""Files that take most by the clock, those that run alone too; one that is missing here
begins later, no more."""

TOLD_S = 0.05
"""A setup or teardown that took longer is reported: ``--durations`` names it."""

TESTS = Path(__file__).parents[1]


NAME = "tests"
"""Of the item that stands for a file: pytest-xdist has it where a worker died in that file."""


class FileItem(pytest.Item):
    """Stands for all tests of a file until it is the file's turn.

    Its node id is that of the test that runs, since pytest-xdist compares it with the report's.
    """

    def __init__(self, **named: Any) -> None:
        self.running: pytest.Item | None = None
        super().__init__(**named)
        self.add_marker(pytest.mark.timeout(0))  # each test has a timeout of its own
        self.module = SimpleNamespace(__name__=str(self.path))  # for pytest-random-order

    @property
    def nodeid(self) -> str:
        return super().nodeid if self.running is None else self.running.nodeid

    def runtest(self) -> None:
        raise AssertionError("the tests of the file are run, not the file")

    def run_tests(self, following: pytest.Item | None) -> None:
        """Collect the file and run its tests; ``following`` is what the worker runs next."""
        session, hook = self.session, self.config.hook
        module = pytest.Module.from_parent(self.parent.parent, path=self.path)
        items = list(session.genitems(module))
        hook.pytest_collection_modifyitems(session=session, config=self.config, items=items)
        for number, item in enumerate(items, 1):
            self.running = item
            after = items[number] if number < len(items) else following
            hook.pytest_runtest_protocol(item=item, nextitem=after)
            if session.shouldfail or session.shouldstop:
                break
        if not items:  # what was left standing for this file, the next one may have no use for
            session._setupstate.teardown_exact(following)


class TestFile(pytest.File):
    """A test file that is not imported yet."""

    def collect(self) -> Iterator[pytest.Item]:
        yield FileItem.from_parent(self, name=NAME)


class CollectionByFile:
    """Hooks of pytest, for workers alone."""

    def pytest_pycollect_makemodule(
        self, module_path: Path, parent: pytest.Collector
    ) -> pytest.Collector:
        return TestFile.from_parent(parent, path=module_path)

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Iterator[None]:
        """Keep every file, whatever ``-m`` and ``-k`` say of it: they choose among its tests."""
        files = [one for one in items if isinstance(one, FileItem)]
        yield
        if files:
            shuffled = not config.getoption("random_order_bucket").startswith("default:")
            here = [one for one in items if isinstance(one, FileItem)] if shuffled else []
            items[:] = [*here, *sorted(set(files).difference(here), key=turn)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        if isinstance(item, FileItem):
            item.run_tests(nextitem)
            return True
        everything = item.config.getoption("xmlpath", None) is not None
        for report in runtestprotocol(item, log=False, nextitem=nextitem):
            if everything or to_be_sent(report):
                item.ihook.pytest_runtest_logreport(report=report)
        return True


def turn(file: pytest.Item) -> tuple[int, str]:
    """Return a key by which files are sorted: the longest first, then by name."""
    name = file.path.relative_to(TESTS).as_posix() if file.path.is_relative_to(TESTS) else ""
    place = LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)
    return place, str(file.path)


def to_be_sent(report: pytest.TestReport) -> bool:
    return report.when == "call" or not report.passed or report.duration > TOLD_S
