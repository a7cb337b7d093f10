"""The compiled dispatch: a test per hook, then every mode: plain, async, order, errors, cancellation."""

import asyncio
import functools
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.domain import (
    Charge,
    Claim,
    Completion,
    Limit,
    LimitKind,
    McpArrival,
    McpFindings,
    McpLogin,
    McpLoginAnswer,
    McpRenewal,
    McpServerRecord,
    PassThrough,
    Scope,
    ScopeKind,
    Usage,
)
from gateway.errors import PermissionDenied, PluginError
from gateway.hooks import HookSpecs, HookUse, OpenAnswer, compile_hooks, hookimpl
from gateway.hooks.implementations import HOOKS
from gateway.testing import load_plugin, make_context, make_head, make_principal

CLAIM = Claim(
    Limit(scope=Scope(ScopeKind.KEY, "1"), kind=LimitKind.REQUESTS, amount=10, window_seconds=60), 1
)


def make_completion() -> Completion:
    return Completion(
        charge_id="charge",
        request_id="request",
        status="success",
        usage=Usage(),
        charge=Charge(),
        deployment_id=None,
        provider=None,
        upstream_model=None,
        started_nanos=0,
        ended_nanos=1,
    )


def implement(hook: str, function: Any, **options: bool) -> object:
    """An object with one hook implementation."""
    return type("Made", (), {hook: staticmethod(hookimpl(**options)(function))})()


async def test_hook_authenticate() -> None:
    caller = make_principal(key_alias="found")

    async def authenticate(head: Any) -> Any:
        return caller if head.headers.get("x-key") == "good" else None

    hooks = load_plugin(implement("authenticate", authenticate))

    assert await hooks.authenticate(make_head(x_key="good")) is caller
    assert await hooks.authenticate(make_head(x_key="bad")) is None


async def test_hook_find_pass_through() -> None:
    weather = PassThrough(id="weather", path="/weather", target="https://weather.example/", methods=("GET",))
    hooks = load_plugin(
        implement("find_pass_through", lambda head: weather if head.path == weather.path else None)
    )

    assert await hooks.find_pass_through(make_head("/weather")) is weather
    assert await hooks.find_pass_through(make_head("/elsewhere")) is None
    assert hooks.has_find_pass_through
    assert not load_plugin(implement("authenticate", lambda: None)).has_find_pass_through


async def test_hook_answer_openly() -> None:
    about = OpenAnswer(b"{}")
    hooks = load_plugin(implement("answer_openly", lambda head: about if head.path == "/about" else None))

    async def read_body() -> bytes:
        return b"said"

    async def repeat(read_body: Any) -> OpenAnswer:
        return OpenAnswer(await read_body())

    assert await hooks.answer_openly(make_head("/about"), read_body) is about
    assert await hooks.answer_openly(make_head("/elsewhere"), read_body) is None
    repeating = load_plugin(implement("answer_openly", repeat))
    assert await repeating.answer_openly(make_head("/about"), read_body) == OpenAnswer(b"said")
    assert hooks.has_answer_openly
    assert not load_plugin(implement("authenticate", lambda: None)).has_answer_openly


async def test_hook_resolve_model() -> None:
    hooks = load_plugin(
        implement("resolve_model", lambda model, context: f"{model}@{context.principal.user_id}")
    )

    assert (
        await hooks.resolve_model("gpt", make_context(principal=make_principal(user_id="ann"))) == "gpt@ann"
    )


async def test_hook_authorize() -> None:
    async def authorize(context: Any) -> None:
        raise PermissionDenied(f"not {context.model}")

    with pytest.raises(PermissionDenied, match="not test-model"):
        await load_plugin(implement("authorize", authorize)).authorize(make_context())


async def test_hook_collect_claims() -> None:
    async def collect_claims(context: Any) -> Any:
        return [CLAIM]

    assert await load_plugin(implement("collect_claims", collect_claims)).collect_claims(make_context()) == [
        CLAIM
    ]


async def test_hook_admit() -> None:
    hooks = load_plugin(implement("admit", lambda context, claims: (context.model, tuple(claims))))

    assert await hooks.admit(make_context(), [CLAIM]) == ("test-model", (CLAIM,))


async def test_hook_guard_request() -> None:
    context = make_context()

    await load_plugin(
        implement("guard_request", lambda context: context.body.write("seed", 1))
    ).guard_request(context)

    assert context.body.read("seed") == 1


