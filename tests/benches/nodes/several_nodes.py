"""A facility of several nodes, each a copy of the example's with controllers of its own."""

import io
from pathlib import Path
from typing import Any

import ruamel.yaml

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
LETTERS = "abcdefghijklmnop"
OF_A_NODE = ("cluster_a", "bias_q0", "lo_q2")


def facility_file(folder: Path, count: int) -> Path:
    """Write the file of a facility with nodes ``node_a``, ``node_b`` ...: one fridge for all."""
    yaml = ruamel.yaml.YAML()
    whole = yaml.load(EXAMPLE.read_text())
    one = yaml.load(EXAMPLE.read_text())
    whole["facility"] = f"nodes_{count}"
    for number, letter in enumerate(LETTERS[1:count], 1):
        other = _renamed(one, letter, number)
        for part in ("nodes", "wiring", "clocks"):
            whole[part].update(other[part])
        for name in OF_A_NODE:
            name = _renamed(name, letter, number)
            whole["instruments"][name] = other["instruments"][name]
    text = io.StringIO()
    yaml.dump(whole, text)
    path = folder / "facility.yaml"
    path.write_text(text.getvalue())
    return path


def _renamed(value: Any, letter: str, number: int) -> Any:
    if isinstance(value, dict):
        return {_renamed(k, letter, number): _renamed(v, letter, number) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(one, letter, number) for one in value]
    if not isinstance(value, str):
        return value
    for name in ("node", "cluster"):
        value = value.replace(f"{name}_a", f"{name}_{letter}")
    for name in ("bias_q0", "lo_q2", "house"):
        value = value.replace(name, f"{name}_{letter}")
    return value.replace("192.168.0.", f"192.168.{number}.")
