//! Freight templates and addresses of a linked shop: they live at the platform, products are published with the chosen
//! ones, and nothing is made twice.

use crate::order_pages::{open, submit};
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::stage::Stage;
use serde_json::{Value, json};

struct Desk {
    stage: Stage,
    store: Value,
}

fn yuan(fen: i64) -> Value {
    json!({ "amount": fen, "currency": "CNY" })
}

fn template(name: &str) -> Value {
    json!({ "name": name, "charge": "free_from", "unit": "piece", "ships_within_hours": 48,
        "rules": [
            { "first": 1, "first_price": yuan(800), "more": 1, "more_price": yuan(200) },
            { "areas": [{ "province": "新疆维吾尔自治区" }, { "province": "广东省", "city": "广州市" }],
              "first": 1, "first_price": yuan(1_500), "more": 2, "more_price": yuan(500) } ],
        "free_from": [{ "areas": [{ "province": "全国" }], "amount": yuan(9_900) }],
        "not_to": [{ "province": "西藏自治区" }] })
}

fn address() -> Value {
    json!({ "name": "仓管", "phone": "13800138000", "province": "浙江省", "city": "杭州市", "district": "西湖区",
        "detail": "文三路90号", "sends": false, "receives": true, "default_send": false, "default_receive": false })
}

impl Desk {
    async fn start(db: qianpu_tests::TestDb) -> Self {
        let stage = Stage::start(db).await;
        let store = stage.direct_store("山前小店").await;
        Self { stage, store }
    }
    fn at(&self, rest: &str) -> String {
        format!("/api/v1/channel_accounts/{}/{rest}", self.store["id"].as_str().unwrap())
    }
    async fn templates(&self) -> Value {
        self.stage.owner.get(&self.at("freight_templates"), 200).await.json("")
    }
    async fn calls(&self, path: &str) -> usize {
        let calls = self.stage.sandbox.get(&format!("calls?path={path}")).await;
        calls["calls"].as_array().unwrap().len()
    }
    /// What was sent to the platform with the last call to this path.
    async fn sent(&self, path: &str) -> Value {
        let calls = self.stage.sandbox.get(&format!("calls?path={path}")).await;
        let last = &calls["calls"].as_array().unwrap()[0];
        serde_json::from_str(last["request_body"].as_str().unwrap()).unwrap()
    }
    async fn listed(&self) -> Value {
        let product = self.stage.product("明前龙井 500 克", 10).await;
        let listing = self.stage.publish(&product, &self.store, 202).await.json("");
        self.stage.listing_in(listing["id"].as_str().unwrap(), "listed").await;
        self.sent("/channels/ec/product/add").await
    }
}

