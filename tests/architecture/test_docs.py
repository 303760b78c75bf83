"""What the documents name exists."""

from __future__ import annotations

import ast
import re

import pytest

from tests.harness.source import PACKAGES, ROOT

LIFE = ROOT / "docs/life-of-a-request.md"
THREATS = ROOT / "docs/threat-model.md"
PLACE = re.compile(r"`((?:config|policy|protocols|vigil)/[\w/]+\.py):([\w.]+)`")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
LINK = re.compile(r"\]\(([^)#:]+?)(?:#[^)]*)?\)")
MACHINE = re.compile(r"/(?:root|home|tmp|work)/\w+")


def _names(path: str) -> set[str]:
    names: set[str] = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
            names |= {
                f"{node.name}.{child.name}"
                for child in node.body
                if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            }
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
    return names


@pytest.mark.parametrize(("path", "function"), sorted(set(PLACE.findall(LIFE.read_text()))))
def test_the_life_of_a_request_names_functions_that_exist(path: str, function: str) -> None:
    assert function in _names(path)


@pytest.mark.parametrize(("path", "test"), sorted(set(TEST.findall(THREATS.read_text()))))
def test_the_threat_model_names_tests_that_exist(path: str, test: str) -> None:
    assert test in _names(path)


def test_each_claim_of_the_threat_model_names_a_test() -> None:
    claims = [line for line in THREATS.read_text().splitlines() if re.match(r"\| \d+ \|", line)]
    assert claims
    assert [claim for claim in claims if not TEST.search(claim)] == []


def test_links_between_documents_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    broken = [
        (page.name, target)
        for page in pages
        for target in LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_no_machine_path_is_written_down() -> None:
    files = [ROOT / "pyproject.toml", *ROOT.glob("docs/**/*.md"), *ROOT.glob("scripts/*")]
    for package in PACKAGES:
        files += (ROOT / package).rglob("*.py")
    assert [path.name for path in files if MACHINE.search(path.read_text())] == []
