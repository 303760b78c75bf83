"""ClusterConfig: the settings of the whole Cluster, a singleton (spec/resources.md §3)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from config.resources.meta import Authorization, FromSecret, LongDuration, Metadata, Resource
from config.resources.model import Many, Model, OneOf, Symbol, fault
from config.resources.network import ClusterNetworks, NetworkConfig
from config.resources.rules import ConditionTree, Effect
from config.resources.scalars import (
    ASCIIText,
    Attrs,
    HeaderName,
    Name,
    Text,
    UInt,
    WebURL,
    host_is_valid,
    url_complaint,
)
from config.resources.states import DefaultState

NAME: Final = "cluster-config"


class SessionDefaults(Model):
    """How Sessions of one type of User begin and end; None means the built-in value."""

    client_duration: LongDuration | None = None
    """Total life of a CLIENT Session: 21 hours for HUMAN, 90 days for WORKLOAD."""
    clientless_duration: LongDuration | None = None
    """Total life of a CLIENTLESS Session: 21 hours for HUMAN, 90 days for WORKLOAD."""
    access_token_duration: LongDuration | None = None
    """4 hours; less than 30 minutes is ignored."""
    refresh_token_duration: LongDuration | None = None
    """21 hours for HUMAN, 14 days for WORKLOAD; less than 30 minutes is ignored."""
    max_per_user: Annotated[UInt, Field(le=1_000)] = 0
    """0 means 16 for HUMAN, 128 for WORKLOAD."""
    default_state: DefaultState | None = None
    """State of new Sessions; absent means ACTIVE."""


class SessionSettings(Model):
    """Settings of Sessions, by type of User."""

    human: SessionDefaults | None = None
    workload: SessionDefaults | None = None


class DeviceDefaults(Model):
    """How Devices of one type of User begin; an unset state means PENDING."""

    default_state: DefaultState | None = None
    """State of new Devices; absent means PENDING."""
    max_per_user: Annotated[UInt, Field(le=1_000)] = 0
    """0 means 32."""


class DeviceSettings(Model):
    """Settings of Devices, by type of User."""

    human: DeviceDefaults | None = None
    workload: DeviceDefaults | None = None


class Ingress(Model):
    """What to believe of the proxy in front."""

    use_forwarded_for_header: bool = False
    """Take the client's address from X-Forwarded-For."""
    xff_num_trusted_hops: Annotated[UInt, Field(le=64)] = 0
    """How many proxies in front may be believed."""


class GatewaySettings(Model):
    """Settings of Gateways."""

    wireguard_key_rotation_duration: LongDuration | None = None
    """12 hours; less than 30 seconds is ignored."""


def _check_server(value: str) -> str:
    if ("://" in value and url_complaint(value)) or (
        "://" not in value and not host_is_valid(value)
    ):
        raise fault("must be a DNS name, an IP address or a URL like dot://host")
    return value


class FallbackZone(Model):
    """Where names outside the Cluster are looked up."""

    servers: Annotated[
        Many[Annotated[str, Field(max_length=256), AfterValidator(_check_server)]],
        Field(max_length=32),
    ] = ()
    cache_duration: LongDuration | None = None


class DNSSettings(Model):
    """Settings of the Cluster's DNS."""

    fallback_zone: FallbackZone | None = None


class AuthenticatorEnforcement(StrEnum):
    """What a matching rule asks of a second factor."""

    ENFORCE = "ENFORCE"
    IGNORE = "IGNORE"
    RECOMMEND = "RECOMMEND"


class AuthenticatorEnforcementRule(Model):
    """When a second factor is asked for; the first match decides."""

    condition: ConditionTree
    effect: Symbol[AuthenticatorEnforcement]


class AuthenticatorRule(Model):
    """Whether a login by a second factor counts; the first match decides."""

    name: Annotated[str, Field(max_length=128)] = ""
    condition: ConditionTree
    effect: Symbol[Effect]


