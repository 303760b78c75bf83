"""Rules over a whole set of declarations: what they name exists, what must be unique is unique."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from config import names
from config.references import Declared, Finding, Known, dangling
from config.resources.device import Device
from config.resources.identity_provider import IdentityProvider
from config.resources.meta import ObjectReference, Resource
from config.resources.service import Service
from config.resources.service_config import DEFAULT
from config.resources.session import Session
from config.resources.user import User

_REFERENCES: Final = {"userRef": "User", "deviceRef": "Device"}


def findings(declared: Sequence[Declared]) -> Iterator[Finding]:
    """Yield everything wrong with the set as a whole; names are expected to be unique by kind."""
    yield from dangling(declared, Known(declared))
    yield from _colliding_hostnames(declared)
    yield from _twins(declared)
    targets = _Targets(declared)
    for each in declared:
        match each.resource:
            case Session() as session:
                yield from _session_findings(each, session, targets)
            case Device() as device:
                yield from _reference_findings(each, "userRef", device.status.user_ref, targets)
            case Service() as service:
                yield from _absent_default(each, service)
            case _:
                pass


def _colliding_hostnames(declared: Sequence[Declared]) -> Iterator[Finding]:
    namespaces = {each.name for each in declared if each.kind == "Namespace"}
    for each in declared:
        service, _, namespace = each.name.partition(".")
        if each.kind != "Service" or namespace != names.DEFAULT_NAMESPACE:
            continue
        if service in namespaces and service != names.DEFAULT_NAMESPACE:
            message = f'has the same hostname as Namespace "{service}"'
            yield Finding(each, "metadata.name", message, "rename one of them")


@dataclass(frozen=True, slots=True)
class _Claim:
    """A value that only one object may have."""

    path: str
    what: str
    value: Hashable


def _twins(declared: Sequence[Declared]) -> Iterator[Finding]:
    holders: dict[tuple[str, Hashable], Declared] = {}
    for each in declared:
        for claim in _claims(each.resource) if each.resource else ():
            holder = holders.setdefault((claim.what, claim.value), each)
            if holder is not each:
                message = f'is also the {claim.what} of {holder.kind} "{holder.name}"'
                yield Finding(each, claim.path, message)


def _claims(resource: Resource) -> Iterator[_Claim]:
    if resource.metadata.uid:
        yield _Claim("metadata.uid", "uid", resource.metadata.uid.lower())
    match resource:
        case User():
            yield from _user_claims(resource)
        case Device(status=status):
            if status.id:
                yield _Claim("status.id", "id", status.id)
            if status.serial_number:
                yield _Claim("status.serialNumber", "serial number", status.serial_number)
        case Session(status=status):
            if status.authentication and status.authentication.token_id:
                path = "status.authentication.tokenID"
                yield _Claim(path, "tokenID", status.authentication.token_id.lower())
        case IdentityProvider():
            yield from _issuer_claims(resource)
        case _:
            pass


def _user_claims(user: User) -> Iterator[_Claim]:
    if user.spec.email:
        yield _Claim("spec.email", "e-mail address", user.spec.email)
    identities = user.spec.authentication.identities if user.spec.authentication else ()
    for index, identity in enumerate(identities):
        path = f"spec.authentication.identities[{index}]"
        yield _Claim(path, "identity", (identity.identity_provider, identity.identifier))


def _issuer_claims(provider: IdentityProvider) -> Iterator[_Claim]:
    oidc, token = provider.spec.oidc, provider.spec.oidc_identity_token
    if oidc:
        yield _Claim("spec.oidc.issuerURL", "OIDC issuer", oidc.issuer_url)
    if token and token.issuer_url:
        yield _Claim("spec.oidcIdentityToken.issuerURL", "token issuer", token.issuer_url)
    elif token:
        yield _Claim("spec.oidcIdentityToken.issuer", "token issuer", token.issuer)


class _Targets:
    """Finds what a reference points at, by uid or by name."""

    def __init__(self, declared: Sequence[Declared]) -> None:
        self._by_name = {(each.kind, each.name): each for each in declared}
        self._by_uid = {
            (each.kind, each.resource.metadata.uid): each
            for each in declared
            if each.resource and each.resource.metadata.uid
        }

    def find(self, kind: str, reference: ObjectReference) -> Declared | None:
        """Return the object, where there is one."""
        if reference.uid:
            return self._by_uid.get((kind, reference.uid))
        return self._by_name.get((kind, reference.name))


def _session_findings(each: Declared, session: Session, targets: _Targets) -> Iterator[Finding]:
    status = session.status
    yield from _reference_findings(each, "userRef", status.user_ref, targets)
    if status.device_ref is None:
        return
    yield from _reference_findings(each, "deviceRef", status.device_ref, targets)
    device = targets.find("Device", status.device_ref)
    owned_by = _owner(device.resource if device else None, targets)
    used_by = _owner(session, targets)
    if device and owned_by and used_by and owned_by is not used_by:
        message = f'Device "{device.name}" is of User "{owned_by.name}", not "{used_by.name}"'
        yield Finding(each, "status.deviceRef", message)


def _owner(resource: Resource | None, targets: _Targets) -> Declared | None:
    if isinstance(resource, Session | Device) and resource.status.user_ref:
        return targets.find("User", resource.status.user_ref)
    return None


def _reference_findings(
    each: Declared, key: str, reference: ObjectReference | None, targets: _Targets
) -> Iterator[Finding]:
    """Check what the names alone do not show: that the reference is there, and its uid."""
    kind = _REFERENCES[key]
    if reference is None:
        yield Finding(each, f"status.{key}", "is required", f"the {kind} it belongs to")
    elif reference.uid:
        target = targets.find(kind, reference)
        if target is None:
            yield Finding(each, f"status.{key}.uid", f"is the uid of no {kind}")
        elif reference.name not in {"", target.name}:
            message = f'is the uid of {kind} "{target.name}", not "{reference.name}"'
            yield Finding(each, f"status.{key}.uid", message)


def _absent_default(each: Declared, service: Service) -> Iterator[Finding]:
    dynamic = service.spec.dynamic_config
    if service.spec.config is not None or dynamic is None:
        return
    message = "names the default configuration, which is absent"
    for index, config in enumerate(dynamic.configs):
        if config.parent == DEFAULT:
            yield Finding(each, f"spec.dynamicConfig.configs[{index}].parent", message)
    for index, rule in enumerate(dynamic.rules):
        if rule.config_name == DEFAULT:
            yield Finding(each, f"spec.dynamicConfig.rules[{index}].configName", message)