async def test_hook_open_guards() -> None:
    hooks = load_plugin(implement("open_guards", lambda context: [context.model]))

    assert await hooks.open_guards(make_context()) == ["test-model"]
    assert hooks.has_open_guards


async def test_hook_open_transport() -> None:
    forwarder = object()
    hooks = load_plugin(
        implement("open_transport", lambda context: forwarder if context.model == "weather" else None)
    )

    assert await hooks.open_transport(make_context(b'{"model": "weather"}')) is forwarder
    assert await hooks.open_transport(make_context(b'{"model": "other"}')) is None


async def test_hook_answer_request() -> None:
    answer, asked = object(), object()
    hooks = load_plugin(
        implement(
            "answer_request", lambda context, gateway: (gateway, answer) if context.model == "x" else None
        )
    )

    assert await hooks.answer_request(make_context(b'{"model": "x"}'), asked) == (asked, answer)
    assert await hooks.answer_request(make_context(b'{"model": "other"}'), asked) is None
    assert hooks.has_answer_request


async def test_hook_on_completion() -> None:
    told: list[Any] = []
    hooks = load_plugin(
        implement("on_completion", lambda context, completion: told.append((context, completion)))
    )
    context, completion = make_context(), make_completion()

    await hooks.on_completion(context, completion)

    assert told == [(context, completion)]


async def test_hook_check_mcp_server() -> None:
    hooks = load_plugin(implement("check_mcp_server", lambda server: server.name == "tickets" or None))
    records = [McpServerRecord(server_id="1", name=name, settings={}) for name in ("tickets", "other")]

    assert [await hooks.check_mcp_server(record) for record in records] == [True, None]


async def test_hook_ask_mcp_server() -> None:
    findings = McpFindings(error="It took too long.")
    hooks = load_plugin(
        implement("ask_mcp_server", lambda server_id: findings if server_id == "weather" else None)
    )

    assert await hooks.ask_mcp_server("weather") is findings
    assert await hooks.ask_mcp_server("other") is None


async def test_hook_try_mcp_server() -> None:
    findings = McpFindings(tools=({"name": "forecast"},))
    hooks = load_plugin(implement("try_mcp_server", lambda server: findings if server.name == "a" else None))
    records = [McpServerRecord(server_id="1", name=name, settings={}) for name in ("a", "b")]

    assert [await hooks.try_mcp_server(record) for record in records] == [findings, None]


async def test_hook_begin_mcp_login() -> None:
    login = McpLogin(server_id="weather", user_id="ada", base_url="https://gw.example", browser="b")
    hooks = load_plugin(implement("begin_mcp_login", lambda login: f"https://as.example/{login.user_id}"))

    assert await hooks.begin_mcp_login(login) == "https://as.example/ada"


async def test_hook_finish_mcp_login() -> None:
    arrival = McpArrival(server_id="weather", user_id="ada", credential="token")
    hooks = load_plugin(implement("finish_mcp_login", lambda answer: arrival if answer.code else None))

    assert await hooks.finish_mcp_login(McpLoginAnswer(browser="b", state="s", code="c")) is arrival
    assert await hooks.finish_mcp_login(McpLoginAnswer(browser="b", state="s")) is None


async def test_hook_renew_mcp_login() -> None:
    renewal = McpRenewal(server_id="weather", credential="token")
    hooks = load_plugin(implement("renew_mcp_login", lambda renewal: renewal.credential * 2))

    assert await hooks.renew_mcp_login(renewal) == "tokentoken"


def in_both_colours(function: Any) -> list[Any]:
    """A plain and an async version of a function, and a plain one that hands back a coroutine."""

    @functools.wraps(function)
    async def run(*values: Any) -> Any:
        await asyncio.sleep(0)
        return function(*values)

    @functools.wraps(function)
    def hand_back(*values: Any) -> Any:
        return run(*values)

    return [
        pytest.param(item, id=name)
        for name, item in (("plain", function), ("async", run), ("handed-back", hand_back))
    ]


async def test_hooks_without_implementations_do_nothing() -> None:
    hooks, context = compile_hooks([]), make_context()

    assert await hooks.authenticate(context.head) is None
    assert await hooks.resolve_model("gpt", context) == "gpt"
    assert await hooks.authorize(context) is None
    assert await hooks.collect_claims(context) == []
    assert await hooks.admit(context, []) is None
    assert await hooks.guard_request(context) is None
    assert await hooks.open_guards(context) == []
    assert await hooks.on_completion(context, make_completion()) is None
    assert (hooks.has_guard_request, hooks.has_open_guards, hooks.has_on_completion) == (False, False, False)


