//! One key, one effect: fifty at once, in any spelling; and the same numbers in two tenants are two things.

use futures_util::future::join_all;
use qianpu_api::jobs::KINDS;
use qianpu_domain::access::Role;
use qianpu_tenants::jobs::{NewJob, job_enqueue, job_list};
use qianpu_tenants::page::PageRequest;
use qianpu_tests::both;
use qianpu_tests::goods::Goods;
use qianpu_tests::planted::MARK;
use qianpu_tests::rows;
use reqwest::Method;
use serde_json::{Value, json};

both! {
    async fn fifty_at_once_with_one_key_have_one_effect(db: TestDb) {
        let goods = Goods::start(db).await;
        let product = goods.on_sale(&Goods::simple("明前龙井", 12_800, 10)).await;
        let sku = product["skus"][0]["id"].as_str().unwrap();
        let path = format!("/api/v1/stock/{sku}/adjust");
        let body = json!({ "change": 5, "note": "盘点" });
        let send = || goods.owner.try_send(Method::POST, &path, Some(&body), &[("Idempotency-Key", "one")]);
        let answers = join_all((0..50).map(|_| send())).await;
        let good: Vec<_> = answers.iter().filter(|answer| answer.status < 300).collect();
        let fresh = good.iter().filter(|answer| !answer.headers.contains_key("idempotency-replayed")).count();
        assert_eq!(fresh, 1, "one of them did it");
        for answer in answers.iter().filter(|answer| answer.status >= 300) {
            assert_eq!((answer.status, answer.code().as_str()), (409, "idempotency_in_flight"), "{}", answer.body);
        }
        assert_eq!(goods.owner.get(&format!("/api/v1/stock/{sku}"), 200).await.number("/stock/on_hand"), 15);
        for _ in 0..3 {
            let again = send().await;
            assert_eq!((again.status, &again.body), (good[0].status, &good[0].body), "byte for byte");
        }
        // The order of fields and blanks are no other body.
        let spelled = "{ \"note\" :\n \"盘点\", \"change\": 5 }";
        let request = goods.owner.request(Method::POST, &path).header("Idempotency-Key", "one");
        let answer = request.header("Content-Type", "application/json").body(spelled).send().await.unwrap();
        assert_eq!(answer.headers()["idempotency-replayed"], "true");
        assert_eq!(goods.owner.get(&format!("/api/v1/stock/{sku}"), 200).await.number("/stock/on_hand"), 15);
        goods.app.stop().await;
    }

    async fn one_number_in_two_tenants_is_two_things(db: TestDb) {
        let goods = Goods::start(db).await;
        let other = goods.app.merchant(&goods.provider, "另一家茶业").await;
        let other_owner = goods.app.person(&other, Role::MerchantOwner).await;
        let shop = qianpu_tests::stage::shop(&goods.app, &other, "另一家茶铺", "enterprise", qianpu_domain::shop::ShopState::Trading).await;
        let body = json!({ "title": "明前龙井", "code": "P-1",
            "skus": [{ "code": "S-1", "price": { "amount": 100, "currency": "CNY" }, "stock": 1 }] });
        let mine = goods.owner.post(&goods.products(), &body, 201).await;
        let theirs = other_owner.post(&format!("/api/v1/shops/{shop}/products"), &body, 201).await;
        assert_ne!(mine.text("/id"), theirs.text("/id"));
        // The same key of two merchants is two keys.
        for (client, product) in [(&goods.owner, &mine), (&other_owner, &theirs)] {
            let path = format!("/api/v1/stock/{}/adjust", product.text("/skus/0/id"));
            let body = json!({ "change": 1 });
            let answer = client.send(Method::POST, &path, Some(&body), &[("Idempotency-Key", "same")], 200).await;
            assert!(!answer.headers.contains_key("idempotency-replayed"));
        }
        goods.app.stop().await;
    }

    async fn a_job_that_names_somebody_elses_row_touches_nothing(db: TestDb) {
        let stage = crate::two_tenants::stage(db).await;
        let mut payload = serde_json::Map::new();
        for name in crate::two_tenants::names() {
            payload.insert(name.to_owned(), json!(stage.foreign(name)));
        }
        payload.insert("native_product_id".to_owned(), json!(MARK));
        payload.insert("native_order_id".to_owned(), json!(MARK));
        let payload = Value::Object(payload);
        let before = rows::stored(&stage.app.db, Some(stage.victim)).await;
        let outsiders: Vec<_> = stage.outsiders.iter().filter(|outsider| {
            matches!(outsider.role, Role::MerchantOwner | Role::ProviderOwner)
        }).collect();
        assert_eq!(outsiders.len(), 3);
        for outsider in outsiders {
            let mut tx = stage.app.state.db.begin(&outsider.at).await.unwrap();
            for kind in KINDS {
                let new = NewJob { kind: kind.name, dedup_key: None, payload: payload.clone(), run_at: None, priority: 0 };
                assert!(job_enqueue(&mut tx, new).await.unwrap());
            }
            tx.commit().await.unwrap();
            stage.app.run_jobs().await;
            let tx = stage.app.state.db.read(&outsider.at).await.unwrap();
            let left = job_list(&tx, None, PageRequest::first(100)).await.unwrap();
            for job in &left.items {
                let told = format!("{:?} {:?}", job.error_code, job.error_text);
                assert!(!told.contains(MARK) && !told.contains("internal"), "{}: {told}", job.kind);
            }
        }
        let after = rows::stored(&stage.app.db, Some(stage.victim)).await;
        rows::assert_unchanged(&before, &after, "after jobs of others");
        stage.app.stop().await;
    }
}
