"""The paths that the gateway answers itself, and whether a pass-through would stand in their way."""

from collections.abc import Iterable, Sequence

__all__ = ["OwnPaths"]

_ANYTHING, _REST = "{}", "{}*"


class OwnPaths:
    """Paths as the application has them: `{name:str}` is any segment, a final `{name:path}` any number.

    `mounts` take everything below them.
    """

    def __init__(self, paths: Iterable[str] = (), mounts: Iterable[str] = ()) -> None:
        self._paths = [(path, _pattern(path)) for path in paths]
        self._paths += [(mount, [*_pattern(mount), _REST]) for mount in mounts]

    def find(self, path: str, *, includes_subpath: bool) -> str | None:
        """The first own path that a pass-through at `path` would share requests with."""
        wanted = [*path.split("/")[1:], *([_REST] if includes_subpath else [])]
        return next((own for own, pattern in self._paths if _do_meet(pattern, wanted)), None)


def _pattern(path: str) -> list[str]:
    return [_segment(part) for part in path.rstrip("/").split("/")[1:]]


def _segment(part: str) -> str:
    if not part.startswith("{"):
        return part
    return _REST if part.endswith(":path}") else _ANYTHING


def _do_meet(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether some path is one of both patterns; a final rest stands for any number of segments, or none."""
    for one, other in zip(first, second, strict=False):
        if _REST in (one, other):
            return True
        if one != other and _ANYTHING not in (one, other):
            return False
    longer = first if len(first) > len(second) else second
    shorter = min(len(first), len(second))
    return len(first) == len(second) or longer[shorter] == _REST
