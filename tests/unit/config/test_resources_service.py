from __future__ import annotations

from typing import Any

import pytest

from config.decode import decode
from config.errors import ConfigError
from config.resources.mode import Mode
from config.resources.service import Service
from tests.harness.builders import a_service, complaints

MATCH_ANY = {"matchAny": True}


def a_config(url: str = "http://127.0.0.1:9", **parts: Any) -> dict[str, Any]:
    return {"upstream": {"url": url}} | parts


@pytest.mark.parametrize(
    ("mode", "url", "spec", "port"),
    [
        pytest.param("HTTP", "https://x1.io", {}, 80, id="an https upstream behind plain HTTP"),
        pytest.param("HTTP", "https://x1.io", {"isTLS": True}, 443, id="an https upstream"),
        pytest.param("HTTP", "http://x1.io:8000", {}, 8000, id="the upstream's port"),
        pytest.param("HTTP", "http://x1.io:8000", {"port": 81}, 81, id="a declared port"),
        pytest.param("WEB", "wss://x1.io", {}, 80, id="wss"),
        pytest.param("POSTGRES", "postgres://x1.io", {}, 5432, id="postgres"),
        pytest.param("MYSQL", "mysql://x1.io:3307", {}, 3307, id="mysql"),
        pytest.param("GRPC", "http://x1.io:9000", {}, 9000, id="grpc"),
        pytest.param("TCP", "https://x1.io", {}, 443, id="tcp keeps 443"),
        pytest.param("SSH", "ssh://10.10.0.5", {}, 22, id="ssh"),
        pytest.param("DNS", "dot://1.1.1.1", {}, 853, id="dot"),
        pytest.param("HTTP", "http://[::1]:8080", {}, 8080, id="IPv6"),
    ],
)
def test_the_port_clients_connect_to(mode: str, url: str, spec: dict[str, Any], port: int) -> None:
    assert a_service(mode, url, **spec).effective_port() == port


@pytest.mark.parametrize(
    ("mode", "spec", "port"),
    [
        ("SSH", {"config": {"ssh": {"eSSHMode": True}}}, 22),
        ("HTTP", {"config": {"http": {"response": {"direct": {"inline": "hi"}}}}}, 80),
        ("WEB", {"isTLS": True, "config": {"http": {"response": {"direct": {"inline": ""}}}}}, 443),
        ("TCP", {"config": {"upstream": {"container": {"image": "redis", "port": 6379}}}}, 6379),
    ],
)
def test_without_a_url_the_mode_or_container_implies_the_port(
    mode: str, spec: dict[str, Any], port: int
) -> None:
    assert a_service(mode, **spec).effective_port() == port


def test_a_service_without_any_port_is_refused() -> None:
    config = {"http": {"response": {"direct": {"inline": "hi"}}}}
    assert complaints(lambda: a_service("GRPC", config=config)) == [
        "spec.port: is required, because neither the mode nor the upstream implies one"
    ]


def test_the_effective_port_of_a_service_built_without_checks_is_refused() -> None:
    spec = a_service().spec.model_copy(update={"mode": Mode.TCP, "config": None})
    with pytest.raises(ConfigError, match=r"spec\.port: is required"):
        a_service().model_copy(update={"spec": spec}).effective_port()


@pytest.mark.parametrize(
    ("name", "public", "private"),
    [
        ("web", "web.example.com", "web.local.example.com"),
        ("web.prod", "web.prod.example.com", "web.prod.local.example.com"),
        ("default.prod", "prod.example.com", "prod.local.example.com"),
        ("default", "example.com", "local.example.com"),
    ],
)
def test_hostnames(name: str, public: str, private: str) -> None:
    service = a_service(name=name)
    assert service.public_hostname("example.com") == public
    assert service.private_hostname("example.com") == private


@pytest.mark.parametrize(
    "url",
    [
        "x1.io",
        "//x1.io",
        "tcp://x1.io",
        "http://",
        "http://x1 io",
        "http://x1.io:0",
        "http://x1.io:65536",
        "http://x1.io:http",
        "http://[::1",
        "http://[::1]x:80",
        "http://a1@b1:80:90",
        "http://é.io",
        "http://x1.io/\n",
        "http://" + "a" * 2048,
        "://x1.io",
    ],
)
def test_an_upstream_url_that_says_too_little_is_refused(url: str) -> None:
    [complaint] = complaints(lambda: a_service(upstream=url, port=80))
    assert complaint.startswith("spec.config.upstream.url: ")


