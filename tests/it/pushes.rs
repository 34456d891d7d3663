//! What platforms say about accounts: every documented notice leads to what the documents say, in words, and nothing is lost.

use crate::order_pages::{open, submit};
use crate::orders::Selling;
use qianpu_domain::access::Role;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{NoticeKind, PushFormat, PushOrigin, Verified};
use qianpu_tests::both;
use serde_json::{Value, json};
use std::path::Path;

/// The notices of the WeChat shop (reference: `Push events`), the object of each, its field with the subject, and what
/// it means. Categories and brands have their own tests.
const EVENTS: &[(&str, &str, &str, &str)] = &[
    ("channels_ec_order_new", "order_info", "order_id", "order.created"),
    ("channels_ec_order_wait_shipping", "order_info", "order_id", "order.paid"),
    ("channels_ec_order_pay", "order_info", "order_id", "order.paid"),
    ("channels_ec_order_cancel", "order_info", "order_id", "order.cancelled"),
    ("channels_ec_order_deliver", "order_info", "order_id", "order.shipped"),
    ("channels_ec_order_confirm", "order_info", "order_id", "order.confirmed"),
    ("channels_ec_order_settle", "order_info", "order_id", "order.settled"),
    ("channels_ec_order_ext_info_update", "order_info", "order_id", "order.changed"),
    ("product_order_status_update", "ProductOrderStatusUpdate", "order_id", "order.changed"),
    (
        "channels_ec_aftersale_update",
        "finder_shop_aftersale_status_update",
        "after_sale_order_id",
        "aftersale.changed",
    ),
    ("channels_ec_complaint_update", "finder_shop_complaint", "complaint_id", "dispute.changed"),
    (
        "channels_ec_guarantee_update",
        "finder_shop_guarantee_status_update",
        "guarantee_order_id",
        "guarantee.changed",
    ),
    (
        "channels_ec_present_aftersale_update",
        "finder_shop_present_aftersale_status_update",
        "after_sale_order_id",
        "gift_aftersale.changed",
    ),
    ("product_spu_audit", "ProductSpuAudit", "product_id", "product.audit"),
    ("product_spu_listing", "ProductSpuListing", "product_id", "product.listing"),
    ("product_spu_update", "ProductSpuUpdate", "product_id", "product.changed"),
    ("channels_ec_stock_no_enough", "channels_ec_stock_no_enough", "product_id", "stock.low"),
    ("channels_ec_coupon_receive", "receive_info", "coupon_id", "coupon.changed"),
    ("channels_ec_coupon_create", "coupon_info", "coupon_id", "coupon.changed"),
    ("channels_ec_coupon_delete", "coupon_info", "coupon_id", "coupon.changed"),
    ("channels_ec_coupon_expire", "coupon_info", "coupon_id", "coupon.changed"),
    ("channels_ec_coupon_info_change", "coupon_info", "coupon_id", "coupon.changed"),
    ("channels_ec_coupon_invalid", "coupon_info", "coupon_id", "coupon.changed"),
    ("channels_ec_user_coupon_expire", "user_coupon_info", "coupon_id", "coupon.changed"),
    ("channels_ec_user_coupon_unuse", "use_info", "coupon_id", "coupon.changed"),
    ("channels_ec_user_coupon_use", "use_info", "coupon_id", "coupon.changed"),
    ("channels_ec_acct_notify", "account_info", "", "funds.account"),
    ("channels_ec_withdraw_notify", "withdraw_info", "withdraw_id", "funds.withdrawal"),
    ("qrcode_status", "qrcode_info", "ticket", "funds.code"),
    ("head_supplier_item_update", "item_info", "product_id", "supplier_item.changed"),
    ("channels_ec_sharer_change", "", "", "sharer.changed"),
    ("channels_ec_vip_join", "user_info", "", "member.changed"),
    ("channels_ec_vip_close", "user_info", "", "member.changed"),
    ("channels_ec_vip_grade_info_update", "user_info", "", "member.changed"),
    ("channels_ec_vip_score_update", "user_info", "", "member.changed"),
    ("channels_ec_vip_score_exchange", "exchange_info", "", "member.changed"),
    ("channels_ec_close_store", "", "", "account.closed"),
    ("set_shop_nickname", "", "", "account.renamed"),
    ("user_enter_tempsession", "", "", "session.entered"),
    ("product_category_audit", "ProductCategoryAudit", "audit_id", "category.audit"),
    ("channels_ec_brand", "BrandEvent", "brand_id", "brand.changed"),
    ("cooperation_shop_order", "Data", "", "unknown"),
    ("related_shop_order_submission", "Data", "", "unknown"),
];

