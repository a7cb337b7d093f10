import pytest

from gateway.domain import Scope, ScopeKind, Subject
from gateway.testing import make_context


def test_a_subject_restricts_nothing_unless_it_says_so():
    subject = Subject(scope=Scope(ScopeKind.TAG, "t"))
    assert (subject.limits, subject.grants, subject.unreadable) == ((), (), ())
    assert not subject.is_blocked
    assert subject.allowed_region is None


def test_a_request_has_no_subjects_until_they_are_looked_up():
    context = make_context()
    assert context.subjects == ()
    assert not context.is_free


def test_subjects_are_values():
    with pytest.raises(AttributeError):
        Subject(scope=Scope(ScopeKind.TAG, "t")).is_blocked = True