def test_a_refused_url_is_not_repeated() -> None:
    [complaint] = complaints(lambda: a_service(upstream="http://user:s3cret@h0st:bad"))
    assert "s3cret" not in complaint


def test_a_mode_is_required_and_must_be_known() -> None:
    assert complaints(lambda: decode(Service, {"metadata": {"name": "web"}, "spec": {}})) == [
        "spec.config: is required; or dynamicConfig with a configuration of its own",
        "spec.mode: is required",
    ]
    [complaint] = complaints(lambda: a_service(mode="POSTGRE"))
    assert complaint.startswith("spec.mode: must be HTTP, WEB, SSH, POSTGRES")
    assert complaint.endswith('; did you mean "POSTGRES"?')


@pytest.mark.parametrize("mode", ["SSH", "POSTGRES", "MYSQL", "TCP"])
def test_only_the_http_family_is_public(mode: str) -> None:
    assert complaints(lambda: a_service(mode, isPublic=True)) == [
        f"spec.isPublic: is not for mode {mode}, only for the HTTP family"
    ]


def test_an_anonymous_service_is_public_too() -> None:
    assert complaints(lambda: a_service(isAnonymous=True)) == ["spec.isAnonymous: needs isPublic"]
    assert a_service(isAnonymous=True, isPublic=True).spec.is_anonymous


def test_kubernetes_is_never_anonymous() -> None:
    options = {"bearerToken": {"fromSecret": "token"}}
    assert complaints(
        lambda: a_service(
            "KUBERNETES", "https://k1.io", options=options, isPublic=True, isAnonymous=True
        )
    ) == ["spec.isAnonymous: is not for mode KUBERNETES"]


def test_authorization_of_an_anonymous_service_must_be_asked_for() -> None:
    policies = {"policies": ["allow-all"]}
    assert complaints(
        lambda: a_service(isAnonymous=True, isPublic=True, authorization=policies)
    ) == [
        "spec.authorization: is not asked for an anonymous Service; set enableAnonymous to ask it"
    ]
    asked = policies | {"enableAnonymous": True}
    assert a_service(isAnonymous=True, isPublic=True, authorization=asked).spec.authorization


def test_anonymous_authorization_needs_an_anonymous_service() -> None:
    assert complaints(lambda: a_service(authorization={"enableAnonymous": True})) == [
        "spec.authorization.enableAnonymous: needs isAnonymous"
    ]


@pytest.mark.parametrize("mode", ["SSH", "DNS", "UDP"])
def test_tls_is_for_streams(mode: str) -> None:
    upstream = "dns://1.1.1.1" if mode == "DNS" else None
    assert complaints(lambda: a_service(mode, upstream, isTLS=True)) == [
        f"spec.isTLS: is not for mode {mode}"
    ]


@pytest.mark.parametrize(
    ("mode", "part"), [("TCP", "http"), ("HTTP", "ssh"), ("SSH", "postgres"), ("MYSQL", "postgres")]
)
def test_a_part_of_another_mode_is_refused(mode: str, part: str) -> None:
    [complaint] = complaints(lambda: a_service(mode, config=a_config("tcp://x1:9", **{part: {}})))
    assert complaint.startswith(f"spec.config.{part}: is not for mode {mode}")


def test_two_parts_are_refused() -> None:
    assert complaints(lambda: a_service(config=a_config(http={}, ssh={}))) == [
        "spec.config: http and ssh are given, only one of them may be"
    ]


def test_a_part_of_another_mode_is_refused_in_named_configurations() -> None:
    dynamic = {"configs": [a_config(name="fast", ssh={})]}
    assert complaints(lambda: a_service(dynamicConfig=dynamic)) == [
        'spec.dynamicConfig.configs[0].ssh: is not for mode HTTP; use "http"'
    ]


def test_an_upstream_is_required() -> None:
    assert complaints(lambda: a_service(config={"http": {}})) == [
        "spec.config.upstream: is required"
    ]


