//! Who follows a public account as the stand-in lists them, and tags: read in pages, carried on after a kill, put on many,
//! refused in the platform's words.

use crate::followers::Public;
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::deadline::until;
use qianpu_tests::program::Program;
use serde_json::{Value, json};

/// The ignored test that is the program.
const ENTRY: &str = "crash::program";

impl Public {
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/channel_accounts/{}/{rest}", self.id())
    }

    /// People who followed before anybody was told.
    async fn crowd(&self, prefix: &str, count: usize, subscribed: bool) {
        let body =
            json!({ "appid": self.app_id(), "prefix": prefix, "count": count, "subscribed": subscribed });
        self.stage.sandbox.post("fans", &body).await;
    }

    pub async fn begin_reading(&self) -> Value {
        self.stage.owner.post(&self.path("follower_reading"), &json!({}), 202).await.json("")
    }

    /// Works until the reading ended; how it did.
    pub async fn reading(&self) -> Value {
        self.stage
            .work_until("the reading", async || {
                let now = self.stage.owner.get(&self.path("follower_reading"), 200).await.json("");
                matches!(now["phase"].as_str(), Some("done" | "failed")).then_some(now)
            })
            .await
    }

    async fn tag(&self, name: &str) -> String {
        self.stage.owner.post(&self.path("follower_tags"), &json!({ "name": name }), 201).await.text("/id")
    }

    /// Works until the tagging ended; how it did.
    async fn tagged(&self, body: Value) -> Value {
        let begun = self.stage.owner.post(&self.path("follower_taggings"), &body, 202).await;
        let path = format!("/api/v1/follower_taggings/{}", begun.text("/id"));
        self.stage
            .work_until("the tagging", async || {
                let now = self.stage.owner.get(&path, 200).await.json("");
                (now["state"] != "running").then_some(now)
            })
            .await
    }

    /// Ids of the followers, at most a hundred.
    async fn ids(&self, query: &str) -> Vec<String> {
        let list = self.stage.owner.get(&self.path(&format!("followers?limit=100&{query}")), 200).await;
        let list = list.json("/items");
        list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The account at the stand-in.
    async fn there(&self) -> Value {
        let there = self.stage.sandbox.get("accounts").await;
        let all = there["accounts"].as_array().expect("accounts").clone();
        all.into_iter().find(|one| one["appid"] == self.app_id()).expect("the account")
    }

    /// A call in the name of the account, past the application.
    pub async fn at_platform(&self, path: &str, body: &Value) -> Value {
        let there = self.there().await;
        let base = &self.stage.sandbox.base_url;
        let http = qianpu_tests::http::http_client();
        let token = format!(
            "{base}/cgi-bin/token?grant_type=client_credential&appid={}&secret={}",
            self.app_id(),
            there["secret"].as_str().unwrap()
        );
        let token: Value = http.get(token).send().await.unwrap().json().await.unwrap();
        let address = format!("{base}{path}?access_token={}", token["access_token"].as_str().unwrap());
        http.post(address).json(body).send().await.unwrap().json().await.unwrap()
    }

    pub async fn fault(&self, path: &str, more: Value) {
        let mut fault = json!({ "path": path, "count": 1 });
        fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.stage.sandbox.post("faults/calls", &fault).await;
    }
}

