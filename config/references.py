"""Which names a declaration mentions, and whether they exist.

Works on the document as written and not on the decoded resource, so that a document with other
errors has its references checked all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from config import names
from config.paths import joined
from config.resources.meta import Resource
from config.resources.model import nearest

_HINTED: Final = 2_000


@dataclass(frozen=True, slots=True)
class Declared:
    """One object: its stored name, what was written, and the resource where that was decoded."""

    kind: str
    name: str
    written: Mapping[str, Any] = field(repr=False)
    resource: Resource | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with an object among the others."""

    declared: Declared
    path: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A name of another object, and where it is written."""

    path: str
    kind: str
    name: str


class Known:
    """The names there are, by kind."""

    def __init__(self, declared: Iterable[Declared]) -> None:
        self._names: dict[str, set[str]] = {}
        for each in declared:
            self._names.setdefault(each.kind, set()).add(each.name)

    def has(self, kind: str, name: str) -> bool:
        """Tell whether there is such an object."""
        return name in self._names.get(kind, ())

    def hint(self, kind: str, name: str) -> str:
        """Suggest the name that was probably meant."""
        known = self._names.get(kind, set())
        meant = nearest(name, known) if len(known) <= _HINTED else ""
        return f'did you mean "{meant}"?' if meant else ""


@dataclass(frozen=True, slots=True)
class _Field:
    """A field that names an object; ``kinds`` empty means any kind has it."""

    path: re.Pattern[str]
    target: str
    kinds: frozenset[str] = frozenset()


def _field(path: str, target: str, *kinds: str) -> _Field:
    return _Field(re.compile(path), target, frozenset(kinds))


# By the last key of their path, so that most of a document is passed over quickly.
_FIELDS: Final[Mapping[str, tuple[_Field, ...]]] = {
    "policies": (_field(r"spec\.authorization\.policies\[\d+\]", "Policy"),),
    "fromSecret": (_field(r".*", "Secret"),),
    "fromConfig": (_field(r".*", "Config"),),
    "groups": (_field(r"spec\.groups\[\d+\]", "Group", "User"),),
    "identityProvider": (
        _field(
            r"spec\.authentication\.identities\[\d+\]\.identityProvider", "IdentityProvider", "User"
        ),
    ),
    "region": (_field(r"spec\.region", "Region", "Service"),),
    "user": (
        _field(r"spec\.user", "User", "Credential"),
        _field(r".*\.upstream(\.load[bB]alance\.endpoints\[\d+\])?\.user", "User", "Service"),
    ),
    "name": (
        _field(r"status\.userRef\.name", "User", "Session", "Device"),
        _field(r"status\.deviceRef\.name", "Device", "Session"),
        _field(r"status\.credentialRef\.name", "Credential", "Session"),
    ),
}
_FREE: Final = frozenset({"attrs", "ext", "inlinePolicies"})


def dangling(declared: Iterable[Declared], known: Known) -> Iterator[Finding]:
    """Yield every mention of something that does not exist."""
    for each in declared:
        yield from _missing_parents(each, known)
        for reference in references(each):
            if not known.has(reference.kind, reference.name):
                message = f'names {reference.kind} "{reference.name}", which does not exist'
                hint = known.hint(reference.kind, reference.name)
                yield Finding(each, reference.path, message, hint)


def references(declared: Declared) -> Iterator[Reference]:
    """Yield the names an object mentions, apart from those inside its own name."""
    for path, key, text in _texts(declared.written):
        for named in _FIELDS.get(key, ()):
            if named.kinds and declared.kind not in named.kinds:
                continue
            if named.path.fullmatch(path) and _is_name(text):
                yield Reference(path, named.target, text)


def _is_name(text: str) -> bool:
    """Tell a name from what the decoder refuses, which may be a secret in the wrong place."""
    labels = text.split(".", names.MAX_POLICY_LABELS)
    return not any(names.label_complaint(label, names.MAX_GENERATED_LABEL) for label in labels)


def _texts(written: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (path, last key, text) of every text in spec and status, free JSON left out."""
    waiting: list[tuple[str, str, Any]] = [
        (key, key, written.get(key)) for key in ("spec", "status")
    ]
    while waiting:
        path, last, value = waiting.pop()
        if isinstance(value, str):
            yield path, last, value
        elif isinstance(value, list):
            waiting.extend((joined(path, at), last, item) for at, item in enumerate(value))
        elif isinstance(value, dict):
            waiting.extend(
                (joined(path, key), key, item) for key, item in value.items() if key not in _FREE
            )


def _missing_parents(declared: Declared, known: Known) -> Iterator[Finding]:
    _, _, parent = declared.name.partition(".")
    if not parent:
        return
    if declared.kind == "Service" and not known.has("Namespace", parent):
        message = f'is in Namespace "{parent}", which does not exist'
        yield Finding(declared, "metadata.name", message, known.hint("Namespace", parent))
    if declared.kind == "Policy" and not known.has("Policy", parent):
        message = f'needs its parent Policy "{parent}", which does not exist'
        yield Finding(declared, "metadata.name", message)