def test_plugins_that_answer_need_no_upstream() -> None:
    plugin = {"name": "teapot", "condition": MATCH_ANY, "direct": {"statusCode": 418}}
    assert a_service(config={"http": {"plugins": [plugin]}}).spec.config


@pytest.mark.parametrize("mode", ["POSTGRES", "MYSQL"])
def test_a_database_needs_the_password_of_its_upstream(mode: str) -> None:
    part = mode.lower()
    assert complaints(lambda: a_service(mode, options={"user": "app"})) == [
        f"spec.config.{part}.auth.password: is required"
    ]
    assert complaints(lambda: a_service(mode, options={"auth": {}})) == [
        f"spec.config.{part}.auth: needs password"
    ]


@pytest.mark.parametrize("mode", ["POSTGRES", "MYSQL", "SSH"])
def test_statements_and_channels_may_be_authorized_one_by_one(mode: str) -> None:
    options = {"authorization": {"mode": "ALL"}}
    if mode != "SSH":
        options |= {"auth": {"password": {"fromSecret": "password"}}}
    config = a_service(mode, options=options).spec.config
    assert config is not None
    assert getattr(config, mode.lower()).authorization.mode == "ALL"


def test_the_default_configuration_has_no_name_of_its_own() -> None:
    assert a_service(config=a_config(name="default"))
    assert complaints(lambda: a_service(config=a_config(name="other", parent="more"))) == [
        "spec.config.name: must be absent or default",
        "spec.config.parent: is for the configurations of dynamicConfig",
    ]


@pytest.mark.parametrize(
    ("configs", "complaint"),
    [
        ([a_config()], "configs[0].name: is required"),
        ([a_config(name="default")], "configs[0].name: default is the name of spec.config"),
        ([a_config(name="fast"), a_config(name="fast")], "configs[1].name: is there twice"),
        (
            [a_config(name="fast", parent="fast")],
            "configs[0].parent: must be another configuration",
        ),
        ([a_config(name="fast", parent="slow")], "configs[0].parent: names no configuration"),
        (
            [{"name": "fast", "parent": "slow"}, {"name": "slow", "parent": "default"}],
            "configs[0].parent: must have no parent itself",
        ),
    ],
)
def test_named_configurations(configs: list[dict[str, Any]], complaint: str) -> None:
    assert complaints(lambda: a_service(dynamicConfig={"configs": configs})) == [
        f"spec.dynamicConfig.{complaint}"
    ]


def test_a_rule_that_names_no_configuration_is_refused() -> None:
    dynamic = {
        "configs": [{"name": "fast", "parent": "default"}],
        "rules": [{"condition": MATCH_ANY, "configName": "fats"}],
    }
    assert complaints(lambda: a_service(dynamicConfig=dynamic)) == [
        'spec.dynamicConfig.rules[0].configName: names no configuration; did you mean "fast"?'
    ]


def test_a_dynamic_configuration_replaces_the_default_one() -> None:
    dynamic = {"configs": [a_config(name="fast")]}
    spec = {"mode": "HTTP", "dynamicConfig": dynamic}
    service = decode(Service, {"metadata": {"name": "web"}, "spec": spec})
    assert service.spec.config is None
    assert service.effective_port() == 80


def test_a_rule_that_can_only_choose_by_name_does_not_replace_it() -> None:
    spec = {
        "mode": "HTTP",
        "dynamicConfig": {"rules": [{"condition": MATCH_ANY, "configName": "default"}]},
    }
    [complaint] = complaints(lambda: decode(Service, {"metadata": {"name": "web"}, "spec": spec}))
    assert complaint.startswith("spec.config: is required")


def endpoints(*urls: str) -> dict[str, Any]:
    return {"upstream": {"loadbalance": {"endpoints": [{"url": url} for url in urls]}}}


def test_several_upstreams() -> None:
    service = a_service(config=endpoints("http://a1:80", "http://b1:80"))
    assert service.spec.config
    assert service.spec.config.upstream
    assert [each.url for each in service.spec.config.upstream.endpoints] == [
        "http://a1:80",
        "http://b1:80",
    ]


def test_load_balance_may_be_spelled_as_everybody_does() -> None:
    given = endpoints("http://a1:80")["upstream"]["loadbalance"]
    service = a_service(config={"upstream": {"loadBalance": given}})
    assert service.spec.config
    assert service.spec.config.upstream
    assert service.spec.config.upstream.loadbalance
    both = {"loadBalance": given, "loadbalance": given}
    assert complaints(lambda: a_service(config={"upstream": both})) == [
        "spec.config.upstream.loadbalance: is another spelling of loadbalance, given as well"
    ]


