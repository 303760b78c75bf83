"""What is compiled, what is refused, and what a reload takes over."""

from __future__ import annotations

import pytest

from config.errors import ConfigError
from config.resources.user import User
from config.snapshot import Snapshot
from policy.compiler import check_conditions, compile_policies
from policy.decision import Allowed
from policy.principal import Principal
from tests.harness.policies import (
    NOON,
    World,
    a_policy,
    a_rule,
    a_spec,
    a_world,
    allow,
    attach,
    enforcement,
)

BROKEN = a_rule("DENY", "ctx.user ==")


def problems_of(world: World) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as refused:
        compile_policies(world.snapshot)
    return [(problem.file, problem.path) for problem in refused.value.problems]


def test_every_expression_that_does_not_compile_is_listed() -> None:
    deep = a_rule("DENY", {"all": {"of": [{"match": "true"}, {"not": "1 +"}]}})
    world = a_world(
        [
            a_policy("first", a_rule(), a_rule(), BROKEN),
            a_policy("second", deep, enforcementRules=[enforcement("IGNORE", "((")]),
        ],
        user=attach(inline=[a_spec(), a_spec(BROKEN)]),
        cluster=attach(inline=[a_spec(BROKEN)]),
    )
    inline = "spec.authorization.inlinePolicies"
    assert problems_of(world) == [
        ("ClusterConfig cluster-config", f"{inline}[0].spec.rules[0].condition.match"),
        ("Policy first", "spec.rules[2].condition.match"),
        ("Policy second", "spec.enforcementRules[0].condition.match"),
        ("Policy second", "spec.rules[0].condition.all.of[1].not"),
        ("User alice", f"{inline}[1].spec.rules[0].condition.match"),
    ]


def test_the_message_reads_as_one_line_per_expression() -> None:
    with pytest.raises(
        ConfigError, match=r"^Policy p1: spec\.rules\[0\]\.condition\.match: does not"
    ):
        compile_policies(a_world([a_policy("p1", BROKEN)]).snapshot)


def test_an_attached_policy_that_does_not_exist_is_refused() -> None:
    world = a_world([a_policy("child.base", a_rule())], group=attach("child.base", "nowhere"))
    assert problems_of(world) == [
        ("Group dev", "spec.authorization.policies[0]"),
        ("Group dev", "spec.authorization.policies[1]"),
    ]


def test_an_unattached_or_disabled_policy_is_compiled_too() -> None:
    world = a_world([a_policy("unused", BROKEN, isDisabled=True)])
    assert problems_of(world) == [("Policy unused", "spec.rules[0].condition.match")]


def test_rego_that_does_not_compile_is_refused() -> None:
    rule = a_rule("ALLOW", {"opa": {"inline": "package octelium.condition"}})
    assert problems_of(a_world(service=attach(inline=[a_spec(rule)]))) == [
        (
            "Service web.default",
            "spec.authorization.inlinePolicies[0].spec.rules[0].condition.opa.inline",
        )
    ]


def test_the_conditions_of_one_resource_are_checked_without_a_file() -> None:
    problems = check_conditions(a_policy("p1", a_rule(), BROKEN))
    assert [(problem.file, problem.line, problem.path) for problem in problems] == [
        ("", 0, "spec.rules[1].condition.match")
    ]
    assert check_conditions(a_policy("p2", a_rule())) == []


def test_a_reload_does_not_compile_again_what_did_not_change() -> None:
    text = "ctx.user.metadata.name == 'alice'"
    before = compile_policies(a_world(user=allow(text)).snapshot)
    after = compile_policies(a_world(group=allow(text), user=allow("true")).snapshot, before)
    assert after.programs.evaluate_of(text) is before.programs.evaluate_of(text)
    with pytest.raises(KeyError):
        before.programs.evaluate_of("true")


def test_a_reload_forgets_what_is_no_longer_used() -> None:
    before = compile_policies(a_world(user=allow("true")).snapshot)
    after = compile_policies(a_world(user=allow("false")).snapshot, before)
    with pytest.raises(KeyError):
        after.programs.evaluate_of("true")


def test_a_caller_of_another_snapshot_brings_its_own_inline_policies() -> None:
    world, other = a_world(), a_world(session=allow("ctx.user.metadata.name == 'alice'"))
    policies = compile_policies(world.snapshot)
    assert not isinstance(world.decide(), Allowed)
    plan = policies.plan(world.service, other.principal)
    assert isinstance(plan.decide(other.ctx(), NOON), Allowed)


def test_a_caller_of_another_snapshot_with_an_unknown_policy_is_refused() -> None:
    world = a_world()
    other = a_world([a_policy("elsewhere", a_rule())], user=attach("elsewhere"))
    with pytest.raises(ConfigError, match="elsewhere"):
        compile_policies(world.snapshot).plan(world.service, other.principal)


def test_a_service_whose_namespace_does_not_exist_is_refused() -> None:
    world = a_world()
    service = world.service.model_copy(
        update={"metadata": world.service.metadata.model_copy(update={"name": "web.nowhere"})}
    )
    snapshot = Snapshot.of([world.snapshot.cluster_config, service], revision=1)
    with pytest.raises(ConfigError, match="nowhere"):
        compile_policies(snapshot)


def test_each_group_contributes() -> None:
    world = a_world([a_policy("p1", a_rule())], groups=("dev", "ops"), group=attach("p1"))
    user = world.snapshot.get(User, "alice")
    assert user is not None
    reversed_groups = Principal(
        world.principal.session, user, world.principal.groups[::-1], world.principal.device
    )
    plan = compile_policies(world.snapshot).plan(world.service, reversed_groups)
    assert isinstance(plan.decide(world.ctx(), NOON), Allowed)
