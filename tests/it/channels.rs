//! Channels through the host against the platform's stand-in: linking, tokens, publishing, orders, shipping, and
//! what happens when the platform is busy, out of quota or loses answers.

mod bench;

use bench::{Bench, COMPONENT, Memory, Seen, account_ref, now};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Span;
use qianpu_host::{BaseUrl, Host, HostConfig, HostParts, NoAssets};
use qianpu_sdk::*;
use serde_json::json;
use std::sync::Arc;

#[actix_web::test]
async fn a_product_is_published_sold_and_shipped() {
    let bench = Bench::start().await;
    let (account, app_id) = bench.direct_store().await;
    let published = bench.host.publish(&account, &bench.draft(10), &PublishedRefs::default()).await.unwrap();
    assert_eq!((published.unfinished, published.listing.state), (None, ListingState::InAudit));
    assert_eq!((published.refs.skus.len(), published.refs.pictures.len()), (2, 1));
    let refs = published.refs;
    let product_id = refs.product_id.clone().unwrap();

    let audit = bench.hooks.notice(&app_id, PushFormat::Json, NoticeKind::ProductAudit).await;
    assert_eq!(audit.subject_id.as_deref(), Some(product_id.as_str()), "ids above 2^53 survive");
    let listing = bench.listed(&account, &product_id).await;
    assert_eq!(listing.skus, refs.skus);

    let levels = [
        StockLevel { out_sku_id: "sku_0".into(), quantity: 3 },
        StockLevel { out_sku_id: "none".into(), quantity: 1 },
    ];
    let outcomes = bench.host.set_stock(&account, &refs, &levels).await.unwrap();
    let failed: Vec<_> =
        outcomes.iter().filter(|outcome| outcome.error.is_some()).map(|o| o.out_sku_id.as_str()).collect();
    assert_eq!((outcomes.len(), failed), (2, vec!["none"]));

    let order = json!({"appid": app_id, "buyer": "陈先生", "scene": 2, "pay": true,
        "items": [{"product_id": product_id, "sku_id": refs.skus["sku_0"], "quantity": 2}]});
    let order = bench.sandbox.post("orders", &order).await;
    let paid = bench.hooks.notice(&app_id, PushFormat::Json, NoticeKind::OrderPaid).await;
    let order_id = paid.subject_id.unwrap();
    assert_eq!(order["order_id"].as_str(), Some(order_id.as_str()));
    let fetched = bench.host.order(&account, &order_id).await.unwrap();
    assert_eq!(fetched.state, OrderState::Paid);
    assert_eq!((fetched.amounts.total, fetched.amounts.discount), (Fen::new(25_600), Fen::ZERO));
    assert_eq!(fetched.attribution.scene, Scene::Live);
    assert_eq!(fetched.lines[0].out_sku_id.as_deref(), Some("sku_0"));
    let at = fetched.updated_at;
    let window = TimeWindow { from: at.minus(Span::hours(1)), to: at.plus(Span::minutes(1)) };
    let page = bench.host.orders_changed(&account, window, None).await.unwrap();
    assert_eq!((page.items, page.next_cursor), (vec![order_id.clone()], None));

    let carriers = bench.host.carriers(&account).await.unwrap();
    let carrier_id =
        carriers.iter().find(|carrier| carrier.name.contains("顺丰")).unwrap().carrier_id.clone();
    let parcel = Parcel { carrier_id, waybill: "SF1001".into(), lines: vec![] };
    let shipment = Shipment { order_id: order_id.clone(), parcels: vec![parcel] };
    // The answer is lost, the parcel is not: the next try finds it there.
    bench.fault("/channels/ec/order/delivery/send", json!({"errcode": -1, "after": true})).await;
    let error = bench.host.ship(&account, &shipment).await.unwrap_err();
    assert_eq!(error.class_name(), "retry_later");
    let again = bench.host.ship(&account, &shipment).await.unwrap();
    assert!(matches!(again, ShipOutcome::AlreadySent(order) if order.state == OrderState::Shipped));
    bench.sandbox.post(&format!("orders/{order_id}/confirm"), &json!({})).await;
    assert_eq!(bench.host.order(&account, &order_id).await.unwrap().state, OrderState::Completed);

    // Off the shelf, and on again; a new version goes through the audit again.
    assert_eq!(bench.host.delist(&account, &product_id).await.unwrap().state, ListingState::Delisted);
    assert_eq!(bench.host.list(&account, &product_id).await.unwrap().state, ListingState::Listed);
    let mut second = bench.draft(10);
    second.title = "明前龙井 250 克".into();
    let published = bench.host.publish(&account, &second, &refs).await.unwrap();
    assert_eq!(
        (published.refs.product_id.as_deref(), published.unfinished),
        (Some(product_id.as_str()), None)
    );
    assert_eq!(
        (published.listing.state, published.listing.audit),
        (ListingState::Listed, AuditState::Pending)
    );

    let shown = bench.seen.0.lock().unwrap().iter().map(|e| format!("{e:?}")).collect::<String>();
    let token = bench.memory.accounts.lock().unwrap()[&account].credentials.access_token.clone().unwrap();
    assert!(!shown.contains(token.value.expose()), "no token in what the observer sees");
    bench.sandbox.stop().await;
}

