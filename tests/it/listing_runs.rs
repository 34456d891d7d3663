//! Many products on many accounts: a result for each, limits of the platform waited for, nothing sent that is there
//! already, and nothing lost or doubled when a process is killed in the middle.

use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tests::TestDb;
use qianpu_tests::both;
use qianpu_tests::deadline::until;
use qianpu_tests::program::Program;
use qianpu_tests::stage::{CATEGORY, Stage, shop};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ADD: &str = "/channels/ec/product/add";
const UPDATE: &str = "/channels/ec/product/update";

/// The ignored test that is the program.
const ENTRY: &str = "crash::program";

/// Accounts with a category, five of each shop.
async fn accounts(stage: &Stage, count: usize) -> Vec<Value> {
    let mut linked = Vec::new();
    let mut of = stage.shop;
    for number in 0..count {
        if number > 0 && number % 5 == 0 {
            of = shop(
                &stage.app,
                &stage.merchant,
                &format!("第 {number} 家茶铺"),
                "enterprise",
                ShopState::Trading,
            )
            .await;
        }
        let account = stage.direct_store_of(of, &format!("第 {number} 号店")).await;
        let path = format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap());
        stage.owner.patch(&path, &json!({ "category_path": CATEGORY }), 200).await;
        linked.push(account);
    }
    linked
}

async fn goods(stage: &Stage, count: usize) -> Vec<Value> {
    let picture = stage.picture().await;
    let path = format!("/api/v1/shops/{}/products", stage.shop);
    let mut made = Vec::new();
    for number in 0..count {
        let body = json!({ "title": format!("高山乌龙茶 {number} 号"), "description": "新茶", "pictures": [picture],
            "skus": [{ "price": { "amount": 9900, "currency": "CNY" }, "stock": 10 }] });
        let id = stage.owner.post(&path, &body, 201).await.text("/id");
        made.push(
            stage.owner.post(&format!("/api/v1/products/{id}/put_on_sale"), &json!({}), 200).await.json(""),
        );
    }
    made
}

fn ids(rows: &[Value]) -> Vec<Value> {
    rows.iter().map(|row| row["id"].clone()).collect()
}

async fn start(stage: &Stage, products: &[Value], accounts: &[Value]) -> String {
    let body = json!({ "product_ids": ids(products), "channel_account_ids": ids(accounts) });
    stage.owner.post("/api/v1/listing_runs", &body, 202).await.text("/id")
}

async fn run(stage: &Stage, id: &str) -> Value {
    stage.owner.get(&format!("/api/v1/listing_runs/{id}"), 200).await.json("")
}

async fn over(stage: &Stage, id: &str) -> Value {
    stage
        .work_until("the run is over and nothing is in audit", async || {
            let now = run(stage, id).await;
            (now["state"] == "done" && now["counts"]["in_audit"] == 0).then_some(now)
        })
        .await
}

