from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
import yaml

from config import yamlcompose
from config.yamlfile import MAX_DOCUMENT, MAX_DOCUMENTS, MAX_FILE_BYTES, parse


def data(text: str | bytes) -> list[Any]:
    parsed = parse(text, "f.yaml")
    assert problems(text) == []
    return [document.data for document in parsed.documents]


def problems(text: str | bytes) -> list[str]:
    parsed = parse(text, "f.yaml")
    found = [problem for document in parsed.documents for problem in document.problems]
    return [str(problem) for problem in (*found, *parsed.problems)]


def test_documents_of_a_file_come_in_order() -> None:
    assert data("a: 1\n---\n- b\n---\nc\n...\nd: 2\n") == [{"a": 1}, ["b"], "c", {"d": 2}]


def test_json_is_yaml() -> None:
    assert data('{"a": [1, 2.5, true, null, "\\u00e9"]}') == [{"a": [1, 2.5, True, None, "é"]}]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("17", 17),
        ("-0", 0),
        ("+5", 5),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-01-02", "2026-01-02"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-", "-"),
        (".", "."),
        ("1.2.3.4", "1.2.3.4"),
        ("'17'", "17"),
        ('"true"', "true"),
        ("!!str 17", "17"),
        ("!!float 17", 17.0),
        ("!!int 17", 17),
        ("18446744073709551615", 18446744073709551615),
    ],
)
def test_a_scalar_means_what_the_core_schema_says(written: str, meant: Any) -> None:
    value = data(f"a: [{written}, x]")[0]["a"][0] if written else data("a:")[0]["a"]
    assert value == meant
    assert type(value) is type(meant)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("010", "leading zero"),
        ("99999999999999999999", "64 bits"),
        ("9" * 5000, "64 bits"),
        ("0x" + "f" * 5000, "64 bits"),
        (".inf", "finite"),
        ("-.INF", "finite"),
        (".nan", "finite"),
        ("1e999", "too large"),
        ("!!python/object:os.system x", "tag is not accepted"),
        ("!foo x", "tag is not accepted"),
        ("! x", "tag is not accepted"),
        ("!!binary aGk=", "tag is not accepted"),
        ("!!timestamp 2026-01-01", "tag is not accepted"),
        ("!!int seven", "no such value"),
        ("!!map [1]", "tag is not accepted"),
        ("!!set {x: }", "tag is not accepted"),
        ('"\\0"', "NUL"),
    ],
)
def test_an_odd_scalar_is_refused_where_it_stands(written: str, said: str) -> None:
    (problem,) = problems(f"a: 1\nb:\n  c: {written}\n")
    assert problem.startswith("f.yaml:3: b: ")
    assert said in problem


def test_a_problem_never_repeats_a_value() -> None:
    text = 'a: 0777123\nb: !x hunter2\nc: "hunter2\\q"\n'
    assert "777" not in " ".join(problems(text))
    assert "hunter2" not in " ".join(problems(text))


def test_a_key_given_twice_is_refused_with_both_lines() -> None:
    assert problems("a: 1\nb: 2\na: 3\n") == [
        'f.yaml:3: the key "a" is there twice; first on line 1'
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1: a", "a key must be text; quote it"),
        ("true: a", "a key must be text; quote it"),
        ("~: a", "a key must be text; quote it"),
        ("? [a]\n: b", "not a mapping or list"),
        ("? {a: b}\n: b", "not a mapping or list"),
        ("a: &k x\n*k : y", "not an alias"),
        ("a: &m {x: 1}\nb:\n  <<: *m", "merge keys are not accepted; write the keys out"),
        ("? " + "k" * 300 + "\n: b", "at most 256 characters"),
    ],
)
def test_a_key_that_is_no_plain_text_is_refused(text: str, said: str) -> None:
    (problem,) = problems(text)
    assert said in problem


def test_words_of_other_yaml_versions_are_ordinary_keys() -> None:
    assert data("on: 1\nyes: 2\n'1': 3\n'<<': 4\n") == [{"on": 1, "yes": 2, "1": 3, "<<": 4}]


def test_what_a_refused_key_holds_is_left_out() -> None:
    (document,) = parse("1: {a: {b: [c]}}\nd: e\n").documents
    assert document.data == {"d": "e"}


