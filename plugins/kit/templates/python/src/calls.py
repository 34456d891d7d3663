"""Calls of the platform, and what its error codes mean."""

from typing import Any

from qianpu import failure, integer, only, request, unexpected
from wit_world.imports import types

CALLS = "calls"
TOKENS = "tokens"


def signed(cx: types.Context, one: types.Request) -> types.Request:
    if cx.account is None:
        raise failure(types.Class_Reauthorise(), "the operation needs a linked account")
    if cx.account.access_token is None:
        raise failure(types.Class_RetryAfterRefresh(), "the account has no access token yet")
    one.query.append(("access_token", cx.account.access_token.value))
    one.redact.append("access_token")
    one.bucket = CALLS
    one.idempotent = True
    return one


def get(cx: types.Context, path: str) -> types.Request:
    return signed(cx, request(types.Method.GET, "api", path))


def post(cx: types.Context, path: str, body: Any) -> types.Request:
    """For calls that only read: they may be repeated."""
    return signed(cx, request(types.Method.POST, "api", path, body))


def refused(field: str) -> types.Class:
    return types.Class_FixRequest([types.FieldError(field, "refused_by_platform", field)])


# Codes with a meaning; every other is a refusal in the platform's own words.
MEANING: dict[int, types.Class] = {
    40001: types.Class_RetryAfterRefresh(),
    40014: types.Class_RetryAfterRefresh(),
    42001: types.Class_RetryAfterRefresh(),
    -1: types.Class_RetryLater(2_000_000),
    45011: types.Class_RetryLater(60_000_000),
    48001: types.Class_Reauthorise(),
    40013: refused("app_id"),
    40125: refused("app_secret"),
    47001: types.Class_FixRequest([]),
    48004: types.Class_Fatal(),
    50002: types.Class_Fatal(),
}


def read(answers: list[types.Answer]) -> dict[str, Any]:
    """The answer, when the platform says that all is well."""
    body = only(answers)
    if not isinstance(body, dict):
        raise unexpected("the answer is not a JSON object")
    if body.get("errcode") is None:
        return body
    code = integer(body["errcode"])
    if code is None:
        raise unexpected("errcode is not a number")
    if code == 0:
        return body
    remote = types.RemoteError(str(code), str(body.get("errmsg", "")), None)
    raise failure(MEANING.get(code, types.Class_BusinessRefusal()), "", remote)
