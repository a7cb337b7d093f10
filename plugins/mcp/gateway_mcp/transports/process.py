"""One process that speaks MCP on its standard input and output.

Source: https://modelcontextprotocol.io/specification, transports, stdio.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import msgspec

from gateway.errors import UpstreamBroken, UpstreamGarbled
from gateway.sdk import plugin_log
from gateway_mcp.conversation import RefusedError
from gateway_mcp.faults import ServerUnreachableError
from gateway_mcp.revisions import read_agreed
from gateway_mcp.transports.local import Tell
from gateway_mcp.transports.questions import refuse_question
from gateway_mcp.wire import CLIENT, HANDSHAKE, Object

__all__ = ["Process"]

_LINE_BYTES = 32 * 1024 * 1024
_LOGGED_CHARACTERS = 1000
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "USER")
"""What a program needs to run at all; nothing else of the gateway's environment is handed on."""
_END_SECONDS = 2.0
_CHANGED = "/list_changed"


class _Waiting:
    """Somebody who waits for an answer; `token` is by what they know the progress of it."""

    __slots__ = ("answer", "tell", "token")

    def __init__(self, tell: Tell, token: object) -> None:
        self.answer: asyncio.Future[Object] = asyncio.get_running_loop().create_future()
        self.tell = tell
        self.token = token


class Process:
    """A running server; `start` runs one, `note_change` is called when its lists change.

    One process serves all clients: requests have numbers of the process's own, and only answers and progress
    find their way back.
    """

    def __init__(self, name: str, note_change: Callable[[], None], pinned: str | None = None) -> None:
        self._name = name
        self._pinned = pinned
        self._note_change = note_change
        self._log = plugin_log(f"mcp.{name}")
        self._waiting: dict[int, _Waiting] = {}
        self.asked = 0
        """How many requests there were."""
        self._tasks: list[asyncio.Task[None]] = []
        self.described: Object = {}
        self.is_alive = False

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._waiting)

    async def start(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Run the command and shake hands. Raises ServerUnreachableError, RefusedError and UpstreamBroken."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**inherited, **environ},
                limit=_LINE_BYTES,
                start_new_session=True,
            )
        except OSError as error:
            self._log.warning("mcp_server_cannot_be_run", server=self._name, reason=str(error))
            raise ServerUnreachableError(f"The MCP server '{self._name}' cannot be run.") from None
        self.is_alive = True
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]
        try:
            await self._shake_hands()
        except BaseException:
            await self.close()
            raise

    async def ask(self, method: str, params: Object, tell: Tell) -> Object:
        """The result of a request; one that is given up is cancelled on the server as well."""
        self.asked += 1
        number = self.asked
        meta = cast("Object", params.get("_meta", {}))
        waiting = _Waiting(tell, meta.get("progressToken"))
        if waiting.token is not None:
            params = {**params, "_meta": {**meta, "progressToken": number}}
        self._waiting[number] = waiting
        try:
            await self._write({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
            message = await waiting.answer
        except asyncio.CancelledError:
            given_up = {"requestId": number, "reason": "The client has gone."}
            with suppress(UpstreamBroken):
                self._write_soon({"method": "notifications/cancelled", "params": given_up})
            raise
        finally:
            del self._waiting[number]
        result = message.get("result")
        if isinstance(result, dict):
            return cast("Object", result)
        error = message.get("error")
        raise RefusedError(cast("Object", error) if isinstance(error, dict) else {})

    async def close(self) -> None:
        """End the process: it is asked to by the end of its input, then told to, then made to."""
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, number)
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_SECONDS):
                    await process.wait()
                    break
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _shake_hands(self) -> None:
        wished = self._pinned or HANDSHAKE
        params: Object = {"protocolVersion": wished, "capabilities": {}, "clientInfo": CLIENT}
        said = await self.ask("initialize", params, lambda _: None)
        read_agreed(said, self._name, self._pinned)
        members = ("capabilities", "serverInfo", "instructions")
        self.described = {name: said[name] for name in members if name in said}
        await self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def _write(self, message: Object) -> None:
        self._write_soon(message)
        stdin = self._process.stdin
        if stdin is not None:
            with suppress(ConnectionError):
                await stdin.drain()

    def _write_soon(self, message: Object) -> None:
        stdin = self._process.stdin
        if not self.is_alive or stdin is None:
            raise UpstreamBroken(f"The MCP server '{self._name}' has ended.")
        stdin.write(msgspec.json.encode({"jsonrpc": "2.0", **message}) + b"\n")

    async def _read(self) -> None:
        stdout = self._process.stdout
        reason: Exception = UpstreamBroken(f"The MCP server '{self._name}' has ended.")
        try:
            while stdout is not None and (line := await stdout.readline()):
                self._take(line)
        except ValueError:
            reason = UpstreamGarbled(f"The MCP server '{self._name}' said more in one line than is read.")
        finally:
            self.is_alive = False
            for waiting in self._waiting.values():
                if not waiting.answer.done():
                    waiting.answer.set_exception(reason)
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGTERM)
            self._log.info("mcp_server_ended", server=self._name)

    def _take(self, line: bytes) -> None:
        try:
            message: Object = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._log.warning("mcp_server_says_no_message", server=self._name)
            return
        method, number = message.get("method"), message.get("id")
        if not isinstance(method, str):
            waiting = self._waiting.get(number) if isinstance(number, int) else None
            if waiting is not None and not waiting.answer.done():
                waiting.answer.set_result(message)
        elif number is not None:
            self._write_soon({"id": number, **refuse_question(method)})
        elif method.endswith(_CHANGED):
            self._note_change()
        elif method == "notifications/progress":
            self._tell_progress(message)

    def _tell_progress(self, message: Object) -> None:
        params = message.get("params")
        token = cast("Object", params).get("progressToken") if isinstance(params, dict) else None
        waiting = self._waiting.get(token) if isinstance(token, int) else None
        if waiting is not None and waiting.token is not None:
            told = {**cast("Object", params), "progressToken": waiting.token}
            waiting.tell({"jsonrpc": "2.0", "method": "notifications/progress", "params": told})

    async def _read_errors(self) -> None:
        """Why a server does not start is for the operator; later it may print what is its clients' own."""
        stderr = self._process.stderr
        with suppress(ValueError):
            while stderr is not None and (line := await stderr.readline()):
                text = line.decode(errors="replace").rstrip()[:_LOGGED_CHARACTERS]
                if not self.described:
                    self._log.info("mcp_server_prints", server=self._name, line=text)
