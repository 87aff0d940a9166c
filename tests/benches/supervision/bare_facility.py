"""The facility file of the cold example without its procedures, for tests that name their own."""

from pathlib import Path

COLD = Path(__file__).parents[3] / "examples" / "cold" / "facility.yaml"
OPERATED = "instruments: [control_a, compressor_a, gauges_a, turbo_a]"


def bare_text() -> str:
    """Return the file's text; no procedure is enabled."""
    lines = COLD.read_text().splitlines(keepends=True)
    kept = [one for one in lines if not one.startswith(("    procedures:", "    # They move"))]
    return "".join(kept)


def text_with(*procedures: str) -> str:
    """Return the file's text with these procedures enabled."""
    enabled = f"{OPERATED}\n    procedures: [{', '.join(procedures)}]"
    return bare_text().replace(OPERATED, enabled)