both! {
    async fn twelve_thousand_followers_are_read_in_pages(db: TestDb) {
        let public = Public::start(db).await;
        public.crowd("粉丝", 12_000, true).await;
        let owner = &public.stage.owner;
        assert_eq!(owner.get(&public.path("follower_reading"), 200).await.text("/phase"), "never");
        assert_eq!(public.begin_reading().await["phase"], "list");
        let done = public.reading().await;
        assert_eq!((&done["phase"], &done["total"], &done["listed"], &done["detailed"], &done["gone"]),
            (&json!("done"), &json!(12_000), &json!(12_000), &json!(12_000), &json!(0)), "{done}");
        let newest = owner.get(&public.path("followers?limit=1"), 200).await.json("/items/0");
        assert!(newest["followed_at"].is_string() && newest["last_seen_at"].is_string(), "{newest}");
        // Three leave unheard; the next list is without them.
        public.crowd("粉丝", 3, false).await;
        public.begin_reading().await;
        let again = public.reading().await;
        assert_eq!((&again["listed"], &again["detailed"], &again["gone"]), (&json!(11_997), &json!(11_997), &json!(3)));
        assert_eq!(public.ids("state=left").await.len(), 3);
        public.stage.stop().await;
    }

    async fn a_reading_whose_worker_is_killed_goes_on_where_it_was(db: TestDb) {
        let public = Public::start(db).await;
        public.crowd("粉丝", 2_600, true).await;
        public.fault("/cgi-bin/user/info/batchget", json!({ "delay_ms": 60, "after": true, "count": 1000 })).await;
        public.begin_reading().await;
        let mut process = Program::serve(&public.stage.app, ENTRY, "serve").await;
        let path = public.path("follower_reading");
        until("some were read", async || {
            let now = public.stage.owner.get(&path, 200).await.json("");
            (now["detailed"].as_i64().unwrap() >= 500).then_some(())
        })
        .await;
        process.kill();
        let begun = public.stage.owner.get(&path, 200).await.json("");
        assert_eq!(begun["phase"], "details", "the reading was too fast for this test: {begun}");
        // The lease of its step runs out; somebody else takes it.
        public.stage.app.advance(120);
        public.stage.sandbox.delete("faults/calls").await;
        let done = public.reading().await;
        assert_eq!((&done["phase"], &done["listed"], &done["detailed"]),
            (&json!("done"), &json!(2_600), &json!(2_600)), "nobody is read twice or left out: {done}");
        public.stage.stop().await;
    }

    async fn a_reading_waits_for_the_quota_and_ends_where_the_account_may_not(db: TestDb) {
        let mut public = Public::start(db).await;
        public.crowd("粉丝", 5, true).await;
        let path = public.path("follower_reading");
        public.fault("/cgi-bin/user/get", json!({ "errcode": 45009 })).await;
        public.begin_reading().await;
        public.stage.work().await;
        let waits = public.stage.owner.get(&path, 200).await.json("");
        assert_eq!((&waits["phase"], &waits["error_code"]), (&json!("list"), &json!("channel_quota_exhausted")), "{waits}");
        // Asking again begins nothing anew.
        assert_eq!(public.begin_reading().await["started_at"], waits["started_at"]);
        public.stage.app.advance(86_400);
        // Log-ins do not last that long.
        public.stage.owner = public.stage.app.person(&public.stage.merchant, Role::MerchantOwner).await;
        assert_eq!(public.reading().await["detailed"], 5);
        public.fault("/cgi-bin/user/get", json!({ "errcode": 48001 })).await;
        public.begin_reading().await;
        let failed = public.reading().await;
        assert_eq!(failed["phase"], "failed");
        assert!(failed["error"].as_str().unwrap().contains("48001"), "{failed}");
        public.stage.stop().await;
    }

    async fn tags_are_made_renamed_and_deleted_at_the_platform(db: TestDb) {
        let public = Public::start(db).await;
        let owner = &public.stage.owner;
        let path = public.path("follower_tags");
        let tag = public.tag(" 老  客 ").await;
        assert_eq!(public.there().await["tags"], json!({ "100": "老 客" }));
        assert_eq!(owner.post(&path, &json!({ "name": "老 客" }), 422).await.text("/errors/0/code"), "taken");
        owner.post(&path, &json!({ "name": "长".repeat(31) }), 422).await;
        owner.post(&path, &json!({ "name": " " }), 422).await;
        let one = format!("/api/v1/follower_tags/{tag}");
        assert_eq!(owner.put(&one, &json!({ "name": "常客" }), 200).await.text("/name"), "常客");
        assert_eq!(public.there().await["tags"], json!({ "100": "常客" }));
        // The answer to making one is lost: the tag is found by its name, and there is one.
        public.fault("/cgi-bin/tags/create", json!({ "errcode": -1, "after": true })).await;
        public.tag("新客").await;
        assert_eq!(public.there().await["tags"], json!({ "100": "常客", "101": "新客" }));
        // A name that somebody took on the platform's own pages is taken over with the tag.
        public.at_platform("/cgi-bin/tags/create", &json!({ "tag": { "name": "后台建的" } })).await;
        public.tag("后台建的").await;
        assert_eq!(owner.get(&path, 200).await.json("/items").as_array().unwrap().len(), 3);
        // The platform's own words, when it refuses.
        public.fault("/cgi-bin/tags/update", json!({ "errcode": 45158 })).await;
        let refused = owner.put(&one, &json!({ "name": "另一个" }), 422).await;
        assert!(refused.text("/detail").contains("45158"), "{}", refused.body);
        public.fault("/cgi-bin/tags/delete", json!({ "errcode": 45057 })).await;
        assert!(owner.delete(&one, 422).await.text("/detail").contains("45057"));
        // The answer to deleting it is lost: it is gone.
        public.fault("/cgi-bin/tags/delete", json!({ "errcode": -1, "after": true })).await;
        owner.delete(&one, 204).await;
        assert_eq!(public.there().await["tags"], json!({ "101": "新客", "102": "后台建的" }));
        // What was changed at the platform is read; its own tags cannot be changed.
        public.at_platform("/cgi-bin/tags/delete", &json!({ "tag": { "id": 102 } })).await;
        let read = owner.post(&format!("{path}/read"), &json!({}), 200).await.json("/items");
        let names: Vec<&str> = read.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["新客", "星标组"]);
        let fixed = format!("/api/v1/follower_tags/{}", read[1]["id"].as_str().unwrap());
        owner.put(&fixed, &json!({ "name": "x" }), 422).await;
        owner.delete(&fixed, 422).await;
        // As many as the platform allows.
        for number in 2..=100 {
            public.at_platform("/cgi-bin/tags/create", &json!({ "tag": { "name": format!("标签 {number}") } })).await;
        }
        owner.post(&format!("{path}/read"), &json!({}), 200).await;
        assert_eq!(owner.post(&path, &json!({ "name": "太多" }), 409).await.text("/code"), "follower_tags_full");
        public.stage.stop().await;
    }

    async fn a_tag_is_put_on_many_and_who_cannot_have_it_is_told(db: TestDb) {
        let public = Public::start(db).await;
        let owner = &public.stage.owner;
        public.crowd("粉丝", 120, true).await;
        public.begin_reading().await;
        public.reading().await;
        let tag = public.tag("会员日").await;
        // One of them has twenty tags already, which nobody told us: the call of fifty is refused as a whole.
        for number in 0..20 {
            let made = public.at_platform("/cgi-bin/tags/create", &json!({ "tag": { "name": format!("旧 {number}") } })).await;
            let full = public.there().await["fans"][7]["openid"].clone();
            let body = json!({ "openid_list": [full], "tagid": made["tag"]["id"] });
            public.at_platform("/cgi-bin/tags/members/batchtagging", &body).await;
        }
        public.fault("/cgi-bin/tags/members/batchtagging", json!({ "errcode": -1, "after": true })).await;
        let done = public.tagged(json!({ "follower_tag_id": tag, "puts_on": true, "everybody": true })).await;
        assert_eq!((&done["state"], &done["total"], &done["done"], &done["refused"]),
            (&json!("done"), &json!(120), &json!(119), &json!(1)), "{done}");
        assert!(done["refusals"][0]["error"].as_str().unwrap().contains("45059"), "{done}");
        let full = done["refusals"][0]["follower_id"].as_str().unwrap().to_owned();
        let tags = owner.get(&public.path("follower_tags"), 200).await.json("/items");
        assert_eq!(tags[0]["people"], 119);
        assert_eq!(public.ids(&format!("follower_tag_id={tag}")).await.len(), 100, "a page of those who have it");
        let has = public.there().await["fans"].as_array().unwrap().iter()
            .filter(|fan| fan["tags"].as_array().unwrap().contains(&json!(100))).count();
        assert_eq!(has, 99, "of the hundred that the stand-in shows");
        // Read again, their tags are known, and nobody is asked about the full one.
        public.begin_reading().await;
        public.reading().await;
        let one = owner.get(&format!("/api/v1/followers/{full}"), 200).await;
        assert_eq!(one.json("/tags").as_array().unwrap().len(), 20);
        let again = public.tagged(json!({ "follower_tag_id": tag, "puts_on": true, "follower_ids": [full] })).await;
        assert_eq!((&again["refused"], &again["refusals"][0]["error"]), (&json!(1), &json!("已有 20 个标签")));
        // Taken off some, and off everybody who has it.
        let some: Vec<String> = public.ids(&format!("follower_tag_id={tag}")).await.into_iter().take(3).collect();
        let off = public.tagged(json!({ "follower_tag_id": tag, "puts_on": false, "follower_ids": some })).await;
        assert_eq!(off["done"], 3);
        let off = public.tagged(json!({ "follower_tag_id": tag, "puts_on": false, "with_follower_tag_id": tag })).await;
        assert_eq!((&off["total"], &off["done"]), (&json!(116), &json!(116)), "{off}");
        assert!(public.ids(&format!("follower_tag_id={tag}")).await.is_empty());
        public.stage.stop().await;
    }

    async fn what_a_tagging_cannot_mean_is_refused(db: TestDb) {
        let public = Public::start(db).await;
        let owner = &public.stage.owner;
        public.crowd("粉丝", 2, true).await;
        public.begin_reading().await;
        public.reading().await;
        let tag = public.tag("会员日").await;
        let path = public.path("follower_taggings");
        let ids = public.ids("").await;
        for (wrong, code) in [
            (json!({ "follower_tag_id": tag, "puts_on": true }), "one_of"),
            (json!({ "follower_tag_id": tag, "puts_on": true, "everybody": true, "with_scene": "x" }), "one_of"),
            (json!({ "follower_tag_id": tag, "puts_on": true, "follower_ids": [] }), "range"),
            (json!({ "follower_tag_id": tag, "puts_on": true, "follower_ids": vec![ids[0].clone(); 501] }), "range"),
            (json!({ "follower_tag_id": tag, "puts_on": true, "with_scene": "nobody" }), "nobody"),
        ] {
            assert_eq!(owner.post(&path, &wrong, 422).await.text("/errors/0/code"), code, "{wrong}");
        }
        let star = owner.post(&public.path("follower_tags/read"), &json!({}), 200).await.json("/items/1/id");
        let fixed = json!({ "follower_tag_id": star, "puts_on": true, "everybody": true });
        assert_eq!(owner.post(&path, &fixed, 422).await.text("/errors/0/code"), "fixed");
        // While one goes on, there is no second one of the same tag.
        let body = json!({ "follower_tag_id": tag, "puts_on": true, "everybody": true });
        owner.post(&path, &body, 202).await;
        assert_eq!(owner.post(&path, &body, 409).await.text("/code"), "follower_tagging_runs");
        // Its tag was deleted at the platform: it ends and says why.
        public.at_platform("/cgi-bin/tags/delete", &json!({ "tag": { "id": 100 } })).await;
        public.stage.work().await;
        let ended = owner.get(&path, 200).await.json("/items/0");
        assert_eq!((&ended["state"], &ended["done"]), (&json!("failed"), &json!(0)), "{ended}");
        assert!(ended["error"].as_str().unwrap().contains("45159"), "{ended}");
        // Somebody else's are not there.
        let other = public.stage.app.merchant(&public.stage.provider, "乙商家").await;
        let stranger = public.stage.app.person(&other, Role::MerchantOwner).await;
        for at in ["follower_tags", "follower_taggings", "follower_reading"] {
            stranger.get(&public.path(at), 404).await;
        }
        stranger.post(&public.path("follower_reading"), &json!({}), 404).await;
        stranger.post(&public.path("follower_tags"), &json!({ "name": "x" }), 404).await;
        stranger.post(&path, &body, 404).await;
        stranger.put(&format!("/api/v1/follower_tags/{tag}"), &json!({ "name": "x" }), 404).await;
        stranger.get(&format!("/api/v1/follower_taggings/{}", ended["id"].as_str().unwrap()), 404).await;
        public.stage.stop().await;
    }
}
