//! The alliance 优选联盟 (`channels/ec/league`): promoters 带货者, products, plans 推广计划, and shutting promoters out 拉黑.
//!
//! From the platform's documents (developers.weixin.qq.com/doc/store/shop): the guide `guide/connect/league` (what has to be
//! opened, the types 1, 2 and 3), `API/league/promoter/{api_updatetalent, api_gettalentproductdata}` and
//! `API/league/item/{api_getitemlist, api_getitem, api_listspupromotionplans, api_listspupromotiontalents}`; states and
//! commissions of `item/get` by `doc/store/API/league/ecleague_getitem`. Where the pages were not at hand, fields are those of
//! the open client library `SKIT.FlurlHttpClient.Wechat` (`ECLeague`, with its samples): since 2026-03-30 promoters are
//! `talent`s with a `talent_appid`, and `finder_ids` and `promoter`, with the states of an invitation, are gone; the filter by
//! those states is gone with them. Commissions are hundredths of `item/get`, ten-thousandths of a plan's promoters and
//! hundred-thousandths of a promoter's products, by the same library. Amounts are in fen. Plans are changed in
//! `alliance_changes`.

use crate::{WechatStore, alliance_changes as changes};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    AFFILIATE_FIELD, AFFILIATE_NOT_OPENED, Affiliate, AllianceAdded, AllianceAddition, AllianceProduct,
    AllianceQuery, Answer, ChannelError, CommissionShare, Context, ErrorClass, FieldError, Page, PlanChange,
    PlanKind, PlanPromoter, PlanPromotersQuery, PlanRef, PlanState, PlanTerms, PlanWay, PlansQuery,
    PromotedProduct, PromotedQuery, Promoter, PromoterBlock, PromoterName, PromoterSales, PromotionPlan,
    Request, Step, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_post, read};
use serde_json::{Value, json};

/// Rows of a page. Every list of promoters and plans takes at most 20 of them today.
const PAGE: i64 = 20;
/// Products of a page; the platform takes 100, and page times size up to 5,000.
const PRODUCTS: i64 = 50;
/// Where rows of most lists stand, what says that there are more, and how many there are at most.
const LIST: (&str, &str, i64) = ("list", "continue_flag", PAGE);
/// The last page that is asked for.
const LAST: i64 = 100;
/// Letters of a name that are kept.
const LONGEST: usize = 100;

/// "Open the alliance first."
const NOT_OPENED: &str = "10023007";
/// "No such promoter", of `promoter/get`.
const NO_PROMOTER: &str = "10023001";
/// "The type is wrong" and "no such product in the alliance", of `item/get`.
const NO_PLAN: &[&str] = &["10023100", "10023103"];

/// Shutting out 拉黑, and letting back.
const SHUT_OUT: i64 = 1;
const LET_BACK: i64 = 2;
/// The kind of products' data that the document's example asks for; no other one is known.
const DATA_KIND: i64 = 1;

fn asked(cx: &Context<'_>, path: &str, body: &Value) -> Result<Request, ChannelError> {
    Ok(account_post(cx, &format!("/channels/ec/league/{path}"), body)?.idempotent())
}

/// A shop outside the alliance is told by its own code.
pub(crate) fn outside(error: ChannelError) -> ChannelError {
    if error.remote_code() != Some(NOT_OPENED) {
        return error;
    }
    let message = error.remote.as_ref().map(|remote| remote.message.clone()).unwrap_or_default();
    let field = FieldError { path: AFFILIATE_FIELD.into(), code: AFFILIATE_NOT_OPENED.into(), message };
    ChannelError { class: ErrorClass::FixRequest { fields: vec![field] }, ..error }
}

/// Reads an answer, which has to say `errcode` 0.
fn told(cx: &Context<'_>, answer: &Answer) -> Result<Value, ChannelError> {
    let body = read(answer.response()?, cx.now).map_err(outside)?;
    match integer(&body["errcode"]) {
        Some(0) => Ok(body),
        _ => Err(ChannelError::unexpected("the answer has no errcode")),
    }
}