/// The same on another day than the stand-in's: its pushes are too old then, so that results come by asking for them.
async fn over_by_asking(stage: &mut Stage, id: &str) -> Value {
    for _ in 0..40 {
        stage.app.advance(1800);
        stage.work().await;
        // Log-ins do not last that long.
        stage.owner = stage.app.person(&stage.merchant, Role::MerchantOwner).await;
        let now = run(stage, id).await;
        if now["state"] == "done" && now["counts"]["in_audit"] == 0 {
            return now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("not over: {}", run(stage, id).await);
}

async fn results(stage: &Stage, id: &str, state: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/listing_runs/{id}/results?limit=100&state={state}{cursor}");
        let page = stage.owner.get(&path, 200).await;
        all.extend(page.json("/items").as_array().unwrap().iter().cloned());
        let Value::String(next) = page.json("/next_cursor") else { return all };
        cursor = format!("&cursor={next}");
    }
}

async fn calls(stage: &Stage, path: &str) -> usize {
    stage.sandbox.get(&format!("calls?path={path}")).await["calls"].as_array().map_or(0, Vec::len)
}

/// Our ids of the products that the platform has of an account.
async fn there(stage: &Stage, account: &Value) -> Vec<String> {
    let all =
        stage.sandbox.get(&format!("products?appid={}", account["external_id"].as_str().unwrap())).await;
    let of = |one: &Value| one["out_product_id"].as_str().unwrap_or_default().to_owned();
    all["products"].as_array().unwrap().iter().map(of).collect()
}

both! {
    async fn a_run_gives_every_product_a_result_and_sends_only_what_changed(db: TestDb) {
        let stage = Stage::start(db).await;
        let accounts = accounts(&stage, 2).await;
        let products = goods(&stage, 3).await;
        let off = format!("/api/v1/products/{}/take_off_sale", products[2]["id"].as_str().unwrap());
        stage.owner.post(&off, &json!({}), 200).await;
        // The platform refuses one of the others at once, in its own words.
        let fault = json!({ "path": ADD, "appid": accounts[1]["external_id"], "errcode": 10_020_017, "count": 1 });
        stage.sandbox.post("faults/calls", &fault).await;
        let id = start(&stage, &products, &accounts).await;
        let begun = run(&stage, &id).await;
        assert_eq!((&begun["total"], &begun["counts"]["open"], &begun["state"]), (&json!(6), &json!(6), &json!("running")));
        let done = over(&stage, &id).await;
        assert_eq!((&done["counts"]["published"], &done["counts"]["refused"]), (&json!(3), &json!(3)), "{done}");
        let refused = results(&stage, &id, "refused").await;
        let codes: Vec<&str> = refused.iter().map(|one| one["error"].as_str().unwrap()).collect();
        assert_eq!(codes.iter().filter(|code| **code == "product_wrong_state").count(), 2, "{refused:?}");
        let words = refused.iter().find(|one| one["error"] == "channel_refused").unwrap();
        assert!(words["message"].as_str().unwrap().contains("10020017"), "{words}");

        // The refused once more: the one of the platform gets through, those off sale do not.
        stage.owner.post(&format!("/api/v1/listing_runs/{id}/retry"), &json!({}), 200).await;
        let done = over(&stage, &id).await;
        assert_eq!((&done["counts"]["published"], &done["counts"]["refused"]), (&json!(4), &json!(2)), "{done}");

        // Everything on sale, again: nothing is sent, whoever asks.
        let (adds, updates) = (calls(&stage, ADD).await, calls(&stage, UPDATE).await);
        let all = json!({ "search": "乌龙", "channel_account_ids": ids(&accounts) });
        let again = stage.owner.post("/api/v1/listing_runs", &all, 202).await.text("/id");
        let done = over(&stage, &again).await;
        assert_eq!((&done["total"], &done["counts"]["unchanged"]), (&json!(4), &json!(4)), "{done}");
        assert_eq!((calls(&stage, ADD).await, calls(&stage, UPDATE).await), (adds, updates));
        // One of them changes: only it is sent.
        let url = format!("/api/v1/products/{}", products[0]["id"].as_str().unwrap());
        let now = stage.owner.get(&url, 200).await.json("");
        let change = json!({ "title": "高山乌龙茶 换新", "description": now["description"], "pictures": now["pictures"],
            "skus": [{ "id": now["skus"][0]["id"], "price": now["skus"][0]["price"] }], "version": now["version"] });
        stage.owner.put(&url, &change, 200).await;
        let third = stage.owner.post("/api/v1/listing_runs", &all, 202).await.text("/id");
        let done = over(&stage, &third).await;
        assert_eq!((&done["counts"]["unchanged"], &done["counts"]["published"]), (&json!(2), &json!(2)), "{done}");
        assert_eq!(calls(&stage, UPDATE).await - updates, 2);
        stage.owner.post(&format!("/api/v1/listing_runs/{third}/retry"), &json!({}), 409).await;
        stage.owner.post(&format!("/api/v1/listing_runs/{third}/cancel"), &json!({}), 409).await;

        // Bounds, and somebody else.
        let nothing = json!({ "product_ids": [], "channel_account_ids": ids(&accounts) });
        stage.owner.post("/api/v1/listing_runs", &nothing, 422).await;
        let both = json!({ "product_ids": ids(&products), "search": "茶", "channel_account_ids": ids(&accounts) });
        stage.owner.post("/api/v1/listing_runs", &both, 422).await;
        let merchant = stage.app.merchant(&stage.provider, "乙商家").await;
        shop(&stage.app, &merchant, "乙家小铺", "enterprise", ShopState::Trading).await;
        let stranger = stage.app.person(&merchant, Role::MerchantOwner).await;
        assert_eq!(stranger.get("/api/v1/listing_runs", 200).await.json("/items"), json!([]));
        stranger.get(&format!("/api/v1/listing_runs/{id}"), 404).await;
        let visitor = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        for path in ["/console/merchant/listing_runs", "/console/merchant/listing_runs/new", "/console/merchant/channel_mappings",
            "/console/merchant/listing_rules", &format!("/console/merchant/listing_runs/{id}?state=refused")] {
            let request = visitor.client.request(reqwest::Method::GET, path).header("cookie", &visitor.cookie);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 200, "{path}");
        }
        stage.stop().await;
    }

    async fn a_run_waits_for_limits_and_goes_on_by_itself_and_can_be_stopped(db: TestDb) {
        let mut stage = Stage::start(db).await;
        let accounts = accounts(&stage, 2).await;
        let products = goods(&stage, 4).await;
        // Out of quota until tomorrow at the first account; too many calls in this minute at the second.
        for (account, errcode) in [(&accounts[0], 45_009), (&accounts[1], 45_011)] {
            let fault = json!({ "path": ADD, "appid": account["external_id"], "errcode": errcode, "count": 1 });
            stage.sandbox.post("faults/calls", &fault).await;
        }
        stage.app.advance_to_next_minute();
        let id = start(&stage, &products, &accounts).await;
        stage.work().await;
        let waits = run(&stage, &id).await;
        let codes: Vec<&Value> = waits["by_account"].as_array().unwrap().iter().map(|one| &one["wait_code"]).collect();
        assert!(codes.contains(&&json!("channel_quota_exhausted")) && codes.contains(&&json!("channel_busy")), "{waits}");
        assert_eq!(calls(&stage, ADD).await, 2, "one product found it out, the others were not tried in vain");
        stage.app.advance(70);
        stage.work().await;
        let now = run(&stage, &id).await;
        assert_eq!((&now["counts"]["open"], &now["state"]), (&json!(4), &json!("running")), "{now}");
        stage.app.advance(25 * 3600);
        let done = over_by_asking(&mut stage, &id).await;
        assert_eq!(done["counts"]["published"], 8, "{done}");
        for account in &accounts {
            assert_eq!(there(&stage, account).await.len(), 4);
        }

        // Stopped before its turn came: nothing of it is sent; the left can be tried later.
        let more = goods(&stage, 2).await;
        let adds = calls(&stage, ADD).await;
        let id = start(&stage, &more, &accounts).await;
        let stopped = stage.owner.post(&format!("/api/v1/listing_runs/{id}/cancel"), &json!({}), 200).await;
        assert_eq!((stopped.text("/state").as_str(), stopped.number("/counts/cancelled")), ("cancelled", 4));
        stage.work().await;
        assert_eq!(calls(&stage, ADD).await, adds);
        stage.owner.post(&format!("/api/v1/listing_runs/{id}/retry"), &json!({}), 200).await;
        assert_eq!(over_by_asking(&mut stage, &id).await["counts"]["published"], 4);
        stage.stop().await;
    }

    async fn a_run_whose_worker_is_killed_goes_on_and_nothing_is_lost_or_doubled(db: TestDb) {
        let stage = Stage::start(db).await;
        let accounts = accounts(&stage, 3).await;
        let products = goods(&stage, 12).await;
        // Each answer takes its time, after the work was done: whoever is killed leaves products that are there and
        // that nobody noted.
        let slow = json!({ "path": ADD, "delay_ms": 150, "after": true, "count": 1000 });
        stage.sandbox.post("faults/calls", &slow).await;
        let id = start(&stage, &products, &accounts).await;
        let mut process = Program::serve(&stage.app, ENTRY, "serve").await;
        until("some are there", async || {
            let mut made = 0;
            for account in &accounts {
                made += there(&stage, account).await.len();
            }
            (made >= 8).then_some(())
        })
        .await;
        process.kill();
        let begun = run(&stage, &id).await;
        assert!(begun["counts"]["open"].as_i64().unwrap() > 0, "the run was too fast for this test: {begun}");
        // The leases of its jobs run out; somebody else takes them.
        stage.app.advance(120);
        stage.sandbox.delete("faults/calls").await;
        let done = over(&stage, &id).await;
        assert_eq!((&done["counts"]["published"], &done["total"]), (&json!(36), &json!(36)), "{done}");
        let mut wanted: Vec<String> = products.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        wanted.sort_unstable();
        for account in &accounts {
            let mut found = there(&stage, account).await;
            found.sort_unstable();
            assert_eq!(found, wanted, "each product once");
        }
        stage.stop().await;
    }

    async fn chosen_categories_are_remembered_and_offered(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let tree = stage.staff.post("/api/v1/categories", &json!({ "code": "T", "name_zh": "茶", "name_en": "Tea",
            "admission": "open", "deposit": { "amount": 0, "currency": "CNY" } }), 201).await;
        let category = tree.json("/id");
        let mut products = goods(&stage, 2).await;
        for product in &mut products {
            let url = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
            let change = json!({ "title": product["title"], "description": product["description"],
                "pictures": product["pictures"], "category_id": category,
                "skus": [{ "id": product["skus"][0]["id"], "price": product["skus"][0]["price"] }],
                "version": product["version"] });
            *product = stage.owner.put(&url, &change, 200).await.json("");
        }
        let body = json!({ "product_id": products[0]["id"], "channel_account_id": account["id"],
            "category_path": CATEGORY, "attributes": { "产地": "杭州" } });
        let id = stage.owner.post("/api/v1/listings", &body, 202).await.text("/id");
        stage.listing_in(&id, "listed").await;
        let kept = stage.owner.get("/api/v1/channel_mappings", 200).await.json("/items");
        assert_eq!((&kept[0]["category_path"], &kept[0]["attributes"]["产地"]), (&json!(CATEGORY), &json!("杭州")), "{kept}");
        assert_eq!(kept[0]["category_names"], json!(["茶"]));

        // The next product of the category needs no choice; the account has none of its own.
        let pair = json!({ "product_ids": [products[1]["id"]], "channel_account_ids": [account["id"]] });
        let seen = stage.owner.post("/api/v1/listing_previews", &pair, 200).await.json("/results/0");
        assert_eq!((&seen["category_path"], &seen["attributes"]["产地"]), (&json!(CATEGORY), &json!("杭州")), "{seen}");
        let next = json!({ "product_id": products[1]["id"], "channel_account_id": account["id"] });
        let listing = stage.owner.post("/api/v1/listings", &next, 202).await;
        assert_eq!(listing.json("/attributes/产地"), "杭州");

        // Changed for the future, and forgotten.
        let other = json!({ "channel": "wechat-store", "category_id": category, "category_path": CATEGORY,
            "attributes": { "产地": "武夷山" } });
        let changed = stage.owner.put("/api/v1/channel_mappings", &other, 200).await;
        assert_eq!(changed.text("/id"), kept[0]["id"].as_str().unwrap());
        let wrong = json!({ "channel": "wechat-store", "category_id": category, "category_path": ["?"] });
        stage.owner.put("/api/v1/channel_mappings", &wrong, 422).await;
        stage.owner.delete(&format!("/api/v1/channel_mappings/{}", changed.text("/id")), 204).await;
        assert_eq!(stage.owner.get("/api/v1/channel_mappings", 200).await.json("/items"), json!([]));
        stage.stop().await;
    }
}

