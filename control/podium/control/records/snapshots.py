"""Stores snapshots of a facility beside the data by their hash, and compares them."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.control.bus.snapshots import FacilitySnapshot
from podium.control.facility.atomic_files import write_durably

if TYPE_CHECKING:
    import xarray

FOLDER = "snapshots"
"""Beside the datasets that name them."""
SHOWN = 12
"""Digits of a hash that are shown to people."""


class NoSnapshot(LookupError):
    """There is no such snapshot. The message says what was looked for and where."""

    def __str__(self) -> str:
        return str(self.args[0])


def text_of(snapshot: FacilitySnapshot, facility: str) -> str:
    """Return what is stored: how everything is set, without what changes by itself.

    Times and readings stand in the dataset's attributes: two runs with the same settings have
    the same snapshot.
    """
    lines = ",\n".join(
        f'{json.dumps(one.instrument)}: {{"identity": {json.dumps(one.identity)}, '
        f'"model": {json.dumps(one.model)}, "settings": {one.settings_json}}}'
        for one in sorted(snapshot.instruments, key=lambda one: one.instrument)
    )
    return f'{{"facility": {json.dumps(facility)}, "instruments": {{\n{lines}\n}}}}'


def digest_of(text: str) -> str:
    """Return the hash by which a snapshot is named (SHA-256, hex)."""
    return hashlib.sha256(text.encode()).hexdigest()


def name_in(data: "xarray.Dataset", snapshot: FacilitySnapshot) -> None:
    """Have ``data`` name its snapshot; the text goes along, for whoever stores the data.

    Attributes: ``snapshot`` (its hash), ``snapshot_read`` (JSON: for each instrument when its
    settings were read, s TAI, and what was wrong), ``readings`` (JSON: what thermometers said).
    """
    text = text_of(snapshot, str(data.attrs.get("facility", "")))
    data.attrs["snapshot"] = digest_of(text)
    data.attrs["snapshot_read"] = json.dumps(
        {
            one.instrument: {
                "tai_s": one.tai_s,
                **({"problem": one.problem} if one.problem else {}),
            }
            for one in snapshot.instruments
        }
    )
    data.attrs["readings"] = json.dumps(
        {
            f"{one.instrument}.{channel}": {"value": read.value, "unit": read.unit}
            for one in snapshot.instruments
            for channel, read in one.readings.items()
        }
    )
    data.encoding["snapshot"] = text


def store_beside(data: "xarray.Dataset", folder: Path) -> Path | None:
    """Write the snapshot that ``data`` carries into ``folder/snapshots``, unless it is there.

    The file is there whole or not at all. None: it carries none. Raises OSError.
    """
    text = data.encoding.get("snapshot")
    if not isinstance(text, str):
        return None
    return store(text, folder / FOLDER)


def store(text: str, folder: Path) -> Path:
    """Write a snapshot's text into ``folder`` under its hash, unless it is there."""
    path = folder / f"{digest_of(text)}.json"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(path, text.encode())
    return path


def find(word: str, folder: Path) -> dict[str, Any]:
    """Return the snapshot that ``word`` names: a file, a dataset's file, or the start of a hash.

    Hashes are looked for in ``folder``, ``folder/snapshots`` and ``folder/datasets/snapshots``.
    Raises :class:`NoSnapshot`.
    """
    path = Path(word)
    if path.suffix == ".nc":
        return _of_dataset(path)
    if path.exists() and path.is_file():
        return _read(path)
    places = [folder, folder / FOLDER, folder / "datasets" / FOLDER]
    fits = sorted({found for place in places for found in place.glob(f"{word}*.json")})
    if len(fits) != 1 or not word:
        what = f"{len(fits)} snapshots begin" if fits else "no snapshot begins"
        raise NoSnapshot(f"{what} with {word!r} in {', '.join(map(str, places))}")
    return _read(fits[0])


def _of_dataset(path: Path) -> dict[str, Any]:
    from podium.control.records.datasets import load_dataset

    try:
        name = load_dataset(path).attrs.get("snapshot", "")
    except OSError as error:
        raise NoSnapshot(f"{path}: {error}") from error
    if not name:
        raise NoSnapshot(f"{path} names no snapshot")
    return _read(path.parent / FOLDER / f"{name}.json")


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found["instruments"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoSnapshot(f"{path}: no snapshot can be read there: {error}") from error
    return found


def differences(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Tell in words what differs in ``new``, one line each."""
    before, after = old["instruments"], new["instruments"]
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield f"{name} is gone"
            continue
        if name not in before:
            yield f"{name} is new: {after[name]['identity'] or after[name]['model']}"
            continue
        if before[name]["identity"] != after[name]["identity"]:
            yield (
                f"{name} is another box, or has other firmware: it was "
                f"{before[name]['identity'] or 'unknown'}, now it is "
                f"{after[name]['identity'] or 'unknown'}"
            )
        was, now = before[name]["settings"], after[name]["settings"]
        for setting in sorted({*was, *now}):
            if setting not in now:
                yield f"{name}: {setting} is not told any longer (it was {_said(was[setting])})"
            elif setting not in was:
                yield f"{name}: {setting} is told for the first time: {_said(now[setting])}"
            elif was[setting] != now[setting]:
                old_said, new_said = _said(was[setting]), _said(now[setting])
                yield f"{name}: {setting} was {old_said}, now it is {new_said}"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
