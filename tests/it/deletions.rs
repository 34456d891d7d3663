//! The end of a merchant: settled first, waited for, and then every row of every table goes but those that the listing
//! names; what may be kept no longer is purged by the owner of the database.

use std::collections::BTreeMap;

use qianpu_api::app::whole::erase;
use qianpu_api::app::whole::restore::restore;
use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tenants::store::deletion::{DeletionTurn, deletion_get, deletion_insert, deletion_turn};
use qianpu_tests::goods::Goods;
use qianpu_tests::planted::{Victim, plant};
use qianpu_tests::{TestDb, both, postgres};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::restores::{acting, demo, packed};

/// Rows by table, past the application: the merchant's, or everybody else's.
async fn counted(db: &TestDb, merchant: Uuid, own: bool) -> BTreeMap<String, i64> {
    let connection = postgres::connect(&db.superuser_url()).await.unwrap();
    let backend = connection.get_database_backend();
    let mut counts = BTreeMap::new();
    for table in qianpu_migrations::tables() {
        let sign = if own { "=" } else { "<>" };
        let sql = format!("SELECT count(*) AS n FROM {} WHERE tenant_id {sign} $1", table.name);
        let statement = Statement::from_sql_and_values(backend, sql, [merchant.into()]);
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        let count: i64 = row.try_get("", "n").unwrap();
        if count > 0 {
            counts.insert(table.name.to_owned(), count);
        }
    }
    connection.close().await.unwrap();
    counts
}

fn listed(proof: &Value, field: &str) -> BTreeMap<String, i64> {
    let rows = proof[field].as_array().unwrap_or_else(|| panic!("no {field} in {proof:#}"));
    rows.iter()
        .map(|row| (row["table"].as_str().unwrap().to_owned(), row["rows"].as_i64().unwrap()))
        .collect()
}

