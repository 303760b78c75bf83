"""Everything worth a warning in the policies of a Snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from config.errors import Problem
from config.snapshot import Snapshot
from policy.lint.attachment import CentralDenials, other_modes, unattached
from policy.lint.enforcement import moot_enforcement
from policy.lint.finding import Finding
from policy.lint.optional import optional_paths
from policy.lint.reach import Certainties, unreachable
from policy.lint.subjects import Subject, subjects
from policy.lint.symbols import unknown_symbols


def lint(snapshot: Snapshot) -> list[Problem]:
    """Return the warnings; never raises, whatever the policies hold.

    Each Problem's ``path`` is relative to its resource, which stands in the place of the file.
    """
    every = subjects(snapshot)
    certainties = Certainties.of(every)
    denials = CentralDenials.of(every)
    return [
        finding.problem(subject)
        for subject in every
        for finding in _findings(subject, certainties, denials)
    ]


def _findings(
    subject: Subject, certainties: Certainties, denials: CentralDenials
) -> Iterator[Finding]:
    return chain(
        optional_paths(subject),
        unknown_symbols(subject),
        unreachable(subject, certainties),
        moot_enforcement(subject),
        unattached(subject),
        other_modes(subject),
        denials.outranked(subject),
    )
