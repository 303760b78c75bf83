"""Which rule decides: priorities, attachment points, enforcement, errors."""

from __future__ import annotations

from itertools import pairwise

import pytest

from policy.compiler import compile_policies
from policy.decision import Allowed, Denied, Reason, RuleRef
from tests.harness.policies import (
    NOON,
    Block,
    a_policy,
    a_rule,
    a_spec,
    a_world,
    allow,
    attach,
    deny,
    enforcement,
)

OWNERS = {
    "service": ("Service", "web.default"),
    "namespace": ("Namespace", "default"),
    "user": ("User", "alice"),
    "group": ("Group", "dev"),
    "session": ("Session", "alice-cli"),
    "device": ("Device", "alice-laptop"),
    "cluster": ("ClusterConfig", "cluster-config"),
}


def owner_of(decision: Allowed | Denied) -> tuple[str, str]:
    assert decision.rule is not None
    return decision.rule.owner_kind, decision.rule.owner_name


def test_without_any_policy_the_answer_is_no() -> None:
    assert a_world().decide() == Denied(Reason.NO_POLICY_MATCH)


@pytest.mark.parametrize("place", OWNERS)
def test_an_allow_counts_wherever_it_is_attached(place: str) -> None:
    decision = a_world(**{place: allow()}).decide()
    assert isinstance(decision, Allowed)
    assert owner_of(decision) == OWNERS[place]


@pytest.mark.parametrize("place", OWNERS)
def test_a_deny_wins_over_an_allow_of_the_same_priority_anywhere(place: str) -> None:
    other = "user" if place != "user" else "service"
    decision = a_world(**{place: deny(), other: allow()}).decide()
    assert isinstance(decision, Denied)
    assert decision.reason is Reason.POLICY_MATCH
    assert owner_of(decision) == OWNERS[place]


def test_the_smaller_priority_wins_and_deny_wins_within_one() -> None:
    steps = [
        ("service", allow(), Allowed),
        ("user", deny(), Denied),
        ("session", allow(priority=-1), Allowed),
        ("namespace", deny(priority=-1), Denied),
        ("group", allow(priority=2), Denied),
        ("cluster", allow(priority=-2), Allowed),
    ]
    attached: dict[str, Block] = {}
    for place, block, expected in steps:
        attached[place] = block
        assert isinstance(a_world(**attached).decide(), expected), place


def test_an_allow_outranks_a_weaker_deny_of_the_same_policy() -> None:
    rules = [a_rule("DENY", priority=2), a_rule("ALLOW", priority=-2)]
    world = a_world([a_policy("both", *rules)], user=attach("both"))
    assert isinstance(world.decide(), Allowed)


def test_the_decision_names_the_rule_and_where_it_is_attached() -> None:
    world = a_world(
        [a_policy("open", a_rule(condition="false"), a_rule(priority=3, name="everyone"))],
        group=attach("open"),
    )
    assert world.decide() == Allowed(
        RuleRef(
            rule="everyone",
            priority=3,
            policy="open",
            inline=False,
            owner_kind="Group",
            owner_name="dev",
        )
    )


def test_a_rule_without_a_name_is_named_by_its_place() -> None:
    spec = a_spec(a_rule("ALLOW", "false"), a_rule("DENY"))
    decision = a_world(service=attach(inline=[spec])).decide()
    assert decision.rule == RuleRef(
        "rules[1]", 0, "inline-0", inline=True, owner_kind="Service", owner_name="web.default"
    )


def test_of_equal_rules_the_first_attachment_point_is_reported_every_time() -> None:
    places = list(OWNERS)
    for earlier, later in pairwise(places):
        world = a_world(**{later: allow(), earlier: allow()})
        assert owner_of(world.decide()) == OWNERS[earlier]


def test_equal_rules_give_the_same_reason_a_thousand_times() -> None:
    rules = [a_rule("ALLOW", name=f"rule-{index}") for index in range(5)]
    world = a_world([a_policy("many", *rules)], service=attach("many"), user=attach("many"))
    plan, ctx = world.plan(), world.ctx()
    decisions = {plan.decide(ctx, NOON) for _ in range(1000)}
    decisions |= {world.decide() for _ in range(20)}
    assert len(decisions) == 1


