"""What OpenAI itself has charged an organization.

Source: https://platform.openai.com/docs/api-reference/usage/costs.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

import msgspec

from gateway.domain import Secret
from gateway.errors import ServiceUnavailable
from gateway.upstream.fetching import Fetcher

__all__ = ["read_openai_costs"]

_DAYS_OF_A_PAGE = 31
_MOST_PAGES = 200
_NANOS = 1_000_000_000
_GARBLED = "OpenAI has told its costs in a form that is not known."


class _Amount(msgspec.Struct, frozen=True):
    value: float | str
    currency: str = "usd"


class _Result(msgspec.Struct, frozen=True):
    amount: _Amount


class _Bucket(msgspec.Struct, frozen=True):
    start_time: int
    results: tuple[_Result, ...] = ()


class _Page(msgspec.Struct, frozen=True):
    data: tuple[_Bucket, ...]
    has_more: bool = False
    next_page: str | None = None


async def read_openai_costs(
    fetcher: Fetcher, base: str, key: Secret, first: date, last: date, project_ids: Sequence[str]
) -> dict[date, int]:
    """Nano-dollars per day of UTC, the last one included. `key` is an admin key of the organization.

    Raises ServiceUnavailable where OpenAI does not answer, refuses the key, or counts in another currency.
    """
    wanted: list[tuple[str, str]] = [
        ("start_time", str(_seconds(first))),
        ("end_time", str(_seconds(last + timedelta(days=1)))),
        ("bucket_width", "1d"),
        ("limit", str(_DAYS_OF_A_PAGE)),
        *(("project_ids", project) for project in project_ids),
    ]
    headers = {"authorization": f"Bearer {key.reveal()}"}
    costs: dict[date, int] = {}
    page: list[tuple[str, str]] = []
    for _ in range(_MOST_PAGES):
        url = f"{base.rstrip('/')}/organization/costs?{urlencode([*wanted, *page])}"
        found = _convert(await fetcher.read_object(url, headers))
        for bucket in found.data:
            day = datetime.fromtimestamp(bucket.start_time, UTC).date()
            costs[day] = costs.get(day, 0) + sum(_nanos(result.amount) for result in bucket.results)
        if not found.has_more or not found.next_page:
            return costs
        page = [("page", found.next_page)]
    raise ServiceUnavailable("OpenAI's costs have more pages than are read; ask for fewer days.")


def _convert(answer: object) -> _Page:
    try:
        return msgspec.convert(answer, _Page)
    except msgspec.ValidationError:
        raise ServiceUnavailable(_GARBLED) from None


def _nanos(amount: _Amount) -> int:
    if amount.currency.lower() != "usd":
        raise ServiceUnavailable("OpenAI has told its costs in another currency than US dollars.")
    try:
        return int((Decimal(str(amount.value)) * _NANOS).to_integral_value())
    except (InvalidOperation, ValueError, OverflowError):
        raise ServiceUnavailable(_GARBLED) from None


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
