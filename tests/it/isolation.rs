//! Who gets in, over every operation there is: the route table is the list, so a new operation takes part by being
//! registered.

use qianpu_api::http::extract::Access;
use qianpu_api::http::route::{Entry, Routes};
use qianpu_domain::access::{Permission, Role, Surface, allows};
use qianpu_domain::custom_role::{StaffRole, grantable};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::store::custom_role::custom_role_insert;
use qianpu_tenants::store::tenant::{StateChange, TenantState, tenant_change_state};
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::http::Client;
use qianpu_tests::rows;

/// Operations that end the session of whoever calls them, so that each call needs a person of its own.
const ENDS_THE_SESSION: &[&str] = &["log_out"];

fn guarded(routes: &Routes) -> impl Iterator<Item = (&Entry, Permission)> {
    routes.entries().iter().filter_map(|entry| match entry.access {
        Access::Needs(permission) => Some((entry, permission)),
        Access::Public | Access::Buyer => None,
    })
}

/// Operations of a shop's buyers.
fn of_buyers(routes: &Routes) -> impl Iterator<Item = &Entry> {
    routes.entries().iter().filter(|entry| entry.access == Access::Buyer)
}

/// Operations that somebody has to be known for, whoever it is.
fn closed(routes: &Routes) -> impl Iterator<Item = &Entry> {
    routes.entries().iter().filter(|entry| entry.access != Access::Public)
}

/// API operations have a summary, pages have none.
fn is_api(entry: &Entry) -> bool {
    entry.summary.is_some()
}

/// The path with something that looks like an id in place of each parameter.
fn with_unknown_ids(entry: &Entry) -> String {
    let mut path = String::new();
    let mut rest = entry.path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        path.push_str("xxx_0000000000007000800000000000ffff");
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    path + rest
}