both! {
    async fn no_row_is_left_but_those_listed(db: TestDb) {
        let source = demo(db).await;
        let merchant = source.merchant.0;
        let app = &source.app;
        let ctx = acting(app, source.merchant).await;
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("before.tar");
        packed(app, source.merchant, &archive).await;
        let before = counted(&app.db, merchant, true).await;
        let others = counted(&app.db, merchant, false).await;

        // The conditions are looked at elsewhere: the demo's merchant trades.
        let mut tx = app.state.db.begin(&ctx).await.unwrap();
        let now = tx.now();
        let id = deletion_insert(&mut tx, "merchant", "不再经营", now).await.unwrap();
        tx.commit().await.unwrap();
        let outside = erase::count_outside(&app.state, &ctx).await.unwrap();
        let mut tx = app.state.db.begin(&ctx).await.unwrap();
        deletion_turn(&mut tx, id, &DeletionTurn::Begun(&outside.to_string())).await.unwrap();
        tx.commit().await.unwrap();
        erase::erase(&app.state, &ctx, id).await.unwrap();

        let tx = app.state.db.read(&ctx).await.unwrap();
        let deletion = deletion_get(&tx, id).await.unwrap();
        drop(tx);
        let text = deletion.proof.unwrap();
        assert_eq!(deletion.proof_sha256.unwrap(), hex::encode(Sha256::digest(text.as_bytes())));
        let proof: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(counted(&app.db, merchant, true).await, listed(&proof, "kept"), "what is left, and what is listed");
        let (deleted, kept) = (listed(&proof, "deleted"), listed(&proof, "kept"));
        for (table, rows) in &before {
            let told = deleted.get(table).copied().unwrap_or(0) + kept.get(table).copied().unwrap_or(0);
            assert!(told >= *rows || table == "global_keys", "{table}: {rows} before, {told} listed");
        }
        assert!(deleted.len() > 20 && kept.contains_key("journals"), "the demo has rows in most tables: {deleted:?}");
        for row in proof["kept"].as_array().unwrap() {
            assert!(!row["reason"].as_str().unwrap().is_empty(), "{row}");
        }
        assert!(proof["files_deleted"].as_i64().unwrap() > 0);
        assert!(!proof["directory_keys_released"].as_array().unwrap().is_empty());
        assert!(!listed(&proof, "provider_rows_deleted").is_empty(), "the demo's account was linked through the provider's app");
        assert!(!app.state.config.media_dir().join(merchant.simple().to_string()).exists());

        // Nobody else lost a row, but the provider those about the merchant.
        let mut left = counted(&app.db, merchant, false).await;
        for (table, rows) in listed(&proof, "provider_rows_deleted") {
            *left.entry(table).or_default() += rows;
        }
        assert_eq!(left, others, "rows of everybody else");
        // Names are out of what stays, and nobody gets in.
        let connection = postgres::connect(&app.db.superuser_url()).await.unwrap();
        let sql = "SELECT count(*) AS n FROM audit_entries WHERE tenant_id = $1 AND actor_name <> '—'";
        let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, [merchant.into()]);
        let named: i64 = connection.query_one_raw(statement).await.unwrap().unwrap().try_get("", "n").unwrap();
        assert_eq!(named, 0, "names in the log");
        connection.close().await.unwrap();
        let body = json!({ "email": source.email, "password": source.password });
        app.anonymous().post("/api/v1/auth/login", &body, 401).await;

        // The letter goes out, and is the last that is done for it.
        app.run_jobs().await;
        let to_owner = |mail: &qianpu_tests::smtp::Mail| mail.to.contains(&source.email);
        let mail = app.smtp.mails().into_iter().rfind(to_owner).expect("a mail to the owner").readable();
        assert!(mail.contains("products: ") && mail.contains("journals: "), "{mail}");
        let rest = counted(&app.db, merchant, true).await;
        assert!(!rest.contains_key("jobs") && !rest.contains_key("users"), "{rest:?}");

        // What the law wanted kept goes when its time is over, and not before.
        let hex = merchant.simple().to_string();
        let until = deletion.keep_until.unwrap().micros();
        let early = qianpu_migrations::purge(&app.db.owner_url(), &hex, until - 1).await.unwrap_err().to_string();
        assert!(early.contains("more days"), "{early}");
        let nobody = qianpu_migrations::purge(&app.db.owner_url(), &"0".repeat(32), until).await.unwrap_err().to_string();
        assert!(nobody.contains("was not deleted"), "{nobody}");
        let purged = qianpu_migrations::purge(&app.db.owner_url(), &hex, until).await.unwrap();
        assert!(purged.iter().any(|(table, _)| table == "tenants"));
        assert!(counted(&app.db, merchant, true).await.is_empty());
        // And then its archive can come back.
        let restored = restore(&app.state, &archive, "yunfan").await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(restored.merchant, source.merchant);
        source.app.stop().await;
        source.sandbox.stop().await;
    }

    async fn a_merchant_is_deleted_when_all_is_settled_and_the_wait_is_over(db: TestDb) {
        let goods = Goods::start(db).await;
        let staff = goods.app.person(&goods.provider, Role::ProviderOwner).await;
        let reason = json!({ "reason": "不再经营" });
        // The open shop first.
        let refused = goods.owner.post("/api/v1/deletions", &reason, 409).await;
        assert_eq!((refused.code(), refused.text("/errors/0/field")), ("deletion_blocked".to_owned(), "open_shops".to_owned()));
        assert_eq!(goods.owner.get("/api/v1/deletions/conditions", 200).await.text("/open/0/code"), "open_shops");
        let closed = goods.owner.post(&format!("/api/v1/shops/{}/close", goods.shop), &json!({}), 200).await;
        assert_eq!(closed.text("/state"), "closed");
        goods.owner.post("/api/v1/deletions", &json!({ "reason": " " }), 422).await;
        let asked = goods.owner.post("/api/v1/deletions", &reason, 201).await;
        assert_eq!(asked.text("/state"), "waiting");
        goods.owner.post("/api/v1/deletions", &reason, 409).await;
        let path = format!("/api/v1/deletions/{}", asked.text("/id"));
        goods.owner.get(&format!("{path}/proof"), 409).await;
        // Others do not see it; the provider does.
        let sibling = goods.app.merchant(&goods.provider, "另一商家").await;
        let other = goods.app.provider("乙服务商").await;
        for stranger in [goods.app.person(&sibling, Role::MerchantOwner).await, goods.app.person(&other, Role::ProviderOwner).await] {
            stranger.get(&path, 404).await;
            stranger.post(&format!("{path}/withdraw"), &json!({}), 404).await;
            stranger.post("/api/v1/deletions", &json!({ "reason": "x", "merchant_id": goods.merchant.tenant().to_string() }), 404).await;
        }
        goods.app.person(&goods.merchant, Role::MerchantManager).await.get(&path, 403).await;
        staff.get(&path, 200).await;
        // Withdrawn by the provider, nothing happens when its day comes.
        staff.post(&format!("{path}/withdraw"), &json!({}), 200).await;
        staff.post(&format!("{path}/withdraw"), &json!({}), 409).await;
        goods.app.advance(31 * 86_400);
        goods.app.run_jobs().await;
        let owner = goods.app.person(&goods.merchant, Role::MerchantOwner).await;
        assert_eq!(owner.get(&path, 200).await.text("/state"), "withdrawn");
        // Asked for again; a shop that opens meanwhile puts it off.
        goods.app.advance(1);
        let asked = owner.post("/api/v1/deletions", &reason, 201).await;
        let path = format!("/api/v1/deletions/{}", asked.text("/id"));
        let reopened = qianpu_tests::stage::shop(&goods.app, &goods.merchant, "又一家茶铺", "enterprise", ShopState::Trading).await;
        goods.app.advance(30 * 86_400 + 1);
        goods.app.run_jobs().await;
        let staff = goods.app.person(&goods.provider, Role::ProviderOwner).await;
        let put_off = staff.get(&path, 200).await;
        assert_eq!((put_off.text("/state"), put_off.text("/blocked/0")), ("waiting".to_owned(), "open_shops".to_owned()));
        let owner = goods.app.person(&goods.merchant, Role::MerchantOwner).await;
        owner.post(&format!("/api/v1/shops/{reopened}/close"), &json!({}), 200).await;
        goods.app.advance(86_400 + 1);
        goods.app.run_jobs().await;
        let staff = goods.app.person(&goods.provider, Role::ProviderOwner).await;
        let done = staff.get(&path, 200).await;
        assert_eq!(done.text("/state"), "deleted");
        assert_eq!(done.text("/asked_by_name"), "—");
        owner.get("/api/v1/me", 401).await;
        let listing = staff.get(&format!("{path}/proof"), 200).await;
        assert_eq!(hex::encode(Sha256::digest(listing.body.as_bytes())), done.text("/proof_sha256"));
        let proof: Value = serde_json::from_str(&listing.body).unwrap();
        let mut kept = listed(&proof, "kept");
        assert!(kept.remove("jobs").is_some(), "the letters, which are sent by now");
        assert_eq!(counted(&goods.app.db, goods.merchant.tenant().0, true).await, kept);
        // Its name and address are free again.
        let free = goods.app.merchant(&goods.provider, "第三商家").await;
        qianpu_tests::stage::shop(&goods.app, &free, "山前茶铺", "enterprise", ShopState::Trading).await;
        goods.app.stop().await;
    }
}

