from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from config.kinds import KINDS
from config.resources.model import Model
from config.schema import DOCUMENTS, schema
from tests.harness.builders import complaints


def every_part(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from every_part(value)
    elif isinstance(part, list):
        for value in part:
            yield from every_part(value)


@pytest.mark.parametrize("kind", [*KINDS, "PolicyTest"])
def test_a_kind_has_a_schema_of_its_own(kind: str) -> None:
    document = schema(kind)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    body = document["$defs"][kind]
    assert body["properties"]["kind"] == {"const": kind}
    assert "kind" in body["required"]
    assert body["additionalProperties"] is False


def test_every_reference_leads_somewhere() -> None:
    document = schema()
    targets = {part["$ref"] for part in every_part(document) if isinstance(part.get("$ref"), str)}
    assert targets <= {f"#/$defs/{name}" for name in document["$defs"]}


def test_the_union_chooses_by_kind() -> None:
    document = schema()
    assert document["properties"]["kind"]["enum"] == [*KINDS, "PolicyTest"]
    chosen = {part["if"]["properties"]["kind"]["const"]: part["then"] for part in document["allOf"]}
    assert chosen["Service"] == {"$ref": "#/$defs/Service"}
    assert chosen.keys() == DOCUMENTS.keys()


def test_a_policy_test_may_name_what_it_asks_about_or_make_it_up() -> None:
    case = schema("PolicyTest")["$defs"]["Case"]["properties"]
    for key, model in (("session", "MadeSession"), ("user", "MadeUser"), ("device", "MadeDevice")):
        assert case[key]["anyOf"] == [{"type": "string"}, {"$ref": f"#/$defs/{model}"}], key


def test_a_policy_test_is_no_resource() -> None:
    assert "PolicyTest" not in KINDS


def test_keys_are_spelled_as_in_yaml() -> None:
    spec = schema("Service")["$defs"]["ServiceSpec"]["properties"]
    assert {"isTLS", "isPublic", "dynamicConfig"} <= spec.keys()
    assert "is_tls" not in spec


def test_null_is_never_offered() -> None:
    assert not [part for part in every_part(schema()) if part.get("type") == "null"]


def test_exclusive_keys_are_exclusive() -> None:
    condition = schema("Policy")["$defs"]["Condition"]
    keys = ["matchAny", "match", "not", "all", "any", "none", "opa"]
    assert condition["allOf"] == [{"oneOf": [{"required": [key]} for key in keys]}]


def test_optional_exclusive_keys_may_all_be_absent() -> None:
    [rule] = schema("Service")["$defs"]["Config"]["allOf"]
    assert "not" in rule["oneOf"][-1]


def test_another_spelling_is_known_to_editors() -> None:
    upstream = schema("Service")["$defs"]["Upstream"]
    assert upstream["properties"]["loadBalance"] == upstream["properties"]["loadbalance"]
    assert {"required": ["loadBalance"]} in upstream["allOf"][0]["oneOf"]


def test_limits_and_symbols_are_there() -> None:
    definitions = schema("Policy")["$defs"]
    assert definitions["Rule"]["properties"]["priority"]["minimum"] == -4
    assert definitions["PolicySpec"]["properties"]["rules"]["maxItems"] == 100
    assert definitions["Effect"]["enum"] == ["ALLOW", "DENY"]


def test_what_a_field_means_is_there() -> None:
    rule = schema("Policy")["$defs"]["Rule"]["properties"]
    assert rule["priority"]["description"].startswith("-4 is asked first")
    service = schema("Service")["$defs"]["ServiceSpec"]["properties"]
    assert service["mode"]["description"] == "The protocol between client, proxy and upstream."


def test_inherited_fields_are_described_too() -> None:
    block = schema("Service")["$defs"]["ServiceAuthorization"]["properties"]
    assert "brings" in block["policies"]["description"]


def test_the_secret_is_described_as_it_is_written() -> None:
    definitions = schema("Secret")["$defs"]
    assert definitions["Secret"]["properties"]["data"]["$ref"] == "#/$defs/Content"
    assert definitions["Content"]["properties"].keys() == {"value", "valueBytes"}


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    assert complaints(lambda: schema("Servce")) == [
        'is no kind of resource; did you mean "Service"?'
    ]


def test_the_schema_knows_the_same_keys_as_the_decoder() -> None:
    definitions = schema()["$defs"]
    models = {model.__name__: model for model in subclasses(Model)}
    for name, definition in definitions.items():
        if "properties" in definition:
            known = {*models[name].known_keys(), *models[name].also_spelled}
            assert definition["properties"].keys() - {"kind"} == known - {"kind"}, name


def subclasses(model: type[Model]) -> Iterator[type[Model]]:
    for child in model.__subclasses__():
        yield child
        yield from subclasses(child)
