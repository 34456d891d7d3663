//! Every operation of a channel under one type, with ordinary input.

use qianpu_domain::money::Fen;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{
    Acceptance, AcceptanceStep, AccessToken, AccountCredentials, Answer, AppCredentials, AppSetting,
    ArticleDraft, ArticleRefs, CaseKind, CaseRef, Channel, ChannelError, Context, DisputeEvidence,
    EvidenceKind, LinkRequest, LiveDay, Locale, Menu, MenuAction, MenuButton, OutgoingMessage, Parcel,
    ParcelLine, Picture, ProductDraft, PublishedRefs, Refusal, Request, Secret, SendOutcome, Shipment,
    ShowcaseRef, SkuDraft, Spec, Step, StockLevel, TimeWindow, Turn, WantedCode,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Stands in every secret of the sample credentials.
pub(crate) const MARK: &str = "qianpu-conformance-secret";

/// A finished value, reduced to what the rules ask.
pub(crate) struct Finished {
    /// JSON of the value, when it has a JSON form.
    pub(crate) value: Option<Value>,
    /// Whether it says of itself that something is left to do.
    pub(crate) unfinished: bool,
}

pub(crate) type Reduced = Result<Step<Finished>, ChannelError>;
type Start<'a> = Box<dyn Fn(&Context<'_>) -> Reduced + 'a>;
type Resume<'a> = Box<dyn Fn(&Context<'_>, &[u8], &[Answer]) -> Reduced + 'a>;

pub(crate) struct Probe<'a> {
    pub(crate) name: &'static str,
    pub(crate) start: Start<'a>,
    pub(crate) resume: Resume<'a>,
}

pub(crate) struct Sample {
    pub(crate) app: AppCredentials,
    pub(crate) account: AccountCredentials,
    pub(crate) settings: Value,
}

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

impl Sample {
    /// Of an account linked through an app, or directly.
    pub(crate) fn new(direct: bool, settings: &[AppSetting]) -> Self {
        let secret = |name: &str| Secret::new(format!("{MARK}-{name}"));
        let token =
            |name: &str| Some(AccessToken { value: secret(name), expires_at: NOW.plus(Span::hours(1)) });
        Self {
            app: AppCredentials {
                app_id: "wxapp".to_owned(),
                secret: secret("app-secret"),
                ticket: Some(secret("ticket")),
                access_token: token("app-token"),
            },
            account: AccountCredentials {
                external_id: "wxaccount".to_owned(),
                secret: direct.then(|| secret("account-secret")),
                access_token: token("account-token"),
                refresh_token: (!direct).then(|| secret("refresh-token")),
            },
            settings: settings.iter().map(|setting| (setting.name.to_owned(), Value::from("1000"))).collect(),
        }
    }
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            now: NOW,
            nonce: "00112233445566778899aabbccddeeff",
            app: Some(&self.app),
            account: Some(&self.account),
            settings: &self.settings,
            locale: Locale::Zh,
        }
    }
}

fn draft() -> ProductDraft {
    let picture = |name: &str| Picture { url: format!("https://shop.example/{name}.png"), asset: None };
    ProductDraft {
        out_product_id: "prd_1".to_owned(),
        title: "千铺测试商品".to_owned(),
        short_title: None,
        pictures: vec![picture("cover")],
        description: "说明".to_owned(),
        description_pictures: vec![picture("detail")],
        category_path: vec!["1".to_owned(), "2".to_owned(), "3".to_owned()],
        attributes: BTreeMap::new(),
        brand_id: None,
        freight_template_id: None,
        weight_grams: Some(500),
        skus: vec![SkuDraft {
            out_sku_id: "sku_1".to_owned(),
            specs: vec![Spec { name: "颜色".to_owned(), value: "红".to_owned() }],
            price: Fen::new(12_800),
            market_price: None,
            stock: 10,
            code: None,
            barcode: None,
            picture: None,
        }],
    }
}

fn refs() -> PublishedRefs {
    PublishedRefs {
        product_id: Some("1001".to_owned()),
        skus: BTreeMap::from([("sku_1".to_owned(), "2001".to_owned())]),
        ..PublishedRefs::default()
    }
}

