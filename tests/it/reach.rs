//! What a public account shows, through the stand-in: its menu with what people see now, and codes that count followers.

use crate::followers::Public;
use qianpu_domain::access::Role;
use qianpu_tests::both;
use serde_json::{Value, json};

fn menu(name: &str) -> Value {
    json!({ "buttons": [
        { "name": name, "kind": "view", "url": "https://shop.example/" },
        { "name": "服务", "below": [
            { "name": "发货", "kind": "click", "key": "SHIP" },
            { "name": "小程序", "kind": "mini_program", "app_id": "wx1", "path": "pages/index",
              "url": "https://shop.example/m" } ] } ] })
}

/// The menu at the stand-in.
async fn at_platform(public: &Public) -> Value {
    let there = public.stage.sandbox.get("accounts").await;
    let accounts = there["accounts"].as_array().expect("accounts").clone();
    accounts.iter().find(|one| one["appid"] == public.app_id()).expect("the account")["menu"].clone()
}

both! {
    async fn a_menu_is_written_published_and_its_drift_is_told(db: TestDb) {
        let public = Public::start(db).await;
        let owner = &public.stage.owner;
        let path = format!("/api/v1/channel_accounts/{}/menu", public.id());
        let (publish, read) = (format!("{path}/publish"), format!("{path}/read"));
        // Nothing was written: nothing can be published, and nothing is told of the platform.
        assert_eq!(owner.get(&path, 200).await.json("/version"), 0);
        owner.post(&publish, &json!({}), 422).await;
        let saved = owner.put(&path, &menu("逛店"), 200).await;
        assert_eq!((saved.json("/unpublished"), saved.json("/remote")), (json!(true), Value::Null));
        assert!(at_platform(&public).await.is_null(), "people see it after it was published");
        let done = owner.post(&publish, &json!({}), 200).await;
        assert_eq!((done.json("/unpublished"), done.json("/drifted")), (json!(false), json!(false)));
        assert_eq!(done.json("/remote"), done.json("/buttons"));
        let there = at_platform(&public).await;
        assert_eq!(there["button"][1]["sub_button"][0], json!({ "type": "click", "name": "发货", "key": "SHIP" }));
        // Somebody changes it on the platform's own pages.
        let token = format!("/cgi-bin/token?grant_type=client_credential&appid={}&secret=", public.app_id());
        let sandbox = &public.stage.sandbox;
        let list = sandbox.get("accounts").await;
        let secret = list["accounts"].as_array().unwrap().iter()
            .find(|one| one["appid"] == public.app_id()).unwrap()["secret"].as_str().unwrap().to_owned();
        let http = qianpu_tests::http::http_client();
        let token: Value = http.get(format!("{}{token}{secret}", sandbox.base_url)).send().await.unwrap()
            .json().await.unwrap();
        let other = json!({ "button": [{ "type": "view", "name": "别的", "url": "https://other.example/" }] });
        let create = format!("{}/cgi-bin/menu/create?access_token={}", sandbox.base_url,
            token["access_token"].as_str().unwrap());
        http.post(create).json(&other).send().await.unwrap();
        let read = owner.post(&read, &json!({}), 200).await;
        assert_eq!((read.json("/drifted"), read.json("/remote/0/name")), (json!(true), json!("别的")));
        assert_eq!(read.json("/buttons/0/name"), "逛店", "the draft stays");
        // It was set, and cannot be read back: nothing is said of what people see, until it is read.
        let deaf = json!({ "path": "/cgi-bin/get_current_selfmenu_info", "errcode": 40097, "count": 1 });
        sandbox.post("faults/calls", &deaf).await;
        let set = owner.post(&publish, &json!({}), 200).await;
        assert_eq!((set.json("/unpublished"), set.json("/drifted")), (json!(false), json!(false)));
        assert_eq!((set.json("/read_at"), set.json("/remote")), (Value::Null, Value::Null));
        let seen = owner.post(&format!("{path}/read"), &json!({}), 200).await;
        assert_eq!((seen.json("/drifted"), seen.json("/remote/0/name")), (json!(false), json!("逛店")));
        // A menu without buttons takes it away.
        owner.put(&path, &json!({ "buttons": [] }), 200).await;
        assert_eq!(owner.post(&publish, &json!({}), 200).await.json("/drifted"), false);
        assert!(at_platform(&public).await.is_null());
        public.stage.stop().await;
    }

    async fn what_a_menu_cannot_have_is_refused_at_its_field(db: TestDb) {
        let public = Public::start(db).await;
        let owner = &public.stage.owner;
        let path = format!("/api/v1/channel_accounts/{}/menu", public.id());
        let wrong = json!({ "buttons": [
            { "name": "一二三四五六", "kind": "view", "url": "ftp://x" },
            { "name": "好", "below": [{ "name": "", "kind": "click", "key": "" }, { "name": "x", "kind": "dance" }] } ] });
        let refused = owner.put(&path, &wrong, 422).await;
        let fields: Vec<String> = refused.json("/errors").as_array().unwrap().iter()
            .map(|error| error["field"].as_str().unwrap().to_owned()).collect();
        assert_eq!(fields, ["buttons[0].name", "buttons[0].url", "buttons[1].below[0].name",
            "buttons[1].below[0].key", "buttons[1].below[1].kind"]);
        let four: Vec<Value> = (0..4).map(|n| json!({ "name": format!("{n}"), "kind": "click", "key": "k" })).collect();
        owner.put(&path, &json!({ "buttons": four }), 422).await;
        // The platform's words, when it refuses: its quota of the day is used up.
        owner.put(&path, &menu("逛店"), 200).await;
        let fault = json!({ "path": "/cgi-bin/menu/create", "errcode": 45009, "count": 1 });
        public.stage.sandbox.post("faults/calls", &fault).await;
        let full = owner.post(&format!("{path}/publish"), &json!({}), 503).await;
        assert_eq!(full.text("/code"), "channel_quota_exhausted");
        assert_eq!(owner.get(&path, 200).await.json("/published_at"), Value::Null, "nothing is claimed");
        // Somebody else's account is not there.
        let other = public.stage.app.merchant(&public.stage.provider, "乙商家").await;
        let stranger = public.stage.app.person(&other, Role::MerchantOwner).await;
        stranger.get(&path, 404).await;
        stranger.put(&path, &menu("逛店"), 404).await;
        stranger.post(&format!("{path}/publish"), &json!({}), 404).await;
        public.stage.stop().await;
    }

    async fn codes_count_who_comes_by_them(db: TestDb) {
        let public = Public::start(db).await;
        let owner = &public.stage.owner;
        let path = format!("/api/v1/channel_accounts/{}/codes", public.id());
        let made = owner.post(&path, &json!({ "name": "门店", "scene": "door", "days": 30 }), 201).await;
        assert!(made.text("/content").starts_with("http://weixin.qq.com/q/"));
        assert!(!made.json("/expires_at").is_null());
        let forever = owner.post(&path, &json!({ "name": "包裹", "scene": "parcel" }), 201).await;
        assert!(forever.json("/expires_at").is_null());
        owner.post(&path, &json!({ "name": "又一张", "scene": "door" }), 422).await;
        for wrong in [json!({ "name": "x", "scene": "有空格 的" }), json!({ "name": "x", "scene": "y", "days": 31 })] {
            owner.post(&path, &wrong, 422).await;
        }
        let welcome = json!({ "kind": "text", "text": "门店见" });
        public.rule("scene", &["door"], welcome).await;
        public.does("scan", json!({ "scene": "door" })).await;
        let follower = public.messages(2).await;
        assert_eq!(follower["scene"], "door");
        public.does("scan", json!({ "scene": "door" })).await;
        public.messages(4).await;
        assert_eq!(public.received().await.len(), 2);
        let codes = owner.get(&path, 200).await.json("/items");
        assert_eq!((&codes[1]["follows"], &codes[1]["scans"]), (&json!(1), &json!(1)));
        assert_eq!((&codes[0]["follows"], &codes[0]["scans"]), (&json!(0), &json!(0)));
        let one = format!("/api/v1/account_codes/{}", made.text("/id"));
        let other = public.stage.app.merchant(&public.stage.provider, "乙商家").await;
        let stranger = public.stage.app.person(&other, Role::MerchantOwner).await;
        stranger.delete(&one, 404).await;
        stranger.get(&path, 404).await;
        owner.delete(&one, 204).await;
        assert_eq!(owner.get(&path, 200).await.json("/items").as_array().unwrap().len(), 1);
        public.stage.stop().await;
    }
}
