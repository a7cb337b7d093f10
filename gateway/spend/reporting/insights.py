"""Which models are used, and for what: `/model-insights` and its tasks."""

from collections.abc import Iterable

from gateway.db.connection import Record
from gateway.money import usd_from_nanos
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.insights_store import InsightsStore, Metric
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["Insights"]

_MOST_MODELS = 50
_MOST_TASKS = 500
_COUNTS: tuple[str, ...] = ("requests", "failed", "prompt_tokens", "completion_tokens", "tokens", "nanos")
_Content = dict[str, object]
_Sums = dict[str, int]


class Insights:
    """Amounts are USD. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._store = InsightsStore(reader)

    async def models(self, period: Period, metric: Metric) -> _Content:
        """The fifty models that lead by a metric, the first one first, each with its days."""
        rows = await self._store.total_of_models(period, metric, _MOST_MODELS)
        days: dict[str, list[Record]] = {}
        for row in rows:
            days.setdefault(row["name"], []).append(row)
        models: list[_Content] = [
            {
                "model": name,
                **_shown(_sum(found)),
                "daily": [{"date": row["date"], **_shown(_sum((row,)))} for row in found],
            }
            for name, found in days.items()
        ]
        return {**_head(period, metric), "models": models, "totals": _shown(_sum(rows))}

    async def tasks(self, period: Period, metric: Metric) -> _Content:
        """What was asked of models: per endpoint its models, those that lead by a metric first."""
        rows = await self._store.total_of_tasks(period, metric, _MOST_TASKS)
        models: dict[str, list[Record]] = {}
        for row in rows:
            models.setdefault(row["task"], []).append(row)
        order = {"spend": "nanos"}.get(metric, metric)
        sums = {task: _sum(found) for task, found in models.items()}
        tasks: list[_Content] = [
            {
                "task": task,
                **_shown(sums[task]),
                "models": [{"model": row["name"], **_shown(_sum((row,)))} for row in models[task]],
            }
            for task in sorted(models, key=lambda task: (-sums[task][order], task))
        ]
        return {**_head(period, metric), "tasks": tasks, "totals": _shown(_sum(rows))}


def _head(period: Period, metric: Metric) -> _Content:
    start, end = period.bounds
    return {"start_date": start, "end_date": end, "metric": metric}


def _sum(rows: Iterable[Record]) -> _Sums:
    sums = dict.fromkeys(_COUNTS, 0)
    for row in rows:
        for name in _COUNTS:
            sums[name] += row[name]
    return sums


def _shown(sums: _Sums) -> _Content:
    return {
        "requests": sums["requests"],
        "successful_requests": sums["requests"] - sums["failed"],
        "failed_requests": sums["failed"],
        "prompt_tokens": sums["prompt_tokens"],
        "completion_tokens": sums["completion_tokens"],
        "tokens": sums["tokens"],
        "spend": usd_from_nanos(sums["nanos"]),
    }