both! {
    async fn a_template_is_made_changed_and_products_are_published_with_the_chosen_one(db: TestDb) {
        let desk = Desk::start(db).await;
        let owner = &desk.stage.owner;
        let before = desk.templates().await;
        assert_eq!((&before["items"][0]["name"], &before["chosen"]), (&json!("全国包邮"), &Value::Null));
        let saved = owner.post(&desk.at("freight_templates"), &template("满额包邮"), 200).await;
        let id = saved.text("/template_id");
        let there = desk.templates().await;
        let made = there["items"].as_array().unwrap().iter().find(|one| one["template_id"] == id).unwrap().clone();
        assert_eq!(made["rules"][1]["areas"][1], json!({ "province": "广东省", "city": "广州市", "district": "" }));
        assert_eq!((&made["rules"][0]["first_price"]["amount"], &made["rules"][0]["areas"]), (&json!(800), &json!([])));
        assert_eq!(made["free_from"][0]["areas"].as_array().unwrap().len(), 34, "全国 is every province");
        assert_eq!(made["free_from"][0]["amount"]["amount"], 9_900);
        assert_eq!((&made["ships_within_hours"], &made["charge"]), (&json!(48), &json!("free_from")));
        // Changed: what is not said here stays.
        let mut change = template("满 199 包邮");
        change["template_id"] = json!(id);
        change["ships_within_hours"] = Value::Null;
        change["free_from"][0]["amount"] = yuan(19_900);
        owner.post(&desk.at("freight_templates"), &change, 200).await;
        let sent = desk.sent("/channels/ec/merchant/updatefreighttemplate").await;
        assert_eq!(sent["freight_template"]["send_time"], "SendTime_FOUTYEIGHT_HOUR");
        assert_eq!(sent["freight_template"]["delivery_type"], "EXPRESS");
        // Only one of the platform's can be chosen, and products are published with it.
        let choose = desk.at("freight_templates/choose");
        owner.post(&choose, &json!({ "template_id": "404" }), 422).await;
        assert_eq!(owner.post(&choose, &json!({ "template_id": id }), 200).await.text("/chosen"), id);
        assert_eq!(desk.listed().await["express_info"]["template_id"], id);
        assert_eq!(owner.post(&choose, &json!({ "template_id": null }), 200).await.json("/chosen"), Value::Null);
        let log = owner.get("/api/v1/audit_entries?action=freight_template.saved", 200).await.json("/items");
        assert_eq!(log.as_array().unwrap().len(), 2, "{log}");
        desk.stage.stop().await;
    }

    async fn a_lost_answer_makes_no_second_template_and_no_second_address(db: TestDb) {
        let desk = Desk::start(db).await;
        let owner = &desk.stage.owner;
        for (path, at, body) in [
            ("/channels/ec/merchant/addfreighttemplate", "freight_templates", template("满额包邮")),
            ("/channels/ec/merchant/address/add", "shop_addresses", address()),
        ] {
            let fault = json!({ "path": path, "errcode": -1, "count": 1, "after": true });
            desk.stage.sandbox.post("faults/calls", &fault).await;
            owner.post(&desk.at(at), &body, 503).await;
            owner.post(&desk.at(at), &body, 200).await;
            assert_eq!(desk.calls(path).await, 1, "{path}");
            assert_eq!(owner.get(&desk.at(at), 200).await.json("/items").as_array().unwrap().len(), 2);
        }
        // Another one of the same name is a mistake of the person.
        let mut other = template("满额包邮");
        other["unit"] = json!("weight");
        let refused = owner.post(&desk.at("freight_templates"), &other, 422).await;
        assert_eq!(refused.json("/errors/0/field"), "name");
        desk.stage.stop().await;
    }

    async fn what_a_template_or_an_address_cannot_say_is_refused_at_its_field(db: TestDb) {
        let desk = Desk::start(db).await;
        let owner = &desk.stage.owner;
        let fields = |answer: &qianpu_tests::http::Answer| -> Vec<String> {
            answer.json("/errors").as_array().unwrap().iter()
                .map(|error| error["field"].as_str().unwrap().to_owned()).collect()
        };
        let wrong = json!({ "name": "", "charge": "free_from", "unit": "box", "ships_within_hours": 5,
            "rules": [{ "first": 0, "first_price": yuan(0), "more": 1, "more_price": yuan(200_000_000) }],
            "free_from": [{ "areas": [] }], "not_to": [{ "province": "", "city": "广州市" }] });
        let refused = owner.post(&desk.at("freight_templates"), &wrong, 422).await;
        assert_eq!(fields(&refused), ["name", "unit", "ships_within_hours", "rules[0].first",
            "rules[0].more_price", "free_from[0].areas", "free_from[0].amount", "not_to"]);
        let mut two = template("两条默认");
        two["rules"][1]["areas"] = json!([]);
        assert_eq!(fields(&owner.post(&desk.at("freight_templates"), &two, 422).await), ["rules"]);
        let mut nowhere = address();
        nowhere["phone"] = json!("电话");
        nowhere["receives"] = json!(false);
        assert_eq!(fields(&owner.post(&desk.at("shop_addresses"), &nowhere, 422).await), ["phone", "sends"]);
        assert_eq!(desk.calls("/channels/ec/merchant/addfreighttemplate").await, 0, "nothing was sent");
        // The platform's words, when it refuses.
        let fault = json!({ "path": "/channels/ec/merchant/addfreighttemplate", "errcode": 10_020_019, "count": 1 });
        desk.stage.sandbox.post("faults/calls", &fault).await;
        let refused = owner.post(&desk.at("freight_templates"), &template("满额包邮"), 422).await;
        assert!(refused.json("/errors/0").to_string().contains("运费模版非法"), "{}", refused.json(""));
        desk.stage.stop().await;
    }

    async fn the_chosen_return_address_goes_into_products_and_stays(db: TestDb) {
        let desk = Desk::start(db).await;
        let owner = &desk.stage.owner;
        let id = owner.post(&desk.at("shop_addresses"), &address(), 200).await.text("/address_id");
        let list = owner.get(&desk.at("shop_addresses"), 200).await;
        let own = list.json("/items").as_array().unwrap().iter().find(|one| one["address_id"] == id).unwrap().clone();
        assert_eq!((&own["detail"], &own["receives"]), (&json!("文三路90号"), &json!(true)));
        let choose = desk.at("shop_addresses/choose");
        owner.post(&choose, &json!({ "address_id": "404" }), 422).await;
        owner.post(&choose, &json!({ "address_id": id }), 200).await;
        assert_eq!(desk.listed().await["after_sale_info"]["after_sale_address_id"], id);
        let remove = desk.at("shop_addresses/remove");
        let refused = owner.post(&remove, &json!({ "address_id": id }), 422).await;
        assert_eq!(refused.json("/errors/0/code"), "in_use");
        owner.post(&choose, &json!({ "address_id": null }), 200).await;
        owner.post(&remove, &json!({ "address_id": id }), 204).await;
        owner.post(&remove, &json!({ "address_id": id }), 204).await;
        assert_eq!(desk.calls("/channels/ec/merchant/address/delete").await, 1, "what is gone is done");
        // Nothing of an address is written down here.
        let log = owner.get("/api/v1/audit_entries?action=shop_address.saved", 200).await.json("/items");
        assert_eq!(log.as_array().unwrap().len(), 1);
        assert!(!log.to_string().contains("文三路") && !log.to_string().contains("13800138000"), "{log}");
        desk.stage.stop().await;
    }

    async fn others_see_nothing_and_goods_staff_change_nothing(db: TestDb) {
        let desk = Desk::start(db).await;
        let other = desk.stage.app.merchant(&desk.stage.provider, "乙商家").await;
        let stranger = desk.stage.app.person(&other, Role::MerchantOwner).await;
        for at in ["freight_templates", "shop_addresses"] {
            stranger.get(&desk.at(at), 404).await;
        }
        stranger.post(&desk.at("freight_templates"), &template("偷"), 404).await;
        stranger.post(&desk.at("shop_addresses"), &address(), 404).await;
        stranger.post(&desk.at("shop_addresses/remove"), &json!({ "address_id": "1" }), 404).await;
        let goods = desk.stage.app.person(&desk.stage.merchant, Role::MerchantGoods).await;
        goods.get(&desk.at("freight_templates"), 200).await;
        goods.get(&desk.at("shop_addresses"), 403).await;
        goods.post(&desk.at("freight_templates"), &template("满额包邮"), 403).await;
        // An account of another kind has no furniture.
        let public = desk.stage.platform_account("official_account", "山前茶讯").await;
        assert!(!public.is_empty());
        desk.stage.stop().await;
    }

    async fn the_page_makes_a_template_chooses_it_and_says_what_is_wrong(db: TestDb) {
        let desk = Desk::start(db).await;
        let browser = desk.stage.app.visitor(&desk.stage.merchant, Role::MerchantOwner).await;
        let page = format!("/console/merchant/channel_accounts/{}/desk", desk.store["id"].as_str().unwrap());
        let shown = open(&browser, &page).await.html;
        assert!(shown.contains("全国包邮") && shown.contains("新港中路397号"), "{shown}");
        let form = format!("{page}/template");
        assert_eq!(open(&browser, &form).await.status, 200);
        let mut fields = vec![("name", "偏远加价"), ("charge", "charged"), ("unit", "piece"),
            ("ships_within_hours", "24"), ("rules[0].first", "1"), ("rules[0].first_price", "8"),
            ("rules[0].more", "1"), ("rules[0].more_price", "2"), ("rules[1].areas", ""),
            ("rules[2].areas", "新疆维吾尔自治区\n广东省 广州市"), ("rules[2].first", "1"),
            ("rules[2].first_price", "十五"), ("rules[2].more", "1"), ("rules[2].more_price", "5")];
        let wrong = submit(&browser, &form, &fields).await;
        assert_eq!(wrong.status, 422);
        let wrong = wrong.html;
        assert!(wrong.contains("请填写金额"), "{wrong}");
        fields[11].1 = "15";
        fields[10].1 = "0";
        let wrong = submit(&browser, &form, &fields).await;
        assert_eq!(wrong.status, 422);
        let wrong = wrong.html;
        assert!(wrong.contains("e-rules[2].first"), "the error stands at the row it was typed in: {wrong}");
        fields[10].1 = "1";
        let done = submit(&browser, &form, &fields).await;
        assert_eq!((done.status, done.location.as_str()), (303, page.as_str()), "{}", done.html);
        let there = desk.templates().await;
        let made = there["items"].as_array().unwrap().iter().find(|one| one["name"] == "偏远加价").unwrap().clone();
        assert_eq!(made["rules"][1]["first_price"]["amount"], 1_500);
        let id = made["template_id"].as_str().unwrap();
        assert_eq!(submit(&browser, &format!("{page}/choose_template"), &[("id", id)]).await.status, 303);
        assert_eq!(desk.templates().await["chosen"], id);
        assert!(open(&browser, &page).await.html.contains("发布商品用"));
        assert!(open(&browser, &format!("{form}?id={id}")).await.html.contains("广东省 广州市"));
        // Places that nobody filled in are offered once, however often the form is sent.
        let empty = submit(&browser, &form, &[("name", ""), ("rules[0].first", "1"), ("rules[1].areas", ""), ("rules[2].areas", " ")]).await;
        assert!(empty.status == 422 && empty.html.contains("rules[2].areas") && !empty.html.contains("rules[3].areas"), "{}", empty.html);
        // What is wrong with a box stands at the box.
        let place = [("name", "王五"), ("phone", "13800138000"), ("province", "浙江省"), ("city", "杭州市"), ("district", "西湖区"), ("detail", "一号")];
        let idle = submit(&browser, &format!("{page}/address"), &place).await;
        assert!(idle.status == 422 && idle.html.contains("id=\"e-sends\"") && !idle.html.contains("sends: "), "{}", idle.html);
        // The platform does not answer: the page says so and offers nothing.
        let fault = json!({ "path": "/channels/ec/merchant/getfreighttemplatelist", "errcode": -1, "count": 9 });
        desk.stage.sandbox.post("faults/calls", &fault).await;
        let trouble = open(&browser, &page).await.html;
        assert!(trouble.contains("暂时无法读取"), "{trouble}");
        desk.stage.stop().await;
    }
}
