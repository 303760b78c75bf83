from __future__ import annotations

from functools import reduce

import pytest

from config.paths import joined, steps


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", []),
        ("spec", ["spec"]),
        ("spec.rules[2].name", ["spec", "rules", 2, "name"]),
        ("[3]", [3]),
        ('spec["a.b [1]"].c', ["spec", "a.b [1]", "c"]),
        ('spec["say \\"hi\\"\\n"]', ["spec", 'say "hi"\n']),
        ("spec..x", ["spec"]),
        ("spec[x]", ["spec"]),
    ],
)
def test_a_path_is_read_step_by_step(path: str, expected: list[str | int]) -> None:
    assert list(steps(path)) == expected


@pytest.mark.parametrize(
    "way", [["a", 0, "b"], [0, 1], ["odd key", "x"], ["\x1b[31m"], ["é", "-", "a/b:c"], ["", "a"]]
)
def test_what_is_joined_can_be_read_again(way: list[str | int]) -> None:
    path = reduce(joined, way, "")
    assert list(steps(path)) == way
    assert path.isprintable()