@pytest.mark.parametrize("silent", in_both_colours(lambda head: None))
@pytest.mark.parametrize("speaking", in_both_colours(lambda head: "second"))
async def test_first_passes_over_everyone_who_answers_none(silent: Any, speaking: Any) -> None:
    never = implement("authenticate", lambda head: pytest.fail("asked after the answer"))
    hooks = compile_hooks(
        [("a", implement("authenticate", silent)), ("b", implement("authenticate", speaking)), ("c", never)]
    )

    assert await hooks.authenticate(make_head()) == "second"


class Seasonal:
    """A plugin that is needed for pass-throughs only."""

    def idle_hooks(self, use: HookUse) -> list[str]:
        return ["authenticate"] if use is HookUse.MODELS else []

    @hookimpl
    def authenticate(self) -> str:
        return "seasonal"

    @hookimpl
    def find_pass_through(self) -> None:
        """Leave that to others."""


@pytest.mark.parametrize(("use", "answer"), [(HookUse.MODELS, None), (HookUse.PATHS, "seasonal")])
async def test_hooks_that_a_plugin_does_not_need_are_left_out(use: HookUse, answer: Any) -> None:
    hooks = compile_hooks([("a", Seasonal())], use)

    assert await hooks.authenticate(make_head()) == answer
    assert hooks.has_find_pass_through


def test_an_idle_hook_that_does_not_exist_stops_the_boot() -> None:
    plugin = Seasonal()
    plugin.idle_hooks = lambda use: ["autenticate"]  # type: ignore[method-assign]

    with pytest.raises(PluginError, match="'idle_hooks': there is no hook 'autenticate'"):
        compile_hooks([("a", plugin)], HookUse.MODELS)


async def test_first_accepts_an_answer_that_is_false() -> None:
    plugins = [
        ("a", implement("authenticate", lambda head: 0)),
        ("b", implement("authenticate", lambda head: 1)),
    ]

    assert await compile_hooks(plugins).authenticate(make_head()) == 0


@pytest.mark.parametrize("passing", in_both_colours(lambda context: None))
async def test_veto_asks_in_order_and_stops_at_the_first_refusal(passing: Any) -> None:
    async def refuse(context: Any) -> None:
        raise PermissionDenied("no")

    never = implement("authorize", lambda context: pytest.fail("asked after a refusal"))
    hooks = compile_hooks(
        [("a", implement("authorize", passing)), ("b", implement("authorize", refuse)), ("c", never)]
    )

    with pytest.raises(PermissionDenied):
        await hooks.authorize(make_context())


@pytest.mark.parametrize("count", [1, 2])
async def test_veto_awaits_a_refusal_that_a_plain_function_hands_back(count: int) -> None:
    async def refuse() -> None:
        raise PermissionDenied("no")

    plugins = [(str(n), implement("authorize", lambda context: refuse())) for n in range(count)]

    with pytest.raises(PermissionDenied):
        await compile_hooks(plugins).authorize(make_context())


@pytest.mark.parametrize("append", in_both_colours(lambda model: model + "b"))
async def test_pipe_threads_the_value_through_and_none_leaves_it(append: Any) -> None:
    hooks = compile_hooks(
        [
            ("a", implement("resolve_model", append)),
            ("b", implement("resolve_model", lambda model: None)),
            ("c", implement("resolve_model", lambda model: model + "c")),
        ]
    )

    assert await hooks.resolve_model("a", make_context()) == "abc"


@pytest.mark.parametrize("some", in_both_colours(lambda context: (1, 2)))
async def test_collect_puts_everything_into_one_list(some: Any) -> None:
    def generate(context: Any) -> Any:
        yield 3

    hooks = compile_hooks(
        [
            ("a", implement("collect_claims", some)),
            ("b", implement("collect_claims", lambda context: None)),
            ("c", implement("collect_claims", generate)),
        ]
    )

    assert await hooks.collect_claims(make_context()) == [1, 2, 3]


