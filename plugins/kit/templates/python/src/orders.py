"""Listing what changed, and reading one order."""

from typing import Any

from calls import post, read
from qianpu import call, done, failure, identifier, integer, part, rows, unexpected, word
from wit_world.imports import types

WEEK = 7 * 86_400_000_000


def required(value: Any, field: str) -> Any:
    if value is None:
        raise unexpected(f"the answer has no {field}")
    return value


def micros(value: Any) -> int | None:
    """Zero means "not yet" in every time field."""
    seconds = integer(value)
    return seconds * 1_000_000 if seconds and seconds > 0 else None


def fen(of: Any, field: str) -> int:
    amount = integer(part(of, field))
    if amount is None or amount < 0:
        raise unexpected(f"the order has no amount {field}")
    return amount


class List:
    @staticmethod
    def start(cx: types.Context, given: Any) -> types.Step:
        window = given["window"]
        if not 0 <= window["to"] - window["from"] <= WEEK:
            field = types.FieldError("window", "range", "时间范围不能超过 7 天")
            raise failure(types.Class_FixRequest([field]), "the window is too long")
        body = {
            "update_time_range": {
                "start_time": window["from"] // 1_000_000,
                "end_time": window["to"] // 1_000_000,
            },
            "page_size": 100,
            "next_key": given.get("cursor") or "",
        }
        return call(post(cx, "/channels/ec/order/list/get", body))

    @staticmethod
    def resume(_cx: types.Context, answers: list[types.Answer]) -> types.Step:
        body = read(answers)
        found = body.get("order_id_list")
        # The platform leaves the list out when it is empty, and then says that all is well.
        if not isinstance(found, list) and (found is not None or "errcode" not in body):
            raise unexpected("the answer has no order_id_list")
        items = [required(identifier(row), "order id") for row in rows(found)]
        more = body.get("has_more") is True
        return done({"items": items, "next_cursor": word(body.get("next_key")) if more else None})


class Fetch:
    @staticmethod
    def start(cx: types.Context, given: Any) -> types.Step:
        return call(post(cx, "/channels/ec/order/get", {"order_id": given["order_id"]}))

    @staticmethod
    def resume(_cx: types.Context, answers: list[types.Answer]) -> types.Step:
        return done(order(read(answers).get("order")))


STATES: dict[str, Any] = {
    "10": "awaiting_payment",
    "20": "paid",
    "21": "part_shipped",
    "30": "shipped",
    "100": "completed",
    "190": {"cancelled": "oversold"},
    "200": {"cancelled": "all_refunded"},
    "250": {"cancelled": "unpaid"},
}
SCENES = {"": "other", "0": "other", "1": "other", "2": "live", "3": "short_video", "4": "share", "5": "window",
          "6": "article"}


def order(given: Any) -> dict[str, Any]:
    status = required(identifier(part(given, "status")), "status")
    created = required(micros(part(given, "create_time")), "create_time")
    detail = part(given, "order_detail")
    lines = rows(part(detail, "product_infos"))
    if not lines:
        raise unexpected("the order has no product_infos")
    price, pay = part(detail, "price_info"), part(detail, "pay_info")
    delivery, ext = part(detail, "delivery_info"), part(detail, "ext_info")
    goods, total = fen(price, "product_price"), fen(price, "order_price")
    freight = integer(part(price, "freight")) or 0
    scene = identifier(part(ext, "order_scene")) or ""
    return {
        "external_id": required(identifier(part(given, "order_id")), "order_id"),
        "native_state": status,
        # Never guess: what is not in the table stays what the platform said.
        "state": STATES.get(status, {"unknown": status}),
        "created_at": created,
        "updated_at": micros(part(given, "update_time")) or created,
        "paid_at": micros(part(pay, "pay_time")),
        "shipped_at": micros(part(delivery, "ship_done_time")),
        "confirmed_at": micros(part(ext, "confirm_receipt_time")),
        "settled_at": None,
        "transaction_id": identifier(part(pay, "transaction_id")),
        "lines": [line(info) for info in lines],
        "amounts": {
            "goods": goods,
            "freight": freight,
            "discount": goods + freight - total,
            "total": total,
            "merchant_receivable": None,
        },
        "buyer_open_id": word(part(given, "openid")),
        "buyer_union_id": word(part(given, "unionid")),
        "address": address(part(delivery, "address_info")),
        "attribution": {
            "scene": SCENES.get(scene, {"unknown": scene}),
            "native_scene": scene,
            "account": None,
            "live_id": None,
        },
        "buyer_notes": word(part(ext, "customer_notes")),
        "merchant_notes": word(part(ext, "merchant_notes")),
        "parcels": [],
        "after_sale_ids": [],
    }


def line(info: Any) -> dict[str, Any]:
    quantity = integer(part(info, "sku_cnt"))
    if quantity is None or quantity < 1:
        raise unexpected("a line has no sku_cnt")
    unit = fen(info, "sale_price")
    paid = part(info, "real_price")
    specs = [word(part(attribute, "attr_value")) for attribute in rows(part(info, "sku_attrs"))]
    return {
        "product_id": required(identifier(part(info, "product_id")), "product_id"),
        "sku_id": required(identifier(part(info, "sku_id")), "sku_id"),
        "out_product_id": word(part(info, "out_product_id")),
        "out_sku_id": word(part(info, "out_sku_id")),
        "sku_code": word(part(info, "sku_code")),
        "title": word(part(info, "title")) or "",
        "spec_text": " / ".join(spec for spec in specs if spec),
        "picture_url": word(part(info, "thumb_img")),
        "quantity": quantity,
        "unit_price": unit,
        "line_total": unit * quantity if paid is None else fen(info, "real_price"),
        "after_sale_quantity": 0,
        "after_sale_done_quantity": 0,
    }


def address(info: Any) -> dict[str, str] | None:
    """As the platform shows it: masked."""
    if not isinstance(info, dict) or not info:
        return None
    text = lambda field: word(info.get(field)) or ""
    return {
        "name": text("user_name"),
        "phone": text("tel_number"),
        "province": text("province_name"),
        "city": text("city_name"),
        "district": text("county_name"),
        "detail": text("detail_info") + text("house_number"),
    }
