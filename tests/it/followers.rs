//! Followers of a public account, through the stand-in: welcome and keywords, the windows the platform gives, and what
//! happens when it refuses.

use qianpu_api::http::wire::Time;
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::stage::{AES_KEY, PUSH_TOKEN, Stage};
use serde_json::{Value, json};

/// A shop with a public account, linked directly, whose pushes arrive.
pub struct Public {
    pub stage: Stage,
    pub account: Value,
}

impl Public {
    pub async fn start(db: qianpu_tests::TestDb) -> Public {
        let stage = Stage::start(db).await;
        let body = json!({ "kind": "official_account", "nickname": "山前日常" });
        let there = stage.sandbox.post("accounts", &body).await;
        let body = json!({ "shop_id": stage.shop.to_string(), "channel": "wechat-official-account",
            "kind": "official_account", "app_id": there["appid"], "secret": there["secret"], "token": PUSH_TOKEN,
            "encoding_aes_key": AES_KEY, "format": "xml" });
        let account = stage.owner.post("/api/v1/channel_accounts/direct", &body, 201).await.json("");
        let push = json!({ "url": account["hook_url"], "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY,
            "format": "xml", "mode": "secure" });
        let app_id = account["external_id"].as_str().unwrap();
        stage.sandbox.post(&format!("accounts/{app_id}/push"), &push).await;
        Public { stage, account }
    }

    pub fn id(&self) -> &str {
        self.account["id"].as_str().unwrap()
    }
    pub fn app_id(&self) -> &str {
        self.account["external_id"].as_str().unwrap()
    }
    fn at(&self, rest: &str) -> String {
        format!("/api/v1/channel_accounts/{}/{rest}", self.id())
    }

    pub async fn rule(&self, trigger: &str, words: &[&str], answer: Value) -> Value {
        let body = json!({ "name": format!("{trigger} {words:?}"), "trigger": trigger, "words": words,
            "answer": answer });
        self.stage.owner.post(&self.at("reply_rules"), &body, 201).await.json("")
    }

