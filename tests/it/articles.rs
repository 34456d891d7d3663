//! Articles of a public account, through the stand-in: drafts, publishing in the platform's own time, cards of products, and
//! what was sold by them.

use crate::followers::Public;
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::http::Answer;
use serde_json::{Value, json};

async fn article(public: &Public, title: &str, more: Value) -> Value {
    let mut body = json!({ "title": title, "content": "# 新茶\n\n今年的第一批 <b>", "digest": "摘要",
        "cover_id": public.stage.picture().await });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = format!("/api/v1/channel_accounts/{}/articles", public.id());
    public.stage.owner.post(&path, &body, 201).await.json("")
}

async fn publish(public: &Public, article: &Value, expected: u16) -> Answer {
    let path = format!("/api/v1/articles/{}/publish", article["id"].as_str().unwrap());
    public.stage.owner.post(&path, &json!({}), expected).await
}

async fn in_state(public: &Public, article: &Value, state: &str) -> Value {
    let path = format!("/api/v1/articles/{}", article["id"].as_str().unwrap());
    public
        .stage
        .work_until(&format!("the article {state}"), async || {
            let now = public.stage.owner.get(&path, 200).await.json("");
            (now["state"] == state).then_some(now)
        })
        .await
}

async fn at_platform(public: &Public) -> Value {
    let there = public.stage.sandbox.get("accounts").await;
    let accounts = there["accounts"].as_array().expect("accounts").clone();
    accounts.iter().find(|one| one["appid"] == public.app_id()).expect("the account").clone()
}

