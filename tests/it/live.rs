//! A channels account through the stand-in: its window, live rooms with their figures, checklists, leads, pushes, and what was
//! sold by it. Each of these with the built-in channel and with the component in TypeScript in its place.

use qianpu_domain::access::Role;
use qianpu_tests::push::{Sender, check, push};
use qianpu_tests::stage::{AES_KEY, COMPONENT, PUSH_TOKEN, Stage};
use qianpu_tests::standing::{By, SLUG, Turn};
use qianpu_tests::{TestDb, both, postgres};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::{Value, json};

/// A shop with a WeChat shop that has a listed product, and a channels account that is bound to it; both linked directly.
pub struct Host {
    pub stage: Stage,
    pub store: Value,
    pub account: Value,
    pub listing: Value,
    _turn: Turn,
}

impl Host {
    pub async fn start(db: TestDb, by: By) -> Host {
        let turn = by.turn().await;
        let stage = Stage::start(db).await;
        let store = stage.direct_store("山前小店").await;
        let product = stage.product("明前龙井 500 克", 10).await;
        let listing = stage.publish(&product, &store, 202).await.json("");
        let listing = stage.listing_in(listing["id"].as_str().unwrap(), "listed").await;
        let there = stage
            .sandbox
            .post("accounts", &json!({ "kind": "channels_account", "nickname": "山前说茶" }))
            .await;
        let body = json!({ "shop_id": stage.shop.to_string(), "channel": SLUG, "kind": "channels_account",
            "app_id": there["appid"], "secret": there["secret"], "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY,
            "format": "json" });
        let account = stage.owner.post("/api/v1/channel_accounts/direct", &body, 201).await.json("");
        assert_eq!(account["name"], "山前说茶", "the account told its name");
        let host = Host { stage, store, account, listing, _turn: turn };
        host.play("stores", json!({ "appid": host.store["external_id"] })).await;
        host
    }

    fn id(&self) -> &str {
        self.account["id"].as_str().unwrap()
    }
    pub fn at(&self, rest: &str) -> String {
        format!("/api/v1/channel_accounts/{}/{rest}", self.id())
    }
    /// The product's id at the platform.
    fn native(&self) -> &Value {
        &self.listing["external_product_id"]
    }
    /// Somebody does something at the stand-in.
    pub async fn play(&self, what: &str, body: Value) -> Value {
        let path = format!("channels/{}/{what}", self.account["external_id"].as_str().unwrap());
        self.stage.sandbox.post(&path, &body).await
    }
    pub async fn add(&self) -> Value {
        let body = json!({ "listing_ids": [self.listing["id"]] });
        self.stage.owner.post(&self.at("showcase/items"), &body, 200).await.json("/items/0")
    }
    async fn fault(&self, path: &str, errcode: i64) {
        let fault = json!({ "path": path, "errcode": errcode, "count": 1 });
        self.stage.sandbox.post("faults/calls", &fault).await;
    }
    async fn today(&self) -> String {
        qianpu_api::app::live::rooms::today(self.stage.app.state.clock().now()).to_string()
    }
}

/// A message of somebody, as it is relayed.
fn said(text: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName>o1</FromUserName><CreateTime>1714112445</CreateTime>\
         <MsgType>text</MsgType><Content>{text}</Content><MsgId>23456789012345678</MsgId></xml>"
    )
}

