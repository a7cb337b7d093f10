"""All policies of a gateway with what follows from their inheritance, and where they apply."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec
import structlog

from gateway.catalog.added import AddedAttachment, AddedPolicy
from gateway.guardrails.policies.patterns import matches_any
from gateway.settings.policies import AttachmentEntry, Condition, PolicyEntry

__all__ = ["EMPTY_BOOK", "Circumstances", "Match", "Policy", "PolicyBook", "build_book", "resolve_policy"]

_LAST = 2**31
"""The rank of an attachment without a priority."""
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 4_096, 1_000
"""Answers that are kept, and the characters that a request's tags may have for its answer to be kept."""
_KINDS = ("models", "teams", "keys", "tags")
_Question = tuple[tuple[object, ...], ...]


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What patterns are compared with: names and ids of what a request is about."""

    models: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy with its parents' guardrails. `policy_id` is its row's, or its name for the configuration's.

    `fault` says why it cannot be followed: what it concerns is refused. One that is not live does nothing.
    """

    name: str
    policy_id: str
    entry: PolicyEntry
    guardrails: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    fault: str = ""
    is_live: bool = True
    is_stored: bool = False


class Match(msgspec.Struct, frozen=True):
    """A policy that a request has, and why."""

    policy: Policy
    reason: str


class PolicyBook:
    """The policies by name, and their attachments in the order in which they apply."""

    def __init__(self, policies: Mapping[str, Policy], attachments: Sequence[AttachmentEntry]) -> None:
        self.policies = policies
        ranked = sorted(attachments, key=lambda item: _LAST if item.priority is None else item.priority)
        self.attachments = tuple(item for item in ranked if not item.is_default)
        self.defaults = tuple(item for item in ranked if item.is_default)
        asked = [policy.entry.condition for policy in policies.values()] + [item.scope for item in ranked]
        self._kinds = [kind for kind in _KINDS if any(getattr(one, kind) for one in asked)]
        self.looks_at_models = "models" in self._kinds
        self._remembered: dict[_Question, tuple[Match, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self.policies or self.attachments or self.defaults)

    def find(self, there: Circumstances, named: tuple[tuple[str, str], ...] = ()) -> tuple[Match, ...]:
        """The policies of a request, each once: those attached, then those `named`, with the reason for it.

        A name that nobody knows is found as a policy with a fault. Answers are remembered, for most requests
        resemble others: what no pattern asks for makes no difference.
        """
        if not self or sum(map(len, there.tags)) > _LONGEST_REMEMBERED:
            return self._find(there, named)
        question = (named, *(getattr(there, kind) for kind in self._kinds))
        found = self._remembered.get(question)
        if found is None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[question] = self._find(there, named)
        return found

    def _find(self, there: Circumstances, named: Iterable[tuple[str, str]]) -> tuple[Match, ...]:
        found: dict[str, Match] = {}
        for name, reason in (*self._attached(there), *named):
            policy = self.policies.get(name) or _unknown(name)
            if policy.is_live and (policy.fault or _fits(policy.entry.condition, there)):
                found.setdefault(name, Match(policy, reason))
        return tuple(found.values())

    def _attached(self, there: Circumstances) -> Iterator[tuple[str, str]]:
        is_any = False
        for item in self.attachments:
            if item.is_global or _fits(item.scope, there):
                is_any = True
                yield item.policy, _describe(item, there)
        for item in () if is_any else self.defaults:
            if item.is_global or _fits(item.scope, there):
                yield item.policy, _describe(item, there)


EMPTY_BOOK = PolicyBook({}, ())


def build_book(
    policies: Iterable[PolicyEntry],
    attachments: Iterable[AttachmentEntry],
    added_policies: Iterable[AddedPolicy] = (),
    added_attachments: Iterable[AddedAttachment] = (),
    former: PolicyBook = EMPTY_BOOK,
) -> PolicyBook:
    """The configuration's policies and those of the database; a name of the configuration stays its own.

    What cannot be followed is logged, unless it was so in the `former` book, and refuses what it concerns.
    """
    log = structlog.get_logger(__name__)
    known = {entry.name: Policy(name=entry.name, policy_id=entry.name, entry=entry) for entry in policies}
    for added in added_policies:
        name = added.entry.name
        if name in known and not known[name].is_stored:
            log.warning("policy_shadowed", policy=name, reason="the configuration has one")
            continue
        known[name] = Policy(
            name=name,
            policy_id=added.policy_id,
            entry=added.entry,
            fault=added.fault,
            is_live=added.is_live,
            is_stored=True,
        )
    added_attachments = tuple(added_attachments)
    resolved = {name: resolve_policy(policy, known) for name, policy in known.items()}
    resolved |= _refuse_unreadable(added_attachments, resolved)
    for policy in resolved.values():
        before = former.policies.get(policy.name)
        if policy.fault and policy.is_live and (before is None or before.fault != policy.fault):
            log.error("policy_refuses_all", policy=policy.name, reason=policy.fault)
    return PolicyBook(resolved, (*attachments, *(item.entry for item in added_attachments)))


def resolve_policy(policy: Policy, known: Mapping[str, Policy]) -> Policy:
    """The policy with the guardrails of its chain, from the root on; those of pipelines are among them."""
    chain: list[Policy] = [policy]
    fault = policy.fault
    while (parent := chain[0].entry.inherit) is not None and not fault:
        above = known.get(parent)
        if any(item.name == parent for item in chain):
            fault = f"It inherits from itself, by way of '{parent}'."
        elif above is None or not above.is_live:
            fault = f"Its parent '{parent}' is not there, or not in production."
        else:
            chain.insert(0, above)
            fault = above.fault
    names: dict[str, None] = {}
    for item in chain:
        steps = item.entry.pipeline.steps if item.entry.pipeline is not None else ()
        names |= dict.fromkeys((*item.entry.add, *(step.guardrail for step in steps)))
        names = {name: None for name in names if name not in item.entry.remove}
    return msgspec.structs.replace(
        policy,
        guardrails=tuple(names),
        chain=tuple(item.name for item in chain),
        fault=fault,
    )


def _refuse_unreadable(added: Iterable[AddedAttachment], known: Mapping[str, Policy]) -> dict[str, Policy]:
    """The policies with an attachment that nobody can read: it may concern anything."""
    return {
        item.entry.policy: msgspec.structs.replace(
            known[item.entry.policy], fault=f"One of its attachments cannot be read: {item.fault}"
        )
        for item in added
        if item.fault and item.entry.policy in known
    }


def _unknown(name: str) -> Policy:
    return Policy(name=name, policy_id=name, entry=PolicyEntry(name=name), fault="There is no such policy.")


def _fits(wanted: Condition, there: Circumstances) -> bool:
    kinds: Collection[tuple[tuple[str, ...], tuple[str, ...]]] = (
        (wanted.models, there.models),
        (wanted.teams, there.teams),
        (wanted.keys, there.keys),
        (wanted.tags, there.tags),
    )
    return all(not patterns or matches_any(patterns, names) for patterns, names in kinds)


def _describe(item: AttachmentEntry, there: Circumstances) -> str:
    """Why an attachment applies, with the contract's words."""
    if item.is_global:
        return "scope:*"
    kinds = (
        ("tag", item.scope.tags, there.tags),
        ("team", item.scope.teams, there.teams),
        ("key", item.scope.keys, there.keys),
        ("model", item.scope.models, there.models),
    )
    return "+".join(
        f"{kind}:{next(name for name in names if matches_any(patterns, (name,)))}"
        for kind, patterns, names in kinds
        if patterns
    )