pub(crate) fn json<T: serde::Serialize>(turn: Turn<T>, unfinished: impl Fn(&T) -> bool) -> Reduced {
    turn.map(|step| {
        step.map(|value| Finished {
            unfinished: unfinished(&value),
            value: serde_json::to_value(&value).ok(),
        })
    })
}

pub(crate) fn opaque<T>(turn: Turn<T>) -> Reduced {
    turn.map(|step| step.map(|_| Finished { value: None, unfinished: false }))
}

/// Every operation the channel has.
pub(crate) fn probes(channel: &dyn Channel) -> Vec<Probe<'_>> {
    let mut probes: Vec<Probe<'_>> = Vec::new();
    macro_rules! probe {
        ($name:literal, $start:expr, $resume:expr) => {
            probes.push(Probe { name: $name, start: Box::new($start), resume: Box::new($resume) })
        };
    }
    if let Some(app) = channel.app() {
        let kind = channel.info().kinds.first().map_or("", |kind| kind.code).to_owned();
        let request = LinkRequest {
            kind,
            redirect_uri: "https://shop.example/back?s=1".to_owned(),
            state: "1".to_owned(),
            external_id: None,
        };
        let has_token = channel.info().app_shape.style.has_token();
        if has_token {
            probe!("app.request_ticket", |c| opaque(app.request_ticket(c)), |c, s, a| opaque(
                app.resume_request_ticket(c, s, a)
            ));
            probe!("app.token", |c| opaque(app.app_token(c)), |c, s, a| opaque(
                app.resume_app_token(c, s, a)
            ));
        }
        probe!("app.begin_link", move |c| opaque(app.begin_link(c, &request)), |c, s, a| opaque(
            app.resume_begin_link(c, s, a)
        ));
        probe!(
            "app.complete_link",
            |c| opaque(app.complete_link(c, &Secret::new(format!("{MARK}-code")))),
            |c, s, a| opaque(app.resume_complete_link(c, s, a))
        );
        if has_token {
            probe!(
                "app.authorised_accounts",
                |c| opaque(app.authorised_accounts(c, None)),
                |c, s, a| opaque(app.resume_authorised_accounts(c, s, a))
            );
            probe!(
                "app.authorised_profile",
                |c| json(app.authorised_profile(c, "wxaccount"), |_| false),
                |c, s, a| json(app.resume_authorised_profile(c, s, a), |_| false)
            );
        }
    }
    if let Some(auth) = channel.auth() {
        probe!("account.refresh", |c| opaque(auth.refresh(c)), |c, s, a| opaque(
            auth.resume_refresh(c, s, a)
        ));
    }
    if let Some(sign_in) = channel.sign_in() {
        probe!(
            "person.sign_in",
            |c| opaque(sign_in.person(c, &Secret::new(format!("{MARK}-code")))),
            |c, s, a| opaque(sign_in.resume_person(c, s, a))
        );
    }
    if let Some(account) = channel.account() {
        probe!("account.profile", |c| json(account.profile(c), |_| false), |c, s, a| json(
            account.resume_profile(c, s, a),
            |_| false
        ));
    }
    if let Some(catalog) = channel.catalog() {
        let left = |published: &qianpu_sdk::Published| published.unfinished.is_some();
        probe!(
            "product.publish",
            move |c| json(catalog.publish(c, &draft(), &PublishedRefs::default()), left),
            move |c, s, a| json(catalog.resume_publish(c, s, a), left)
        );
        probe!(
            "product.publish (again)",
            move |c| json(catalog.publish(c, &draft(), &refs()), left),
            move |c, s, a| { json(catalog.resume_publish(c, s, a), left) }
        );
        probe!("product.fetch", |c| json(catalog.fetch(c, "1001"), |_| false), |c, s, a| json(
            catalog.resume_fetch(c, s, a),
            |_| false
        ));
        probe!("product.list", |c| json(catalog.list(c, "1001"), |_| false), |c, s, a| json(
            catalog.resume_list(c, s, a),
            |_| false
        ));
        probe!("product.delist", |c| json(catalog.delist(c, "1001"), |_| false), |c, s, a| json(
            catalog.resume_delist(c, s, a),
            |_| false
        ));
    }
    if let Some(stock) = channel.stock() {
        let levels = [StockLevel { out_sku_id: "sku_1".to_owned(), quantity: 3 }];
        let left =
            |outcomes: &Vec<qianpu_sdk::StockOutcome>| outcomes.iter().any(|outcome| outcome.error.is_some());
        probe!("stock.set", move |c| json(stock.set_stock(c, &refs(), &levels), left), move |c, s, a| json(
            stock.resume_set_stock(c, s, a),
            left
        ));
    }
    if let Some(orders) = channel.orders() {
        let window = TimeWindow { from: NOW.minus(Span::hours(1)), to: NOW };
        probe!("order.list", move |c| json(orders.list_changed(c, window, None), |_| false), |c, s, a| json(
            orders.resume_list_changed(c, s, a),
            |_| false
        ));
        probe!("order.fetch", |c| json(orders.fetch(c, "3001"), |_| false), |c, s, a| json(
            orders.resume_fetch(c, s, a),
            |_| false
        ));
    }
    if let Some(reveal) = channel.reveal() {
        probe!("order.reveal", |c| opaque(reveal.receiver(c, "3001")), |c, s, a| opaque(
            reveal.resume_receiver(c, s, a)
        ));
    }
    if let Some(messaging) = channel.messaging() {
        let message = OutgoingMessage::Text { text: "您好".to_owned() };
        let unsure = |outcome: &SendOutcome| *outcome == SendOutcome::Unknown;
        probe!(
            "message.send",
            move |c| json(messaging.send(c, "oPerson", &message), unsure),
            move |c, s, a| { json(messaging.resume_send(c, s, a), unsure) }
        );
    }
    if let Some(menu) = channel.menu() {
        probe!("menu.fetch", |c| json(menu.fetch(c), |_| false), |c, s, a| json(
            menu.resume_fetch(c, s, a),
            |_| false
        ));
        let action = Some(MenuAction::View { url: "https://shop.example/".to_owned() });
        let button = MenuButton { name: "店铺".to_owned(), action, below: Vec::new() };
        let wanted = Menu { buttons: vec![button] };
        probe!("menu.publish", move |c| opaque(menu.publish(c, &wanted)), |c, s, a| opaque(
            menu.resume_publish(c, s, a)
        ));
    }
    if let Some(codes) = channel.codes() {
        let wanted = WantedCode { scene: "door".to_owned(), seconds: Some(60) };
        probe!("code.make", move |c| json(codes.make(c, &wanted), |_| false), |c, s, a| json(
            codes.resume_make(c, s, a),
            |_| false
        ));
    }
    if let Some(content) = channel.content() {
        let draft = ArticleDraft {
            title: "新茶".to_owned(),
            author: String::new(),
            digest: String::new(),
            content: "<p>上市</p>".to_owned(),
            source_url: None,
            cover: "cover".to_owned(),
            product_id: None,
        };
        let refs = ArticleRefs::default();
        probe!("article.save", move |c| json(content.save_draft(c, &draft, &refs), |_| false), |c, s, a| {
            json(content.resume_save_draft(c, s, a), |_| false)
        });
        probe!("article.submit", |c| json(content.submit(c, "draft"), |_| false), |c, s, a| json(
            content.resume_submit(c, s, a),
            |_| false
        ));
        probe!("article.publishing", |c| json(content.publishing(c, "1"), |_| false), |c, s, a| json(
            content.resume_publishing(c, s, a),
            |_| false
        ));
    }
    if let Some(showcase) = channel.showcase() {
        probe!("showcase.list", |c| json(showcase.list(c, None), |_| false), |c, s, a| json(
            showcase.resume_list(c, s, a),
            |_| false
        ));
        let item = ShowcaseRef { product_id: "1001".to_owned(), source_id: "wxshop".to_owned() };
        let same = item.clone();
        probe!("showcase.add", move |c| json(showcase.add(c, &item), |_| false), |c, s, a| json(
            showcase.resume_add(c, s, a),
            |_| false
        ));
        probe!("showcase.remove", move |c| json(showcase.remove(c, &same), |_| false), |c, s, a| json(
            showcase.resume_remove(c, s, a),
            |_| false
        ));
    }
    if let Some(live) = channel.live() {
        probe!("live.now", |c| json(live.now(c), |_| false), |c, s, a| json(
            live.resume_now(c, s, a),
            |_| false
        ));
        let day = LiveDay { year: 2024, month: 6, day: 12 };
        probe!("live.day", move |c| json(live.day(c, &day), |_| false), |c, s, a| json(
            live.resume_day(c, s, a),
            |_| false
        ));
    }
    if let Some(leads) = channel.leads() {
        let window = TimeWindow { from: NOW.minus(Span::hours(1)), to: NOW };
        probe!("lead.forms", |c| json(leads.forms(c, None), |_| false), |c, s, a| json(
            leads.resume_forms(c, s, a),
            |_| false
        ));
        probe!("lead.list", move |c| opaque(leads.leads(c, "6001", window, None)), |c, s, a| opaque(
            leads.resume_leads(c, s, a)
        ));
    }
    if let Some(fulfilment) = channel.fulfilment() {
        probe!("carrier.list", |c| json(fulfilment.carriers(c), |_| false), |c, s, a| json(
            fulfilment.resume_carriers(c, s, a),
            |_| false
        ));
        let lines =
            vec![ParcelLine { product_id: "1001".to_owned(), sku_id: "2001".to_owned(), quantity: 1 }];
        let parcel = Parcel { carrier_id: "SF".to_owned(), waybill: "SF1".to_owned(), lines };
        let shipment = Shipment { order_id: "3001".to_owned(), parcels: vec![parcel] };
        probe!("order.ship", move |c| json(fulfilment.ship(c, &shipment), |_| false), |c, s, a| json(
            fulfilment.resume_ship(c, s, a),
            |_| false
        ));
    }
    if let Some(aftersale) = channel.aftersale() {
        let window = TimeWindow { from: NOW.minus(Span::hours(1)), to: NOW };
        let case = CaseRef {
            case_id: "4001".to_owned(),
            kind: CaseKind::ReturnRefund,
            native_state: "6".to_owned(),
            updated_at: NOW,
        };
        probe!("aftersale.list", move |c| json(aftersale.list(c, window, None), |_| false), |c, s, a| json(
            aftersale.resume_list(c, s, a),
            |_| false
        ));
        probe!("aftersale.fetch", |c| json(aftersale.fetch(c, "4001"), |_| false), |c, s, a| json(
            aftersale.resume_fetch(c, s, a),
            |_| false
        ));
        let of = case.clone();
        probe!("aftersale.choices", move |c| json(aftersale.choices(c, &of), |_| false), |c, s, a| json(
            aftersale.resume_choices(c, s, a),
            |_| false
        ));
        let acceptance = Acceptance {
            case: case.clone(),
            step: AcceptanceStep::Agree,
            address_id: Some("5001".to_owned()),
            parcel: None,
        };
        probe!("aftersale.accept", move |c| json(aftersale.accept(c, &acceptance), |_| false), |c, s, a| {
            json(aftersale.resume_accept(c, s, a), |_| false)
        });
        let refusal = Refusal { case, reason_code: "4".to_owned(), words: "请先收货".to_owned() };
        probe!("aftersale.refuse", move |c| json(aftersale.refuse(c, &refusal), |_| false), |c, s, a| json(
            aftersale.resume_refuse(c, s, a),
            |_| false
        ));
    }
    if let Some(disputes) = channel.disputes() {
        let evidence = DisputeEvidence {
            case_id: "4001".to_owned(),
            dispute_id: "6001".to_owned(),
            kind: EvidenceKind::Proof,
            words: "已按约定发货".to_owned(),
            pictures: Vec::new(),
            known: 0,
        };
        probe!("dispute.answer", move |c| json(disputes.answer(c, &evidence), |_| false), |c, s, a| json(
            disputes.resume_answer(c, s, a),
            |_| false
        ));
    }
    probes.extend(crate::shop_probes::probes(channel));
    probes.extend(crate::promotion_probes::probes(channel));
    probes.extend(crate::qualification_probes::probes(channel));
    probes.extend(crate::guarantee_probes::probes(channel));
    probes.extend(crate::quota_probes::probes(channel));
    probes.extend(crate::analytics_probes::probes(channel));
    probes.extend(crate::alliance_probes::probes(channel));
    probes.extend(crate::fan_probes::probes(channel));
    probes
}

/// All requests of a step.
pub(crate) fn requests<T>(step: &Step<T>) -> &[Request] {
    match step {
        Step::Call { requests, .. } => requests,
        Step::Wait { .. } | Step::Done(_) => &[],
    }
}
