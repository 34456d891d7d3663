//! Every operation of the API with everybody who may not call it: what they are told, and that nothing has changed in
//! the whole database. The calls are well formed and name rows that exist, so that only the gate is in the way.
//! Those of other tenants are in `two_tenants`.

use crate::two_tenants::{Stage, ask, fill, stage, value_or};
use qianpu_api::auth::token::{self, Claims};
use qianpu_api::http::extract::Access;
use qianpu_api::http::route::{Entry, Routes};
use qianpu_domain::access::{Permission, Role, Surface, allows};
use qianpu_domain::time::Span;
use qianpu_tests::both;
use qianpu_tests::http::Client;
use qianpu_tests::{openapi, rows};
use serde_json::Value;

/// The operations behind a gate.
pub fn guarded(routes: &Routes) -> Vec<(&Entry, Permission)> {
    let api = routes.entries().iter().filter(|entry| entry.summary.is_some());
    api.filter_map(|entry| match entry.access {
        Access::Needs(permission) => Some((entry, permission)),
        Access::Public | Access::Buyer => None,
    })
    .collect()
}

/// A well-formed call about the victim's own rows.
async fn call(stage: &Stage, document: &Value, client: &Client, entry: &Entry) -> (u16, String) {
    let body = openapi::body(document, entry.method.as_str(), &entry.path, &|name| {
        value_or(name, stage.foreign(name))
    });
    let path = fill(&entry.path, |name| stage.foreign(name));
    let answer = ask(client, entry, &path, body.as_ref()).await;
    (answer.status, answer.code())
}

/// The roles of the victim's people.
fn own_roles(stage: &Stage) -> impl Iterator<Item = (usize, Role)> {
    let place = |role: &Role| stage.own.iter().position(|ctx| ctx.kind() == role.surface());
    Role::ALL.iter().filter_map(move |role| Some((place(role)?, *role)))
}

both! {
    async fn nobody_without_a_good_token_changes_anything(db: TestDb) {
        let stage = stage(db).await;
        let routes = qianpu_api::http::routes();
        let document = openapi::document(&routes);
        let owner = stage.app.person(&stage.own[0], Role::MerchantOwner).await;
        let claims = token::read(&stage.app.state.keys, owner.token().unwrap(), stage.app.state.clock().now()).unwrap();
        let signed = |claims: &Claims, life| {
            let now = stage.app.state.clock().now();
            owner.with_token(&token::sign(&stage.app.state.keys, claims, now, life).unwrap())
        };
        let elsewhere = Claims { surface: Surface::Provider, ..claims };
        let other_tenant = Claims { tenant: stage.own[1].tenant(), ..claims };
        let mut changed = owner.token().unwrap().to_owned();
        changed.pop();
        let callers = [
            ("nobody", stage.app.anonymous()),
            ("a changed token", owner.with_token(&changed)),
            ("an expired token", signed(&claims, Span::seconds(-1))),
            ("a token for another audience", signed(&elsewhere, Span::minutes(5))),
            ("a token for another tenant", signed(&other_tenant, Span::minutes(5))),
        ];
        owner.get("/api/v1/me", 200).await;
        let before = rows::stored(&stage.app.db, None).await;
        let mut wrong = Vec::new();
        for (entry, _) in guarded(&routes) {
            for (who, client) in &callers {
                let (status, code) = call(&stage, &document, client, entry).await;
                if (status, code.as_str()) != (401, "unauthenticated") {
                    wrong.push(format!("{who} at {} {}: {status} {code}", entry.method, entry.path));
                }
            }
        }
        assert!(wrong.is_empty(), "let in:\n{}", wrong.join("\n"));
        rows::assert_unchanged(&before, &rows::stored(&stage.app.db, None).await, "after calls of nobody");
        stage.app.stop().await;
    }

    async fn who_lacks_the_permission_changes_nothing(db: TestDb) {
        let stage = stage(db).await;
        let routes = qianpu_api::http::routes();
        let document = openapi::document(&routes);
        let mut people = Vec::new();
        for (place, role) in own_roles(&stage).collect::<Vec<_>>() {
            people.push((role, stage.app.person(&stage.own[place], role).await));
        }
        let before = rows::stored(&stage.app.db, None).await;
        let mut wrong = Vec::new();
        let mut refused = 0;
        for (entry, permission) in guarded(&routes) {
            for (role, client) in people.iter().filter(|(role, _)| !allows(*role, permission)) {
                let (status, code) = call(&stage, &document, client, entry).await;
                refused += 1;
                if (status, code.as_str()) != (403, "forbidden") {
                    wrong.push(format!("{} at {} {}: {status} {code}", role.as_str(), entry.method, entry.path));
                }
            }
        }
        assert!(wrong.is_empty(), "let in:\n{}", wrong.join("\n"));
        assert!(refused > guarded(&routes).len(), "only {refused} calls were made");
        rows::assert_unchanged(&before, &rows::stored(&stage.app.db, None).await, "after refused calls");
        stage.app.stop().await;
    }
}
