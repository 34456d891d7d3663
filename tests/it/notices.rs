//! Notices by templates, through the stand-in: of orders, once for each event and buyer who follows, by hand, refused in
//! the platform's words and in plain ones, and what its pushes say became of them.

use crate::aftersales::case_in;
use crate::followers::Public;
use qianpu_domain::access::Role;
use qianpu_domain::time::Timestamp;
use qianpu_tests::both;
use serde_json::{Value, json};

const SEND: &str = "/cgi-bin/message/template/send";

/// A public account and a WeChat shop of one owner, so that both know a buyer by one id.
struct Telling {
    public: Public,
    store: Value,
    listing: Value,
    templates: Value,
}

impl Telling {
    async fn start(db: qianpu_tests::TestDb) -> Telling {
        let public = Public::start(db).await;
        let stage = &public.stage;
        let store = stage.direct_store("山前茶铺").await;
        for (kind, name, app_id) in [
            ("official_account", "山前日常", public.app_id()),
            ("store", "山前茶铺", store["external_id"].as_str().unwrap()),
        ] {
            let body = json!({ "kind": kind, "nickname": name, "appid": app_id, "open_platform": "wxopen1" });
            stage.sandbox.post("accounts", &body).await;
        }
        let product = stage.product("明前龙井 500 克", 10).await;
        let listing = stage.publish(&product, &store, 202).await.text("/id");
        let listing = stage.listing_in(&listing, "listed").await;
        public.does("follow", json!({})).await;
        public.messages(1).await;
        let read = stage.owner.post(&public.path("message_templates/read"), &json!({}), 200).await;
        Telling { store, listing, templates: read.json("/items"), public }
    }

    /// The id of the template with this title.
    fn template(&self, title: &str) -> &str {
        let all = self.templates.as_array().unwrap();
        all.iter().find(|one| one["title"] == title).expect(title)["id"].as_str().unwrap()
    }

    /// Has followers told of an event.
    async fn tell(&self, event: &str, title: &str, fields: Value) {
        let body = json!({ "event": event, "message_template_id": self.template(title), "fields": fields });
        self.public.stage.owner.put(&self.public.path("order_notices"), &body, 200).await;
    }

    /// Reads who follows, and with it by which id the person is known at all accounts.
    async fn read(&self) {
        self.public.begin_reading().await;
        self.public.reading().await;
    }

    async fn buy(&self) -> String {
        self.order(true).await
    }

    async fn order(&self, pay: bool) -> String {
        let body = json!({ "appid": self.store["external_id"], "buyer": "小林", "scene": 2, "pay": pay,
            "items": [{ "product_id": self.listing["external_product_id"],
                "sku_id": self.listing["skus"][0]["external_sku_id"], "quantity": 1 }] });
        let order = self.public.stage.sandbox.post("orders", &body).await;
        order["order_id"].as_str().expect("an order id").to_owned()
    }

    async fn order_in(&self, external: &str, state: &str) -> Value {
        let list = format!("/api/v1/orders?q={external}");
        self.public
            .stage
            .work_until(state, async || {
                let order = self.public.stage.owner.get(&list, 200).await.json("/items/0");
                (order["state"] == state).then_some(order)
            })
            .await
    }

    async fn sent(&self) -> Vec<Value> {
        let list = self.public.stage.owner.get(&self.public.path("notices"), 200).await.json("/items");
        list.as_array().unwrap().clone()
    }

    /// Works until there are so many notices and the newest is in this state.
    async fn newest(&self, count: usize, state: &str) -> Value {
        self.public
            .stage
            .work_until(&format!("notice {count} {state}"), async || {
                let sent = self.sent().await;
                let newest = sent.first()?.clone();
                (sent.len() == count && newest["state"] == state).then_some(newest)
            })
            .await
    }

    /// What the person got.
    async fn got(&self) -> Vec<Value> {
        self.public.received().await.into_iter().filter(|one| one["msgtype"] == "notice").collect()
    }

    async fn follower(&self) -> String {
        self.public.follower().await.expect("a follower")["id"].as_str().unwrap().to_owned()
    }

    fn by_hand(&self) -> Value {
        json!({ "message_template_id": self.template("订单支付成功通知"), "fields": { "character_string1": "A1",
            "thing2": "明前龙井".repeat(8), "amount3": "¥1.00" }, "url": "https://shop.example/" })
    }

