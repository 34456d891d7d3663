//! The shop as visitors see it: only what is on sale, in words that are true, safe against what merchants type.

use qianpu_domain::shop::ShopState;
use qianpu_tenants::store::shop::{ShopChange, shop_get, shop_save};
use qianpu_tests::both;
use qianpu_tests::goods::Goods;
use serde_json::json;

both! {
    async fn visitors_see_what_is_on_sale_and_nothing_else(db: TestDb) {
        let goods = Goods::start(db).await;
        let visitor = goods.app.anonymous();
        let home = format!("/s/{}/", goods.slug);
        let empty = visitor.get(&home, 200).await;
        assert!(empty.body.contains("还没有上架商品"));
        let picture = goods.picture().await;
        let evil = "<script>alert(1)</script> {{7*7}} {{{x}}} 🍵 高山乌龙茶";
        let mut body = Goods::simple(evil, 1_234_567, 3);
        body["pictures"] = json!([picture]);
        body["description"] = json!("</script><b>粗体</b>");
        let sold = goods.on_sale(&body).await;
        let id = sold["id"].as_str().unwrap();
        let page = visitor.get(&format!("{home}p/{id}"), 200).await;
        assert!(!page.body.contains("<script>alert") && page.body.contains("&lt;script&gt;alert(1)"));
        assert!(page.body.contains("{{7*7}}") && !page.body.contains("</script><b>"));
        assert!(page.body.contains("¥12,345<small>.67</small>") && page.body.contains("仅剩 3 件"));
        assert!(page.body.contains("\"@type\":\"Product\"") && page.body.contains("og:title"));
        assert!(page.body.contains("width=\"1\" height=\"1\""), "pictures have their measures");
        assert!(!page.body.contains("微信小店"), "no channel is named where the product is not listed");
        let english = visitor.get(&format!("{home}p/{id}?lang=en"), 200).await;
        assert!(english.body.contains("Only 3 left") && english.body.contains("lang=\"en\""));
        let shown = visitor.get(&format!("{home}m/{picture}"), 200).await;
        assert_eq!(shown.headers["cache-control"], "public, max-age=86400");
        assert_eq!(shown.headers["content-type"], "image/png");
        let list = visitor.get(&home, 200).await;
        assert!(list.body.contains(&format!("{home}p/{id}")) && list.body.contains(&format!("{home}m/{picture}")));

        // A draft, and what is not on sale any more, do not exist; neither do their pictures.
        let draft = goods.owner.post(&goods.products(), &Goods::simple("还没上架的茶", 100, 1), 201).await.text("/id");
        assert!(visitor.get(&format!("{home}p/{draft}"), 404).await.body.contains("商品已下架"));
        goods.owner.post(&format!("/api/v1/products/{id}/take_off_sale"), &json!({}), 200).await;
        visitor.get(&format!("{home}p/{id}"), 404).await;
        visitor.get(&format!("{home}m/{picture}"), 404).await;
        for nothing in ["p/x", "p/prd_00000000000070008000000000000001", "m/x", "m/..%2f..%2fetc"] {
            visitor.get(&format!("{home}{nothing}"), 404).await;
        }
        for nowhere in ["/s/none/", "/s/%27/", "/s/none/p/x"] {
            visitor.get(nowhere, 404).await;
        }
        let slash = visitor.try_send(reqwest::Method::GET, &format!("/s/{}", goods.slug), None, &[]).await;
        assert!(matches!(slash.status, 200 | 303));
    }

    async fn specifications_sold_out_and_closed_doors(db: TestDb) {
        let goods = Goods::start(db).await;
        let visitor = goods.app.anonymous();
        let price = |fen: i64| json!({ "amount": fen, "currency": "CNY" });
        let sold = goods.on_sale(&json!({
            "title": "纯棉短袖 T 恤", "specifications": [{ "name": "尺码", "values": ["M", "L"] }],
            "skus": [{ "values": ["M"], "price": price(5990), "stock": 20 }, { "values": ["L"], "price": price(6990), "stock": 0 }],
        })).await;
        let home = format!("/s/{}/", goods.slug);
        let path = format!("{home}p/{}", sold["id"].as_str().unwrap());
        let page = visitor.get(&path, 200).await;
        for part in ["¥59<small>.90</small>", "¥69<small>.90</small>", "有货", "已售罄", "<details class=\"sheet\">"] {
            assert!(page.body.contains(part), "{part}");
        }
        for (state, status, says) in [
            (ShopState::Suspended, 200, "店铺暂停营业"),
            (ShopState::Closed, 410, "店铺已关闭"),
            (ShopState::Opened, 200, "店铺即将开张"),
        ] {
            let mut tx = goods.app.state.db.begin(&goods.merchant).await.unwrap();
            let was = shop_get(&tx, goods.shop).await.unwrap();
            shop_save(&mut tx, &was, &ShopChange { state: Some(state), ..ShopChange::default() }).await.unwrap();
            tx.commit().await.unwrap();
            for path in [&home, &path] {
                let page = visitor.get(path, status).await;
                assert!(page.body.contains(says) && page.body.contains("noindex") && !page.body.contains("¥59"), "{state}");
            }
        }
    }
}
