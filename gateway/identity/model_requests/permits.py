"""What whom may do to requests for models."""

from gateway.permits.permit import ALL, Permit, allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["DECIDE_REQUEST", "MAKE_REQUEST", "SEE_REQUESTS"]

MAKE_REQUEST = Permit(
    resource=Resource.NOTIFICATION,
    action=Action.CREATE,
    fields={Party.PROXY_ADMIN: ALL, Party.CALLER: frozenset({"models", "justification", "user_id"})},
)
"""The `user_id` of a `CALLER` is its own."""
SEE_REQUESTS = allow(Resource.NOTIFICATION, Action.READ, Party.OWNER)
DECIDE_REQUEST = allow(Resource.NOTIFICATION, Action.UPDATE)
