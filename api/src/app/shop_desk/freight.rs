//! Freight templates of a linked shop: they live at the platform, and are read there each time.

use super::{FREIGHT, account_of, choose as note_choice, chosen, refused, unknown};
use crate::app::channels::call::AccountCall;
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::freight::{
    HOURS, MOST_AREAS, MOST_FREE, MOST_RULES, NAME, PROVINCES, price, quantity, text,
};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::money::Fen;
use qianpu_sdk::{Area, FreeFrom, FreightCharge, FreightRule, FreightTemplate, FreightUnit};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde_json::json;

/// Templates with the account they belong to.
#[derive(Debug, Clone)]
pub struct Templates {
    /// The account.
    pub account: ChannelAccount,
    /// Those of the platform, its own default first.
    pub items: Vec<FreightTemplate>,
    /// The one products are published with; none = the platform's own default.
    pub chosen: Option<String>,
}

/// Asks the platform for the templates.
pub async fn list<P: Perm>(state: &AppState, grant: &Grant<P>, id: ChannelAccountId) -> Answer<Templates> {
    let account = account_of(&*state.db.read(grant.ctx()).await?, grant, id).await?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().freight_templates(call.account_ref()).await;
    let mut items = call.settle(answer).await?;
    items.sort_by_key(|one| !one.default);
    let chosen = chosen(&account, FREIGHT);
    Ok(Templates { account, items, chosen })
}

/// An area as it was typed.
#[derive(Debug, Clone, Default)]
pub struct TypedArea {
    /// Province; 全国 stands for all of them.
    pub province: String,
    /// City.
    pub city: String,
    /// District.
    pub district: String,
}

/// A price as it was typed.
#[derive(Debug, Clone, Default)]
pub struct TypedRule {
    /// Where; none = everywhere else.
    pub areas: Vec<TypedArea>,
    /// So many …
    pub first: i64,
    /// … cost this much.
    pub first_price: Fen,
    /// Each so many more …
    pub more: i64,
    /// … cost this much.
    pub more_price: Fen,
}

/// A condition as it was typed.
#[derive(Debug, Clone, Default)]
pub struct TypedFree {
    /// Where.
    pub areas: Vec<TypedArea>,
    /// From so many.
    pub quantity: Option<i64>,
    /// From so much money.
    pub amount: Option<Fen>,
}

/// A template as it was typed.
#[derive(Debug, Clone, Default)]
pub struct TypedTemplate {
    /// The one to change; none for a new one.
    pub template_id: Option<String>,
    /// What it is called.
    pub name: String,
    /// `free`, `free_from` or `charged`.
    pub charge: String,
    /// `piece` or `weight`.
    pub unit: String,
    /// Hours within which goods are sent; none leaves what is there.
    pub ships_within_hours: Option<u32>,
    /// The shop's own default.
    pub default: bool,
    /// Prices.
    pub rules: Vec<TypedRule>,
    /// Conditions.
    pub free_from: Vec<TypedFree>,
    /// Where nothing is sent.
    pub not_to: Vec<TypedArea>,
}

struct Check(Vec<FieldError>);