pub(crate) fn only(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Result<Value, ChannelError> {
    match (answers, state.is_empty()) {
        ([answer], true) => told(cx, answer),
        _ => Err(ChannelError::unexpected("one answer was expected")),
    }
}

/// The page a cursor stands for.
fn page_of(cursor: Option<&str>) -> Result<i64, ChannelError> {
    match cursor.map(str::parse::<i64>) {
        None => Ok(1),
        Some(Ok(page)) if (2..=LAST).contains(&page) => Ok(page),
        Some(_) => Err(ChannelError::field("cursor", "invalid", "分页游标无效")),
    }
}

/// The platform wants these ids as numbers.
pub(crate) fn number(text: &str, field: &str) -> Result<u64, ChannelError> {
    let number = text.parse::<u64>().ok().filter(|number| *number > 0);
    number.ok_or_else(|| ChannelError::field(field, "unknown", "没有这个编号"))
}

fn listed<T>(cx: &Context<'_>, path: &str, mut body: Value, cursor: Option<&str>, size: i64) -> Turn<T> {
    let page = page_of(cursor)?;
    body["page_index"] = json!(page);
    body["page_size"] = json!(size);
    Ok(Step::call(asked(cx, path, &body)?, encode_state(&page)?))
}

/// A page of a list: its rows under `field`, whether there is more under `more`.
fn rows<T>(
    cx: &Context<'_>,
    state: &[u8],
    answers: &[Answer],
    (field, more, size): (&str, &str, i64),
    row: impl Fn(&Value) -> Result<T, ChannelError>,
) -> Turn<Page<T>> {
    let page: i64 = decode_state(state)?;
    let [answer] = answers else { return Err(ChannelError::unexpected("one answer was expected")) };
    let body = told(cx, answer)?;
    let total = integer(&body["total_num"]).filter(|total| *total >= 0);
    let total = total.ok_or_else(|| ChannelError::unexpected("the answer has no total_num"))?;
    let found: &[Value] = match &body[field] {
        Value::Array(found) => found,
        // The platform leaves an empty list out. A full one under another name is an older form.
        Value::Null if page > 1 || total == 0 => &[],
        _ => return Err(ChannelError::unexpected(format!("the answer has no {field}"))),
    };
    let most = usize::try_from(size).unwrap_or_default();
    let items = found.iter().take(most).map(row).collect::<Result<Vec<_>, _>>()?;
    let more = body[more].as_bool().unwrap_or(page.saturating_mul(size) < total);
    let goes_on = more && !items.is_empty() && page < LAST;
    Ok(Step::Done(Page { items, next_cursor: goes_on.then(|| (page + 1).to_string()) }))
}

fn name(value: &Value) -> Option<String> {
    text(value).map(|name| name.chars().take(LONGEST).collect())
}

/// What is not there was not told; what is there has to be a whole number.
fn figure(block: &Value, field: &str) -> Result<Option<i64>, ChannelError> {
    match &block[field] {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        value => integer(value)
            .filter(|number| *number >= 0)
            .map(Some)
            .ok_or_else(|| ChannelError::unexpected(format!("{field} is no figure"))),
    }
}

fn sales(block: &Value) -> Result<PromoterSales, ChannelError> {
    let fen = |field: &str| Ok::<_, ChannelError>(figure(block, field)?.map(Fen::new));
    Ok(PromoterSales {
        total: fen("total_sale_gmv")?,
        recent: fen("sale_gmv_30d")?,
        orders: figure(block, "total_order_num")?,
        recent_orders: figure(block, "order_num_30d")?,
        recent_products: figure(block, "sale_product_num_30d")?,
        window_products: figure(block, "window_product_num")?,
    })
}

fn share(block: &Value, of: i64) -> Result<Option<CommissionShare>, ChannelError> {
    Ok(figure(block, "ratio")?.map(|parts| CommissionShare { parts, of }))
}

fn raw(value: &Value) -> Option<String> {
    integer(value).map(|number| number.to_string())
}

fn promoter_id(block: &Value) -> Result<String, ChannelError> {
    id(&block["talent_appid"]).ok_or_else(|| ChannelError::unexpected("a promoter has no talent_appid"))
}

fn product_id(row: &Value, field: &str) -> Result<String, ChannelError> {
    id(&row[field]).ok_or_else(|| ChannelError::unexpected(format!("a product has no {field}")))
}

fn flag(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| integer(value).map(|number| number != 0))
}

fn moment(value: &Value) -> Option<Timestamp> {
    integer(value).filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)
}

