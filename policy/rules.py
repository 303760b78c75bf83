"""Rules in the order that decides, and the decision itself (spec/data-plane.md §1.5-1.9).

Knows what is attached to what, but not where resources come from: `policy.compiler` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Self, TypeAlias, final

from config.resources.policy import Condition, Effect
from policy.cel.values import EvaluationError, MissingData, Timestamp
from policy.conditions import (
    Attrs,
    Context,
    Evaluate,
    EvaluateOf,
    Note,
    Test,
    checked,
    condition_test,
    settled_terms,
)
from policy.decision import Allowed, Decision, Denied, Reason, RuleRef
from policy.explain import Explanation, PolicyFinding, RuleFinding, Standing, Truth

_UNREAD: Final = Timestamp(0)  # settled rules do not read the clock
NO_MATCH: Final = Denied(Reason.NO_POLICY_MATCH)
MAX_REHEARSED: Final = 1024


@final
class EnforcementError(EvaluationError):
    """An enforcement rule could not be evaluated; the message says which."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class EnforcementTest:
    """One enforcement rule; ``place`` is its path inside the policy's spec."""

    place: str
    is_enforcing: bool
    condition: Condition | None
    test: Test


@final
class PolicyGate:
    """Whether a policy takes part: ENFORCE rules are asked first, then IGNORE rules (§1.7).

    A rule that cannot be evaluated is an error and not a rule that did not match: passing over an
    ENFORCE rule may lose a policy's DENY, passing over an IGNORE rule may add its ALLOW. Only
    refusing the request can never let more through.
    """

    __slots__ = ("_attrs", "_ordered")

    def __init__(self, rules: Iterable[EnforcementTest], attrs: Attrs) -> None:
        self._ordered = tuple(sorted(rules, key=lambda rule: not rule.is_enforcing))
        self._attrs = attrs

    def first_match(self, ctx: Context, now: Timestamp) -> EnforcementTest | None:
        """Return the rule that settles it, None where no rule matches; raise EnforcementError."""
        for rule in self._ordered:
            try:
                if rule.test(ctx, self._attrs, now):
                    return rule
            except EvaluationError as error:
                raise EnforcementError(f"{rule.place}: {error}") from error
        return None

    def takes_part(self, ctx: Context, now: Timestamp) -> bool:
        """Say whether the policy's rules count."""
        found = self.first_match(ctx, now)
        return found is None or found.is_enforcing

    def watched(self, evaluate_of: EvaluateOf, note: Note) -> PolicyGate:
        """Return the same gate, of whose conditions ``note`` hears."""
        return PolicyGate(
            (
                replace(rule, test=condition_test(rule.condition, evaluate_of, note))
                for rule in self._ordered
            ),
            self._attrs,
        )


@final
@dataclass(frozen=True, slots=True, eq=False)
class CompiledRule:
    """One rule of a policy; ``name`` is its place (``rules[2]``) where it was given none.

    ``is_settled`` where neither the request nor the clock can change what it evaluates to.
    """

    name: str
    effect: Effect
    priority: int
    condition: Condition | None
    evaluate: Evaluate
    is_settled: bool


@final
@dataclass(frozen=True, slots=True, eq=False)
class CompiledPolicy:
    """The rules of a Policy or an inline policy, wherever it is attached."""

    name: str
    is_disabled: bool
    is_shadow: bool
    attrs: Attrs
    gate: PolicyGate | None
    rules: tuple[CompiledRule, ...]
    reads_clock: bool


@final
@dataclass(frozen=True, slots=True, eq=False)
class Attached:
    """A policy at one of the places where it is attached."""

    policy: CompiledPolicy
    is_inline: bool
    owner_kind: str
    owner_name: str

    def reference(self, rule: CompiledRule) -> RuleRef:
        """Return the reference to a rule by which decisions name it."""
        return RuleRef(
            rule=rule.name,
            priority=rule.priority,
            policy=self.policy.name,
            inline=self.is_inline,
            owner_kind=self.owner_kind,
            owner_name=self.owner_name,
        )


