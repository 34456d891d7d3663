#!/usr/bin/env python3
"""An independent client of Douyin's shops, the package `doudian` 0.6, against the platform sandbox.

    qianpu sandbox --bind 127.0.0.1:9100 &
    python3 -m venv venv && venv/bin/pip install doudian==0.6
    venv/bin/python tests/clients/douyin_shop.py http://127.0.0.1:9100

The package is unmodified; only its host name is replaced. It gets tokens of both kinds of apps, renews one, makes, lists,
changes and stocks a product, reads and ships an order, opens its ciphers, reads an after-sale case, and checks every
push the sandbox sent. Ends with status 1 at the first thing that is refused.
"""

import http.server
import json
import os
import sys
import threading
import time
import urllib.request

os.environ["TZ"] = "Asia/Shanghai"  # the package writes its calls' time in the machine's zone
time.tzset()

import doudian.core
from doudian.core import DouDian
from doudian.type import AppType

SANDBOX = sys.argv[1].rstrip("/")
KEY, SECRET, SHOP = "7000000000000000001", "a-secret-of-some-length", 77
OWN_KEY, OWN_SECRET = "7000000000000000002", "another-secret-of-some-length"
TAKEN = 10000
BAD_SIGNATURE = 40003


def to_sandbox(url, **rest):
    return plain_post(url.replace("https://openapi-fxg.jinritemai.com", SANDBOX), timeout=10, **rest)


plain_post = doudian.core.requests.post
doudian.core.requests.post = to_sandbox


def play(path, body):
    """What people do on the platform: not a call of the client."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{SANDBOX}/sandbox/api/douyin{path}", json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request, timeout=10))


def check(what, holds):
    print("ok  " if holds else "FAIL", what)
    if not holds:
        sys.exit(1)


class Inbox(http.server.BaseHTTPRequestHandler):
    pushes = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.pushes.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"code":0,"msg":"success"}')

    def log_message(self, *_):
        pass


inbox = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inbox)
threading.Thread(target=inbox.serve_forever, daemon=True).start()

# Tokens.
push_url = f"http://127.0.0.1:{inbox.server_port}/push"
play("/apps", {"app_key": KEY, "app_secret": SECRET, "service_id": "9", "push_url": push_url,
               "callback_url": "http://127.0.0.1:1/back"})
play("/apps", {"app_key": OWN_KEY, "app_secret": OWN_SECRET, "self_use": True})
play("/shops", {"shop_id": SHOP, "name": "茶铺", "virtual_tel": True, "grants": [OWN_KEY]})
back = play("/authorize", {"service_id": "9", "shop_id": SHOP, "state": "s"})["redirect_url"]
client = DouDian(KEY, SECRET, app_type=AppType.TOOL, code=back.split("code=")[1].split("&")[0])
check("a tool app gets a token for a code", client._token and client._token["shop_name"] == "茶铺")
client._refresh_token()
check("and renews it", bool(client._token["access_token"]))
own = DouDian(OWN_KEY, OWN_SECRET, app_type=AppType.SELF, shop_id=str(SHOP))
check("a self-use app gets a token for its shop", bool(own._token and own._token["access_token"]))


def call(path, params, **expected):
    answer = client.request(path, params)
    right = bool(answer) and answer.get("code") == TAKEN
    data = answer.get("data") if right else answer
    check(path if right else f"{path}: {answer}", right and all(data[key] == value for key, value in expected.items()))
    return data


# Products.
call("/shop/getShopCategory", {"cid": 0})
rows = [{"spec_detail_name1": name, "price": 1000, "stock_num": 5, "outer_sku_id": name} for name in ("红", "白")]
draft = {"outer_product_id": "p1", "category_leaf_id": 20002, "name": "明前龙井", "pic": "https://a.example/1.png",
         "description": "https://a.example/1.png", "reduce_type": 1, "freight_id": 0, "specs": "颜色|红,白",
         "commit": True, "product_type": 0, "pay_type": 1, "mobile": "13800138000", "spec_prices": json.dumps(rows)}
made = call("/product/addV2", draft)
product, sku = made["product_id"], made["sku"][0]["sku_id"]
play(f"/products/{product}/approve", {})
call("/product/detail", {"product_id": str(product)}, status=0, check_status=3, name="明前龙井")
call("/product/editV2", draft | {"product_id": product, "name": "明前龙井 一级"})
call("/product/listV2", {"page": 1, "size": 10}, total=1)
call("/product/setOffline", {"product_id": product})
call("/product/setOnline", {"product_id": product})
call("/sku/syncStock", {"product_id": product, "sku_id": sku, "incremental": False, "stock_num": 9})
stocked = call("/sku/list", {"product_id": str(product)})
check("the stock is what was set", [one["stock_num"] for one in stocked if one["id"] == sku] == [9])

# Orders.
item = {"product_id": product, "sku_id": sku, "quantity": 2}
order = play("/orders", {"shop_id": SHOP, "pay": True, "items": [item]})["order_id"]
found = call("/order/searchList", {"page": 0, "size": 10}, total=1)
check("the buyer's order is found", found["shop_order_list"][0]["order_id"] == order)
detail = call("/order/orderDetail", {"shop_order_id": order})["shop_order_detail"]
call("/order/logisticsCompanyList", {})
line = {"shipped_order_id": detail["sku_order_list"][0]["order_id"], "shipped_num": 2}
call("/order/logisticsAddSinglePack", {"order_id_list": [order], "shipped_order_info": [line], "request_id": "one",
                                       "company_code": "shunfeng", "logistics_code": "SF1"})
cipher = {"auth_id": order, "cipher_text": detail["encrypt_post_tel"]}
call("/order/batchDecrypt", {"cipher_infos": [cipher]})
play(f"/orders/{order}/aftersales", {"kind": "return"})
check("the case is listed", len(call("/afterSale/List", {"page": 0, "size": 10})["items"]) == 1)

# Pushes: every one is accepted, and none that was changed.
time.sleep(3)
tags = set()
for headers, body in Inbox.pushes:
    message = client.callback(headers, body)
    check(f"the push {body[:60]!r} is the sandbox's", bool(message))
    check("and a changed one is not", client.callback(headers, body + b" ") is None)
    tags |= {one["tag"] for one in message}
check(f"products, orders and cases were pushed: {sorted(tags)}", {"100", "101", "200", "400"} <= tags)

# Somebody with another secret is refused.
client._app_secret = "another-secret"
refused = client.request("/order/searchList", {"page": 0, "size": 10})
check("a call signed with another secret is refused", refused["code"] == BAD_SIGNATURE)
