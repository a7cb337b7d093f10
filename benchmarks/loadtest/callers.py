"""Who calls: a key with a budget and limits, alone or with everything else that can have some."""

__all__ = ["EVERYBODY", "KEY", "THEIR_HEADERS", "THEIR_KEY"]

_MOST = b'"max_budget": 1000000, "rpm_limit": 1000000000, "tpm_limit": 1000000000000000'
KEY = b"{%b}" % _MOST
"""The body of `/key/generate` for a key alone."""
EVERYBODY = (
    ("/organization/new", b'{"organization_id": "o", "organization_alias": "o", %b}' % _MOST),
    ("/user/new", b'{"user_id": "u", "auto_create_key": false, %b}' % _MOST),
    ("/team/new", b'{"team_id": "t", "organization_id": "o", %b}' % _MOST),
    (
        "/team/member_add",
        b'{"team_id": "t", "member": {"role": "user", "user_id": "u"}, "max_budget_in_team": 1000000}',
    ),
    ("/project/new", b'{"project_id": "p", "team_id": "t", %b}' % _MOST),
    ("/tag/new", b'{"name": "a", %b}' % _MOST),
    ("/tag/new", b'{"name": "b", %b}' % _MOST),
    ("/customer/new", b'{"user_id": "c", "max_budget": 1000000}'),
)
"""Objects that a request can belong to, with budgets and limits on all of them: paths and bodies."""
THEIR_KEY = b'{"user_id": "u", "team_id": "t", "project_id": "p", %b}' % _MOST
"""The body of `/key/generate` for a key that belongs to them."""
THEIR_HEADERS = {"x-litellm-customer-id": "c", "x-litellm-tags": "a,b"}
