"""What a person should know about the rows of a database that is adopted."""

from gateway.db.schema.connection import SchemaConnection

__all__ = ["find_row_warnings"]

# LiteLLM lets a budget of 0 pass for organizations; here a limit of 0 means that nothing may be spent.
_SPENT_OUT = """
SELECT o.organization_id AS id FROM "LiteLLM_OrganizationTable" o
JOIN "LiteLLM_BudgetTable" b ON b.budget_id = o.budget_id WHERE b.max_budget = 0 ORDER BY 1
"""


async def find_row_warnings(connection: SchemaConnection) -> tuple[str, ...]:
    """Sentences about rows that mean something else here; every LiteLLM release has the tables."""
    rows = await connection.fetch(_SPENT_OUT)
    if not rows:
        return ()
    names = ", ".join(str(row["id"]) for row in rows)
    advice = "Set their budget to null if they are meant to be unlimited."
    return (f"Organizations with a max_budget of 0 may spend nothing here: {names}. {advice}",)
