"""The rules of asking for models, and of approving that."""

from gateway.audit.changes import Audited, created, updated
from gateway.db.conditions import Conditions
from gateway.db.rows import Columns
from gateway.domain import Principal, Role
from gateway.errors import Conflict, NotFound, PermissionDenied
from gateway.identity.faults import Faults
from gateway.identity.model_requests.request import ModelRequest, ModelRequestQuery
from gateway.identity.model_requests.store import ModelRequestRecords
from gateway.identity.named_ids import read_ids
from gateway.identity.numbered_pages import read_page
from gateway.identity.records import Records
from gateway.identity.rights import check_is_no_viewer
from gateway.identity.special_models import NO_DEFAULT_MODELS
from gateway.identity.users.service import UserService
from gateway.ids import new_id

__all__ = ["ModelRequests"]

_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_STATUSES = ("pending", "approved", "disapproved")
_LONGEST_JUSTIFICATION = 8_192
_MOST_PENDING = 100
"""Requests of one user that nobody has decided yet."""


class ModelRequests:
    """Requests on behalf of a caller; every change is one transaction. Raises DatabaseUnavailable."""

    def __init__(self, records: Records, requests: ModelRequestRecords, users: UserService) -> None:
        self._records = records
        self._requests = requests
        self._users = users

    async def create(self, caller: Principal, request: ModelRequest) -> Columns:
        """Ask for models; returns the row.

        Raises BadRequest for what cannot be asked, PermissionDenied for somebody else, NotFound for a user
        who is not there, Conflict for one who waits for too many answers already.
        """
        check_is_no_viewer(caller)
        user_id = request.user_id or caller.user_id
        if user_id is None or (user_id != caller.user_id and not caller.is_admin):
            raise PermissionDenied("You can only ask for yourself.", param="user_id")
        values = {
            "models": read_ids("models", request.models),
            "justification": _check_justification(request.justification),
        }
        async with self._records.transaction():
            if await self._records.users.lock(user_id) is None:
                raise NotFound(f"User {user_id} not found", param="user_id")
            waiting = Conditions().add("t.user_id = {}", user_id).add("t.status = {}", "pending")
            if await self._requests.count_matching(waiting) >= _MOST_PENDING:
                message = f"{_MOST_PENDING} requests of this user wait for an answer."
                raise Conflict(message, param="user_id")
            row: Columns = {"request_id": new_id(), "user_id": user_id, **values, "status": "pending"}
            made = await self._requests.insert(row) or row
            change = created(Audited.USER_NOTIFICATION, made["request_id"], made)
            await self._records.audit.record(caller, change)
        return made

    async def page(self, caller: Principal, query: ModelRequestQuery) -> Columns:
        """One page of the requests, of all users for administrators and viewers, else of the caller.

        Raises BadRequest for a page or status that there is not, PermissionDenied for somebody else's.
        """
        page = read_page(query.page, query.page_size, None, None, {}, "t.request_id")
        faults = Faults()
        if query.status not in ("", *_STATUSES):
            faults.add("status", f"must be one of {', '.join(_STATUSES)}.")
        faults.refuse()
        wanted = query.user_id or (None if caller.role in _SEE_ALL else caller.user_id)
        if caller.role not in _SEE_ALL and (wanted is None or wanted != caller.user_id):
            raise PermissionDenied("You can only see your own requests.", param="user_id")
        conditions = Conditions().add_given("t.user_id = {}", wanted)
        conditions.add_given("t.status = {}", query.status or None)
        total = await self._requests.count_matching(conditions)
        return page.show("requests", await self._requests.list_matching(conditions, page), total)

    async def approve(self, caller: Principal, request_id: str) -> Columns:
        """Give the user the models; returns the row.

        A user without a list may use all and keeps that. Raises NotFound, and Conflict for a request that is
        decided already.
        """
        async with self._records.transaction():
            row = await self._decide(caller, request_id, "approved")
            user = await self._records.users.find(row["user_id"])
            if user is None:
                raise NotFound(f"User {row['user_id']} not found", param="request_id")
            if user["models"]:
                kept = [model for model in user["models"] if model != NO_DEFAULT_MODELS]
                models = list(dict.fromkeys([*kept, *row["models"]]))
                await self._users.update(caller, {"user_id": row["user_id"], "models": models})
        return row

    async def disapprove(self, caller: Principal, request_id: str) -> Columns:
        """Leave the user without the models; returns the row. Raises as `approve`."""
        async with self._records.transaction():
            return await self._decide(caller, request_id, "disapproved")

    async def _decide(self, caller: Principal, request_id: str, status: str) -> Columns:
        row = await self._requests.lock(request_id)
        if row is None:
            raise NotFound("Request not found.", param="request_id")
        if row["status"] != "pending":
            raise Conflict(f"The request is {row['status']} already.", param="request_id")
        changed = await self._requests.update(request_id, {"status": status})
        change = updated(Audited.USER_NOTIFICATION, request_id, row, changed)
        await self._records.audit.record(caller, change)
        return changed


def _check_justification(text: str) -> str:
    faults = Faults()
    if not text.strip() or len(text) > _LONGEST_JUSTIFICATION:
        faults.add("justification", f"must have between 1 and {_LONGEST_JUSTIFICATION} characters.")
    faults.refuse()
    return text
