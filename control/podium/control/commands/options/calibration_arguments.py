"""Adds the arguments that say where a calibration is kept."""

from argparse import ArgumentParser
from pathlib import Path

from podium.control.records.calibration_folder import OUT


def add_folder_arguments(parser: ArgumentParser, holds: str) -> None:
    """Add ``--out`` and ``--store``; ``holds``: what is in the folder besides the store."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(OUT),
        metavar="DIR",
        help=f"folder for {holds} and the store (default {OUT})",
    )
    parser.add_argument(
        "--store",
        metavar="FILE|URL",
        help="where parameters are kept (default parameters.sqlite in DIR)",
    )
