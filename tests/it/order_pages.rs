//! The merchant's pages of orders and parcels, by their forms and without a script.

use crate::orders::Selling;
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::browser::without_seat;
use qianpu_tests::people::Visitor;
use reqwest::Method;
use serde_json::json;

pub struct Answered {
    pub status: u16,
    pub location: String,
    pub html: String,
}

async fn answered(request: reqwest::RequestBuilder) -> Answered {
    let response = request.send().await.unwrap();
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    let location = without_seat(location.unwrap_or_default());
    Answered { status: response.status().as_u16(), location, html: response.text().await.unwrap() }
}

pub async fn open(visitor: &Visitor, path: &str) -> Answered {
    let request = visitor.client.request(Method::GET, path).header("Cookie", &visitor.cookie);
    answered(request.header("Accept-Language", "zh-CN")).await
}

pub async fn submit(visitor: &Visitor, path: &str, fields: &[(&str, &str)]) -> Answered {
    let mut all = vec![("_csrf", visitor.form_token.as_str())];
    all.extend(fields);
    let request = visitor.client.request(Method::POST, path).header("Cookie", &visitor.cookie).form(&all);
    answered(request.header("Accept-Language", "zh-CN")).await
}

const LIST: &str = "/console/merchant/orders";

both! {
    async fn an_order_is_found_sent_and_followed_on_its_page(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let external = selling.buy(3, true).await;
        let order = selling.order_in(&external, "paid").await;
        let (id, number) = (order["id"].as_str().unwrap(), order["number"].as_str().unwrap());
        let line = order["lines"][0]["id"].as_str().unwrap();
        let owner = selling.stage.app.visitor(&selling.stage.merchant, Role::MerchantOwner).await;

        // Found by tab, by the platform's number, by day; not by others.
        for (query, there) in [
            ("", true),
            ("?state=paid", true),
            ("?state=completed", false),
            (&format!("?q={external}"), true),
            ("?q=Q00000000000000", false),
            ("?from=2020-01-01&to=2099-12-31", true),
            ("?to=2020-01-01", false),
            ("?source=storefront", false),
            (&format!("?source={}", selling.account["id"].as_str().unwrap()), true),
            ("?from=nonsense", true),
        ] {
            let page = open(&owner, &format!("{LIST}{query}")).await;
            assert_eq!((page.status, page.html.contains(number)), (200, there), "{query}: {}", page.html);
        }

        let at = format!("{LIST}/{id}");
        let page = open(&owner, &at).await;
        for text in ["待发货", "山前茶铺", "请尽快发货", "买家付款", "订单收款", &external] {
            assert!(page.html.contains(text), "{text} in {}", page.html);
        }
        // The buyer is masked.
        assert!(!page.html.contains("王晓"), "{}", page.html);

        // What is wrong is said at the field, and what was typed stays.
        let ship = format!("{at}/ship");
        let quantity = format!("quantity_{line}");
        let form = open(&owner, &ship).await;
        assert!(form.html.contains("顺丰速运") && form.html.contains(&quantity), "{}", form.html);
        let wrong = [("carrier", ""), ("waybill", "7.31E+14"), (quantity.as_str(), "1")];
        let refused = submit(&owner, &ship, &wrong).await;
        assert_eq!(refused.status, 422);
        assert!(refused.html.contains("运单号需为5至40位") && refused.html.contains("7.31E+14"), "{}", refused.html);
        let none = [("carrier", "SF"), ("waybill", "SF10001"), (quantity.as_str(), "0")];
        let refused = submit(&owner, &ship, &none).await;
        assert!(refused.status == 422 && refused.html.contains("至少要有一件"), "{}", refused.html);
        let words = [("carrier", "SF"), ("waybill", "SF10001"), (quantity.as_str(), "两件")];
        let refused = submit(&owner, &ship, &words).await;
        assert!(refused.status == 422 && refused.html.contains("两件"), "{}", refused.html);
        let many = [("carrier", "SF"), ("waybill", "SF10001"), (quantity.as_str(), "4")];
        assert_eq!(submit(&owner, &ship, &many).await.status, 422);

        // A part, then the rest; the platform refuses one of them.
        let part = [("carrier", "SF"), ("waybill", "SF10001"), (quantity.as_str(), "1")];
        let sent = submit(&owner, &ship, &part).await;
        assert_eq!((sent.status, sent.location.as_str()), (303, at.as_str()), "{}", sent.html);
        selling.order_in(&external, "part_shipped").await;
        let again = submit(&owner, &ship, &part).await;
        assert!(again.status == 409 || again.status == 422, "{} {}", again.status, again.html);
        selling.stage.sandbox.post("faults/calls", &json!({
            "path": "/channels/ec/order/delivery/send", "errcode": 101_100, "count": 1 })).await;
        let rest = [("carrier", "ZTO"), ("waybill", "731000000000001"), (quantity.as_str(), "2")];
        assert_eq!(submit(&owner, &ship, &rest).await.status, 303);
        selling.stage.work().await;
        let page = open(&owner, &at).await;
        assert!(page.html.contains("渠道未接受运单 731000000000001") && page.html.contains("101100"), "{}", page.html);
        let refused = open(&owner, "/console/merchant/shipments?state=refused").await;
        assert!(refused.html.contains("731000000000001") && !refused.html.contains("SF10001"), "{}", refused.html);
        assert_eq!(submit(&owner, &ship, &rest).await.status, 303);
        let order = selling.order_in(&external, "shipped").await;

        // Nothing is left; a parcel leads to its order.
        let form = open(&owner, &ship).await;
        assert!(form.html.contains("没有待发的商品"), "{}", form.html);
        let parcel = order["shipments"][0]["id"].as_str().unwrap();
        let there = open(&owner, &format!("/console/merchant/shipments/{parcel}")).await;
        assert_eq!((there.status, there.location), (303, format!("{at}#{parcel}")));
        assert!(open(&owner, "/console/merchant/shipments").await.html.contains("SF10001"));
        selling.stage.stop().await;
    }

    async fn who_may_only_read_cannot_send(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let external = selling.buy(1, true).await;
        let order = selling.order_in(&external, "paid").await;
        let at = format!("{LIST}/{}", order["id"].as_str().unwrap());
        let finance = selling.stage.app.visitor(&selling.stage.merchant, Role::MerchantFinance).await;
        let page = open(&finance, &at).await;
        assert_eq!(page.status, 200, "{}", page.html);
        assert!(!page.html.contains("/ship\""), "{}", page.html);
        assert_eq!(open(&finance, &format!("{at}/ship")).await.status, 403);
        let form = [("carrier", "SF"), ("waybill", "SF10001")];
        assert_eq!(submit(&finance, &format!("{at}/ship"), &form).await.status, 403);
        assert_eq!(selling.order_in(&external, "paid").await["shipments"], json!([]));
        selling.stage.stop().await;
    }
}
