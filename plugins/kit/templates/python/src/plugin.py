"""{{title}}: a channel plugin for Qianpu.

It describes requests and reads answers; the server makes the calls. What is here speaks the WeChat shop's interface
(token, profile, pushes, orders), so that it can be tried against `qianpu sandbox` at once. Put your platform's facts in
its place, one operation at a time: `qianpu plugin dev` runs every check at each save."""

import json
from typing import Any

import events
import orders
from calls import CALLS, TOKENS, get, read
from qianpu import call, done, failure, guarded, integer, judged, request, unexpected, word
from wit_world import exports
from wit_world.exports import pushes
from wit_world.imports import types

MANIFEST = {
    "schema": "qianpu.manifest/1",
    "slug": "{{slug}}",
    "version": "0.1.0",
    "name_en": "{{title}}",
    "name_zh": "{{title}}",
    "kinds": [{"code": "{{kind}}", "name_en": "{{title}} shop", "name_zh": "{{title}} 店铺"}],
    # The merchant types id and secret. Links through an app of the provider come with the capability `app`.
    "link_modes": ["direct"],
    "push_rules": [{"mode": "direct", "formats": ["json"]}],
    # The only hosts it reaches; the operator agrees to them.
    "hosts": [{"name": "api", "base_url": "https://api.weixin.qq.com"}],
    "buckets": [
        {"name": CALLS, "per_minute": 1200, "burst": 60},
        {"name": TOKENS, "per_minute": 60, "burst": 20},
    ],
    "capabilities": ["auth", "webhook", "account", "orders"],
    # Fields of answers that hold tokens: the plugin sees handles there.
    "secret_fields": ["access_token"],
}


class Refresh:
    @staticmethod
    def start(cx: types.Context, _given: Any) -> types.Step:
        if cx.account is None or cx.account.secret is None:
            raise failure(types.Class_Reauthorise(), "the account has no secret")
        one = request(types.Method.POST, "api", "/cgi-bin/stable_token", {
            "grant_type": "client_credential",
            "appid": cx.account.external_id,
            # A handle; the server puts the secret there when it sends the request.
            "secret": cx.account.secret,
            "force_refresh": False,
        })
        one.redact.append("secret")
        one.idempotent = True
        one.bucket = TOKENS
        return call(one)

    @staticmethod
    def resume(cx: types.Context, answers: list[types.Answer]) -> types.Step:
        body = read(answers)
        value, seconds = word(body.get("access_token")), integer(body.get("expires_in"))
        if value is None or seconds is None or not 1 <= seconds <= 31_536_000:
            raise unexpected("the answer has no usable token")
        token = {"value": value, "expires_at": cx.now + seconds * 1_000_000}
        return done({"access_token": token, "refresh_token": None})


class Profile:
    @staticmethod
    def start(cx: types.Context, _given: Any) -> types.Step:
        return call(get(cx, "/channels/ec/basics/info/get"))

    @staticmethod
    def resume(cx: types.Context, answers: list[types.Answer]) -> types.Step:
        info = read(answers).get("info")
        if not isinstance(info, dict):
            raise unexpected("the answer has no info")
        state = word(info.get("status"))
        # A state we do not know is not guessed.
        known = {"open_finished": True, "opening": False, "closing": False, "close_finished": False}
        return done({
            "external_id": cx.account.external_id if cx.account else None,
            "kind": "{{kind}}",
            "user_name": word(info.get("username")),
            "name": word(info.get("nickname")),
            "avatar_url": word(info.get("headimg_url")),
            "subject": word(info.get("subject_type")),
            "native_state": state,
            "active": known.get(state or ""),
            "opened_at": None,
            "scopes": [],
        })


# Operations that are not here are refused by name.
TABLE: dict[str, Any] = {
    "account.refresh": Refresh,
    "account.profile": Profile,
    "order.list": orders.List,
    "order.fetch": orders.Fetch,
}


def find(operation: str) -> Any:
    if operation not in TABLE:
        raise failure(types.Class_BusinessRefusal(), f"the plugin does not know the operation {operation}")
    return TABLE[operation]


class Plugin(exports.Plugin):
    def describe(self) -> str:
        return json.dumps(MANIFEST, ensure_ascii=False)


class Operations(exports.Operations):
    def start(self, cx: types.Context, operation: str, input: str) -> types.Step:
        return guarded(operation, lambda: find(operation).start(cx, json.loads(input)))

    def resume(self, cx: types.Context, operation: str, state: bytes, answers: list[types.Answer]) -> types.Step:
        return guarded(operation, lambda: find(operation).resume(cx, answers))


class Pushes(exports.Pushes):
    def verify(self, push: pushes.Push, credentials: pushes.Credentials, now: int) -> pushes.Verified:
        return judged("verify", lambda: events.verify(push, credentials, now))

    def decode(self, verified: pushes.Verified) -> list[pushes.Notice]:
        return guarded("decode", lambda: events.decode(verified))

    def handshake(self, push: pushes.Push, credentials: pushes.Credentials, now: int) -> pushes.Reply:
        return judged("handshake", lambda: events.handshake(push, credentials, now))

    def acknowledge(self, verified: pushes.Verified) -> pushes.Reply:
        return events.plain(200, "success")

    def refuse(self, refusal: pushes.Refusal) -> pushes.Reply:
        return events.refuse(refusal)
