//! Push addresses: what is genuine is stored once and acknowledged as the platform expects; what is not leaves nothing
//! behind but a count, and never an error of ours.

use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tests::push::{Push, Sender, check, push};
use qianpu_tests::stage::{AES_KEY, COMPONENT, PUSH_TOKEN, Stage, shop};
use qianpu_tests::{both, postgres};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::json;

async fn count(catalogue: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(catalogue.get_database_backend(), sql);
    catalogue.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Rows that pushes may leave behind.
async fn traces(catalogue: &DatabaseConnection) -> (i64, i64, i64) {
    (
        count(catalogue, "SELECT count(tenant_id) FROM inbox_messages").await,
        count(catalogue, "SELECT count(tenant_id) FROM jobs WHERE kind IN ('order.sync', 'channel.grant')")
            .await,
        count(catalogue, "SELECT count(tenant_id) FROM app_authorisations").await,
    )
}

fn paid(order: u64) -> String {
    format!(
        r#"{{"ToUserName":"gh_1","FromUserName":"o1","CreateTime":1714112445,"MsgType":"event","Event":"channels_ec_order_pay","order_info":{{"order_id":{order},"pay_time":1714112400}}}}"#
    )
}

both! {
    async fn a_push_is_stored_once_and_acknowledged(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let catalogue = postgres::connect(&stage.app.db.superuser_url()).await.unwrap();
        let url = account["hook_url"].as_str().unwrap();
        let sender = Sender::now(PUSH_TOKEN, AES_KEY, account["external_id"].as_str().unwrap());
        let answer = check(url, &sender.handshake("4375120948345356249")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "4375120948345356249"));
        let mut wrong = sender.handshake("1");
        wrong[3].1 = "0".repeat(40);
        assert_eq!(check(url, &wrong).await.status, 403);

        let first = sender.json(&paid(3_705_115_058_471_208_928));
        let answer = push(url, &first).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "success"));
        assert_eq!(traces(&catalogue).await, (1, 1, 0));
        let payload = count(
            &catalogue,
            "SELECT count(tenant_id) FROM jobs WHERE kind = 'order.sync' AND payload LIKE '%\"3705115058471208928\"%'",
        );
        assert_eq!(payload.await, 1, "an id above 2^53 survives");
        // The same push again, and the same message under a new cipher: acknowledged, no effect.
        for _ in 0..3 {
            assert_eq!(push(url, &first).await.body, "success");
        }
        let later = Sender { timestamp: sender.timestamp + 1, ..sender.clone() };
        assert_eq!(push(url, &later.json(&paid(3_705_115_058_471_208_928))).await.body, "success");
        assert_eq!(traces(&catalogue).await, (1, 1, 0));
        assert_eq!(push(url, &sender.json(&paid(7))).await.body, "success");
        assert_eq!(traces(&catalogue).await, (2, 2, 0));
        let shown = stage.owner.get(&format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap()), 200).await;
        assert!(!shown.json("/health/last_push_at").is_null());
        // An event we do not know is kept and acknowledged; it leads to nothing.
        let unknown = paid(8).replace("channels_ec_order_pay", "something_new");
        assert_eq!(push(url, &sender.json(&unknown)).await.body, "success");
        assert_eq!(traces(&catalogue).await, (3, 2, 0));
        stage.stop().await;
    }

    async fn what_is_not_genuine_leaves_nothing_behind(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let catalogue = postgres::connect(&stage.app.db.superuser_url()).await.unwrap();
        let url = account["hook_url"].as_str().unwrap();
        let good = Sender::now(PUSH_TOKEN, AES_KEY, account["external_id"].as_str().unwrap());
        let message = paid(1);
        let with = |change: &dyn Fn(&mut Sender)| {
            let mut sender = good.clone();
            change(&mut sender);
            sender.json(&message)
        };
        let bend = |change: &dyn Fn(&mut Push)| {
            let mut push = good.json(&message);
            change(&mut push);
            push
        };
        let cases: Vec<(&str, Push)> = vec![
            ("another token", with(&|sender| sender.token = "BBBBB".into())),
            ("another key", with(&|sender| sender.aes_key = "B".repeat(43))),
            ("a foreign app id inside", with(&|sender| sender.app_id = "wx0000000000000001".into())),
            ("seven hours old", with(&|sender| sender.timestamp -= 7 * 3600)),
            ("from tomorrow", with(&|sender| sender.timestamp += 86_400)),
            ("a changed signature", bend(&|push| push.query[3].1 = "0".repeat(40))),
            ("no signature", bend(&|push| { push.query.pop(); })),
            ("no query", bend(&|push| push.query.clear())),
            ("a changed body", bend(&|push| push.body[60] ^= 1)),
            ("half a body", bend(&|push| push.body.truncate(push.body.len() / 2))),
            ("no body", bend(&|push| push.body.clear())),
            ("not UTF-8", bend(&|push| push.body = vec![0xff, 0xfe, 0x00, 0x80])),
            ("deep JSON", bend(&|push| push.body = "[".repeat(60_000).into_bytes())),
            ("another format", good.xml("<xml><MsgType>event</MsgType><Event>x</Event></xml>")),
        ];
        for (what, bad) in &cases {
            let answer = push(url, bad).await;
            assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.body);
            assert!(!answer.body.contains("success"), "{what}: {}", answer.body);
        }
        let huge = bend(&|push| push.body = vec![b'a'; 2 * 1024 * 1024]);
        assert_eq!(push(url, &huge).await.status, 413);
        for path in ["/hooks/wechat-store/nobodys-token", "/hooks/no-such-channel/x", "/hooks/wechat-store/apps/x"] {
            let url = format!("{}{path}", stage.app.base_url);
            assert_eq!(push(&url, &good.json(&message)).await.status, 404, "{path}");
            assert_eq!(check(&url, &good.handshake("1")).await.status, 404, "{path}");
        }
        // The token of this account under another channel's address.
        let other = url.replace("wechat-store", "wechat-official-account");
        assert_eq!(push(&other, &good.json(&message)).await.status, 404);
        assert_eq!(traces(&catalogue).await, (0, 0, 0));

        // Genuine and still unreadable: acknowledged, kept sealed for somebody to look at, no job.
        let broken = good.json("{\"MsgType\":\"event\"}");
        assert_eq!(push(url, &broken).await.body, "success");
        assert_eq!(push(url, &good.json("not a message")).await.body, "success");
        assert_eq!(traces(&catalogue).await, (2, 0, 0));
        assert_eq!(count(&catalogue, "SELECT count(tenant_id) FROM inbox_messages WHERE payload LIKE '%not a message%'").await, 0);

        // After the end of the link the address is nobody's.
        let path = format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap());
        stage.owner.delete(&path, 204).await;
        assert_eq!(push(url, &good.json(&message)).await.status, 404);
        stage.stop().await;
    }

    /// What is kept of an account between pushes decides nothing that has changed since.
    async fn an_account_that_changed_is_checked_anew(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let catalogue = postgres::connect(&stage.app.db.superuser_url()).await.unwrap();
        let (url, app_id) = (account["hook_url"].as_str().unwrap(), account["external_id"].as_str().unwrap());
        let was = Sender::now(PUSH_TOKEN, AES_KEY, app_id);
        for order in 1..3 {
            assert_eq!(push(url, &was.json(&paid(order))).await.body, "success");
        }
        // Another token and key: what the old ones sign is refused at once, what the new ones sign is taken at once.
        let known = stage.sandbox.get("accounts").await;
        let known = known["accounts"].as_array().unwrap().iter().find(|one| one["appid"] == app_id).unwrap();
        let body = json!({ "shop_id": stage.shop.to_string(), "channel": "wechat-store", "kind": "wechat_store",
            "app_id": app_id, "secret": known["secret"], "token": "NEWTOKEN", "encoding_aes_key": "N".repeat(43),
            "format": "json" });
        let again = stage.owner.post("/api/v1/channel_accounts/direct", &body, 201).await;
        assert_eq!(again.json("/id"), account["id"]);
        assert_eq!(push(url, &was.json(&paid(3))).await.status, 403);
        let now = Sender::now("NEWTOKEN", &"N".repeat(43), app_id);
        assert_eq!(push(url, &now.json(&paid(4))).await.body, "success");
        assert_eq!(push(url, &was.json(&paid(5))).await.status, 403);
        assert_eq!(push(url, &was.json("not a message")).await.status, 403);
        assert_eq!(traces(&catalogue).await.0, 3);
        // Unlinked: nobody's, whatever is pushed.
        stage.owner.delete(&format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap()), 204).await;
        assert_eq!(push(url, &now.json("not a message")).await.status, 404);
        assert_eq!(push(url, &now.json(&paid(6))).await.status, 404);
        assert_eq!(traces(&catalogue).await.0, 3);
        stage.stop().await;
    }

    /// The same for one whose pushes an app relays.
    async fn a_relayed_account_that_was_unlinked_is_nobodys(db: TestDb) {
        let stage = Stage::start(db).await;
        let app = stage.channel_app().await;
        let account = stage.linked_store("山前茶铺").await;
        let catalogue = postgres::connect(&stage.app.db.superuser_url()).await.unwrap();
        let url = app["message_hook_url"].as_str().unwrap().replace("$APPID$", account["external_id"].as_str().unwrap());
        let sender = Sender::now(PUSH_TOKEN, AES_KEY, COMPONENT);
        let message = |order: u64| format!("<xml><ToUserName>gh_1</ToUserName><FromUserName>o</FromUserName>\
            <CreateTime>1714112445</CreateTime><MsgType>event</MsgType><Event>channels_ec_order_pay</Event>\
            <order_info><order_id>{order}</order_id></order_info></xml>");
        let before = traces(&catalogue).await.0;
        for order in 1..3 {
            assert_eq!(push(&url, &sender.xml(&message(order))).await.body, "success");
        }
        assert_eq!(traces(&catalogue).await.0, before + 2);
        stage.owner.delete(&format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap()), 204).await;
        assert_eq!(push(&url, &sender.xml(&message(3))).await.body, "success");
        assert_eq!(traces(&catalogue).await.0, before + 2);
        stage.stop().await;
    }

    async fn an_apps_pushes_reach_only_its_own_providers_merchants(db: TestDb) {
        let stage = Stage::start(db).await;
        let app = stage.channel_app().await;
        let account = stage.linked_store("山前茶铺").await;
        let app_id = account["external_id"].as_str().unwrap().to_owned();
        // Another provider, with a directly linked account of its own, knows its own app's secrets.
        let stranger = stage.app.provider("乙服务商").await;
        let staff = stage.app.person(&stranger, Role::ProviderOwner).await;
        let body = json!({ "channel": "wechat-store", "component_app_id": "wxstranger", "secret": "s",
            "token": "SSSSS", "encoding_aes_key": "S".repeat(43) });
        let strange = staff.post("/api/v1/channel_apps", &body, 201).await;
        let strange_sender = Sender::now("SSSSS", &"S".repeat(43), "wxstranger");
        let catalogue = postgres::connect(&stage.app.db.superuser_url()).await.unwrap();
        let before = traces(&catalogue).await;
        let message = "<xml><ToUserName>gh_1</ToUserName><FromUserName>o</FromUserName><CreateTime>1714112445</CreateTime>\
            <MsgType>event</MsgType><Event>channels_ec_order_pay</Event><order_info><order_id>5</order_id></order_info></xml>";

        // Pushed through the stranger's app for our merchant's account: taken by nobody.
        let url = strange.text("/message_hook_url").replace("$APPID$", &app_id);
        let answer = push(&url, &strange_sender.xml(message)).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "success"));
        assert_eq!(traces(&catalogue).await, before);
        // Signed by the stranger for our app's address: refused.
        let own = app["message_hook_url"].as_str().unwrap().replace("$APPID$", &app_id);
        assert_eq!(push(&own, &strange_sender.xml(message)).await.status, 403);
        // In JSON: a third-party platform speaks XML only.
        let sender = Sender::now(PUSH_TOKEN, AES_KEY, COMPONENT);
        assert_eq!(push(&own, &sender.json(&paid(5))).await.status, 400);
        assert_eq!(traces(&catalogue).await, before);
        // For an account nobody linked.
        let nobody = app["message_hook_url"].as_str().unwrap().replace("$APPID$", "wxnobody");
        assert_eq!(push(&nobody, &sender.xml(message)).await.body, "success");
        assert_eq!(traces(&catalogue).await, before);
        // And the real one, twice.
        for _ in 0..2 {
            assert_eq!(push(&own, &sender.xml(message)).await.body, "success");
        }
        assert_eq!(traces(&catalogue).await, (before.0 + 1, before.1 + 1, before.2));

        // A ticket replayed from before does not replace the newer one; garbage inside is acknowledged and kept.
        let ticket = |at: i64, text: &str| {
            format!("<xml><AppId>{COMPONENT}</AppId><CreateTime>{at}</CreateTime><InfoType>component_verify_ticket\
                </InfoType><ComponentVerifyTicket>{text}</ComponentVerifyTicket></xml>")
        };
        let hook = app["hook_url"].as_str().unwrap();
        let path = format!("/api/v1/channel_apps/{}", app["id"].as_str().unwrap());
        assert_eq!(push(hook, &sender.xml(&ticket(sender.timestamp + 3, "new"))).await.body, "success");
        let newest = stage.staff.get(&path, 200).await.text("/ticket_received_at");
        assert_eq!(push(hook, &sender.xml(&ticket(sender.timestamp - 600, "old"))).await.body, "success");
        assert_eq!(stage.staff.get(&path, 200).await.text("/ticket_received_at"), newest);
        assert_eq!(push(hook, &sender.xml_bytes(&[0xff, 0xfe, 0x3c])).await.body, "success");
        // A switched-off app has no address.
        stage.staff.patch(&path, &json!({ "active": false }), 200).await;
        assert_eq!(push(hook, &sender.xml(&ticket(sender.timestamp, "x"))).await.status, 404);
        // Other providers do not find it.
        staff.get(&path, 404).await;
        let merchant = stage.app.merchant(&stranger, "丙商家").await;
        shop(&stage.app, &merchant, "丙家小铺", "enterprise", ShopState::Trading).await;
        let owner = stage.app.person(&merchant, Role::MerchantOwner).await;
        owner.get(&format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap()), 404).await;
        stage.stop().await;
    }
}
