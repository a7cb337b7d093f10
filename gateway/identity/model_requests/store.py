"""The queries of requests for models."""

from gateway.db.conditions import Conditions
from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.users import UserNotifications
from gateway.identity.numbered_pages import NumberedPage

__all__ = ["ModelRequestRecords"]

_TABLE = "LiteLLM_UserNotifications"


class ModelRequestRecords(Rows):
    """Reads and writes requests. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(UserNotifications)
        self._database = database

    async def count_matching(self, conditions: Conditions) -> int:
        """How many requests there are."""
        sql = f'SELECT count(*) FROM "{_TABLE}" t {conditions.sql}'  # noqa: S608  constants
        return await self._database.fetch_value(sql, *conditions.args)

    async def list_matching(self, conditions: Conditions, page: NumberedPage) -> list[Columns]:
        """The requests of one page."""
        sql = f"""SELECT t.request_id, t.user_id, t.models, t.justification, t.status FROM "{_TABLE}" t
            {conditions.sql} ORDER BY {page.order} LIMIT {page.size} OFFSET {page.skipped}"""  # noqa: S608  the same
        return [dict(row) for row in await self._database.fetch(sql, *conditions.args)]
