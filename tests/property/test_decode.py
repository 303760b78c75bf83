"""Whatever a document holds, decoding gives a resource or a ConfigError, and shows no value."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from config.decode import decode_resource
from config.errors import ConfigError
from config.kinds import KINDS

KEYS = sorted(
    {
        "kind", "metadata", "name", "spec", "status", "data", "value", "mode", "config", "http",
        "upstream", "url", "rules", "condition", "all", "of", "match", "attrs", "hours", "session",
    }
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["HUMAN", "HTTP", "ACTIVE", "http://x1.io", "web", "2027-01-01T00:00:00Z"])
)
TREES = st.recursive(
    SCALARS,
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), children, max_size=5)
    ),
    max_leaves=30,
)

DOCUMENTS: list[dict[str, Any]] = [
    {
        "kind": "Service",
        "metadata": {"name": "web.prod", "labels": {"tier": "gold"}},
        "spec": {
            "mode": "HTTP",
            "isPublic": True,
            "attrs": {"pii": True, "list": [1, 2.5, None]},
            "config": {
                "upstream": {"loadBalance": {"endpoints": [{"url": "http://x1.io:80"}]}},
                "http": {
                    "auth": {"bearer": {"fromSecret": "token"}},
                    "header": {"addRequestHeaders": [{"key": "X-A", "value": "1"}]},
                    "plugins": [
                        {
                            "name": "limit",
                            "condition": {"matchAny": True},
                            "rateLimit": {"limit": 3, "window": {"minutes": 1}},
                        }
                    ],
                },
            },
            "dynamicConfig": {
                "configs": [{"name": "admin", "parent": "default"}],
                "rules": [{"condition": {"match": "true"}, "configName": "admin"}],
            },
            "authorization": {
                "policies": ["read.base"],
                "inlinePolicies": [
                    {
                        "name": "here",
                        "spec": {
                            "rules": [
                                {
                                    "effect": "ALLOW",
                                    "condition": {"all": {"of": [{"not": "has(ctx.device)"}]}},
                                }
                            ]
                        },
                    }
                ],
            },
        },
    },
    {
        "kind": "Session",
        "metadata": {"name": "alice-qkzmwp"},
        "spec": {"state": "ACTIVE", "expiresAt": "2027-01-01T00:00:00Z"},
        "status": {
            "type": "CLIENT",
            "userRef": {"name": "alice"},
            "scopes": ["service:web", {"api": {"all": {}}}],
            "authentication": {"accessTokenDuration": {"hours": 4}},
        },
    },
    {
        "kind": "Device",
        "metadata": {"name": "linux-htwqzkpa"},
        "spec": {"state": "PENDING"},
        "status": {"osType": "LINUX", "macAddresses": ["3c:6a:9d:12:34:56"], "id": "9f" * 32},
    },
    {
        "kind": "Secret",
        "metadata": {"name": "token"},
        "spec": {},
        "data": {"value": "tok_live_9f2c"},
    },
]


def refusal(document: object) -> ConfigError | None:
    try:
        decode_resource(document)
    except ConfigError as error:
        return error
    return None


def check(document: object) -> None:
    """Decode; anything raised but a ConfigError with its reasons fails the test."""
    error = refusal(document)
    assert error is None or error.problems


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a tree."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        keys = list(part) if isinstance(part, dict) else range(len(part))
        found += [(part, key) for key in keys]
        waiting += [part[key] for key in keys if isinstance(part[key], dict | list)]
    return found


@given(TREES)
def test_no_tree_crashes_the_decoder(tree: object) -> None:
    check(tree)


@given(kind=st.sampled_from(sorted(KINDS)), metadata=TREES, spec=TREES, status=TREES)
def test_no_resource_crashes_the_decoder(kind: str, metadata: Any, spec: Any, status: Any) -> None:
    check({"kind": kind, "metadata": metadata, "spec": spec, "status": status})


@settings(max_examples=300)
@given(data=st.data(), document=st.sampled_from(DOCUMENTS), change=TREES)
def test_no_mutation_crashes_the_decoder(
    data: st.DataObject, document: dict[str, Any], change: Any
) -> None:
    mutated = copy.deepcopy(document)
    part, key = data.draw(st.sampled_from(places(mutated)))
    match data.draw(st.sampled_from(["replace", "remove", "rename"])):
        case "replace":
            part[key] = change
        case "remove":
            del part[key]
        case _ if isinstance(part, dict):
            part[data.draw(st.text(max_size=8) | st.sampled_from(KEYS))] = part.pop(key)
    check(mutated)


@given(TREES)
def test_a_refused_secret_is_not_shown(extra: Any) -> None:
    marker = "s3cret-marker"
    data = {"value": marker, "valueBytes": marker}
    error = refusal({"kind": "Secret", "metadata": {"name": "token"}, "spec": extra, "data": data})
    assert error is not None
    assert marker not in str(error)


@given(st.sampled_from(DOCUMENTS))
def test_decoding_is_the_same_every_time(document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)
    assert decode_resource(document) == decode_resource(copy.deepcopy(document))
    assert document == before
