"""Fixtures for tests of lab code against simulated instruments: a plugin that pytest finds.

``twin_instrument`` and ``twin_facility`` are factories; what they return is explained in
docs/reference/testing.md. All that is heavy is imported when a fixture is first used, and the twins
live in processes of their own: a run without them is not changed.

It stands outside the package, like ``podium_start``: where another package named ``podium`` hides
ours, test runs go on, and only these fixtures fail.
"""

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from podium.sim_instruments.testing import Replayed, TwinFacility, TwinInstrument, TwinPool

Scope = Literal["function", "class", "module", "package", "session"]
STRICT_INI = "podium_strict"
OPENED = pytest.StashKey["list[TwinFacility]"]()
"""What lives as long as this node of the collection tree (a test, a module ...)."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what holds for all twins of a run, unless a test says otherwise."""
    group = parser.getgroup("podium", "simulated instruments (podium)")
    group.addoption(
        "--podium-seed",
        type=int,
        default=0,
        metavar="N",
        help="seed of the worlds of simulated instruments (default 0)",
    )
    group.addoption(
        "--podium-clock",
        choices=("leap", "paced", "manual"),
        default="leap",
        help="how their time passes: leap over what runs (default), at wall rate, by hand",
    )
    group.addoption(
        "--podium-strict",
        action="store_true",
        help="fail where a command was sent that no such instrument knows",
    )
    parser.addini(
        STRICT_INI,
        "fail where a command was sent that no such simulated instrument knows",
        type="bool",
        default=False,
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail the test itself, and not its end, for commands that no such instrument knows."""
    __tracebackhide__ = True
    result = yield
    for node in item.listchain():
        for one in node.stash.get(OPENED, []):
            one.check_strictly()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a test that failed which world it had, and what was sent to it."""
    report = yield
    if report.failed:
        opened = [one for node in item.listchain() for one in node.stash.get(OPENED, [])]
        report.sections += [("Simulated instruments", one.story()) for one in opened]
    return report


@contextmanager
def _told_of(node: pytest.Collector | pytest.Item, opened: "TwinFacility") -> Iterator[None]:
    """Have reports of failing tests tell of a facility meanwhile."""
    there = node.stash.setdefault(OPENED, [])
    there.append(opened)
    try:
        yield
    finally:
        there.remove(opened)


@pytest.fixture(scope="session")
def podium_pool(pytestconfig: pytest.Config) -> Iterator["TwinPool"]:
    """The processes of this run's twins (with pytest-xdist: of this worker's)."""
    from podium.sim_instruments.testing import TwinPool

    def tell(line: str) -> None:
        capturing = pytestconfig.pluginmanager.getplugin("capturemanager")
        with capturing.global_and_fixture_disabled() if capturing else nullcontext():
            print(f"podium: {line}", file=sys.stderr, flush=True)

    with TwinPool(tell) as pool:
        yield pool


@pytest.fixture(scope="session")
def twin_replay(podium_pool: "TwinPool") -> Callable[..., "Replayed"]:
    """Play recorded sessions with instruments to their twins: ``twin_replay(trace).check()``."""
    return podium_pool.replay


def _words(config: pytest.Config, given: dict[str, Any]) -> dict[str, Any]:
    """Return the words of a call, with what the run says where the call says nothing."""
    of_the_run = {
        "seed": config.getoption("--podium-seed"),
        "clock": config.getoption("--podium-clock"),
        "strict": config.getoption("--podium-strict") or config.getini(STRICT_INI),
    }
    return of_the_run | given


def _check(of: Callable[..., Any], words: dict[str, Any]) -> None:
    __tracebackhide__ = True
    from podium.sim_instruments.testing.pool import check_words

    check_words(of, words)


def _instruments(scope: Scope, name: str) -> Any:
    def factory(
        podium_pool: "TwinPool", request: pytest.FixtureRequest
    ) -> Iterator[Callable[..., "TwinInstrument"]]:
        with ExitStack() as stack:

            def make(model: str, **words: Any) -> "TwinInstrument":
                __tracebackhide__ = True
                _check(podium_pool.instrument, words)
                opened = podium_pool.instrument(model, **_words(request.config, words))
                found = stack.enter_context(opened)
                stack.enter_context(_told_of(request.node, found.facility))
                return found

            yield make

    factory.__doc__ = f"Make simulated instruments that live as long as this {scope}."
    return pytest.fixture(scope=scope, name=name)(factory)


def _facilities(scope: Scope, name: str) -> Any:
    def factory(
        podium_pool: "TwinPool", request: pytest.FixtureRequest
    ) -> Iterator[Callable[..., "TwinFacility"]]:
        with ExitStack() as stack:

            def make(facility: Any, **words: Any) -> "TwinFacility":
                __tracebackhide__ = True
                _check(podium_pool.facility, words)
                opened = podium_pool.facility(facility, **_words(request.config, words))
                found = stack.enter_context(opened)
                stack.enter_context(_told_of(request.node, found))
                return found

            yield make

    factory.__doc__ = f"Make simulated facilities that live as long as this {scope}."
    return pytest.fixture(scope=scope, name=name)(factory)


twin_instrument = _instruments("function", "twin_instrument")
class_twin_instrument = _instruments("class", "class_twin_instrument")
module_twin_instrument = _instruments("module", "module_twin_instrument")
package_twin_instrument = _instruments("package", "package_twin_instrument")
session_twin_instrument = _instruments("session", "session_twin_instrument")

twin_facility = _facilities("function", "twin_facility")
class_twin_facility = _facilities("class", "class_twin_facility")
module_twin_facility = _facilities("module", "module_twin_facility")
package_twin_facility = _facilities("package", "package_twin_facility")
session_twin_facility = _facilities("session", "session_twin_facility")