fn file(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// The rows of the page that tells what each notice leads to.
fn documented(event: &str) -> String {
    let page = file("docs/channels.md");
    let name = format!("`{event}`");
    let row = page.lines().find(|line| line.starts_with('|') && line.contains(&name));
    row.unwrap_or_else(|| panic!("{event} is not in docs/channels.md")).to_owned()
}

#[test]
fn every_notice_means_what_the_documents_say() {
    let webhook = qianpu_host::find("wechat-store").unwrap().webhook().unwrap();
    for (event, body, subject, kind) in EVENTS {
        let mut inner = json!({ "type": 1, "phone_number": "13800138000" });
        if !subject.is_empty() {
            inner[*subject] = json!("77");
        }
        let mut message = json!({ "ToUserName": "gh_1", "FromUserName": "oPlatform", "CreateTime": 1_662_480_000,
            "MsgType": "event", "Event": event, "openid": "oSomebody", "sharer_type": 1 });
        if !body.is_empty() {
            message[*body] = inner;
        }
        let verified = Verified {
            origin: PushOrigin::Account,
            format: PushFormat::Json,
            plaintext: message.to_string().into_bytes(),
            app_id: "wx1".to_owned(),
            signed_at: Timestamp::from_seconds(1_662_480_000),
        };
        let notices = webhook.decode(&verified).unwrap_or_else(|error| panic!("{event}: {error}"));
        let notice = &notices[0];
        assert_eq!((notice.kind.as_str(), notice.native_type.as_str()), (*kind, *event));
        assert_eq!(notice.subject_id.as_deref(), (!subject.is_empty()).then_some("77"), "{event}");
        assert!(!notice.hint.to_string().contains("oSomebody"), "{event}: {}", notice.hint);
        if *kind == "member.changed" {
            assert!(!notice.hint.to_string().contains("13800138000"), "{event}: {}", notice.hint);
        }
        let row = documented(event);
        assert!(row.contains(&format!("`{kind}`")), "{event} is {kind}, and docs/channels.md says {row}");
    }
}

#[test]
fn every_kind_and_every_field_has_words() {
    for lang in ["zh", "en"] {
        let words = file(&format!("api/locales/{lang}/pushes.toml"));
        let has = |name: &str| words.lines().any(|line| line.starts_with(&format!("{name} = \"")));
        for kind in NoticeKind::KNOWN {
            let name = kind.as_str().replace('.', "_");
            assert!(has(&name), "{name} has no words in {lang}");
        }
        for field in qianpu_api::app::channels::pushes::SHOWN {
            assert!(has(field), "{field} has no words in {lang}");
        }
        let words = file(&format!("api/locales/{lang}/disputes.toml"));
        let (steps, acts) = words.split_once("[act]").unwrap();
        for step in qianpu_sdk::DisputeStep::KNOWN {
            assert!(steps.contains(&format!("\n{} = ", step.as_str())), "{step:?} in {lang}");
        }
        for act in qianpu_sdk::DisputeAct::KNOWN {
            assert!(acts.contains(&format!("\n{} = ", act.as_str())), "{act:?} in {lang}");
        }
        assert!(acts.contains("\nother = "));
    }
}

/// The platform says something that nothing in it led to.
async fn say(selling: &Selling, event: &str, fields: Value) {
    let body = json!({ "appid": selling.account["external_id"], "event": event, "fields": fields });
    selling.stage.sandbox.post("pushes", &body).await;
}

fn at(selling: &Selling, rest: &str) -> String {
    format!("/api/v1/channel_accounts/{}/pushes{rest}", selling.account["id"].as_str().unwrap())
}

/// Works until a push of this kind came; it.
async fn came(selling: &Selling, event: &str) -> Value {
    let list = at(selling, "?limit=100");
    selling
        .stage
        .work_until(event, async || {
            let found = selling.stage.owner.get(&list, 200).await.json("/items");
            found.as_array().unwrap().iter().find(|push| push["native_type"] == event).cloned()
        })
        .await
}

both! {
    async fn what_nothing_acts_on_is_still_read_by_people(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        for (event, kind, told) in [
            ("channels_ec_vip_join", "member.changed", json!({ "grade": "1", "score": "0" })),
            ("channels_ec_vip_close", "member.changed", json!({})),
            ("channels_ec_vip_grade_info_update", "member.changed", json!({ "grade": "2", "experience_value": "120" })),
            ("channels_ec_vip_score_update", "member.changed", json!({ "score": "150", "delta_score": "-50" })),
            ("channels_ec_vip_score_exchange", "member.changed", json!({ "pay_score": "100", "score_item_type": "1" })),
            ("channels_ec_sharer_change", "sharer.changed", json!({ "sharer_type": "1", "bind_status": "2" })),
            ("head_supplier_item_update", "supplier_item.changed", json!({ "event_type": "2", "product_id": "10000001" })),
            ("user_enter_tempsession", "session.entered", json!({})),
            ("set_shop_nickname", "account.renamed", json!({ "old_nickname": "山前", "new_nickname": "山前茶铺" })),
        ] {
            say(&selling, event, json!({})).await;
            let push = came(&selling, event).await;
            assert_eq!((&push["kind"], &push["told"], &push["waits"]), (&json!(kind), &told, &json!(false)), "{event}");
        }
        let all = owner.get(&at(&selling, "?limit=100"), 200).await;
        for hidden in ["13800138000", "oSharer"] {
            assert!(!all.body.to_string().contains(hidden), "{}", all.body);
        }
        // The same push once more is the same push.
        let before = all.json("/items").as_array().unwrap().len();
        let body = json!({ "kind": "duplicate", "count": 1, "delay_ms": 20, "event": "channels_ec_vip_score_update" });
        stage.sandbox.post("faults/pushes", &body).await;
        say(&selling, "channels_ec_vip_score_update", json!({ "score": 151, "delta_score": 1 })).await;
        stage.work_until("one more", async || {
            let now = owner.get(&at(&selling, "?limit=100"), 200).await.json("/items").as_array().unwrap().len();
            (now == before + 1).then_some(())
        }).await;
        // A page of one, then the next; a strange cursor is refused.
        let first = owner.get(&at(&selling, "?limit=1"), 200).await;
        let second = owner.get(&at(&selling, &format!("?limit=1&cursor={}", first.text("/next_cursor"))), 200).await;
        assert_ne!(first.json("/items/0/id"), second.json("/items/0/id"));
        owner.get(&at(&selling, "?cursor=nonsense"), 400).await;
        let visitor = stage.app.visitor(&stage.merchant, Role::MerchantManager).await;
        let account = selling.account["id"].as_str().unwrap();
        let page = open(&visitor, &format!("/console/merchant/channel_accounts/pushes?account={account}")).await;
        for text in ["会员变更", "积分变动", "-50", "分享员变更", "团长商品变更", "买家进入会话", "店铺改名", "山前茶铺"] {
            assert!(page.html.contains(text), "{text} in {}", page.html);
        }
        assert!(!page.html.contains("13800138000"));
        selling.stage.stop().await;
    }

    async fn a_guarantee_claim_reads_its_order_and_waits_for_somebody(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        let external = selling.buy(1, true).await;
        let order = selling.order_in(&external, "paid").await;
        let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
        for (event, kind) in [
            ("channels_ec_guarantee_update", "guarantee.changed"),
            ("channels_ec_present_aftersale_update", "gift_aftersale.changed"),
        ] {
            // What happened to the order meanwhile was not pushed: this push leads to reading it.
            stage.sandbox.post("faults/pushes", &json!({ "kind": "drop", "count": 1, "event": "channels_ec_order_ext_info_update" })).await;
            stage.sandbox.post(&format!("orders/{external}/note"), &json!({ "merchant_notes": event })).await;
            say(&selling, event, json!({ "order_id": external })).await;
            stage.work_until(event, async || {
                (owner.get(&path, 200).await.json("/merchant_notes") == event).then_some(())
            }).await;
            let push = came(&selling, event).await;
            assert_eq!((&push["kind"], &push["waits"], &push["told"]["order_id"]), (&json!(kind), &json!(true), &json!(external)));
        }
        let waiting = owner.get(&at(&selling, "?waiting=true"), 200).await.json("/items");
        assert_eq!(waiting.as_array().unwrap().len(), 2, "{waiting}");
        let desk = stage.app.visitor(&stage.merchant, Role::MerchantServiceDesk).await;
        let home = open(&desk, "/console/merchant").await;
        assert!(home.html.contains("平台通知待查看"), "{}", home.html);
        let page = open(&desk, "/console/merchant/channel_accounts/pushes?tab=waiting").await;
        assert!(page.html.contains("保障单更新") && page.html.contains("群礼物退款更新") && page.html.contains("标记已处理"), "{}", page.html);
        let account = selling.account["id"].as_str().unwrap();
        let push = waiting[0]["id"].as_str().unwrap();
        let handled = format!("/console/merchant/channel_accounts/{account}/pushes/{push}/handled");
        assert_eq!(submit(&desk, &handled, &[]).await.status, 303);
        let second = waiting[1]["id"].as_str().unwrap();
        let handled = at(&selling, &format!("/{second}/handled"));
        // Who packs parcels does not say so; a push of another account is not there.
        stage.app.person(&stage.merchant, Role::MerchantOrders).await.post(&handled, &json!({}), 403).await;
        let other = stage.direct_store("另一家").await["id"].as_str().unwrap().to_owned();
        owner.post(&format!("/api/v1/channel_accounts/{other}/pushes/{second}/handled"), &json!({}), 404).await;
        for _ in 0..2 {
            owner.post(&handled, &json!({}), 204).await;
        }
        let left = owner.get(&at(&selling, "?waiting=true"), 200).await.json("/items");
        assert_eq!(left.as_array().unwrap().len(), 0, "{left}");
        let push = came(&selling, "channels_ec_guarantee_update").await;
        assert!(push["handled_at"].is_string() && push["waits"] == false, "{push}");
        assert!(!open(&desk, "/console/merchant").await.html.contains("平台通知待查看"));
        selling.stage.stop().await;
    }

    async fn a_shop_that_was_closed_is_read_and_closed(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let body = json!({ "path": "/channels/ec/basics/info/get", "errcode": 10080001, "count": 5 });
        selling.stage.sandbox.post("faults/calls", &body).await;
        say(&selling, "channels_ec_close_store", json!({ "bind_appid": selling.account["external_id"] })).await;
        let path = format!("/api/v1/channel_accounts/{}", selling.account["id"].as_str().unwrap());
        let closed = selling.stage.work_until("the account is closed", async || {
            let account = selling.stage.owner.get(&path, 200).await.json("");
            (account["state"] != "active").then_some(account)
        }).await;
        assert_eq!(closed["state"], "closed", "{closed}");
        selling.stage.stop().await;
    }
}
