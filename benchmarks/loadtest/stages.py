"""The stages of a request, and timers that are put around them."""

import functools
import importlib
import inspect
import time
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

__all__ = ["STAGES", "Stage"]

STAGES = (
    ("read the head", "gateway.http.rsgi_exchange:read_head"),
    ("authenticate", "gateway.identity.hookimpls:KeyAuthentication.authenticate"),
    ("begin the context", "gateway.pipeline.inference:begin_context"),
    ("read the body", "gateway.pipeline.exchange:Exchange.read_json_bytes"),
    ("split the body, read its members", "gateway.pipeline.inference:fill_context"),
    ("attribute to end user and tags", "gateway.spend.attribution:Attribution.read"),
    ("resolve aliases", "gateway.access.aliases:Aliases.resolve_model"),
    ("authorize", "gateway.access.checks:AccessChecks.authorize"),
    ("admit, all of it", "gateway.pipeline.inference:admit_request"),
    ("  estimate the cost", "gateway.pipeline.admitting:estimate_request"),
    ("  collect claims", "gateway.admission.hookimpls:AdmissionHooks.collect_claims"),
    ("  take them", "gateway.admission.hookimpls:AdmissionHooks.admit"),
    ("  record opened", "gateway.runtime:Gateway.record_opened"),
    ("    write it", "gateway.spend.journal:Journal.append_opened_line"),
    ("relay, all of it", "gateway.pipeline.inference:relay_answer"),
    ("  route, with the attempt", "gateway.pipeline.attempts:Attempts.run"),
    ("    build the request", "gateway.pipeline.attempts:Attempts.build_request"),
    ("    read the answer", "gateway.pipeline.sending:read_answer"),
    ("  settle, all of it", "gateway.pipeline.settlement:Settlement.charge"),
    ("    price it", "gateway.pipeline.settlement:compute_charge"),
    ("    settle the hold", "gateway.admission.hold:Hold.settle"),
    ("    record charged", "gateway.runtime:Gateway.record"),
    ("      write it", "gateway.spend.journal:Journal.append_charged_line"),
    ("  build the headers", "gateway.pipeline.answering:build_headers"),
    ("  send the answer", "gateway.http.rsgi_exchange:RsgiExchange.answer"),
)
"""What is printed, and where the function is looked up when it is called."""


class Stage:
    """A function with a timer around it, which runs while `is_on`."""

    def __init__(self, name: str, target: str) -> None:
        self.name = name
        self.is_on = False
        self.spent_nanos = 0
        self._target = target

    def install(self, stack: ExitStack) -> bool:
        """Replace the function for as long as the stack lives; False, with a line, where there is none."""
        owner, attribute = self._find_owner()
        function = getattr(owner, attribute, None)
        if function is None:
            print(f"       -     {self.name}: there is no {self._target} any more")
            return False
        timed = self._time_async(function) if inspect.iscoroutinefunction(function) else self._time(function)
        stack.enter_context(patch.object(owner, attribute, timed))
        return True

    def is_there(self) -> bool:
        """Whether the gateway still has this function under its name."""
        owner, attribute = self._find_owner()
        return callable(getattr(owner, attribute, None))

    def _find_owner(self) -> tuple[Any, str]:
        module, _, path = self._target.partition(":")
        *owners, attribute = path.split(".")
        owner: Any = importlib.import_module(module)
        for each in owners:
            owner = getattr(owner, each, None)
        return owner, attribute

    def _time(self, function: Any) -> Any:
        @functools.wraps(function)
        def timed(*values: Any, **named: Any) -> Any:
            if not self.is_on:
                return function(*values, **named)
            started = time.perf_counter_ns()
            try:
                return function(*values, **named)
            finally:
                self.spent_nanos += time.perf_counter_ns() - started

        return timed

    def _time_async(self, function: Any) -> Any:
        @functools.wraps(function)
        async def timed(*values: Any, **named: Any) -> Any:
            if not self.is_on:
                return await function(*values, **named)
            started = time.perf_counter_ns()
            try:
                return await function(*values, **named)
            finally:
                self.spent_nanos += time.perf_counter_ns() - started

        return timed
