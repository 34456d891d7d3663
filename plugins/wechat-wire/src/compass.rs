//! Figures of the compass 罗盘, the parts that shops 商家版 and channels accounts 达人版 share.
//!
//! From <https://developers.weixin.qq.com/doc/store/shop/guide/operation/analytics.html> (figures come a day later; the
//! running day has none), <https://developers.weixin.qq.com/doc/channels/API/compass/shop/getshopproductlist.html>,
//! `…/getshopproductdata.html`, `…/compass/finder/getfinderproductdata.html` and
//! <https://developers.weixin.qq.com/doc/store/API/compass/shop/getshopsaleprofiledata.html>; where these were not at hand,
//! field names are those of the open client libraries `SKIT.FlurlHttpClient.Wechat` (`ECCompass` with its samples) and WxJava
//! (`weixin-java-channel`, `bean/compass`). Figures are whole numbers written as text, money in fen; ratios are fractions
//! and are left out.

use crate::call::read;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, ChannelError, Context, FigureName, Figures, LiveDay, PeopleFigures, PeopleGroup, PeopleKind,
    PeopleTrait, ProductFigures, ProductsOfDay,
};
use serde_json::Value;

use FigureName as F;

/// A field of the platform and what it says.
pub type Fields = &'static [(&'static str, FigureName)];

/// Figures of a product that both kinds have.
pub const PRODUCT: Fields = &[
    ("pay_gmv", F::Paid),
    ("pure_pay_gmv", F::Net),
    ("pay_gmv_per_uv", F::PerBuyer),
    ("pay_refund_gmv", F::DealRefunded),
    ("refund_gmv", F::Refunded),
    ("create_gmv", F::Ordered),
    ("pay_cnt", F::PaidOrders),
    ("pay_uv", F::Buyers),
    ("pay_product_cnt", F::PaidItems),
    ("product_click_uv", F::Clickers),
    ("product_click_cnt", F::Clicks),
    ("create_cnt", F::Orders),
    ("create_uv", F::Orderers),
    ("create_product_cnt", F::OrderedItems),
    ("pay_refund_cnt", F::DealRefundOrders),
    ("pay_refund_uv", F::DealRefundBuyers),
    ("pay_refund_product_cnt", F::DealRefundItems),
    ("refund_cnt", F::RefundOrders),
    ("refund_uv", F::RefundBuyers),
    ("refund_product_cnt", F::RefundItems),
];

/// Groups of people by the platform's numbers; only channels accounts know the last one.
const GROUPS: &[(PeopleGroup, i64)] = &[
    (PeopleGroup::Saw, 1),
    (PeopleGroup::Clicked, 2),
    (PeopleGroup::Bought, 3),
    (PeopleGroup::BoughtFirst, 4),
    (PeopleGroup::BoughtAgain, 5),
    (PeopleGroup::Watched, 6),
];

/// The day as `YYYYMMDD`.
pub fn ds(day: &LiveDay) -> String {
    format!("{:04}{:02}{:02}", day.year, day.month, day.day)
}

/// Reads an answer, which has to say `errcode` 0.
pub fn told(cx: &Context<'_>, answer: &Answer) -> Result<Value, ChannelError> {
    let body = read(answer.response()?, cx.now)?;
    match integer(&body["errcode"]) {
        Some(0) => Ok(body),
        _ => Err(ChannelError::unexpected("the answer has no errcode")),
    }
}

/// What is not there was not told; what is there has to be a whole number.
fn figure(given: &Value, field: &str, name: FigureName) -> Result<Option<i64>, ChannelError> {
    match &given[field] {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        value => integer(value)
            .filter(|number| *number >= 0 || name.is_money())
            .map(Some)
            .ok_or_else(|| ChannelError::unexpected(format!("{field} is no figure"))),
    }
}

/// The figures of a block; `None` where there is no block, or nothing in it.
pub fn figures(block: &Value, fields: &[Fields]) -> Result<Option<Figures>, ChannelError> {
    match block {
        Value::Null => Ok(None),
        Value::Object(rows) if rows.is_empty() => Ok(None),
        Value::Object(_) => {
            let fields = fields.iter().copied().flatten();
            let told = fields.map(|(field, name)| Ok((*name, figure(block, field, *name)?)));
            Ok(Some(told.collect::<Result<_, ChannelError>>()?))
        }
        _ => Err(ChannelError::unexpected("the figures are no object")),
    }
}

/// The rows of a list; none where the platform left it out.
pub fn list<'a>(body: &'a Value, field: &str) -> Result<Option<&'a [Value]>, ChannelError> {
    match &body[field] {
        Value::Null => Ok(None),
        Value::Array(rows) => Ok(Some(rows)),
        _ => Err(ChannelError::unexpected(format!("{field} is no list"))),
    }
}

/// A product with its figures.
pub fn product(row: &Value, fields: &[Fields]) -> Result<ProductFigures, ChannelError> {
    let product_id = id(&row["product_id"]);
    Ok(ProductFigures {
        product_id: product_id.ok_or_else(|| ChannelError::unexpected("a product has no product_id"))?,
        title: text(&row["title"]).unwrap_or_default(),
        figures: figures(&row["data"], fields)?.unwrap_or_default(),
    })
}

