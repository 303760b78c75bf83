"""JSON Schema of what a resource file may hold, for editors: resources and PolicyTests."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from config.errors import ConfigError
from config.kinds import KINDS
from config.policy_test import PolicyTest
from config.resources.meta import Resource
from config.resources.model import Model, OneOf, nearest

DOCUMENTS: Final[Mapping[str, type[Resource]]] = {**KINDS, PolicyTest.kind: PolicyTest}

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: str | None = None) -> dict[str, Any]:
    """Return the JSON Schema of one kind, or of a document of any kind."""
    if kind is None:
        return _generate(list(DOCUMENTS.values()))
    if kind not in DOCUMENTS:
        meant = nearest(kind, DOCUMENTS)
        hint = f'did you mean "{meant}"?' if meant else f"one of {', '.join(DOCUMENTS)}"
        raise ConfigError.at("", "is no kind of resource", hint)
    return _generate([DOCUMENTS[kind]])


def _generate(kinds: list[type[Resource]]) -> dict[str, Any]:
    places, definitions = models_json_schema(
        [(kind, "validation") for kind in kinds], schema_generator=_EditorSchema
    )
    documents = [places[(kind, "validation")] for kind in kinds]
    return {"$schema": _DIALECT, **_alternatives(documents), **definitions}


def _alternatives(documents: list[JsonSchemaValue]) -> dict[str, Any]:
    """Choose by ``kind``, so that an editor complains about the right kind only."""
    if len(documents) == 1:
        return documents[0]
    names = list(DOCUMENTS)
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": names}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": document,
            }
            for name, document in zip(names, documents, strict=True)
        ],
    }


class _EditorSchema(GenerateJsonSchema):
    """Says what ``Model`` checks beyond its fields: exclusive keys, no nulls, other spellings."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        result = super().model_schema(schema)
        model = schema["cls"]
        result.pop("title", None)
        properties: dict[str, Any] = result.setdefault("properties", {})
        for name, text in _field_docs(model).items():
            properties[model.model_fields[name].alias or name]["description"] = text
        properties |= {other: properties[key] for other, key in model.also_spelled.items()}
        rules = [_exclusive(group, model.also_spelled) for group in model.one_of]
        if rules:
            result["allOf"] = rules
        if issubclass(model, Resource):
            result["properties"] = {"kind": {"const": model.kind}, **properties}
            result["required"] = ["kind", *result.get("required", [])]
        return result

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        result = super().default_schema(schema)
        if not result.get("default"):
            result.pop("default", None)
        return result

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's name
        return False


def _exclusive(group: OneOf, also_spelled: Mapping[str, str]) -> dict[str, Any]:
    others = [other for other, key in also_spelled.items() if key in group.keys]
    given = [{"required": [key]} for key in (*group.keys, *others)]
    return {"oneOf": given if group.is_required else [*given, {"not": {"anyOf": given}}]}


def _field_docs(model: type[Model]) -> dict[str, str]:
    docs: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        docs |= _docs_of_module(parent.__module__).get(parent.__name__, {})
    return {name: text for name, text in docs.items() if name in model.model_fields}


@cache
def _docs_of_module(name: str) -> dict[str, dict[str, str]]:
    """Read the texts below fields from the source: kept out of import, they cost nothing there."""
    if not name.startswith("config."):
        return {}
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return {node.name: dict(_texts_below_fields(node)) for node in classes}


def _texts_below_fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(node.body):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(value))),
            ):
                yield name, inspect.cleandoc(value)
            case _:
                pass
