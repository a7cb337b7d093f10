"""Applications on Principals: what else is found by a caller's identity is found for each of them."""

import gc

from gateway.identity.tokens.applications import Applications, read_application
from gateway.identity.tokens.claims import Claims
from gateway.settings.jwt import ClaimFields
from gateway.testing import make_principal

FIELDS = ClaimFields(mcp_client_id="app.id")


def test_one_application_of_a_caller_is_one_object_with_its_other_teams():
    applications = Applications()
    other = make_principal(team_id="blue")
    caller = make_principal(team_id="red", alternatives=(other,))
    named = applications.name(caller, "cursor")
    assert applications.name(caller, "cursor") is named
    assert named.client_application == "cursor"
    assert [one.client_application for one in named.alternatives] == ["cursor"]
    assert applications.name(caller, "claude-code") is not named
    assert (caller.client_application, other.client_application) == (None, None)
    assert named.token_hash == caller.token_hash


def test_applications_are_forgotten_with_their_caller():
    applications = Applications()
    caller = make_principal()
    named = applications.name(caller, "cursor")
    del caller
    gc.collect()
    assert len(applications) == 0
    assert named.client_application == "cursor"


def test_many_applications_of_a_caller_do_not_pile_up():
    applications, caller = Applications(), make_principal()
    first = applications.name(caller, "0")
    for number in range(1, 100):
        applications.name(caller, str(number))
    assert applications.name(caller, "0") is not first


def test_a_token_that_names_no_application_says_so():
    said = {"app": {"id": "Claude-Code"}, "app.id": "exactly this name wins"}
    assert read_application(Claims({"app": {"id": "Claude-Code"}}), FIELDS) == "Claude-Code"
    assert read_application(Claims(said), FIELDS) == "exactly this name wins"
    for nothing in ({}, {"app": "x"}, {"app": {"id": ["x"]}}, {"app": {"id": " "}}):
        assert read_application(Claims(nothing), FIELDS) == ""
    assert read_application(Claims(said), ClaimFields()) is None
