"""What the record of one request says for an audit under the EU AI Act and the GDPR."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import msgspec

__all__ = ["Claimed", "Claims", "Evidence", "check_eu_ai_act", "check_gdpr", "read_evidence"]

_Content = dict[str, object]
_UNSEEN = "Nobody inspected it before the model got it."
_SAME_MOMENT = timedelta(seconds=1)
"""Clients round the times that they are told."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a guardrail, as far as it matters here."""

    guardrail_name: str = ""
    guardrail_mode: str = ""
    guardrail_action: str = "failed"
    categories: tuple[str, ...] = ()

    @property
    def has_answered(self) -> bool:
        """Whether the guardrail inspected anything."""
        return self.guardrail_action != "failed"


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a guardrail that somebody says there was."""

    guardrail_name: str = ""


class Claims(msgspec.Struct, frozen=True):
    """What somebody says of a request; None and nothing are no claim."""

    user_id: str | None = None
    model: str | None = None
    time: datetime | None = None
    runs: tuple[Claimed, ...] = ()


_NO_CLAIMS = Claims()


class Evidence(msgspec.Struct, frozen=True):
    """The runs of guardrails on a request, what of a complete record is missing, and what contradicts it."""

    runs: tuple[Run, ...]
    missing: tuple[str, ...]
    contradicted: tuple[str, ...] = ()

    @property
    def screened(self) -> tuple[str, ...]:
        """The guardrails that inspected the request before the model got it."""
        runs = (run for run in self.runs if run.guardrail_mode == "pre_call" and run.has_answered)
        return tuple(dict.fromkeys(run.guardrail_name for run in runs))

    @property
    def let_through(self) -> tuple[str, ...]:
        """What guardrails found, and neither masked nor refused."""
        found = (name for run in self.runs if run.guardrail_action == "pass" for name in run.categories)
        return tuple(dict.fromkeys(found))


def read_evidence(row: Mapping[str, object], said: Claims = _NO_CLAIMS) -> Evidence:
    """Read a spend row as the database has it, and hold against it what is said of the request."""
    metadata: object = msgspec.json.decode(cast("str", row["metadata"]))  # a column of JSON
    members = cast("dict[str, object]", metadata) if isinstance(metadata, dict) else {}  # JSON: text keys
    told = members.get("guardrail_information")
    runs: tuple[Run, ...] = ()
    if isinstance(told, list):
        runs = tuple(_read_run(item) for item in cast("list[object]", told))  # of JSON values
    present = {
        "who asked": row.get("user") or row.get("api_key"),
        "model": row.get("model") or row.get("model_group"),
        "time": row.get("startTime"),
        "guardrail_information": runs,
    }
    missing = tuple(name for name, value in present.items() if not value)
    return Evidence(runs, missing, tuple(_contradictions(row, runs, said)))


def _contradictions(row: Mapping[str, object], runs: tuple[Run, ...], said: Claims) -> Iterator[str]:
    """The members of the question that say something else than the record."""
    if said.user_id is not None and said.user_id != row.get("user"):
        yield "user_id"
    if said.model is not None and said.model not in (row.get("model"), row.get("model_group")):
        yield "model"
    if said.time is not None and not _is_at(row.get("startTime"), said.time):
        yield "timestamp"
    if {run.guardrail_name for run in said.runs} - {run.guardrail_name for run in runs}:
        yield "guardrail_information"


def _is_at(recorded: object, time: datetime) -> bool:
    """Whether a record began at a time; the column is UTC, and so is a time without a zone."""
    if not isinstance(recorded, datetime):
        return False
    began, named = (at if at.tzinfo else at.replace(tzinfo=UTC) for at in (recorded, time))
    return abs(began - named) < _SAME_MOMENT


def check_eu_ai_act(evidence: Evidence) -> _Content:
    """Articles 9, 5 and 12: risk management, prohibited practices, record-keeping."""
    answered = tuple(dict.fromkeys(run.guardrail_name for run in evidence.runs if run.has_answered))
    return _build(
        "EU AI Act",
        (
            _check("Guardrails applied", "Art. 9", _named(answered), "No guardrail inspected it."),
            _screening("Content screened before the model", "Art. 5", evidence),
            _record("Art. 12", evidence),
        ),
    )


def check_gdpr(evidence: Evidence) -> _Content:
    """Articles 32, 5 (1) (c) and 30: security, data minimisation, records of processing."""
    through = evidence.let_through
    told = f"Let through: {', '.join(through)}." if through else _UNSEEN
    is_minimal = evidence.screened and not through
    found = "What was found was masked or refused." if is_minimal else ""
    return _build(
        "GDPR",
        (
            _screening("Data protection applied", "Art. 32", evidence),
            _check("Sensitive data protected", "Art. 5(1)(c)", found, told),
            _record("Art. 30", evidence),
        ),
    )


def _screening(name: str, article: str, evidence: Evidence) -> _Content:
    return _check(name, article, _named(evidence.screened), _UNSEEN)


def _record(article: str, evidence: Evidence) -> _Content:
    missing = ", ".join(evidence.missing)
    if evidence.contradicted and not missing:
        other = f"The record says something else of: {', '.join(evidence.contradicted)}."
        return _check("Audit record complete", article, "", other)
    told = "" if missing else "Who, which model, when, and what was inspected are recorded."
    return _check("Audit record complete", article, told, f"Not recorded: {missing}.")


def _named(names: Sequence[str]) -> str:
    return f"By {', '.join(names)}." if names else ""


def _check(name: str, article: str, passed: str, failed: str) -> _Content:
    """One check, which has passed where there is something to tell of it."""
    return {"check_name": name, "article": article, "passed": bool(passed), "detail": passed or failed}


def _build(regulation: str, checks: Sequence[_Content]) -> _Content:
    return {
        "compliant": all(check["passed"] for check in checks),
        "regulation": regulation,
        "checks": list(checks),
    }


def _read_run(item: object) -> Run:
    try:
        return msgspec.convert(item, Run)
    except msgspec.ValidationError:
        # Of another release: what cannot be read proves nothing.
        return Run()
