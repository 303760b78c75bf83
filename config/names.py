"""Which names a resource may have, and why one is refused (spec/resources.md §1.3)."""

from __future__ import annotations

import re
from typing import Final

DEFAULT_NAMESPACE: Final = "default"
MAX_LABEL: Final = 40
MAX_GENERATED_LABEL: Final = 54
MAX_NAME: Final = 128
MAX_POLICY_LABELS: Final = 6
RESERVED_PREFIXES: Final = ("cordium", "local", "octelium", "sys", "vigil")

_LABEL: Final = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]", re.ASCII)


def label_complaint(label: str, longest: int = MAX_LABEL) -> str:
    """Say why a single label is refused, or return an empty string."""
    if "." in label:
        return "must be one name, without dots"
    if not 2 <= len(label) <= longest:
        return f"must have 2 to {longest} characters, not {len(label)}"
    if not _LABEL.fullmatch(label):
        return "must start with a letter, end with a letter or digit, and hold only a-z, 0-9 and -"
    if "--" in label:
        return "must not hold two hyphens in a row"
    return ""


def dotted_complaint(name: str, most: int) -> str:
    """Say why a name of up to ``most`` labels is refused, or return an empty string."""
    labels = name.split(".")
    if len(labels) > most:
        return f"must have at most {most} {'part' if most == 1 else 'parts'}, not {len(labels)}"
    if len(name) > MAX_NAME:
        return f"must have at most {MAX_NAME} characters, not {len(name)}"
    complaints = (label_complaint(label) for label in labels)
    wrong = next(filter(None, complaints), "")
    return f"each part {wrong}" if wrong and len(labels) > 1 else wrong


def reserved_complaint(label: str) -> str:
    """Say that a label is kept for the Cluster itself, or return an empty string."""
    prefix = next((word for word in RESERVED_PREFIXES if label.startswith(word)), "")
    return f'must not start with "{prefix}", which is kept for the Cluster' if prefix else ""


def full_service_name(name: str) -> str:
    """Return the stored name of a Service: ``web`` is ``web.default``."""
    return name if "." in name else f"{name}.{DEFAULT_NAMESPACE}"
