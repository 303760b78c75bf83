"""What a run says: to people, to programs, to CI; and which branches no case has tried."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.harness.resources import (
    Condition,
    Document,
    a_policy,
    a_service,
    allow,
    authorization,
    deny,
    inline,
)
from tests.harness.trials import ALLOW, DENY, a_case, a_policy_test, tried
from vigil.rehearsal.junit import junit
from vigil.rehearsal.report import Report


def web(*rules: Document, **spec: object) -> Document:
    block = authorization(inline(*rules, **spec))
    return a_service("web", 8080, "http://localhost:1", authorization=block)


def get(path: str, **keys: object) -> Document:
    request = {"http": {"method": "GET", "path": path}}
    return a_case(f"getting {path}", user={}, request=request, **keys)


def gaps(report: Report) -> list[tuple[str, str]]:
    return [(gap.rule, gap.what) for policy in report.coverage for gap in policy.gaps]


def text_of(report: Report) -> str:
    return "\n".join(report.lines())


def test_a_run_that_passes_says_so_case_by_case(tmp_path: Path) -> None:
    text = text_of(tried(tmp_path, web(allow()), a_policy_test(get("/a"), get("/b"))))
    assert text.splitlines()[:2] == ["ok   cases: getting /a", "ok   cases: getting /b"]
    assert text.splitlines()[-1] == "2 passed, 0 failed"


def test_a_failure_says_what_was_expected_what_came_and_what_every_rule_lacked(
    tmp_path: Path,
) -> None:
    rules = (deny("ctx.device.status.isLocked", name="locked"), allow(name="all"))
    case = get("/", expect=DENY | {"rule": "locked"})
    text = text_of(tried(tmp_path, web(*rules), a_policy_test(case)))
    assert "FAIL cases: getting /" in text
    assert f"at        {tmp_path}/all.yaml:" in text
    assert "expected  DENY by rule locked" in text
    assert "got       ALLOWED: all (priority 0) in inline policy here of Service web" in text
    assert "DENY locked" in text
    assert "no such key" in text
    assert "ctx.device.status.isLocked" in text
    assert text.endswith("0 passed, 1 failed")


def test_a_failure_at_a_check_names_the_check(tmp_path: Path) -> None:
    case = a_case(user={"isDisabled": True})
    text = text_of(tried(tmp_path, web(allow()), a_policy_test(case)))
    assert "refused by the check: the User is not disabled" in text


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        pytest.param("late", "rule late was not asked: another decided before it", id="late"),
        pytest.param("gone", "no rule gone is attached for this caller", id="gone"),
    ],
)
def test_a_rule_that_could_not_decide_is_told_why(tmp_path: Path, rule: str, said: str) -> None:
    rules = (allow(name="all"), allow(name="late", priority=1))
    case = get("/", expect=ALLOW | {"rule": rule})
    assert said in text_of(tried(tmp_path, web(*rules), a_policy_test(case)))


def test_a_rule_without_a_name_is_expected_by_its_place(tmp_path: Path) -> None:
    case = get("/", expect=ALLOW | {"rule": "rules[0]"})
    assert not tried(tmp_path, web(allow()), a_policy_test(case)).failures


def test_a_long_list_of_rules_is_cut(tmp_path: Path) -> None:
    rules = [allow(False, name=f"r{number}") for number in range(30)]
    text = text_of(tried(tmp_path, web(*rules), a_policy_test(get("/"))))
    assert "and 10 more: vigil explain shows them" in text


PATH: Condition = 'ctx.request.http.path == "/a"'
METHOD: Condition = 'ctx.request.http.method == "GET"'


@pytest.mark.parametrize(
    ("rule", "cases", "missing"),
    [
        pytest.param(allow(PATH), (get("/a"),), [("rules[0]", "was never false")], id="true-only"),
        pytest.param(
            allow(PATH),
            (get("/b", expect=DENY),),
            [("rules[0]", "was never true")],
            id="false-only",
        ),
        pytest.param(allow(PATH), (get("/a"), get("/b", expect=DENY)), [], id="both"),
        pytest.param(allow(True), (get("/a"),), [], id="match-any"),
        pytest.param(
            allow({"all": {"of": [{"match": PATH}, {"not": METHOD}]}}),
            (get("/a", expect=DENY), get("/b", expect=DENY)),
            [("rules[0]", "was never true"), ("rules[0]", "all.of[1] was never true")],
            id="branch",
        ),
        pytest.param(
            allow({"any": {"of": [{"match": METHOD}, {"match": PATH}]}}),
            (get("/a"),),
            [
                ("rules[0]", "was never false"),
                ("rules[0]", "any.of[0] was never false"),
                ("rules[0]", "any.of[1] was never asked"),
            ],
            id="short-circuit",
        ),
        pytest.param(
            allow("ctx.request.http.size / 0 > 1"),
            (get("/a", expect=DENY),),
            [("rules[0]", "was never asked")],
            id="error",
        ),
    ],
)
def test_an_outcome_no_case_has_shown_is_a_gap(
    tmp_path: Path, rule: Document, cases: tuple[Document, ...], missing: list[tuple[str, str]]
) -> None:
    report = tried(tmp_path, web(rule), a_policy_test(*cases))
    assert not report.failures
    assert gaps(report) == missing


def test_rules_after_the_one_that_decides_were_never_asked(tmp_path: Path) -> None:
    report = tried(tmp_path, web(deny(PATH), allow(METHOD)), a_policy_test(get("/a", expect=DENY)))
    assert gaps(report) == [("rules[0]", "was never false"), ("rules[1]", "was never asked")]


def test_enforcement_rules_are_covered_too(tmp_path: Path) -> None:
    ignoring = {"effect": "IGNORE", "condition": {"match": PATH}}
    world = web(allow(), enforcementRules=[ignoring])
    report = tried(tmp_path, world, a_policy_test(get("/a", expect=DENY)))
    assert gaps(report) == [
        ("rules[0]", "was never asked"),
        ("enforcementRules[0]", "was never false"),
    ]


def test_what_decides_nothing_need_not_be_tried(tmp_path: Path) -> None:
    world = (
        web(allow()),
        a_policy("off", deny(), isDisabled=True),
        a_policy("soon", deny(), isShadow=True),
        a_policy("attached-nowhere", deny()),
    )
    report = tried(tmp_path, *world, a_policy_test(get("/a")))
    assert gaps(report) == [("rules[0]", "was never asked")]
    assert "Policy attached-nowhere: rule rules[0]: was never asked" in text_of(report)


def test_a_case_refused_by_a_check_tries_no_rule(tmp_path: Path) -> None:
    case = a_case(user={"isDisabled": True}, expect=DENY)
    report = tried(tmp_path, web(allow()), a_policy_test(case))
    assert gaps(report) == [("rules[0]", "was never asked")]


def test_a_program_gets_the_decision_and_the_gaps_with_their_places(tmp_path: Path) -> None:
    cases = a_policy_test(get("/a"), get("/b"))
    shown = tried(tmp_path, web(allow(PATH, name="own"), deny(METHOD, priority=1)), cases).as_json()
    assert json.loads(json.dumps(shown)) == shown
    assert (shown["passed"], shown["failed"]) == (1, 1)
    assert shown["cases"][1]["wrong"] == ["effect"]
    assert shown["cases"][1]["got"]["reason"] == "POLICY_MATCH"
    (policy,) = shown["coverage"]
    assert (policy["reached"], policy["total"]) == (3, 4)
    (gap,) = policy["gaps"]
    assert gap["at"].endswith("spec.authorization.inlinePolicies[0].spec.rules[1].condition")


def test_ci_gets_one_suite_for_each_policy_test(tmp_path: Path) -> None:
    first = a_policy_test(get("/a"), get("/b", expect=DENY), name="one")
    report = tried(tmp_path, web(allow()), first, a_policy_test(get("/c"), name="two"))
    root = ET.fromstring(junit(report.trials))
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures")) == ("3", "1")
    assert [suite.get("name") for suite in root] == ["one", "two"]
    passed, failed = root[0]
    assert passed.get("classname") == "PolicyTest.one"
    assert passed.find("failure") is None
    failure = failed.find("failure")
    assert failure is not None
    assert "expected DENY" in str(failure.get("message"))
    assert "rules that were asked" in str(failure.text)


def test_ci_gets_whole_xml_whatever_a_case_is_called(tmp_path: Path) -> None:
    name = 'a "strange" <name> & \x1b[31m \ufffe'
    report = tried(tmp_path, web(allow()), a_policy_test(a_case(name, user={}, expect=DENY)))
    root = ET.fromstring(junit(report.trials))
    assert root[0][0].get("name") == 'a "strange" <name> & \ufffd[31m \ufffd'


def test_of_a_group_that_was_never_asked_only_the_group_is_told(tmp_path: Path) -> None:
    inner = {"all": {"of": [{"match": PATH}, {"match": METHOD}]}}
    rule = allow({"any": {"of": [{"match": METHOD}, inner]}})
    report = tried(tmp_path, web(rule), a_policy_test(get("/a")))
    assert ("rules[0]", "any.of[1] was never asked") in gaps(report)
    assert not any("all.of" in what for _, what in gaps(report))
