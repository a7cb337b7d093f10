"""Whether the models that a request names as its fallbacks are open to its caller, and limited apart."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from gateway.access.aliases import follow_aliases
from gateway.access.model_access import check_models, check_subject_models
from gateway.access.models import ModelLists, pattern_covers
from gateway.hooks import RequestContext

__all__ = ["build_fallback_check", "is_limited_apart"]

_MEMBERS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")


def build_fallback_check(lists: ModelLists) -> Callable[[RequestContext], None]:
    """`enforce_fallback_model_access`: a check that raises ModelAccessDenied for one that is not open."""

    def check(context: RequestContext) -> None:
        members = context.body.members
        for member in _MEMBERS:
            if member in members:
                for name in _names(context.body.read(member)):
                    routed = follow_aliases(context.principal, name)
                    check_models(lists, context.principal, name, routed)
                    check_subject_models(lists, context.principal, context.subjects, name, routed)

    return check


def is_limited_apart(context: RequestContext, *names: str) -> bool:
    """Whether somebody has a limit on a model of these names, and not on the one that the request asks for.

    What the request costs and counts would be missing there.
    """
    fallback, asked = _spellings(names), _spellings((context.model, context.routed_model))
    limits = (limit for owner in (context.principal, *context.subjects) for limit in owner.limits)
    patterns = {limit.model for limit in limits if limit.model is not None}
    return any(_covers(pattern, fallback) and not _covers(pattern, asked) for pattern in patterns)


def _covers(pattern: str, names: Iterable[str]) -> bool:
    return any(pattern_covers(pattern, name) for name in names)


def _spellings(names: Iterable[str]) -> frozenset[str]:
    """The names, and what follows a provider in them."""
    given = frozenset(names)
    return given | {rest for name in given if (rest := name.partition("/")[2])}


def _names(value: object) -> Iterator[str]:
    """Every model that the contract's forms may lead to, also those for another model than the asked one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in cast("list[object]", value):  # of unknown JSON values
            yield from _names(item)
    elif isinstance(value, dict):
        members = cast("Mapping[str, object]", value)  # JSON objects have text keys
        # `{"model": name, ...}` is a request of its own, anything else leads from names to names.
        inner = [members["model"]] if isinstance(members.get("model"), str) else list(members.values())
        for item in inner:
            yield from _names(item)
