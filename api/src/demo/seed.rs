//! What the demo holds, made through the public API: three merchants of the three subject kinds, one
//! applicant in the reviewers' queue, goods, a linked shop, orders in several states, and money.

use super::client::{Client, items, text};
use super::manifest::{Login, Manifest, ShopEntry};
use super::merchants::{self, MERCHANTS, MerchantPlan};
use super::{
    aftersales, alliance, buyers, douyin, drift, figures, followers, live, money, pictures, platform,
    programs, promotions, qualifications, scores, shop_desk, staff, webhooks,
};
use crate::app::setup::{self, NewPerson, NewProvider};
use crate::state::AppState;
use anyhow::{Context, anyhow};
use qianpu_domain::access::Role;
use serde_json::{Value, json};

/// Address word of the demo's provider.
const PROVIDER: &str = "yunfan";

/// Who runs the installation.
const OPERATOR: &str = "operator@qianpu.example";

/// The people of the provider.
const STAFF: [(&str, &str, Role); 5] = [
    ("owner@yunfan.example", "林青", Role::ProviderOwner),
    ("review@yunfan.example", "周敏", Role::ProviderReviewer),
    ("finance@yunfan.example", "何穗", Role::ProviderFinance),
    ("dev@yunfan.example", "罗川", Role::ProviderDeveloper),
    ("support@yunfan.example", "方宁", Role::ProviderSupport),
];

/// A merchant that was set up.
pub struct Merchant {
    /// Its owner, logged in.
    pub client: Client,
    /// Public id of its shop.
    pub shop: String,
    /// What it was made from.
    pub plan: &'static MerchantPlan,
    /// Ids of its products that are on sale.
    pub products: Vec<String>,
}

