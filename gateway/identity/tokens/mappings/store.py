"""The queries of mappings."""

from collections.abc import Sequence

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import JWTKeyMapping

__all__ = ["MappingRecords"]

# An entry of the issuer's own wins over one for every issuer.
_KEY_OF_CLAIM = """
SELECT token FROM "LiteLLM_JWTKeyMapping"
WHERE jwt_claim_name = $2 AND jwt_claim_value = $3 AND is_active AND jwt_issuer = ANY (ARRAY['', $1])
ORDER BY jwt_issuer = '' LIMIT 1
"""
# Released databases differ in which columns are unique together: no conflict target suits all of them.
_ENTER = """
INSERT INTO "LiteLLM_JWTKeyMapping"
    (id, jwt_issuer, jwt_claim_name, jwt_claim_value, token, description, created_by, updated_by, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, now() AT TIME ZONE 'UTC')
ON CONFLICT DO NOTHING RETURNING id
"""
_TAKEN = """
SELECT EXISTS (
    SELECT FROM "LiteLLM_JWTKeyMapping"
    WHERE jwt_issuer = $1 AND jwt_claim_name = $2 AND jwt_claim_value = $3 AND id <> $4)
"""
_USER = 'SELECT user_id FROM "LiteLLM_VerificationToken" WHERE token = $1'
_ORGANIZATION = """
SELECT COALESCE(k.organization_id, t.organization_id, '') FROM "LiteLLM_VerificationToken" k
LEFT JOIN "LiteLLM_TeamTable" t ON t.team_id = k.team_id WHERE k.token = $1
"""
_VISIBLE = """
FROM "LiteLLM_JWTKeyMapping" x JOIN "LiteLLM_VerificationToken" k ON k.token = x.token
LEFT JOIN "LiteLLM_TeamTable" t ON t.team_id = k.team_id
WHERE $1::text[] IS NULL OR COALESCE(k.organization_id, t.organization_id) = ANY ($1)
"""
_COUNT = f"SELECT count(*) {_VISIBLE}"
_PAGE = f"SELECT x.id {_VISIBLE} ORDER BY x.created_at DESC, x.id LIMIT $2 OFFSET $3"


class MappingRecords(Rows):
    """Reads and writes mappings. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(JWTKeyMapping)
        self._database = database

    async def find_token(self, issuer: str, name: str, value: str) -> str | None:
        """The hash of the key that an active mapping gives for a claim."""
        return await self._database.fetch_value(_KEY_OF_CLAIM, issuer, name, value)

    async def enter(self, values: Sequence[str | None]) -> bool:
        """Store a mapping unless there is one.

        `values` are its id, issuer, claim name and value, hash, description and maker.
        """
        return await self._database.fetch_value(_ENTER, *values) is not None

    async def is_taken(self, issuer: str, name: str, value: str, besides: str) -> bool:
        """Whether another mapping has this claim of this issuer."""
        return bool(await self._database.fetch_value(_TAKEN, issuer, name, value, besides))

    async def find_organization(self, token_hash: str) -> str | None:
        """The organization of a key, its own or its team's; "" for none, None without such a key."""
        return await self._database.fetch_value(_ORGANIZATION, token_hash)

    async def find_user(self, token_hash: str) -> str | None:
        """The user of a key, if it has one."""
        return await self._database.fetch_value(_USER, token_hash)

    async def list_page(
        self, organizations: Sequence[str] | None, size: int, offset: int
    ) -> tuple[list[Columns], int]:
        """Some mappings, the latest first, of all keys or of those of some organizations; and how many."""
        among = None if organizations is None else list(organizations)
        total: int = await self._database.fetch_value(_COUNT, among)
        ids = [row["id"] for row in await self._database.fetch(_PAGE, among, size, offset)]
        by_id = {row["id"]: row for row in await self.find_any(ids)}
        return [by_id[identifier] for identifier in ids if identifier in by_id], total
