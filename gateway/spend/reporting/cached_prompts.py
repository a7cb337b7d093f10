"""Pages of requests whose prompts providers had in their caches, or put there."""

from gateway.db.connection import Record
from gateway.spend.reporting.cached_prompts_store import CachedPromptsStore, PromptChoice
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["CachedPrompts"]

_Content = dict[str, object]
_SAME = ("request_id", "model", "model_group", "custom_llm_provider", "api_key", "team_id", "user", "spend")


class CachedPrompts:
    """Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._store = CachedPromptsStore(reader)

    async def page(self, choice: PromptChoice, size: int) -> _Content:
        """Requests, the newest first, and the two parameters of the next page where there may be one.

        The gateway marks no part of a prompt for caching by itself, so none is `injected`.
        """
        if choice.kind == "injected":
            return _shown([], None)
        found = await self._store.list_page(choice, size + 1)
        rows = [row for row in found if not row["is_end"]]
        ends = [row for row in found if row["is_end"]]
        last = rows[size - 1] if len(rows) > size else next(iter(ends), None)
        return _shown(rows[:size], last)


def _shown(rows: list[Record], last: Record | None) -> _Content:
    return {
        "requests": [_request(row) for row in rows],
        "has_more": last is not None,
        "next_cursor_start_time": last["started"] if last else None,
        "next_cursor_request_id": last["request_id"] if last else None,
    }


def _request(row: Record) -> _Content:
    return {
        **{name: row[name] for name in _SAME},
        "start_time": row["started"],
        "prompt_tokens": row["prompt_tokens"],
        "completion_tokens": row["completion_tokens"],
        "cache_read_input_tokens": row["cache_read"],
        "cache_creation_input_tokens": row["cache_written"],
        "is_hit": row["cache_read"] > 0,
        "is_injected": False,
    }
