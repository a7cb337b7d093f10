"""The shapes of daily activity: metrics, and maps of them per model, provider, key and entity."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.db.connection import Record
from gateway.money import usd_from_nanos
from gateway.spend.reporting.daily_store import DIMENSIONS

__all__ = ["Activity", "Names", "Tally"]

Names = Mapping[str, Mapping[str, object]]
"""What is shown of keys or entities, by their ids."""

_FIELDS = (
    "nanos",
    "prompt_tokens",
    "completion_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "successful_requests",
    "failed_requests",
    "api_requests",
)
_NOTHING: Mapping[str, object] = {}
_UNKNOWN = "unknown"
_UNASSIGNED = "Unassigned"


class Tally:
    """What a set of daily rows comes to; `amounts` are in the order of the columns, nano-dollars first."""

    __slots__ = ("amounts",)

    def __init__(self) -> None:
        self.amounts = [0] * len(_FIELDS)

    def add(self, amounts: Iterable[int]) -> None:
        """Add the amounts of one row."""
        self.amounts = [mine + more for mine, more in zip(self.amounts, amounts, strict=True)]

    def add_record(self, row: Record) -> None:
        """Add the amounts of a row of sums."""
        self.add(row[name] for name in _FIELDS)

    def build(self, prefix: str = "") -> dict[str, object]:
        """As `SpendMetrics`, or with a prefix as the totals of `DailySpendMetadata`."""
        values = dict(zip(_FIELDS, self.amounts, strict=True))
        spend = usd_from_nanos(values.pop("nanos"))
        tokens = values["prompt_tokens"] + values["completion_tokens"]
        named: dict[str, object] = {"spend": spend, **values, "total_tokens": tokens}
        return {f"{prefix}{name}": value for name, value in named.items()} if prefix else named


class _Cell:
    """One value of a dimension: its total, and the part of each key."""

    __slots__ = ("keys", "total")

    def __init__(self) -> None:
        self.total = Tally()
        self.keys: dict[str, Tally] = {}

    def build(self, metadata: Mapping[str, object], keys: Names) -> dict[str, object]:
        return {
            "metrics": self.total.build(),
            "metadata": metadata,
            "api_key_breakdown": {
                key: {"metrics": tally.build(), "metadata": _of_key(keys, key)}
                for key, tally in self.keys.items()
            },
        }


class _Day:
    def __init__(self) -> None:
        self.total = Tally()
        self.maps: dict[str, dict[str, _Cell]] = {name: {} for name in (*DIMENSIONS, "entities")}
        self.keys: dict[str, Tally] = {}

    def cell(self, name: str, value: str) -> _Cell:
        return self.maps[name].setdefault(value, _Cell())

    def build(self, day: str, keys: Names, entities: Names) -> dict[str, object]:
        breakdown: dict[str, object] = {
            name: {
                value: cell.build(entities.get(value, _NOTHING) if name == "entities" else _NOTHING, keys)
                for value, cell in cells.items()
            }
            for name, cells in self.maps.items()
        }
        breakdown["api_keys"] = {
            key: {"metrics": tally.build(), "metadata": _of_key(keys, key), "api_key_breakdown": {}}
            for key, tally in self.keys.items()
        }
        return {"date": day, "metrics": self.total.build(), "breakdown": breakdown}


class Activity:
    """Collects daily rows, whole or grouped, into one entry per day."""

    def __init__(self) -> None:
        self._days: dict[str, _Day] = {}
        self._keys: set[str] = set()
        self._entities: set[str] = set()
        self.total = Tally()

    @property
    def keys(self) -> tuple[str, ...]:
        """The hashes of all keys that were seen, sorted."""
        return tuple(sorted(self._keys))

    @property
    def entities(self) -> tuple[str, ...]:
        """The ids of all entities that were seen, sorted."""
        return tuple(sorted(self._entities))

    def add_row(self, row: Record) -> None:
        """Add one daily row to everything that it is a part of."""
        day, amounts, key = self._days.setdefault(row["date"], _Day()), _amounts(row), str(row["api_key"])
        self._keys.add(key)
        self.total.add(amounts)
        day.total.add(amounts)
        day.keys.setdefault(key, Tally()).add(amounts)
        for name, value in self._values(row):
            cell = day.cell(name, value)
            cell.total.add(amounts)
            cell.keys.setdefault(key, Tally()).add(amounts)

    def add_group(self, row: Record) -> None:
        """Add the total of a group, as `DailyStore.list_groups` gives them."""
        day, amounts, key = self._days.setdefault(row["date"], _Day()), _amounts(row), row["api_key"]
        if key is not None:
            self._keys.add(key)
        if not row["parts"]:
            tally = day.total if key is None else day.keys.setdefault(key, Tally())
            tally.add(amounts)
            if key is None:
                self.total.add(amounts)
            return
        for name, value in self._values(row, row["parts"]):
            cell = day.cell(name, value)
            (cell.total if key is None else cell.keys.setdefault(key, Tally())).add(amounts)

    def build(self, keys: Names, entities: Names) -> Iterator[dict[str, object]]:
        """The days, the newest first."""
        return (self._days[day].build(day, keys, entities) for day in sorted(self._days, reverse=True))

    def _values(self, row: Record, part: str | None = None) -> Iterable[tuple[str, str]]:
        for name, column in DIMENSIONS.items():
            if part is None or part == column:
                value = row[column] or (_UNKNOWN if name == "providers" else "")
                if value:
                    yield name, value
        if part is None or part == "entity":
            entity = row["entity"] or _UNASSIGNED
            self._entities.add(entity)
            yield "entities", entity


def _amounts(row: Record) -> list[int]:
    return [row[name] for name in _FIELDS]


def _of_key(keys: Names, key: str) -> Mapping[str, Any]:
    return keys.get(key) or {"key_alias": None, "team_id": None}