/// On PostgreSQL the rows of tables that are only added to go in a transaction that erases their merchant and in no
/// other, and what the law wants kept does not go even then.
#[tokio::test]
async fn only_a_transaction_that_erases_takes_append_only_rows() {
    let Some(db) = TestDb::postgres("deletions::only_a_transaction_that_erases").await else { return };
    let victim = Victim { tenant: Uuid::from_u128(0xa), provider: Uuid::from_u128(0xb) };
    let everything = plant(&db, victim, &[]).await;
    let app = postgres::connect(&db.url()).await.unwrap();
    let own = format!("SET LOCAL app.tenant_id = '{}'", victim.tenant);
    for table in qianpu_migrations::tables().iter().filter(|table| table.append_only) {
        let name = table.name;
        let delete = format!("DELETE FROM {name}");
        for erasing in [String::new(), format!("; SET LOCAL app.erasing = '{}'", victim.provider)] {
            app.execute_unprepared(&format!("BEGIN; {own}{erasing}")).await.unwrap();
            let done = app.execute_unprepared(&delete).await;
            let kept = qianpu_migrations::KEPT_APPEND_ONLY.contains(&name);
            assert_eq!(done.is_err(), kept, "{delete} with {erasing:?}");
            assert_eq!(done.map_or(0, |done| done.rows_affected()), 0, "{delete} with {erasing:?}");
            app.execute_unprepared("ROLLBACK").await.unwrap();
        }
    }
    // Not to the end: the constraints of the planted rows are out of force for the one who planted them only.
    app.execute_unprepared(&format!("BEGIN; {own}; SET LOCAL app.erasing = '{}'", victim.tenant))
        .await
        .unwrap();
    let gone = app.execute_unprepared("DELETE FROM order_events").await.unwrap();
    assert_eq!(gone.rows_affected(), 1);
    let masked = app.execute_unprepared("UPDATE audit_entries SET actor_name = '—'").await.unwrap();
    assert_eq!(masked.rows_affected(), 1);
    assert!(
        app.execute_unprepared("UPDATE audit_entries SET action = 'x'").await.is_err(),
        "nothing else of the log"
    );
    app.execute_unprepared("ROLLBACK").await.unwrap();
    app.execute_unprepared(&format!("BEGIN; {own}")).await.unwrap();
    let masked = app.execute_unprepared("UPDATE audit_entries SET actor_name = '—'").await.unwrap();
    assert_eq!(masked.rows_affected(), 0, "names are taken out in a transaction that erases only");
    app.execute_unprepared("ROLLBACK").await.unwrap();
    everything.close().await.unwrap();
}