/// Which of the documented types a plan is read as. Types 2 and 3 are both for promoters that are named, so both are asked.
fn types(kind: &PlanKind) -> &'static [i64] {
    match kind {
        PlanKind::Everyone => &[1],
        PlanKind::Chosen | PlanKind::Named => &[2, 3],
        PlanKind::Other(_) => &[],
    }
}

fn terms_of(item: &Value) -> Result<PlanTerms, ChannelError> {
    let (special, more) = (&item["exclusive_info"], &item["ext_info"]);
    let way = match integer(&item["type"]) {
        Some(1) => PlanWay::Ordinary,
        Some(2) => PlanWay::Directed,
        Some(3) => PlanWay::Exclusive,
        other => PlanWay::Other(other.map(|number| number.to_string()).unwrap_or_default()),
    };
    let state = match integer(&item["status"]) {
        Some(1) => PlanState::On,
        Some(2) => PlanState::Off,
        Some(4) => PlanState::Deleted,
        Some(5) => PlanState::Unfit,
        Some(10) => PlanState::Pending,
        other => PlanState::Other(other.map(|number| number.to_string()).unwrap_or_default()),
    };
    Ok(PlanTerms {
        way,
        state,
        commission: share(item, 100)?,
        begins_at: moment(&special["begin_time"]),
        ends_at: moment(&special["end_time"]),
        // The platform's own spelling.
        for_ever: flag(&special["is_forerver"]),
        category_barred: flag(&more["is_sale_forbidden"]),
        barred: flag(&more["is_banned"]),
    })
}