def test_every_line_is_found_by_its_path() -> None:
    text = """kind: Policy
metadata: {name: p}
spec:
  rules:
  - name: one
    condition:
      match: |
        a
        b
  - name: two
  odd key: 1
"""
    (document,) = parse(text).documents
    lines = {
        "kind": 1,
        "metadata.name": 2,
        "spec.rules": 4,
        "spec.rules[0].condition.match": 7,
        "spec.rules[1]": 10,
        "spec.rules[1].name": 10,
        'spec["odd key"]': 11,
    }
    assert {path: document.line(path) for path in lines} == lines


def test_an_absent_path_has_the_line_of_what_is_around_it() -> None:
    (document,) = parse("# first\n\na:\n  b: {c: 1}\n").documents
    assert document.line("a.b.d.e[3]") == 4
    assert document.line("a[0]") == 3
    assert document.line("nothing") == 3
    assert document.line("[[[") == 3


def test_lines_of_later_documents_count_from_the_top_of_the_file() -> None:
    _, second = parse("a: 1\n---\n# note\nb: 2\n").documents
    assert second.line("b") == 4


def test_an_alias_is_what_its_anchor_holds() -> None:
    assert data("a: &x {b: [1]}\nc: *x\nd: &s text\ne: *s\n") == [
        {"a": {"b": [1]}, "c": {"b": [1]}, "d": "text", "e": "text"}
    ]


def test_an_alias_has_its_own_line_and_what_it_holds_that_of_the_anchor() -> None:
    (document,) = parse("a: &x\n  b: 1\nc: *x\n").documents
    assert document.line("c") == 3
    assert document.line("c.b") == 2


@pytest.mark.parametrize("text", ["a: *x", "a: &a [*a]", "a: &x 1\n---\nb: *x"])
def test_an_alias_needs_a_complete_anchor_before_it(text: str) -> None:
    (problem,) = problems(text)
    assert "there is no anchor" in problem


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: b: c", 1, "quote a text that holds ': '"),
        ("a:\n\t- b", 2, "indent with spaces"),
        ("a:\n  b: 1\n  \tc: 2", 3, "a tab cannot indent"),
        ("a: [1, 2\nb: 3", 2, "',' or ']' was expected here (see line 1)"),
        ("a: {x: 1\nb: 3\n", 2, "',' or '}' was expected here (see line 1)"),
        ("a: 'x\nb: 1\n", 3, "the text ends inside quotes (see line 1)"),
        ('a: "x\\q"', 1, "no such escape"),
        ("a:\n  - 1\n b: 2", 3, "a key was expected here"),
        ("- a\nb: 1", 2, "list item"),
        ("a: @x", 1, "cannot begin with this character"),
        ("a: -", 1, "a list item cannot begin here"),
        ("a: }", 1, "a value was expected"),
        ("{a: 1}}", 1, "begin the next one with ---"),
        ("a: |x\n  foo", 1, "on the line after"),
        ("a: !x!y 1", 1, "tags are not accepted"),
        ("%YAML 1.2\na: 1", 1, "followed by a line ---"),
        ("%TAG ! x\n---\na: 1", 1, "only the directive %YAML 1.2"),
    ],
)
def test_broken_syntax_is_explained_in_plain_words(text: str, line: int, said: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"f.yaml:{line}: ")
    assert said in problem


def test_a_broken_document_does_not_hide_its_neighbours() -> None:
    broken, good = parse("kind: A\nb: 'x\n---\nc: 1\n").documents
    assert broken.data == {"kind": "A"}
    assert broken.problems
    assert (good.data, good.problems) == ({"c": 1}, ())


def test_the_version_directive_is_passed_over() -> None:
    assert data("%YAML 1.2\n---\na: 1\n") == [{"a": 1}]


def test_nothing_and_comments_are_no_documents() -> None:
    assert data("") == []
    assert data("# only\n\n   # comments\n") == []
    assert data("---\n---\n# x\n...\n") == [None, None]


def test_every_line_ending_is_one() -> None:
    parsed = parse("a: 1\r\n---\r\nb: 2\r---\rc: x\n")
    assert [document.data for document in parsed.documents] == [{"a": 1}, {"b": 2}, {"c": "x"}]
    assert parsed.documents[2].line("c") == 5


