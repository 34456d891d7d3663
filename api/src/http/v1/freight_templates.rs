//! `/channel_accounts/{id}/freight_templates`: freight templates of a linked shop, at the platform.

use crate::app::shop_desk::freight::{self, TypedArea, TypedFree, TypedRule, TypedTemplate};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path};
use crate::http::route::Api;
use crate::http::wire::Money;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{Area, FreeFrom, FreightCharge, FreightRule, FreightTemplate, FreightUnit};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    let templates = "/channel_accounts/{channel_account_id}/freight_templates";
    api.get(templates, list_freight_templates, "Freight templates of a linked shop, asked of the platform");
    api.post(templates, save_freight_template, "Make a freight template at the platform, or change one");
    api.post(
        &format!("{templates}/choose"),
        choose_freight_template,
        "Say which freight template products are published with",
    );
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AreaBody {
    /// 全国 stands for all provinces.
    province: String,
    #[serde(default)]
    city: String,
    #[serde(default)]
    district: String,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FreightRuleBody {
    /// Where it holds; empty for everywhere else, which there has to be one of.
    #[serde(default)]
    areas: Vec<AreaBody>,
    /// So many pieces or kilograms cost `first_price`.
    first: i64,
    first_price: Money,
    /// Each so many more cost `more_price`.
    more: i64,
    more_price: Money,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FreeFromBody {
    areas: Vec<AreaBody>,
    /// From so many pieces or whole kilograms.
    #[serde(default)]
    quantity: Option<i64>,
    /// From so much money; with a quantity both have to be reached.
    #[serde(default)]
    amount: Option<Money>,
}

#[derive(Debug, Serialize, ToSchema)]
struct FreightTemplateView {
    /// The platform's id.
    template_id: String,
    name: String,
    /// `free`, `free_from`, `charged`, or the platform's word.
    charge: String,
    /// `piece`, `weight`, or the platform's word.
    unit: String,
    ships_within_hours: Option<u32>,
    /// The platform's own default.
    default: bool,
    rules: Vec<FreightRuleBody>,
    free_from: Vec<FreeFromBody>,
    not_to: Vec<AreaBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct FreightTemplatesView {
    items: Vec<FreightTemplateView>,
    /// The one products are published with; null leaves it to the platform's own default.
    chosen: Option<String>,
}

fn areas(areas: Vec<Area>) -> Vec<AreaBody> {
    let body = |one: Area| AreaBody { province: one.province, city: one.city, district: one.district };
    areas.into_iter().map(body).collect()
}

fn rule(one: FreightRule) -> FreightRuleBody {
    FreightRuleBody {
        areas: areas(one.areas),
        first: one.first,
        first_price: one.first_price.into(),
        more: one.more,
        more_price: one.more_price.into(),
    }
}

fn free(one: FreeFrom) -> FreeFromBody {
    FreeFromBody { areas: areas(one.areas), quantity: one.quantity, amount: one.amount.map(Into::into) }
}

fn view(one: FreightTemplate) -> FreightTemplateView {
    FreightTemplateView {
        template_id: one.template_id.unwrap_or_default(),
        name: one.name,
        charge: match one.charge {
            FreightCharge::Free => "free".to_owned(),
            FreightCharge::FreeFrom => "free_from".to_owned(),
            FreightCharge::Charged => "charged".to_owned(),
            FreightCharge::Unknown(word) => word,
        },
        unit: match one.unit {
            FreightUnit::Piece => "piece".to_owned(),
            FreightUnit::Weight => "weight".to_owned(),
            FreightUnit::Unknown(word) => word,
        },
        ships_within_hours: one.ships_within_hours,
        default: one.default,
        rules: one.rules.into_iter().map(rule).collect(),
        free_from: one.free_from.into_iter().map(free).collect(),
        not_to: areas(one.not_to),
    }
}

async fn list_freight_templates(
    auth: Authed<perm::AccountRead, Path<ChannelAccountId>>,
) -> Answer<Json<FreightTemplatesView>> {
    let found = freight::list(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(FreightTemplatesView {
        items: found.items.into_iter().map(view).collect(),
        chosen: found.chosen,
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SaveFreightTemplateBody {
    /// The one to change; null for a new one.
    #[serde(default)]
    template_id: Option<String>,
    /// Up to 30 characters, unlike the others'.
    name: String,
    /// `free`, `free_from` or `charged`.
    charge: String,
    /// `piece` or `weight`.
    unit: String,
    /// 24, 48 or 72; null leaves what the template promises.
    #[serde(default)]
    ships_within_hours: Option<u32>,
    /// Make it the platform's own default.
    #[serde(default)]
    default: bool,
    /// Of `free_from` and `charged`.
    #[serde(default)]
    rules: Vec<FreightRuleBody>,
    /// Of `free_from`.
    #[serde(default)]
    free_from: Vec<FreeFromBody>,
    /// Where nothing is sent.
    #[serde(default)]
    not_to: Vec<AreaBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SavedFreightTemplateView {
    template_id: String,
}

fn typed_areas(areas: &[AreaBody]) -> Vec<TypedArea> {
    let typed = |one: &AreaBody| TypedArea {
        province: one.province.clone(),
        city: one.city.clone(),
        district: one.district.clone(),
    };
    areas.iter().map(typed).collect()
}

impl SaveFreightTemplateBody {
    fn typed(&self) -> Answer<TypedTemplate> {
        let mut rules = Vec::new();
        for (index, one) in self.rules.iter().enumerate() {
            rules.push(TypedRule {
                areas: typed_areas(&one.areas),
                first: one.first,
                first_price: one.first_price.fen(&format!("rules[{index}].first_price"))?,
                more: one.more,
                more_price: one.more_price.fen(&format!("rules[{index}].more_price"))?,
            });
        }
        let mut free_from = Vec::new();
        for (index, one) in self.free_from.iter().enumerate() {
            let at = format!("free_from[{index}].amount");
            free_from.push(TypedFree {
                areas: typed_areas(&one.areas),
                quantity: one.quantity,
                amount: one.amount.as_ref().map(|amount| amount.fen(&at)).transpose()?,
            });
        }
        Ok(TypedTemplate {
            template_id: self.template_id.clone(),
            name: self.name.clone(),
            charge: self.charge.clone(),
            unit: self.unit.clone(),
            ships_within_hours: self.ships_within_hours,
            default: self.default,
            rules,
            free_from,
            not_to: typed_areas(&self.not_to),
        })
    }
}

async fn save_freight_template(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Json<SaveFreightTemplateBody>)>,
) -> Answer<Json<SavedFreightTemplateView>> {
    let (Path(id), Json(body)) = &auth.input;
    let template_id = freight::save(&auth.state, &auth.grant, *id, &body.typed()?).await?;
    Ok(Json(SavedFreightTemplateView { template_id }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChooseFreightTemplateBody {
    /// One of the list; null leaves it to the platform's own default.
    template_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ChosenFreightTemplateView {
    chosen: Option<String>,
}

async fn choose_freight_template(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Json<ChooseFreightTemplateBody>)>,
) -> Answer<Json<ChosenFreightTemplateView>> {
    let (Path(id), Json(body)) = &auth.input;
    let account = freight::choose(&auth.state, &auth.grant, *id, body.template_id.as_deref()).await?;
    let chosen = crate::app::shop_desk::chosen(&account, crate::app::shop_desk::FREIGHT);
    Ok(Json(ChosenFreightTemplateView { chosen }))
}
