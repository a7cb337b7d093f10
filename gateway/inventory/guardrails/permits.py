"""What whom may do to submitted guardrails."""

from gateway.permits.permit import Permit, allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["REVIEW", "SEE_SUBMISSIONS", "SUBMIT"]

_TEAM = (Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN, Party.TEAM_MEMBER, Party.OWNER)

SUBMIT: Permit = allow(Resource.GUARDRAIL, Action.CREATE, *_TEAM)
"""Nothing runs by it. `OWNER` is a key of the team."""
SEE_SUBMISSIONS: Permit = allow(Resource.GUARDRAIL, Action.READ, *_TEAM)
REVIEW: Permit = allow(Resource.GUARDRAIL, Action.UPDATE)
