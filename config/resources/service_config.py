"""What a Service does for a caller: the default configuration and those chosen per request.

Spec/resources.md §7.3 and §7.13.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import Field, ValidationInfo, field_validator

from config.resources.model import Many, Model, OneOf, fault_at, nearest
from config.resources.rules import OPA, ConditionTree
from config.resources.scalars import CEL, Name
from config.resources.service_connection import (
    Kubeconfig,
    KubernetesConfig,
    MySQLConfig,
    PostgresConfig,
    RDPConfig,
    SOCKS5Config,
    SSHConfig,
)
from config.resources.service_http import ResponseOptions
from config.resources.service_upstream import TLS, ClientCertificate, Upstream
from config.resources.service_web import HTTPConfig, LLMConfig, MCPConfig

DEFAULT: Final = "default"
PARTS: Final = ("http", "ssh", "postgres", "mysql", "kubernetes", "socks5", "rdp", "mcp", "llm")


class Config(Model):
    """One configuration; a named one may build on a parent."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(PARTS, is_required=False),)

    name: Name = ""
    """Required in dynamicConfig; elsewhere absent or `default`."""
    parent: Name = ""
    """The configuration this one builds on; `default` is `spec.config`."""
    upstream: Upstream | None = None
    """Where the traffic goes."""
    tls: TLS | None = None
    """TLS to the upstream."""
    client_certificate: ClientCertificate | None = None
    http: HTTPConfig | None = None
    ssh: SSHConfig | None = None
    postgres: PostgresConfig | None = None
    mysql: MySQLConfig | None = None
    kubernetes: KubernetesConfig | None = None
    socks5: SOCKS5Config | None = None
    rdp: RDPConfig | None = None
    mcp: MCPConfig | None = None
    llm: LLMConfig | None = None

    @property
    def part(self) -> str:
        """Return the key of the mode's own part, or an empty string."""
        return next((key for key in PARTS if getattr(self, key) is not None), "")

    @property
    def needs_no_upstream(self) -> bool:
        """Tell whether the mode's own part says where traffic goes, or answers itself."""
        match self:
            case Config(ssh=SSHConfig(e_ssh_mode=True)):
                return True
            case Config(socks5=SOCKS5Config(is_embedded_mode=True)):
                return True
            case Config(kubernetes=KubernetesConfig(kubeconfig=Kubeconfig())):
                return True
            case Config(http=HTTPConfig(response=ResponseOptions())):
                return True
            case Config(http=HTTPConfig(plugins=plugins)):
                return any(plugin.direct for plugin in plugins)
            case _:
                return False


class DynamicRule(Model):
    """Which configuration applies when; the first match decides."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("configName", "eval", "opa")),)

    condition: ConditionTree
    config_name: Name | None = None
    """The name of a configuration, or `default`."""
    eval: CEL | None = None
    """A CEL expression that yields a configuration."""
    opa: OPA | None = None
    """A Rego policy that yields a configuration."""


class DynamicConfig(Model):
    """Configurations by name and the rules that choose among them."""

    configs: Annotated[Many[Config], Field(max_length=1_000)] = ()
    rules: Annotated[Many[DynamicRule], Field(max_length=1_000)] = ()

    @field_validator("configs")
    @classmethod
    def _check_names(cls, configs: tuple[Config, ...]) -> tuple[Config, ...]:
        seen: set[str] = set()
        for index, config in enumerate(configs):
            if not config.name:
                raise fault_at((index, "name"), "is required")
            if config.name == DEFAULT:
                raise fault_at((index, "name"), "default is the name of spec.config")
            if config.name in seen:
                raise fault_at((index, "name"), "is there twice")
            seen.add(config.name)
        return configs

    @field_validator("configs")
    @classmethod
    def _check_parents(cls, configs: tuple[Config, ...]) -> tuple[Config, ...]:
        parents = {config.name: config.parent for config in configs} | {DEFAULT: ""}
        for index, config in enumerate(configs):
            if config.parent and (text := _parent_complaint(config, parents)):
                raise fault_at((index, "parent"), text)
        return configs

    @field_validator("rules")
    @classmethod
    def _check_targets(
        cls, rules: tuple[DynamicRule, ...], others: ValidationInfo
    ) -> tuple[DynamicRule, ...]:
        if "configs" not in others.data:
            return rules
        known = {DEFAULT, *(config.name for config in others.data["configs"])}
        for index, rule in enumerate(rules):
            if rule.config_name is not None and rule.config_name not in known:
                meant = nearest(rule.config_name, known)
                hint = f'did you mean "{meant}"?' if meant else ""
                raise fault_at((index, "configName"), "names no configuration", hint)
        return rules


def _parent_complaint(config: Config, parents: dict[str, str]) -> str:
    if config.parent == config.name:
        return "must be another configuration"
    if config.parent not in parents:
        return "names no configuration"
    return "must have no parent itself" if parents[config.parent] else ""
