"""Names with `*`, matched in time that grows with the pattern and the name, whoever wrote either."""

from collections.abc import Iterable

__all__ = ["is_match", "matches_any"]


def matches_any(patterns: Iterable[str], names: Iterable[str]) -> bool:
    """Whether one of the names fits one of the patterns."""
    known = tuple(names)
    return any(is_match(pattern, name) for pattern in patterns for name in known)


def is_match(pattern: str, name: str) -> bool:
    """Whether the whole name fits, where `*` stands for any text.

    Each part between two stars is looked for once, behind the one before it: the first place is as good as
    any later one.
    """
    head, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    *middle, tail = rest
    if len(name) < len(head) + len(tail) or not (name.startswith(head) and name.endswith(tail)):
        return False
    at, end = len(head), len(name) - len(tail)
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