async def test_the_only_answer_is_not_copied() -> None:
    answer = [1, 2]
    hooks = compile_hooks(
        [
            ("a", implement("collect_claims", lambda context: None)),
            ("b", implement("collect_claims", lambda context: answer)),
        ]
    )
    assert await hooks.collect_claims(make_context()) is answer


async def _fail() -> None:
    await asyncio.sleep(0)
    raise ValueError("broken plugin")


def _fail_at_once() -> None:
    raise ValueError("broken plugin")


@pytest.mark.parametrize("broken", [_fail, _fail_at_once])
async def test_notify_logs_an_error_with_the_plugins_name_and_goes_on(broken: Any) -> None:
    told: list[str] = []
    hooks = compile_hooks(
        [
            ("breaks", implement("on_completion", broken)),
            ("works", implement("on_completion", lambda: told.append("told"))),
        ]
    )

    with capture_logs() as logs:
        await hooks.on_completion(make_context(), make_completion())

    assert told == ["told"]
    assert [(line["plugin"], line["hook"], line["log_level"]) for line in logs] == [
        ("breaks", "on_completion", "error")
    ]


@pytest.mark.parametrize("hook", ["authenticate", "resolve_model", "authorize", "collect_claims", "admit"])
async def test_an_error_reaches_the_caller_unchanged_where_the_answer_matters(hook: str) -> None:
    error = LookupError("broken plugin")

    def fail() -> None:
        raise error

    values = [make_context()] * len(HOOKS[hook].arguments)

    with pytest.raises(LookupError) as caught:
        await getattr(load_plugin(implement(hook, fail)), hook)(*values)
    assert caught.value is error


@pytest.mark.parametrize("hook", sorted(HOOKS))
async def test_cancellation_passes_through_every_hook(hook: str) -> None:
    started, never = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        started.set()
        await never.wait()

    values = [make_context()] * len(HOOKS[hook].arguments)
    with capture_logs() as logs:
        task = asyncio.create_task(getattr(load_plugin(implement(hook, wait)), hook)(*values))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert logs == []


async def test_plugins_are_called_in_the_order_given_but_for_tryfirst_and_trylast() -> None:
    called: list[str] = []

    def note(name: str, **options: bool) -> tuple[str, object]:
        return name, implement("authorize", lambda: called.append(name), **options)

    hooks = compile_hooks(
        [note("late", trylast=True), note("one"), note("two"), note("early", tryfirst=True), note("three")]
    )
    await hooks.authorize(make_context())

    assert called == ["early", "one", "two", "three", "late"]
    assert [item.plugin for item in hooks.implementations["authorize"]] == called


async def test_an_implementation_may_leave_arguments_out_or_take_them_in_any_order() -> None:
    seen: list[Any] = []

    def none() -> None:
        seen.append("none")

    def second(claims: Any) -> None:
        seen.append(("second", claims))

    async def swapped(claims: Any, context: Any) -> None:
        seen.append(("swapped", claims, context.model))

    def named(*, claims: Any, context: Any) -> None:
        seen.append(("named", claims, context.model))

    def optional(context: Any, claims: Any = "default") -> None:
        seen.append(("optional", claims, context.model))

    functions = [none, second, swapped, named, optional]
    hooks = compile_hooks([(item.__name__, implement("admit", item)) for item in functions])
    await hooks.admit(make_context(), [])

    assert seen == [
        "none",
        ("second", []),
        ("swapped", [], "test-model"),
        ("named", [], "test-model"),
        ("optional", [], "test-model"),
    ]


async def test_specname_lets_a_function_have_another_name() -> None:
    class Plugin:
        @hookimpl(specname="resolve_model")
        def rename(self, model: str) -> str:
            return model.upper()

    assert await load_plugin(Plugin).resolve_model("gpt", make_context()) == "GPT"


def test_one_async_implementation_stands_for_the_hook_itself() -> None:
    async def authorize(context: Any) -> None:
        """Let everybody in."""

    assert load_plugin(implement("authorize", authorize)).authorize is authorize


def test_the_struct_has_a_member_for_every_hook_and_cannot_be_changed() -> None:
    hooks = compile_hooks([])

    assert all(callable(getattr(hooks, name)) for name in HOOKS)
    assert list(HOOKS) == [name for name in vars(HookSpecs) if not name.startswith("_")]
    with pytest.raises(AttributeError):
        hooks.authorize = None
    with pytest.raises(TypeError):
        hooks.implementations["authorize"] = ()
