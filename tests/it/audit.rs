//! The audit log: found by who, what, which thing and when, taken along as a file, and chained so that a change shows.

use qianpu_api::app::audit::{noted_head, watch};
use qianpu_api::cli_audit::{VerifyArgs, verify};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::ids::RequestId;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::random;
use qianpu_tests::app::TestApp;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::{Backend, both, postgres};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

const EMAIL: &str = "owner@qianshan.test";
const VERIFY: &str = "/api/v1/audit_chain/verify";

fn items(answer: &Answer) -> Vec<Value> {
    answer.json("/items").as_array().expect("a list").clone()
}

async fn entries(client: &Client, query: &str) -> Vec<Value> {
    items(&client.get(&format!("/api/v1/audit_entries{query}"), 200).await)
}

async fn verdict(client: &Client, head: &str) -> Value {
    client.post(VERIFY, &json!({ "head": head }), 200).await.json("")
}

/// What somebody does who owns the database.
pub async fn as_owner_of_the_database(app: &TestApp, statement: &str) {
    let connection = postgres::connect(&app.db.superuser_url()).await.unwrap();
    let lift = match app.db.backend() {
        Backend::Postgres => "SET session_replication_role = replica",
        Backend::Sqlite => "PRAGMA foreign_keys = OFF",
    };
    connection.execute_unprepared(lift).await.unwrap();
    let done = connection.execute_unprepared(statement).await.unwrap();
    assert!(done.rows_affected() > 0, "{statement}");
    connection.close().await.unwrap();
}

async fn context(app: &TestApp, client: &Client) -> TenantCtx {
    let tenant = client.get("/api/v1/me", 200).await.text("/tenant/id").parse().unwrap();
    let system = SystemCtx::for_task("test", RequestId(random::id(app.state.clock().now())));
    TenantCtx::for_system(&app.state.db, &system, tenant).await.unwrap()
}

