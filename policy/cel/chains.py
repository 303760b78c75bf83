"""Chains of fields such as ``ctx.request.http.path``, and which of them are read repeatedly."""

from __future__ import annotations

from collections import Counter

from policy.cel.syntax import Comprehension, Ident, Index, Literal, Node, Select


def field_of(node: Node) -> str | None:
    """Return the field a node selects: by name, or by a constant string in brackets."""
    if isinstance(node, Select) and not node.is_optional:
        return node.field
    if isinstance(node, Index) and not node.is_optional and isinstance(node.key, Literal):
        return node.key.value if isinstance(node.key.value, str) else None
    return None


def unchain(node: Node) -> tuple[Node, list[Node]]:
    """Return what a chain begins with, and its links from there on."""
    links: list[Node] = []
    while field_of(node) is not None:
        links.append(node)
        node = node.children()[0]
    links.reverse()
    return node, links


def repeated_chains(root: Node) -> frozenset[tuple[str, ...]]:
    """Return the chains, names first, that one evaluation may follow more than once."""
    counts: Counter[tuple[str, ...]] = Counter()
    waiting = [(root, 1)]
    while waiting:
        node, times = waiting.pop()
        base, links = unchain(node)
        if links and isinstance(base, Ident):
            counts[base.name, *(str(field_of(link)) for link in links)] += times
        elif isinstance(base, Comprehension):
            waiting.append((base.range, times))
            waiting.extend((term, 2) for term in base.terms)
        else:
            waiting.extend((child, times) for child in base.children())
    return frozenset(chain for chain, count in counts.items() if count > 1)
