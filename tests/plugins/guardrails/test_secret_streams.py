"""Credentials in streams: however long they are and wherever they are cut, nothing of them goes out."""

import asyncio
import base64
import random
from collections.abc import Iterator

import msgspec
import pytest
from gateway_guardrails.secret_detection import SecretDetection, SecretDetectionSettings

from gateway.guardrails.choice import Chosen, Installed
from gateway.guardrails.report import Report
from gateway.guardrails.runner import Runner
from gateway.guardrails.stream import GuardedStream
from gateway.sdk import GuardrailCall
from gateway.settings.guardrails import GuardrailEntry, GuardrailMode
from gateway.testing import FakeClock, edit_texts, inspect_texts

MODES = frozenset({GuardrailMode.POST_CALL})
PROSE = "It was a bright cold day in April, and the clocks were striking thirteen. " * 12
BODY = "\n".join("MIIEowIBAAKCAQEA7abcdefghijklmnopqrstuvwxyz0123456789+/ABCDEFGHI"[:64] for _ in range(50))
HEADERS = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0123456789ABCDEF0123456789ABCDEF\n\n"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{HEADERS}{BODY}\n-----END RSA PRIVATE KEY-----"
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (
        b'{"alg":"RS256","x5c":"%s"}' % (b"MIIEow" * 300),
        b'{"sub":"%s"}' % (b"1234567890" * 200),
        b"sig" * 90,
    )
)
LINES = "\n".join("AAAAB3NzaC1yc2EAAAADAQABAAABAQC7abcdefghijklmnopqrstuvwxyz012345" for _ in range(20))
PUTTY = (
    f"PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nPublic-Lines: 20\n{LINES}\nPrivate-MAC: {'0a' * 32}\n"
)
AGENT = "glagent-" + "aB3_" * 250
TEXTS = {
    "putty": PROSE + PUTTY + PROSE,
    "agent": f"{PROSE}{AGENT} {PROSE}",
    "key": PROSE + KEY + PROSE,
    "jwt": PROSE + JWT + " " + PROSE,
    "both": f"{JWT} {KEY}{PROSE}{KEY}",
}


def guard() -> GuardedStream:
    entry = GuardrailEntry(name="g", kind="secret_detection", modes=MODES)
    chosen = Chosen(Installed(entry, SecretDetection(SecretDetectionSettings())), MODES, {})
    call = GuardrailCall(guardrail="g", is_stream=True)
    return GuardedStream(Runner(FakeClock(), call, Report(["g"])), [chosen])


def cut(text: str, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    at = 0
    while at < len(text):
        size = chance.choice((1, 3, 5, 40, 400))
        choices = [{"index": 0, "delta": {"content": text[at : at + size]}}]
        yield b"data: " + msgspec.json.encode({"choices": choices}) + b"\n\n"
        at += size


def told(events: list[bytes]) -> str:
    lines = [line for line in b"".join(events).split(b"\n\n") if line.startswith(b"data: {")]
    return "".join(msgspec.json.decode(line[6:])["choices"][0]["delta"].get("content", "") for line in lines)


async def stream(text: str, seed: int) -> list[bytes]:
    guarded = guard()
    out = [await guarded.feed(event) for event in cut(text, seed)]
    return [*out, await guarded.finish(b"data: [DONE]\n\n")]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", TEXTS)
def test_a_stream_is_edited_as_the_whole_text(name: str, seed: int) -> None:
    text = TEXTS[name]
    verdict = asyncio.run(inspect_texts(SecretDetection(SecretDetectionSettings()), text))
    (whole,) = edit_texts(verdict, text)
    assert "[REDACTED:" in whole
    assert told(asyncio.run(stream(text, seed))) == whole


def test_ordinary_prose_waits_for_little() -> None:
    out = asyncio.run(stream(PROSE, 7))
    assert len(told(out[:-1])) >= len(PROSE) - 320 - 400
    assert told(out) == PROSE
