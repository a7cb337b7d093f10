"""What follows from inheritance, and which policies a request has in which order."""

from gateway.catalog.added import AddedAttachment, AddedPolicy
from gateway.guardrails.policies.book import Circumstances, PolicyBook, build_book
from gateway.settings.policies import AttachmentEntry, Condition, PolicyEntry

EVERYTHING = AttachmentEntry(policy="a", is_global=True)


def book(*policies: PolicyEntry, attachments: tuple[AttachmentEntry, ...] = (EVERYTHING,)) -> PolicyBook:
    return build_book(policies, attachments)


def names(found: PolicyBook, **there: tuple[str, ...]) -> list[str]:
    return [match.policy.name for match in found.find(Circumstances(**there))]


def test_a_chain_is_applied_from_its_root() -> None:
    found = book(
        PolicyEntry(name="a", inherit="b", add=("x",), remove=("y",)),
        PolicyEntry(name="b", inherit="c", add=("y", "z")),
        PolicyEntry(name="c", add=("w",), remove=("z",)),
    ).policies["a"]
    assert (found.guardrails, found.chain, found.fault) == (("w", "z", "x"), ("c", "b", "a"), "")


def test_circles_and_unknown_parents_are_faults() -> None:
    found = book(
        PolicyEntry(name="a", inherit="b"),
        PolicyEntry(name="b", inherit="a"),
        PolicyEntry(name="c", inherit="nobody"),
        PolicyEntry(name="d", inherit="d"),
    ).policies
    assert all(policy.fault for policy in found.values())


def test_attachments_apply_by_priority_and_then_in_their_order() -> None:
    entries = [PolicyEntry(name=name) for name in "abc"]
    attachments = (
        AttachmentEntry(policy="a", is_global=True),
        AttachmentEntry(policy="b", is_global=True, priority=5),
        AttachmentEntry(policy="c", is_global=True, priority=1),
        AttachmentEntry(policy="b", is_global=True),
    )
    assert names(book(*entries, attachments=attachments)) == ["c", "b", "a"]


def test_all_kinds_of_an_attachment_must_fit() -> None:
    scope = Condition(teams=("t*",), models=("m",))
    found = book(PolicyEntry(name="a"), attachments=(AttachmentEntry(policy="a", scope=scope),))
    assert names(found, teams=("tea",), models=("m",)) == ["a"]
    assert names(found, teams=("tea",), models=("n",)) == []
    assert names(found, models=("m",)) == []
    (match,) = found.find(Circumstances(teams=("x", "tea"), models=("m",)))
    assert match.reason == "team:tea+model:m"


def stored(name: str, *, is_live: bool = True, fault: str = "", **members: str) -> AddedPolicy:
    entry = PolicyEntry(name=name, **members)  # type: ignore[arg-type]  texts only
    return AddedPolicy(policy_id=f"id-{name}", entry=entry, is_live=is_live, fault=fault)


def test_what_is_not_in_production_does_nothing() -> None:
    found = build_book((), (EVERYTHING,), [stored("a", is_live=False), stored("b", inherit="a")])
    assert names(found) == []
    assert "not in production" in found.policies["b"].fault


def test_a_name_of_the_configuration_stays_its_own() -> None:
    found = build_book((PolicyEntry(name="a", add=("x",)),), (), [stored("a")])
    assert (found.policies["a"].guardrails, found.policies["a"].policy_id) == (("x",), "a")


def test_what_nobody_can_read_refuses_what_it_concerns() -> None:
    found = build_book((), (EVERYTHING,), [stored("a", fault="broken")])
    assert found.find(Circumstances())[0].policy.fault == "broken"
    unreadable = AddedAttachment(entry=EVERYTHING, fault="broken")
    found = build_book((), (), [stored("a")], [unreadable])
    assert "attachments" in found.find(Circumstances())[0].policy.fault


def test_answers_are_remembered_by_what_patterns_ask_for_and_not_without_bound() -> None:
    scope = Condition(tags=("a*",))
    found = book(PolicyEntry(name="a"), attachments=(AttachmentEntry(policy="a", scope=scope),))
    first = found.find(Circumstances(tags=("ab",), keys=("k1",)))
    assert found.find(Circumstances(tags=("ab",), keys=("k2",))) is first
    assert found.find(Circumstances(tags=("b",))) == ()
    for number in range(10_000):
        found.find(Circumstances(tags=(str(number),)))
    assert len(found._remembered) < 5_000