/// `product_list`. It is asked for as a whole, as the documents show it: pages by `offset` repeat products, says
/// <https://developers.weixin.qq.com/community/minihome/doc/00048a3a148388f27e343959066c00>.
pub fn products(body: &Value, fields: &[Fields]) -> Result<ProductsOfDay, ChannelError> {
    let Some(rows) = list(body, "product_list")? else { return Ok(ProductsOfDay::default()) };
    let some = rows.iter().take(ProductFigures::MOST).map(|row| product(row, fields));
    Ok(ProductsOfDay {
        items: Some(some.collect::<Result<_, _>>()?),
        more: rows.len() > ProductFigures::MOST,
    })
}

/// `product_info`; none where there is none.
pub fn one_product(body: &Value, fields: &[Fields]) -> Result<Option<ProductFigures>, ChannelError> {
    let info = &body["product_info"];
    let there = info.is_object() && info["data"].as_object().is_some_and(|data| !data.is_empty());
    if there { product(info, fields).map(Some) } else { Ok(None) }
}

/// The groups that can be asked about: channels accounts also know who watched.
fn groups(watched: bool) -> impl Iterator<Item = (PeopleGroup, i64)> {
    GROUPS.iter().copied().filter(move |(group, _)| watched || *group != PeopleGroup::Watched)
}

/// The platform's number of a group.
pub fn group(wanted: PeopleGroup, watched: bool) -> Result<i64, ChannelError> {
    let found = groups(watched).find(|(group, _)| *group == wanted);
    found
        .map(|(_, number)| number)
        .ok_or_else(|| ChannelError::field("group", "unknown", "平台没有这类人群的数据"))
}

/// `data.field_list`.
pub fn people(body: &Value, watched: bool) -> Result<PeopleFigures, ChannelError> {
    let word = |row: &Value, field: &str| {
        let word = text(&row[field]);
        word.ok_or_else(|| ChannelError::unexpected(format!("a row has no {field}")))
    };
    let kind = |row: &Value| {
        let value = match &row["dim_value"] {
            Value::Number(number) => Some(number.to_string()),
            other => text(other),
        };
        let value = value.ok_or_else(|| ChannelError::unexpected("a row has no dim_value"))?;
        Ok(PeopleKind { name: word(row, "dim_key")?, value })
    };
    let traits = match list(&body["data"], "field_list")? {
        None => None,
        Some(rows) => {
            let rows = rows.iter().take(PeopleTrait::MOST).map(|row| {
                let kinds = list(row, "data_list")?.unwrap_or_default();
                let kinds = kinds.iter().take(PeopleTrait::MOST).map(kind);
                let kinds = kinds.collect::<Result<_, ChannelError>>()?;
                Ok(PeopleTrait { name: word(row, "field_name")?, kinds })
            });
            Some(rows.collect::<Result<_, ChannelError>>()?)
        }
    };
    Ok(PeopleFigures { groups: groups(watched).map(|(group, _)| group).collect(), traits })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops by panicking")]
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_told_is_no_nought_and_what_is_no_number_is_an_error() {
        let told = figures(&json!({ "pay_gmv": "42292", "pay_uv": 8, "pure_pay_gmv": "-81" }), &[PRODUCT]);
        let told = told.unwrap().unwrap();
        assert_eq!((told[&F::Paid], told[&F::Buyers], told[&F::Net]), (Some(42_292), Some(8), Some(-81)));
        assert_eq!((told[&F::Clicks], told.len()), (None, PRODUCT.len()));
        for nothing in [json!(null), json!({})] {
            assert_eq!(figures(&nothing, &[PRODUCT]).unwrap(), None);
        }
        for wrong in [
            json!({ "pay_gmv": "12.5" }),
            json!({ "pay_gmv": "一百" }),
            json!({ "pay_gmv": 12.5 }),
            json!({ "pay_uv": "-1" }),
            json!({ "pay_gmv": "99999999999999999999" }),
            json!([]),
        ] {
            assert!(figures(&wrong, &[PRODUCT]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_long_list_ends_and_says_so() {
        let row = |id: usize| json!({ "product_id": id.to_string(), "data": {} });
        let rows: Vec<Value> = (1..=ProductFigures::MOST + 1).map(row).collect();
        let told = products(&json!({ "product_list": rows }), &[PRODUCT]).unwrap();
        assert!(told.more && told.items.unwrap().len() == ProductFigures::MOST);
        assert_eq!(products(&json!({}), &[PRODUCT]).unwrap(), ProductsOfDay::default());
        assert!(products(&json!({ "product_list": [{ "title": "无号" }] }), &[PRODUCT]).is_err());
        assert!(products(&json!({ "product_list": {} }), &[PRODUCT]).is_err());
    }

    #[test]
    fn only_channels_accounts_know_who_watched() {
        assert_eq!(
            (group(PeopleGroup::Watched, true).unwrap(), group(PeopleGroup::Bought, false).unwrap()),
            (6, 3)
        );
        assert!(group(PeopleGroup::Watched, false).is_err());
        assert_eq!(people(&json!({}), false).unwrap().groups.len(), 5);
        let row = json!({ "field_name": "年龄", "data_list": [{ "dim_key": "18_24", "dim_value": 0.5 }] });
        let told = people(&json!({ "data": { "field_list": [row] } }), true).unwrap();
        assert_eq!(told.traits.unwrap()[0].kinds[0].value, "0.5");
    }
}
