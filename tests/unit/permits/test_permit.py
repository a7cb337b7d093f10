"""A permit lets exactly whom it names set exactly what it names."""

from gateway.permits.permit import ALL, Permit, allow
from gateway.permits.terms import Action, Party, Resource

CHANGE = Permit(
    resource=Resource.TEAM,
    action=Action.UPDATE,
    fields={Party.PROXY_ADMIN: ALL, Party.TEAM_ADMIN: frozenset({"team_alias", "models"})},
)


def test_a_party_sets_the_members_that_are_listed_for_it():
    assert CHANGE.first_refused(Party.TEAM_ADMIN, ["models", "team_alias"]) is None
    assert CHANGE.first_refused(Party.TEAM_ADMIN, ["models", "spend", "blocked"]) == "spend"


def test_who_may_set_all_is_refused_nothing():
    assert CHANGE.first_refused(Party.PROXY_ADMIN, ["spend", "anything"]) is None


def test_who_is_not_named_may_not_act_and_set_nothing():
    for party in (Party.TEAM_MEMBER, None):
        assert not CHANGE.admits(party)
        assert CHANGE.first_refused(party, ["models"]) == "models"


def test_viewers_are_let_read_and_do_nothing_else():
    assert allow(Resource.TAG, Action.READ).admits(Party.PROXY_ADMIN_VIEWER)
    assert not allow(Resource.TAG, Action.RUN).admits(Party.PROXY_ADMIN_VIEWER)
    assert allow(Resource.TAG, Action.RUN, Party.OWNER).admits(Party.OWNER)