both! {
    async fn entries_are_found_by_who_what_which_and_when(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let other = app.onboarded_provider("yunling").await;
        let owner = &provider.owner;
        app.advance(60);
        let moment = app.state.clock().now().to_string();
        let invite = json!({ "email": "a@qianshan.test", "role": "provider_support" });
        let invited = owner.post("/api/v1/staff_invitations", &invite, 201).await.text("/id");
        let me = owner.get("/api/v1/me", 200).await.text("/user/id");
        let found = entries(owner, "?action=staff.invited").await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((&found[0]["actor"]["id"], &found[0]["target"]["id"]), (&json!(me), &json!(invited)));
        assert_eq!(found[0]["detail"]["role"], "provider_support");
        assert_eq!(entries(owner, &format!("?target={invited}")).await, found);
        assert_eq!(entries(owner, &format!("?from={moment}")).await, found);
        assert!(!entries(owner, &format!("?until={moment}")).await.contains(&found[0]));
        assert!(entries(owner, &format!("?actor={me}")).await.contains(&found[0]));
        assert!(entries(owner, "?actor=%E7%8E%8B%E6%8E%8C").await.contains(&found[0]), "a part of the name 王掌柜");
        // A wildcard is a character like others.
        assert!(entries(owner, "?actor=%25").await.is_empty());
        // Pages meet without a gap.
        let all = entries(owner, "?limit=100").await;
        let mut paged = Vec::new();
        let mut next = String::new();
        loop {
            let page = owner.get(&format!("/api/v1/audit_entries?limit=2{next}"), 200).await;
            paged.extend(items(&page));
            let Some(cursor) = page.json("/next_cursor").as_str().map(str::to_owned) else { break };
            next = format!("&cursor={cursor}");
        }
        assert_eq!(paged, all);
        // Only what is allowed is looked for, only by who may, and only in one's own log.
        for bad in ["?sort=id", "?password_hash=x", "?from=yesterday", "?tenant_id=1", "?cursor=x"] {
            let answer = owner.try_send(reqwest::Method::GET, &format!("/api/v1/audit_entries{bad}"), None, &[]).await;
            assert!((400..=422).contains(&answer.status), "{bad} {}", answer.status);
        }
        provider.reviewer.get("/api/v1/audit_entries", 403).await;
        assert!(!entries(&other.owner, "?limit=100").await.iter().any(|entry| entry["target"]["id"] == invited));
        app.stop().await;
    }

    async fn a_provider_sees_what_its_people_did_in_its_merchants(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let merchant = app.onboarded_merchant(&provider, "lin@qianshan.test", "enterprise", "山前茶铺", true).await;
        let approved = entries(&provider.owner, "?action=application.approved").await;
        assert_eq!(approved.len(), 1, "{approved:?}");
        assert_eq!(approved[0]["tenant_id"], merchant.merchant_id);
        // Not what the merchant did itself; the merchant sees both.
        assert!(entries(&provider.owner, "?action=application.submitted").await.is_empty());
        for action in ["application.approved", "application.submitted"] {
            assert_eq!(entries(&merchant.owner, &format!("?action={action}")).await.len(), 1, "{action}");
        }
        let own = format!("?tenant_id={}&limit=100", merchant.merchant_id);
        let there = entries(&provider.owner, &own).await;
        assert!(!there.is_empty() && there.iter().all(|entry| entry["tenant_id"] == merchant.merchant_id));
        app.stop().await;
    }

    async fn a_changed_or_removed_entry_is_found(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let owner = &provider.owner;
        // The watch links what is there; the application may change neither entries nor links.
        watch(app.state.clone()).await.unwrap();
        app.run_jobs().await;
        let head = owner.get("/api/v1/audit_chain", 200).await;
        let noted = format!("{}:{}", head.number("/position"), head.text("/hash"));
        assert!(noted_head(&noted).unwrap().is_some() && head.number("/position") > 3);
        let intact = verdict(owner, &noted).await;
        assert_eq!((&intact["intact"], &intact["broken"]), (&json!(true), &Value::Null), "{intact}");
        assert!(entries(owner, "?limit=100").await.iter().any(|entry| entry["link"]["position"] == 1));
        // An entry that became visible late, with an earlier time and id than what is linked.
        app.advance(-30);
        let ctx = context(&app, owner).await;
        let mut tx = app.state.db.begin(&ctx).await.unwrap();
        audit_append(&mut tx, AuditAction::StaffInvited, "user", "late", json!({})).await.unwrap();
        tx.commit().await.unwrap();
        app.advance(30);
        let with_late = verdict(owner, &noted).await;
        assert_eq!(with_late["intact"], true);
        assert_eq!(with_late["position"], head.number("/position") + 1);
        let late = entries(owner, "?target=late").await;
        assert_eq!(late[0]["link"]["position"], with_late["position"]);
        // Changed behind our back, and set right again.
        let change = |from: &str, to: &str| format!("UPDATE audit_entries SET target_id = '{to}' WHERE target_id = '{from}'");
        as_owner_of_the_database(&app, &change("late", "early")).await;
        let broken = verdict(owner, "").await;
        assert_eq!((&broken["intact"], &broken["broken"]["fault"]), (&json!(false), &json!("entry_changed")), "{broken}");
        assert_eq!(broken["broken"]["position"], with_late["position"]);
        assert_eq!(broken["broken"]["entry_id"], late[0]["id"]);
        as_owner_of_the_database(&app, &change("early", "late")).await;
        assert_eq!(verdict(owner, &noted).await["intact"], true);
        // A name is taken out when somebody is erased; that breaks nothing.
        as_owner_of_the_database(&app, "UPDATE audit_entries SET actor_name = '—' WHERE target_id = 'late'").await;
        assert_eq!(verdict(owner, &noted).await["intact"], true);
        // The whole installation's logs, for whoever runs it.
        let told = verify(&app.state, &VerifyArgs::default()).await.unwrap();
        assert!(told.lines().count() >= 2 && told.lines().all(|line| line.contains("intact")), "{told}");
        // The end cut off and linked anew fits together; only what was noted down tells.
        let last = verdict(owner, "").await;
        let end = format!("{}:{}", last["position"], last["hash"].as_str().unwrap());
        as_owner_of_the_database(&app, &format!("DELETE FROM audit_links WHERE position = {} AND entry_id IN (SELECT id FROM audit_entries WHERE target_id = 'late')", last["position"])).await;
        as_owner_of_the_database(&app, "DELETE FROM audit_entries WHERE target_id = 'late'").await;
        assert_eq!(verdict(owner, "").await["intact"], true);
        assert_eq!(verdict(owner, &end).await["broken"]["fault"], "link_missing");
        // Removed in the middle: with its link, and without.
        let second = entries(owner, "?limit=100").await.into_iter().find(|entry| entry["link"]["position"] == 2).unwrap();
        let hash = second["link"]["hash"].as_str().unwrap().to_owned();
        let entry = format!("DELETE FROM audit_entries WHERE id IN (SELECT entry_id FROM audit_links WHERE hash = '{hash}')");
        as_owner_of_the_database(&app, &entry).await;
        assert_eq!(verdict(owner, "").await["broken"], json!({ "position": 2, "fault": "entry_missing", "entry_id": second["id"] }));
        as_owner_of_the_database(&app, &format!("DELETE FROM audit_links WHERE hash = '{hash}'")).await;
        assert_eq!(verdict(owner, "").await["broken"]["fault"], "link_missing");
        let tenant = owner.get("/api/v1/me", 200).await.text("/tenant/id");
        let refused = verify(&app.state, &VerifyArgs { tenant: Some(tenant), head: None }).await.unwrap_err().to_string();
        assert!(refused.contains("BROKEN at 2: link_missing"), "{refused}");
        owner.post(VERIFY, &json!({ "head": "1:short" }), 422).await;
        provider.reviewer.post(VERIFY, &json!({}), 403).await;
        app.stop().await;
    }

    async fn business_does_not_wait_for_the_chain(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let ctx = context(&app, &provider.owner).await;
        // On SQLite writers are alone by its nature.
        if app.db.backend() == Backend::Postgres {
            let mut one = app.state.db.begin(&ctx).await.unwrap();
            audit_append(&mut one, AuditAction::StaffInvited, "user", "one", json!({})).await.unwrap();
            let mut two = app.state.db.begin(&ctx).await.unwrap();
            audit_append(&mut two, AuditAction::StaffInvited, "user", "two", json!({})).await.unwrap();
            two.commit().await.unwrap();
            // Linked while the first is still open; it is linked when it is there.
            assert_eq!(verdict(&provider.owner, "").await["intact"], true);
            assert!(entries(&provider.owner, "?target=one").await.is_empty());
            one.commit().await.unwrap();
        }
        assert_eq!(verdict(&provider.owner, "").await["intact"], true);
        let unlinked = entries(&provider.owner, "?limit=100").await.into_iter().filter(|entry| entry["link"].is_null());
        assert_eq!(unlinked.count(), 0);
        app.stop().await;
    }

    async fn the_log_is_taken_along_as_a_file(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let owner = &provider.owner;
        let ctx = context(&app, owner).await;
        let mut tx = app.state.db.begin(&ctx).await.unwrap();
        for count in 0..250 {
            let target = if count == 0 { "=1+1".to_owned() } else { format!("thing-{count}") };
            audit_append(&mut tx, AuditAction::StaffInvited, "user", &target, json!({ "say": "\"a\",\nb" })).await.unwrap();
        }
        tx.commit().await.unwrap();
        let export = "/api/v1/audit_entries/export";
        let lines = owner.get(&format!("{export}?action=staff.invited"), 200).await;
        let lines: Vec<Value> = lines.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 250);
        assert_eq!(lines[0]["actor"]["kind"], "system");
        let csv = owner.get(&format!("{export}?format=csv&action=staff.invited"), 200).await;
        assert!(csv.headers["content-type"].to_str().unwrap().starts_with("text/csv"));
        assert!(csv.headers["content-disposition"].to_str().unwrap().contains("audit.csv"));
        assert!(csv.body.trim_start_matches('\u{feff}').starts_with("at,tenant,id,"), "{}", csv.body.lines().next().unwrap());
        assert!(csv.body.contains(",'=1+1,") && !csv.body.contains(",=1+1,"));
        assert_eq!(csv.body.matches("thing-").count(), 249);
        owner.get(&format!("{export}?format=xlsx"), 422).await;
        provider.reviewer.get(export, 403).await;
        assert_eq!(entries(owner, "?action=audit.exported").await.len(), 2);
        app.stop().await;
    }

    async fn the_page_of_the_log_does_the_same(db: TestDb) {
        let app = TestApp::start(db).await;
        app.onboarded_provider("qianshan").await;
        let mut owner = Browser::new(&app.base_url);
        owner.open("/console/login?lang=zh", 200).await;
        owner.submit("/console/login", &[("email", EMAIL), ("password", PASSWORD)], 200).await;
        let at = "/console/provider/audit";
        let page = owner.open(at, 200).await;
        assert!(page.contains("王掌柜") && page.contains("登录") && page.contains("人员"), "{page}");
        assert!(owner.open(&format!("{at}?actor=nobody-of-this-name"), 200).await.contains("没有找到记录"));
        assert!(owner.open(&format!("{at}?action=session.start&from=2026-03-02&until=2026-03-02"), 200).await.contains("王掌柜"));
        assert!(owner.open(&format!("{at}?from=2026-03-03"), 200).await.contains("没有找到记录"));
        owner.open(at, 200).await;
        let looked = owner.submit(&format!("{at}/verify"), &[("head", "")], 200).await;
        assert!(looked.contains("校验通过"), "{looked}");
        assert!(owner.submit(&format!("{at}/verify"), &[("head", "x")], 422).await.contains("64 位十六进制"));
        as_owner_of_the_database(&app, "UPDATE audit_entries SET detail = '{}' WHERE action = 'provider.created'").await;
        owner.open(at, 200).await;
        let looked = owner.submit(&format!("{at}/verify"), &[("head", "")], 200).await;
        assert!(looked.contains("校验未通过") && looked.contains("已被改动"), "{looked}");
        assert!(owner.open(&format!("{at}/export?format=csv"), 200).await.contains("session.start"));
        app.stop().await;
    }
}
