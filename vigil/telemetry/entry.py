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
_LINE: Final = (
    b'{"apiVersion":"%b","kind":"AccessLog",' % API_VERSION.encode()
    + b'"metadata":{"id":"%b","createdAt":"%b",%b},"entry":{"common":{%b}%b}}\n'
)
_MAX_REMEMBERED: Final = 1024
"""What is remembered keeps a caller alive, twenty kilobytes each, long after a reload."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Parties:
    """Who asked whom, as members of JSON objects. ``keys`` keeps alive what it is remembered by."""

    keys: tuple[Service, Principal | None]
    metadata: bytes
    common: bytes


@final
class EntryWriter:
    """Makes log lines out of pieces of JSON, most of which it has written before.

    It remembers how callers, Services and rules are written; encoding them anew for every line
    would take twice as long as the line.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._ids = Ids()
        self._stamps = Stamps()
        self._parties: dict[tuple[int, int], _Parties] = {}
        self._matches: dict[int, tuple[RuleRef, bytes]] = {}

    def line(self, record: Record, *, sequence: int = 0, is_open: bool = False) -> bytes:
        """Return one line of JSON. ``is_open`` leaves out the end that has not come yet."""
        service = record.gate.service
        who = record.who if isinstance(record.who, Principal) else None
        parties = self._parties.get((id(service), id(who))) or self._met(service, who)
        ended = self._stamps.of(record.ended)
        common = [b'"startedAt":"%b"' % self._stamps.of(record.started)]
        if not is_open:
            common.append(b'"endedAt":"%b"' % ended)
        self._add_decision(common, record)
        common += (parties.common, b'"sourceAddress":%b' % _json(record.peer.address))
        if record.connection_id:
            common.append(b'"connectionID":%b' % _json(record.connection_id))
        if sequence:
            common.append(b'"sequence":%d' % sequence)
        return _LINE % (
            self._ids.fresh(),
            ended,
            parties.metadata,
            b",".join(common),
            _info(record),
        )

    def _add_decision(self, common: list[bytes], record: Record) -> None:
        verdict = record.end_reason or record.verdict
        decision = verdict if isinstance(verdict, Denied) else verdict.allowed
        common.append(self._outcome(decision, record.who))
        # What shadow policies would not change is not worth a member: the metric counts it.
        if decision.shadow is not None and decision.shadow != replace(decision, shadow=None):
            common.append(b'"shadow":{%b}' % self._outcome(decision.shadow, record.who))

    def _outcome(self, decision: Decision, who: Caller | None) -> bytes:
        """Return the members ``status`` and ``reason``."""
        if isinstance(decision, Denied):
            return b'"status":"DENIED","reason":%b' % _json(_refusal(decision, who))
        rule = decision.rule
        if rule is None:
            return b'"status":"ALLOWED"'
        known = self._matches.get(id(rule))
        if known is None:
            reason = {"type": Reason.POLICY_MATCH.name, "details": _policy_match(rule)}
            known = (rule, b'"status":"ALLOWED","reason":%b' % _json(reason))
            _remember(self._matches, id(rule), known)
        return known[1]

    def _met(self, service: Service, who: Principal | None) -> _Parties:
        asked = reference(service)
        metadata: dict[str, Any] = {"targetRef": asked}
        common: dict[str, Any] = {"mode": service.spec.mode, "serviceRef": asked}
        common["namespaceRef"] = _named("Namespace", service.namespace_name)
        common["regionRef"] = _named("Region", self._region)
        if who is not None:
            common |= _subject(who)
            metadata["actorRef"] = common["sessionRef"]
        if service.spec.is_public:
            common["isPublic"] = True
        if service.spec.is_anonymous:
            common["isAnonymous"] = True
        parties = _Parties((service, who), _members(metadata), _members(common))
        _remember(self._parties, (id(service), id(who)), parties)
        return parties


@final
class Stamps:
    """Instants as RFC 3339 texts with microseconds; the second is written once for all in it."""

    __slots__ = ("_second", "_text")

    def __init__(self) -> None:
        self._second = -1
        self._text = b""

    def of(self, at: float) -> bytes:
        """Return an instant given in epoch seconds."""
        second, micro = divmod(round(at * 1_000_000), 1_000_000)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
        return b"%b.%06dZ" % (self._text, micro)


@final
class Ids:
    """Entry ids: groups of 4, 4, 24, 4 and 4 random lower-case letters."""

    __slots__ = ("_letters", "_used")

    def __init__(self) -> None:
        self._letters = b""
        self._used = 0

    def fresh(self) -> bytes:
        """Return an id that nobody has seen; the kernel is asked once for a hundred of them."""
        if self._used == len(self._letters):
            self._letters = os.urandom(100 * _ID_LETTERS).translate(_LETTERS)
            self._used = 0
        start = self._used
        self._used = start + _ID_LETTERS
        text = self._letters[start : self._used]
        return b"-".join((text[:4], text[4:8], text[8:32], text[32:36], text[36:]))


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


def _subject(who: Principal) -> dict[str, dict[str, str]]:
    known = {"sessionRef": reference(who.session), "userRef": reference(who.user)}
    if who.device is not None:
        known["deviceRef"] = reference(who.device)
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


def _info(record: Record) -> bytes:
    """Return the protocol's own details as one more member, or nothing if they cannot be written.

    Who did what must be on record all the same.
    """
    try:
        return b',"info":%b' % orjson.dumps(record.info(), option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError:
        return b""


def _members(values: Mapping[str, Any]) -> bytes:
    return _json(values)[1:-1]


_json: Final = orjson.dumps


def _remember(memory: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    # Keys are identities, which is why each value keeps the objects themselves alive.
    if len(memory) >= _MAX_REMEMBERED:
        memory.clear()
    memory[key] = value
