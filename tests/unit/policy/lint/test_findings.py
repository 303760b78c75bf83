"""What is worth a warning in a set of policies, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from config.errors import Severity
from config.resources.meta import Resource
from config.snapshot import Snapshot
from policy.lint.findings import lint
from tests.harness.builders import (
    a_cluster_config,
    a_device,
    a_group,
    a_namespace,
    a_service,
    a_user,
)
from tests.harness.lints import Said, attaching, lints, words
from tests.harness.policies import a_policy, a_rule, a_spec, enforcement

LINUX = "ctx.device.status.osType == 'LINUX'"
HUMAN = "ctx.user.spec.type == 'HUMAN'"
DENIED = attaching(inline=a_spec(a_rule("DENY")))
INLINE = "spec.authorization.inlinePolicies[0].spec"


def of_rules(*rules: dict[str, Any], **keys: Any) -> Said:
    """Lint a Policy with these rules that is attached to an HTTP Service."""
    return lints(a_service(**attaching("base")), a_policy("base", *rules, **keys))


def rule_at(index: int, key: str = "match") -> str:
    return f"spec.rules[{index}].condition.{key}"


class TestOptionalPaths:
    @pytest.mark.parametrize(
        ("rule", "key"),
        [
            pytest.param(a_rule("DENY", LINUX), "match", id="DENY match"),
            pytest.param(a_rule("DENY", {"not": LINUX}), "not", id="DENY not"),
            pytest.param(a_rule("ALLOW", {"not": LINUX}), "not", id="ALLOW not"),
            pytest.param(
                a_rule("ALLOW", {"none": {"of": [{"match": LINUX}]}}), "none.of[0].match", id="none"
            ),
            pytest.param(
                a_rule("DENY", {"any": {"of": [{"match": LINUX}]}}), "any.of[0].match", id="any"
            ),
            pytest.param(
                a_rule("DENY", "ctx.request.http.headers.x == ''"), "match", id="a header"
            ),
            pytest.param(a_rule("DENY", "ctx.user.spec.attrs.x == 1"), "match", id="attrs of User"),
            pytest.param(a_rule("DENY", "attrs.least > 3"), "match", id="attrs of the policy"),
            pytest.param(
                a_rule("DENY", "ctx.session.status.authentication.tokenID == ''"),
                "match",
                id="authentication",
            ),
        ],
    )
    def test_a_deny_or_not_over_an_optional_path(self, rule: dict[str, Any], key: str) -> None:
        assert of_rules(rule) == [("optional-path", rule_at(0, key))]

    @pytest.mark.parametrize(
        "rule",
        [
            pytest.param(a_rule("ALLOW", LINUX), id="an ALLOW fails closed"),
            pytest.param(a_rule("DENY", f"!has(ctx.device) || {LINUX}"), id="guarded"),
            pytest.param(a_rule("DENY", {"not": "has(ctx.device)"}), id="only asked for"),
            pytest.param(a_rule("DENY", {"not": "'sre' in ctx.user.spec.groups"}), id="the caller"),
            pytest.param(a_rule("DENY", "ctx.request.http.path == '/x'"), id="the only mode"),
            pytest.param(a_rule("DENY", "ctx.request.ip == '10.0.0.1'"), id="the address"),
            pytest.param(a_rule("DENY", "ctx.session.status.userRef.name == 'eve'"), id="userRef"),
            pytest.param(
                a_rule("DENY", {"all": {"of": [{"match": "has(ctx.device)"}, {"not": LINUX}]}}),
                id="all, guarded by another child",
            ),
            pytest.param(
                a_rule("DENY", {"any": {"of": [{"not": "has(ctx.device)"}, {"not": LINUX}]}}),
                id="any, guarded by another child",
            ),
            pytest.param(
                a_rule("ALLOW", {"none": {"of": [{"not": "has(ctx.device)"}, {"match": LINUX}]}}),
                id="none, guarded by another child",
            ),
        ],
    )
    def test_what_is_there_or_asked_for_is_fine(self, rule: dict[str, Any]) -> None:
        assert of_rules(rule) == []

    def test_attrs_that_the_policy_has_are_there(self) -> None:
        rule = a_rule("DENY", "ctx.user.metadata.name in attrs.people.banned")
        assert of_rules(rule, attrs={"people": {"banned": ["eve"]}}) == []

    def test_absence_that_another_deny_refuses_need_not_be_asked_for_again(self) -> None:
        without = a_rule("DENY", {"not": "has(ctx.device)"}, priority=-1)
        assert of_rules(without, a_rule("DENY", {"not": LINUX})) == []
        assert of_rules(without, a_rule("ALLOW", {"not": LINUX})) == []
        stronger = a_rule("ALLOW", {"not": LINUX}, priority=-2)
        assert of_rules(without, stronger) == [("optional-path", rule_at(1, "not"))]

    def test_a_mode_that_not_every_service_concerned_has_may_be_absent(self) -> None:
        policy = a_policy("base", a_rule("DENY", "ctx.request.http.path == '/x'"))
        both = a_cluster_config(**attaching("base")), a_service()
        assert lints(*both, policy) == []
        assert lints(*both, a_service("SSH", name="shell"), policy) == [
            ("optional-path", rule_at(0))
        ]

    def test_nobody_calls_where_a_service_is_anonymous(self) -> None:
        policy = a_policy("base", a_rule("DENY", "ctx.user.spec.type == 'WORKLOAD'"))
        service = a_service(isPublic=True, isAnonymous=True)
        assert lints(service, a_namespace("other"), a_user(**attaching("base")), policy) == []
        asked = {"policies": ["base"], "enableAnonymous": True}
        anonymous = a_service(isPublic=True, isAnonymous=True, authorization=asked)
        assert lints(anonymous, policy) == [("optional-path", rule_at(0))]

    def test_what_is_attached_to_devices_has_a_device(self) -> None:
        rule = a_rule("DENY", LINUX)
        assert lints(a_device(**attaching("base")), a_policy("base", rule)) == []

    def test_an_enforcement_rule_with_not(self) -> None:
        rules = [enforcement("ENFORCE", HUMAN), enforcement("IGNORE", {"not": LINUX})]
        assert of_rules(enforcementRules=rules) == [
            ("optional-path", "spec.enforcementRules[1].condition.not")
        ]

    def test_the_warning_names_the_rule_says_why_and_how_to_write_it(self) -> None:
        rule = a_rule("DENY", LINUX, name="linux")
        (said,) = words(a_service(**attaching("base")), a_policy("base", rule))
        assert said == (
            "Policy base: warning: spec.rules[0].condition.match: "
            'DENY rule "linux" reads ctx.device, which a caller without a Device does not have, '
            'without asking for it first: where it is absent, this "match" does not match; '
            "write has(ctx.device) && … to take absence for false, "
            "!has(ctx.device) || … to take it for true (optional-path)"
        )


class TestReach:
    def test_a_contradiction_never_matches(self) -> None:
        tree = {"all": {"of": [{"match": HUMAN}, {"match": "ctx.user.spec.type == 'WORKLOAD'"}]}}
        assert of_rules(a_rule("DENY", tree)) == [("never-matches", "spec.rules[0].condition")]

    @pytest.mark.parametrize(
        ("stronger", "weaker"),
        [
            pytest.param(a_rule("ALLOW", priority=-1), a_rule("DENY", HUMAN), id="priority"),
            pytest.param(a_rule("DENY"), a_rule("ALLOW", HUMAN), id="DENY before ALLOW"),
            pytest.param(a_rule("DENY", HUMAN), a_rule("ALLOW", HUMAN), id="the same condition"),
            pytest.param(a_rule("DENY", "true"), a_rule("ALLOW", HUMAN, priority=4), id="true"),
        ],
    )
    def test_what_a_stronger_rule_forestalls_is_never_reached(
        self, stronger: dict[str, Any], weaker: dict[str, Any]
    ) -> None:
        assert of_rules(weaker, stronger) == [("never-reached", "spec.rules[0]")]
        assert of_rules(stronger, weaker) == [("never-reached", "spec.rules[1]")]

    def test_of_equals_the_earlier_decides(self) -> None:
        assert of_rules(a_rule(), a_rule("ALLOW", HUMAN)) == [("never-reached", "spec.rules[1]")]
        assert of_rules(a_rule("ALLOW", HUMAN), a_rule()) == []

    def test_a_weaker_rule_forestalls_nothing(self) -> None:
        assert of_rules(a_rule("ALLOW"), a_rule("DENY", HUMAN)) == []

    @pytest.mark.parametrize(
        "above",
        [
            pytest.param(a_cluster_config(**DENIED), id="cluster"),
            pytest.param(a_namespace("prod", **DENIED), id="namespace"),
        ],
    )
    def test_a_certain_rule_above_forestalls_too(self, above: Resource) -> None:
        service = a_service(name="web.prod", **attaching("base"))
        rule = a_rule("ALLOW", HUMAN)
        prod = [] if above.kind == "Namespace" else [a_namespace("prod")]
        said = lints(service, above, *prod, a_policy("base", rule))
        assert said == [("never-reached", "spec.rules[0]")]
        elsewhere = a_user(**attaching("base"))
        reached = above.kind == "Namespace"
        said = lints(service, elsewhere, above, *prod, a_policy("base", rule))
        assert said == ([] if reached else [("never-reached", "spec.rules[0]")])

    def test_a_policy_that_is_only_watched_forestalls_nothing(self) -> None:
        config = a_cluster_config(**attaching(inline=a_spec(a_rule("DENY"), isShadow=True)))
        service = a_service(**attaching("base"))
        assert lints(config, service, a_policy("base", a_rule("ALLOW", HUMAN))) == []

    def test_a_certain_rule_that_may_be_ignored_forestalls_nothing(self) -> None:
        spec = a_spec(a_rule("DENY"), enforcementRules=[enforcement("IGNORE", HUMAN)])
        config = a_cluster_config(**attaching(inline=spec))
        service = a_service(**attaching("base"))
        assert lints(config, service, a_policy("base", a_rule("ALLOW", HUMAN))) == []


class TestSymbols:
    @pytest.mark.parametrize(
        "text",
        [
            "has(ctx.device) && ctx.device.status.osType != 'Linux'",
            "has(ctx.device) && 'Linux' == ctx.device.status.osType",
            "has(ctx.device) && ctx.device.status.osType in ['Linux', 'MAC']",
        ],
    )
    def test_a_symbol_that_does_not_exist(self, text: str) -> None:
        assert ("unknown-symbol", rule_at(0)) in of_rules(a_rule("DENY", text))

    def test_the_nearest_symbol_is_named(self) -> None:
        rule = a_rule("ALLOW", "ctx.service.spec.mode == 'HTP'")
        said = words(a_service(**attaching("base")), a_policy("base", rule))
        assert any('did you mean "HTTP"?' in warning for warning in said)

    def test_symbols_that_exist_or_are_unset_are_fine(self) -> None:
        assert of_rules(a_rule("ALLOW", "ctx.device.status.osType in ['LINUX', '']")) == []


class TestEnforcement:
    @pytest.mark.parametrize(
        ("rules", "at"),
        [
            pytest.param([("IGNORE", "true")], 0, id="always ignored"),
            pytest.param([("ENFORCE", "false"), ("IGNORE", "true")], 1, id="never enforced"),
            pytest.param([("IGNORE", HUMAN), ("ENFORCE", "true")], 1, id="never ignored"),
            pytest.param([("ENFORCE", HUMAN)], 0, id="ENFORCE without IGNORE"),
        ],
    )
    def test_a_set_that_changes_nothing_or_everything(
        self, rules: list[tuple[str, str]], at: int
    ) -> None:
        said = of_rules(a_rule(), enforcementRules=[enforcement(*rule) for rule in rules])
        assert any(path.startswith(f"spec.enforcementRules[{at}]") for _, path in said)
        assert {name for name, _ in said} == {"enforcement"}

    @pytest.mark.parametrize(
        "rules",
        [
            pytest.param([("ENFORCE", HUMAN), ("IGNORE", "true")], id="only for people"),
            pytest.param([("IGNORE", HUMAN)], id="not for people"),
        ],
    )
    def test_the_two_that_make_sense(self, rules: list[tuple[str, str]]) -> None:
        assert of_rules(a_rule(), enforcementRules=[enforcement(*rule) for rule in rules]) == []


class TestAttachment:
    def test_a_policy_attached_nowhere(self) -> None:
        assert lints(a_policy("base", a_rule())) == [("unattached", "metadata.name")]

    def test_a_policy_attached_nowhere_is_linted_like_any_other(self) -> None:
        said = lints(a_policy("base", a_rule("DENY", LINUX)))
        assert said == [("optional-path", rule_at(0)), ("unattached", "metadata.name")]

    def test_a_parent_is_attached_with_its_child(self) -> None:
        policies = a_policy("base", a_rule()), a_policy("read.base")
        assert lints(a_group(**attaching("read.base")), *policies) == []

    def test_a_disabled_policy_is_meant_to_do_nothing(self) -> None:
        assert lints(a_policy("base", a_rule(), isDisabled=True)) == []

    def test_a_path_of_another_mode(self) -> None:
        rule = a_rule("ALLOW", "ctx.request.ssh.connect.user == 'root'")
        assert of_rules(rule) == [("other-mode", rule_at(0))]
        policy = a_policy("base", rule)
        assert lints(a_service("SSH", **attaching("base")), policy) == []

    @pytest.mark.parametrize(
        "owner",
        [a_user, a_group, a_cluster_config],
    )
    def test_who_calls_and_the_cluster_concern_every_mode(self, owner: Any) -> None:
        rule = a_rule("ALLOW", "ctx.request.ssh.connect.user == 'root'")
        assert lints(a_service(), owner(**attaching("base")), a_policy("base", rule)) == []

    def test_a_namespace_concerns_the_modes_of_its_services(self) -> None:
        policy = a_policy("base", a_rule("ALLOW", "ctx.request.http.path == '/'"))
        owner = a_namespace("prod", **attaching("base"))
        assert lints(owner, policy) == []
        assert lints(owner, a_service(name="web.prod"), policy) == []
        shell = a_service("SSH", name="shell.prod")
        assert lints(owner, shell, policy) == [("other-mode", rule_at(0))]

    def test_a_path_of_another_mode_is_not_called_optional_as_well(self) -> None:
        rule = a_rule("DENY", "ctx.request.mysql.query.query == ''")
        policy = a_policy("base", rule)
        assert lints(a_service("SSH", **attaching("base")), policy) == [
            ("optional-path", rule_at(0)),
            ("other-mode", rule_at(0)),
        ]
        plain = a_policy("base", a_rule("DENY", "ctx.request.http.path == '/'"))
        said = lints(a_service("SSH", **attaching("base")), plain)
        assert said == [("other-mode", rule_at(0))]

    def test_nested_http_is_not_http(self) -> None:
        policy = a_policy("base", a_rule("ALLOW", "ctx.request.http.path == '/'"))
        service = a_service("GRPC", port=8080, **attaching("base"))
        (said,) = words(service, policy)
        assert "reads ctx.request.http" in said
        assert "HTTP or WEB" in said


class TestOutrankingAllow:
    CENTRAL = a_cluster_config(**attaching(inline=a_spec(a_rule("DENY", HUMAN, name="no-people"))))

    def test_an_allow_stronger_than_a_deny_of_the_cluster(self) -> None:
        spec = a_spec(a_rule("ALLOW", priority=-1, name="mine"))
        (said,) = words(self.CENTRAL, a_service(**attaching(inline=spec)))
        assert 'ALLOW rule "mine" at priority -1 is asked before DENY rule "no-people"' in said
        assert "ClusterConfig" in said
        assert "(outranks-deny)" in said

    @pytest.mark.parametrize("priority", [0, 1])
    def test_an_allow_that_is_not_stronger(self, priority: int) -> None:
        spec = a_spec(a_rule("ALLOW", priority=priority))
        assert lints(self.CENTRAL, a_service(**attaching(inline=spec))) == []

    def test_a_deny_of_a_namespace_is_outranked_by_its_services_and_callers(self) -> None:
        prod = a_namespace("prod", **attaching(inline=a_spec(a_rule("DENY", HUMAN))))
        inline = attaching(inline=a_spec(a_rule("ALLOW", HUMAN, priority=-1)))
        outranks = [("outranks-deny", f"{INLINE}.rules[0]")]
        inside = a_service(name="web.prod")
        assert lints(prod, a_service(name="web.prod", **inline)) == outranks
        assert lints(prod, inside, a_user(**inline)) == outranks
        assert lints(prod, inside, a_service(**inline)) == []
        assert lints(prod, inside, a_cluster_config(**inline)) == []

    def test_who_denies_centrally_may_also_allow(self) -> None:
        exception = a_rule("ALLOW", "ctx.user.spec.email == 'a@b.cd'", priority=-1)
        both = a_spec(a_rule("DENY", HUMAN), exception)
        assert lints(a_cluster_config(**attaching(inline=both)), a_service()) == []

    def test_a_denial_of_everything_at_the_end_is_there_to_be_outranked(self) -> None:
        last = a_cluster_config(**attaching(inline=a_spec(a_rule("DENY", priority=4))))
        assert lints(last, a_service(**attaching(inline=a_spec(a_rule("ALLOW", HUMAN))))) == []


def test_every_finding_is_a_warning_of_its_resource() -> None:
    snapshot = Snapshot.of([a_policy("base", a_rule("DENY", LINUX))])
    problems = lint(snapshot)
    assert {problem.file for problem in problems} == {"Policy base"}
    assert {problem.severity for problem in problems} == {Severity.WARNING}


def test_what_does_not_compile_is_no_business_of_the_lints() -> None:
    assert of_rules(a_rule("DENY", "1 +"), a_rule("ALLOW", "ctx.devce.x == 1")) == []