impl Check {
    fn keep<T: Default>(&mut self, outcome: Result<T, FieldError>) -> T {
        outcome.unwrap_or_else(|error| {
            self.0.push(error);
            T::default()
        })
    }
    fn wrong(&mut self, path: &str, code: &'static str, en: &str, zh: &str) {
        self.0.push(FieldError::new(path, code, en.to_owned(), zh.to_owned()));
    }
    fn areas(&mut self, path: &str, typed: &[TypedArea]) -> Vec<Area> {
        let mut areas = Vec::new();
        for one in typed.iter().take(MOST_AREAS + 1) {
            let part = |text: &str| text.trim().chars().take(31).collect::<String>();
            let area =
                Area { province: part(&one.province), city: part(&one.city), district: part(&one.district) };
            let gap = area.city.is_empty() && !area.district.is_empty();
            let long = [&area.province, &area.city, &area.district].iter().any(|it| it.chars().count() > 30);
            if area.province == "全国" {
                let all = PROVINCES.iter();
                areas.extend(all.map(|name| Area { province: (*name).to_owned(), ..Area::default() }));
            } else if area.province.is_empty() || gap || long {
                let en = "province, then city, then district";
                self.wrong(path, "area", en, "地区请按“省 市 区”填写，例如“广东省 广州市”");
                return Vec::new();
            } else {
                areas.push(area);
            }
        }
        if areas.len() > MOST_AREAS {
            let (en, zh) = (format!("at most {MOST_AREAS} areas"), format!("最多 {MOST_AREAS} 个地区"));
            self.wrong(path, "too_many", &en, &zh);
        }
        areas
    }
    fn rules(&mut self, typed: &[TypedRule]) -> Vec<FreightRule> {
        let everywhere = typed.iter().filter(|rule| rule.areas.is_empty()).count();
        if everywhere != 1 || typed.len() > MOST_RULES + 1 {
            let en = format!("one price without areas, and up to {MOST_RULES} for areas");
            let zh = format!("请填写一条默认运费，另可填写最多 {MOST_RULES} 条地区运费");
            self.wrong("rules", "count", &en, &zh);
            return Vec::new();
        }
        let one = |(index, rule): (usize, &TypedRule)| {
            let at = |field: &str| format!("rules[{index}].{field}");
            FreightRule {
                areas: self.areas(&at("areas"), &rule.areas),
                first: self.keep(quantity(&at("first"), rule.first)),
                first_price: self.money(price(&at("first_price"), rule.first_price)),
                more: self.keep(quantity(&at("more"), rule.more)),
                more_price: self.money(price(&at("more_price"), rule.more_price)),
            }
        };
        typed.iter().enumerate().map(one).collect()
    }
    fn money(&mut self, outcome: Result<Fen, FieldError>) -> Fen {
        outcome.unwrap_or_else(|error| {
            self.0.push(error);
            Fen::new(0)
        })
    }
    fn free_from(&mut self, typed: &[TypedFree]) -> Vec<FreeFrom> {
        if typed.is_empty() || typed.len() > MOST_FREE {
            let (en, zh) =
                (format!("1 to {MOST_FREE} conditions"), format!("请填写 1–{MOST_FREE} 条包邮条件"));
            self.wrong("free_from", "count", &en, &zh);
            return Vec::new();
        }
        let mut found = Vec::new();
        for (index, one) in typed.iter().enumerate() {
            let at = |field: &str| format!("free_from[{index}].{field}");
            if one.areas.is_empty() {
                self.wrong(&at("areas"), "required", "say where", "请填写包邮地区，可填“全国”");
            }
            if one.quantity.is_none() && one.amount.is_none() {
                let en = "a quantity, an amount, or both";
                self.wrong(&at("amount"), "required", en, "请填写满几件（千克）或满多少元");
            }
            found.push(FreeFrom {
                areas: self.areas(&at("areas"), &one.areas),
                quantity: one.quantity.map(|typed| self.keep(quantity(&at("quantity"), typed))),
                amount: one.amount.map(|typed| self.money(price(&at("amount"), typed))),
            });
        }
        found
    }
}

fn template(typed: &TypedTemplate) -> Answer<FreightTemplate> {
    let mut check = Check(Vec::new());
    let name = check.keep(text("name", &typed.name, NAME));
    let charge = match typed.charge.as_str() {
        "free" => FreightCharge::Free,
        "free_from" => FreightCharge::FreeFrom,
        "charged" => FreightCharge::Charged,
        _ => {
            check.wrong("charge", "unknown", "free, free_from or charged", "请选择计费方式");
            FreightCharge::Free
        }
    };
    let unit = match typed.unit.as_str() {
        "piece" => FreightUnit::Piece,
        "weight" => FreightUnit::Weight,
        _ => {
            check.wrong("unit", "unknown", "piece or weight", "请选择按件数或按重量");
            FreightUnit::Piece
        }
    };
    if typed.ships_within_hours.is_some_and(|hours| !HOURS.contains(&hours)) {
        check.wrong("ships_within_hours", "unknown", "24, 48 or 72", "请选择 24、48 或 72 小时");
    }
    if typed.ships_within_hours.is_none() && typed.template_id.is_none() {
        check.keep::<()>(Err(FieldError::required("ships_within_hours")));
    }
    let rules = match charge {
        FreightCharge::Free => Vec::new(),
        _ => check.rules(&typed.rules),
    };
    let free_from = match charge {
        FreightCharge::FreeFrom => check.free_from(&typed.free_from),
        _ => Vec::new(),
    };
    let not_to = check.areas("not_to", &typed.not_to);
    if !check.0.is_empty() {
        return Err(check.0.into());
    }
    Ok(FreightTemplate {
        template_id: typed.template_id.clone(),
        name,
        charge,
        unit,
        ships_within_hours: typed.ships_within_hours,
        default: typed.default,
        rules,
        free_from,
        not_to,
    })
}

/// Makes a template at the platform, or changes one; its id there.
pub async fn save(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: ChannelAccountId,
    typed: &TypedTemplate,
) -> Answer<String> {
    // Somebody else's account is not there, whatever was typed.
    account_of(&*state.db.read(grant.ctx()).await?, grant, id).await?;
    let template = template(typed)?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().save_freight_template(call.account_ref(), &template).await;
    let template_id = call.settle(answer).await.map_err(refused)?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let detail =
        json!({ "template_id": template_id, "name": template.name, "made": typed.template_id.is_none() });
    audit_append(&mut tx, AuditAction::FreightTemplateSaved, "channel_account", &id.to_string(), detail)
        .await?;
    tx.commit().await?;
    Ok(template_id)
}

/// Says which template products are published with; none leaves it to the platform's own default.
pub async fn choose(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: ChannelAccountId,
    wanted: Option<&str>,
) -> Answer<ChannelAccount> {
    if let Some(wanted) = wanted {
        let there = list(state, grant, id).await?.items;
        if !there.iter().any(|one| one.template_id.as_deref() == Some(wanted)) {
            return Err(unknown("template_id"));
        }
    }
    note_choice(state, grant, id, FREIGHT, wanted).await
}