class TestDisabled:
    def test_a_disabled_policy_contributes_nothing(self) -> None:
        world = a_world([a_policy("off", a_rule(), isDisabled=True)], user=attach("off"))
        assert world.decide() == Denied(Reason.NO_POLICY_MATCH)

    def test_a_disabled_inline_policy_contributes_nothing(self) -> None:
        spec = a_spec(a_rule("DENY"), isDisabled=True)
        world = a_world(user=attach(inline=[spec]), service=allow())
        assert isinstance(world.decide(), Allowed)


class TestHierarchy:
    CHILD, PARENT = (
        a_rule("ALLOW", "attrs.own == 'child'"),
        a_rule("ALLOW", "attrs.own == 'parent'"),
    )

    def test_attaching_a_child_attaches_its_parents_with_their_own_attrs(self) -> None:
        policies = [
            a_policy("child.middle.top", attrs={"own": "child"}),
            a_policy("middle.top", attrs={"own": "middle"}),
            a_policy("top", self.PARENT, attrs={"own": "parent"}),
        ]
        decision = a_world(policies, user=attach("child.middle.top")).decide()
        assert isinstance(decision, Allowed)
        assert decision.rule is not None
        assert decision.rule.policy == "top"

    def test_the_child_comes_before_its_parent(self) -> None:
        policies = [a_policy("child.top", a_rule()), a_policy("top", a_rule())]
        decision = a_world(policies, user=attach("child.top")).decide()
        assert decision.rule is not None
        assert decision.rule.policy == "child.top"

    def test_a_disabled_parent_leaves_the_child_in_force(self) -> None:
        policies = [
            a_policy("child.top", a_rule("ALLOW")),
            a_policy("top", a_rule("DENY"), isDisabled=True),
        ]
        assert isinstance(a_world(policies, user=attach("child.top")).decide(), Allowed)

    def test_an_ignored_child_does_not_take_its_parent_along(self) -> None:
        policies = [
            a_policy("child.top", a_rule("DENY"), enforcementRules=[enforcement("IGNORE")]),
            a_policy("top", a_rule("ALLOW")),
        ]
        decision = a_world(policies, user=attach("child.top")).decide()
        assert isinstance(decision, Allowed)

    def test_a_policy_attached_twice_counts_once_and_where_it_was_first(self) -> None:
        world = a_world(
            [a_policy("shared", a_rule("DENY"))], group=attach("shared"), user=attach("shared")
        )
        assert owner_of(world.decide()) == OWNERS["user"]
        assert len(world.explain().rules) == 1


class TestAttrs:
    RULE = a_rule("ALLOW", "attrs.k1 == 'v1' && attrs.k2 in ['v2', 'v3']")

    def test_a_policy_reads_its_own_attrs(self) -> None:
        policy = a_policy("p1", self.RULE, attrs={"k1": "v1", "k2": "v3"})
        assert isinstance(a_world([policy], user=attach("p1")).decide(), Allowed)

    def test_attrs_of_another_policy_are_missing_data(self) -> None:
        policies = [
            a_policy("p1", self.RULE, attrs={"k1": "v1"}),
            a_policy("p2", attrs={"k2": "v2"}),
        ]
        decision = a_world(policies, user=attach("p1", "p2")).decide()
        assert decision == Denied(Reason.NO_POLICY_MATCH)


