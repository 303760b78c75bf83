"""One line of the access log as a question that can be asked again.

The log leaves out much of a request, credentials above all. What was left out is not taken for
empty: reading it is an error of its own, so that no answer is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, final

import orjson

from config.paths import joined
from policy.cel.values import EvaluationError, Timestamp

# Longer texts were cut when they were written, so nothing of this length is known to be whole.
CUT_AT: Final = 1024
_STREAM_ENDS: Final = 2
_PROTOCOLS: Final = {"HTTP10": "HTTP/1.0", "HTTP11": "HTTP/1.1"}
_SAME: Final = {"method": "method", "path": "path", "host": "forwardedHost", "scheme": "scheme"}
_HEADERS: Final = {"user-agent": "userAgent", "origin": "origin"}
_LEFT_OUT: Final = frozenset(
    {
        *_SAME,
        "protocol",
        "uri",
        "size",
        "headers",
        "headersAll",
        "queryParams",
        "queryParamsAll",
        "body",
        "bodyMap",
    }
)


@final
class UnrecordedError(EvaluationError):
    """An expression read a part of the request that the log left out."""


class UnreadableError(Exception):
    """The line cannot be asked again; the message says why."""


@final
class Partly(Mapping[str, Any]):
    """A map of which only some keys were recorded. ``touched`` collects what was read in vain.

    ``left_out`` names the keys that may have been there; None means that any may.
    """

    def __init__(
        self,
        path: str,
        known: Mapping[str, Any],
        left_out: frozenset[str] | None,
        touched: set[str],
    ) -> None:
        self._path = path
        self._known = known
        self._left_out = left_out
        self._touched = touched

    def __getitem__(self, key: str) -> Any:
        if key in self._known:
            return self._known[key]
        if self._left_out is None or key in self._left_out:
            raise self._unrecorded(joined(self._path, key))
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        raise self._unrecorded(self._path)

    def __len__(self) -> int:
        raise self._unrecorded(self._path)

    def _unrecorded(self, path: str) -> UnrecordedError:
        self._touched.add(path)
        return UnrecordedError(f"{path} was not recorded")


@dataclass(frozen=True, slots=True)
class Reference:
    """Which resource is meant: by uid, else by name. Empty where nothing was."""

    uid: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was decided, as the log has it."""

    is_allowed: bool
    reason: str
    rule: str

    def __str__(self) -> str:
        status = "ALLOWED" if self.is_allowed else f"DENIED {self.reason}"
        return f"{status} by rule {self.rule}" if self.rule else status


@dataclass(frozen=True, slots=True)
class Recorded:
    """Who asked what of which Service, when, and what was answered."""

    service: Reference
    session: Reference
    ns: int
    answer: Answer
    method: str
    path: str
    facts: Mapping[str, Any]
    touched: set[str]


def read(line: bytes) -> Recorded:
    """Return the question of a line; raises UnreadableError where there is none in it."""
    try:
        return _read(orjson.loads(line))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise UnreadableError("the line is no entry of an access log") from None


def _read(document: dict[str, Any]) -> Recorded:
    entry = document["entry"]
    common, info = entry["common"], entry["info"]
    if document["kind"] != "AccessLog":
        raise ValueError
    if common.get("sequence") == _STREAM_ENDS:
        raise UnreadableError("the end of a stream, whose beginning is an entry of its own")
    http = info.get("http")
    if http is None:
        raise UnreadableError(f"requests of mode {common['mode']} are not recorded")
    request = http.get("request")
    if request is None:
        raise UnreadableError("it never became a request")
    touched: set[str] = set()
    return Recorded(
        service=_reference(common["serviceRef"]),
        session=_reference(common.get("sessionRef", {})),
        ns=Timestamp.from_datetime(datetime.fromisoformat(common["startedAt"])).ns,
        answer=_answer(common),
        method=str(request["method"]),
        path=str(request["path"]),
        facts=_facts(common, http, touched),
        touched=touched,
    )


def _reference(given: Mapping[str, Any]) -> Reference:
    return Reference(str(given.get("uid", "")), str(given.get("name", "")))


def _answer(common: Mapping[str, Any]) -> Answer:
    reason = common.get("reason", {})
    rule = reason.get("details", {}).get("policyMatch", {}).get("ruleName", "")
    return Answer(common["status"] == "ALLOWED", str(reason.get("type", "")), str(rule))


def _facts(common: Mapping[str, Any], http: Mapping[str, Any], touched: set[str]) -> dict[str, Any]:
    """Return ``ctx.request`` as far as it was recorded, and nothing that is a guess."""
    request = http["request"]
    known = {key: request.get(name) for key, name in _SAME.items()}
    known["protocol"] = _PROTOCOLS.get(http.get("httpVersion", ""))
    headers = {key: request.get(name) for key, name in _HEADERS.items()}
    # Repeated fields were joined by commas, and policy sees the first of them.
    shown = request.get("headers", {})
    headers |= {key: value for key, value in shown.items() if "," not in value}
    path = "ctx.request.http"
    first = Partly(f"{path}.headers", _whole(headers), None, touched)
    facts: dict[str, Any] = {
        "http": Partly(path, {**_whole(known), "headers": first}, _LEFT_OUT, touched)
    }
    if address := common.get("sourceAddress"):
        facts["ip"] = address
    return facts


def _whole(texts: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: text for key, text in texts.items() if isinstance(text, str) and 0 < len(text) < CUT_AT
    }
