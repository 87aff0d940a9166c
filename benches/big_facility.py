"""How long ``podium check`` takes on a facility of a thousand instruments."""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "first_light" / "facility.yaml"
INSTRUMENTS = 1000


def big_facility(instruments: int) -> str:
    """Return the example's node again and again, each time with instruments of its own."""
    text = re.sub(r"(?m)^\s*#.*\n|\s+#.*$", "", EXAMPLE.read_text(encoding="utf-8"))
    parts = re.split(r"(?m)^(\w+):(?: *\n)", text)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    own = len(re.findall(r"(?m)^  \w+:", sections["instruments"]))
    names = re.findall(r"(?m)^  (\w+):", "".join(sections[key] for key in sections))
    found: dict[str, list[str]] = {key: [] for key in sections}
    for number in range(-(-instruments // own)):
        for key, body in sections.items():
            there = re.sub(rf"\b({'|'.join(set(names))})\b", rf"\1_{number}", body)
            there = there.replace("192.168.0.", f"10.{number // 250}.{number % 250}.")
            found[key].append(there)
    return "facility: big\n" + "".join(
        f"{key}:\n{''.join(bodies)}" for key, bodies in found.items()
    )


def check_s(text: str) -> float:
    """Return how long the command takes on a file that is sound."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "facility.yaml"
        file.write_text(text, encoding="utf-8")
        began = time.perf_counter()
        command = [sys.executable, "-m", "podium_start", "check", str(file)]
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - began


if __name__ == "__main__":
    big = big_facility(INSTRUMENTS)
    print(f"{big.count(chr(10))} lines, {INSTRUMENTS} instruments: {check_s(big):.2f} s")
