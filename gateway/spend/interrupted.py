"""Finds the requests that a dead worker left open, and charges each of them once, as an estimate."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gateway.spend.disk import sync_data
from gateway.spend.metadata import GatewrightMarks, RequestMetadata, extend
from gateway.spend.records import (
    CHARGED_PREFIX,
    OPENED_PREFIX,
    SEGMENT_PREFIX,
    ChargedRecord,
    ClosedMark,
    OpenedRecord,
    SegmentHead,
    encode_line,
)
from gateway.spend.segments import Segment, find_whole_length, read_segment

__all__ = ["build_interrupted", "charge_interrupted", "find_open"]

_decode_mark = msgspec.json.Decoder(ClosedMark).decode
_decode_opened = msgspec.json.Decoder(OpenedRecord).decode
_decode_head = msgspec.json.Decoder(SegmentHead).decode


def charge_interrupted(segments: Sequence[Segment], ended_nanos: int) -> int:
    """Append a charge for every request that is still open; returns how many there were.

    What was reserved, and a torn last line, is cut off first: nobody was told that the line had been
    written. The charges are on the disk
    before this returns; killed at any byte, the next call finds the rest. `ended_nanos` is nanoseconds since
    1970. Raises OSError.
    """
    if not segments:
        return 0
    last = segments[-1].path
    _cut_to_whole_lines(last)
    records = [build_interrupted(record, ended_nanos) for record in find_open(segments)]
    if records:
        _append(last, b"".join(encode_line(record) for record in records))
    return len(records)


def find_open(segments: Sequence[Segment]) -> list[OpenedRecord]:
    """The `opened` records without their `charged`, in the order of the journal.

    Only the last segment tells, because a rotation carries over what is open; the one before is asked too
    when the rotation was cut short, which the count in the segment's head gives away.
    """
    lines = read_segment(segments[-1])
    if len(segments) > 1 and not _is_head_complete(lines):
        lines = read_segment(segments[-2]) + lines
    open_lines: dict[str, bytes] = {}
    closed: set[str] = set()
    for line in lines:
        if line.startswith(OPENED_PREFIX):
            open_lines[_charge_id(line)] = line
        elif line.startswith(CHARGED_PREFIX):
            closed.add(_charge_id(line))
    closed.add("")
    return [_decode_opened(line) for charge_id, line in open_lines.items() if charge_id not in closed]


def _charge_id(line: bytes) -> str:
    """The charge id of a line; empty for one that a failing disk has garbled."""
    try:
        return _decode_mark(line).charge_id
    except msgspec.DecodeError:
        return ""


def build_interrupted(opened: OpenedRecord, ended_nanos: int) -> ChargedRecord:
    """The charge of a request that nobody settled: what it had come to when that was last noted."""
    ended_ms = max(ended_nanos // 1_000_000, opened.started_ms)
    request = RequestMetadata(
        status="interrupted",
        litellm_call_id=opened.call_id,
        gatewright=GatewrightMarks(
            charge_id=opened.charge_id, cost_nanos=opened.spent_nanos, interrupted=True, estimated=True
        ),
        requester_ip_address=opened.requester_ip_address,
    )
    return ChargedRecord(
        charge_id=opened.charge_id,
        request_id=opened.call_id,
        litellm_call_id=opened.call_id,
        call_type=opened.call_type,
        endpoint=opened.endpoint,
        api_key=opened.api_key,
        cost_nanos=opened.spent_nanos,
        started_ms=opened.started_ms,
        ended_ms=ended_ms,
        request_duration_ms=min(ended_ms - opened.started_ms, 2**31 - 1),
        status="failure",
        model=opened.model_group,
        model_group=opened.model_group,
        total_tokens=opened.spent_tokens,
        user=opened.user or "",
        team_id=opened.team_id,
        organization_id=opened.organization_id,
        end_user=opened.end_user,
        agent_id=opened.agent_id,
        session_id=opened.session_id,
        requester_ip_address=opened.requester_ip_address,
        scopes=opened.scopes,
        request_tags=opened.request_tags,
        metadata=extend(opened.metadata.encode(), request),
    )


def _is_head_complete(lines: Sequence[bytes]) -> bool:
    """Whether all that was to be carried over stands right behind the head."""
    if not lines[0].startswith(SEGMENT_PREFIX):
        return False
    count = _decode_head(lines[0]).carried
    carried = lines[1 : count + 1]
    return len(carried) == count and all(
        line.startswith(OPENED_PREFIX) and _charge_id(line) for line in carried
    )


def _cut_to_whole_lines(path: Path) -> None:
    data = path.read_bytes()
    whole = find_whole_length(data)
    if whole < len(data):
        os.truncate(path, whole)
    if whole and data[whole - 1] == 0:
        with path.open("r+b") as file:
            file.seek(whole - 1)
            file.write(b"\n")


def _append(path: Path, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        sync_data(file)
    finally:
        os.close(file)
