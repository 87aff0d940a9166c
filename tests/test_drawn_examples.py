"""Random examples do not depend on which modules were imported before."""

import sys
from types import ModuleType

from hypothesis.internal.conjecture import providers


def test_no_constant_is_taken_from_our_own_source(monkeypatch, tmp_path) -> None:
    file = tmp_path / "new.py"
    file.write_text("ODD = 8_314_159\n")
    module = ModuleType("new")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, "new", module)
    assert len(providers._get_local_constants()) == 0
