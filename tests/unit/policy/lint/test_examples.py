"""The policies that Vigil itself shows give no cause for a warning."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from config.errors import ConfigError
from config.sources.files import load
from policy.compiler import compile_policies
from policy.lint.findings import lint
from tests.harness.lints import name_of

ROOT: Final = Path(__file__).parents[4]
EXAMPLES: Final = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
SNIPPET: Final = re.compile(r"```yaml\n(kind: .*?)```", re.DOTALL)
BLOCK: Final = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
GUIDE: Final = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
COOKBOOK: Final = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
MANAGED: Final = """\
kind: Policy
metadata: {name: managed-devices-only}
spec:
  attrs: {os: [LINUX, MAC]}
  enforcementRules:
  - {effect: ENFORCE, condition: {match: ctx.user.spec.type == "HUMAN"}}
  - {effect: IGNORE, condition: {matchAny: true}}
  rules:
  - name: no-device
    effect: DENY
    priority: -2
    condition: {not: has(ctx.device)}
  - name: wrong-os
    effect: DENY
    priority: -2
    condition: {not: ctx.device.status.osType in attrs.os}
"""


@pytest.mark.parametrize("directory", EXAMPLES, ids=lambda path: path.name)
def test_an_example_has_nothing_to_warn_of(directory: Path) -> None:
    assert lint(load(directory).snapshot) == []


@pytest.mark.parametrize("text", [*SNIPPET.findall(GUIDE), MANAGED])
def test_a_policy_that_is_shown_lacks_nothing_but_a_place(tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.yaml").write_text(text)
    snapshot = load(tmp_path).snapshot
    compile_policies(snapshot)
    assert {name_of(problem.hint) for problem in lint(snapshot)} <= {"unattached"}


def test_a_warning_stands_at_the_line_of_its_expression(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(MANAGED.replace("not: has(ctx.device)", 'match: "false"'))
    loaded = load(tmp_path)
    told = loaded.located(ConfigError(lint(loaded.snapshot))).problems
    lines = {(name_of(problem.hint), problem.line) for problem in told}
    assert lines == {("unattached", 2), ("never-matches", 12), ("optional-path", 16)}


def recipes() -> tuple[str, dict[str, str]]:
    """Return the people all recipes of the cookbook share, and each recipe by its title."""
    people, *parts = COOKBOOK.split("\n## ")
    blocks = {part.partition("\n")[0]: "".join(BLOCK.findall(part)) for part in parts}
    return "".join(BLOCK.findall(people)), {title: text for title, text in blocks.items() if text}


PEOPLE, RECIPES = recipes()


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_has_nothing_to_warn_of(title: str, tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE)
    (tmp_path / "recipe.yaml").write_text(RECIPES[title])
    snapshot = load(tmp_path).snapshot
    compile_policies(snapshot)
    assert [str(problem) for problem in lint(snapshot)] == []
