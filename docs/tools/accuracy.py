"""Writes the table of docs/reference/accuracy.md from the kept campaign beside it.

``python docs/tools/accuracy.py`` writes the table from docs/reference/accuracy.json;
``--keep DIR`` first takes over the campaign that ``make seeds`` has left in DIR.
"""

import json
import re
import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from podium.control.parameters.quantities import BY_NAME, alone

DOCS = Path(__file__).parents[1]
KEPT = DOCS / "reference" / "accuracy.json"
PAGE = DOCS / "reference" / "accuracy.md"
PICTURE = DOCS / "pictures" / "accuracy.svg"
BEGIN, END = "<!-- written by docs/tools/accuracy.py -->", "<!-- end -->"


class NotToKeep(Exception):
    """A campaign that no page can stand on. The message says why."""


def keep(folder: Path) -> None:
    """Take over a campaign; raises :class:`NotToKeep`."""
    kept = json.loads((folder / "seeds.json").read_text(encoding="utf-8"))
    if kept["campaign"] != "bring-up":
        raise NotToKeep(f"{folder} holds a campaign of {kept['campaign']}, not of bring-up")
    if len(kept["commits"]) != 1 or not kept["commits"][0] or "dirty" in kept["commits"][0]:
        raise NotToKeep(f"{folder} is not of one commit, but of {kept['commits']}")
    if kept["lost"]:
        raise NotToKeep(f"{folder} has lost the worlds {', '.join(kept['lost'])}; measure them")
    shutil.copyfile(folder / "seeds.json", KEPT)
    shutil.copyfile(folder / "pulls.svg", PICTURE)


def told_seeds(seeds: list[int]) -> str:
    """Return ``0 to 39``, or all of them where some are left out."""
    whole = seeds == list(range(seeds[0], seeds[-1] + 1))
    return f"{seeds[0]} to {seeds[-1]}" if whole else ", ".join(map(str, seeds))


def section(kept: dict[str, Any]) -> str:
    """Return what stands on the page between the marks."""
    options = " ".join(kept["options"])
    worlds = len(kept["seeds"])
    lines = [
        f"{worlds} worlds of `{kept['facility']}`, seeds {told_seeds(kept['seeds'])}, "
        f"`podium demo {options}`, Podium {kept['versions'][0]} at commit `{kept['commits'][0]}`. "
        f"{kept['qubits_found']} of {kept['qubits']} qubits were found. A world took "
        f"{kept['lab_s']:.0f} s in the laboratory and {kept['cpu_s']:.0f} s of processor time "
        "(medians).",
        "",
        "| quantity | n | rms pull | mean | within 3 σ | worst | median σ | spread | σ / spread "
        "| window |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in kept["quantities"].items():
        percent = BY_NAME[name].percent
        sigma = alone(one["median_sigma"], one["unit"], percent=percent)
        spread = alone(one["spread"], one["unit"], percent=percent) if one["spread"] else "–"
        share = f"{one['sigma_of_spread']:.2g}" if one["sigma_of_spread"] else "–"
        lines.append(
            f"| `{name}` | {one['n']} | {one['rms_pull']:.2f} | {one['mean_pull']:+.2f} "
            f"| {one['in_3']:.1%} | {one['worst_pull']:+.2f} | {sigma} | {spread} | {share} "
            f"| {'; '.join(one['broken']) or 'kept'} |"
        )
    lines += ["", "| two scans in one bring-up | n | rms | worst | window |", "| --- " * 5 + "|"]
    lines += [
        f"| `{one['quantity']}` by `{one['routine']}` | {one['n']} | {one['rms_pull']:.2f} "
        f"| {one['worst_pull']:+.2f} | {'; '.join(one['broken']) or 'kept'} |"
        for one in kept["two_scans"]
    ]
    passed = [
        f"{quantity} ({null})"
        for null, judged in kept["nulls"].items()
        for quantity, broken in judged.items()
        if not broken
    ]
    said = "Both nulls break every window." if not passed else f"Passed by: {', '.join(passed)}."
    return "\n".join([*lines, "", said])


def page(text: str, kept: dict[str, Any]) -> str:
    """Return the page with its section written anew."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n\n{section(kept)}\n\n{END}", text)


def main() -> int:
    """Keep a campaign if asked to, and write the page."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="a campaign to take over")
    folder = parser.parse_args().keep
    try:
        if folder is not None:
            keep(folder)
    except (NotToKeep, OSError) as error:
        print(f"accuracy.py: {error}", file=sys.stderr)
        return 1
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), kept), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
