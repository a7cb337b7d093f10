"""The limits of one object: budgets, per model and per period too, and rates, per model too."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from gateway.domain import Limit, LimitKind, Scope, ScopeKind
from gateway.identity.durations import parse_duration
from gateway.identity.rows import BudgetColumns
from gateway.identity.stored_values import as_object, read_count, read_counts, read_moment, read_nanos

__all__ = ["DAY_SECONDS", "MINUTE_SECONDS", "Increase", "LimitBuilder", "nanos_of", "read_increase"]

MINUTE_SECONDS = 60
DAY_SECONDS = 86_400

_MODEL_RATES = {
    "model_rpm_limit": LimitKind.REQUESTS,
    "model_tpm_limit": LimitKind.TOKENS,
    "model_itpm_limit": LimitKind.INPUT_TOKENS,
    "model_otpm_limit": LimitKind.OUTPUT_TOKENS,
}
_MCP_KINDS = {
    ScopeKind.KEY: ScopeKind.KEY_MCP_SERVER,
    ScopeKind.TEAM: ScopeKind.TEAM_MCP_SERVER,
    ScopeKind.USER: ScopeKind.USER_MCP_SERVER,
}
_RATES_OF_MODEL_BUDGET = {"rpm_limit": LimitKind.REQUESTS, "tpm_limit": LimitKind.TOKENS}


def nanos_of(moment: datetime) -> int:
    """Nanoseconds since 1970 of a time, to the millisecond; a naive one is UTC, as in the schema."""
    aware = read_moment(moment) or moment
    return round(aware.timestamp() * 1_000) * 1_000_000


class Increase(msgspec.Struct, frozen=True):
    """Nano-dollars that are added to a budget until a time, in nanoseconds since 1970."""

    nanos: int
    until_nanos: int


def read_increase(usd: object, expiry: object, now: datetime) -> Increase | None:
    """Read a temporary increase; None for one that is over.

    One that cannot be read is none too, which is the strict reading.
    """
    ends, nanos = read_moment(expiry), read_nanos(usd)
    if ends is None or ends <= now or not nanos:
        return None
    return Increase(nanos, nanos_of(ends))


class LimitBuilder:
    """Collects the limits of one object.

    What is stored and says nothing that could be enforced is named in `unreadable`: whoever has it is
    refused, as it may have been meant as a restriction. 0 and less than 0 allow nothing.
    """

    def __init__(self, scope: Scope, name: str, now: datetime) -> None:
        self.limits: list[Limit] = []
        self.unreadable: list[str] = []
        self._scope = scope
        self._name = name
        self._now = now

    def add_budget(self, budget: BudgetColumns, extra: Increase | None = None) -> None:
        """The budgets of a row: in all, soft, and per model; `extra` is an increase beside the row's own."""
        reset_at = nanos_of(budget.reset_at) if budget.reset_at else None
        if budget.max_budget is not None:
            amount = self._nanos("max_budget", budget.max_budget)
            if amount is not None:
                own = read_increase(budget.temp_increase, budget.temp_expiry, self._now)
                self._add_in_turn(amount, [one for one in (own, extra) if one], reset_at)
        if budget.soft_budget is not None:
            amount = self._nanos("soft_budget", budget.soft_budget)
            if amount is not None:
                self._add_budget(amount, reset_at_nanos=reset_at, is_soft=True)
        self.add_model_budgets(budget)

    def add_model_budgets(self, budget: BudgetColumns) -> None:
        """The budgets and rates per model of a row."""
        for model, entry in budget.model_max_budget.items():
            self._add_model_budget(model, entry)

    def add_period(self, nanos: int, period: str) -> None:
        """A budget that starts anew by itself after every period."""
        self._add_budget(nanos, period=period)

    def add_windows(self, windows: tuple[object, ...]) -> None:
        """Budgets per period: `{"budget_duration": ..., "max_budget": ..., "reset_at": ...}` each."""
        for index, window in enumerate(windows):
            path = f"budget_limits[{index}]"
            entry = as_object(window)
            if entry is None:
                self.unreadable.append(path)
                continue
            usd, reset_at = entry.get("max_budget"), read_moment(entry.get("reset_at"))
            period = self._period(f"{path}.budget_duration", entry.get("budget_duration"))
            amount = None if usd is None else self._nanos(f"{path}.max_budget", usd)
            if amount is not None and period is not None:
                self._add_budget(
                    amount, period=period, reset_at_nanos=nanos_of(reset_at) if reset_at else None
                )

    def add_rates(self, budget: BudgetColumns) -> None:
        """Requests and tokens per minute, tokens per day, and requests at a time."""
        rates = (
            (LimitKind.REQUESTS, budget.rpm_limit, MINUTE_SECONDS),
            (LimitKind.TOKENS, budget.tpm_limit, MINUTE_SECONDS),
            (LimitKind.TOKENS, budget.tpd_limit, DAY_SECONDS),
            (LimitKind.PARALLEL, budget.max_parallel_requests, 0),
        )
        for kind, amount, window in rates:
            if amount is not None:
                self._add_rate(kind, max(0, amount), window)

    def add_model_rates(self, metadata: dict[str, object]) -> None:
        """Requests and tokens per minute and model, where the metadata has such."""
        for name, kind in _MODEL_RATES.items():
            for model, amount in self._counts(name, metadata).items():
                self._add_rate(kind, amount, MINUTE_SECONDS, model)

    def tag_limits(self, metadata: dict[str, object]) -> dict[str, Limit]:
        """Requests per minute of those that carry a tag; each tag counts by itself, for this object only."""
        owner = f"user:{self._scope.id}" if self._scope.kind is ScopeKind.USER else self._scope.id
        return {
            tag: Limit(
                scope=Scope(ScopeKind.TAG, f"{owner}:{tag}"),
                kind=LimitKind.REQUESTS,
                amount=amount,
                window_seconds=MINUTE_SECONDS,
                name=tag,
            )
            for tag, amount in self._counts("tag_rpm_limit", metadata).items()
        }

    def mcp_limits(self, metadata: dict[str, object]) -> dict[str, Limit]:
        """Requests per minute to MCP servers, by the server's name, where the object has such."""
        kind = _MCP_KINDS[self._scope.kind]
        return {
            server: Limit(
                scope=Scope(kind, f"{self._scope.id}:{server}"),
                kind=LimitKind.REQUESTS,
                amount=amount,
                window_seconds=MINUTE_SECONDS,
                name=server,
            )
            for server, amount in self._counts("mcp_rpm_limit", metadata).items()
        }

    def _add_in_turn(self, amount: int, increases: list[Increase], reset_at: int | None) -> None:
        """The budget with its increases, and what is left of it after the end of each."""
        since = 0
        for until in sorted({one.until_nanos for one in increases}):
            extra = sum(one.nanos for one in increases if one.until_nanos >= until)
            self._add_budget(amount + extra, reset_at_nanos=reset_at, since_nanos=since, until_nanos=until)
            since = until
        self._add_budget(amount, reset_at_nanos=reset_at, since_nanos=since)

    def _add_model_budget(self, model: str, value: object) -> None:
        path = f"model_max_budget.{model}"
        given = as_object(value)
        entry = {"budget_limit": value} if given is None else given
        usd = _first(entry, "budget_limit", "max_budget")
        duration = _first(entry, "time_period", "budget_duration")
        period = self._period(f"{path}.budget_duration", duration) if duration else ""
        amount = None if usd is None else self._nanos(path, usd)
        if amount is not None and period is not None:
            self._add_budget(amount, model=model, period=period)
        for name, kind in _RATES_OF_MODEL_BUDGET.items():
            if entry.get(name) is not None:
                count = read_count(entry[name])
                if count is None:
                    self.unreadable.append(f"{path}.{name}")
                else:
                    self._add_rate(kind, count, MINUTE_SECONDS, model)

    def _counts(self, name: str, metadata: dict[str, object]) -> dict[str, int]:
        counts = read_counts(metadata.get(name))
        if counts is None:
            self.unreadable.append(f"metadata.{name}")
            return {}
        self.unreadable += [f"metadata.{name}.{key}" for key, count in counts.items() if count is None]
        return {key: count for key, count in counts.items() if count is not None}

    def _nanos(self, path: str, usd: object) -> int | None:
        amount = read_nanos(usd)
        if amount is None:
            self.unreadable.append(path)
        return amount

    def _period(self, path: str, value: object) -> str | None:
        try:
            parse_duration(value if isinstance(value, str) else "")
        except ValueError:
            self.unreadable.append(path)
            return None
        return str(value)

    def _add_budget(
        self,
        amount: int,
        *,
        model: str | None = None,
        period: str = "",
        reset_at_nanos: int | None = None,
        is_soft: bool = False,
        since_nanos: int = 0,
        until_nanos: int | None = None,
    ) -> None:
        self.limits.append(
            Limit(
                scope=self._scope,
                kind=LimitKind.BUDGET,
                amount=amount,
                reset_at_nanos=reset_at_nanos,
                name=self._name,
                model=model,
                period=period,
                is_soft=is_soft,
                since_nanos=since_nanos,
                until_nanos=until_nanos,
            )
        )

    def _add_rate(self, kind: LimitKind, amount: int, window: int, model: str | None = None) -> None:
        self.limits.append(
            Limit(
                scope=self._scope,
                kind=kind,
                amount=amount,
                window_seconds=window,
                name=self._name,
                model=model,
            )
        )


def _first(entry: Mapping[str, object], *names: str) -> object:
    return next((entry[name] for name in names if entry.get(name) is not None), None)
