"""A facility made of a few words is the content of a file, or a refusal."""

from typing import Any

Tree = dict[str, Any]
"""Content of a facility file, or of a part of it."""


class NoSuchFacility(ValueError):
    """No facility can be made of these words. The message says which word, and what would do."""
