"""The rules of submitting guardrails, and of reviewing what was submitted."""

from collections.abc import Collection, Mapping
from typing import Any, cast

from gateway.audit.changes import Audited, created, updated
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.domain import Principal, Role
from gateway.errors import BadRequest, Conflict, NotFound, PermissionDenied
from gateway.guardrails.kinds import Kinds
from gateway.identity.records import Records
from gateway.identity.rights import Level, party_of
from gateway.identity.teams.standing import find_level
from gateway.inventory.guardrails.permits import SUBMIT
from gateway.inventory.guardrails.request import RegisterGuardrailRequest, SubmissionQuery
from gateway.inventory.guardrails.rules import ACTIVE, SUBMITTER, refuse_taken, refuse_unknown, shown_info
from gateway.inventory.guardrails.store import GuardrailRecords
from gateway.inventory.guardrails.submission_rules import check_submission
from gateway.inventory.guardrails.submissions_store import Audience, SubmissionRecords
from gateway.inventory.notices import announce_models
from gateway.permits.terms import Party
from gateway.upstream.address_guard import AddressGuard

__all__ = ["SubmissionService"]

_PENDING, _REJECTED = "pending_review", "rejected"
_MOST_WAITING = 20
_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_VIEWERS = frozenset({Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER_VIEWER})
_SHOWN = (
    *("guardrail_id", "guardrail_name", "status", "team_id", "litellm_params"),
    *("submitted_at", "reviewed_at", "created_at", "updated_at"),
)