/// How large the run of the next test is: products × accounts, such as `1000x10`.
const SIZE: &str = "QIANPU_TEST_RUN";

/// A large run finishes by itself within the limits of the channel, in a process like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_run_finishes_by_itself() {
    let size = std::env::var(SIZE).unwrap_or_else(|_| "60x4".to_owned());
    let (products, across) = size.split_once('x').expect("products x accounts");
    let (products, across): (usize, usize) = (products.parse().unwrap(), across.parse().unwrap());
    let Some(db) = TestDb::postgres("listing_runs::a_large_run_finishes_by_itself").await else { return };
    let stage = Stage::start(db).await;
    let accounts = accounts(&stage, across).await;
    let products = goods(&stage, products).await;
    let id = start(&stage, &products, &accounts).await;
    let begun = Instant::now();
    let process = Program::serve(&stage.app, ENTRY, "serve").await;
    let most = Duration::from_secs(60 + u64::try_from(products.len() * accounts.len()).unwrap());
    let done = loop {
        let now = run(&stage, &id).await;
        if now["state"] == "done" && now["counts"]["in_audit"] == 0 {
            break now;
        }
        assert!(begun.elapsed() < most, "not over after {most:?}: {now}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    println!("{size}: {:?}, {done}", begun.elapsed());
    drop(process);
    assert_eq!(done["counts"]["published"], products.len() * accounts.len(), "{done}");
    for account in &accounts {
        assert_eq!(there(&stage, account).await.len(), products.len());
    }
    stage.stop().await;
}