both! {
    async fn without_a_token_nobody_gets_in(db: TestDb) {
        let app = TestApp::start(db).await;
        let routes = qianpu_api::http::routes();
        let mut wrong = Vec::new();
        for entry in closed(&routes) {
            let path = with_unknown_ids(entry);
            for caller in [app.anonymous(), app.anonymous().with_token("eyJhbGciOiJub25lIn0.e30.")] {
                let answer = caller.try_send(entry.method.as_str().parse().unwrap(), &path, None, &[]).await;
                // A person who is not logged in is sent to the log-in page; a program is told.
                let sent_away = !is_api(entry) && (300..400).contains(&answer.status);
                if answer.status != 401 && !sent_away {
                    wrong.push(format!("{} {}: {}", entry.method, entry.path, answer.status));
                }
            }
        }
        assert!(wrong.is_empty(), "answered without a token:\n{}", wrong.join("\n"));
        app.stop().await;
    }

    /// Buyers are not staff and staff are not buyers: each other's tokens are worth as much as none.
    async fn a_buyer_is_nobody_in_the_consoles_and_staff_are_nobody_as_buyers(db: TestDb) {
        let goods = qianpu_tests::goods::Goods::start(db).await;
        let app = &goods.app;
        let buyer = crate::buyers::buyer(app, &goods.slug, crate::buyers::PHONE).await;
        let routes = qianpu_api::http::routes();
        let mut wrong = Vec::new();
        let mut tried = 0;
        for (entry, _) in guarded(&routes) {
            let answer = buyer.try_send(entry.method.as_str().parse().unwrap(), &with_unknown_ids(entry), None, &[]).await;
            let sent_away = !is_api(entry) && (300..400).contains(&answer.status);
            if answer.status != 401 && !sent_away {
                wrong.push(format!("a buyer at {} {}: {}", entry.method, entry.path, answer.status));
            }
            tried += 1;
        }
        let operator = app.operator().await;
        for role in Role::ALL {
            let at = match role.surface() {
                Surface::Operator => &operator,
                Surface::Provider => &goods.provider,
                Surface::Merchant => &goods.merchant,
            };
            let client = app.person(at, *role).await;
            for entry in of_buyers(&routes) {
                let path = with_unknown_ids(entry).replacen("xxx_0000000000007000800000000000ffff", &goods.slug, 1);
                let answer = client.try_send(entry.method.as_str().parse().unwrap(), &path, None, &[]).await;
                let sent_away = !is_api(entry) && (300..400).contains(&answer.status);
                if answer.status != 401 && !sent_away {
                    wrong.push(format!("{} at {} {}: {}", role.as_str(), entry.method, entry.path, answer.status));
                }
                tried += 1;
            }
        }
        assert!(wrong.is_empty(), "somebody else's token is good:\n{}", wrong.join("\n"));
        assert!(tried > 300, "{tried} operations were tried");
        goods.app.stop().await;
    }

    async fn a_role_gets_in_exactly_where_the_policy_says(db: TestDb) {
        let app = TestApp::start(db).await;
        let operator = app.operator().await;
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "甲商家").await;
        let at = |role: Role| match role.surface() {
            Surface::Operator => &operator,
            Surface::Provider => &provider,
            Surface::Merchant => &merchant,
        };
        let routes = qianpu_api::http::routes();
        let mut wrong = Vec::new();
        for role in Role::ALL {
            let client = app.person(at(*role), *role).await;
            for (entry, permission) in guarded(&routes).filter(|(entry, _)| is_api(entry)) {
                let outcome = try_role(&app, at(*role), *role, &client, entry).await;
                let expected = allows(*role, permission);
                if outcome != expected {
                    let verb = if expected { "is refused" } else { "gets in" };
                    wrong.push(format!("{} {verb} at {} {}", role.as_str(), entry.method, entry.path));
                }
            }
        }
        assert!(wrong.is_empty(), "not as the policy says:\n{}", wrong.join("\n"));
        app.stop().await;
    }

    /// The same for roles that a tenant makes: of all its owner holds, one role with every second permission and one
    /// with the others, so that each operation is once open and once closed.
    async fn a_role_of_ones_own_gets_in_exactly_where_it_says(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "甲商家").await;
        let routes = qianpu_api::http::routes();
        let mut wrong = Vec::new();
        for at in [&provider, &merchant] {
            let all: Vec<Permission> = grantable(at.kind()).iter().collect();
            for half in 0..2 {
                let permissions: PermissionSet = all.iter().skip(half).step_by(2).copied().collect();
                let mut tx = app.state.db.begin(at).await.unwrap();
                let role = custom_role_insert(&mut tx, &format!("角色 {half}"), permissions).await.unwrap();
                tx.commit().await.unwrap();
                for (entry, permission) in guarded(&routes).filter(|(entry, _)| is_api(entry)) {
                    // A person of its own for each: a role that manages people may change what it can do.
                    let client = app.person(at, StaffRole::Custom(role.clone())).await;
                    let path = with_unknown_ids(entry);
                    let answer = client.try_send(entry.method.as_str().parse().unwrap(), &path, None, &[]).await;
                    assert_ne!(answer.status, 401, "{} {}", entry.method, entry.path);
                    let outcome = !(answer.status == 403 && answer.code() == "forbidden");
                    if outcome != (permission.is_everyones() || permissions.contains(permission)) {
                        wrong.push(format!("{permissions:?} at {} {}: {outcome}", entry.method, entry.path));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "not as the role says:\n{}", wrong.join("\n"));
        app.stop().await;
    }

    /// A suspended tenant's people see everything and change nothing: each operation, with each role.
    async fn a_suspended_tenant_changes_nothing(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "甲商家").await;
        suspend(&app, &provider).await;
        suspend(&app, &merchant).await;
        let routes = qianpu_api::http::routes();
        let mut wrong = Vec::new();
        for role in Role::ALL.iter().filter(|role| role.surface() != Surface::Operator) {
            let at = if role.surface() == Surface::Provider { &provider } else { &merchant };
            let client = app.person(at, *role).await;
            let before = rows::stored(&app.db, None).await;
            for (entry, permission) in guarded(&routes) {
                let allowed = allows(*role, permission);
                // Looking after one's own log-in, taking one's data and going may be done by whoever is stopped.
                let changes = entry.method.as_str() != "GET" && !permission.works_while_suspended();
                if !changes {
                    continue;
                }
                let expected = if allowed { "tenant_suspended" } else { "forbidden" };
                let path = with_unknown_ids(entry);
                let answer = client.try_send(entry.method.as_str().parse().unwrap(), &path, None, &[]).await;
                let code = if is_api(entry) { answer.code() } else { expected.to_owned() };
                if answer.status != 403 || code != expected {
                    wrong.push(format!("{} at {} {}: {} {code}", role.as_str(), entry.method, entry.path, answer.status));
                }
            }
            // Reading goes on, and says where the tenant stands.
            assert_eq!(client.get("/api/v1/me", 200).await.text("/tenant/state"), "suspended");
            rows::assert_unchanged(&before, &rows::stored(&app.db, None).await, role.as_str());
        }
        assert!(wrong.is_empty(), "not as for a suspended tenant:\n{}", wrong.join("\n"));
        app.stop().await;
    }
}

async fn suspend(app: &TestApp, at: &TenantCtx) {
    let mut tx = app.state.db.begin(at).await.unwrap();
    let change = StateChange {
        from: TenantState::Active,
        to: TenantState::Suspended,
        reason: Some("未续费"),
        stops_merchants: false,
    };
    tenant_change_state(&mut tx, &change).await.unwrap();
    tx.commit().await.unwrap();
}

/// Whether the role gets past the gate; what happens behind it (a missing row, a missing body) does not matter here.
async fn try_role(app: &TestApp, at: &TenantCtx, role: Role, client: &Client, entry: &Entry) -> bool {
    let own;
    let client = if ENDS_THE_SESSION.contains(&entry.id) {
        own = app.person(at, role).await;
        &own
    } else {
        client
    };
    let path = with_unknown_ids(entry);
    let answer = client.try_send(entry.method.as_str().parse().unwrap(), &path, None, &[]).await;
    assert_ne!(answer.status, 401, "{} is logged in at {} {}", role.as_str(), entry.method, entry.path);
    assert!(answer.status < 500, "{} {}: {} {}", entry.method, entry.path, answer.status, answer.body);
    !(answer.status == 403 && answer.code() == "forbidden")
}