def test_a_byte_order_mark_is_passed_over_at_the_beginning() -> None:
    assert data("\ufeffa: 1") == [{"a": 1}]


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"a: 1\nb: \xff", 2, "not valid UTF-8"),
        ("a: 1".encode("utf-16"), 1, "save it as UTF-8"),
        (b"a: 1\nb: \x00", 2, "U+0000"),
        (b"a: \x1b[31m", 1, "U+001B"),
        ("a: \ud800", 1, "U+D800"),
        ("a: 1\n\ufeffb: 1", 2, "U+FEFF"),
        ("a: \u2028", 1, "U+2028"),
    ],
)
def test_text_that_is_no_clean_unicode_is_refused(
    content: bytes | str, line: int, said: str
) -> None:
    parsed = parse(content, "f.yaml")
    assert parsed.documents == ()
    assert parsed.problems[0].line == line
    assert said in str(parsed.problems[0])


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 30)
)
MERGES = "a0: &a0 {k: v}\n" + "".join(
    f"a{level}: &a{level}\n  x: {{<<: [*a{level - 1}, *a{level - 1}]}}\n  y: *a{level - 1}\n"
    for level in range(1, 60)
)
HOSTILE = [
    pytest.param(LAUGHS, "aliases written out", id="billion laughs"),
    pytest.param(MERGES, "", id="merge keys"),
    pytest.param(
        f"a: &a {'x' * 1_000_000}\nb: [{','.join(['*a'] * 1000)}]", "too large", id="long alias"
    ),
    pytest.param("[" * 100_000, "deeper than 64", id="flow lists"),
    pytest.param("{a: " * 100_000, "deeper than 64", id="flow mappings"),
    pytest.param("- " * 100_000, "deeper than 64", id="block lists"),
    pytest.param("? " * 100_000, "must be text", id="keys of keys"),
    pytest.param(
        "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 100)),
        "deeper than 64",
        id="depth by aliases",
    ),
    pytest.param("".join(f"%TAG !{i}! x\n" for i in range(90_000)), "directive", id="directives"),
    pytest.param("a: " + "x" * MAX_DOCUMENT, "larger than", id="large document"),
    pytest.param("a: " + "x" * (MAX_FILE_BYTES - 10), "larger than", id="10 MB document"),
    pytest.param("x" * (MAX_FILE_BYTES + 1), "larger than", id="large file"),
    pytest.param("[" + "1," * 300_000, "values", id="many values"),
    pytest.param("---\n" * 100_000, f"more than {MAX_DOCUMENTS} documents", id="many documents"),
    pytest.param("...\n" * 100_000, f"more than {MAX_DOCUMENTS} documents", id="many ends"),
    pytest.param("k: 1\n" * 100_000, "too many problems", id="many problems"),
]


@pytest.mark.parametrize(("text", "said"), HOSTILE)
def test_a_hostile_file_is_refused_in_little_memory(text: str, said: str) -> None:
    content = text.encode()
    tracemalloc.start()
    try:
        parsed = parse(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    found = [problem for document in parsed.documents for problem in document.problems]
    assert said in " ".join(str(problem) for problem in (*found, *parsed.problems))
    assert found or parsed.problems
    assert peak < 100_000_000


def test_a_document_of_the_largest_size_is_read() -> None:
    value = "x" * (MAX_DOCUMENT - 10)
    assert data(f"a: {value}\n") == [{"a": value}]


def test_64_levels_are_read_and_65_are_not() -> None:
    assert data("[" * 64 + "]" * 64)
    assert "deeper" in problems("[" * 65 + "]" * 65)[0]


def test_a_document_does_not_show_its_values() -> None:
    (document,) = parse("data: {value: hunter2}").documents
    assert "hunter2" not in repr(document)


@pytest.mark.parametrize(
    "text", ["a: [1, {b: 2}]\n---\nc: &x y\nd: *x\n", "a: 'x", "a: !x 1", "[" * 99]
)
def test_the_slow_parser_reads_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = parse(text)
    monkeypatch.setattr(yamlcompose, "_LOADER", yaml.SafeLoader)
    slow = parse(text)
    assert [each.data for each in slow.documents] == [each.data for each in fast.documents]
    assert [bool(each.problems) for each in slow.documents] == [
        bool(each.problems) for each in fast.documents
    ]
