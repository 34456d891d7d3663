#!/usr/bin/env python3
"""An independent client of WeChat's accounts and third-party platforms, the package `wechatpy` 1.8, against the sandbox.

How to run it, also against a server that takes pushes: README.md beside this file.

The package is unmodified; only the host name of its calls is replaced. As a third-party platform it reads the pushed
ticket, gets the component's and an account's tokens, and works the account: menu, followers, tags, messages. As an account
of its own it gets a token and does the same. It opens every push the sandbox sent and answers one with a sealed reply. Ends
with status 1 at the first thing that is refused.
"""

import http.server
import json
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import requests
import wechatpy
from wechatpy.client import WeChatClient
from wechatpy.component import WeChatComponent
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidSignatureException, WeChatClientException
from wechatpy.utils import WeChatSigner, check_signature, to_text

SANDBOX = sys.argv[1].rstrip("/")
COMPONENT, COMPONENT_SECRET = "wx00000000000000d1", "a-secret-of-the-platform"
ACCOUNT, SECRET = "wx00000000000000d2", "a-secret-of-the-account"
TOKEN, KEY = "clienttoken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"

plain_request = requests.Session.request


def to_sandbox(session, method, url, **rest):
    return plain_request(session, method, url.replace("https://api.weixin.qq.com", SANDBOX), **({"timeout": 10} | rest))


requests.Session.request = to_sandbox


def play(path, body):
    """What people do on the platform: not a call of the client."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{SANDBOX}/sandbox/api{path}", json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request, timeout=10))


def check(what, holds):
    print("ok  " if holds else "FAIL", what)
    if not holds:
        sys.exit(1)


def until(what, holds):
    for _ in range(40):
        if holds():
            break
        time.sleep(0.25)
    check(what, holds())


def signed(crypto, xml, nonce="nonce"):
    """What the library seals and signs, in the shape in which the platform pushes it: the query, and the body."""
    envelope = wechatpy.utils.to_text(crypto.encrypt_message(xml, nonce, str(int(time.time()))))
    part = lambda name: envelope.split(f"<{name}>")[1].split(f"</{name}>")[0].removeprefix("<![CDATA[").removesuffix("]]>")
    signer = WeChatSigner()
    signer.add_data(TOKEN, part("TimeStamp"), nonce)
    query = {"signature": signer.signature, "timestamp": part("TimeStamp"), "nonce": nonce, "encrypt_type": "aes",
             "msg_signature": part("MsgSignature")}
    body = f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{part('Encrypt')}]]></Encrypt></xml>"
    return query, body


def send(hook, query, body=None):
    request = urllib.request.Request(f"{hook}?{urllib.parse.urlencode(query)}", body and body.encode(),
                                     {"content-type": "text/xml"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def push_to_server(hook):
    """What the library seals and signs, a server takes; what was changed on the way it does not."""
    crypto = WeChatCrypto(TOKEN, KEY, ACCOUNT)
    now = str(int(time.time()))
    signer = WeChatSigner()
    signer.add_data(TOKEN, now, "nonce")
    probe = {"signature": signer.signature, "timestamp": now, "nonce": "nonce", "echostr": "7301"}
    check("the server answers the library's check", send(hook, probe) == (200, "7301"))
    check("and refuses a forged one", send(hook, probe | {"nonce": "other"})[0] // 100 == 4)
    xml = (f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o-a-fan]]></FromUserName>"
           f"<CreateTime>{now}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好]]></Content>"
           f"<MsgId>{now}001</MsgId></xml>")
    query, body = signed(crypto, xml)
    status, answer = send(hook, query, body)
    check(f"the server takes a push the library sealed: {status} {answer!r}", status == 200)
    other = signed(crypto, xml.replace("你好", "再见"))[1]
    check("and refuses it with another body", send(hook, query, other)[0] // 100 == 4)
    foreign = signed(WeChatCrypto(TOKEN, KEY, COMPONENT), xml)
    check("and refuses one sealed for another account", send(hook, *foreign)[0] // 100 == 4)


if len(sys.argv) > 2:
    push_to_server(sys.argv[2])
    sys.exit(0)


component = WeChatComponent(COMPONENT, COMPONENT_SECRET, TOKEN, KEY)
own = WeChatCrypto(TOKEN, KEY, ACCOUNT)
events, messages, refused = [], [], []


class Inbox(http.server.BaseHTTPRequestHandler):
    """The sandbox's pushes, checked, opened and read by the library."""

    def query(self):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))

    def answer(self, text):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        query = self.query()
        check_signature(TOKEN, query["signature"], query["timestamp"], query["nonce"])
        self.answer(query["echostr"])

    def do_POST(self):
        query = self.query()
        body = self.rfile.read(int(self.headers["content-length"]))
        proof = query["msg_signature"], query["timestamp"], query["nonce"]
        try:
            check_signature(TOKEN, query["signature"], query["timestamp"], query["nonce"])
            if self.path.startswith("/component"):
                events.append(component.parse_message(body, *proof))
                return self.answer("success")
            # A component's account is pushed to under the component's id, its own address under its own.
            crypto = component.crypto if self.path.startswith("/account/") else own
            message = wechatpy.parse_message(crypto.decrypt_message(body, *proof))
            try:
                crypto.decrypt_message(body.replace(b"<Encrypt><![CDATA[", b"<Encrypt><![CDATA[x"), *proof)
                refused.append("a changed push was taken")
            except InvalidSignatureException:
                pass
            messages.append((self.path.split("?")[0], message))
            if message.type == "text":
                reply = wechatpy.create_reply("收到", message)
                return self.answer(to_text(crypto.encrypt_message(reply.render(), query["nonce"], query["timestamp"])))
            self.answer("success")
        except Exception as failure:  # what the library says is shown at the end
            refused.append(repr(failure))
            self.send_error(500)

    def log_message(self, *_):
        pass