class TestEnforcement:
    @pytest.mark.parametrize(
        ("rules", "takes_part"),
        [
            pytest.param([("IGNORE", "true")], False, id="IGNORE matches"),
            pytest.param([("IGNORE", "false")], True, id="IGNORE does not match"),
            pytest.param([("ENFORCE", "false")], True, id="nothing matches"),
            pytest.param([("IGNORE", "true"), ("ENFORCE", "true")], True, id="ENFORCE first"),
            pytest.param([("ENFORCE", "false"), ("IGNORE", "true")], False, id="only if"),
            pytest.param(
                [("ENFORCE", "ctx.session.status.connection.ignoreDNS"), ("IGNORE", "true")],
                False,
                id="missing data",
            ),
            pytest.param(
                [("IGNORE", "ctx.session.status.connection.ignoreDNS")],
                True,
                id="missing data does not ignore",
            ),
            pytest.param([("ENFORCE", "true"), ("IGNORE", "1/0 == 1")], True, id="error unreached"),
        ],
    )
    def test_enforcement_rules_say_whether_a_policy_takes_part(
        self, rules: list[tuple[str, str]], takes_part: bool
    ) -> None:
        listed = [enforcement(*rule) for rule in rules]
        policy = a_policy("maybe", a_rule("DENY"), enforcementRules=listed)
        decision = a_world([policy], service=allow(), user=attach("maybe")).decide()
        assert isinstance(decision, Denied) is takes_part

    def test_they_are_asked_for_each_request(self) -> None:
        ignored = enforcement("IGNORE", 'ctx.request.http.path.startsWith("/ignored")')
        world = a_world([a_policy("p1", a_rule(), enforcementRules=[ignored])], user=attach("p1"))
        plan = world.plan()
        allowed = plan.decide(world.ctx({"http": {"path": "/"}}), NOON)
        denied = plan.decide(world.ctx({"http": {"path": "/ignored/x"}}), NOON)
        assert isinstance(allowed, Allowed)
        assert denied == Denied(Reason.NO_POLICY_MATCH)

    def test_an_ignored_policy_is_not_evaluated(self) -> None:
        policy = a_policy(
            "p1", a_rule("DENY", "1/0 == 1"), enforcementRules=[enforcement("IGNORE")]
        )
        assert isinstance(a_world([policy], service=allow(), user=attach("p1")).decide(), Allowed)

    @pytest.mark.parametrize("effect", ["ENFORCE", "IGNORE"])
    def test_an_enforcement_rule_that_cannot_be_evaluated_denies(self, effect: str) -> None:
        broken = [enforcement("IGNORE", "false"), enforcement(effect, "1/0 == 1")]
        policy = a_policy("p1", a_rule("ALLOW"), enforcementRules=broken)
        decision = a_world([policy], user=attach("p1"), cluster=allow()).decide()
        assert isinstance(decision, Denied)
        assert decision.reason is Reason.EVALUATION_ERROR
        assert "enforcementRules[1]" in decision.detail
        assert owner_of(decision) == OWNERS["user"]

    def test_an_enforcement_rule_that_is_not_reached_cannot_fail(self) -> None:
        broken = [enforcement("IGNORE", "1/0 == 1")]
        policy = a_policy("p1", a_rule("ALLOW"), enforcementRules=broken)
        decision = a_world([policy], service=allow(), user=attach("p1")).decide()
        assert isinstance(decision, Allowed)


class TestErrors:
    def test_a_rule_that_cannot_be_evaluated_denies_and_says_which(self) -> None:
        world = a_world(
            [a_policy("typo", a_rule("DENY", "ctx.request.http.method > 1", name="bad"))],
            cluster=attach("typo"),
            service=allow(),
        )
        decision = world.decide({"http": {"method": "GET"}})
        assert isinstance(decision, Denied)
        assert decision.reason is Reason.EVALUATION_ERROR
        assert decision.detail
        assert decision.rule is not None
        assert decision.rule.rule == "bad"
        assert owner_of(decision) == OWNERS["cluster"]

    def test_a_condition_that_is_no_bool_denies(self) -> None:
        decision = a_world(service=allow("'yes'")).decide()
        assert isinstance(decision, Denied)
        assert decision.reason is Reason.EVALUATION_ERROR
        assert "must be true or false" in decision.detail

    def test_a_rule_that_is_not_reached_cannot_fail(self) -> None:
        decision = a_world(service=allow(), user=allow("1/0 == 1", priority=1)).decide()
        assert isinstance(decision, Allowed)

    def test_missing_data_lets_the_next_rule_decide(self) -> None:
        decision = a_world(
            user=deny("ctx.session.status.connection.ignoreDNS"), service=allow()
        ).decide()
        assert isinstance(decision, Allowed)


class TestDevices:
    POLICY = allow('ctx.device.status.osType in ["LINUX", "MAC"]')

    def test_the_named_systems_are_allowed(self) -> None:
        assert isinstance(a_world(user=self.POLICY).decide(), Allowed)

    def test_other_systems_match_nothing(self) -> None:
        decision = a_world(user=self.POLICY, os_type="WINDOWS").decide()
        assert decision == Denied(Reason.NO_POLICY_MATCH)

    def test_a_session_without_device_matches_nothing(self) -> None:
        decision = a_world(user=self.POLICY, has_device=False).decide()
        assert decision == Denied(Reason.NO_POLICY_MATCH)

    def test_not_of_a_missing_device_matches(self) -> None:
        condition = {"not": "ctx.device.status.isLocked"}
        assert isinstance(a_world(user=allow(condition), has_device=False).decide(), Allowed)