/// Makes everything and answers with what scripts need to know.
pub async fn seed(state: &AppState, sandbox_url: &str) -> anyhow::Result<Manifest> {
    let base_url = state.config.app.public_url.clone();
    let password = format!("demo-{}", &qianpu_tenants::random::token()[..10]);
    let mut manifest =
        Manifest { base_url: base_url.clone(), sandbox_url: sandbox_url.to_owned(), ..Manifest::default() };
    create_provider(state, &password, &mut manifest).await?;
    let visitor = Client::anonymous(&base_url)?;
    operator(state, &visitor, &password, &mut manifest).await.context("the operator")?;
    let owner = visitor.log_in(STAFF[0].0, &password).await?;
    brand(&owner).await.context("the brand")?;
    let reviewer = visitor.log_in(STAFF[1].0, &password).await?;
    let finance = visitor.log_in(STAFF[2].0, &password).await?;
    let support = visitor.log_in(STAFF[4].0, &password).await?;
    let secret = staff::two_step(state, &support, &password).await.context("two-step log-in")?;
    manifest.logins.iter_mut().filter(|login| login.email == STAFF[4].0).for_each(|login| {
        login.totp_secret = Some(secret.clone());
    });
    let sandbox = Client::anonymous(sandbox_url)?;

    let mut shops = Vec::new();
    for plan in &MERCHANTS {
        let merchant = open_shop(&visitor, &reviewer, plan, &password)
            .await
            .with_context(|| plan.shop_name.to_owned())?;
        manifest.logins.push(login("merchant", Role::MerchantOwner, plan.email, &password));
        let shop = merchant.client.get(&format!("/api/v1/shops/{}", merchant.shop)).await?;
        let url = format!("{base_url}/s/{}/", text(&shop, "slug")?);
        manifest.shops.push(ShopEntry {
            id: merchant.shop.clone(),
            name: text(&shop, "name")?.to_owned(),
            url,
            buyer_phone: String::new(),
        });
        shops.push(merchant);
    }
    owner
        .put("/api/v1/buyer_settings", &json!({"erasure_days": 7, "person_links": true}))
        .await
        .context("person links")?;
    let signed_in = buyers::sign_in(state, &visitor, &mut manifest).await.context("buyers")?;
    let first = shops.first().context("a merchant was set up")?;
    let second = shops.get(1).context("a second merchant was set up")?;
    let joined = staff::join(state, &visitor, (first, second), &password).await.context("staff")?;
    manifest.logins.extend(joined);
    domains(&owner, &shops).await.context("domains")?;
    visit(&owner, &visitor, &shops).await.context("a visit by support")?;
    apply(&visitor, &merchants::WAITING, &password).await.context("the waiting applicant")?;
    money::subscribe(&owner, &shops).await.context("plans")?;
    money::settle_at_once(&owner, &shops).await.context("the rule of the first merchant")?;
    money::rule_ahead(state, &owner).await.context("a rule ahead")?;
    scores::record(state, &owner, &shops).await.context("scores")?;
    webhooks::register(state, &owner, &first.client).await.context("webhooks")?;
    platform::channels(&owner, &sandbox, &shops, &mut manifest).await.context("channels")?;
    buyers::join(state, &visitor, &sandbox, &signed_in).await.context("buyers at the platform")?;
    platform::orders(&sandbox, &shops, &manifest).await.context("orders")?;
    followers::talk(&sandbox, first, &manifest).await.context("followers")?;
    live::go(&sandbox, first).await.context("the channels account")?;
    figures::go(&sandbox, first, state.clock().now()).await.context("figures of yesterday")?;
    alliance::go(&sandbox, first, state.clock().now()).await.context("the alliance")?;
    promotions::go(&sandbox, first, state.clock().now()).await.context("promotions")?;
    shop_desk::furnish(&sandbox, first).await.context("freight and money of the WeChat shop")?;
    qualifications::go(&sandbox, first).await.context("categories and brands")?;
    let shop = douyin::channel(&owner, &sandbox, first).await.context("the Douyin shop")?;
    douyin::orders(&sandbox, first, &shop).await.context("orders at the Douyin shop")?;
    aftersales::ask(&sandbox, first).await.context("after-sale cases")?;
    drift::changed_by_hand(&sandbox, &shops).await.context("a product changed at the platform")?;
    money::pay(&finance, &shops).await.context("payments")?;
    money::cases(&finance, &shops).await.context("cases against a deposit")?;
    money::change_plan(&owner, &shops).await.context("a change of plan")?;
    money::report_usage(state, &finance, &shops).await.context("usage")?;
    money::unplaced(state, &finance, &shops).await.context("transfers that fit nothing")?;
    programs::make(&owner, first, &mut manifest).await.context("programs")?;
    first.client.post("/api/v1/exports", &json!({})).await.context("an archive")?;

    Ok(manifest)
}

pub(super) fn login(surface: &str, role: Role, email: &str, password: &str) -> Login {
    Login {
        surface: surface.to_owned(),
        role: role.as_str().to_owned(),
        email: email.to_owned(),
        password: password.to_owned(),
        also_works_for: Vec::new(),
        totp_secret: None,
    }
}

/// The operator's person, and a second provider made in the operator's console and stopped there.
async fn operator(
    state: &AppState,
    visitor: &Client,
    password: &str,
    manifest: &mut Manifest,
) -> anyhow::Result<()> {
    let person =
        NewPerson { email: OPERATOR, name: "江川", password, locale: "zh", role: Role::OperatorOwner };
    setup::add_operator(state, &person).await.map_err(|error| anyhow!("{error:?}"))?;
    let client = visitor.log_in(OPERATOR, password).await?;
    let body = json!({"name": "海棠服务商", "slug": "haitang", "owner_name": "沈棠", "owner_email": "owner@haitang.example"});
    let made = client.post("/api/v1/providers", &body).await?;
    let suspend = format!("/api/v1/providers/{}/suspend", text(&made, "id")?);
    client.post(&suspend, &json!({"reason": "资质核验中，补齐营业执照后恢复。"})).await?;
    manifest.logins.push(login("operator", Role::OperatorOwner, OPERATOR, password));
    Ok(())
}

