"""The tree stays one that a newcomer can read from its folder listing."""

from __future__ import annotations

import ast
import importlib.metadata
from pathlib import Path

import pytest

from tests.harness.source import PACKAGES, ROOT, modules

VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
LONGEST = 400


def _sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_no_module_is_named_for_nothing_in_particular() -> None:
    assert [path for path in _sources() if path.stem in VAGUE] == []


def test_no_file_holds_two_nouns() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): _lines(path) for path in _sources()}
    assert {name: count for name, count in lengths.items() if count > LONGEST} == {}


def test_packages_run_nothing_when_imported() -> None:
    assert [path for path in _sources() if path.name == "__init__.py" and path.read_text()] == []


def test_every_module_says_what_it_is() -> None:
    assert [path for path, tree in modules() if tree.body and not ast.get_docstring(tree)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_installed_distribution_ships_our_package_names(package: str) -> None:
    owners = importlib.metadata.packages_distributions().get(package, [])
    assert set(owners) <= {"vigil-access"}


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())
