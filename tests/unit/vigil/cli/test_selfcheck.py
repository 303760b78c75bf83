from __future__ import annotations

from types import SimpleNamespace

import pytest

from vigil import selfcheck
from vigil.selfcheck import require_one_house


def test_packages_that_lie_side_by_side_are_ours() -> None:
    require_one_house()


@pytest.mark.parametrize(
    "found", [None, SimpleNamespace(origin=None), SimpleNamespace(origin="/other/config/x.py")]
)
def test_a_package_from_anywhere_else_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, found: object
) -> None:
    monkeypatch.setattr(selfcheck, "find_spec", lambda _: found)
    with pytest.raises(SystemExit, match="config"):
        require_one_house()
