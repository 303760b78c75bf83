from __future__ import annotations

from pathlib import Path

import pytest
import typer

from vigil.cli.arguments import Address, address, data_directory, request_facts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:65535", Address("::1", 65535)),
        ("0.0.0.0:80", Address("0.0.0.0", 80)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, expected: Address) -> None:
    assert address(text) == expected


@pytest.mark.parametrize(
    "text", ["", "8080", ":8080", "host:", "host:65536", "host:-1", "::1:80", "host:80 ", "a/b:80"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"127\.0\.0\.1:8080"):
        address(text)


def test_a_request_is_a_json_object() -> None:
    assert request_facts('{"http": {"size": 1}}') == {"http": {"size": 1}}


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", '"http"'])
def test_any_other_request_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        request_facts(text)


def test_the_key_is_kept_beside_the_resources_unless_told_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text("")
    assert data_directory(tmp_path, None) == data_directory(file, None) == tmp_path / ".vigil"
    assert data_directory(tmp_path, Path("/elsewhere")) == Path("/elsewhere")
