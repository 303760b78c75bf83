"""Service: one protected upstream behind one proxy (spec/resources.md §7)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from config import names
from config.errors import ConfigError
from config.resources.meta import (
    Authorization,
    Metadata,
    ObjectReference,
    Resource,
    refuse_name,
)
from config.resources.mode import HTTP_FAMILY, MAY_BE_ANONYMOUS, WITHOUT_TLS, Mode
from config.resources.model import Many, Model, Symbol, fault, fault_at, faults_at
from config.resources.network import Address
from config.resources.scalars import Attrs, Name, Port, Text, UInt
from config.resources.service_config import Config, DynamicConfig
from config.resources.service_rules import (
    NO_PORT,
    absent_port_complaint,
    config_faults,
    default_config_faults,
    listener_port,
)

__all__ = [
    "HTTP_FAMILY",
    "Config",
    "DynamicConfig",
    "Mode",
    "Service",
    "ServiceAuthorization",
    "ServiceSpec",
    "ServiceStatus",
]


class ServiceAuthorization(Authorization):
    """The policies of a Service, which may also decide about callers nobody knows."""

    enable_anonymous: bool = False
    """Ask the policies about anonymous requests too."""


class Deployment(Model):
    """How the proxy runs."""

    replicas: Annotated[UInt, Field(le=100)] = 0
    """0 means 1."""


class ServiceSpec(Model):
    """What is declared of a Service. A check reads the fields declared before its own."""

    mode: Symbol[Mode]
    """The protocol between client, proxy and upstream."""
    is_tls: bool = False
    """Clients speak TLS to the proxy."""
    is_public: bool = False
    """Reachable without a tunnel, with a token or cookie; HTTP family only."""
    is_anonymous: bool = False
    """Nobody needs to log in; needs isPublic."""
    is_disabled: bool = False
    """The proxy refuses everything."""
    authorization: Annotated[ServiceAuthorization | None, Field(validate_default=True)] = None
    """Who may do what; without any policy that allows, nobody may."""
    attrs: Attrs = Field(default_factory=dict)
    """Free JSON, `ctx.service.spec.attrs`."""
    deployment: Deployment | None = None
    region: Name = ""
    """Where the Service runs; absent means `default`."""
    dynamic_config: DynamicConfig | None = None
    """Other configurations, chosen per request after it was allowed."""
    config: Annotated[Config | None, Field(validate_default=True)] = None
    """What happens to what was allowed."""
    port: Annotated[int, Field(ge=0, le=65_535, validate_default=True)] = 0
    """Where clients connect; 0 or absent takes it from the upstream or the mode."""

    @field_validator("is_tls")
    @classmethod
    def _only_streams_have_tls(cls, value: bool, others: ValidationInfo) -> bool:  # noqa: FBT001 - a field
        if value and others.data.get("mode") in WITHOUT_TLS:
            raise fault(f"is not for mode {others.data['mode']}")
        return value

    @field_validator("is_public")
    @classmethod
    def _only_http_is_public(cls, value: bool, others: ValidationInfo) -> bool:  # noqa: FBT001 - a field
        if value and others.data.get("mode", Mode.HTTP) not in HTTP_FAMILY:
            raise fault(f"is not for mode {others.data['mode']}, only for the HTTP family")
        return value

    @field_validator("is_anonymous")
    @classmethod
    def _only_public_is_anonymous(cls, value: bool, others: ValidationInfo) -> bool:  # noqa: FBT001 - a field
        if value and not others.data.get("is_public", True):
            raise fault("needs isPublic")
        if value and others.data.get("mode", Mode.HTTP) not in MAY_BE_ANONYMOUS:
            raise fault(f"is not for mode {others.data['mode']}")
        return value

    @field_validator("authorization")
    @classmethod
    def _anonymous_authorization(
        cls, value: ServiceAuthorization | None, others: ValidationInfo
    ) -> ServiceAuthorization | None:
        if value is None or "is_anonymous" not in others.data:
            return value
        if value.enable_anonymous and not others.data["is_anonymous"]:
            raise fault_at(("enableAnonymous",), "needs isAnonymous")
        if others.data["is_anonymous"] and not value.enable_anonymous:
            raise fault("is not asked for an anonymous Service", "set enableAnonymous to ask it")
        return value

    @field_validator("dynamic_config")
    @classmethod
    def _check_named(
        cls, value: DynamicConfig | None, others: ValidationInfo
    ) -> DynamicConfig | None:
        faults = [
            (("configs", index, *place), message, hint)
            for index, config in enumerate(value.configs if value else ())
            for place, message, hint in config_faults(config, others.data.get("mode"))
        ]
        if faults:
            raise faults_at(faults)
        return value

    @field_validator("config")
    @classmethod
    def _check_default(cls, value: Config | None, others: ValidationInfo) -> Config | None:
        if value is None and _needs_default(others):
            raise fault("is required", "or dynamicConfig with a configuration of its own")
        if value is None:
            return None
        if faults := default_config_faults(value, others.data.get("mode")):
            raise faults_at(faults)
        return value

    @field_validator("port")
    @classmethod
    def _check_port(cls, port: int, others: ValidationInfo) -> int:
        if port == 0 and {"mode", "config"} <= others.data.keys():
            mode, config = others.data["mode"], others.data["config"]
            if complaint := absent_port_complaint(mode, config):
                raise fault(complaint)
        return port


def _needs_default(others: ValidationInfo) -> bool:
    if "dynamic_config" not in others.data:
        return False
    dynamic: DynamicConfig | None = others.data["dynamic_config"]
    return dynamic is None or not (
        dynamic.configs or any(rule.config_name is None for rule in dynamic.rules)
    )


class ManagedService(Model):
    """Marks a Service the Cluster itself provides."""

    image: Text = ""
    port: Port = 0
    type: Text = ""


class DualStackIP(Model):
    """An address in both versions of IP."""

    ipv4: Address = ""
    ipv6: Address = ""


class ServiceAddress(Model):
    """A private address of the Service."""

    dual_stack_ip: DualStackIP | None = None
    pod_ref: ObjectReference | None = None


class ServiceStatus(Model):
    """What the Cluster knows about a Service."""

    namespace_ref: ObjectReference | None = None
    region_ref: ObjectReference | None = None
    port: Port = 0
    primary_hostname: Text = ""
    additional_hostnames: Many[Text] = ()
    addresses: Many[ServiceAddress] = ()
    managed_service: ManagedService | None = None


class Service(Resource):
    """A protected upstream; its stored name always has the Namespace: ``web.default``."""

    kind: ClassVar = "Service"

    spec: ServiceSpec
    status: ServiceStatus = ServiceStatus()

    @classmethod
    def admit_name(cls, metadata: Metadata) -> Metadata:
        """Add the default Namespace, and keep the Cluster's own prefixes out of it."""
        refuse_name(metadata, names.dotted_complaint(metadata.name, 2))
        name = names.full_service_name(metadata.name)
        service, namespace = name.split(".")
        if namespace == names.DEFAULT_NAMESPACE and not metadata.is_system:
            refuse_name(metadata, names.reserved_complaint(service))
        return metadata.model_copy(update={"name": name})

    @property
    def service_name(self) -> str:
        """Return the name without the Namespace."""
        return self.metadata.name.partition(".")[0]

    @property
    def namespace_name(self) -> str:
        """Return the Namespace's name."""
        return self.metadata.name.partition(".")[2]

    def effective_port(self) -> int:
        """Return the port clients connect to; dynamic configurations have no say in it."""
        spec = self.spec
        port = listener_port(spec.mode, port=spec.port, is_tls=spec.is_tls, config=spec.config)
        if not port:
            raise ConfigError.at("spec.port", NO_PORT)
        return port

    def public_hostname(self, domain: str) -> str:
        """Return the name browsers use: ``web.example.com``, ``web.prod.example.com``."""
        return ".".join([*self._host_labels(), domain])

    def private_hostname(self, domain: str) -> str:
        """Return the name inside the tunnel: ``web.local.example.com``."""
        return ".".join([*self._host_labels(), "local", domain])

    def _host_labels(self) -> list[str]:
        labels = (self.service_name, self.namespace_name)
        return [label for label in labels if label != names.DEFAULT_NAMESPACE]
