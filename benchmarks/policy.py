"""What one policy decision costs: ten policies of three rules, beside other CEL engines.

Run as ``python -m benchmarks.policy``. Every engine is given the same rules in the same order and
stops at the first that matches; they take turns in one process, so that their ratio holds even
where the absolute figures wander. What stays the same between requests is prepared beforehand for
every engine that can hold on to it: programs, cel-python's view of the caller, and Vigil's Plan,
which leaves out the rules that its caller makes false whatever is requested.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from benchmarks.policy_case import (
    POLICIES,
    SCENARIOS,
    Facts,
    Rule,
    Setting,
    a_setting,
    ordered_rules,
    request_facts,
)
from policy.cel.values import Timestamp
from policy.decision import Allowed
from protocols.permit import Permit

Decide: TypeAlias = Callable[[Facts], bool]

NOW: Final = Timestamp(1_800_000_000_000_000_000)


@dataclass(frozen=True, slots=True)
class Engine:
    """One contender: a decision function and how often a round calls it."""

    name: str
    decide: Decide
    calls: int


def first_match(truths: Iterator[tuple[Rule, bool]]) -> bool:
    """Decide from the truth of the expressions, evaluated one by one."""
    for (effect, key, _), truth in truths:
        if truth is (key == "match"):
            return effect == "ALLOW"
    return False


def vigil(setting: Setting) -> Decide:
    """Decide over a ctx that is there already."""
    decide = setting.plan.decide
    contexts: dict[int, dict[str, Any]] = {}

    def asked(facts: Facts) -> bool:
        ctx = contexts.get(id(facts))
        if ctx is None:
            ctx = contexts[id(facts)] = setting.ctx(facts)
        return type(decide(ctx, NOW)) is Allowed

    return asked


def vigil_with_ctx(setting: Setting) -> Decide:
    """Build ctx for each request and decide, as the proxy does."""
    decide, ctx = setting.plan.decide, setting.ctx
    return lambda facts: type(decide(ctx(facts), NOW)) is Allowed


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose facts are there already."""

    given: Facts

    def facts(self) -> Facts:
        """Return them."""
        return self.given


def vigil_authorize(setting: Setting) -> Decide:
    """Ask the gate: checks, ctx, policies, the Permit, and the counter of decisions."""
    authorize, who = setting.gate.authorize, setting.principal
    return lambda facts: type(authorize(who, Request(facts))) is Permit


def cel_python(setting: Setting) -> Decide:
    """Build the same on cel-python."""
    celpy = importlib.import_module("celpy")
    environment = celpy.Environment(runner_class=celpy.InterpretedRunner)
    programs = [
        (rule, environment.program(environment.compile(rule[2]))) for rule in ordered_rules()
    ]
    base = celpy.json_to_cel(setting.ctx({}))

    def truths(activation: Any) -> Iterator[tuple[Rule, bool]]:
        for rule, program in programs:
            try:
                yield rule, bool(program.evaluate(activation))
            except celpy.CELEvalError:
                yield rule, False

    def decide(facts: Facts) -> bool:
        ctx = celpy.celtypes.MapType(base)
        ctx[celpy.celtypes.StringType("request")] = celpy.json_to_cel(dict(facts))
        return first_match(truths({"ctx": ctx}))

    return decide


def cel_expr_python(setting: Setting) -> Decide:
    """Build the same on cel-expr-python, which is cel-cpp."""
    cel = importlib.import_module("cel_expr_python.cel")
    environment = cel.NewEnv(variables={"ctx": cel.Type.DYN})
    programs = [(rule, environment.compile(rule[2])) for rule in ordered_rules()]

    def decide(facts: Facts) -> bool:
        activation = environment.Activation({"ctx": setting.ctx(facts)})
        return first_match(
            (rule, program.eval(activation).value() is True) for rule, program in programs
        )

    return decide


def common_expression_language(setting: Setting) -> Decide:
    """Build the same on common-expression-language, which is cel-rust."""
    cel = importlib.import_module("cel")
    programs = [(rule, cel.compile(rule[2])) for rule in ordered_rules()]

    def truths(context: Any) -> Iterator[tuple[Rule, bool]]:
        for rule, program in programs:
            try:
                yield rule, program.execute(context) is True
            except (ValueError, TypeError, RuntimeError):
                yield rule, False

    return lambda facts: first_match(truths(cel.Context(variables={"ctx": setting.ctx(facts)})))


CONTENDERS: Final[Mapping[str, tuple[Callable[[Setting], Decide], int]]] = {
    "vigil": (vigil, 2000),
    "vigil, gate.authorize": (vigil_authorize, 2000),
    "vigil, ctx built": (vigil_with_ctx, 2000),
    "cel-expr-python": (cel_expr_python, 200),
    "common-expression-language": (common_expression_language, 50),
    "cel-python": (cel_python, 5),
}


def engines(setting: Setting) -> Iterator[Engine]:
    """Yield the contenders that are installed here."""
    for name, (make, calls) in CONTENDERS.items():
        try:
            yield Engine(name, make(setting), calls)
        except ImportError as error:
            print(f"{name}: not measured, {error}")


def measure(decide: Decide, facts: Facts, calls: int) -> list[int]:
    """Return the nanoseconds of each call."""
    clock, taken = time.perf_counter_ns, []
    for _ in range(calls):
        before = clock()
        decide(facts)
        taken.append(clock() - before)
    return taken


def percentile(taken: list[int], share: float) -> float:
    """Return a percentile in microseconds."""
    return sorted(taken)[min(len(taken) - 1, int(len(taken) * share))] / 1000


def compare(title: str, facts: Facts, contenders: list[Engine], rounds: int) -> None:
    """Let the contenders take turns, and print a table."""
    answers = {engine.name: engine.decide(facts) for engine in contenders}
    taken: dict[str, list[int]] = {engine.name: [] for engine in contenders}
    medians: dict[str, list[float]] = {engine.name: [] for engine in contenders}
    for _ in range(rounds):
        for engine in contenders:
            turn = measure(engine.decide, facts, engine.calls)
            taken[engine.name] += turn
            medians[engine.name].append(statistics.median(turn))
    first = contenders[0].name
    print(f"\n{title}: {'allowed' if answers[first] else 'denied'}")
    print(f"  {'engine':<28}{'p50 µs':>10}{'p99 µs':>10}{'x vigil':>10}  spread of x")
    for engine in contenders:
        pairs = zip(medians[engine.name], medians[first], strict=True)
        ratios = sorted(own / ours for own, ours in pairs)
        p50, p99 = percentile(taken[engine.name], 0.5), percentile(taken[engine.name], 0.99)
        note = "" if answers[engine.name] == answers[first] else "  ANOTHER ANSWER"
        print(
            f"  {engine.name:<28}{p50:>10.2f}{p99:>10.2f}{statistics.median(ratios):>10.1f}"
            f"  {ratios[0]:.1f}-{ratios[-1]:.1f}{note}"
        )


def main() -> None:
    """Measure every scenario."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.policy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    setting = a_setting()
    contenders = list(engines(setting))
    rules = sum(map(len, POLICIES.values()))
    print(f"{len(POLICIES)} policies, {rules} rules; clock overhead is included")
    gc.freeze()
    for title, (method, path) in SCENARIOS.items():
        compare(title, request_facts(method, path), contenders, arguments.rounds)


if __name__ == "__main__":
    main()
