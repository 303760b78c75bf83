"""Every policy of the cookbook is tried, and its cases leave no branch of it untried."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from config.sources.files import load
from config.sources.policy_tests import load_policy_tests
from policy.lint.findings import lint
from tests.harness.source import ROOT
from tests.harness.trials import judged
from vigil.rehearsal.report import failure

_PART: Final = re.compile(
    r"^## (?P<title>[^\n]+)$|^```yaml\n(?P<yaml>.*?)^```$", re.MULTILINE | re.DOTALL
)
LEAST: Final = 15


def _recipes() -> tuple[str, dict[str, str]]:
    """Return the people all recipes share, and each recipe's YAML by its title."""
    people, title, recipes = "", "", {}
    for part in _PART.finditer((ROOT / "docs/cookbook.md").read_text()):
        if part["title"]:
            title = part["title"]
        elif not title:
            people = part["yaml"]
        else:
            assert title not in recipes, f"{title} has two blocks"
            recipes[title] = part["yaml"]
    return people, recipes


PEOPLE, RECIPES = _recipes()


def test_the_cookbook_has_enough_recipes() -> None:
    assert len(RECIPES) >= LEAST


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_does_what_its_cases_say(title: str, tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE)
    (tmp_path / "recipe.yaml").write_text(RECIPES[title])
    loaded = load(tmp_path)
    assert loaded.warnings == ()
    assert lint(loaded.snapshot) == []
    report = judged(loaded.snapshot, load_policy_tests(tmp_path))
    assert [line for trial in report.failures for line in failure(trial)] == []
    gaps = [gap for policy in report.coverage for gap in policy.gaps]
    assert gaps == []
