"""PolicyTests are read as strictly as resources are, and by nobody but who asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from config.errors import ConfigError
from config.policy_test import MadeDevice, MadeSession, MadeUser
from config.resources.states import SessionType, State
from config.resources.user import UserType
from config.sources.files import load
from config.sources.policy_tests import PlacedCase, load_policy_tests
from tests.harness.trials import ALLOW, a_case, a_policy_test


def read(directory: Path, text: str) -> tuple[PlacedCase, ...]:
    (directory / "tests.yaml").write_text(text)
    return load_policy_tests(directory)


def refusals(directory: Path, case: str) -> list[str]:
    """Return what is wrong with a file of one case, given in flow style on line 5."""
    text = f"kind: PolicyTest\nmetadata: {{name: cases}}\nspec:\n  cases:\n  - {case}\n"
    with pytest.raises(ConfigError) as caught:
        read(directory, text)
    return [str(problem).replace(f"{directory}/", "") for problem in caught.value.problems]


def test_cases_know_where_they_stand(tmp_path: Path) -> None:
    text = yaml.safe_dump_all([{"kind": "Junk"}, a_policy_test(a_case("one"), a_case("two"))])
    one, two = read(tmp_path, text)
    assert (one.test, one.case.name, two.case.name) == ("cases", "one", "two")
    lines = text.splitlines()
    assert "ALLOW" in lines[one.line - 1 + 1]
    assert one.line < two.line


def test_a_caller_made_up_has_the_defaults_of_somebody_who_may_ask(tmp_path: Path) -> None:
    made = a_case(user={}, session={}, device={})
    (placed,) = read(tmp_path, yaml.safe_dump(a_policy_test(made)))
    case = placed.case
    assert isinstance(case.user, MadeUser)
    assert isinstance(case.session, MadeSession)
    assert isinstance(case.device, MadeDevice)
    assert case.user.type is UserType.HUMAN
    assert (case.session.state, case.session.type) == (State.ACTIVE, SessionType.CLIENT)
    assert case.device.state is State.ACTIVE


@pytest.mark.parametrize(
    ("case", "said"),
    [
        pytest.param(
            "{name: a, service: web, expect: {effect: ALOW}}",
            "tests.yaml:5: spec.cases[0].expect.effect: must be ALLOW or DENY; "
            'did you mean "ALLOW"?',
            id="effect",
        ),
        pytest.param(
            "{name: a, service: web, expct: {}, expect: {effect: DENY}}",
            'tests.yaml:5: spec.cases[0].expct: unknown key; did you mean "expect"?',
            id="unknown-key",
        ),
        pytest.param(
            "{name: a, expect: {effect: DENY}}",
            "tests.yaml:5: spec.cases[0].service: is required",
            id="no-service",
        ),
        pytest.param(
            "{name: a, service: web, user: {type: HUMEN}, expect: {effect: DENY}}",
            "tests.yaml:5: spec.cases[0].user.type: must be HUMAN or WORKLOAD; "
            'did you mean "HUMAN"?',
            id="user-made-up",
        ),
        pytest.param(
            "{name: a, service: web, user: 5, expect: {effect: DENY}}",
            "tests.yaml:5: spec.cases[0].user: must be a name or a mapping",
            id="user-number",
        ),
        pytest.param(
            "{name: a, service: web, user: eve, device: {ostype: MAC}, expect: {effect: DENY}}",
            'tests.yaml:5: spec.cases[0].device.ostype: unknown key; did you mean "osType"?',
            id="device-made-up",
        ),
        pytest.param(
            "{name: a, service: web, session: s, user: eve, expect: {effect: DENY}}",
            "tests.yaml:5: spec.cases[0]: a declared session brings its User and Device along; "
            "leave out user, or write the session as a mapping",
            id="two-callers",
        ),
        pytest.param(
            "{name: a, service: web, device: d, expect: {effect: DENY}}",
            "tests.yaml:5: spec.cases[0].user: is required; "
            "a name, or a mapping for a User made up",
            id="nobodys-device",
        ),
        pytest.param(
            "{name: a, service: web, now: yesterday, expect: {effect: DENY}}",
            "tests.yaml:5: spec.cases[0].now: must be an RFC 3339 time; like 2027-01-01T00:00:00Z",
            id="now",
        ),
    ],
)
def test_what_is_wrong_with_a_case_is_said_with_its_line(
    tmp_path: Path, case: str, said: str
) -> None:
    assert refusals(tmp_path, case) == [said]


def test_a_broken_document_of_another_kind_is_not_its_business(tmp_path: Path) -> None:
    assert read(tmp_path, "kind: User\nmetadata: {name: BAD}\n") == ()


def test_a_broken_document_of_its_own_kind_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read(tmp_path, "kind: PolicyTest\nkind: PolicyTest\n")


def test_a_name_is_given_once(tmp_path: Path) -> None:
    twice = [a_policy_test(a_case()), a_policy_test(a_case())]
    with pytest.raises(ConfigError, match='"cases" is declared twice'):
        read(tmp_path, yaml.safe_dump_all(twice))


def test_a_directory_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_policy_tests(tmp_path / "gone")


def test_resources_are_loaded_as_if_the_tests_were_not_there(tmp_path: Path) -> None:
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"kind": "PolicyTest", "spec": ALLOW}))
    assert load(tmp_path).warnings != ()  # there are no resources, and that is all


def test_a_place_is_given_by_file_and_line_or_by_name_where_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Group\nmetadata: {name: dev}\nspec:\n  attrs: {a: 1}\n")
    loaded = load(tmp_path)
    assert loaded.place("Group dev", "spec.attrs") == f"{tmp_path}/a.yaml:4"
    assert loaded.place("Namespace default", "spec") == "Namespace default"
