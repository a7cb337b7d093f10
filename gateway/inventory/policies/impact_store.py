"""How many keys and teams an attachment would concern."""

from gateway.db.connection import Record
from gateway.db.engine import Database
from gateway.settings.policies import Condition

__all__ = ["ImpactStore"]

_SAMPLES = 10
_TAGS = """CASE WHEN jsonb_typeof({0}.metadata -> 'tags') = 'array'
    THEN {0}.metadata -> 'tags' ELSE '[]'::jsonb END"""
_NAMED = "(cardinality($1::text[]) = 0 OR k.key_alias LIKE ANY ($1) OR k.token LIKE ANY ($1))"
_OF_TEAM = "(cardinality($2::text[]) = 0 OR t.team_alias LIKE ANY ($2) OR t.team_id LIKE ANY ($2))"
_TAGGED = """(cardinality($3::text[]) = 0 OR EXISTS (
    SELECT FROM jsonb_array_elements_text({0}) AS tag WHERE tag LIKE ANY ($3)))"""
_KEYS = f"""
FROM "LiteLLM_VerificationToken" k LEFT JOIN "LiteLLM_TeamTable" t ON t.team_id = k.team_id
WHERE {_NAMED} AND {_OF_TEAM} AND {_TAGGED.format(_TAGS.format("k") + " || " + _TAGS.format("t"))}
"""
_TEAMS = f"""
FROM "LiteLLM_TeamTable" t
WHERE {_OF_TEAM} AND {_TAGGED.format(_TAGS.format("t"))} AND (cardinality($1::text[]) = 0 OR EXISTS (
    SELECT FROM "LiteLLM_VerificationToken" k WHERE k.team_id = t.team_id AND {_NAMED}))
"""
_COUNT = """
WITH found AS (SELECT NULLIF({0}, '') AS name {1})
SELECT count(*) AS total, count(*) FILTER (WHERE name IS NULL) AS unnamed,
    (SELECT COALESCE(array_agg(name), '{{}}') FROM (
        SELECT name FROM found WHERE name IS NOT NULL ORDER BY name LIMIT {2}) first) AS samples
FROM found
"""


class ImpactStore:
    """Counts by patterns. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_keys(self, scope: Condition) -> Record:
        """Those keys that match, by themselves and with their teams: `total`, `unnamed` and `samples`."""
        return await self._count(_COUNT.format("k.key_alias", _KEYS, _SAMPLES), scope)

    async def count_teams(self, scope: Condition) -> Record:
        """Those teams that match, and of which a key does where the scope names keys."""
        return await self._count(_COUNT.format("t.team_alias", _TEAMS, _SAMPLES), scope)

    async def _count(self, sql: str, scope: Condition) -> Record:
        patterns = ([_like(name) for name in names] for names in (scope.keys, scope.teams, scope.tags))
        (row,) = await self._database.fetch(sql, *patterns)
        return row


def _like(pattern: str) -> str:
    """The pattern in SQL's spelling."""
    for letter in ("\\", "%", "_"):
        pattern = pattern.replace(letter, f"\\{letter}")
    return pattern.replace("*", "%")
