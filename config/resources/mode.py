"""The protocols a Service may speak, and what each allows (spec/resources.md §7.2)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Mode(StrEnum):
    """The protocol between client, proxy and upstream."""

    HTTP = "HTTP"
    WEB = "WEB"
    SSH = "SSH"
    POSTGRES = "POSTGRES"
    MYSQL = "MYSQL"
    TCP = "TCP"
    UDP = "UDP"
    GRPC = "GRPC"
    KUBERNETES = "KUBERNETES"
    DNS = "DNS"
    SOCKS5 = "SOCKS5"
    MCP = "MCP"
    LLM = "LLM"
    RDP_WEB = "RDP_WEB"


HTTP_FAMILY: Final = frozenset(
    {Mode.HTTP, Mode.WEB, Mode.GRPC, Mode.KUBERNETES, Mode.MCP, Mode.LLM, Mode.RDP_WEB}
)
MAY_BE_ANONYMOUS: Final = frozenset({Mode.HTTP, Mode.WEB, Mode.GRPC, Mode.MCP, Mode.LLM})

DEFAULT_PORTS: Final = {
    Mode.HTTP: 80,
    Mode.WEB: 80,
    Mode.MCP: 80,
    Mode.LLM: 80,
    Mode.SSH: 22,
    Mode.POSTGRES: 5432,
    Mode.MYSQL: 3306,
    Mode.DNS: 53,
    Mode.SOCKS5: 1080,
    Mode.RDP_WEB: 8080,
}
WITHOUT_TLS: Final = frozenset({Mode.SSH, Mode.UDP, Mode.DNS})
# The part of a configuration that each mode understands; modes without one understand none.
CONFIG_KEYS: Final = {
    Mode.HTTP: "http",
    Mode.WEB: "http",
    Mode.GRPC: "http",
    Mode.SSH: "ssh",
    Mode.POSTGRES: "postgres",
    Mode.MYSQL: "mysql",
    Mode.KUBERNETES: "kubernetes",
    Mode.SOCKS5: "socks5",
    Mode.MCP: "mcp",
    Mode.LLM: "llm",
    Mode.RDP_WEB: "rdp",
}