both! {
    async fn an_article_is_published_in_the_platforms_time(db: TestDb) {
        let public = Public::start(db).await;
        let stage = &public.stage;
        let made = article(&public, "明前新茶", json!({ "author": "山前", "source_url": "https://shop.example/tea" })).await;
        assert_eq!(made["state"], "draft");
        publish(&public, &made, 202).await;
        let done = in_state(&public, &made, "published").await;
        assert!(done["url"].as_str().unwrap().starts_with("https://mp.weixin.qq.com/s/"));
        let there = at_platform(&public).await;
        let sent = &there["published"][0]["articles"][0];
        assert_eq!(sent["content"], "<h2>新茶</h2><p>今年的第一批 &lt;b&gt;</p>");
        assert_eq!((&sent["title"], &sent["content_source_url"]), (&json!("明前新茶"), &json!("https://shop.example/tea")));
        assert_eq!(there["published"].as_array().unwrap().len(), 1, "once");
        // What is published is neither changed nor published again.
        publish(&public, &made, 409).await;
        let path = format!("/api/v1/articles/{}", made["id"].as_str().unwrap());
        let body = json!({ "title": "x", "content": "y", "cover_id": made["cover_id"] });
        assert_eq!(stage.owner.put(&path, &body, 409).await.text("/code"), "article_wrong_state");
        // The platform's audit refuses one; changed, it is published.
        let bad = article(&public, "违规标题", json!({})).await;
        publish(&public, &bad, 202).await;
        let refused = in_state(&public, &bad, "refused").await;
        assert!(refused["error"].as_str().unwrap().contains("平台审核不通过"));
        let path = format!("/api/v1/articles/{}", bad["id"].as_str().unwrap());
        let body = json!({ "title": "合规标题", "content": "正文", "cover_id": bad["cover_id"] });
        stage.owner.put(&path, &body, 200).await;
        publish(&public, &bad, 202).await;
        in_state(&public, &bad, "published").await;
        // The page shows the covers, which load.
        let visitor = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let open = async |path: &str| {
            let request = visitor.client.request(reqwest::Method::GET, path).header("cookie", &visitor.cookie);
            request.send().await.expect("an answer")
        };
        let page = open(&format!("/console/merchant/channel_accounts/{}/articles", public.id())).await.text().await.unwrap();
        let sources: Vec<&str> = page.split("src=\"").filter_map(|rest| rest.split('"').next()).filter(|src| src.contains("/media/")).collect();
        assert_eq!(sources.len(), 2, "{page}");
        for source in sources {
            assert_eq!(open(source).await.status(), 200, "{source}");
        }
        public.stage.stop().await;
    }

    async fn a_lost_push_and_a_lost_answer_end_in_the_truth(db: TestDb) {
        let public = Public::start(db).await;
        let sandbox = &public.stage.sandbox;
        // The push of the end is lost: two minutes later the platform is asked.
        sandbox.post("faults/pushes", &json!({ "kind": "drop", "event": "PUBLISHJOBFINISH", "count": 1 })).await;
        let first = article(&public, "第一篇", json!({})).await;
        publish(&public, &first, 202).await;
        in_state(&public, &first, "publishing").await;
        public.stage.work_until("the platform's end", async || {
            (at_platform(&public).await["published"][0]["status"] == 0).then_some(())
        }).await;
        public.stage.app.advance(121);
        in_state(&public, &first, "published").await;
        // The answer to the submission is lost: nobody knows, and nothing is repeated.
        let lost = json!({ "path": "/cgi-bin/freepublish/submit", "http_status": 502, "count": 1, "after": true });
        sandbox.post("faults/calls", &lost).await;
        let second = article(&public, "第二篇", json!({})).await;
        publish(&public, &second, 202).await;
        in_state(&public, &second, "unknown").await;
        // A quota that is used up refuses nothing: the work waits.
        let full = json!({ "path": "/cgi-bin/draft/add", "errcode": 45009, "count": 1 });
        sandbox.post("faults/calls", &full).await;
        let third = article(&public, "第三篇", json!({})).await;
        publish(&public, &third, 202).await;
        public.stage.work_until("the quota", async || {
            let jobs = public.stage.owner.get("/api/v1/jobs?state=pending", 200).await.json("/items");
            jobs.as_array()?.iter().any(|job| job["error_code"] == "channel_quota_exhausted").then_some(())
        }).await;
        assert_eq!(in_state(&public, &third, "queued").await["state"], "queued");
        public.stage.stop().await;
    }

    async fn limits_cards_and_strangers(db: TestDb) {
        let public = Public::start(db).await;
        let stage = &public.stage;
        let path = format!("/api/v1/channel_accounts/{}/articles", public.id());
        let wrong = json!({ "title": "长".repeat(33), "author": "长".repeat(17), "digest": "长".repeat(129), "content": "",
            "source_url": "x", "cover_id": "med_01981b2c000070008000000000000001", "listing_id": "x" });
        let refused = stage.owner.post(&path, &wrong, 422).await;
        let fields: Vec<String> = refused.json("/errors").as_array().unwrap().iter()
            .map(|error| error["field"].as_str().unwrap().to_owned()).collect();
        assert_eq!(fields, ["title", "author", "digest", "content", "source_url", "cover_id", "listing_id"]);
        // A card of a product that is listed in a WeChat shop, and what it sells.
        let store = stage.direct_store("山前茶铺").await;
        let product = stage.product("明前龙井 500 克", 10).await;
        let listing = stage.publish(&product, &store, 202).await.text("/id");
        let listing = stage.listing_in(&listing, "listed").await;
        let made = article(&public, "带货", json!({ "listing_id": listing["id"] })).await;
        publish(&public, &made, 202).await;
        in_state(&public, &made, "published").await;
        let native = listing["external_product_id"].as_str().unwrap();
        let card = at_platform(&public).await["published"][0]["articles"][0]["product_info"].clone();
        assert_eq!(card["footer_product_info"]["product_key"], format!("card_{native}"));
        let skus = stage.sandbox.get("products").await["products"][0]["skus"].clone();
        let order = |account_id: &str| json!({ "appid": store["external_id"], "buyer": "王晓", "scene": 6, "pay": true,
            "items": [{ "product_id": native, "sku_id": skus[0]["sku_id"], "quantity": 1 }],
            "source": { "account_type": 2, "account_id": account_id, "account_nickname": "山前日常", "sale_channel": 0 } });
        stage.sandbox.post("orders", &order(public.app_id())).await;
        stage.sandbox.post("orders", &order("wxsomebodyelse")).await;
        let sales = format!("/api/v1/channel_accounts/{}/article_sales", public.id());
        let sold = stage.work_until("the sale", async || {
            let orders = stage.owner.get("/api/v1/orders", 200).await.json("/items");
            let paid = orders.as_array()?.iter().filter(|order| order["state"] == "paid").count() == 2;
            if paid { Some(stage.owner.get(&sales, 200).await) } else { None }
        }).await;
        assert_eq!((sold.json("/orders"), sold.json("/total/amount")), (json!(1), json!(12800)));
        // Somebody else's articles are not there.
        let other = stage.app.merchant(&stage.provider, "乙商家").await;
        let stranger = stage.app.person(&other, Role::MerchantOwner).await;
        let one = format!("/api/v1/articles/{}", made["id"].as_str().unwrap());
        stranger.get(&one, 404).await;
        stranger.get(&path, 404).await;
        stranger.get(&sales, 404).await;
        stranger.delete(&one, 404).await;
        stranger.post(&format!("{one}/publish"), &json!({}), 404).await;
        stage.owner.delete(&one, 204).await;
        public.stage.stop().await;
    }
}
