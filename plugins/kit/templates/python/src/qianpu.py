"""What every plugin needs beside the generated bindings (`wit_world`): failures, steps, reading JSON.

Names and forms of operations: docs/plugins/interface.md of Qianpu."""

import json
import re
import traceback
from typing import Any, Callable

from componentize_py_types import Err
from wit_world.exports import pushes
from wit_world.imports import log, types


def failure(kind: types.Class, detail: str, remote: types.RemoteError | None = None) -> Err:
    """What went wrong, and what is to be done about it. Raise it from an operation."""
    return Err(types.Failure(kind, remote, detail))


def unexpected(detail: str) -> Err:
    return failure(types.Class_Unexpected(), detail)


def retry_later(seconds: int, detail: str) -> Err:
    return failure(types.Class_RetryLater(seconds * 1_000_000), detail)


def call(request: types.Request, state: bytes = b"") -> types.Step:
    """Makes this request; `resume` gets its answer."""
    return types.Step_Call(types.Call([request], False, state))


def done(outcome: Any) -> types.Step:
    return types.Step_Done(json.dumps(outcome, ensure_ascii=False))


def request(method: types.Method, host: str, path: str, body: Any = None) -> types.Request:
    """A request with a JSON body, or without one."""
    content: types.Body = types.Body_Empty()
    if body is not None:
        text = json.dumps(body, ensure_ascii=False)
        content = types.Body_Bytes(types.TypedBytes("application/json; charset=utf-8", text.encode()))
    return types.Request(method, host, path, [], [], content, [], None, False, None)


# Deeper than anything a platform sends. Reading what is much deeper would exhaust the stack, and end in a trap.
DEEPEST = 64
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
BRACKET = re.compile(r"[\[\]{}]")


def deep(text: str) -> bool:
    if text.count("{") + text.count("[") <= DEEPEST:
        return False
    depth = 0
    for bracket in BRACKET.findall(TEXT.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            return True
    return False


def parsed(data: bytes) -> Any:
    """JSON, or `None` for what is none."""
    try:
        text = data.decode()
        return None if deep(text) else json.loads(text)
    except ValueError:
        return None


def only(answers: list[types.Answer]) -> Any:
    """The one answer of a call as JSON. What is no answer, or not 2xx, is a failure."""
    if len(answers) != 1:
        raise unexpected(f"expected one answer, got {len(answers)}")
    answer = answers[0]
    if isinstance(answer, types.Answer_NetworkError):
        raise retry_later(10, f"network error: {answer.value}")
    if isinstance(answer, types.Answer_TimedOut):
        raise retry_later(10, "the platform did not answer in time")
    status = answer.value.status
    if status == 429 or status >= 500:
        raise retry_later(10, f"HTTP status {status}")
    if not 200 <= status <= 299:
        raise unexpected(f"HTTP status {status}")
    return parsed(answer.value.body)


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def identifier(value: Any) -> str | None:
    """An id: text, or a whole number; nothing else."""
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if whole(value) and value >= 0 else None


def integer(value: Any) -> int | None:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    return value if whole(value) else None


def word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def part(value: Any, *names: str) -> Any:
    """A field inside of objects; `None` where one is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def guarded(what: str, run: Callable[[], Any]) -> Any:
    """Without this an exception would end in a trap that says nothing."""
    try:
        return run()
    except Err:
        raise
    except Exception:
        log.write(log.Level.ERROR, f"{what}: {traceback.format_exc()}")
        raise unexpected(f"{what} went wrong; the log says more") from None


def judged(what: str, run: Callable[[], Any]) -> Any:
    try:
        return run()
    except Err:
        raise
    except Exception:
        log.write(log.Level.ERROR, f"{what}: {traceback.format_exc()}")
        raise Err(pushes.Refusal.MALFORMED) from None