class TestAnonymous:
    def test_without_policy_the_answer_is_no(self) -> None:
        decision = a_world(user=allow(), group=allow(), session=allow()).decide(anonymous=True)
        assert decision == Denied(Reason.NO_POLICY_MATCH)

    @pytest.mark.parametrize("place", ["service", "namespace", "cluster"])
    def test_policies_of_the_resource_side_count(self, place: str) -> None:
        world = a_world(**{place: allow('ctx.request.http.path.startsWith("/about")')})
        about = world.decide({"http": {"path": "/about"}}, anonymous=True)
        root = world.decide({"http": {"path": "/"}}, anonymous=True)
        assert isinstance(about, Allowed)
        assert root == Denied(Reason.NO_POLICY_MATCH)

    def test_rules_about_the_user_never_match(self) -> None:
        world = a_world(service=allow('ctx.user.metadata.name != ""'))
        assert world.decide(anonymous=True) == Denied(Reason.NO_POLICY_MATCH)


class TestClock:
    def test_now_is_the_instant_passed_in(self) -> None:
        world = a_world(service=allow("now() < timestamp('2027-01-15T08:00:01Z')"))
        plan, ctx = world.plan(), world.ctx()
        assert isinstance(plan.decide(ctx, NOON), Allowed)
        later = type(NOON)(NOON.ns + 2 * 10**9)
        assert plan.decide(ctx, later) == Denied(Reason.NO_POLICY_MATCH)

    @pytest.mark.parametrize(
        ("authorization", "expected"),
        [
            pytest.param(allow("now() == now()"), True, id="rule"),
            pytest.param(allow(), False, id="none"),
            pytest.param(
                attach(
                    inline=[
                        a_spec(a_rule(), enforcementRules=[enforcement("IGNORE", "now() != now()")])
                    ]
                ),
                True,
                id="enforcement rule",
            ),
            pytest.param(
                attach(inline=[a_spec(a_rule("ALLOW", "now() == now()"), isDisabled=True)]),
                False,
                id="disabled",
            ),
        ],
    )
    def test_a_plan_says_whether_it_reads_the_clock(
        self, authorization: Block, expected: bool
    ) -> None:
        assert a_world(user=authorization).plan().reads_clock is expected


class TestNarrowed:
    """What a caller settles is settled once; the decision stays what it was."""

    RULES = (
        a_rule("DENY", '"ops" in ctx.user.spec.groups'),
        a_rule("DENY", "ctx.user.spec.attrs.nothing == 1"),
        a_rule("DENY", "ctx.user.metadata.name > 1", priority=2, name="broken"),
        a_rule("ALLOW", 'ctx.request.http.method == "GET" && ctx.user.metadata.name == "alice"'),
    )

    def test_rules_about_the_request_are_asked_each_time(self) -> None:
        world = a_world([a_policy("p1", *self.RULES)], user=attach("p1"))
        plan = world.plan()
        allowed = plan.decide(world.ctx({"http": {"method": "GET"}}), NOON)
        denied = plan.decide(world.ctx({"http": {"method": "PUT"}}), NOON)
        assert isinstance(allowed, Allowed)
        assert denied.rule is not None
        assert denied.rule.rule == "broken"

    def test_each_caller_settles_for_itself(self) -> None:
        policy = a_policy("p1", a_rule("ALLOW", '"ops" in ctx.user.spec.groups'))
        member = a_world([policy], service=attach("p1"), groups=("ops",))
        other = a_world([policy], service=attach("p1"), groups=("dev",))
        policies = compile_policies(member.snapshot)
        first = policies.plan(member.service, member.principal)
        second = policies.plan(member.service, other.principal)
        assert isinstance(first.decide(member.ctx(), NOON), Allowed)
        assert second.decide(other.ctx(), NOON) == Denied(Reason.NO_POLICY_MATCH)

    def test_a_settled_rule_does_not_hide_the_error_of_its_policy(self) -> None:
        broken = [enforcement("IGNORE", "1/0 == 1")]
        policy = a_policy("p1", a_rule("DENY", "false"), enforcementRules=broken)
        decision = a_world([policy], user=attach("p1"), service=allow(priority=1)).decide()
        assert isinstance(decision, Denied)
        assert decision.reason is Reason.EVALUATION_ERROR