inbox = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inbox)
threading.Thread(target=inbox.serve_forever, daemon=True).start()
here = f"http://127.0.0.1:{inbox.server_port}"

# A third-party platform.
play("/apps", {"component_appid": COMPONENT, "component_appsecret": COMPONENT_SECRET, "token": TOKEN,
               "encoding_aes_key": KEY, "auth_event_url": f"{here}/component", "message_url": f"{here}/account/$APPID$"})
until("the pushed ticket is read", lambda: component.component_verify_ticket)
check("a component's token", component.fetch_access_token()["expires_in"] > 0)
play("/accounts", {"kind": "official_account", "nickname": "茶铺", "appid": ACCOUNT, "secret": SECRET})
link = component.get_pre_auth_url("https://shop.example/back")
check("a link to authorize", "pre_auth_code=" in link)
code = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["pre_auth_code"][0]
back = play("/authorize", {"component_appid": COMPONENT, "pre_auth_code": code, "appid": ACCOUNT,
                           "redirect_uri": "https://shop.example/back"})
granted = component.query_auth(back["auth_code"])["authorization_info"]
check("a code becomes an account's tokens", granted["authorizer_appid"] == ACCOUNT and granted["func_info"])
until("and the push says so, with a code of its own",
      lambda: any(one.type == "authorized" and one.authorizer_appid == ACCOUNT for one in events))
info = component.get_authorizer_info(ACCOUNT)
check("the account's profile", info["authorizer_info"]["nick_name"] == "茶铺")
check("it is listed", [one["authorizer_appid"] for one in component.get_authorizer_list()["list"]] == [ACCOUNT])
component.set_authorizer_option(ACCOUNT, "voice_recognize", "1")
check("an option", component.get_authorizer_option(ACCOUNT, "voice_recognize")["option_value"] == "1")


def work(client, fan):
    """What a shop does with its account."""
    menu = {"button": [{"type": "click", "name": "今日", "key": "today"},
                       {"name": "店铺", "sub_button": [{"type": "view", "name": "首页", "url": "https://shop.example/"}]}]}
    client.menu.create(menu)
    check("the menu is read as it was made", [one["name"] for one in client.menu.get()["menu"]["button"]] == ["今日", "店铺"])
    check("the menu in use", client.menu.get_menu_info()["is_menu_open"] == 1)
    check("the follower is listed", fan in list(client.user.iter_followers()))
    check("and read", client.user.get(fan)["subscribe"] == 1)
    tag = client.tag.create("新客")
    client.tag.tag_user(tag["id"], [fan])
    check("tagged", fan in list(client.tag.iter_tag_users(tag["id"])) and tag["id"] in client.tag.get_user_tag(fan))
    client.tag.delete(tag["id"])
    check("a message to somebody who wrote", client.message.send_text(fan, "您好")["errcode"] == 0)
    client.menu.delete()


play("/follow", {"appid": ACCOUNT, "buyer": "王晓", "subscribe": True})
play("/messages", {"appid": ACCOUNT, "buyer": "王晓", "content": "你好"})
under_component = lambda kind: [one for path, one in messages if path == f"/account/{ACCOUNT}" and kind(one)]
until("the follower's message is read", lambda: under_component(lambda one: one.type == "text" and one.content == "你好"))
check("and that he follows", bool(under_component(lambda one: getattr(one, "event", "") == "subscribe")))
fan = under_component(lambda one: one.type == "text")[0].source
work(component.get_client_by_appid(ACCOUNT), fan)
play("/tokens/expire", {"appid": ACCOUNT})
check("a token that is over is renewed", component.get_client_by_appid(ACCOUNT).user.get(fan)["subscribe"] == 1)

# An account of its own.
play(f"/accounts/{ACCOUNT}/push", {"url": f"{here}/own", "token": TOKEN, "encoding_aes_key": KEY, "format": "xml",
                                   "mode": "secure"})
client = WeChatClient(ACCOUNT, SECRET)
check("a token of its own", client.fetch_access_token()["expires_in"] > 0)
work(client, fan)
play("/messages", {"appid": ACCOUNT, "buyer": "王晓", "content": "在吗"})
until("its own address is pushed to", lambda: any(path == "/own" and one.type == "text" for path, one in messages))

# What the platform takes back, and what it refuses.
play("/deauthorize", {"component_appid": COMPONENT, "appid": ACCOUNT})
until("the push says that the grant is over", lambda: any(one.type == "unauthorized" for one in events))
try:
    WeChatClient(ACCOUNT, "another-secret").fetch_access_token()
    check("a wrong secret is refused", False)
except WeChatClientException as failure:
    check(f"a wrong secret is refused: {failure.errcode}", failure.errcode in (40001, 40125))
check(f"no push was refused: {refused}", not refused)
with urllib.request.urlopen(f"{SANDBOX}/sandbox/api/pushes?appid={ACCOUNT}&limit=50", timeout=10) as answer:
    sent = json.load(answer)["pushes"]
check("and the sandbox took every answer, sealed replies too",
      len(sent) >= 5 and all(one["state"] == "delivered" and len(one["attempts"]) == 1 for one in sent))