#[actix_web::test]
async fn a_shop_is_linked_by_purchase_and_its_tokens_are_kept_fresh() {
    let bench = Bench::start().await;
    let app = bench.app("wechat-store").await;
    let shop = bench.sandbox.post("accounts", &json!({"kind": "store", "nickname": "茶铺"})).await;
    let app_id = shop["appid"].as_str().unwrap().to_owned();
    let request = LinkRequest {
        kind: "wechat_store".into(),
        redirect_uri: "http://127.0.0.1/".into(),
        state: "s".into(),
        external_id: None,
    };
    assert_eq!(bench.host.begin_link(&app, &request).await.unwrap(), LinkInvitation::BuyInMarket);
    bench.sandbox.post("market/buy", &json!({"component_appid": COMPONENT, "appid": app_id})).await;
    let notice = bench.hooks.notice(COMPONENT, PushFormat::Xml, NoticeKind::AccountAuthorized).await;
    assert_eq!(notice.account_external_id.as_deref(), Some(app_id.as_str()));
    let grant = bench.host.complete_link(&app, &notice.secret.unwrap()).await.unwrap();
    assert_eq!(grant.external_id, app_id);
    let profile = bench.host.authorised_profile(&app, &app_id).await.unwrap();
    assert_eq!((profile.kind.as_deref(), profile.name.as_deref()), (Some("wechat_store"), Some("茶铺")));
    let account = account_ref(8, "wechat-store");
    bench.keep(account, app, &grant);
    assert_eq!(bench.host.profile(&account).await.unwrap().active, Some(true));

    // Ten calls find the token ended: one refresh, ten successes.
    bench.sandbox.post("tokens/expire", &json!({"appid": app_id})).await;
    let calls = (0..10).map(|_| bench.host.profile(&account));
    for result in futures_util::future::join_all(calls).await {
        result.unwrap();
    }
    assert_eq!(*bench.memory.stores.lock().unwrap(), 1, "one flight");

    // The app's own token is refused too: it is refreshed on the way.
    bench.sandbox.post("tokens/expire", &json!({"appid": app_id})).await;
    bench.fault("/cgi-bin/component/api_authorizer_token", json!({"errcode": 42001})).await;
    bench.host.profile(&account).await.unwrap();

    // Our refresh token was replaced while we were not looking: the list of grants has the new one.
    bench.sandbox.patch("settings", &json!({"grace_seconds": 0})).await;
    let stale = Secret::from("refreshtoken@@@gone");
    let stored_before = bench.memory.accounts.lock().unwrap()[&account].clone();
    bench.memory.accounts.lock().unwrap().get_mut(&account).unwrap().credentials.refresh_token = Some(stale);
    bench.sandbox.post("tokens/expire", &json!({"appid": app_id})).await;
    bench.host.profile(&account).await.unwrap();
    let recovered = bench.memory.accounts.lock().unwrap()[&account].clone();
    assert_ne!(recovered.credentials.access_token, stored_before.credentials.access_token);

    // The grant is taken back: the merchant has to link again.
    bench.sandbox.post("deauthorize", &json!({"component_appid": COMPONENT, "appid": app_id})).await;
    let gone = bench.hooks.notice(COMPONENT, PushFormat::Xml, NoticeKind::AccountUnauthorized).await;
    assert_eq!(gone.account_external_id.as_deref(), Some(app_id.as_str()));
    let error = bench.host.profile(&account).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Reauthorise, "{error}");
    bench.sandbox.stop().await;
}

