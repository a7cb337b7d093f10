"""Calls of tools in the contract's shapes."""

from collections import defaultdict

from gateway.money import usd_from_nanos
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader
from gateway.spend.reporting.tool_usage_store import ToolUsageStore

__all__ = ["ToolUsage"]

_MOST = 5_000
_Content = dict[str, object]


class ToolUsage:
    """Amounts are USD: what the model calls cost whose answers called a tool. Raises as `ReportReader`."""

    def __init__(self, reader: ReportReader) -> None:
        self._store = ToolUsageStore(reader)

    async def logs(self, name: str, period: Period, page: int, size: int) -> _Content:
        """A page of requests, the latest first."""
        rows, total = await self._store.list_requests(period, name, size, (page - 1) * size)
        return {
            "logs": [
                {
                    "id": row["request_id"],
                    "timestamp": row["start_time"].isoformat(timespec="milliseconds") + "Z",
                    "model": row["model"],
                    "spend": row["spend"],
                    "team_id": row["team_id"],
                    "user_id": row["user_id"],
                    "key_hash": row["api_key"],
                    "status": row["status"],
                }
                for row in rows
            ],
            "total": total,
            "page": page,
            "page_size": size,
        }

    async def spend(self, period: Period) -> _Content:
        """Calls and cost per tool, and per tool and day."""
        rows = await self._store.total(period, _MOST)
        calls, nanos = defaultdict[str, int](int), defaultdict[str, int](int)
        for row in rows:
            calls[row["tool_name"]] += row["calls"]
            nanos[row["tool_name"]] += row["nanos"]
        start, end = period.bounds
        return {
            "by_tool": [
                {"tool_name": name, "call_count": calls[name], "spend": usd_from_nanos(nanos[name])}
                for name in sorted(calls, key=lambda name: (-nanos[name], name))
            ],
            "daily": [
                {
                    "date": row["date"],
                    "tool_name": row["tool_name"],
                    "call_count": row["calls"],
                    "spend": usd_from_nanos(row["nanos"]),
                }
                for row in sorted(rows, key=lambda row: (row["date"], row["tool_name"]))
            ],
            "start_date": start,
            "end_date": end,
        }
