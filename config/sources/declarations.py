"""The declarations of all files of a source, decoded and checked together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from config.decode import decode_resource
from config.errors import ConfigError, Problem, Severity
from config.kinds import KINDS
from config.names import full_service_name
from config.paths import joined
from config.references import Declared
from config.resources.cluster_config import NAME as CLUSTER_CONFIG_NAME
from config.resources.meta import Resource
from config.sources.derive import complete, undeclared
from config.validate import findings
from config.yamlcompose import Document, Place
from config.yamlfile import parse

_TESTS: Final = "PolicyTest"
# The keys of status that a file may declare; the rest is for the Cluster to know. None means all.
_STATUS_KEYS: Final = {"Session": None, "Device": None, "ClusterConfig": frozenset({"domain"})}
_NOWHERE: Final = Document("", None, Place(0))


@dataclass(frozen=True, slots=True)
class _Placed:
    declared: Declared
    document: Document


class Declarations:
    """The declarations of all files, and what is wrong with them so far."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: list[Problem] = list(problems)
        self._placed: dict[tuple[str, str], _Placed] = {}

    def add_file(self, name: str, content: bytes) -> None:
        """Decode every document of a file."""
        parsed = parse(content, name)
        self.problems.extend(parsed.problems)
        for document in parsed.documents:
            self.problems.extend(document.problems)
            if not _is_passed_over(document):
                self._add_document(document)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was declared so far."""
        return not self._placed

    def finish(self) -> None:
        """Add what exists undeclared, then what is wrong with the set as a whole."""
        for resource in undeclared():
            key = (resource.kind, resource.metadata.name)
            if key not in self._placed:
                self._placed[key] = _Placed(_declared(complete(resource), {}), _NOWHERE)
        said = {(problem.file, problem.line, problem.path) for problem in self.problems}
        placed = {id(each.declared): each.document for each in self._placed.values()}
        for finding in findings([each.declared for each in self._placed.values()]):
            document = placed[id(finding.declared)]
            problem = _problem(document, finding.path, finding.message, finding.hint)
            if (problem.file, problem.line, problem.path) not in said:
                self.problems.append(problem)

    def documents(self) -> dict[str, Document]:
        """Return where each declared resource stands, by ``Kind name``."""
        return {
            f"{kind} {name}": each.document
            for (kind, name), each in self._placed.items()
            if each.document is not _NOWHERE
        }

    def resources(self) -> list[Resource]:
        """Return what could be decoded."""
        found = (each.declared.resource for each in self._placed.values())
        return [resource for resource in found if resource is not None]

    def _add_document(self, document: Document) -> None:
        data, ignored = _without_status(document.data)
        for path in ignored:
            warning = _problem(document, path, "is ignored", "only the Cluster writes it")
            self.problems.append(replace(warning, severity=Severity.WARNING))
        resource = None if document.problems else self._decoded(data, document)
        written = data if isinstance(data, dict) else {}
        declared = _declared(complete(resource), written) if resource else _undecoded(written)
        if declared is not None:
            self._place(declared, document)

    def _decoded(self, data: Any, document: Document) -> Resource | None:
        try:
            return decode_resource(data)
        except ConfigError as error:
            self.problems.extend(
                replace(problem, file=document.file, line=document.line(problem.path))
                for problem in error.problems
            )
            return None

    def _place(self, declared: Declared, document: Document) -> None:
        first = self._placed.setdefault((declared.kind, declared.name), _Placed(declared, document))
        if first.declared is not declared:
            place = f"{first.document.file}:{first.document.line('metadata.name')}"
            message = f'{declared.kind} "{declared.name}" is declared twice'
            self.problems.append(_problem(document, "metadata.name", message, f"first at {place}"))


def _problem(document: Document, path: str, message: str, hint: str) -> Problem:
    return Problem(document.file, document.line(path), path, message, hint)


def _is_passed_over(document: Document) -> bool:
    if isinstance(document.data, dict):
        return document.data.get("kind") == _TESTS
    return document.data is None


def _declared(resource: Resource, written: dict[str, Any]) -> Declared:
    return Declared(resource.kind, resource.metadata.name, written, resource)


def _undecoded(written: dict[str, Any]) -> Declared | None:
    """Return a broken declaration under its name, so that mentions of it are not called wrong."""
    kind, metadata = written.get("kind"), written.get("metadata")
    if kind == "ClusterConfig":
        return Declared(kind, CLUSTER_CONFIG_NAME, written)
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(kind, str) or kind not in KINDS or not isinstance(name, str):
        return None
    return Declared(kind, full_service_name(name) if kind == "Service" else name, written)


def _without_status(data: Any) -> tuple[Any, list[str]]:
    """Return the document as a file may declare it, and the paths of what that leaves out."""
    if not isinstance(data, dict) or not data.get("status"):
        return data, []
    kind, status = data.get("kind"), data["status"]
    if not isinstance(kind, str) or kind not in KINDS:
        return data, []
    kept = _STATUS_KEYS.get(kind, frozenset())
    if kept is None:
        return data, []
    rest = {key: value for key, value in data.items() if key != "status"}
    if not kept:
        return rest, ["status"]
    if not isinstance(status, dict):
        return data, []
    known = {key: value for key, value in status.items() if key in kept}
    return rest | {"status": known}, [joined("status", key) for key in status if key not in kept]