/// What the provider's application page and mails look like.
async fn brand(owner: &Client) -> anyhow::Result<()> {
    let logo = owner.upload("picture", "logo.png", pictures::product(128, 174, 3)?).await?;
    let body = json!({"name": "云帆商家服务", "colour": "#0b7a75", "accent": "#0a5f5b",
        "support_email": "help@yunfan.example", "support_phone": "400-800-1234", "logo_id": logo});
    owner.put("/api/v1/brand", &body).await.map(drop)
}

/// Names that lead to this machine: the provider's console, and the first merchant's shop.
async fn domains(owner: &Client, shops: &[Merchant]) -> anyhow::Result<()> {
    let first = shops.first().context("a merchant was set up")?;
    for (client, body) in [
        (owner, json!({"host": "yunfan.localhost"})),
        (&first.client, json!({"host": "shanqian.localhost", "shop_id": first.shop})),
    ] {
        let domain = client.post("/api/v1/domains", &body).await?;
        client.post(&format!("/api/v1/domains/{}/verify", text(&domain, "id")?), &json!({})).await?;
    }
    Ok(())
}

/// Support was in the first merchant, and has left again.
async fn visit(owner: &Client, visitor: &Client, shops: &[Merchant]) -> anyhow::Result<()> {
    let first = shops.first().context("a merchant was set up")?;
    let me = first.client.get("/api/v1/me").await?;
    let tenant = me.pointer("/tenant/id").cloned().context("the merchant's id")?;
    let body = json!({"tenant_id": tenant, "reason": "协助核对商品规格与库存", "minutes": 30});
    let started = owner.post("/api/v1/impersonations", &body).await?;
    let acting = visitor.with_token(text(&started, "access_token")?);
    acting.get("/api/v1/products").await?;
    acting.post("/api/v1/impersonation/end", &json!({})).await.map(drop)
}

async fn create_provider(state: &AppState, password: &str, manifest: &mut Manifest) -> anyhow::Result<()> {
    let told = |error| anyhow!("{error:?}");
    let staff = STAFF.map(|(email, name, role)| NewPerson { email, name, password, locale: "zh", role });
    let provider = NewProvider { name: "云帆服务商", slug: PROVIDER, locale: "zh", staff: &staff };
    setup::create_provider(state, &provider).await.map_err(told)?;
    manifest.logins.extend(STAFF.map(|(email, _, role)| login("provider", role, email, password)));
    Ok(())
}

/// A stranger's application, handed in.
async fn apply(visitor: &Client, plan: &MerchantPlan, password: &str) -> anyhow::Result<(Client, String)> {
    let start = json!({"provider": PROVIDER, "email": plan.email, "name": plan.person, "password": password, "locale": "zh"});
    let started = visitor.post("/api/v1/applications", &start).await?;
    let client = visitor.with_token(text(&started, "access_token")?);
    let application = text(&started, "application_id")?.to_owned();
    let at = |step: &str| format!("/api/v1/applications/{application}/{step}");
    let mut subject = json!({
        "kind": plan.kind, "legal_name": plan.legal_name, "id_card": plan.id_card,
        "contact_name": plan.person, "contact_phone": plan.phone,
    });
    if let (Some(code), Some(fields)) = (plan.credit_code, subject.as_object_mut()) {
        fields.insert("credit_code".to_owned(), json!(code));
    }
    client.put(&at("subject"), &subject).await?;
    let requirements = client.get("/api/v1/requirements").await?;
    for requirement in items(&requirements) {
        let kinds = requirement.get("kinds").and_then(Value::as_array).cloned().unwrap_or_default();
        if !kinds.iter().any(|kind| kind == plan.kind) {
            continue;
        }
        let code = text(requirement, "code")?;
        let media = client.upload("document", &format!("{code}.png"), pictures::document(plan.hue)?).await?;
        client.put(&at(&format!("documents/{code}")), &json!({"media_id": media})).await?;
    }
    let category = category(&client, plan.category).await?;
    client.put(&at("shop"), &json!({"name": plan.shop_name, "category_id": category})).await?;
    let agreement = client.get("/api/v1/agreements/current").await?;
    let signed = json!({"version": text(&agreement, "version")?, "sha256": text(&agreement, "sha256")?});
    client.put(&at("agreement"), &signed).await?;
    client.post(&at("submit"), &json!({})).await?;
    Ok((client, application))
}