    /// Lets a person do something at the stand-in.
    pub async fn does(&self, what: &str, more: Value) {
        let mut body = json!({ "appid": self.app_id(), "buyer": "小林" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.stage.sandbox.post(what, &body).await;
    }
    pub async fn says(&self, text: &str) {
        self.does("messages", json!({ "content": text })).await;
    }

    /// What the person got at the stand-in.
    pub async fn received(&self) -> Vec<Value> {
        let there = self.stage.sandbox.get("accounts").await;
        let accounts = there["accounts"].as_array().expect("accounts");
        let own = accounts.iter().find(|one| one["appid"] == self.app_id()).expect("the account");
        own["fans"][0]["received"].as_array().cloned().unwrap_or_default()
    }

    pub async fn follower(&self) -> Option<Value> {
        let list = self.stage.owner.get(&self.at("followers"), 200).await.json("/items");
        let id = list[0]["id"].as_str()?.to_owned();
        Some(self.stage.owner.get(&format!("/api/v1/followers/{id}"), 200).await.json(""))
    }

    /// Works until the person's messages and ours are so many; the follower.
    pub async fn messages(&self, count: usize) -> Value {
        self.stage
            .work_until(&format!("{count} messages"), async || {
                let follower = self.follower().await?;
                let messages = follower["messages"].as_array()?;
                let settled =
                    messages.iter().all(|one| !matches!(one["state"].as_str(), Some("waiting" | "sending")));
                (messages.len() >= count && settled).then(|| follower.clone())
            })
            .await
    }
}

fn text(text: &str) -> Value {
    json!({ "kind": "text", "text": text })
}

fn newest(follower: &Value) -> &Value {
    follower["messages"].as_array().unwrap().last().unwrap()
}

both! {
    async fn followers_are_welcomed_and_keywords_answered(db: TestDb) {
        let public = Public::start(db).await;
        let stage = &public.stage;
        let product = stage.product("明前龙井 500 克", 10).await;
        public.rule("followed", &[], text("欢迎来到山前")).await;
        public.rule("keyword", &["龙井"], json!({ "kind": "product", "product_id": product["id"] })).await;
        let link = json!({ "kind": "link", "title": "发货说明", "description": "48 小时内发出",
            "url": "https://shop.example/shipping" });
        public.rule("keyword", &["发货", "快递"], link).await;
        public.rule("default", &[], text("您好，请留言")).await;

        public.does("follow", json!({})).await;
        let follower = public.messages(2).await;
        assert_eq!((&follower["state"], &follower["scene"]), (&json!("following"), &Value::Null));
        assert_eq!(newest(&follower)["answer"]["text"], "欢迎来到山前");
        assert_eq!(newest(&follower)["state"], "sent");
        assert_eq!(follower["room"]["left"], 2, "one of three within the minute");

        public.says("有龙井吗").await;
        public.messages(4).await;
        public.says("什么时候发货？我的电话 13800138000").await;
        let follower = public.messages(6).await;
        let said = &follower["messages"][4];
        assert_eq!(said["text"], "什么时候发货？我的电话 138****8000", "numbers are masked before they are kept");
        public.says("在吗").await;
        public.messages(8).await;

        let received = public.received().await;
        let shop = stage.owner.get(&format!("/api/v1/shops/{}", stage.shop), 200).await.text("/slug");
        let front = format!("{}/s/{shop}", stage.app.state.config.app.public_url);
        let card = &received[1]["content"]["articles"][0];
        assert_eq!(card["title"], "明前龙井 500 克");
        assert_eq!(card["description"], "¥128.00");
        assert_eq!(card["url"], format!("{front}/p/{}", product["id"].as_str().unwrap()));
        assert!(card["picurl"].as_str().unwrap().starts_with(&format!("{front}/m/med_")));
        assert_eq!(received[2]["content"]["articles"][0]["url"], "https://shop.example/shipping");
        assert_eq!(received[3]["content"]["content"], "您好，请留言");
        assert_eq!(received.len(), 4);
        let rules = stage.owner.get(&public.at("reply_rules"), 200).await.json("/items");
        assert_eq!(rules[0]["answered"], 1);

        // Off sale, the card is not sent, and the conversation says why.
        let id = product["id"].as_str().unwrap();
        stage.owner.post(&format!("/api/v1/products/{id}/take_off_sale"), &json!({}), 200).await;
        public.says("龙井").await;
        let follower = public.messages(10).await;
        assert_eq!(newest(&follower)["error_code"], "reply_product_gone");
        assert_eq!(public.received().await.len(), 4);

        // Gone: nothing can be sent, and the state is told.
        public.does("follow", json!({ "subscribe": false })).await;
        public.messages(11).await;
        // A moment later, as an answer reads the follower before the messages.
        let follower = public.messages(11).await;
        assert_eq!((&follower["state"], &follower["room"]["refusal"]), (&json!("left"), &json!("closed")));
        public.stage.stop().await;
    }

    async fn a_push_that_comes_twice_is_answered_once(db: TestDb) {
        let public = Public::start(db).await;
        public.rule("default", &[], text("您好")).await;
        public.stage.sandbox.post("faults/pushes", &json!({ "kind": "duplicate", "count": 1 })).await;
        public.says("在吗").await;
        public.messages(2).await;
        public.stage.work().await;
        let follower = public.messages(2).await;
        assert_eq!(follower["messages"].as_array().unwrap().len(), 2, "{follower}");
        assert_eq!(public.received().await.len(), 1);
        public.stage.stop().await;
    }

    async fn people_write_within_the_window_and_not_after(db: TestDb) {
        let public = Public::start(db).await;
        let stage = &public.stage;
        public.says("在吗").await;
        let follower = public.messages(1).await;
        assert_eq!(follower["room"]["left"], 5);
        let path = format!("/api/v1/followers/{}/messages", follower["id"].as_str().unwrap());
        for count in 2..=6 {
            stage.owner.post(&path, &text_body("在的"), 202).await;
            public.messages(count).await;
        }
        assert_eq!(public.received().await.len(), 5);
        let refused = stage.owner.post(&path, &text_body("还有"), 409).await;
        assert_eq!(refused.text("/code"), "follower_window_used_up");
        // The next message opens it again; 48 hours later it is closed.
        public.says("好").await;
        let follower = public.messages(7).await;
        assert_eq!(follower["room"]["left"], 5);
        let until: Time = serde_json::from_value(follower["room"]["until"].clone()).unwrap();
        let now = stage.app.state.clock().now();
        stage.app.advance(until.0.since(now).as_seconds() - 1);
        let owner = stage.app.person(&stage.merchant, Role::MerchantOwner).await;
        let one = format!("/api/v1/followers/{}", follower["id"].as_str().unwrap());
        assert_eq!(owner.get(&one, 200).await.json("/room/left"), 5, "the last second");
        stage.app.advance(2);
        let refused = owner.post(&path, &text_body("晚了"), 409).await;
        assert_eq!(refused.text("/code"), "follower_window_closed");
        assert_eq!(public.received().await.len(), 5);
        public.stage.stop().await;
    }

    async fn what_the_platform_refuses_is_told_and_not_repeated(db: TestDb) {
        let public = Public::start(db).await;
        let stage = &public.stage;
        public.rule("default", &[], text("您好")).await;
        let path = "/cgi-bin/message/custom/send";
        // Windows that others used up: the platform counts, not we.
        for (code, expected) in [(45015, "follower_window_closed"), (45047, "follower_window_used_up")] {
            stage.sandbox.post("faults/calls", &json!({ "path": path, "errcode": code, "count": 1 })).await;
            public.says(&format!("{code}")).await;
            let follower = stage.work_until("the refusal", async || {
                let follower = public.follower().await?;
                (newest(&follower)["error_code"] == expected).then_some(follower)
            }).await;
            assert_eq!(newest(&follower)["state"], "refused");
            assert_eq!(follower["room"]["left"], 0, "{code}: our count is corrected");
        }
        assert!(public.received().await.is_empty());
        // A token that ended is refreshed, and the answer goes out.
        stage.sandbox.post("faults/calls", &json!({ "path": path, "errcode": 42001, "count": 1 })).await;
        public.says("令牌").await;
        public.messages(6).await;
        assert_eq!(public.received().await.len(), 1);
        // An answer that was lost may have been delivered: unknown, and never sent again.
        let lost = json!({ "path": path, "http_status": 502, "count": 1 });
        stage.sandbox.post("faults/calls", &lost).await;
        public.says("丢失").await;
        let follower = public.messages(8).await;
        assert_eq!(newest(&follower)["state"], "unknown");
        stage.work().await;
        assert_eq!(public.received().await.len(), 1);
        // The day's quota is used up: the answer waits for the next day, within its window.
        stage.sandbox.post("faults/calls", &json!({ "path": path, "errcode": 45009, "count": 1 })).await;
        public.says("额度").await;
        let waiting = stage.work_until("the quota", async || {
            let follower = public.follower().await?;
            let jobs = stage.owner.get("/api/v1/jobs?state=pending", 200).await.json("/items");
            let tried = jobs.as_array()?.iter().any(|job| job["error_code"] == "channel_quota_exhausted");
            (follower["messages"].as_array()?.len() == 10 && tried).then_some(follower)
        }).await;
        assert_eq!(newest(&waiting)["state"], "waiting");
        assert_eq!(waiting["room"]["left"], 5, "what was not sent is not counted");
        stage.app.advance(25 * 3600);
        let tomorrow = stage.app.person(&stage.merchant, Role::MerchantOwner).await;
        let id = waiting["id"].as_str().unwrap();
        stage.work_until("the answer of the next day", async || {
            let follower = tomorrow.get(&format!("/api/v1/followers/{id}"), 200).await.json("");
            (newest(&follower)["state"] == "sent").then_some(())
        }).await;
        assert_eq!(public.received().await.len(), 2);
        public.stage.stop().await;
    }

    async fn rules_are_checked_ordered_and_kept_apart(db: TestDb) {
        let public = Public::start(db).await;
        let stage = &public.stage;
        let first = public.rule("keyword", &["茶"], text("一")).await;
        let second = public.rule("keyword", &["龙井茶"], text("二")).await;
        let path = public.at("reply_rules");
        let raised = format!("/api/v1/reply_rules/{}/raise", second["id"].as_str().unwrap());
        let rules = stage.owner.post(&raised, &json!({}), 200).await.json("/items");
        assert_eq!((&rules[0]["id"], &rules[1]["id"]), (&second["id"], &first["id"]));
        public.says("龙井茶").await;
        let follower = public.messages(2).await;
        assert_eq!(newest(&follower)["answer"]["text"], "二");

        let wrong = json!({ "name": "", "trigger": "keyword", "words": [], "answer": { "kind": "link",
            "title": "", "url": "javascript:alert(1)" } });
        let refused = stage.owner.post(&path, &wrong, 422).await;
        let fields: Vec<_> = refused.json("/errors").as_array().unwrap().iter()
            .map(|error| error["field"].as_str().unwrap().to_owned()).collect();
        assert_eq!(fields, ["name", "words", "title", "url"]);
        // A product of another merchant's shop is none.
        let provider = &stage.provider;
        let other = stage.app.merchant(provider, "乙商家").await;
        let stranger = stage.app.person(&other, Role::MerchantOwner).await;
        let foreign = json!({ "name": "x", "trigger": "default",
            "answer": { "kind": "product", "product_id": "prd_01981b2c000070008000000000000001" } });
        stage.owner.post(&path, &foreign, 422).await;
        // Somebody else's account, followers and rules are not there.
        let follower = follower["id"].as_str().unwrap();
        stranger.get(&path, 404).await;
        stranger.get(&public.at("followers"), 404).await;
        stranger.get(&format!("/api/v1/followers/{follower}"), 404).await;
        stranger.post(&format!("/api/v1/followers/{follower}/messages"), &text_body("您好"), 404).await;
        stranger.post(&raised, &json!({}), 404).await;
        // Who answers buyers may write and not set rules.
        let desk = stage.app.person(&stage.merchant, Role::MerchantServiceDesk).await;
        desk.post(&format!("/api/v1/followers/{follower}/messages"), &text_body("您好"), 202).await;
        desk.post(&path, &json!({ "name": "x", "trigger": "default", "answer": text("y") }), 403).await;
        // Off, deleted.
        let one = format!("/api/v1/reply_rules/{}", first["id"].as_str().unwrap());
        let off = json!({ "name": "茶", "trigger": "keyword", "words": ["茶"], "answer": text("一"), "active": false });
        stage.owner.put(&one, &off, 200).await;
        public.says("绿茶").await;
        let follower = public.messages(4).await;
        assert_eq!(newest(&follower)["text"], "绿茶", "a rule that is off does not answer");
        stage.owner.delete(&one, 204).await;
        stage.owner.get(&one, 404).await;
        public.stage.stop().await;
    }
}

fn text_body(text: &str) -> Value {
    json!({ "text": text })
}
