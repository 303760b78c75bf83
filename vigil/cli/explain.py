"""``vigil explain``: the way to one decision, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from config.errors import ConfigError
from config.names import full_service_name
from config.resources.service import Service
from config.resources.session import Session
from config.snapshot import Snapshot
from config.sources.files import load
from policy.compare import Comparison
from policy.decision import Denied
from policy.explain import Explanation, render
from policy.principal import ANONYMOUS, Caller
from vigil.cli.output import Format, show, write
from vigil.gate.explain import explain as explain_decision
from vigil.identity.principals import unauthenticated
from vigil.rehearsal.stage import Asked, Stage
from vigil.telemetry.clock import SystemClock

_STYLES: Final = {
    "passed": "green",
    "true": "green",
    "after": "bold",
    "denied": "red",
    "error": "red",
}


@dataclass(frozen=True, slots=True)
class Question:
    """Who wants what of which Service; no Session is nobody in particular."""

    service: str
    session: str
    facts: Mapping[str, Any]


def explain(resources: Path, against: Path | None, question: Question, output: Format) -> None:
    """Show the explanation; raises ConfigError where the question makes no sense.

    With ``against``, an edited copy of the directory, show what would be different there.
    """
    ns = SystemClock().now_ns()
    found = _loaded(resources, question, ns)
    if against is None:
        _show(found.as_json(), render(found), output)
        return
    compared = Comparison(found, _loaded(against, question, ns, is_edited=True))
    _show(compared.as_json(), "\n".join(compared.lines()), output)


def explanation(
    snapshot: Snapshot, question: Question, ns: int, *, is_edited: bool = False
) -> Explanation:
    """Decide the question as of ``ns`` and note everything on the way.

    In an edited directory a Session may be gone: then that is the answer, and no mistake.
    """
    stage = Stage(snapshot, ns)
    name = full_service_name(question.service)
    service = snapshot.get(Service, name)
    if service is None:
        raise ConfigError.at("", f"there is no Service {name}", _declared(snapshot, Service))
    who = _caller(stage, question.session, is_edited=is_edited)
    return explain_decision(stage.gate(service, ns), who, Asked(question.facts))


def _loaded(
    resources: Path, question: Question, ns: int, *, is_edited: bool = False
) -> Explanation:
    loaded = load(resources)
    try:
        return explanation(loaded.snapshot, question, ns, is_edited=is_edited)
    except ConfigError as error:
        raise loaded.located(error) from error


def _caller(stage: Stage, session: str, *, is_edited: bool) -> Caller | Denied:
    if not session:
        return ANONYMOUS
    found = stage.snapshot.get(Session, session)
    if found is not None:
        return stage.principals.of_session(found.metadata.uid)
    if is_edited:
        return unauthenticated("the Session does not exist")
    known = _declared(stage.snapshot, Session)
    raise ConfigError.at("", f"there is no Session {session!r}", known)


def _declared(snapshot: Snapshot, kind: type[Service | Session]) -> str:
    names = ", ".join(known.metadata.name for known in snapshot.all(kind))
    return f"declared: {names or 'none'}"


def _show(document: Mapping[str, Any], text: str, output: Format) -> None:
    if output is Format.JSON:
        write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
        return
    for line in text.splitlines():
        words = line.split()
        show(line, _STYLES.get(words[0], "") if words else "")