/// The id of a category by its code.
async fn category(client: &Client, code: &str) -> anyhow::Result<String> {
    let tree = client.get("/api/v1/categories").await?;
    let found = items(&tree).iter().find(|category| category.get("code").is_some_and(|own| own == code));
    Ok(text(found.with_context(|| format!("no category {code}"))?, "id")?.to_owned())
}

async fn open_shop(
    visitor: &Client,
    reviewer: &Client,
    plan: &'static MerchantPlan,
    password: &str,
) -> anyhow::Result<Merchant> {
    let (client, application) = apply(visitor, plan, password).await?;
    let at = |step: &str| format!("/api/v1/applications/{application}/{step}");
    let desk = reviewer.post(&at("start_review"), &json!({})).await?;
    for document in desk.get("documents").and_then(Value::as_array).cloned().unwrap_or_default() {
        if text(&document, "state")? != "pending" {
            continue;
        }
        let code = text(&document, "requirement")?.to_owned();
        reviewer.post(&at(&format!("documents/{code}/judge")), &json!({"verdict": "accept"})).await?;
    }
    reviewer.post(&at("approve"), &json!({})).await?;
    let shops = client.get("/api/v1/shops").await?;
    let shop = text(items(&shops).first().context("no shop was opened")?, "id")?.to_owned();
    client.post(&format!("/api/v1/shops/{shop}/start_trading"), &json!({})).await?;
    let mut merchant = Merchant { client, shop, plan, products: Vec::new() };
    for (index, product) in (0_u32..).zip(plan.products) {
        let id = make_product(&merchant, product, index).await.with_context(|| product.title.to_owned())?;
        merchant.products.push(id);
    }
    Ok(merchant)
}

async fn make_product(
    merchant: &Merchant,
    product: &merchants::ProductPlan,
    index: u32,
) -> anyhow::Result<String> {
    let client = &merchant.client;
    let mut media = Vec::new();
    for view in 0..2 {
        let picture = pictures::product(640, merchant.plan.hue + index * 40 + view * 12, index + view)?;
        media.push(client.upload("picture", &format!("{}-{view}.png", product.code), picture).await?);
    }
    let skus: Vec<Value> = if product.values.is_empty() {
        vec![
            json!({"values": [], "price": fen(product.price), "code": product.code, "stock": product.stock, "weight_g": 500}),
        ]
    } else {
        (0_i64..)
            .zip(product.values)
            .map(|(step, value)| {
                json!({"values": [value], "price": fen(product.price + step * 1_000), "code": format!("{}-{}", product.code, step + 1),
                       "stock": product.stock, "weight_g": 500})
            })
            .collect()
    };
    let specifications = if product.values.is_empty() {
        json!([])
    } else {
        json!([{"name": product.specification, "values": product.values}])
    };
    let body = json!({
        "title": product.title, "subtitle": product.subtitle, "description": product.description,
        "category_id": category(client, merchant.plan.category).await?, "code": product.code, "pictures": media,
        "specifications": specifications, "skus": skus,
    });
    let made = client.post(&format!("/api/v1/shops/{}/products", merchant.shop), &body).await?;
    let id = text(&made, "id")?.to_owned();
    client.post(&format!("/api/v1/products/{id}/put_on_sale"), &json!({})).await?;
    Ok(id)
}

/// Money on the wire.
pub fn fen(amount: i64) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}
