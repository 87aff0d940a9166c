"""Starts the command ``podium`` from outside the package, to say when something hides it.

``podium`` is a namespace package (docs/decisions/0001-namespace-packages.md). A regular
package or module of the same name, from another project or in the folder one stands in,
hides all of it, and Python would only say that it knows no ``podium.control``.
"""

import sys
from importlib.util import find_spec

from podium_process import configure_process, end_quickly

WRONG_USE = 2
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it (128 + SIGINT)."""


OF_THE_TWINS = {
    "twin": "command",
    "replay": "replay_command",
    "scenario": "scenario_command",
}
"""Commands of the simulated instruments: run without the control layer, which they do not need."""


def hidden_by() -> str | None:
    """Return the file of another package called ``podium`` that hides ours, or None."""
    spec = find_spec("podium")
    return None if spec is None else spec.origin


def main() -> int:
    """Run the command line; return the exit status."""
    configure_process()
    other = hidden_by()
    if other is not None:
        print(
            f"podium: another package named podium hides this one: {other}\n"
            "Uninstall it, or rename it if it is yours, or start in another folder.",
            file=sys.stderr,
        )
        return WRONG_USE
    try:
        if sys.argv[1:] and sys.argv[1] in OF_THE_TWINS:
            return _run_twins(sys.argv[1])
        from podium.control.cli import main as run

        return run()
    except ModuleNotFoundError as error:
        if not error.name or error.name.split(".")[0] in {"podium", *sys.stdlib_module_names}:
            raise
        print(
            f"podium: {error.name} is not installed, which this command needs: "
            "pip install 'podium[lab]', or 'podium[all]' with the physics of chips",
            file=sys.stderr,
        )
        return WRONG_USE
    except KeyboardInterrupt:  # so early that nothing has begun
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    finally:
        end_quickly()


def _run_twins(name: str) -> int:
    from podium.sim_instruments import command
    from podium_command_line import as_a_process, carry_out, parser_of_one

    as_a_process()
    return carry_out(
        sys.argv[1:], lambda _: parser_of_one(name, getattr(command, OF_THE_TWINS[name]))
    )


if __name__ == "__main__":
    sys.exit(main())