    async fn send(&self, body: &Value, status: u16) -> Value {
        let path = format!("/api/v1/followers/{}/notices", self.follower().await);
        self.public.stage.owner.post(&path, body, status).await.json("")
    }
}

both! {
    async fn buyers_who_follow_are_told_of_their_orders_once(db: TestDb) {
        let telling = Telling::start(db).await;
        let owner = &telling.public.stage.owner;
        assert_eq!(telling.templates.as_array().unwrap().len(), 3);
        let fields = telling.templates[0]["fields"].clone();
        assert_eq!(fields[0], json!({ "name": "character_string1", "label": "订单编号" }), "{}", telling.templates);
        let value = |name: &str| json!({ "value": name });
        telling.tell("paid", "订单支付成功通知", json!({ "character_string1": value("order_number"),
            "thing2": value("product"), "amount3": value("amount") })).await;
        telling.tell("shipped", "订单发货通知", json!({ "character_string1": value("order_number"),
            "thing4": value("carrier"), "character_string5": value("tracking_number") })).await;
        telling.tell("refunded", "退款成功通知", json!({ "character_string1": value("order_number"),
            "amount2": value("refund_amount") })).await;

        // Nobody knows yet that the follower is the buyer.
        let first = telling.buy().await;
        telling.order_in(&first, "paid").await;
        telling.public.stage.work().await;
        assert!(telling.sent().await.is_empty());

        telling.read().await;
        let external = telling.buy().await;
        let order = telling.order_in(&external, "paid").await;
        let told = telling.newest(1, "delivered").await;
        assert_eq!(told["order_id"], order["id"]);
        assert_eq!(told["fields"], json!({ "character_string1": order["number"], "thing2": "明前龙井 500 克",
            "amount3": "¥128.00" }));
        let got = telling.got().await;
        assert_eq!(got[0]["content"]["data"]["thing2"]["value"], "明前龙井 500 克");
        let shop = owner.get(&format!("/api/v1/shops/{}", telling.public.stage.shop), 200).await.text("/slug");
        assert!(got[0]["content"]["url"].as_str().unwrap().ends_with(&format!("/s/{shop}")));

        let path = format!("/api/v1/orders/{}/shipments", order["id"].as_str().unwrap());
        owner.post(&path, &json!({ "carrier": "顺丰", "waybill": "SF1234567890" }), 201).await;
        telling.order_in(&external, "shipped").await;
        let told = telling.newest(2, "delivered").await;
        assert_eq!(told["fields"]["character_string5"], "SF1234567890");
        assert!(told["fields"]["thing4"].as_str().unwrap().contains("顺丰"), "{told}");

        // The refund is told by a subscription notice, to which nobody agreed.
        let asked = telling.public.stage.sandbox.post(&format!("orders/{external}/aftersale"),
            &json!({ "type": "REFUND", "reason": "拍错了" })).await;
        let asked = asked["after_sale_order_id"].as_str().unwrap().to_owned();
        let case = case_in(&telling.public.stage, &asked, "requested").await;
        owner.post(&format!("/api/v1/aftersales/{}/accept", case["id"].as_str().unwrap()), &json!({}), 202).await;
        case_in(&telling.public.stage, &asked, "done").await;
        let refused = telling.newest(3, "refused").await;
        assert_eq!((&refused["error_code"], &refused["reason"]),
            (&json!("43101"), &json!("对方没有订阅这个通知，或已拒收")), "{refused}");
        assert_eq!(refused["fields"]["amount2"], "¥128.00");

        // What comes again tells nothing again, and a rule that is off tells nothing.
        telling.public.stage.app.advance(301);
        telling.public.stage.work().await;
        assert_eq!(telling.sent().await.len(), 3);
        let off = json!({ "event": "paid", "message_template_id": telling.template("订单支付成功通知"), "active": false,
            "fields": { "character_string1": value("order_number"), "thing2": value("product"), "amount3": value("amount") } });
        owner.put(&telling.public.path("order_notices"), &off, 200).await;
        let third = telling.buy().await;
        telling.order_in(&third, "paid").await;
        telling.public.stage.work().await;
        assert_eq!(telling.sent().await.len(), 3);
        telling.public.stage.stop().await;
    }

    async fn pages_show_followers_tags_and_notices(db: TestDb) {
        let telling = Telling::start(db).await;
        let (public, stage) = (&telling.public, &telling.public.stage);
        let follower = telling.follower().await;
        let template = telling.template("订单支付成功通知").to_owned();
        let visitor = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let open = async |path: &str, shows: &[&str]| {
            for language in ["zh-CN", "en"] {
                let request = visitor.client.request(reqwest::Method::GET, path).header("cookie", &visitor.cookie);
                let answer = request.header("accept-language", language).send().await.expect("an answer");
                let (status, page) = (answer.status(), answer.text().await.unwrap());
                assert_eq!(status, 200, "{path} in {language}: {page}");
                for text in shows {
                    assert!(page.contains(text), "{path} in {language} without {text}: {page}");
                }
            }
        };
        let account = format!("/console/merchant/channel_accounts/{}", public.id());
        open(&format!("{account}/tags"), &[]).await;
        telling.read().await;
        let tag = stage.owner.post(&public.path("follower_tags"), &json!({ "name": "老客户" }), 201).await.text("/id");
        let body = json!({ "follower_tag_id": tag, "puts_on": true, "everybody": true });
        stage.owner.post(&public.path("follower_taggings"), &body, 202).await;
        stage.work().await;
        open(&format!("{account}/tags"), &["老客户", "星标组"]).await;
        open(&format!("{account}/followers?tag={tag}"), &["老客户", &follower]).await;
        open(&format!("{account}/notices"), &["订单发货通知"]).await;
        open(&format!("{account}/notices?event=paid"), &["订单支付成功通知"]).await;
        open(&format!("{account}/notices?event=paid&template={template}"), &["character_string1", "value-thing2"]).await;
        let form = [("event", "paid"), ("template", template.as_str()), ("field", "character_string1"),
            ("field", "thing2"), ("value-thing2", ""), ("text-thing2", ""), ("value-character_string1", "order_number")];
        let wrong = crate::order_pages::submit(&visitor, &format!("{account}/notices"), &form).await;
        assert!(wrong.status == 422 && wrong.html.contains("id=\"e-thing2\"") && !wrong.html.contains("fields.thing2"), "{}", wrong.html);
        open(&format!("/console/merchant/followers/{follower}"), &["老客户"]).await;
        telling.send(&telling.by_hand(), 202).await;
        telling.newest(1, "delivered").await;
        open(&format!("{account}/notices"), &["¥1.00"]).await;
        let of_follower = format!("/console/merchant/followers/{follower}/notices");
        open(&format!("{of_follower}?template={template}"), &["¥1.00", "text-thing2"]).await;
        telling.public.stage.stop().await;
    }

    async fn a_notice_whose_answer_is_lost_is_sent_once(db: TestDb) {
        let telling = Telling::start(db).await;
        telling.public.fault(SEND, json!({ "errcode": -1, "after": true })).await;
        telling.send(&telling.by_hand(), 202).await;
        let sent = telling.newest(1, "delivered").await;
        assert_eq!((sent["error"].clone(), telling.got().await.len()), (Value::Null, 1), "{sent}");
        // A field that is too long is cut to what the platform takes.
        let got = telling.got().await;
        assert_eq!(got[0]["content"]["data"]["thing2"]["value"].as_str().unwrap().chars().count(), 20);
        // A subscription notice has no key: without an answer nothing repeats it, and its push tells the truth.
        let template = telling.template("退款成功通知");
        let at = telling.templates.as_array().unwrap().iter().find(|one| one["id"] == template).unwrap()["native_id"].clone();
        telling.public.does("consent", json!({ "template_id": at })).await;
        telling.public.fault("/cgi-bin/message/subscribe/bizsend", json!({ "errcode": -1, "after": true })).await;
        let body = json!({ "message_template_id": template, "fields": { "character_string1": "A1", "amount2": "¥1.00" } });
        telling.send(&body, 202).await;
        telling.newest(2, "delivered").await;
        assert_eq!(telling.got().await.len(), 2);
        // Agreed to once, and used.
        telling.send(&body, 202).await;
        assert_eq!(telling.newest(3, "refused").await["error_code"], "43101");
        telling.public.stage.stop().await;
    }

    async fn the_quota_of_the_day_is_waited_for_and_nothing_else_waits(db: TestDb) {
        let telling = Telling::start(db).await;
        let stage = &telling.public.stage;
        let template = telling.template("退款成功通知");
        let native = telling.templates.as_array().unwrap().iter().find(|one| one["id"] == template).unwrap()["native_id"].clone();
        telling.public.does("consent", json!({ "template_id": native })).await;
        // Either kind of notice comes when the quota of its interface is used up.
        telling.public.fault(SEND, json!({ "errcode": 45009 })).await;
        telling.public.fault("/cgi-bin/message/subscribe/bizsend", json!({ "errcode": 45009 })).await;
        let first = telling.send(&telling.by_hand(), 202).await["id"].clone();
        let agreed = json!({ "message_template_id": template, "fields": { "character_string1": "A2", "amount2": "¥1.00" } });
        let second = telling.send(&agreed, 202).await["id"].clone();
        let both = |sent: &[Value], states: &[&str], error: Value| {
            [&first, &second].into_iter().all(|id| {
                sent.iter().any(|one| {
                    let state = one["state"].as_str().unwrap();
                    one["id"] == *id && states.contains(&state) && one["error_code"] == error
                })
            })
        };
        stage.work_until("both wait", async || {
            both(&telling.sent().await, &["waiting"], json!("channel_quota_exhausted")).then_some(())
        }).await;
        assert!(telling.got().await.is_empty());
        // Until the day ends in Beijing, where the platform counts it.
        let now = stage.app.state.clock().now().seconds();
        let midnight = ((now + 8 * 3_600) / 86_400 + 1) * 86_400 - 8 * 3_600;
        let jobs = stage.owner.get("/api/v1/jobs?state=pending", 200).await.json("/items");
        let waits: Vec<&Value> = jobs.as_array().unwrap().iter().filter(|job| job["kind"] == "notice.send").collect();
        assert_eq!(waits.len(), 2, "{jobs}");
        for job in waits {
            let due: Timestamp = job["run_at"].as_str().unwrap().parse().unwrap();
            assert!((midnight..midnight + 3_600).contains(&due.seconds()), "{job}");
        }
        // Who comes after them waits too, and the platform is not asked again; its other interfaces are.
        telling.send(&telling.by_hand(), 202).await;
        stage.work_until("the third to wait", async || {
            let sent = telling.sent().await;
            let waits = sent.iter().filter(|one| one["error_code"] == "channel_quota_exhausted").count();
            (waits == 3).then_some(())
        }).await;
        let asked = stage.sandbox.get(&format!("calls?path={SEND}")).await;
        assert_eq!(asked["calls"].as_array().unwrap().len(), 1, "{asked}");
        stage.owner.get(&telling.public.path("call_quotas"), 200).await;
        // The stand-in keeps its own time: once more than six hours are skipped, what it pushes is too old for us and a
        // notice stays sent; late in its day it is told as delivered. Who got what is seen there.
        stage.app.advance(midnight - now + 3_600);
        let tomorrow = stage.app.person(&stage.merchant, Role::MerchantOwner).await;
        stage.work_until("the notices of the next day", async || {
            let sent = tomorrow.get(&telling.public.path("notices"), 200).await.json("/items");
            both(sent.as_array()?, &["sent", "delivered"], Value::Null).then_some(())
        }).await;
        stage.work().await;
        assert_eq!(telling.got().await.len(), 3, "each once");
        telling.public.stage.stop().await;
    }

    async fn what_the_platform_refuses_is_told_in_its_words_and_ours(db: TestDb) {
        let telling = Telling::start(db).await;
        let owner = &telling.public.stage.owner;
        let path = format!("{}?lang=en", telling.public.path("notices"));
        let english = async || owner.get(&path, 200).await.json("/items/0/reason");
        for (number, (code, reason, in_english)) in [
            (43004, "对方没有关注公众号", "The person does not follow the account."),
            (40037, "公众号没有这个模板，请重新读取模板并检查设置",
                "The account has no such template. Read the templates again and check the setting."),
            (47003, "有字段不符合模板要求，请检查填写的内容",
                "A field is not as the template wants it. Check what is filled in."),
        ].into_iter().enumerate() {
            telling.public.fault(SEND, json!({ "errcode": code })).await;
            telling.send(&telling.by_hand(), 202).await;
            let refused = telling.newest(number + 1, "refused").await;
            assert_eq!((&refused["error_code"], &refused["reason"]), (&json!(code.to_string()), &json!(reason)));
            assert!(refused["error"].as_str().unwrap().contains(&code.to_string()), "{refused}");
            assert_eq!(english().await, in_english);
        }
        // The person does not want messages: the platform takes it, and its push says so.
        telling.public.does("block", json!({ "blocked": true })).await;
        telling.send(&telling.by_hand(), 202).await;
        let failed = telling.newest(4, "failed").await;
        assert_eq!((&failed["error"], &failed["reason"]), (&json!("failed:user block"), &json!("对方拒收了公众号的消息")));
        assert_eq!(english().await, "The person declined messages of the account.");
        telling.public.does("block", json!({ "blocked": false })).await;
        // Who left gets nothing.
        telling.public.does("follow", json!({ "subscribe": false })).await;
        telling.public.stage.work_until("left", async || {
            (telling.public.follower().await?["state"] == "left").then_some(())
        }).await;
        assert_eq!(telling.send(&telling.by_hand(), 409).await["code"], "follower_not_reachable");
        telling.public.stage.stop().await;
    }

    async fn who_was_erased_gets_nothing_and_others_see_nothing(db: TestDb) {
        let telling = Telling::start(db).await;
        let owner = &telling.public.stage.owner;
        let follower = telling.follower().await;
        // What is wrong with a rule or a notice is said at its field.
        let rules = telling.public.path("order_notices");
        let template = telling.template("订单支付成功通知").to_owned();
        let wrong = json!({ "event": "eaten", "message_template_id": template, "fields": { "thing2": { "value": "phone" },
            "amount3": { "value": "amount", "text": "x" }, "thing9": { "text": "x" } } });
        let refused = owner.put(&rules, &wrong, 422).await;
        let mut fields: Vec<String> = refused.json("/errors").as_array().unwrap().iter()
            .map(|error| error["field"].as_str().unwrap().to_owned()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["event", "fields.amount3", "fields.character_string1", "fields.thing2", "fields.thing9"]);
        let short = json!({ "message_template_id": template, "fields": { "thing2": " " } });
        telling.send(&short, 422).await;
        telling.send(&telling.by_hand(), 202).await;
        telling.newest(1, "delivered").await;

        // Somebody else's are not there, and somebody else's templates cannot be used.
        let other = telling.public.stage.app.merchant(&telling.public.stage.provider, "乙商家").await;
        let stranger = telling.public.stage.app.person(&other, Role::MerchantOwner).await;
        for at in ["message_templates", "order_notices", "notices"] {
            stranger.get(&telling.public.path(at), 404).await;
        }
        stranger.put(&rules, &wrong, 404).await;
        stranger.post(&telling.public.path("message_templates/read"), &json!({}), 404).await;
        stranger.get(&format!("/api/v1/followers/{follower}/notices"), 404).await;
        stranger.post(&format!("/api/v1/followers/{follower}/notices"), &telling.by_hand(), 404).await;

        // The buyer has their data erased: what was sent is gone, and nothing can be sent any more.
        telling.read().await;
        telling.public.stage.staff.put("/api/v1/buyer_settings", &json!({ "erasure_days": 0 }), 200).await;
        let external = telling.order(false).await;
        telling.order_in(&external, "awaiting_payment").await;
        telling.public.stage.sandbox.post(&format!("orders/{external}/cancel"), &json!({})).await;
        telling.order_in(&external, "cancelled").await;
        let buyer = owner.get("/api/v1/buyers", 200).await.json("/items/0/id");
        let of_buyer = format!("/api/v1/buyers/{}", buyer.as_str().unwrap());
        owner.post(&format!("{of_buyer}/erasure"), &json!({ "reason": "买家来电要求" }), 202).await;
        telling.public.stage.work_until("the erasure", async || {
            (owner.get(&of_buyer, 200).await.text("/erasures/0/state") == "done").then_some(())
        }).await;
        assert!(telling.sent().await.is_empty());
        assert_eq!(telling.send(&telling.by_hand(), 409).await["code"], "follower_not_reachable");
        telling.read().await;
        assert_eq!(telling.send(&telling.by_hand(), 409).await["code"], "follower_not_reachable");
        telling.public.stage.stop().await;
    }
}