#[actix_web::test]
async fn a_public_account_is_linked_by_the_authorisation_link() {
    let bench = Bench::start().await;
    let app = bench.app("wechat-official-account").await;
    let request = LinkRequest {
        kind: "official_account".into(),
        redirect_uri: "http://127.0.0.1/back?s=1".into(),
        state: "s".into(),
        external_id: None,
    };
    let invitation = bench.host.begin_link(&app, &request).await.unwrap();
    let LinkInvitation::Open { desktop_url, mobile_url, .. } = invitation else { panic!("{invitation:?}") };
    assert!(
        desktop_url.starts_with(&format!("{}/cgi-bin/componentloginpage?", bench.sandbox.base_url)),
        "{desktop_url}"
    );
    assert!(
        mobile_url.starts_with(&format!("{}/wxaopen/safe/bindcomponent?", bench.sandbox.base_url)),
        "{mobile_url}"
    );
    let public =
        bench.sandbox.post("accounts", &json!({"kind": "official_account", "nickname": "茶话"})).await;
    let app_id = public["appid"].as_str().unwrap().to_owned();
    let link = reqwest::Url::parse(&desktop_url).unwrap();
    let of = |name: &str| {
        link.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap()
    };
    let decision = json!({"component_appid": of("component_appid"), "pre_auth_code": of("pre_auth_code"),
        "redirect_uri": of("redirect_uri"), "appid": app_id, "approve": true});
    let decided = bench.sandbox.post("authorize", &decision).await;
    assert!(
        decided["redirect_url"].as_str().unwrap().starts_with("http://127.0.0.1/back?s=1&auth_code="),
        "{decided}"
    );
    let notice = bench.hooks.notice(COMPONENT, PushFormat::Xml, NoticeKind::AccountAuthorized).await;
    let grant = bench.host.complete_link(&app, &notice.secret.unwrap()).await.unwrap();
    let profile = bench.host.authorised_profile(&app, &grant.external_id).await.unwrap();
    assert_eq!(profile.kind.as_deref(), Some("official_account"));
    let account = account_ref(9, "wechat-official-account");
    bench.keep(account, app, &grant);
    assert_eq!(bench.host.profile(&account).await.unwrap().kind.as_deref(), Some("official_account"));
    let error = bench.host.order(&account, "1").await.unwrap_err();
    assert_eq!(error.class, ErrorClass::BusinessRefusal, "no capability, no call");
    bench.sandbox.stop().await;
}

