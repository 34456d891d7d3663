//! Pushes that carry the character U+0000, which PostgreSQL keeps in no text: a platform repeats what is not acknowledged, so
//! they are stored without it, once, on both databases.

use crate::followers::Public;
use qianpu_tests::push::{Sender, push};
use qianpu_tests::stage::{AES_KEY, PUSH_TOKEN, Stage};
use qianpu_tests::{both, postgres};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Kind, name and hint of what is stored, without what accounts are told when they are linked.
async fn inbox(catalogue: &DatabaseConnection) -> BTreeSet<(String, String, String)> {
    let sql = "SELECT kind, coalesce(native_type, ''), subject, payload, tenant_id FROM inbox_messages";
    let rows =
        catalogue.query_all_raw(Statement::from_string(catalogue.get_database_backend(), sql)).await.unwrap();
    let text = |row: &sea_orm::QueryResult, at: usize| row.try_get_by_index::<String>(at).unwrap();
    rows.iter().map(|row| (text(row, 0), text(row, 1), text(row, 2))).collect()
}

fn known(kind: &str, name: &str, subject: &str) -> (String, String, String) {
    (kind.to_owned(), name.to_owned(), subject.to_owned())
}

/// Sends it twice, as a platform may: both are acknowledged.
async fn acknowledged(account: &Value, sent: qianpu_tests::push::Push) {
    for _ in 0..2 {
        let answer = push(account["hook_url"].as_str().unwrap(), &sent).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "success"));
    }
}

fn sender(account: &Value) -> Sender {
    Sender::now(PUSH_TOKEN, AES_KEY, account["external_id"].as_str().unwrap())
}

both! {
    async fn a_zero_character_is_taken_out_wherever_it_stands(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("一号店").await;
        let catalogue = postgres::connect(&stage.app.db.superuser_url()).await.unwrap();
        let sender = sender(&account);
        let event = |name: &str, more: Value| {
            let mut message = json!({ "ToUserName": "gh_1", "FromUserName": "o\0", "CreateTime": 1_714_112_445,
                "MsgType": "event", "Event": name });
            message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            message.to_string()
        };
        // In the name, in an id, in a detail, in the name of a field.
        acknowledged(&account, sender.json(&event("a\0b", json!({})))).await;
        let paid = json!({ "order_info": { "order_id": "10\0", "pay_time": 1_714_112_400 } });
        acknowledged(&account, sender.json(&event("channels_ec_order_pay", paid))).await;
        let fine = json!({ "order_info": { "order_id": "11", "buyer\0": ["请\0尽快"] } });
        acknowledged(&account, sender.json(&event("channels_ec_order_new", fine))).await;
        let stored = inbox(&catalogue).await;
        assert!(stored.contains(&known("unknown", "a\u{fffd}b", "")), "{stored:?}");
        assert!(stored.contains(&known("order.paid", "channels_ec_order_pay", "10\u{fffd}")), "{stored:?}");
        assert!(stored.contains(&known("order.created", "channels_ec_order_new", "11")), "{stored:?}");
        assert_eq!(stored.len(), 3);
        let sql = "SELECT payload, tenant_id FROM inbox_messages WHERE subject = '11'";
        let statement = Statement::from_string(catalogue.get_database_backend(), sql);
        let hint: String = catalogue.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        let hint: Value = serde_json::from_str(&hint).unwrap();
        assert_eq!(hint["buyer\u{fffd}"], json!(["请\u{fffd}尽快"]));
        // XML has no way to write it; what cannot be read is kept, sealed, for somebody to look at.
        let xml = "<xml><ToUserName>gh_1</ToUserName><MsgType>event</MsgType><Event>c&#0;d</Event></xml>";
        let sent = sender.json(xml);
        assert_eq!(push(account["hook_url"].as_str().unwrap(), &sent).await.status, 200);
        assert!(inbox(&catalogue).await.contains(&known("unreadable", "", "")));
        // An address with it is nobody's.
        let nobody = format!("{}%00", account["hook_url"].as_str().unwrap());
        assert_eq!(push(&nobody, &sent).await.status, 404);
        stage.stop().await;
    }

    async fn what_a_follower_writes_is_taken_without_it(db: TestDb) {
        let public = Public::start(db).await;
        let catalogue = postgres::connect(&public.stage.app.db.superuser_url()).await.unwrap();
        let xml = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o\0zero]]></FromUserName>\
            <CreateTime>1714112445</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[您\0好]]></Content>\
            <MsgId>7\0</MsgId></xml>";
        acknowledged(&public.account, sender(&public.account).xml(xml)).await;
        assert_eq!(inbox(&catalogue).await, [known("message", "text", "o\u{fffd}zero")].into());
        public.stage.stop().await;
    }
}