class SubmissionService:
    """Guardrails that teams would have run; nothing of them runs before a proxy admin approves.

    All methods raise DatabaseUnavailable. A change is one transaction; an approval is announced in it.
    `configured` are the names of the configuration's guardrails.
    """

    def __init__(self, database: Database, records: Records, guard: AddressGuard) -> None:
        self._database = database
        self._records = records
        self._guard = guard
        self._guardrails = GuardrailRecords(database)
        self._submissions = SubmissionRecords(database)
        self._kinds = Kinds()

    async def submit(
        self, caller: Principal, body: RegisterGuardrailRequest, configured: Collection[str]
    ) -> Columns:
        """Store a guardrail for review; one of the same name that was rejected is submitted again.

        Raises NotFound for a team that is not the caller's, PermissionDenied for a role that only looks,
        BadRequest for what may not be submitted, Conflict for a name that is taken, and for a team of which
        too many submissions wait.
        """
        name = body.guardrail_name
        team_id = await self._team_of(caller, body.team_id or caller.team_id)
        self._check(name, body.litellm_params, body.guardrail_info)
        async with self._records.transaction():
            if await self._records.teams.lock(team_id) is None:
                raise _no_team(team_id)
            if await self._submissions.count_waiting(team_id, _MOST_WAITING) >= _MOST_WAITING:
                raise Conflict(f"{_MOST_WAITING} submissions of the team wait for review already.")
            former = await self._submissions.lock_named(name)
            identifier = await self._place(name, team_id, former, configured)
            columns = {
                "litellm_params": body.litellm_params,
                "guardrail_info": {**(body.guardrail_info or {}), SUBMITTER: _describe(caller)},
                "team_id": team_id,
                "status": _PENDING,
                "submitted_at": self._records.now(),
                "reviewed_at": None,
            }
            made = await self._guardrails.update(identifier, columns)
            change = created(Audited.GUARDRAIL, identifier, _show(made))
            if former is not None:
                change = updated(Audited.GUARDRAIL, identifier, _show(former), _show(made))
            await self._records.audit.record(caller, change)
        return {name: made[name] for name in ("guardrail_id", "guardrail_name", "status", "submitted_at")}

    async def list_page(self, caller: Principal, query: SubmissionQuery) -> dict[str, Any]:
        """Submissions of the caller's teams, and how many there are of each status."""
        audience = await self._audience(caller)
        rows = await self._submissions.list_page(query, audience)
        counts = await self._submissions.count_by_status(query, audience)
        summary = {name: counts.get(name, 0) for name in (_PENDING, ACTIVE, _REJECTED)}
        return {
            "submissions": [_show(row) for row in rows],
            "summary": {"total": sum(summary.values()), **summary},
            "page": query.page,
            "page_size": query.page_size,
        }

    async def find(self, caller: Principal, identifier: str) -> Columns:
        """One submission; raises NotFound, also for one that is not of the caller's teams."""
        row = await self._submissions.find_visible(identifier, await self._audience(caller))
        if row is None:
            raise refuse_unknown(identifier)
        return _show(row)

    async def approve(self, caller: Principal, identifier: str, configured: Collection[str]) -> Columns:
        """Have a submission run; raises as `submit` where that is impossible meanwhile."""
        async with self._records.transaction():
            row = await self._lock_pending(identifier)
            if row["guardrail_name"] in configured:
                raise refuse_taken(row["guardrail_name"])
            self._check(row["guardrail_name"], row["litellm_params"], shown_info(row["guardrail_info"]))
            await self._review(caller, row, ACTIVE)
            await announce_models(self._database)
        return _reviewed(row, ACTIVE, "It runs on every worker within a second, where it is asked for.")

    async def reject(self, caller: Principal, identifier: str) -> Columns:
        """Refuse a submission; its team may submit it again."""
        async with self._records.transaction():
            row = await self._lock_pending(identifier)
            await self._review(caller, row, _REJECTED)
        return _reviewed(row, _REJECTED, "It does not run; its team may submit it again.")

    async def _review(self, caller: Principal, row: Columns, status: str) -> None:
        identifier = row["guardrail_id"]
        values = {"status": status, "reviewed_at": self._records.now()}
        changed = await self._guardrails.update(identifier, values)
        await self._records.audit.record(
            caller, updated(Audited.GUARDRAIL, identifier, _show(row), _show(changed))
        )

    async def _lock_pending(self, identifier: str) -> Columns:
        row = await self._guardrails.lock(identifier)
        if row is None or row["submitted_at"] is None:
            raise refuse_unknown(identifier)
        if row["status"] != _PENDING:
            raise Conflict(f"The submission does not wait for review; its status is '{row['status']}'.")
        return row

    async def _place(
        self, name: str, team_id: str, former: Columns | None, configured: Collection[str]
    ) -> str:
        """The id of the row to write: a new one, or that of the same team's rejected submission."""
        if name in configured:
            raise refuse_taken(name)
        if former is not None and (former["status"], former["team_id"]) == (_REJECTED, team_id):
            return former["guardrail_id"]
        identifier = None if former is not None else await self._guardrails.add(name, None)
        if identifier is None:
            raise refuse_taken(name)
        return identifier

    async def _team_of(self, caller: Principal, team_id: str | None) -> str:
        """The team, if the caller may submit for it."""
        if caller.role in _VIEWERS:
            raise PermissionDenied("A role that only looks submits nothing.")
        if not team_id:
            raise BadRequest(
                "A guardrail is submitted for a team: send 'team_id', or use a key of the team.",
                param="team_id",
                type="bad_request_error",
            )
        team = await self._records.teams.find(team_id)
        level = Level.NONE if team is None else await find_level(self._records, caller, team)
        is_key_of_team = team is not None and caller.team_id == team_id
        party = Party.OWNER if level is Level.NONE and is_key_of_team else party_of(level)
        if not SUBMIT.admits(party):
            raise _no_team(team_id)
        return team_id

    async def _audience(self, caller: Principal) -> Audience | None:
        if caller.role in _SEE_ALL:
            return None
        user_id = caller.user_id
        found = await self._records.organizations.list_administered(user_id) if user_id else ()
        return Audience(caller.team_id, user_id, tuple(found))

    def _check(self, name: str, params: Mapping[str, object], info: Mapping[str, object] | None) -> None:
        check_submission(self._kinds, name, params, info, self._guard)


def _describe(caller: Principal) -> dict[str, str | None]:
    return {"user_id": caller.user_id, "user_email": caller.user_email}


def _show(row: Columns) -> Columns:
    info = cast("dict[str, Any]", row["guardrail_info"] or {})  # an object, see `submit`
    by = cast("dict[str, str | None]", info.get(SUBMITTER) or {})
    return {
        **{name: row[name] for name in _SHOWN},
        "team_guardrail": True,
        "guardrail_info": shown_info(info),
        "submitted_by_user_id": by.get("user_id"),
        "submitted_by_email": by.get("user_email"),
    }


def _reviewed(row: Columns, status: str, message: str) -> Columns:
    return {"guardrail_id": row["guardrail_id"], "status": status, "message": message}


def _no_team(team_id: str) -> NotFound:
    return NotFound(f"Team not found, passed team_id={team_id[:200]}.", param="team_id")
