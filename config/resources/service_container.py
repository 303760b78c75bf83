"""An upstream that the Cluster runs itself as a container (spec/resources.md §7.4)."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias

from pydantic import AfterValidator, Field

from config.resources.meta import FromSecret
from config.resources.model import Many, Model, OneOf, fault
from config.resources.scalars import ASCIIText, Name, Port, UInt, host_is_valid

Argument: TypeAlias = Annotated[str, Field(max_length=1024)]
Capability: TypeAlias = Annotated[str, Field(pattern=r"^(ALL|[A-Z][A-Z0-9_]{0,29})$")]


def _check_variable(value: str) -> str:
    if "=" in value or not value.isprintable():
        raise fault("must hold no = and no control characters")
    return value


def _check_host(value: str) -> str:
    if not host_is_valid(value):
        raise fault("must be a DNS name")
    return value


class KubernetesSecretRef(Model):
    """A key of a Kubernetes Secret."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    key: Annotated[str, Field(min_length=1, max_length=253)]


class EnvironmentVariable(Model):
    """A variable of the container's environment."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("value", "fromSecret", "kubernetesSecretRef")),)

    name: Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_check_variable)]
    value: Annotated[str, Field(max_length=2048)] | None = None
    from_secret: Name | None = None
    kubernetes_secret_ref: KubernetesSecretRef | None = None


class RegistryLogin(Model):
    """A user name and password for a registry."""

    username: ASCIIText
    password: FromSecret
    server: Annotated[str, AfterValidator(_check_host)] = ""


class RegistryCredentials(Model):
    """What a private registry asks for."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("usernamePassword",)),)

    username_password: RegistryLogin | None = None


class CPU(Model):
    """How much processor time a container may use."""

    millicores: UInt = 0


class Memory(Model):
    """How much memory a container may use."""

    megabytes: UInt = 0


class ResourceLimit(Model):
    """What a container may use."""

    cpu: CPU | None = None
    memory: Memory | None = None
    ext: Annotated[dict[str, str], Field(max_length=100)] = Field(default_factory=dict)


class Capabilities(Model):
    """Linux capabilities given to or taken from a container."""

    add: Annotated[Many[Capability], Field(max_length=64)] = ()
    drop: Annotated[Many[Capability], Field(max_length=64)] = ()


class SecurityContext(Model):
    """How a container is confined."""

    read_only_root_filesystem: bool = False
    run_as_user: UInt | None = None
    capabilities: Capabilities | None = None


class PersistentVolumeClaim(Model):
    """A volume that outlives the container."""

    name: Annotated[str, Field(min_length=1, max_length=253)]


class EmptyDir(Model):
    """A volume that ends with the container."""

    size_limit_megabytes: UInt = 0


class Volume(Model):
    """A volume the container may mount."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("persistentVolumeClaim", "emptyDir")),)

    name: Name
    persistent_volume_claim: PersistentVolumeClaim | None = None
    empty_dir: EmptyDir | None = None


class VolumeMount(Model):
    """Where a volume appears in the container."""

    name: Name
    mount_path: Annotated[str, Field(min_length=1, max_length=1024)]
    sub_path: Annotated[str, Field(max_length=1024)] = ""
    read_only: bool = False


class HTTPGet(Model):
    """A probe by HTTP."""

    path: Annotated[str, Field(max_length=1024)] = ""
    port: Port


class TCPSocket(Model):
    """A probe by a TCP connection."""

    port: Port


class GRPCHealth(Model):
    """A probe by the gRPC health service."""

    port: Port


class Probe(Model):
    """How to find out whether the container works."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("httpGet", "tcpSocket", "grpc")),)

    http_get: HTTPGet | None = None
    tcp_socket: TCPSocket | None = None
    grpc: GRPCHealth | None = None
    initial_delay_seconds: UInt = 0
    timeout_seconds: UInt = 0
    period_seconds: UInt = 0
    success_threshold: UInt = 0
    failure_threshold: UInt = 0


class Container(Model):
    """A container the Cluster runs for the Service."""

    image: Annotated[str, Field(min_length=1, max_length=256)]
    port: Port
    command: Annotated[Many[Argument], Field(max_length=64)] = ()
    args: Annotated[Many[Argument], Field(max_length=64)] = ()
    env: Annotated[Many[EnvironmentVariable], Field(max_length=32)] = ()
    replicas: Annotated[UInt, Field(le=100)] = 0
    credentials: RegistryCredentials | None = None
    resource_limit: ResourceLimit | None = None
    security_context: SecurityContext | None = None
    volumes: Annotated[Many[Volume], Field(max_length=32)] = ()
    volume_mounts: Annotated[Many[VolumeMount], Field(max_length=32)] = ()
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
