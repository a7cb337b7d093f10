"""Piccolo column types that match the physical types of the prescribed schema."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from piccolo.columns import DoublePrecision, ForeignKey, OnDelete, OnUpdate, Text, Timestamp
from piccolo.columns.reference import LazyTableReference
from piccolo.querystring import QueryString

__all__ = ["EnumText", "Money", "TimestampMillis", "foreign_key", "utc_now_millis"]


def utc_now_millis() -> datetime:
    """The time in UTC without a zone, cut to milliseconds, as the TIMESTAMP(3) columns hold it."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class TimestampMillis(Timestamp):
    """A TIMESTAMP(3) column: naive UTC to the millisecond; an aware datetime is refused by the driver.

    Piccolo's own default is the machine's local time, hence None or `utc_now_millis` here.
    """

    def __init__(self, default: Callable[[], datetime] | None = None, **kwargs: Any) -> None:
        super().__init__(default=default, **kwargs)

    @property
    def column_type(self) -> str:
        """The type in DDL, as PostgreSQL prints it in upper case."""
        return "TIMESTAMP(3)"


class EnumText(Text):
    """A column of a PostgreSQL enum; comparing and IN work, LIKE does not."""

    def __init__(self, enum_name: str, default: str | None = None, **kwargs: Any) -> None:
        self.enum_name = enum_name
        super().__init__(default=default, **kwargs)
        # Piccolo copies a column by calling its class again with these arguments.
        self._meta.params["enum_name"] = enum_name

    @property
    def column_type(self) -> str:
        """The enum's quoted name."""
        return f'"{self.enum_name}"'


class Money(DoublePrecision):
    """A double precision column with arithmetic in the database: `update({T.spend: T.spend + 0.1})`."""

    def _arithmetic(self, operator: str, value: float) -> QueryString:
        return QueryString(f'"{self._meta.db_column_name}" {operator} {{}}', value)

    def __add__(self, value: float) -> QueryString:
        return self._arithmetic("+", value)

    def __sub__(self, value: float) -> QueryString:
        return self._arithmetic("-", value)

    def __mul__(self, value: float) -> QueryString:
        return self._arithmetic("*", value)


def foreign_key(
    target: str,
    *,
    on_delete: OnDelete,
    required: bool = False,
    null: bool = False,
    unique: bool = False,
    primary_key: bool = False,
    index: bool = False,
) -> ForeignKey[Any]:
    """A reference to `module.Table.column` within `gateway.db.tables`, cascading updates as the schema does.

    Piccolo follows it for one level of joins; aliases of deeper ones break on mixed-case table names.
    """
    module, table, column = target.split(".")
    return ForeignKey(
        references=LazyTableReference(table, module_path=f"gateway.db.tables.{module}"),
        target_column=column,
        on_delete=on_delete,
        on_update=OnUpdate.cascade,
        default=None,
        required=required,
        null=null,
        unique=unique,
        primary_key=primary_key,
        index=index,
    )
