"""A path that no schema knows is refused, with the name that was probably meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ConfigError
from policy.compiler import check_conditions, compile_policies
from policy.schema.paths import unknown_paths
from tests.harness.builders import a_cluster_config, an_identity_provider
from tests.harness.policies import a_policy, a_rule, a_spec, a_world, attach


def said(text: str) -> list[str]:
    return [f"{unknown.message}; {unknown.hint}" for unknown in unknown_paths(text)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("ctx.devce", "ctx.devce; did you mean ctx.device?", id="a typo"),
        pytest.param("ctx.user.groups", "did you mean ctx.user.spec.groups?", id="a level missing"),
        pytest.param("has(ctx.devce)", "ctx.devce", id="inside has"),
        pytest.param('ctx["devce"].spec', "ctx.devce", id="as an index"),
        pytest.param("ctx.?devce", "ctx.devce", id="optional"),
        pytest.param("ctx.request.htp.path", "ctx.request.http?", id="a mode"),
        pytest.param("ctx.request.http.pth", "ctx.request.http.path?", id="below a mode"),
        pytest.param("ctx.user.spec.groups.x", "ctx.user.spec.groups is a list", id="of a list"),
        pytest.param("ctx.user.spec.email.x", "ctx.user.spec.email is text", id="of text"),
        pytest.param("ctx.user.metadata.createdAt.x", "is a timestamp", id="of a time"),
        pytest.param("ctx.groups[0].nme", "ctx.groups[…].nme; known there: ", id="of an element"),
        pytest.param("ctx.groups.exists(g, g.metdata.name == '')", "g.metadata?", id="variable"),
        pytest.param("ctx.groups.filter(g, true)[0].spc == 1", "(…)[…].spec?", id="filtered"),
        pytest.param("ctx.groups.all(i, g, g.spc == 1)", "g.spec?", id="two variables"),
        pytest.param("cel.bind(u, ctx.user, u.spc == 1)", "u.spec?", id="bound"),
        pytest.param("ctx.?user.optMap(u, u.spc)", "u.spec?", id="mapped"),
        pytest.param(".ctx.devce", "ctx.devce", id="from the root"),
    ],
)
def test_an_unknown_path_is_found(text: str, message: str) -> None:
    (found,) = said(text)
    assert message in found


@pytest.mark.parametrize(
    "text",
    [
        'ctx.request.http.headers["x-y"] == ctx.request.http.bodyMap.a.b.c',
        "ctx.user.spec.attrs.clearance.level == attrs.level.least",
        "ctx.user.metadata.labels.all(k, v, k == v)",
        "ctx.groups.exists(ctx, ctx.metadata.name == 'sre')",
        "[{'devce': 1}].exists(x, x.devce == 1)",
        "json.parse(ctx.user.spec.email).devce == 1",
        "ctx.groups.map(g, g.metadata.name).exists(n, n == 'sre')",
        "timestamp(ctx.session.status.authentication.setAt) < now()",
        "ctx.session.status.scopes[0].service.filter.names[0] == ctx.groups[0].metadata.name",
    ],
)
def test_what_is_known_or_free_is_not_called_unknown(text: str) -> None:
    assert said(text) == []


def test_each_unknown_path_is_found_once_and_in_order() -> None:
    found = unknown_paths("ctx.usr.spec.type == ctx.devce.x.y || has(ctx.devce.z)")
    assert [each.position for each in found] == [3, 24, 45]


def test_text_that_is_no_expression_has_no_paths() -> None:
    assert unknown_paths("ctx.devce ==") == ()


def test_nothing_unknown_gets_into_force() -> None:
    world = a_world([a_policy("base", a_rule("DENY", "ctx.devce.spec.state == 'X'"))])
    with pytest.raises(ConfigError, match=r"no schema knows ctx\.devce") as caught:
        compile_policies(world.snapshot)
    (problem,) = caught.value.problems
    assert (problem.file, problem.path) == ("Policy base", "spec.rules[0].condition.match")
    assert problem.hint == "did you mean ctx.device?"


def test_it_is_said_at_every_place_of_the_same_expression() -> None:
    rules = [a_rule("DENY", "ctx.devce.x"), a_rule("DENY", {"not": "ctx.devce.x"})]
    world = a_world(user=attach(inline=[a_spec(*rules)]))
    with pytest.raises(ConfigError) as caught:
        compile_policies(world.snapshot)
    assert [problem.path.rpartition(".spec.")[2] for problem in caught.value.problems] == [
        "rules[0].condition.match",
        "rules[1].condition.not",
    ]


def test_conditions_about_logins_see_another_ctx() -> None:
    rule = {"condition": {"match": "ctx.assertionMap.x == 'y'"}, "aal": "AAL2"}
    github = {"clientID": "0123456789", "clientSecret": {"fromSecret": "github"}}
    assert check_conditions(an_identity_provider(github=github, aalRules=[rule])) == []
    broken = [{"condition": {"match": "1 +"}, "effect": "ENFORCE"}]
    config = a_cluster_config(authenticator={"registrationEnforcementRules": broken})
    (problem,) = check_conditions(config)
    assert problem.path == "spec.authenticator.registrationEnforcementRules[0].condition.match"


@given(st.text("ctx.user?[]()'\"=&|!has,glx1 ", max_size=40))
def test_no_text_makes_it_raise(text: str) -> None:
    unknown_paths(text)
