"""No text, however hostile, makes the loader do anything but load it or refuse it with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.errors import ConfigError, Severity
from config.paths import joined
from config.sources.files import Loaded, load
from config.yamlfile import YamlFile, parse
from tests.harness.resources import (
    a_device,
    a_policy,
    a_secret,
    a_service,
    a_session,
    a_user,
    allow,
    document,
)

VALID = yaml.safe_dump_all(
    [
        document("ClusterConfig", "cluster-config", {"ingress": {"xffNumTrustedHops": 1}}),
        a_policy("staff", allow('ctx.user.spec.type == "HUMAN"', name="one", priority=-1)),
        a_user("alice", groups=["sre"], email="a@example.com", attrs={"level": 3}),
        document("Group", "sre", {"authorization": {"policies": ["staff"]}}),
        a_secret("token", "hunter2"),
        a_service(
            "web", 80, "http://127.0.0.1:9", http={"auth": {"bearer": {"fromSecret": "token"}}}
        ),
        a_device("laptop", "alice"),
        a_session("s1", "alice", device="laptop"),
    ],
    sort_keys=False,
)
PIECES = (
    *(
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "%TAG ! x\n",
        "&a ",
        "*a",
        "<<: *a\n",
        "!!int ",
        "!x ",
        "? ",
    ),
    *("[", "]", "{", "}", "- ", ": ", "\t", "\n", "\r", " ", "'", '"', "|\n", ">-\n", "#", "\\x00"),
    *("~", "0x", "1e999", ".nan", "\x00", "\x85", "\u2028", "\ufeff", "\ud800", "kind: ", "spec: "),
    *("metadata: {name: x}\n", "kind: PolicyTest\n", "status: {userRef: 1}\n", "null", "true"),
)
UNHURRIED = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

pieces = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=40).map("".join)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a valid set of documents with a few pieces cut out, put in or repeated."""
    text = VALID
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        given_piece = draw(st.sampled_from(PIECES) | st.just(text[start:end] * 2))
        text = text[:start] + given_piece + text[end:]
    return text


def loaded_or_refused(directory: Path, content: bytes) -> Loaded | ConfigError:
    file = directory / "all.yaml"
    file.write_bytes(content)
    try:
        return load(file)
    except ConfigError as error:
        refused = error
    assert any(problem.severity is Severity.ERROR for problem in refused.problems)
    lines = content.count(b"\n") + content.count(b"\r") + 2
    assert all(0 <= problem.line <= lines for problem in refused.problems)
    return refused


def parsed(content: str | bytes) -> YamlFile:
    found = parse(content, "f.yaml")
    assert isinstance(found, YamlFile)
    return found


@UNHURRIED
@given(pieces)
@example("a: &a [*a]")
@example("? ? ? ?")
@example("%\n---")
def test_any_text_is_parsed_or_refused(text: str) -> None:
    parsed(text)


@UNHURRIED
@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(content: bytes) -> None:
    parsed(content)


@UNHURRIED
@given(text=pieces | mutated())
@example(text="kind: [User]\nmetadata: 1\nspec: {}\nstatus: [1]\n")
@example(text="kind: ClusterConfig\nstatus: [1]\nspec: {}\n")
@example(text="kind: Service\nmetadata: {name: [x]}\nspec: 3\n")
def test_any_set_of_documents_is_loaded_or_refused(tmp_path: Path, text: str) -> None:
    loaded_or_refused(tmp_path, text.encode(errors="surrogatepass"))


@UNHURRIED
@given(content=st.binary(max_size=100))
def test_any_file_is_loaded_or_refused(tmp_path: Path, content: bytes) -> None:
    loaded_or_refused(tmp_path, content)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)
json_values = json_values.filter(lambda value: "\\u0000" not in json.dumps(value))


@UNHURRIED
@given(json_values)
def test_what_is_written_as_yaml_is_read_back(value: Any) -> None:
    # Quoted throughout, because PyYAML's own idea of what needs quotes is YAML 1.1.
    text = yaml.safe_dump({"value": value}, default_style='"')
    (document_,) = parsed(text).documents
    assert document_.problems == ()
    assert document_.data == {"value": value}


@UNHURRIED
@given(json_values)
def test_every_value_that_is_read_has_a_place(value: Any) -> None:
    (document_,) = parsed(json.dumps({"value": value}, indent=1, ensure_ascii=True)).documents
    for path in _paths(document_.data, ""):
        assert document_.line(path) >= 1


def _paths(value: Any, path: str) -> list[str]:
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = enumerate(value)
    below = [_paths(item, joined(path, step)) for step, item in items]
    return [path, *(each for paths in below for each in paths)]


def test_the_documents_that_are_mutated_are_valid(tmp_path: Path) -> None:
    assert isinstance(loaded_or_refused(tmp_path, VALID.encode()), Loaded)


@pytest.mark.parametrize(
    "kind", ["User", "Service", "Session", "Policy", "Secret", "ClusterConfig"]
)
@UNHURRIED
@given(raw=json_values)
def test_any_content_of_a_resource_is_loaded_or_refused(
    tmp_path: Path, kind: str, raw: Any
) -> None:
    for key in ("metadata", "spec", "status", "data"):
        whole = {"kind": kind, "metadata": {"name": "one"}, "spec": {}} | {key: raw}
        loaded_or_refused(tmp_path, json.dumps(whole).encode())
