"""The expressions of a condition, each with what the conditions around it make sure of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from config.resources.policy import Condition, Conditions
from policy.lint.guards import NOTHING, Facts, implied, said_by_others, shared, united
from policy.schema.paths import ROOTS, parsed


@dataclass(frozen=True, slots=True)
class Leaf:
    """One expression; ``at`` is its own path.

    ``known`` is there wherever its value makes a difference; ``is_inverted`` where a ``none``
    makes the condition match because this does not.
    """

    at: str
    text: str
    is_not: bool
    known: Facts
    is_inverted: bool


def leaves(
    condition: Condition, at: str, known: Facts = NOTHING, *, is_inverted: bool = False
) -> Iterator[Leaf]:
    """Yield every expression of a condition."""
    if condition.match:
        yield Leaf(f"{at}.match", condition.match, False, known, is_inverted)  # noqa: FBT003
    if condition.not_:
        yield Leaf(f"{at}.not", condition.not_, True, known, is_inverted)  # noqa: FBT003
    for key, branch in branches(condition):
        # A child matters where the others have not decided: all matched, or none did.
        each = [implied_by(child, truth=key == "all") for child in branch.of]
        for index, (child, facts) in enumerate(zip(branch.of, said_by_others(each), strict=True)):
            yield from leaves(
                child,
                f"{at}.{key}.of[{index}]",
                known | facts,
                is_inverted=is_inverted is not (key == "none"),
            )


def implied_by(condition: Condition, *, truth: bool) -> Facts:
    """Return what is there for sure where a condition matches, or does not."""
    text = condition.match or condition.not_
    if text:
        root = parsed(text)
        truth = truth is bool(condition.match)
        return NOTHING if root is None else implied(root, ROOTS).where(truth=truth)
    for key, branch in branches(condition):
        each = [implied_by(child, truth=truth is not (key == "none")) for child in branch.of]
        return united(each) if truth is not (key == "any") else shared(each)
    return NOTHING


def branches(condition: Condition) -> Iterator[tuple[str, Conditions]]:
    """Yield ``all``, ``any`` or ``none``, whichever a condition has."""
    for key, branch in (
        ("all", condition.all),
        ("any", condition.any),
        ("none", condition.none),
    ):
        if branch is not None and branch.of:
            yield key, branch