class AttestationConveyance(StrEnum):
    """How much an authenticator is asked to say about itself."""

    DIRECT = "DIRECT"
    INDIRECT = "INDIRECT"
    NONE = "NONE"
    ENTERPRISE = "ENTERPRISE"


class FIDOSettings(Model):
    """Settings of FIDO authenticators."""

    attestation_conveyance_preference: Symbol[AttestationConveyance] | None = None


_EnforcementRules = Annotated[Many[AuthenticatorEnforcementRule], Field(max_length=256)]


class AuthenticatorSettings(Model):
    """Settings of second factors."""

    registration_enforcement_rules: _EnforcementRules = ()
    authentication_enforcement_rules: _EnforcementRules = ()
    post_authentication_rules: Annotated[Many[AuthenticatorRule], Field(max_length=256)] = ()
    enable_passkey_login: bool = False
    default_state: DefaultState | None = None
    fido: FIDOSettings | None = None


class DownloadBasic(Model):
    """A user name and a password."""

    username: ASCIIText
    password: FromSecret


class DownloadHeader(Model):
    """A header of any name."""

    header: HeaderName
    value: FromSecret


class DownloadQuery(Model):
    """A parameter of the URL's query."""

    name: ASCIIText
    value: FromSecret


class DownloadAuth(Model):
    """The credential of a download."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("bearer", "basic", "custom", "query")),)

    bearer: FromSecret | None = None
    basic: DownloadBasic | None = None
    custom: DownloadHeader | None = None
    query: DownloadQuery | None = None


class DatabaseUpstream(Model):
    """Where a database is downloaded from."""

    url: Annotated[WebURL, Field(max_length=1024)]
    auth: DownloadAuth | None = None


class GeolocationDatabase(Model):
    """Where the database of addresses comes from."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("fromConfig", "upstream")),)

    from_config: Name | None = None
    upstream: DatabaseUpstream | None = None


class Geolocation(Model):
    """Where on Earth a login came from."""

    mmdb: GeolocationDatabase | None = None


class AuthenticationSettings(Model):
    """Settings of logins."""

    geolocation: Geolocation | None = None


class ClusterConfigSpec(Model):
    """What is declared for the whole Cluster."""

    authorization: Authorization | None = None
    """Asked for every request to every Service."""
    session: SessionSettings | None = None
    device: DeviceSettings | None = None
    ingress: Ingress | None = None
    gateway: GatewaySettings | None = None
    dns: DNSSettings | None = None
    authenticator: AuthenticatorSettings | None = None
    authentication: AuthenticationSettings | None = None


def _check_domain(value: str) -> str:
    if not host_is_valid(value) or value != value.lower():
        raise fault("must be a domain name in lower case")
    return value


class SecretManager(Model):
    """A store of secrets outside the Cluster."""

    address: Text = ""


class DeviceProbe(Model):
    """A question that Devices are asked."""

    id: Text = ""
    condition: ConditionTree | None = None


class DeviceProbes(Model):
    """What Devices are asked about themselves."""

    probes: Annotated[Many[DeviceProbe], Field(max_length=100)] = ()


class ClusterConfigStatus(Model):
    """What was decided when the Cluster was installed."""

    domain: Annotated[str, Field(max_length=253), AfterValidator(_check_domain)] = "localhost"
    """The domain of the Cluster, chosen when it is installed."""
    network: ClusterNetworks | None = None
    network_config: NetworkConfig | None = None
    secret_manager: SecretManager | None = None
    device: DeviceProbes | None = None
    installation: Attrs = Field(default_factory=dict)


class ClusterConfig(Resource):
    """The one object that configures the Cluster; whatever it is called, it is called one thing."""

    kind: ClassVar = "ClusterConfig"

    metadata: Metadata = Metadata(name=NAME)
    spec: ClusterConfigSpec
    status: ClusterConfigStatus = ClusterConfigStatus()

    @classmethod
    def admit_name(cls, metadata: Metadata) -> Metadata:
        """Store it under its one name, whatever the document calls it."""
        return metadata.model_copy(update={"name": NAME})