#[actix_web::test]
async fn busy_quota_and_lost_answers_lead_to_their_classes() {
    let bench = Bench::start().await;
    let (account, app_id) = bench.direct_store().await;
    let path = "/channels/ec/basics/info/get";

    bench.fault(path, json!({"errcode": -1, "count": 2})).await;
    bench.host.profile(&account).await.unwrap();
    bench.fault(path, json!({"errcode": -1, "count": 3})).await;
    let error = bench.host.profile(&account).await.unwrap_err();
    assert_eq!((error.class_name(), error.remote_code()), ("retry_later", Some("-1")));
    assert!(error.remote.unwrap().rid.is_some());

    bench.fault(path, json!({"errcode": 42001})).await;
    bench.host.profile(&account).await.unwrap();
    bench.fault(path, json!({"errcode": 40001, "count": 2})).await;
    let error = bench.host.profile(&account).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::RetryAfterRefresh, "once, and no more");

    for (code, class) in
        [(45009, "quota"), (45011, "retry_later"), (48001, "reauthorise"), (10_080_001, "fatal")]
    {
        // Often enough for every try: "the next minute" may be so near that the call waits for it.
        bench.fault(path, json!({"errcode": code, "count": 5})).await;
        assert_eq!(bench.host.profile(&account).await.unwrap_err().class_name(), class, "{code}");
        bench.sandbox.delete("faults/calls").await;
        // A used-up quota is remembered, whatever the platform would say now.
        let left_alone = if class == "quota" { class } else { "ok" };
        let again = bench.host.profile(&account).await.map_or_else(|error| error.class_name(), |_| "ok");
        assert_eq!(again, left_alone, "{code}");
        bench.host.forget_call_quotas(&account);
    }
    bench.fault(path, json!({"http_status": 502})).await;
    bench.host.profile(&account).await.unwrap();

    // The product was made, the answer was lost: the next try finds it instead of making a second one.
    bench.fault("/channels/ec/product/add", json!({"errcode": -1, "after": true})).await;
    let first = bench.host.publish(&account, &bench.draft(1), &PublishedRefs::default()).await.unwrap();
    assert!(first.refs.in_doubt && first.refs.product_id.is_none());
    assert_eq!(first.unfinished.unwrap().class_name(), "retry_later");
    let second = bench.host.publish(&account, &bench.draft(1), &first.refs).await.unwrap();
    assert_eq!((second.refs.in_doubt, &second.unfinished), (false, &None));
    let products = bench.sandbox.get(&format!("products?appid={app_id}")).await;
    assert_eq!(products["products"].as_array().unwrap().len(), 1, "{products}");

    // The token ends between two steps: the ids are kept and the rest follows.
    let mut draft = bench.draft(1);
    draft.out_product_id = "prd_0002".into();
    bench.fault("/channels/ec/product/listing", json!({"errcode": 42001})).await;
    let third = bench.host.publish(&account, &draft, &PublishedRefs::default()).await.unwrap();
    assert_eq!((&third.unfinished, &third.listing.state), (&None, &ListingState::InAudit));
    let products = bench.sandbox.get(&format!("products?appid={app_id}")).await;
    assert_eq!(products["products"].as_array().unwrap().len(), 2, "{products}");

    // While a version is in audit no other is sent.
    let fourth = bench.host.publish(&account, &draft, &third.refs).await.unwrap();
    assert_eq!(fourth.unfinished.map(|error| error.class_name()), Some("retry_later"));
    assert!(
        bench
            .calls("product.publish")
            .iter()
            .any(|call| call.ends_with("retry_after_refresh") || call.ends_with("ok"))
    );

    // Wrong secrets are the merchant's to correct.
    let error =
        bench.host.try_direct_link("wechat-store", &app_id, None, &Secret::from("wrong")).await.unwrap_err();
    assert_eq!(error.class_name(), "fix_request", "{error}");
    bench.sandbox.stop().await;
}

#[test]
fn tokens_never_travel_in_the_clear() {
    let host = |url: &str| {
        let base = BaseUrl { channel: None, host: "api".into(), url: reqwest::Url::parse(url).unwrap() };
        Host::new(HostParts {
            vault: Arc::new(Memory::default()),
            assets: Arc::new(NoAssets),
            observer: Arc::new(Seen::default()),
            now: Arc::new(now),
            config: HostConfig { base_urls: vec![base], ..HostConfig::default() },
        })
    };
    for safe in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1", "https://relay.example"] {
        assert!(host(safe).is_ok(), "{safe}");
    }
    for bad in ["http://relay.example", "http://10.0.0.1", "ftp://127.0.0.1", "http://localhost.example"] {
        assert!(host(bad).is_err(), "{bad}");
    }
}