impl Affiliate for WechatStore {
    fn promoters(&self, cx: &Context<'_>, query: &AllianceQuery) -> Turn<Page<PromoterName>> {
        listed(cx, "promoter/list/get", json!({}), query.cursor.as_deref(), PAGE)
    }
    fn resume_promoters(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<PromoterName>> {
        rows(cx, state, answers, LIST, |row| {
            Ok(PromoterName { id: promoter_id(row)?, name: name(&row["nickname"]) })
        })
    }

    fn promoter(&self, cx: &Context<'_>, promoter_id: &str) -> Turn<Option<Promoter>> {
        let body = json!({ "talent_appid": promoter_id });
        Ok(Step::call(asked(cx, "promoter/get", &body)?, Vec::new()))
    }
    fn resume_promoter(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Option<Promoter>> {
        let body = match only(cx, state, answers) {
            Ok(body) => body,
            Err(error) if error.remote_code() == Some(NO_PROMOTER) => return Ok(Step::Done(None)),
            Err(error) => return Err(error),
        };
        // What is answered about nobody is documented nowhere.
        let Some(talent) = body.get("talent").filter(|talent| talent.is_object()) else {
            return Ok(Step::Done(None));
        };
        let base = &talent["base_talent_info"];
        Ok(Step::Done(Some(Promoter {
            id: promoter_id(base)?,
            name: name(&base["nickname"]),
            level: figure(&talent["feature_info"], "level")?,
            blocked: talent["feature_info"]["is_blacklisted"].as_bool(),
            sales: sales(&talent["data"])?,
        })))
    }

    fn promoted(&self, cx: &Context<'_>, query: &PromotedQuery) -> Turn<Page<PromotedProduct>> {
        let body = json!({ "talent_appid": query.promoter_id, "get_data_type": DATA_KIND });
        listed(cx, "talent/getproductdatalist", body, query.cursor.as_deref(), PAGE)
    }
    fn resume_promoted(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<PromotedProduct>> {
        rows(cx, state, answers, LIST, |row| {
            let commission = &row["talent_commission_info"];
            Ok(PromotedProduct {
                product_id: product_id(row, "spu_id")?,
                sales: sales(&row["product_data"])?,
                commission: share(commission, 100_000)?,
                native_split: raw(&commission["commission_type"]),
            })
        })
    }

    fn products(&self, cx: &Context<'_>, query: &AllianceQuery) -> Turn<Page<AllianceProduct>> {
        let body = json!({ "need_total_num": true });
        listed(cx, "item/list/get", body, query.cursor.as_deref(), PRODUCTS)
    }
    fn resume_products(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<AllianceProduct>> {
        rows(cx, state, answers, ("items", "has_more", PRODUCTS), |row| {
            Ok(AllianceProduct { product_id: product_id(row, "product_id")? })
        })
    }

    fn plans(&self, cx: &Context<'_>, query: &PlansQuery) -> Turn<Page<PromotionPlan>> {
        let body = json!({ "product_id": number(&query.product_id, "product_id")? });
        listed(cx, "promotion/plan/list", body, query.cursor.as_deref(), PAGE)
    }
    fn resume_plans(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<PromotionPlan>> {
        rows(cx, state, answers, LIST, |row| {
            let plan = id(&row["promotion_plan_id"]);
            Ok(PromotionPlan {
                id: plan.ok_or_else(|| ChannelError::unexpected("a plan has no promotion_plan_id"))?,
                kind: match integer(&row["promotion_plan_type"]) {
                    Some(100) => PlanKind::Everyone,
                    Some(200) => PlanKind::Chosen,
                    Some(300) => PlanKind::Named,
                    other => PlanKind::Other(other.map(|number| number.to_string()).unwrap_or_default()),
                },
            })
        })
    }

    fn terms(&self, cx: &Context<'_>, plan: &PlanRef) -> Turn<Option<PlanTerms>> {
        let product = number(&plan.product_id, "product_id")?;
        let number = number(&plan.plan_id, "plan_id")?;
        let ask = |kind: &i64| {
            let body = json!({ "type": kind, "product_id": product, "promotion_plan_id": number });
            asked(cx, "item/get", &body)
        };
        let requests = types(&plan.kind).iter().map(ask).collect::<Result<Vec<_>, _>>()?;
        if requests.is_empty() {
            return Ok(Step::Done(None));
        }
        let state = encode_state(&(plan.product_id.clone(), requests.len()))?;
        Ok(Step::Call { requests, parallel: true, state })
    }
    fn resume_terms(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Option<PlanTerms>> {
        let (product, count): (String, usize) = decode_state(state)?;
        if answers.len() != count || answers.is_empty() {
            return Err(ChannelError::unexpected("not every type has an answer"));
        }
        let mut found = Vec::new();
        for answer in answers {
            match told(cx, answer) {
                // Of another product it is no answer to what was asked.
                Ok(body) if id(&body["item"]["product_id"]).is_some_and(|id| id == product) => {
                    found.push(terms_of(&body["item"])?);
                }
                Ok(_) => {}
                Err(error) if error.remote_code().is_some_and(|code| NO_PLAN.contains(&code)) => {}
                Err(error) => return Err(error),
            }
        }
        // Two of them would leave open which one it is.
        Ok(Step::Done(if found.len() == 1 { found.pop() } else { None }))
    }

    fn plan_promoters(&self, cx: &Context<'_>, query: &PlanPromotersQuery) -> Turn<Page<PlanPromoter>> {
        let body = json!({
            "product_id": number(&query.product_id, "product_id")?,
            "promotion_plan_id": number(&query.plan_id, "plan_id")?,
        });
        listed(cx, "promotion/talent/list", body, query.cursor.as_deref(), PAGE)
    }
    fn resume_plan_promoters(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<PlanPromoter>> {
        rows(cx, state, answers, LIST, |row| {
            let base = &row["base_talent_info"];
            Ok(PlanPromoter {
                id: promoter_id(base)?,
                name: name(&base["nickname"]),
                commission: share(&row["commission_info"], 10_000)?,
                native_state: raw(&row["talent_relation_status"]),
            })
        })
    }

    fn block(&self, cx: &Context<'_>, wish: &PromoterBlock) -> Turn<()> {
        let kind = if wish.blocked { SHUT_OUT } else { LET_BACK };
        let body = json!({ "talent_appid": wish.promoter_id, "upd_talent_type": kind });
        // Not idempotent: after a lost answer nobody says it again by himself; whoever wanted it is told of the doubt.
        Ok(Step::call(account_post(cx, "/channels/ec/league/talent/update", &body)?, Vec::new()))
    }
    fn resume_block(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
        only(cx, state, answers).map(|_| Step::Done(()))
    }

    fn change_plan(&self, cx: &Context<'_>, change: &PlanChange) -> Turn<()> {
        changes::change(cx, change)
    }
    fn resume_change_plan(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
        changes::changed(cx, state, answers)
    }

    fn add_product(&self, cx: &Context<'_>, addition: &AllianceAddition) -> Turn<AllianceAdded> {
        changes::add(cx, addition)
    }
    fn resume_add_product(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<AllianceAdded> {
        changes::added(cx, state, answers)
    }
}
