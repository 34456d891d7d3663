//! One person in several shops of a provider: off by default, by proof only, told, refused, undone, forgotten.

use crate::buyers::{PHONE, buyer};
use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tenants::store::shop::shop_get;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::goods::Goods;
use qianpu_tests::http::Client;
use serde_json::{Value, json};

const SETTINGS: &str = "/api/v1/buyer_settings";

fn me(slug: &str) -> String {
    format!("/api/v1/storefront/{slug}/me")
}

/// A shop of another merchant of the provider.
async fn elsewhere(goods: &Goods) -> (String, Client) {
    let app = &goods.app;
    let merchant = app.merchant(&goods.provider, "山后茶业").await;
    let id = qianpu_tests::stage::shop(app, &merchant, "山后茶铺", "enterprise", ShopState::Trading).await;
    let tx = app.state.db.read(&merchant).await.unwrap();
    let slug = shop_get(&tx, id).await.unwrap().slug;
    (slug, app.person(&merchant, Role::MerchantOwner).await)
}

async fn link(app: &TestApp, own: &Client, slug: &str) -> Value {
    app.run_jobs().await;
    own.get(&me(slug), 200).await.json("/person_link")
}

fn said(enabled: bool, state: &str, shops: u64) -> Value {
    json!({ "enabled": enabled, "state": state, "shops": shops })
}

both! {
    async fn a_person_is_linked_by_proof_told_and_may_refuse(db: TestDb) {
        let goods = Goods::start(db).await;
        let (app, slug) = (&goods.app, goods.slug.as_str());
        let (other, other_owner) = elsewhere(&goods).await;
        let provider = app.person(&goods.provider, Role::ProviderOwner).await;
        // Off by default: nobody is linked, and nobody is told that they are.
        let here = buyer(app, slug, PHONE).await;
        app.advance(61);
        buyer(app, &other, PHONE).await;
        assert_eq!(link(app, &here, slug).await, said(false, "none", 0));
        let settings = provider.get(SETTINGS, 200).await;
        assert_eq!((settings.json("/person_links"), settings.number("/linked_buyers")), (json!(false), 0));
        // On: whoever signs in from now on is.
        provider.put(SETTINGS, &json!({ "erasure_days": 7, "person_links": true }), 200).await;
        app.advance(61);
        let here = buyer(app, slug, PHONE).await;
        assert_eq!(link(app, &here, slug).await, said(true, "linked", 1));
        app.advance(61);
        let there = buyer(app, &other, PHONE).await;
        assert_eq!(link(app, &there, &other).await, said(true, "linked", 2));
        app.advance(61);
        let stranger = buyer(app, &other, "13900000001").await;
        assert_eq!(link(app, &stranger, &other).await, said(true, "linked", 1));
        assert_eq!(provider.get(SETTINGS, 200).await.number("/linked_buyers"), 2, "the stranger is alone");
        // A merchant sees that there is a link and nothing of the other shop; the export says it.
        let id = here.get(&me(slug), 200).await.text("/id");
        let seen = goods.owner.get(&format!("/api/v1/buyers/{id}"), 200).await;
        assert_eq!(seen.text("/person_link"), "linked");
        let there_id = there.get(&me(&other), 200).await.text("/id");
        assert!(!seen.body.contains(&there_id), "{}", seen.body);
        goods.owner.get(&format!("/api/v1/buyers/{there_id}"), 404).await;
        let alone = stranger.get(&me(&other), 200).await.text("/id");
        assert_eq!(other_owner.get(&format!("/api/v1/buyers/{alone}"), 200).await.text("/person_link"), "none");
        let exported = here.get(&format!("{}/export", me(slug)), 200).await;
        assert_eq!(exported.json("/buyer/person_link"), said(true, "linked", 2));
        // Refused: undone at once, for the other shop too, and signing in again does not bring it back.
        here.put(&format!("{}/person_link", me(slug)), &json!({ "allowed": false }), 200).await;
        assert_eq!(link(app, &here, slug).await, said(true, "refused", 0));
        assert_eq!(link(app, &there, &other).await, said(true, "linked", 1));
        app.advance(61);
        let again = buyer(app, slug, PHONE).await;
        assert_eq!(link(app, &again, slug).await, said(true, "refused", 0));
        assert_eq!(goods.owner.get(&format!("/api/v1/buyers/{id}"), 200).await.text("/person_link"), "refused");
        again.put(&format!("{}/person_link", me(slug)), &json!({ "allowed": true }), 200).await;
        assert_eq!(link(app, &again, slug).await, said(true, "linked", 2));
        // Off forgets everything.
        provider.put(SETTINGS, &json!({ "erasure_days": 7, "person_links": false }), 200).await;
        assert_eq!(provider.get(SETTINGS, 200).await.number("/linked_buyers"), 0);
        assert_eq!(link(app, &again, slug).await, said(false, "none", 0));
        goods.app.stop().await;
    }

    async fn pages_tell_it_and_erasing_forgets_it(db: TestDb) {
        let goods = Goods::start(db).await;
        let (app, slug) = (&goods.app, goods.slug.as_str());
        let provider = app.person(&goods.provider, Role::ProviderOwner).await;
        let home = format!("/s/{slug}/");
        let mut phone = Browser::new(&app.base_url);
        assert!(!phone.open(&format!("{home}sign-in?lang=zh"), 200).await.contains("关联"));
        provider.put(SETTINGS, &json!({ "erasure_days": 0, "person_links": true }), 200).await;
        assert!(phone.open(&format!("{home}sign-in?lang=zh"), 200).await.contains("会关联您在其各店铺的账号"));
        let (other, _) = elsewhere(&goods).await;
        buyer(app, &other, PHONE).await;
        app.advance(61);
        phone.submit(&format!("{home}sign-in/code"), &[("phone", PHONE)], 200).await;
        let code = crate::buyers::code_of(app, PHONE).await;
        let own = phone.submit(&format!("{home}sign-in"), &[("phone", PHONE), ("code", &code)], 200).await;
        assert!(own.contains("跨店关联") && own.contains("拒绝并解除关联"), "{own}");
        app.run_jobs().await;
        assert_eq!(provider.get(SETTINGS, 200).await.number("/linked_buyers"), 2);
        let refused = phone.submit(&format!("{home}account/link"), &[("decision", "refuse")], 200).await;
        assert!(refused.contains("已解除关联") && refused.contains("您已拒绝"), "{refused}");
        app.run_jobs().await;
        assert_eq!(provider.get(SETTINGS, 200).await.number("/linked_buyers"), 0);
        let allowed = phone.submit(&format!("{home}account/link"), &[("decision", "allow")], 200).await;
        assert!(allowed.contains("已允许关联"), "{allowed}");
        app.run_jobs().await;
        assert_eq!(provider.get(SETTINGS, 200).await.number("/linked_buyers"), 2);
        phone.submit(&format!("{home}account/erase"), &[], 200).await;
        app.run_jobs().await;
        app.run_jobs().await;
        assert_eq!(provider.get(SETTINGS, 200).await.number("/linked_buyers"), 0);
        goods.app.stop().await;
    }
}
