from __future__ import annotations

import traceback
from typing import Any

import pytest

from config.decode import decode
from config.errors import ConfigError
from config.resources.secret import MAX_BYTES, Secret
from tests.harness.builders import a_secret, complaints

TOKEN = "tok_live_9f2c"


def a_document(data: Any) -> dict[str, Any]:
    return {"metadata": {"name": "token"}, "spec": {}, "data": data}


def test_the_value_is_text_or_base64() -> None:
    assert decode(Secret, a_document({"value": TOKEN})).data.reveal() == TOKEN.encode()
    assert decode(Secret, a_document({"valueBytes": "AAEC/w=="})).data.reveal() == b"\0\1\2\xff"


def test_the_value_shows_in_no_repr_and_no_dump() -> None:
    secret = a_secret(value=TOKEN)
    shown = f"{secret!r} {secret} {secret.model_dump()} {secret.model_dump_json()} {secret.data}"
    assert TOKEN not in shown


def test_the_public_half_shows() -> None:
    secret = a_secret(data={"valueBytes": "AAEC/w=="})
    assert secret.spec.data == b"\0\1\2\xff"
    assert secret.model_dump()["spec"]["data"] == {"valueBytes": "AAEC/w=="}
    assert a_secret().spec.data is None


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({}, "data: needs exactly one of value or valueBytes"),
        (
            {"value": TOKEN, "valueBytes": "AA=="},
            "data: value and valueBytes are given, only one of them may be",
        ),
        ({"value": ""}, f"data.value: must have 1 to {MAX_BYTES} bytes, not 0"),
        ({"valueBytes": ""}, f"data.valueBytes: must have 1 to {MAX_BYTES} bytes, not 0"),
        ({"valueBytes": TOKEN}, "data.valueBytes: must be base64"),
        ({"value": 12}, "data.value: must be text, not a number; write it in quotes"),
        ({"value": [TOKEN]}, "data.value: must be text, not a list"),
        (TOKEN, "data: must be a mapping, not text"),
        ([TOKEN], "data: must be a mapping, not a list"),
        (None, "data: has no value; give it one or remove the key"),
        ({"value": "\ud800" + TOKEN}, "data.value: must be valid Unicode text"),
    ],
)
def test_a_refused_value_is_not_shown(data: Any, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        decode(Secret, a_document(data))
    assert complaint in [str(problem) for problem in caught.value.problems]
    everything = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in everything
    assert caught.value.__context__ is None


def test_data_is_required() -> None:
    document = {"metadata": {"name": "token"}, "spec": {}}
    assert complaints(lambda: decode(Secret, document)) == ["data: is required"]


def test_the_size_is_limited() -> None:
    assert a_secret(value="x" * MAX_BYTES)
    assert complaints(lambda: a_secret(value="x" * (MAX_BYTES + 1))) == [
        f"data.value: must have 1 to {MAX_BYTES} bytes, not {MAX_BYTES + 1}"
    ]


def test_other_errors_of_a_secret_do_not_show_it() -> None:
    document = a_document({"value": TOKEN}) | {"spec": {"datum": TOKEN}, "metadata": {"name": "T"}}
    with pytest.raises(ConfigError) as caught:
        decode(Secret, document)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
