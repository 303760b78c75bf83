"""From a Record to one line of the access log (spec/data-plane.md §5.2, spec/resources.md §20)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from string import ascii_lowercase
from typing import Any, Final, TypeVar, final

import orjson

from config.resources.meta import API_VERSION, Resource
from config.resources.service import Service
from policy.decision import Decision, Denied, Reason, RuleRef
from policy.principal import Caller, Principal
from protocols.api import Record

_LETTERS: Final = bytes(ord(ascii_lowercase[byte % 26]) for byte in range(256))
_ID_LETTERS: Final = 40
_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
_MAX_REMEMBERED: Final = 4096

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Parties:
    """Who asked whom, as JSON already. ``keys`` keeps alive what it is remembered by."""

    keys: tuple[Service, Principal | None]
    metadata: dict[str, orjson.Fragment]
    common: dict[str, Any]


@final
class EntryWriter:
    """Makes log lines. It remembers how callers, Services and rules it has seen are written."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._ids = Ids()
        self._parties: dict[tuple[int, int], _Parties] = {}
        self._matches: dict[int, tuple[RuleRef, orjson.Fragment]] = {}

    def line(self, record: Record, *, sequence: int = 0, is_open: bool = False) -> bytes:
        """Return one line of JSON. ``is_open`` leaves out the end that has not come yet."""
        entry = self._entry(record, sequence=sequence, is_open=is_open)
        try:
            return orjson.dumps(entry, option=_OPTIONS)
        except orjson.JSONEncodeError:
            # Who did what must be on record even if the protocol's own details cannot be written.
            del entry["entry"]["info"]
            return orjson.dumps(entry, option=_OPTIONS)

    def _entry(self, record: Record, *, sequence: int, is_open: bool) -> dict[str, Any]:
        service = record.gate.service
        who = record.who if isinstance(record.who, Principal) else None
        parties = self._parties.get((id(service), id(who))) or self._met(service, who)
        ended = datetime.fromtimestamp(record.ended, UTC)
        common: dict[str, Any] = {"startedAt": datetime.fromtimestamp(record.started, UTC)}
        if not is_open:
            common["endedAt"] = ended
        verdict = record.end_reason or record.verdict
        decision = verdict if isinstance(verdict, Denied) else verdict.allowed
        common |= self._outcome(decision, record.who)
        # What shadow policies would not change is not worth a line: the metric counts it.
        if decision.shadow is not None and decision.shadow != replace(decision, shadow=None):
            common["shadow"] = self._outcome(decision.shadow, record.who)
        common |= parties.common
        common["sourceAddress"] = record.peer.address
        if record.connection_id:
            common["connectionID"] = record.connection_id
        if sequence:
            common["sequence"] = sequence
        return {
            "apiVersion": API_VERSION,
            "kind": "AccessLog",
            "metadata": {"id": self._ids.fresh(), "createdAt": ended, **parties.metadata},
            "entry": {"common": common, "info": record.info()},
        }

    def _outcome(self, decision: Decision, who: Caller | None) -> dict[str, Any]:
        if isinstance(decision, Denied):
            return {"status": "DENIED", "reason": _refusal(decision, who)}
        rule = decision.rule
        if rule is None:
            return {"status": "ALLOWED"}
        known = self._matches.get(id(rule))
        if known is None:
            reason = {"type": Reason.POLICY_MATCH.name, "details": _policy_match(rule)}
            known = (rule, _json(reason))
            _remember(self._matches, id(rule), known)
        return {"status": "ALLOWED", "reason": known[1]}

    def _met(self, service: Service, who: Principal | None) -> _Parties:
        asked = _json(reference(service))
        metadata = {"targetRef": asked}
        common: dict[str, Any] = {"mode": service.spec.mode, "serviceRef": asked}
        common["namespaceRef"] = _json(_named("Namespace", service.namespace_name))
        common["regionRef"] = _json(_named("Region", self._region))
        if who is not None:
            common |= _subject(who)
            metadata["actorRef"] = common["sessionRef"]
        if service.spec.is_public:
            common["isPublic"] = True
        if service.spec.is_anonymous:
            common["isAnonymous"] = True
        parties = _Parties((service, who), metadata, common)
        _remember(self._parties, (id(service), id(who)), parties)
        return parties


@final
class Ids:
    """Entry ids: groups of 4, 4, 24, 4 and 4 random lower-case letters."""

    __slots__ = ("_letters", "_used")

    def __init__(self) -> None:
        self._letters = ""
        self._used = 0

    def fresh(self) -> str:
        """Return an id that nobody has seen; the kernel is asked once for a hundred of them."""
        if self._used == len(self._letters):
            self._letters = os.urandom(100 * _ID_LETTERS).translate(_LETTERS).decode()
            self._used = 0
        start = self._used
        self._used = start + _ID_LETTERS
        text = self._letters[start : self._used]
        return f"{text[:4]}-{text[4:8]}-{text[8:32]}-{text[32:36]}-{text[36:]}"


def reference(resource: Resource) -> dict[str, str]:
    """Return an ObjectReference without the members that have no value."""
    metadata = resource.metadata
    ref = {
        "apiVersion": API_VERSION,
        "kind": resource.kind,
        "uid": metadata.uid,
        "name": metadata.name,
        "resourceVersion": metadata.resource_version,
    }
    return {key: value for key, value in ref.items() if value}


def _subject(who: Principal) -> dict[str, orjson.Fragment]:
    known = {"sessionRef": _json(reference(who.session)), "userRef": _json(reference(who.user))}
    if who.device is not None:
        known["deviceRef"] = _json(reference(who.device))
    return known


def _refusal(denied: Denied, who: Caller | None) -> dict[str, Any]:
    reason: dict[str, Any] = {"type": denied.reason.name}
    if denied.rule is not None:
        reason["details"] = _policy_match(denied.rule)
    elif denied.reason is Reason.SESSION_NOT_ACTIVE and isinstance(who, Principal):
        reason["details"] = {"sessionNotActive": {"state": who.session.spec.state}}
    if denied.detail:
        reason["message"] = denied.detail
    return reason


def _policy_match(rule: RuleRef) -> dict[str, Any]:
    place: dict[str, Any]
    if rule.inline:
        owner = _named(rule.owner_kind, rule.owner_name)
        place = {"inlinePolicy": {"resourceRef": owner, "name": rule.policy}}
    else:
        place = {"policy": {"policyRef": _named("Policy", rule.policy)}}
    return {"policyMatch": {**place, "ruleName": rule.rule, "priority": rule.priority}}


def _named(kind: str, name: str) -> Mapping[str, str]:
    return {"apiVersion": API_VERSION, "kind": kind, "name": name}


def _json(value: object) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(value))


def _remember(memory: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    # Keys are identities, which is why each value keeps the objects themselves alive.
    if len(memory) >= _MAX_REMEMBERED:
        memory.clear()
    memory[key] = value
