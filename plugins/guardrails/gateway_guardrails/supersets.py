"""Makes patterns of RE2 that fit whatever given patterns of Python fit, and sometimes more.

RE2 takes linear time, but cannot look around or back; what these patterns find is then checked by the
given ones.
"""

import re

__all__ = ["is_exact", "superset", "superset_in_short"]

_AROUND = re.compile(r"\(\?(?:=|!|<=|<!)[^()]*\)")
_BACK = re.compile(r"\\[1-9]")
_SPACES = re.compile(r" ([*+])")
_PART = re.compile(r"\\.|\[\^?\]?|\]|[^\\\[\]]+", re.DOTALL)
_COUNTED = re.compile(r"\{(\d+)(,?)(\d*)\}")
_CLASSES = {r"\d": r"\p{Nd}", r"\w": r"\p{L}\p{N}_", r"\s": r"\s\x0b\x1c-\x1f\x85\p{Z}", r"\v": r"\v\n"}
"""What these say to Python's engine, which knows all of Unicode; a value of one line ends with it."""
_MOST_REPEATED = 1000
"""RE2 repeats nothing more often."""
_MOST_SPACES = {"*": " {0,8}", "+": " {1,8}"}
"""Runs of spaces that stand beside each other would take Python cubic time."""
_SHORT = 3
"""Longer counts make RE2's automaton for all patterns so large that it is built anew all the time."""


def is_exact(pattern: re.Pattern[str]) -> bool:
    """Whether a superset fits the same texts: then Python's engine finds at once what RE2 has found."""
    return not (_AROUND.search(pattern.pattern) or _BACK.search(pattern.pattern))


def superset(pattern: re.Pattern[str]) -> str:
    """What fits wherever the pattern does, but over at most eight spaces in a row."""
    text = _BACK.sub("['\"`]?", _AROUND.sub("", pattern.pattern))
    text = _SPACES.sub(lambda found: _MOST_SPACES[found[1]], text)
    text = _COUNTED.sub(_without_large_bound, "".join(_translate(text)))
    return f"(?{'mi' if pattern.flags & re.IGNORECASE else 'm'}){text}"


def superset_in_short(pattern: re.Pattern[str]) -> str:
    """What fits somewhere in each text in which the pattern does, and is fast among many others."""
    return _COUNTED.sub(_short, superset(pattern))


def _translate(text: str) -> list[str]:
    parts: list[str] = []
    is_in_class = False
    for part in _PART.findall(text):
        if part.startswith("[") and not is_in_class:
            is_in_class = True
            parts.append(part.replace("]", r"\]"))
        elif part == "]":
            is_in_class = False
            parts.append(part)
        elif part in _CLASSES:
            parts.append(_CLASSES[part] if is_in_class else f"[{_CLASSES[part]}]")
        else:
            parts.append(part)
    return parts


def _without_large_bound(found: re.Match[str]) -> str:
    return f"{{{found[1]},}}" if found[3] and int(found[3]) > _MOST_REPEATED else found[0]


def _short(found: re.Match[str]) -> str:
    least = min(int(found[1]), _SHORT)
    is_open = found[2] or int(found[1]) > _SHORT
    return f"{{{least},}}" if is_open else found[0]
