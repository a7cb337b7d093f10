"""The report of cache hits: what of the prompts providers had in their caches."""

from collections.abc import Sequence

from gateway.spend.reporting.cache_store import CacheStore
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["CacheUse"]

_MOST_GROUPS = 1_000
_NAMES = {
    "requests": "total_rows",
    "failed": "failed_rows",
    "prompt_tokens": "prompt_tokens",
    "cached_tokens": "cached_prompt_tokens",
    "completion_tokens": "generated_completion_tokens",
}
_Content = dict[str, object]


class CacheUse:
    """Raises what `ReportReader` does.

    The gateway itself answers nothing from a cache of its own, so `cache_hit_true_rows` is 0 throughout.
    """

    def __init__(self, reader: ReportReader) -> None:
        self._store = CacheStore(reader)

    async def report(
        self, period: Period, user_id: str | None, key_aliases: Sequence[str], models: Sequence[str]
    ) -> _Content:
        """Groups per key and model with their totals, at most a thousand, and the names to filter by."""
        rows = await self._store.list_groups(period, user_id, key_aliases, models, _MOST_GROUPS)
        groups: list[_Content] = [
            {
                "api_key": row["api_key"],
                "key_alias": row["key_alias"],
                "model": row["model"],
                "cache_hit_true_rows": 0,
                **{name: row[column] for column, name in _NAMES.items()},
            }
            for row in rows
        ]
        totals: _Content = {name: sum(row[column] for row in rows) for column, name in _NAMES.items()}
        return {
            "groups": groups,
            "totals": {"cache_hit_true_rows": 0, **totals},
            "filter_options": {
                "key_aliases": sorted({row["key_alias"] for row in rows if row["key_alias"]}),
                "models": sorted({row["model"] for row in rows if row["model"]}),
            },
            "error_breakdown": [
                {"model": row["model"], "api_key": row["api_key"], "failed_rows": row["failed"]}
                for row in rows
                if row["failed"]
            ],
        }
