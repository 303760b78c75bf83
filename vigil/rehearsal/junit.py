"""A run of PolicyTests as JUnit XML, the form that every CI system reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Final
from xml.etree import ElementTree as ET

from vigil.rehearsal.report import failure
from vigil.rehearsal.trial import Trial

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(trials: Sequence[Trial]) -> bytes:
    """Return the document: one suite for each PolicyTest."""
    root = ET.Element("testsuites", _totals(trials))
    for name, group in groupby(trials, key=lambda trial: trial.placed.test):
        cases = list(group)
        suite = ET.SubElement(root, "testsuite", {"name": _text(name), **_totals(cases)})
        for trial in cases:
            _add(suite, trial)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add(suite: ET.Element, trial: Trial) -> None:
    placed = trial.placed
    about = {
        "classname": f"PolicyTest.{placed.test}",
        "name": placed.case.name,
        "file": placed.document.file,
        "line": str(placed.line),
        "time": f"{trial.seconds:.6f}",
    }
    case = ET.SubElement(suite, "testcase", {key: _text(value) for key, value in about.items()})
    if not trial.is_passed:
        lines = list(failure(trial))
        message = _text("; ".join(" ".join(line.split()) for line in lines[1:3]))
        failed = ET.SubElement(case, "failure", {"message": message, "type": "PolicyTest"})
        failed.text = _text("\n".join(lines))


def _totals(trials: Sequence[Trial]) -> dict[str, str]:
    return {
        "tests": str(len(trials)),
        "failures": str(sum(not trial.is_passed for trial in trials)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(trial.seconds for trial in trials):.6f}",
    }


def _text(value: str) -> str:
    """Return text as XML may hold it."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value)
