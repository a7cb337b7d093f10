"""What entries are about exists in the database."""

from gateway.audit.changes import Audited
from gateway.db.tables import TABLES


def test_every_audited_table_is_one_of_the_schema() -> None:
    assert {table.value for table in Audited} <= {table._meta.tablename for table in TABLES}