def test_upstreams_share_one_scheme() -> None:
    assert complaints(lambda: a_service(config=endpoints("http://a1", "https://b1"))) == [
        "spec.config.upstream.loadbalance.endpoints[1].url: must have the scheme of the first, http"
    ]


def test_upstreams_share_one_port_where_none_is_declared() -> None:
    config = endpoints("http://a1:81", "http://b1:82")
    assert complaints(lambda: a_service(config=config)) == [
        "spec.port: is required, because the endpoints have different ports"
    ]
    assert a_service(config=config, port=80)


def test_too_many_upstreams_are_refused() -> None:
    config = endpoints(*["http://a1:80"] * 101)
    assert complaints(lambda: a_service(config=config)) == [
        "spec.config.upstream.loadbalance.endpoints: must have at most 100 items"
    ]


def test_an_upstream_is_exactly_one_thing() -> None:
    assert complaints(lambda: a_service(config={"upstream": {}}))[0] == (
        "spec.config.upstream: needs exactly one of url, loadbalance or container"
    )
    two = {"url": "http://a1"} | endpoints("http://a1")["upstream"]
    assert complaints(lambda: a_service(config={"upstream": two})) == [
        "spec.config.upstream: url and loadbalance are given, only one of them may be"
    ]


def test_a_user_serves_a_url() -> None:
    upstream = endpoints("http://a1")["upstream"] | {"user": "alice"}
    assert complaints(lambda: a_service(config={"upstream": upstream})) == [
        "spec.config.upstream.user: goes with url; an endpoint of loadbalance has its own user"
    ]


def test_certificates_must_be_certificates() -> None:
    assert complaints(lambda: a_service(config=a_config(tls={"trustedCAs": ["nonsense"]}))) == [
        "spec.config.tls.trustedCAs[0]: must hold PEM certificates"
    ]


def test_spellings_with_capitals() -> None:
    config = a_service(
        "SSH",
        options={
            "eSSHMode": False,
            "enableSubsystem": True,
            "upstreamHostKey": {"key": "ssh-rsa A"},
        },
    ).spec.config
    assert config
    assert config.ssh
    assert config.ssh.enable_subsystem
    auth = {
        "oauth2ClientCredentials": {
            "clientID": "id",
            "clientSecret": {"fromSecret": "secret"},
            "tokenURL": "https://x1.io/token",
        }
    }
    assert a_service(options={"auth": auth, "isUpstreamHTTP2": True, "listenHTTP2": True})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        pytest.param(
            {"header": {"addRequestHeaders": [{"key": "X Y", "value": "1"}]}},
            "header.addRequestHeaders[0].key: is not a valid HTTP header name",
            id="header name",
        ),
        pytest.param(
            {"header": {"addRequestHeaders": [{"key": "X-Y", "value": "1\r\nZ: 2"}]}},
            "header.addRequestHeaders[0].value:"
            " must hold only Latin characters, without control characters",
            id="header injection",
        ),
        pytest.param(
            {"header": {"addRequestHeaders": [{"key": "X-Y"}]}},
            "header.addRequestHeaders[0]: needs exactly one of value or eval",
            id="header without value",
        ),
        pytest.param(
            {"path": {"addPrefix": "api"}},
            "path.addPrefix: must be a path that starts with /",
            id="path",
        ),
        pytest.param(
            {"auth": {"bearer": {"fromSecret": "a1"}, "basic": {"username": "x"}}},
            "auth: bearer and basic are given, only one of them may be",
            id="two credentials",
        ),
        pytest.param(
            {"body": {"maxRequestSize": 67108865}},
            "body.maxRequestSize: must be at most 67108864",
            id="body size",
        ),
        pytest.param(
            {"response": {"direct": {"inlineBytes": "%"}}},
            "response.direct.inlineBytes: must be base64",
            id="base64",
        ),
        pytest.param(
            {"response": {"direct": {"statusCode": 101, "inline": ""}}},
            "response.direct.statusCode: must be at least 200",
            id="status",
        ),
        pytest.param(
            {"cors": {"allowOriginStringMatch": ["app.example.com"]}},
            "cors.allowOriginStringMatch[0]: must be an origin like https://app.example.com, or *",
            id="origin",
        ),
        pytest.param(
            {"plugins": [{"name": "p1", "condition": MATCH_ANY}]},
            "plugins[0]: needs exactly one of"
            " direct, rateLimit, path, jsonSchema, cache, lua or extProc",
            id="empty plugin",
        ),
        pytest.param(
            {"plugins": [{"name": "p1", "condition": MATCH_ANY, "path": {}}] * 2},
            "plugins[1].name: is there twice",
            id="plugin twice",
        ),
        pytest.param(
            {
                "plugins": [
                    {
                        "name": "p1",
                        "condition": MATCH_ANY,
                        "extProc": {"address": "x1:9", "messageTimeout": {"seconds": 7}},
                    }
                ]
            },
            "plugins[0].extProc.messageTimeout: must be at most 6 seconds",
            id="timeout",
        ),
        pytest.param(
            {"retry": {"statusCodes": [503] * 65}},
            "retry.statusCodes: must have at most 64 items",
            id="retry",
        ),
    ],
)
def test_http_options_are_checked(options: dict[str, Any], complaint: str) -> None:
    assert f"spec.config.http.{complaint}" in complaints(lambda: a_service(options=options))


