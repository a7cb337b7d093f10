"""Records that are inspected after their calls: first the charge is booked, then its row gets the content."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from gateway.errors import DatabaseUnavailable
from gateway.spend.drain import Drain
from gateway.spend.inspections_store import InspectedRow, InspectionStore
from gateway.spend.records import clean_json, clean_text

__all__ = ["Inspected", "Inspection", "Inspections"]

_MOST = 2_000
_MOST_BYTES = 64 * 1024 * 1024
_AT_ONCE = 64
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
_ID_LIMIT = 1_000
_BODY_BYTES = 64 * 1024
_encode = msgspec.json.Encoder().encode


class Inspected(msgspec.Struct, frozen=True):
    """What an inspection leaves: the JSON list of what was found, and the bodies that may be recorded."""

    runs: msgspec.Raw | None
    messages: msgspec.Raw | None = None
    response: msgspec.Raw | None = None
    proxy_server_request: msgspec.Raw | None = None


class Inspection(msgspec.Struct, frozen=True):
    """A record that waits: of which charge, of how many bytes, and who inspects it."""

    charge_id: str
    request_id: str
    started_ms: int
    size: int
    inspect: Callable[[], Awaitable[Inspected]]


class Inspections:
    """The queue of one worker: at most 2,000 records of together 64 MiB wait.

    A record that is lost, because the worker dies or the database stays away at its end, has no content: what
    was not inspected is never recorded. Nothing of a charge waits here.
    """

    def __init__(
        self,
        drain: Drain,
        store: InspectionStore,
        *,
        most: int = _MOST,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._drain = drain
        self._store = store
        self._most = most
        self._pause = pause
        self._waiting: deque[Inspection] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._log = structlog.get_logger(__name__)

    def put(self, inspection: Inspection) -> bool:
        """Take a record; False where too much waits already."""
        if len(self._waiting) >= self._most or self._bytes + inspection.size > _MOST_BYTES:
            self._log.warning("record_not_inspected", waiting=len(self._waiting), bytes=self._bytes)
            return False
        self._waiting.append(inspection)
        self._bytes += inspection.size
        self._idle.clear()
        self._arrived.set()
        return True

    async def run(self) -> None:
        """Inspect and store until cancelled."""
        while True:
            await self._arrived.wait()
            batch = [self._waiting[place] for place in range(min(len(self._waiting), _AT_ONCE))]
            # A plugin's defect must not end the job, nor show content.
            found = await asyncio.gather(*(item.inspect() for item in batch), return_exceptions=True)
            await self._store_rows([self._row(*pair) for pair in zip(batch, found, strict=True)])
            for item in batch:
                self._waiting.popleft()
                self._bytes -= item.size
            if not self._waiting:
                self._arrived.clear()
                self._idle.set()

    async def flush(self) -> None:
        """Return when nothing waits any more."""
        await self._idle.wait()

    async def close(self, seconds: float) -> None:
        """Wait so long for what waits; what is left then stays without content."""
        try:
            async with asyncio.timeout(seconds):
                await self.flush()
        except TimeoutError:
            self._log.warning("records_not_inspected", count=len(self._waiting))

    def _row(self, inspection: Inspection, found: Inspected | BaseException) -> InspectedRow:
        if isinstance(found, BaseException):
            self._log.error("record_inspection_failed", exc_info=found)
            found = Inspected(None)
        return InspectedRow(
            inspection.charge_id,
            clean_text(inspection.request_id, _ID_LIMIT),
            inspection.started_ms,
            "[]" if found.runs is None else clean_json(bytes(found.runs)),
            _body(found.messages),
            _body(found.response),
            _body(found.proxy_server_request),
        )

    async def _store_rows(self, rows: list[InspectedRow]) -> None:
        failures = 0
        while True:
            try:
                # The charges were journalled before: now their rows are there.
                await self._drain.flush()
                await self._store.complete(rows)
            except (DatabaseUnavailable, OSError) as error:
                self._log.warning("inspected_records_wait", error=str(error))
            except Exception as error:  # noqa: BLE001  a job for the whole life of the worker must not end
                self._log.error("inspected_records_lost", count=len(rows), exc_info=error)
                return
            else:
                return
            await self._pause(min(_FIRST_PAUSE_SECONDS * 2**failures, _LONGEST_PAUSE_SECONDS))
            failures = min(failures + 1, 10)


def _body(value: msgspec.Raw | None) -> str | None:
    """JSON as it is stored, or how long it was where it is too long to keep."""
    if value is None:
        return None
    data = bytes(value)
    return clean_json(data if len(data) <= _BODY_BYTES else _encode({"truncated_bytes": len(data)}))