_Ranked: TypeAlias = tuple[Attached, CompiledRule]
_Step: TypeAlias = tuple[Evaluate, Attrs, PolicyGate | None, Decision]
_Rehearsed: TypeAlias = tuple[Decision, Decision, Decision]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Every rule that may decide about one caller at one Service, sorted once.

    The order is (priority, DENY before ALLOW, order of attachment, order of declaration), so that
    of several rules that match the same one is reported every time. ``shadow`` is the Plan that
    would decide if shadow policies were real, None where none is attached.
    """

    _attached: tuple[Attached, ...]
    _evaluate_of: EvaluateOf
    _ranked: tuple[_Ranked, ...]
    _steps: tuple[_Step, ...]
    reads_clock: bool
    shadow: Plan | None = None
    _rehearsed: dict[tuple[int, int], _Rehearsed] = field(default_factory=dict)

    @classmethod
    def of(cls, attached: Iterable[Attached], evaluate_of: EvaluateOf) -> Self:
        """Sort the rules of policies that are given in the order of attachment."""
        places = tuple(attached)
        ranked = tuple(sorted(_collected(places), key=_rank))
        real = tuple(each for each in ranked if not each[0].policy.is_shadow)
        plan = cls._sorted(places, evaluate_of, real)
        if len(real) == len(ranked):
            return plan
        return replace(plan, shadow=cls._sorted(places, evaluate_of, ranked))

    @classmethod
    def _sorted(
        cls, places: tuple[Attached, ...], evaluate_of: EvaluateOf, ranked: tuple[_Ranked, ...]
    ) -> Self:
        steps = tuple(_step(*each) for each in ranked)
        reads_clock = any(place.policy.reads_clock for place, _ in ranked)
        return cls(places, evaluate_of, ranked, steps, reads_clock)

    def narrowed(self, known: Context) -> Self:
        """Return this Plan without the rules that ``known`` makes false whatever is requested.

        ``known`` is ``ctx`` without a request; what is decided later must have the same in it.
        """
        pairs = zip(self._steps, self._ranked, strict=True)
        steps = tuple(step for step, each in pairs if _can_match(*each, known))
        shadow = None if self.shadow is None else self.shadow.narrowed(known)
        return replace(self, _steps=steps, shadow=shadow)

    def decide(self, ctx: Context, now: Timestamp) -> Decision:
        """Return what the first rule that matches says; a rule that cannot be evaluated denies."""
        known: dict[PolicyGate, bool] = {}
        for evaluate, attrs, gate, verdict in self._steps:
            try:
                if gate is not None:
                    if gate not in known:
                        known[gate] = gate.takes_part(ctx, now)
                    if not known[gate]:
                        continue
                value = evaluate(ctx, attrs, now)
                if value is False:
                    continue
                checked(value)
            except MissingData:
                continue
            except EvaluationError as error:
                return Denied(Reason.EVALUATION_ERROR, verdict.rule, str(error))
            return verdict
        return NO_MATCH

    def rehearse(self, decision: Decision, ctx: Context, now: Timestamp) -> Decision:
        """Return the decision together with what it would be if shadow policies were real.

        The same two give the same object again, for those who remember things about decisions.
        """
        if self.shadow is None:
            return decision
        would_be = self.shadow.decide(ctx, now)
        key = id(decision), id(would_be)
        known = self._rehearsed.get(key)
        if known is None:
            if len(self._rehearsed) >= MAX_REHEARSED:
                self._rehearsed.clear()
            known = decision, would_be, replace(decision, shadow=would_be)
            self._rehearsed[key] = known
        return known[2]

    def watch(self, ctx: Context, now: Timestamp, note: Note) -> None:
        """Tell ``note`` what came of each part of a condition that `decide` asks for."""
        for place, rule in self._ranked:
            gate = place.policy.gate
            test = condition_test(rule.condition, self._evaluate_of, note)
            try:
                if gate is not None:
                    gate = gate.watched(self._evaluate_of, note)
                    if not gate.takes_part(ctx, now):
                        continue
                if test(ctx, place.policy.attrs, now):
                    return
            except EvaluationError:
                return

    def explain(self, ctx: Context, now: Timestamp) -> Explanation:
        """Return what `decide` does and every finding on the way to it."""
        shadow = None if self.shadow is None else self.shadow.explain(ctx, now)
        return Explanation(
            decision=self.decide(ctx, now),
            policies=tuple(self._policy_findings(ctx, now)),
            rules=tuple(self._rule_findings(ctx, now)),
            shadow=shadow if shadow is None else replace(shadow, policies=()),
        )

    def _policy_findings(self, ctx: Context, now: Timestamp) -> Iterator[PolicyFinding]:
        for place, first in _with_first(self._attached):
            standing, why = _standing(place, first, ctx, now)
            yield PolicyFinding(
                policy=place.policy.name,
                inline=place.is_inline,
                owner_kind=place.owner_kind,
                owner_name=place.owner_name,
                standing=standing,
                why=why,
            )

    def _rule_findings(self, ctx: Context, now: Timestamp) -> Iterator[RuleFinding]:
        is_decided = False
        for place, rule in self._ranked:
            if is_decided:
                yield RuleFinding(place.reference(rule), rule.effect, Truth.NOT_REACHED)
                continue
            found = self._rule_finding(place, rule, ctx, now)
            is_decided = found.truth in (Truth.TRUE, Truth.ERROR)
            yield found

    def _rule_finding(
        self, place: Attached, rule: CompiledRule, ctx: Context, now: Timestamp
    ) -> RuleFinding:
        reference = place.reference(rule)
        gate = place.policy.gate
        missing: list[str] = []
        test = condition_test(rule.condition, _noting(self._evaluate_of, missing))
        try:
            if gate is not None and not gate.takes_part(ctx, now):
                return RuleFinding(reference, rule.effect, Truth.IGNORED)
            truth = Truth.TRUE if test(ctx, place.policy.attrs, now) else Truth.FALSE
        except EvaluationError as error:
            return RuleFinding(
                reference, rule.effect, Truth.ERROR, tuple(missing), error=str(error)
            )
        return RuleFinding(reference, rule.effect, truth, tuple(missing))


def _collected(attached: Iterable[Attached]) -> Iterator[_Ranked]:
    for place, first in _with_first(attached):
        if first is place and not place.policy.is_disabled:
            yield from ((place, rule) for rule in place.policy.rules)


def _with_first(attached: Iterable[Attached]) -> Iterator[tuple[Attached, Attached]]:
    # A Policy contributes once per decision, where it is attached first; an inline policy is
    # compiled per owner and therefore never the same object twice.
    first: dict[CompiledPolicy, Attached] = {}
    for place in attached:
        yield place, first.setdefault(place.policy, place)


def _rank(ranked: _Ranked) -> tuple[int, bool]:
    _, rule = ranked
    return rule.priority, rule.effect is Effect.ALLOW


def _can_match(place: Attached, rule: CompiledRule, known: Context) -> bool:
    # A rule behind a gate stays: the gate may be an error, which must be seen.
    if place.policy.gate is not None:
        return True
    attrs = place.policy.attrs
    if rule.is_settled:
        return not _is_settled_false(rule.evaluate, attrs, known, counts_missing=True)
    return not any(
        _is_settled_false(evaluate, attrs, known, counts_missing=is_first)
        for evaluate, is_first in settled_terms(rule.condition)
    )


def _is_settled_false(
    evaluate: Evaluate, attrs: Attrs, known: Context, *, counts_missing: bool
) -> bool:
    try:
        return evaluate(known, attrs, _UNREAD) is False
    except MissingData:
        return counts_missing
    except EvaluationError:
        return False


def _step(place: Attached, rule: CompiledRule) -> _Step:
    reference = place.reference(rule)
    verdict: Decision
    if rule.effect is Effect.ALLOW:
        verdict = Allowed(reference)
    else:
        verdict = Denied(Reason.POLICY_MATCH, reference)
    return rule.evaluate, place.policy.attrs, place.policy.gate, verdict


def _standing(
    place: Attached, first: Attached, ctx: Context, now: Timestamp
) -> tuple[Standing, str]:
    gate = place.policy.gate
    if place.policy.is_disabled:
        return Standing.DISABLED, ""
    if place.policy.is_shadow:
        return Standing.SHADOW, "decides nothing"
    if first is not place:
        return Standing.REPEATED, f"already attached to {first.owner_kind} {first.owner_name}"
    return (Standing.ENFORCED, "") if gate is None else _gated(gate, ctx, now)


def _gated(gate: PolicyGate, ctx: Context, now: Timestamp) -> tuple[Standing, str]:
    try:
        found = gate.first_match(ctx, now)
    except EnforcementError as error:
        return Standing.ERROR, str(error)
    if found is None:
        return Standing.ENFORCED, "no enforcement rule matches"
    standing = Standing.ENFORCED if found.is_enforcing else Standing.IGNORED
    return standing, f"{found.place} matches"


def _noting(evaluate_of: EvaluateOf, missing: list[str]) -> EvaluateOf:
    def noting(text: str) -> Evaluate:
        evaluate = evaluate_of(text)

        def evaluated(ctx: Context, attrs: Attrs, now: Timestamp) -> object:
            try:
                return evaluate(ctx, attrs, now)
            except MissingData as error:
                missing.append(str(error))
                raise

        return evaluated

    return noting
