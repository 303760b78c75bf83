"""What must hold between the parts of one Service (spec/resources.md §7.1 to §7.5)."""

from __future__ import annotations

from typing import Final

from config.resources.mode import CONFIG_KEYS, DEFAULT_PORTS, HTTP_FAMILY, Mode
from config.resources.model import Fault
from config.resources.service_config import DEFAULT, Config
from config.resources.service_upstream import upstream_port

NO_PORT: Final = "is required, because neither the mode nor the upstream implies one"
_HTTP: Final = 80
_HTTPS: Final = 443
_SSH: Final = 22


def default_config_faults(config: Config, mode: Mode | None) -> list[Fault]:
    """Find what is wrong with the default configuration; an undecoded mode is None."""
    faults = config_faults(config, mode)
    if config.name not in {"", DEFAULT}:
        faults.append((("name",), "must be absent or default", ""))
    if config.parent:
        faults.append((("parent",), "is for the configurations of dynamicConfig", ""))
    return faults


def config_faults(config: Config, mode: Mode | None) -> list[Fault]:
    """Find what is wrong with any configuration of a Service in this mode."""
    if mode is None:
        return []
    expected = CONFIG_KEYS.get(mode, "")
    if config.part not in {"", expected}:
        hint = f'use "{expected}"' if expected else ""
        return [((config.part,), f"is not for mode {mode}", hint)]
    if config.parent:
        return []
    faults = _login_faults(config, mode)
    if config.upstream is None and not config.needs_no_upstream:
        faults.append((("upstream",), "is required", ""))
    return faults


def _login_faults(config: Config, mode: Mode) -> list[Fault]:
    parts = {Mode.POSTGRES: config.postgres, Mode.MYSQL: config.mysql}
    if mode not in parts:
        return []
    part = parts[mode]
    if part is not None and part.auth is not None:
        return []
    return [((CONFIG_KEYS[mode], "auth", "password"), "is required", "")]


def absent_port_complaint(mode: Mode, config: Config | None) -> str:
    """Say why a Service without ``port`` cannot have one implied, or return an empty string."""
    if not listener_port(mode, port=0, is_tls=False, config=config):
        return NO_PORT
    endpoints = config.upstream.endpoints if config and config.upstream else ()
    ports = {upstream_port(endpoint.url) for endpoint in endpoints}
    return "is required, because the endpoints have different ports" if len(ports) > 1 else ""


def listener_port(mode: Mode, *, port: int, is_tls: bool, config: Config | None) -> int:
    """Return the port clients connect to, or 0 where nothing implies one."""
    if port:
        return port
    if config and config.ssh and config.ssh.e_ssh_mode:
        return _SSH
    implied = _first_upstream_port(config)
    if implied == _HTTPS and mode in HTTP_FAMILY and not is_tls:
        return _HTTP
    default = DEFAULT_PORTS.get(mode, 0)
    return implied or (_HTTPS if is_tls and default == _HTTP else default)


def _first_upstream_port(config: Config | None) -> int:
    upstream = config.upstream if config else None
    if upstream is None:
        return 0
    if upstream.container is not None:
        return upstream.container.port
    return upstream_port(upstream.endpoints[0].url)
