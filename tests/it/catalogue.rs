//! Products over the API and in the console: made, changed, put on sale, refused with the field that is wrong.

use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tests::both;
use qianpu_tests::goods::Goods;
use qianpu_tests::stage::shop;
use reqwest::Method;
use serde_json::{Value, json};

fn yuan(fen: i64) -> Value {
    json!({ "amount": fen, "currency": "CNY" })
}

fn paths(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors in {problem}"));
    errors.iter().map(|error| error["field"].as_str().unwrap_or_default().to_owned()).collect()
}

both! {
    async fn a_product_is_made_changed_sold_and_deleted(db: TestDb) {
        let goods = Goods::start(db).await;
        let owner = &goods.owner;
        let tree = owner.get("/api/v1/categories", 200).await.json("/items");
        let tree = tree.as_array().unwrap();
        let node = |code: &str| tree.iter().find(|node| node["code"] == code).unwrap()["id"].clone();
        let picture = goods.picture().await;
        let body = json!({
            "title": "纯棉短袖 T 恤", "subtitle": "夏季新款", "description": "第一行\n第二行", "code": "TEE-07",
            "category_id": node("10.01.02"), "pictures": [picture],
            "specifications": [{ "name": "颜色", "values": ["白", "黑"] }, { "name": "尺码", "values": ["M", "L"] }],
            "skus": [
                { "values": ["白", "M"], "price": yuan(5990), "market_price": yuan(9900), "stock": 3, "code": "W-M", "barcode": "6901234567892", "weight_g": 180 },
                { "values": ["白", "L"], "price": yuan(6990), "stock": 0 },
                { "values": ["黑", "M"], "price": yuan(5990), "stock": 5 },
                { "values": ["黑", "L"], "price": yuan(5990) },
            ],
        });
        let made = owner.post(&goods.products(), &body, 201).await;
        let id = made.text("/id");
        let path = format!("/api/v1/products/{id}");
        assert_eq!((made.text("/state"), made.number("/version")), ("draft".to_owned(), 1));
        assert_eq!(made.text("/category_path/2/name_zh"), "T恤");
        assert_eq!(made.number("/skus/0/stock/available"), 3);
        // The same code again, in the same shop.
        let taken = owner.post(&goods.products(), &json!({ "title": "另一件商品", "code": "TEE-07", "skus": [{ "price": yuan(1) }] }), 422).await;
        assert_eq!(paths(&taken.json("")), ["code"]);

        let sold = owner.post(&format!("{path}/put_on_sale"), &json!({}), 200).await;
        assert_eq!(sold.text("/state"), "on_sale");
        assert_eq!(owner.post(&format!("{path}/put_on_sale"), &json!({}), 409).await.code(), "product_wrong_state");

        // Another price, one value fewer: SKUs that stay keep id and stock, others go.
        let keep = made.text("/skus/0/id");
        let change = json!({
            "title": "纯棉短袖 T 恤", "code": "TEE-07", "pictures": [], "version": 1,
            "specifications": [{ "name": "颜色", "values": ["白"] }, { "name": "尺码", "values": ["M", "L", "XL"] }],
            "skus": [
                { "id": keep, "values": ["白", "M"], "price": yuan(4990) },
                { "values": ["白", "L"], "price": yuan(4990) },
                { "values": ["白", "XL"], "price": yuan(4990), "stock": 8 },
            ],
        });
        let changed = owner.put(&path, &change, 200).await;
        assert_eq!(changed.number("/version"), 2);
        assert_eq!(changed.json("/skus/0/id"), json!(keep));
        assert_eq!(changed.json("/skus/1/id"), made.json("/skus/1/id"), "found by its values");
        let stock: Vec<i64> = (0..3).map(|sku| changed.number(&format!("/skus/{sku}/stock/on_hand"))).collect();
        assert_eq!(stock, [3, 0, 8]);
        assert_eq!(owner.put(&path, &change, 409).await.code(), "version_conflict");
        let stale = [("If-Match", "\"1\"")];
        assert_eq!(owner.send(Method::PUT, &path, Some(&change), &stale, 409).await.code(), "version_conflict");
        // The stock of a SKU that is there is not overwritten by an old count.
        let mut overwrite = change.clone();
        overwrite["version"] = json!(2);
        overwrite["skus"][0]["stock"] = json!(100);
        assert_eq!(paths(&owner.put(&path, &overwrite, 422).await.json("")), ["skus[0].stock", "skus[2].stock"]);

        let found = owner.get("/api/v1/products?search=短袖 t&state=on_sale", 200).await;
        assert_eq!(found.json("/items").as_array().unwrap().len(), 1);
        assert_eq!(found.json("/items/0/stock/on_hand"), json!(11));
        assert_eq!(owner.get("/api/v1/products?search=TEE-07", 200).await.json("/items").as_array().unwrap().len(), 1);
        for nothing in ["%25", "_", "%27%3B--", "50%25"] {
            let found = owner.get(&format!("/api/v1/products?search={nothing}"), 200).await;
            assert!(found.json("/items").as_array().unwrap().is_empty(), "{nothing}");
        }
        assert_eq!(owner.get("/api/v1/skus?code=W-M", 200).await.json("/items").as_array().unwrap().len(), 0);

        assert_eq!(owner.delete(&path, 409).await.code(), "product_wrong_state");
        owner.post(&format!("{path}/take_off_sale"), &json!({}), 200).await;
        owner.delete(&path, 204).await;
        owner.get(&path, 404).await;
        // Its code is free again.
        owner.post(&goods.products(), &json!({ "title": "另一件商品", "code": "TEE-07", "skus": [{ "price": yuan(1) }] }), 201).await;
    }

    async fn each_fault_is_told_at_its_field(db: TestDb) {
        let goods = Goods::start(db).await;
        let owner = &goods.owner;
        let refused = async |body: Value, status: u16| owner.post(&goods.products(), &body, status).await.json("");
        let bad = json!({ "title": "茶", "code": "a b", "subtitle": "一\n二", "pictures": ["med_00000000000070008000000000000001"],
            "skus": [{ "price": yuan(0), "stock": -1, "barcode": "x", "weight_g": -1 }] });
        let mut told = paths(&refused(bad, 422).await);
        told.sort();
        assert_eq!(told, ["code", "pictures[0]", "skus[0].barcode", "skus[0].price", "skus[0].stock", "skus[0].weight_g", "subtitle", "title"]);
        for amount in [json!(-1), json!(i64::MIN), json!(i64::MAX), json!(100_000_000_000_001_i64)] {
            let body = json!({ "title": "高山乌龙茶", "skus": [{ "price": { "amount": amount, "currency": "CNY" } }] });
            assert_eq!(paths(&refused(body, 422).await), ["skus[0].price.amount"]);
        }
        for (body, code) in [
            (json!({ "title": "高山乌龙茶", "skus": [{ "price": { "amount": 0.1, "currency": "CNY" } }] }), "bad_request"),
            (json!({ "title": "高山乌龙茶", "skus": [{ "price": { "amount": "1e3", "currency": "CNY" } }] }), "bad_request"),
            (json!({ "title": "高山乌龙茶", "skus": [], "tenant_id": "ten_x" }), "unknown_field"),
            (json!({ "title": "高山乌龙茶", "state": "on_sale", "skus": [] }), "unknown_field"),
        ] {
            assert_eq!(refused(body, 400).await["code"], code);
        }
        let incomplete = json!({ "title": "高山乌龙茶", "specifications": [{ "name": "色", "values": ["红", "蓝"] }], "skus": [{ "values": ["红"], "price": yuan(1) }] });
        assert_eq!(paths(&refused(incomplete, 422).await), ["skus"]);
        // A category that is not open, and one of nobody.
        let tree = owner.get("/api/v1/categories", 200).await.json("/items");
        let closed = tree.as_array().unwrap().iter().find(|node| node["code"] == "50.02.01").unwrap()["id"].clone();
        for category in [closed, json!("cat_00000000000070008000000000000001")] {
            let body = json!({ "title": "智能手机壳", "category_id": category, "skus": [{ "price": yuan(1) }] });
            assert_eq!(paths(&refused(body, 422).await), ["category_id"]);
        }
        assert!(owner.get("/api/v1/products", 200).await.json("/items").as_array().unwrap().is_empty(), "nothing was kept");
    }

    async fn lists_page_without_gaps_or_doubles(db: TestDb) {
        let goods = Goods::start(db).await;
        for number in 0..7 {
            goods.owner.post(&goods.products(), &Goods::simple(&format!("商品编号 {number}"), 100, number), 201).await;
        }
        let mut seen = Vec::new();
        let mut path = "/api/v1/products?limit=3".to_owned();
        loop {
            let page = goods.owner.get(&path, 200).await;
            seen.extend(page.json("/items").as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()));
            match page.json("/next_cursor").as_str() {
                Some(cursor) => path = format!("/api/v1/products?limit=3&cursor={cursor}"),
                None => break,
            }
        }
        let mut all: Vec<String> = (0..7).map(|number| format!("商品编号 {number}")).collect();
        seen.sort();
        all.sort();
        assert_eq!(seen, all);
        assert_eq!(goods.owner.get("/api/v1/products?cursor=x", 400).await.code(), "invalid_cursor");
        let low = goods.owner.get("/api/v1/stock?available_at_most=2", 200).await;
        assert_eq!(low.json("/items").as_array().unwrap().len(), 3);
    }

    async fn stock_is_set_and_adjusted_once_per_key(db: TestDb) {
        let goods = Goods::start(db).await;
        let made = goods.owner.post(&goods.products(), &Goods::simple("高山乌龙茶", 100, 5), 201).await;
        let path = format!("/api/v1/stock/{}", made.text("/skus/0/id"));
        let key = [("Idempotency-Key", "stock-change-0001")];
        let more = json!({ "change": 4, "note": "补货" });
        for replayed in [false, true, true] {
            let answer = goods.owner.send(Method::POST, &format!("{path}/adjust"), Some(&more), &key, 200).await;
            assert_eq!(answer.number("/stock/on_hand"), 9);
            assert_eq!(answer.headers.contains_key("idempotency-replayed"), replayed);
        }
        let other = json!({ "change": 5 });
        let reused = goods.owner.send(Method::POST, &format!("{path}/adjust"), Some(&other), &key, 422).await;
        assert_eq!(reused.code(), "idempotency_key_reused");
        let missing = goods.owner.send(Method::POST, &format!("{path}/adjust"), Some(&other), &[], 400).await;
        assert_eq!(missing.code(), "idempotency_key_missing");
        assert_eq!(goods.owner.put(&path, &json!({ "on_hand": 2 }), 200).await.number("/stock/available"), 2);
        assert_eq!(goods.owner.post(&format!("{path}/adjust"), &json!({ "change": -3 }), 409).await.code(), "stock_short");
        assert_eq!(goods.owner.put(&path, &json!({ "on_hand": 10_000_001 }), 422).await.code(), "stock_range");
        let moved = goods.owner.get(&format!("{path}/movements"), 200).await.json("/items");
        let mut kinds: Vec<&str> = moved.as_array().unwrap().iter().map(|row| row["kind"].as_str().unwrap()).collect();
        // One moment for all: their order among themselves is not told.
        kinds.sort_unstable();
        assert_eq!(kinds, ["adjust", "set", "set"]);
        goods.owner.post(&format!("{path}/split"), &json!({ "buckets": 4 }), 200).await;
        assert_eq!(goods.owner.get(&path, 200).await.number("/stock/on_hand"), 2);
    }

    async fn another_merchant_finds_nothing(db: TestDb) {
        let goods = Goods::start(db).await;
        let made = goods.owner.post(&goods.products(), &Goods::simple("高山乌龙茶", 100, 5), 201).await;
        let (id, sku) = (made.text("/id"), made.text("/skus/0/id"));
        let other = goods.app.merchant(&goods.provider, "别家").await;
        let stranger = goods.app.person(&other, Role::MerchantOwner).await;
        shop(&goods.app, &other, "别家小铺", "personal", ShopState::Trading).await;
        for path in [format!("/api/v1/products/{id}"), format!("/api/v1/stock/{sku}"), format!("/api/v1/stock/{sku}/movements")] {
            assert_eq!(stranger.get(&path, 404).await.code(), "not_found");
        }
        stranger.put(&format!("/api/v1/stock/{sku}"), &json!({ "on_hand": 0 }), 404).await;
        stranger.post(&goods.products(), &Goods::simple("高山乌龙茶", 100, 5), 404).await;
        stranger.put(&format!("/api/v1/products/{id}"), &Goods::simple("高山乌龙茶", 100, 5), 404).await;
        // The picture of somebody else is no picture.
        let picture = goods.picture().await;
        let other_shop = stranger.get("/api/v1/shops", 200).await.text("/items/0/id");
        let mut body = Goods::simple("高山乌龙茶", 100, 5);
        body["pictures"] = json!([picture]);
        assert_eq!(paths(&stranger.post(&format!("/api/v1/shops/{other_shop}/products"), &body, 422).await.json("")), ["pictures[0]"]);
        assert_eq!(goods.owner.get(&format!("/api/v1/stock/{sku}"), 200).await.number("/stock/on_hand"), 5);
        // Who only ships sees products but changes nothing.
        let packer = goods.app.person(&goods.merchant, Role::MerchantOrders).await;
        packer.get(&format!("/api/v1/products/{id}"), 200).await;
        packer.post(&goods.products(), &Goods::simple("高山乌龙茶", 100, 5), 403).await;
    }

    async fn the_console_makes_and_changes_a_product_without_a_script(db: TestDb) {
        let goods = Goods::start(db).await;
        let visitor = &goods.console;
        let send = async |path: &str, fields: &[(&str, &str)]| {
            let mut form = reqwest::multipart::Form::new().text("_csrf", visitor.form_token.clone());
            for (name, value) in fields {
                form = form.text((*name).to_owned(), (*value).to_owned());
            }
            let request = visitor.client.request(Method::POST, path).header("Cookie", &visitor.cookie).multipart(form);
            let response = request.send().await.unwrap();
            let location = response.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
            (response.status().as_u16(), location, response.text().await.unwrap())
        };
        let new = "/console/merchant/products/new";
        // Specifications first: the button makes the rows.
        let specs = [("title", "纯棉短袖T恤"), ("specifications[0].name", "颜色"), ("specifications[0].values", "白\r\n黑"),
            ("skus[0].id", ""), ("skus[0].values", ""), ("skus[0].price", "59.9"), ("skus[0].stock", "")];
        let (status, _, page) = send(new, &[&specs[..], &[("intent", "rows")]].concat()).await;
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("name=\"skus[1].price\"") && page.contains("value=\"59.9\""));
        // A wrong price is told in its row, and what was typed stays.
        let rows = [("title", "纯棉短袖T恤"), ("specifications[0].name", "颜色"), ("specifications[0].values", "白\r\n黑"),
            ("skus[0].values", "白"), ("skus[0].price", "1e3"), ("skus[0].stock", "4"),
            ("skus[1].values", "黑"), ("skus[1].price", "60"), ("skus[1].stock", "6"), ("intent", "save")];
        let (status, _, page) = send(new, &rows).await;
        assert_eq!(status, 422);
        assert!(page.contains("请填写金额") && page.contains("value=\"1e3\"") && page.contains("纯棉短袖T恤"));
        let mut good = rows;
        good[4] = ("skus[0].price", "59.90");
        let (status, location, page) = send(new, &good).await;
        assert_eq!(status, 303, "{page}");
        let id = location.rsplit('/').next().unwrap();
        let made = goods.owner.get(&format!("/api/v1/products/{id}"), 200).await;
        assert_eq!((made.number("/skus/0/price/amount"), made.number("/skus/1/stock/on_hand")), (5990, 6));
        // An order came while the form was open: the typed count is a difference, not the last word.
        goods.owner.post(&format!("/api/v1/stock/{}/adjust", made.text("/skus/0/id")), &json!({ "change": -3 }), 200).await;
        let (first, second) = (made.text("/skus/0/id"), made.text("/skus/1/id"));
        let change = [("title", "纯棉短袖T恤"), ("version", "1"), ("specifications[0].name", "颜色"), ("specifications[0].values", "白\r\n黑"),
            ("skus[0].id", first.as_str()), ("skus[0].values", "白"), ("skus[0].price", "59.90"), ("skus[0].stock", "14"), ("skus[0].stock_was", "4"),
            ("skus[1].id", second.as_str()), ("skus[1].values", "黑"), ("skus[1].price", "60"), ("skus[1].stock", "6"), ("skus[1].stock_was", "6")];
        let edit = format!("/console/merchant/products/{id}/edit");
        assert_eq!(send(&edit, &change).await.0, 303);
        let now = goods.owner.get(&format!("/api/v1/products/{id}"), 200).await;
        assert_eq!((now.number("/skus/0/stock/on_hand"), now.number("/skus/1/stock/on_hand")), (11, 6));
        // The same form again is too old.
        let (status, _, page) = send(&edit, &change).await;
        assert_eq!(status, 422);
        assert!(page.contains("内容已被修改"));
        for path in ["/console/merchant/products", &location, &edit, new, "/console/merchant/stock", "/console/merchant/imports", &format!("/console/merchant/stock/{first}")] {
            for lang in ["zh", "en"] {
                let path = format!("{path}?lang={lang}");
                let page = visitor.client.send(Method::GET, &path, None, &[("Cookie", &visitor.cookie)], 200).await;
                assert!(page.body.contains("</html>"), "{path}");
            }
        }
    }
}
