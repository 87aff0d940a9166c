"""Where the command ``podium`` begins: outside the package, to say when something hides it.

``podium`` is a namespace package (docs/decisions/0001-namespace-packages.md). A regular
package or module of the same name, from another project or in the folder one stands in,
hides all of it, and Python would only say that it knows no ``podium.control``.
"""

import sys
from importlib.util import find_spec

WRONG_USE = 2
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it (128 + SIGINT)."""


def hidden_by() -> str | None:
    """Return the file of another package called ``podium`` that hides ours, or None."""
    spec = find_spec("podium")
    return None if spec is None else spec.origin


def main() -> int:
    """Run the command line; return the exit status."""
    other = hidden_by()
    if other is not None:
        print(
            f"podium: another package named podium hides this one: {other}\n"
            "Uninstall it, or rename it if it is yours, or start in another folder.",
            file=sys.stderr,
        )
        return WRONG_USE
    try:
        from podium.control.cli import main as run

        return run()
    except KeyboardInterrupt:  # so early that nothing has begun
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
