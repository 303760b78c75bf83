"""One decision each: resources of its own, one request, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.harness.resources import (
    ALLOW_ALL,
    Document,
    a_device,
    a_service,
    a_session,
    a_user,
    authorization,
    inline,
)

NOBODY: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is declared for the Service, the User, the Session and the Device called ``name``.

    ``reason`` is the log's reason type; ``rule`` the matched rule's name; ``policy`` the matched
    standalone Policy; ``owner`` the ``Kind/name`` of the resource whose inline policy matched.
    """

    name: str
    status: int
    reason: str
    rule: str = ""
    policy: str = ""
    owner: str = ""
    service: Document | None = None
    namespace: str = ""
    user: Document | None = None
    session: Document | None = None
    session_status: Document | None = None
    device: Document | None = None
    device_status: Document | None = None
    more: tuple[Document, ...] = ()

    @property
    def id(self) -> str:
        return self.name.capitalize()

    def resources(self, port: int, upstream: str) -> list[Document]:
        """Return everything this case declares."""
        spec = {"authorization": ALLOW_ALL} if self.service is None else self.service
        full_name = f"{self.name}.{self.namespace}" if self.namespace else self.name
        has_device = self.device is not None or self.device_status is not None
        made = [
            a_service(full_name, port, upstream, **spec),
            a_user(self.name, **(self.user or {})),
            a_session(
                self.name,
                self.name,
                device=self.name if has_device else "",
                spec=self.session,
                **(self.session_status or {}),
            ),
        ]
        if has_device:
            device = a_device(self.name, self.name, **(self.device_status or {}))
            device["spec"].update(self.device or {})
            device["spec"] = {key: value for key, value in device["spec"].items() if value}
            made.append(device)
        return [*made, *self.more]


def with_rules(*rules: Document, name: str = "here") -> Document:
    """Return a Service spec whose one inline policy holds these rules."""
    return {"authorization": authorization(inline(*rules, name=name))}