/// Messages that were taken.
async fn kept(catalogue: &DatabaseConnection) -> i64 {
    let sql = "SELECT count(tenant_id) FROM inbox_messages";
    let statement = Statement::from_string(catalogue.get_database_backend(), sql);
    catalogue.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Tests of each scenario, on both databases: with the built-in channel, and with the component where there is an engine.
macro_rules! played {
    ($(async fn $name:ident($db:ident: TestDb, $by:ident: By) $body:block)*) => {
        $(async fn $name($db: TestDb, $by: By) $body)*

        mod built_in {
            use super::*;
            both! { $(async fn $name(db: TestDb) { Box::pin(crate::live::$name(db, By::BuiltIn)).await })* }
        }
        #[cfg(feature = "wasm")]
        mod component {
            use super::*;
            both! { $(async fn $name(db: TestDb) { Box::pin(crate::live::$name(db, By::Component)).await })* }
        }
    };
}

played! {
    async fn listed_products_come_into_the_window_and_refusals_are_told(db: TestDb, by: By) {
        let host = Host::start(db, by).await;
        let owner = &host.stage.owner;
        assert_eq!(owner.get(&host.at("showcase"), 200).await.json("/read_at"), Value::Null);
        let added = host.add().await;
        assert_eq!((&added["outcome"], &added["title"]), (&json!("shown"), &json!("明前龙井 500 克")));
        let window = owner.post(&host.at("showcase/read"), &json!({}), 200).await;
        assert_eq!(window.json("/items/0/product_id"), *host.native());
        assert_eq!(window.json("/items/0/listing_id"), host.listing["id"]);
        assert_eq!(window.json("/items/0/price/amount"), 12_800);
        assert_eq!((window.json("/items/0/stock"), window.json("/more")), (json!(20), json!(false)));
        // The platform says "done" and goes on showing what is on the shelf of the shop.
        let body = json!({ "product_id": host.native() });
        assert_eq!(owner.post(&host.at("showcase/remove"), &body, 200).await.json("/state"), "shown");
        let path = format!("/api/v1/listings/{}/delist", host.listing["id"].as_str().unwrap());
        owner.post(&path, &json!({}), 202).await;
        host.stage.listing_in(host.listing["id"].as_str().unwrap(), "delisted").await;
        let window = owner.post(&host.at("showcase/read"), &json!({}), 200).await;
        assert_eq!(window.json("/items/0/state"), "off", "taken off the shelf, it is not shown");
        owner.post(&host.at("showcase/remove"), &json!({ "product_id": "1" }), 404).await;
        // What is not listed in a shop of the platform cannot be added.
        let body = json!({ "listing_ids": [host.listing["id"]] });
        let refused = owner.post(&host.at("showcase/items"), &body, 422).await;
        assert_eq!(refused.json("/errors/0/field"), "listing_ids[0]");
        owner.post(&host.at("showcase/items"), &json!({ "listing_ids": [] }), 422).await;
        host.stage.stop().await;
    }

    async fn a_refusal_of_one_product_is_kept_in_the_platforms_words(db: TestDb, by: By) {
        let host = Host::start(db, by).await;
        let owner = &host.stage.owner;
        host.fault("/channels/ec/window/product/add", 10_022_008).await;
        let refused = host.add().await;
        assert_eq!(refused["outcome"], "refused");
        let window = owner.get(&host.at("showcase"), 200).await;
        assert_eq!(window.json("/items/0/state"), "absent");
        assert!(window.text("/items/0/refusal").contains("10022008"));
        // Added later, the refusal is forgotten.
        assert_eq!(host.add().await["outcome"], "shown");
        let window = owner.get(&host.at("showcase"), 200).await;
        assert_eq!((window.json("/items/0/state"), window.json("/items/0/refusal")), (json!("shown"), Value::Null));
        // A switch that is off is told, and the account stays linked.
        host.fault("/channels/ec/window/product/list/get", 48_001).await;
        let off = owner.post(&host.at("showcase/read"), &json!({}), 422).await;
        assert_eq!(off.code(), "channel_refused");
        assert!(off.text("/detail").contains("开放能力"));
        let path = format!("/api/v1/channel_accounts/{}", host.id());
        assert_eq!(owner.get(&path, 200).await.json("/state"), "active");
        // A failure that is not about the product is none of the list: nothing was tried.
        host.fault("/channels/ec/window/product/add", 45_009).await;
        let body = json!({ "listing_ids": [host.listing["id"]] });
        assert_eq!(owner.post(&host.at("showcase/items"), &body, 503).await.code(), "channel_quota_exhausted");
        host.stage.stop().await;
    }

    async fn rooms_reservations_and_figures_are_those_of_the_platform(db: TestDb, by: By) {
        let host = Host::start(db, by).await;
        let owner = &host.stage.owner;
        host.add().await;
        host.play("reservations", json!({ "title": "周末茶会", "start_time": 1_900_000_000 })).await;
        let room = host.play("rooms", json!({ "title": "春茶上新" })).await["export_id"].as_str().unwrap().to_owned();
        let now = owner.post(&host.at("live/read"), &json!({}), 200).await;
        assert_eq!((now.json("/rooms/0/title"), now.json("/rooms/0/room_id")), (json!("春茶上新"), json!(room)));
        assert_eq!(now.json("/reservations/0/starts_at"), "2030-03-17T17:46:40Z");
        assert!(now.text("/public_id").starts_with("sph"));
        assert_eq!(now.json("/followers"), 1_280);
        // Two people buy in the room, one pays; the figures are the platform's.
        for (buyer, pay) in [("王晓", true), ("周舟", false)] {
            let body = json!({ "buyer": buyer, "product_id": host.native(), "scene": 2, "pay": pay, "quantity": 2 });
            host.play("orders", body).await;
        }
        let end = format!("rooms/{}/end", room.replace('/', "~"));
        host.play(&end, json!({ "new_watch_uv": 1200, "max_online_watch_uv": 180 })).await;
        let day = host.today().await;
        let read = owner.post(&host.at("live/read"), &json!({ "day": day }), 200).await;
        let past = read.json("/past/0");
        assert_eq!((&past["title"], &past["on_air"], &past["day"]), (&json!("春茶上新"), &json!(false), &json!(day)));
        let figures = &past["figures"];
        assert_eq!((&figures["viewers"], &figures["most_online"]), (&json!(1200), &json!(180)));
        assert_eq!((&figures["sales"]["amount"], &figures["paid_orders"]), (&json!(25_600), &json!(1)));
        assert_eq!((&figures["orders"], &figures["impressions"]), (&json!(2), &Value::Null), "not told is not 0");
        assert_eq!(past["products"][0]["title"], "明前龙井 500 克");
        // The room is not on any more; its reading stays until the next one.
        assert_eq!(owner.post(&host.at("live/read"), &json!({}), 200).await.json("/rooms"), json!([]));
        for day in ["2023-12-31", "2099-01-01", "yesterday"] {
            owner.post(&host.at("live/read"), &json!({ "day": day }), 422).await;
        }
        host.stage.stop().await;
    }

    async fn sales_are_told_by_linked_account_and_scene(db: TestDb, by: By) {
        let host = Host::start(db, by).await;
        let owner = &host.stage.owner;
        host.add().await;
        host.play("rooms", json!({ "title": "春茶上新" })).await;
        for (scene, buyer) in [(2, "王晓"), (3, "周舟"), (5, "李木子")] {
            let body = json!({ "buyer": buyer, "product_id": host.native(), "scene": scene, "pay": true });
            host.play("orders", body).await;
        }
        let alliance = json!({ "appid": host.store["external_id"], "scene": 2, "pay": true, "buyer": "欧阳",
            "items": [{ "product_id": host.native() }],
            "source": { "account_type": 1, "account_id": "sphSomebodyElse", "sale_channel": 100,
                "account_nickname": "达人小艾" } });
        host.stage.sandbox.post("orders", &alliance).await;
        let told = host.stage.work_until("four orders", async || {
            let told = owner.get("/api/v1/order_sources?days=7", 200).await;
            (told.number("/orders") == 4).then_some(told)
        }).await;
        // Orders name a channels account by an id it is not linked by: it is known once the account told it.
        assert_eq!(told.json("/sources/0/channel_account_id"), Value::Null);
        owner.post(&host.at("live/read"), &json!({}), 200).await;
        let told = owner.get("/api/v1/order_sources?days=7", 200).await;
        let own = told.json("/sources/0");
        assert_eq!((&own["channel_account_id"], &own["name"]), (&host.account["id"], &json!("山前说茶")));
        assert_eq!((&own["orders"], &own["total"]["amount"]), (&json!(3), &json!(38_400)));
        let scenes: Vec<&str> =
            own["scenes"].as_array().unwrap().iter().map(|one| one["scene"].as_str().unwrap()).collect();
        for scene in ["live_session", "short_video", "window"] {
            assert!(scenes.contains(&scene), "{scenes:?}");
        }
        let other = told.json("/sources/1");
        assert_eq!((&other["name"], &other["relation"]), (&json!("达人小艾"), &json!("alliance")));
        assert_eq!(other["channel_account_id"], Value::Null);
        owner.get("/api/v1/order_sources?days=0", 422).await;
        host.stage.stop().await;
    }

    async fn a_checklist_is_ticked_by_people_and_by_nothing_else(db: TestDb, by: By) {
        let host = Host::start(db, by).await;
        let owner = &host.stage.owner;
        let body = json!({ "title": "周末茶会", "planned_at": "2030-03-17T11:00:00Z", "own_steps": ["准备样品"] });
        let plan = owner.post(&host.at("live_plans"), &body, 201).await;
        let path = format!("/api/v1/live_plans/{}", plan.text("/id"));
        assert_eq!((plan.json("/steps/0/step"), plan.json("/steps/9/words")), (json!("switches"), json!("准备样品")));
        assert_eq!(plan.json("/done"), 0);
        // The platform has the room on, and nothing is ticked by that.
        host.play("rooms", json!({ "title": "周末茶会" })).await;
        owner.post(&host.at("live/read"), &json!({}), 200).await;
        let seen = owner.get(&path, 200).await;
        assert_eq!((seen.json("/steps/5/step"), seen.json("/steps/5/told")), (json!("begin"), json!(1)));
        assert_eq!((seen.json("/done"), seen.json("/steps/5/done_at")), (json!(0), Value::Null));
        // Who ticked it first stays, whoever ticks it again.
        let anchor = host.stage.app.person(&host.stage.merchant, Role::MerchantLiveHost).await;
        let tick = |position: i64, done: bool| json!({ "position": position, "done": done, "note": "手机开播" });
        let steps = format!("{path}/steps");
        let ticked = anchor.post(&steps, &tick(5, true), 200).await;
        let by = ticked.text("/steps/5/done_by");
        assert!(!by.is_empty());
        assert_eq!(owner.post(&steps, &tick(5, true), 200).await.text("/steps/5/done_by"), by);
        assert_eq!(owner.get(&path, 200).await.json("/steps/5/note"), "手机开播");
        assert_eq!(owner.post(&steps, &tick(5, false), 200).await.json("/steps/5/done_by"), Value::Null);
        owner.post(&steps, &tick(99, true), 422).await;
        let log = owner.get("/api/v1/audit_entries", 200).await.json("/items").to_string();
        assert!(log.contains("live_plan.step_done") && log.contains("live_plan.step_undone"));
        // Somebody who only sees orders does not tick.
        let clerk = host.stage.app.person(&host.stage.merchant, Role::MerchantOrders).await;
        clerk.post(&steps, &tick(5, true), 403).await;
        owner.delete(&path, 204).await;
        owner.get(&path, 404).await;
        host.stage.stop().await;
    }

    async fn leads_are_read_each_time_written_down_and_kept_nowhere(db: TestDb, by: By) {
        let host = Host::start(db, by).await;
        let owner = &host.stage.owner;
        let form = host.play("forms", json!({ "title": "预约品茶" })).await["leads_component_id"].clone();
        let answers = json!([["姓名", "小明"], ["手机号", "13911112222"]]);
        host.play("leads", json!({ "leads_component_id": form, "answers": answers })).await;
        let forms = owner.get(&host.at("lead_forms"), 200).await;
        assert_eq!((forms.json("/items/0/form_id"), forms.json("/items/0/state")), (form.clone(), json!("open")));
        let now = host.stage.app.state.clock().now();
        let from = now.minus(qianpu_domain::time::Span::days(1)).to_string();
        let to = now.plus(qianpu_domain::time::Span::hours(1)).to_string();
        let body = json!({ "form_id": form, "from": from, "to": to });
        let leads = owner.post(&host.at("leads"), &body, 200).await;
        assert_eq!(leads.json("/items/0/answers/1"), json!({ "question": "手机号", "answer": "13911112222" }));
        let log = owner.get("/api/v1/audit_entries", 200).await.json("/items").to_string();
        assert!(log.contains("leads.read"), "{log}");
        let anchor = host.stage.app.person(&host.stage.merchant, Role::MerchantLiveHost).await;
        anchor.post(&host.at("leads"), &body, 403).await;
        let long = json!({ "form_id": form, "from": "2026-01-01T00:00:00Z", "to": "2026-06-01T00:00:00Z" });
        owner.post(&host.at("leads"), &long, 422).await;
        assert!(!qianpu_tests::rows::whole(&host.stage.app.db).await.contains("13911112222"), "kept nowhere");
        host.stage.stop().await;
    }

    async fn another_merchant_sees_nothing_of_it(db: TestDb, by: By) {
        let host = Host::start(db, by).await;
        host.add().await;
        let body = json!({ "title": "周末茶会", "planned_at": "2030-03-17T11:00:00Z" });
        let plan = host.stage.owner.post(&host.at("live_plans"), &body, 201).await.text("/id");
        let other = host.stage.app.merchant(&host.stage.provider, "别家茶业").await;
        let other = host.stage.app.person(&other, Role::MerchantOwner).await;
        for path in ["showcase", "live", "live_plans", "lead_forms"] {
            other.get(&host.at(path), 404).await;
        }
        for (path, body) in [
            ("showcase/read", json!({})),
            ("showcase/items", json!({ "listing_ids": [host.listing["id"]] })),
            ("showcase/remove", json!({ "product_id": host.native() })),
            ("live/read", json!({})),
            ("live_plans", json!({ "title": "x", "planned_at": "2030-03-17T11:00:00Z" })),
        ] {
            other.post(&host.at(path), &body, 404).await;
        }
        other.get(&format!("/api/v1/live_plans/{plan}"), 404).await;
        let tick = json!({ "position": 0, "done": true });
        other.post(&format!("/api/v1/live_plans/{plan}/steps"), &tick, 404).await;
        other.delete(&format!("/api/v1/live_plans/{plan}"), 404).await;
        assert_eq!(other.get("/api/v1/order_sources", 200).await.json("/sources"), json!([]));
        host.stage.stop().await;
    }

    async fn a_channels_account_is_linked_by_the_authorisation_link(db: TestDb, by: By) {
        let _turn = by.turn().await;
        let stage = Stage::start(db).await;
        let app = stage.channel_app_of(SLUG).await;
        let app_id = stage.platform_account("channels_account", "山前直播").await;
        let started = stage.start_link("wechat-channels", "channels_account", None, 201).await;
        let page = started.text("/desktop_url");
        assert!(page.contains("auth_type=5"), "{page}");
        let page = url::Url::parse(&page).unwrap();
        let part = |name: &str| page.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        let body = json!({ "component_appid": COMPONENT, "appid": app_id, "pre_auth_code": part("pre_auth_code"),
            "redirect_uri": part("redirect_uri") });
        stage.sandbox.post("authorize", &body).await;
        let account = stage.work_until("the link", async || stage.account_of(&app_id).await).await;
        assert_eq!((&account["kind"], &account["name"]), (&json!("channels_account"), &json!("山前直播")));
        let path = format!("/api/v1/channel_accounts/{}/live/read", account["id"].as_str().unwrap());
        assert_eq!(stage.owner.post(&path, &json!({}), 200).await.json("/rooms"), json!([]));

        // What is said to the account goes to the app's address, in XML, and is taken once.
        let to = app["message_hook_url"].as_str().unwrap();
        assert!(to.contains("/hooks/wechat-channels/"), "{to}");
        let to = to.replace("$APPID$", &app_id);
        let sender = Sender::now(PUSH_TOKEN, AES_KEY, COMPONENT);
        let catalogue = postgres::connect(&stage.app.db.superuser_url()).await.unwrap();
        let before = kept(&catalogue).await;
        for _ in 0..2 {
            let answer = push(&to, &sender.xml(&said("在吗 &amp; 你好"))).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, "success"));
        }
        assert_eq!(kept(&catalogue).await, before + 1);
        let forged = Sender { token: "BBBBB".to_owned(), ..sender.clone() };
        assert_eq!(push(&to, &forged.xml(&said("假的"))).await.status, 403);
        assert_eq!(push(&to, &sender.json(r#"{"MsgType":"event","Event":"x"}"#)).await.status, 400);
        assert_eq!(kept(&catalogue).await, before + 1);
        // A token that ends early is renewed by the app, and the call repeated.
        stage.sandbox.post("tokens/expire", &json!({ "appid": app_id })).await;
        assert_eq!(stage.owner.post(&path, &json!({}), 200).await.json("/rooms"), json!([]));
        // The account takes its grant back: a push tells.
        stage.sandbox.post("deauthorize", &json!({ "component_appid": COMPONENT, "appid": app_id })).await;
        let path = format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap());
        stage.work_until("the end of the grant", async || {
            (stage.owner.get(&path, 200).await.json("/state") != "active").then_some(())
        }).await;
        stage.stop().await;
    }

    async fn an_account_linked_directly_is_pushed_in_json(db: TestDb, by: By) {
        let host = Host::start(db, by).await;
        let url = host.account["hook_url"].as_str().unwrap();
        let sender = Sender::now(PUSH_TOKEN, AES_KEY, host.account["external_id"].as_str().unwrap());
        let answer = check(url, &sender.handshake("4375120948345356249")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "4375120948345356249"));
        let catalogue = postgres::connect(&host.stage.app.db.superuser_url()).await.unwrap();
        let before = kept(&catalogue).await;
        let message = r#"{"ToUserName":"gh_1","CreateTime":1714112445,"MsgType":"event","Event":"something_new"}"#;
        for _ in 0..2 {
            assert_eq!(push(url, &sender.json(message)).await.body, "success");
        }
        assert_eq!(kept(&catalogue).await, before + 1);
        for bad in [
            Sender { aes_key: "B".repeat(43), ..sender.clone() }.json(message),
            Sender { app_id: COMPONENT.to_owned(), ..sender.clone() }.json(message),
            Sender { timestamp: sender.timestamp - 7 * 3600, ..sender.clone() }.json(message),
            sender.xml(&said("在吗")),
        ] {
            let answer = push(url, &bad).await;
            assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.body);
        }
        assert_eq!(kept(&catalogue).await, before + 1);
        host.stage.stop().await;
    }
}
