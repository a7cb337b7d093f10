"""Making and deleting many users, with a result for each."""

from collections.abc import Sequence

from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import BadRequest, DatabaseUnavailable, GatewayError
from gateway.identity.named_ids import MOST_NAMED, read_ids
from gateway.identity.records import Records
from gateway.identity.rights import check_is_no_viewer, refuse_role
from gateway.identity.users.removal import UserRemoval
from gateway.identity.users.request import NewUserRequest
from gateway.identity.users.service import UserService

__all__ = ["BulkUsers"]


class BulkUsers:
    """Makes and deletes at most 500 users on behalf of a caller. Raises DatabaseUnavailable."""

    def __init__(self, records: Records, users: UserService, removal: UserRemoval) -> None:
        self._records = records
        self._users = users
        self._removal = removal

    async def create(self, caller: Principal, requests: Sequence[NewUserRequest]) -> Columns:
        """Make users, each by itself: what is wrong with one does not stop the others.

        Raises BadRequest for none or too many, AuthenticationFailed for who administers nothing.
        """
        if not 1 <= len(requests) <= MOST_NAMED:
            message = f"users: must have between 1 and {MOST_NAMED} entries. Received: {len(requests)}"
            raise BadRequest(message, param="users", type="bad_request_error")
        check_is_no_viewer(caller)
        if not caller.is_admin and not await self._records.organizations.list_administered(caller.user_id):
            raise refuse_role(caller, "/management/v1/users/bulk")
        data = [await self._create(caller, request) for request in requests]
        done = sum(bool(one["success"]) for one in data)
        counts = {"total_requested": len(data), "successful": done, "failed": len(data) - done}
        return {"data": data, "meta": counts}

    async def delete(self, caller: Principal, user_ids: list[str]) -> list[Columns]:
        """Delete the users who are there, all or none of them; says of each whether it was.

        Raises as `UserRemoval.delete`, except for users who are not there.
        """
        wanted = read_ids("user_ids", user_ids)
        known = await self._records.users.list_known(wanted)
        present = [user_id for user_id in wanted if user_id in known]
        if present or not caller.is_admin:
            # Who may not delete them does not learn that they are not there.
            await self._removal.delete(caller, present or wanted)
        return [
            {
                "user_id": user_id,
                "success": user_id in known,
                "error": None if user_id in known else "There is no such user.",
            }
            for user_id in wanted
        ]

    async def _create(self, caller: Principal, request: NewUserRequest) -> Columns:
        names = {"user_id": request.user_id, "user_email": request.user_email}
        try:
            made = await self._users.create(caller, request)
        except DatabaseUnavailable:
            raise
        except GatewayError as error:
            return {**names, "success": False, "error": error.message, "user": None}
        names = {"user_id": made["user_id"], "user_email": made["user_email"]}
        return {**names, "success": True, "error": None, "user": made}
