"""Users as the directory provisions them."""

from collections.abc import Sequence

from gateway.db.entities import GATEWAY_USER_ID
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import Conflict, NotFound
from gateway.identity.records import Records
from gateway.identity.scim.attributes import USER, USER_URN, Document
from gateway.identity.scim.documents import user_columns, user_document
from gateway.identity.scim.filters import parse_filter
from gateway.identity.scim.paging import page_of
from gateway.identity.scim.patching import patch
from gateway.identity.scim.permits import acting
from gateway.identity.scim.request import ListQuery, PatchOperation, UserResource, to_resource
from gateway.identity.scim.response import ResourceView, Selection, list_response
from gateway.identity.scim.store import USERS, Directory
from gateway.identity.users.removal import UserRemoval
from gateway.identity.users.request import NewUserRequest
from gateway.identity.users.service import UserService
from gateway.ids import new_id

__all__ = ["ScimUsers"]


class ScimUsers:
    """Users on behalf of who may provision; every change is one transaction that announces itself.

    Raises NotFound, Conflict for names, addresses and external ids that are taken, BadRequest for values that
    cannot be, DatabaseUnavailable.
    """

    def __init__(
        self, records: Records, directory: Directory, users: UserService, removal: UserRemoval
    ) -> None:
        self._records = records
        self._directory = directory
        self._users = users
        self._removal = removal
        self._view = ResourceView(directory)

    async def list_page(self, query: ListQuery, selection: Selection) -> Document:
        """One page of the users that a filter matches, by id."""
        wanted = parse_filter(query.filter, USER_URN) if query.filter else ()
        start, size = page_of(query)
        total, rows = await self._directory.list_page(USERS, wanted, start - 1, size)
        return list_response(total, start, await self._view.users(rows, selection))

    async def find(self, user_id: str, selection: Selection) -> Document:
        """One user."""
        row = None if user_id == GATEWAY_USER_ID else await self._records.users.find(user_id)
        if row is None:
            raise _not_found(user_id)
        return await self._view.user(row, selection)

    async def create(self, caller: Principal, resource: UserResource, selection: Selection) -> Document:
        """Make a user without a key; its id is the userName, as in the contract, where that can be an id."""
        columns = user_columns(resource, None)
        async with self._records.transaction():
            await self._hold_names(resource, "")
            user_id = await self._new_id(resource.user_name)
            request = NewUserRequest(user_id=user_id, auto_create_key=False, **columns)
            await self._users.create(acting(caller), request)
            return await self.find(user_id, selection)

    async def replace(
        self, caller: Principal, user_id: str, resource: UserResource, selection: Selection
    ) -> Document:
        """Write a user anew: what is left out is cleared, but who is active stays so."""
        async with self._records.transaction():
            return await self._write(caller, await self._lock(user_id), resource, selection)

    async def patch(
        self, caller: Principal, user_id: str, operations: Sequence[PatchOperation], selection: Selection
    ) -> Document:
        """Do operations upon a user, all or none. Raises the refusals of `patching.patch`."""
        async with self._records.transaction():
            row = await self._lock(user_id)
            resource = to_resource(patch(user_document(row), operations, USER), UserResource)
            return await self._write(caller, row, resource, selection)

    async def delete(self, caller: Principal, user_id: str) -> None:
        """Delete a user with its keys and memberships."""
        if user_id == GATEWAY_USER_ID:
            raise _not_found(user_id)
        await self._removal.delete(acting(caller), [user_id])

    async def _write(
        self, caller: Principal, row: Columns, resource: UserResource, selection: Selection
    ) -> Document:
        columns = user_columns(resource, row)
        changes = {name: value for name, value in columns.items() if value != row[name]}
        if changes:
            # Users who have the same name since before SCIM can still be deactivated.
            is_renamed = resource.user_name != user_document(row)["userName"]
            await self._hold_names(resource, row["user_id"] if is_renamed else None)
            await self._users.update(acting(caller), {"user_id": row["user_id"], **changes})
        return await self.find(row["user_id"], selection)

    async def _hold_names(self, resource: UserResource, renamed: str | None) -> None:
        """Let nobody else take the names meanwhile; that of the user `renamed` has to be free."""
        await self._directory.hold_names(resource.user_name, resource.external_id)
        if renamed is None:
            return
        if await self._directory.find_name_owner(resource.user_name, renamed) is not None:
            raise Conflict(f"There is another user with the userName {resource.user_name}.", param="userName")

    async def _new_id(self, user_name: str) -> str:
        """The name, unless it cannot stand in a path or somebody else's id is the same."""
        is_taken = user_name in await self._records.users.list_known([user_name])
        return new_id() if is_taken or not _can_stand_in_path(user_name) else user_name

    async def _lock(self, user_id: str) -> Columns:
        row = None if user_id == GATEWAY_USER_ID else await self._records.users.lock(user_id)
        if row is None:
            raise _not_found(user_id)
        return row


def _can_stand_in_path(name: str) -> bool:
    return name.isprintable() and not set(name) & set("/?#%\\") and name.strip(". ") != ""


def _not_found(user_id: str) -> NotFound:
    return NotFound(f"User {user_id} not found", param="user_id")