def test_a_direct_response_in_bytes() -> None:
    direct = {"inlineBytes": "aGk=", "contentType": "text/plain"}
    config = a_service(config={"http": {"response": {"direct": direct}}}).spec.config
    assert config
    assert config.http
    assert config.http.response
    assert config.http.response.direct
    assert config.http.response.direct.content == b"hi"


def test_llm_answers_are_not_cached() -> None:
    plugin = {"name": "p1", "condition": MATCH_ANY, "cache": {}}
    assert complaints(lambda: a_service("LLM", options={"plugins": [plugin]})) == [
        "spec.config.llm.plugins[0].cache: is not for modes MCP and LLM"
    ]


@pytest.mark.parametrize("endpoint", ["mcp", "/a//b", "/a/../b", "/a%2fb", "/a?b"])
def test_an_mcp_endpoint_is_canonical(endpoint: str) -> None:
    assert complaints(lambda: a_service("MCP", options={"endpoint": endpoint}))
    assert a_service("MCP", options={"endpoint": "/mcp/v1"})


def test_a_whole_service_with_every_mode_part_decodes() -> None:
    secret = {"fromSecret": "password"}
    parts: dict[str, dict[str, Any]] = {
        "KUBERNETES": {"kubeconfig": {"fromSecret": "kube", "context": "prod"}},
        "SOCKS5": {"auth": {"usernamePassword": {"username": "me", "password": secret}}},
        "RDP_WEB": {
            "auth": {"user": "admin", "password": secret},
            "upstreamTLS": {"pinnedCertSHA256": ["AB:" * 31 + "AB"]},
        },
        "MCP": {"protocol": {"versions": ["2025-06-18"]}, "disableOriginCheck": True},
        "LLM": {"protocol": "ANTHROPIC", "model": {"eval": "ctx.user.spec.attrs.model"}},
    }
    for mode, options in parts.items():
        service = a_service(mode, "https://x1.io", options=options)
        assert service.spec.config
        assert service.spec.config.part


def test_a_container_is_described_whole() -> None:
    container = {
        "image": "ghcr.io/acme/app:1",
        "port": 8080,
        "env": [{"name": "TOKEN", "fromSecret": "token"}],
        "resourceLimit": {"cpu": {"millicores": 500}, "memory": {"megabytes": 256}},
        "securityContext": {"capabilities": {"drop": ["ALL"]}},
        "volumes": [{"name": "data", "emptyDir": {"sizeLimitMegabytes": 10}}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "livenessProbe": {"httpGet": {"path": "/", "port": 8080}},
    }
    assert a_service(config={"upstream": {"container": container}}).effective_port() == 8080
    broken = container | {"env": [{"name": "A=B", "value": "1"}]}
    assert complaints(lambda: a_service(config={"upstream": {"container": broken}})) == [
        "spec.config.upstream.container.env[0].name: must hold no = and no control characters"
    ]
