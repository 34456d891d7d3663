//! Brands: those of the shop, a search in the platform's library, and the form that applies for one.

use super::{ApplicationRow, Kept, Sent, Shop, Typed, after, applications, of_account, words};
use crate::app::qualifications;
use crate::app::qualifications::earlier;
use crate::app::qualifications::wish::{self, TypedBrand, TypedGrant, TypedMark};
use crate::error::{Answer, ApiError};
use crate::http::console::apply::may_be_mended;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::v1::brand_state;
use crate::pages::FormView;
use crate::pages::respond::PageAnswer;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::qualification::QualificationKind;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{Brand, BrandName, QualificationState};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let brands = "/console/merchant/channel_accounts/{channel_account_id}/brands";
    pages.get(brands, brands_of_account_page);
    pages.post(&format!("{brands}/remove"), remove_shop_brand_form);
    pages.get(&format!("{brands}/apply"), apply_for_brand_page);
    pages.post(&format!("{brands}/apply"), apply_for_brand_form);
}

#[derive(Deserialize, IntoParams)]
struct BrandsQuery {
    words: Option<String>,
    /// Where the search goes on.
    after: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct BrandRow {
    id: String,
    name: String,
    state: &'static str,
    reason: Option<String>,
    class: String,
    own: Option<bool>,
    until: Option<i64>,
    checking: bool,
    /// The form that applies for it.
    apply: String,
}

fn named(name: &BrandName) -> String {
    [name.name_zh.as_str(), name.name_en.as_str()].join(" ").trim().to_owned()
}

fn form_of(at: &str, name: &BrandName) -> String {
    let pairs = [("brand_id", &name.brand_id), ("name_zh", &name.name_zh), ("name_en", &name.name_en)];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{at}/apply?{query}")
}

#[derive(Serialize)]
struct NameRow {
    id: String,
    name: String,
    apply: String,
}

#[derive(Serialize)]
struct BrandsView {
    shop: Shop,
    at: String,
    words: String,
    searched: bool,
    found: Vec<NameRow>,
    next_found: Option<String>,
    brands: Vec<BrandRow>,
    more: bool,
    applications: Vec<ApplicationRow>,
    next_page: Option<String>,
    trouble: Option<String>,
}

async fn brands_of_account_page(
    auth: Authed<perm::AccountRead, (Path<ChannelAccountId>, Query<BrandsQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let account = qualifications::account(&auth.state, &auth.grant, *id).await?;
    let at = of_account(*id, "brands");
    let kind = QualificationKind::Brand;
    let (applications, next) = applications(&auth, *id, kind, query.cursor.as_deref()).await?;
    let typed = query.words.clone().unwrap_or_default();
    let mut trouble = None;
    let (mut results, mut next_found) = (Vec::new(), None);
    if !typed.trim().is_empty() {
        let after = query.after.as_deref();
        match qualifications::known_brands(&auth.state, &auth.grant, *id, &typed, after).await {
            Ok(names) => {
                let row = |name: BrandName| NameRow {
                    name: named(&name),
                    apply: form_of(&at, &name),
                    id: name.brand_id,
                };
                results = names.items.into_iter().map(row).collect();
                let further = |after: String| {
                    let pairs = [("words", typed.as_str()), ("after", after.as_str())];
                    let query =
                        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                    format!("{at}?{query}")
                };
                next_found = names.next.map(further);
            }
            Err(error) => trouble = Some(words(&auth, error)?),
        }
    }
    let (mut brands, mut more) = (Vec::new(), false);
    match qualifications::brands(&auth.state, &auth.grant, *id).await {
        Ok(told) => {
            more = told.more;
            let row = |one: Brand| BrandRow {
                name: named(&one.name),
                apply: form_of(&at, &one.name),
                id: one.name.brand_id,
                state: brand_state(&one.standing.state),
                checking: one.standing.state == QualificationState::Checking,
                reason: one.standing.reason,
                class: one.class,
                own: one.own,
                until: one.until.map(|until| until.micros()),
            };
            brands = told.items.into_iter().map(row).collect();
        }
        Err(error) => trouble = Some(words(&auth, error)?),
    }
    let view = BrandsView {
        shop: Shop::of(&auth.caller, &account, "brands"),
        searched: !typed.trim().is_empty() && trouble.is_none(),
        words: typed,
        found: results,
        next_found,
        brands,
        more,
        applications,
        next_page: next.map(|next| format!("{at}?cursor={next}")),
        trouble,
        at,
    };
    auth.page("qualifications/brands", view)
}

async fn remove_shop_brand_form(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let outcome = qualifications::remove_brand(&auth.state, &auth.grant, *id, fields.text("brand_id")).await;
    after(&auth, &of_account(*id, "brands"), outcome, "qualifications.brand_was_removed")
}

#[derive(Deserialize, IntoParams)]
struct WhichBrand {
    brand_id: Option<String>,
    name_zh: Option<String>,
    name_en: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    value: &'static str,
    label: String,
}

#[derive(Serialize)]
struct BrandFormView {
    form: FormView,
    shop: Shop,
    at: String,
    back: String,
    id: String,
    name: String,
    marks: Vec<Choice>,
    rights: Vec<Choice>,
    levels: Vec<Choice>,
    kept: Kept,
    most_kilobytes: usize,
}

/// Lists of documents.
fn lists() -> Vec<String> {
    ["certificates", "renewals", "letters", "owner_papers"].map(str::to_owned).into()
}

fn form_view<T>(
    auth: &Authed<perm::ShopDeskManage, T>,
    account: &ChannelAccount,
    name: &BrandName,
    form: FormView,
    kept: Kept,
) -> BrandFormView {
    let text = |key: String| auth.state.pages.catalogue().say(auth.info.lang, &key, []);
    let choices = |words: &str, values: &[&'static str]| -> Vec<Choice> {
        let choice = |value: &&'static str| Choice { value, label: text([words, *value].concat()) };
        values.iter().map(choice).collect()
    };
    let back = of_account(account.id, "brands");
    BrandFormView {
        form,
        shop: Shop::of(&auth.caller, account, "brands"),
        at: format!("{back}/apply"),
        back,
        id: name.brand_id.clone(),
        name: named(name),
        marks: choices("qualifications.mark_", &["registered", "applied_for"]),
        rights: choices("qualifications.right_", &["own", "granted"]),
        levels: choices("qualifications.level_", &["1", "2", "3"]),
        kept,
        most_kilobytes: auth.state.config.qualifications.document_max_bytes / 1024,
    }
}

async fn apply_for_brand_page(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Query<WhichBrand>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let account = qualifications::account(&auth.state, &auth.grant, *id).await?;
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    let name =
        BrandName { brand_id: of(&query.brand_id), name_zh: of(&query.name_zh), name_en: of(&query.name_en) };
    if name.brand_id.is_empty() {
        return Ok(auth.redirect(&of_account(*id, "brands")));
    }
    let earlier = earlier::for_brand(&auth.state, &auth.grant, *id, &name.brand_id).await?;
    let typed = begun(&name, earlier.as_ref());
    let form = FormView::filled(typed.fields.0.iter().cloned());
    let view = form_view(&auth, &account, &name, form, typed.kept(&lists()));
    auth.page("qualifications/brand_form", view)
}

/// The form to begin with: what the brand was applied for with before, where it was.
fn begun(name: &BrandName, earlier: Option<&TypedBrand>) -> Typed {
    let mark = earlier.map(|brand| &brand.mark);
    let granted = earlier.and_then(|brand| brand.granted.as_ref());
    let applied_for = mark.is_some_and(|mark| mark.registrant.is_none());
    let day = |at: Option<Timestamp>| at.and_then(earlier::day_text).unwrap_or_default();
    let valid = mark.and_then(|mark| mark.valid).unzip();
    let granted_for = granted.and_then(|granted| granted.valid).unzip();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let values = [
        ("brand_id", name.brand_id.clone()),
        ("name_zh", name.name_zh.clone()),
        ("name_en", name.name_en.clone()),
        ("class", earlier.map(|brand| brand.class.to_string()).unwrap_or_default()),
        ("mark", if applied_for { "applied_for" } else { "registered" }.to_owned()),
        ("registrant", text(mark.and_then(|mark| mark.registrant.as_deref()))),
        ("number", text(mark.map(|mark| mark.number.as_str()))),
        ("valid_from", day(valid.0)),
        ("valid_until", day(valid.1)),
        ("accepted_on", day(mark.and_then(|mark| mark.accepted_at))),
        ("right", if granted.is_some() { "granted" } else { "own" }.to_owned()),
        ("level", granted.map_or(1, |granted| granted.level).to_string()),
        ("granted_from", day(granted_for.0)),
        ("granted_until", day(granted_for.1)),
    ];
    let papers = [
        ("certificates", mark.map(|mark| &mark.certificates)),
        ("renewals", mark.map(|mark| &mark.renewals)),
        ("letters", granted.map(|granted| &granted.letters)),
        ("owner_papers", granted.map(|granted| &granted.owner_papers)),
    ];
    let papers = papers.into_iter().flat_map(|(field, list)| {
        list.into_iter().flatten().map(move |document| (field, document.to_string()))
    });
    let fields = values.into_iter().chain(papers).map(|(field, value)| (field.to_owned(), value)).collect();
    Typed { fields: Fields(fields), errors: Vec::new() }
}

/// What the form says, or everything that cannot be read of it.
fn wanted(typed: &mut Typed) -> Option<TypedBrand> {
    let mut errors = Vec::new();
    let class: i64 = typed.fields.parsed("class", &mut errors).unwrap_or_default();
    let fields = typed.fields.clone();
    let mut days = |from: &'static str, until: &'static str| {
        let read = wish::days((from, Some(fields.text(from))), (until, Some(fields.text(until))));
        read.unwrap_or_else(|error| {
            errors.push(error);
            None
        })
    };
    let registered = fields.text("mark") == "registered";
    let granted = fields.text("right") == "granted";
    let valid = if registered { days("valid_from", "valid_until") } else { None };
    let granted_for = if granted { days("granted_from", "granted_until") } else { None };
    let accepted_at = wish::day("accepted_on", Some(fields.text("accepted_on"))).unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    let brand = TypedBrand {
        brand_id: typed.text("brand_id"),
        name_zh: typed.text("name_zh"),
        name_en: typed.text("name_en"),
        class,
        mark: TypedMark {
            registrant: registered.then(|| typed.text("registrant")),
            number: typed.text("number"),
            valid,
            accepted_at: accepted_at.filter(|_| !registered),
            certificates: typed.documents("certificates"),
            renewals: if registered { typed.documents("renewals") } else { Vec::new() },
        },
        granted: granted.then(|| TypedGrant {
            level: fields.text("level").parse().unwrap_or_default(),
            valid: granted_for,
            letters: typed.documents("letters"),
            owner_papers: typed.documents("owner_papers"),
        }),
    };
    typed.errors.append(&mut errors);
    typed.errors.is_empty().then_some(brand)
}

async fn apply_for_brand_form(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Sent)>,
) -> PageAnswer {
    let (Path(id), sent) = &auth.input;
    let account = qualifications::account(&auth.state, &auth.grant, *id).await?;
    let mut typed = Typed::read(&auth, sent, &lists()).await?;
    let outcome: Answer<()> = match wanted(&mut typed) {
        Some(brand) => wish::for_brand(&auth.state, &auth.grant, *id, &brand).await.map(|_| ()),
        None => Err(ApiError::fields(typed.errors.clone())),
    };
    match outcome {
        Ok(()) => after(&auth, &of_account(*id, "brands"), Ok(()), "qualifications.was_sent"),
        Err(error) if may_be_mended(&error) => {
            let name = BrandName {
                brand_id: typed.text("brand_id"),
                name_zh: typed.text("name_zh"),
                name_en: typed.text("name_en"),
            };
            let form = FormView::refused_by(&typed.shown(&lists()), &error, auth.info.lang);
            let view = form_view(&auth, &account, &name, form, typed.kept(&lists()));
            auth.refused_page("qualifications/brand_form", view)
        }
        Err(error) => Err(error),
    }
}
