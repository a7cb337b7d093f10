"""What guardrails did, in the contract's shapes: an overview, one in detail, and the requests that it saw."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from gateway.db.connection import Record
from gateway.errors import NotFound
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.guardrail_usage_store import GUARDRAILS, Counted, GuardrailUsageStore, LogChoice
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["ACTIONS", "GuardrailFacts", "GuardrailUsage"]

_MOST = 1_000
_SNIPPET = 200
_WARNING, _CRITICAL = 5.0, 15.0
"""Percent of requests that are refused."""
_STEADY = 0.5
_Content = dict[str, object]

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "passed": ("pass",),
    "blocked": ("block",),
    "flagged": ("mask", "failed"),
}
"""What the contract calls what became of a request, and what it is called in spend rows."""
_NAMES = {ours: theirs for theirs, names in ACTIONS.items() for ours in names}


class GuardrailFacts(msgspec.Struct, frozen=True):
    """What is known of a guardrail that is set up: its id in the database, its kind, a description.

    `name` is shown where it is counted under something else.
    """

    identifier: str
    kind: str
    description: str = ""
    name: str = ""


class GuardrailUsage:
    """`known` are those that are set up, by what they are counted under. Raises what `ReportReader` does."""

    def __init__(
        self, reader: ReportReader, known: Mapping[str, GuardrailFacts], counted: Counted = GUARDRAILS
    ) -> None:
        self._store = GuardrailUsageStore(reader, counted)
        self._counted = counted
        self._known = known

    async def overview(self, period: Period) -> _Content:
        """All guardrails, and how many requests passed and were refused on each day."""
        rows, days = await self._store.total(period, _MOST), await self._store.by_day(period, None)
        before = {row["guardrail_id"]: row for row in await self._store.total(_before(period), _MOST)}
        evaluated, blocked = (sum(row[name] for row in days) for name in ("evaluated", "blocked"))
        return {
            "rows": [self._row(row, before.get(row["guardrail_id"])) for row in rows],
            "chart": [_day(row) for row in days],
            "totalRequests": evaluated,
            "totalBlocked": blocked,
            "passRate": round(100 - _percent(blocked, evaluated), 1) if evaluated else 100.0,
            "totalUsageUnits": 0,
            "totalCost": 0.0,
            "totalUntrackedUsageUnits": 0,
        }

    async def detail(self, guardrail: str, period: Period) -> _Content:
        """One guardrail, by its name or its id. Raises NotFound for one that is unknown and did nothing."""
        name = self._name_of(guardrail)
        days = await self._store.by_day(period, name)
        if not days and name not in self._known:
            raise NotFound(f"There is no guardrail '{guardrail[:100]}'.", param="guardrail_id")
        total = _sum(days)
        before = await self._store.by_day(_before(period), name)
        row = self._row({"guardrail_id": name, **total}, _sum(before) if before else None)
        facts = self._known.get(name)
        return {
            **{key: value for key, value in row.items() if key not in {"id", "name"}},
            "guardrail_id": row["id"],
            "guardrail_name": name,
            "description": facts.description if facts else "",
            "time_series": [{**_day(day), "score": day["score"]} for day in days],
            "usage_units": {},
            "usage_units_daily": [],
            "cost": 0.0,
        }

    async def logs(self, period: Period, choice: LogChoice, page: int, size: int) -> _Content:
        """A page of the requests that guardrails saw, the latest first."""
        if choice.guardrail is not None:
            choice = msgspec.structs.replace(choice, guardrail=self._name_of(choice.guardrail))
        rows, total = await self._store.list_requests(period, choice, size, (page - 1) * size)
        return {"logs": [_log(row) for row in rows], "total": total, "page": page, "page_size": size}

    def _name_of(self, guardrail: str) -> str:
        named = (name for name, facts in self._known.items() if facts.identifier == guardrail)
        return next(named, guardrail)

    def _row(self, row: Mapping[str, Any] | Record, before: Mapping[str, Any] | Record | None) -> _Content:
        name = str(row["guardrail_id"])
        facts = self._known.get(name, GuardrailFacts(name, ""))
        rate = _percent(row["blocked"], row["evaluated"])
        former = rate if before is None else _percent(before["blocked"], before["evaluated"])
        return {
            "id": facts.identifier,
            "name": facts.name or name,
            "type": self._counted.name,
            "provider": facts.kind,
            "requestsEvaluated": row["evaluated"],
            "failRate": round(rate, 1),
            "avgScore": row["score"],
            "avgLatency": row["latency"],
            "status": "critical" if rate > _CRITICAL else "warning" if rate > _WARNING else "healthy",
            "trend": "stable" if abs(rate - former) <= _STEADY else "up" if rate > former else "down",
        }


def _before(period: Period) -> Period:
    """As many days, right before."""
    return Period(period.start - timedelta(days=period.days), period.start - timedelta(days=1))


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _day(row: Record) -> _Content:
    return {
        "date": row["date"],
        "passed": row["passed"],
        "blocked": row["blocked"],
        "flagged": row["flagged"],
        "requests": row["evaluated"],
    }


def _sum(days: list[Record]) -> dict[str, Any]:
    counts = {name: sum(day[name] for day in days) for name in ("evaluated", "passed", "blocked", "flagged")}
    return {**counts, "score": _mean(days, "score"), "latency": _mean(days, "latency")}


def _mean(days: list[Record], name: str) -> float | None:
    told = [day for day in days if day[name] is not None]
    weight = sum(day["evaluated"] for day in told)
    return sum(day[name] * day["evaluated"] for day in told) / weight if weight else None


def _log(row: Record) -> _Content:
    run: dict[str, Any] = msgspec.json.decode(row["run"])
    return {
        "id": row["request_id"],
        "timestamp": row["start_time"].isoformat(timespec="milliseconds") + "Z",
        "guardrail": run["guardrail_name"],
        "mode": run.get("guardrail_mode"),
        "action": _NAMES.get(str(run.get("guardrail_action")), "flagged"),
        "score": run.get("score"),
        "latency_ms": run.get("duration", 0.0) * 1000,
        "model": row["model"],
        "input_snippet": _snippet(row["messages"]),
        "output_snippet": _snippet(row["response"]),
        "reason": run.get("error") or ", ".join(run.get("categories", ())) or None,
    }


def _snippet(text: str | None) -> str | None:
    return None if text in (None, "{}") else text[:_SNIPPET]
