"""Pushes: proving that they are genuine, and what they mean. A push only says "go and fetch"."""

import base64
import binascii
import json
from typing import Any

from componentize_py_types import Err
from qianpu import identifier, integer, parsed, part, unexpected, word
from wit_world.exports import pushes
from wit_world.exports.pushes import Refusal
from wit_world.imports import crypto, types

MOST_AHEAD = 600_000_000


def plain(status: int, body: str) -> pushes.Reply:
    return pushes.Reply(status, "text/plain; charset=utf-8", body.encode())


def parameter(push: pushes.Push, name: str) -> str:
    for given, value in push.query:
        if given == name:
            return value
    raise Err(Refusal.BAD_SIGNATURE)


def check_signature(token: str, parts: list[str], given: str) -> None:
    """SHA-1 over the sorted parts and the token, which stays in the server."""
    pieces: list[crypto.Piece] = [crypto.Piece_Secret(token)]
    pieces += [crypto.Piece_Bytes(one.encode()) for one in parts]
    digest = crypto.digest(crypto.Hash.SHA1, pieces, True).hex()
    if not crypto.equal(digest.encode(), given.encode()):
        raise Err(Refusal.BAD_SIGNATURE)


def check_time(timestamp: str, credentials: pushes.Credentials, now: int) -> int:
    seconds = integer(timestamp)
    if seconds is None:
        raise Err(Refusal.MALFORMED)
    if not -MOST_AHEAD <= now - seconds * 1_000_000 <= credentials.max_age:
        raise Err(Refusal.STALE)
    return seconds * 1_000_000


def opened(encrypted: str, credentials: pushes.Credentials) -> tuple[bytes, str]:
    """16 random bytes, the length, the message, the app id; padded to blocks of 32."""
    try:
        data = base64.b64decode(encrypted.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise Err(Refusal.MALFORMED) from None
    if not data or len(data) % 16:
        raise Err(Refusal.MALFORMED)
    for secret in (credentials.encoding_aes_key, credentials.previous_encoding_aes_key):
        if secret is None:
            continue
        try:
            key = crypto.Key(secret, crypto.KeyForm.BASE64)
            text = crypto.aes_cbc_open(key, crypto.Vector_KeyPrefix(), data)
            pad = text[-1]
            body, padding = text[:-pad], text[-pad:]
            end = 20 + int.from_bytes(body[16:20], "big")
            if 1 <= pad <= 32 and padding == bytes([pad]) * pad and end <= len(body):
                return body[20:end], body[end:].decode()
        except (Err, ValueError):
            continue  # Not this key.
    raise Err(Refusal.UNDECRYPTABLE)


# Events with a meaning; the details of all of them stand in `order_info`.
EVENTS = {
    "channels_ec_order_new": "order.created",
    "channels_ec_order_pay": "order.paid",
    "channels_ec_order_wait_shipping": "order.paid",
    "channels_ec_order_cancel": "order.cancelled",
    "channels_ec_order_deliver": "order.shipped",
    "channels_ec_order_confirm": "order.confirmed",
    "channels_ec_order_settle": "order.settled",
    "channels_ec_order_ext_info_update": "order.changed",
}


def verify(push: pushes.Push, credentials: pushes.Credentials, now: int) -> pushes.Verified:
    if push.method != types.Method.POST:
        raise Err(Refusal.MALFORMED)
    given, timestamp, nonce = (parameter(push, name) for name in ("msg_signature", "timestamp", "nonce"))
    encrypted = word(part(parsed(push.body), "Encrypt"))
    if encrypted is None:
        raise Err(Refusal.MALFORMED)
    check_signature(credentials.token, [timestamp, nonce, encrypted], given)
    at = check_time(timestamp, credentials, now)
    if pushes.Format.JSON not in credentials.formats:
        raise Err(Refusal.WRONG_FORMAT)
    message, app_id = opened(encrypted, credentials)
    if app_id not in credentials.app_ids:
        raise Err(Refusal.WRONG_APP)
    return pushes.Verified(push.origin, pushes.Format.JSON, message, app_id, at)


def decode(verified: pushes.Verified) -> list[pushes.Notice]:
    message: Any = parsed(verified.plaintext)
    name = word(part(message, "Event")) if part(message, "MsgType") == "event" else None
    if name is None:
        raise unexpected("the push is no event, or one without a name")
    kind = EVENTS.get(name)
    subject = identifier(part(message, "order_info", "order_id")) if kind else None
    if kind and subject is None:
        raise unexpected(f"the event {name} names no order")
    # The same for every delivery of one push.
    canonical = json.dumps(message, sort_keys=True, separators=(",", ":")).encode()
    key = crypto.digest(crypto.Hash.SHA1, [crypto.Piece_Bytes(canonical)], False).hex()
    seconds = integer(message.get("CreateTime"))
    notice = {
        "dedup_key": f"{name[:60]}:{key}",
        "native_type": name,
        # Never an error and never a guess: what is not in the table is kept by its name.
        "kind": kind or f"unknown:{name}",
        "account_external_id": None,
        "account_user_name": word(message.get("ToUserName")),
        "subject_id": subject,
        "occurred_at": verified.signed_at if seconds is None else seconds * 1_000_000,
        "hint": {},
        "raw": message,
    }
    return [pushes.Notice(json.dumps(notice, ensure_ascii=False), None)]


def handshake(push: pushes.Push, credentials: pushes.Credentials, now: int) -> pushes.Reply:
    if push.method != types.Method.GET:
        raise Err(Refusal.MALFORMED)
    timestamp, nonce = parameter(push, "timestamp"), parameter(push, "nonce")
    check_signature(credentials.token, [timestamp, nonce], parameter(push, "signature"))
    check_time(timestamp, credentials, now)
    return plain(200, parameter(push, "echostr"))


def refuse(refusal: Refusal) -> pushes.Reply:
    """Names no reason: the platform does not read it and a forger should not."""
    if refusal in (Refusal.MALFORMED, Refusal.WRONG_FORMAT):
        return plain(400, "bad request")
    return plain(403, "forbidden")
