//! A shop's figures of a day: the compass for shops 罗盘商家版. See [`qianpu_wechat_wire::compass`] for the documents.

use crate::WechatStore;
use qianpu_sdk::wire::{id, text};
use qianpu_sdk::{
    Analytics, Answer, ChannelError, Context, DayFigures, FigureName, LiveDay, PeopleFigures, PeopleOfDay,
    ProductFigures, ProductOfDay, ProductsOfDay, PromoterFigures, PromoterRow, Request, Step, Turn,
};
use qianpu_wechat_wire::call::account_post;
use qianpu_wechat_wire::compass::{
    Fields, PRODUCT, ds, figures, group, list, one_product, people, products, told,
};
use serde_json::{Value, json};

use FigureName as F;

const SHOP: Fields = &[
    ("pay_gmv", F::Paid),
    ("live_pay_gmv", F::PaidLive),
    ("feed_pay_gmv", F::PaidVideos),
    ("pay_refund_gmv", F::DealRefunded),
    ("pay_order_cnt", F::PaidOrders),
    ("pay_uv", F::Buyers),
    ("product_click_uv", F::Clickers),
];

/// Of all channels accounts that sell for the shop.
const FINDERS: Fields = &[
    ("pay_gmv", F::Paid),
    ("pay_sales_finder_cnt", F::SellingPromoters),
    ("pay_product_id_cnt", F::SoldProducts),
];

/// Of one of them.
const FINDER: Fields = &[
    ("pay_gmv", F::Paid),
    ("pay_refund_gmv", F::DealRefunded),
    ("refund_gmv", F::Refunded),
    ("pay_uv", F::Buyers),
    ("pay_product_id_cnt", F::SoldProducts),
];

/// What a shop learns of its products beside [`PRODUCT`].
const SELLER: Fields = &[
    ("seller_actual_settle_amount", F::Settled),
    ("platform_actual_commission", F::ServiceFee),
    ("finderuin_actual_commission", F::PromoterCommission),
    ("captain_actual_commission", F::AgencyCommission),
    ("seller_predict_settle_amount", F::SettledExpected),
    ("platform_predict_commission", F::ServiceFeeExpected),
    ("finderuin_predict_commission", F::PromoterCommissionExpected),
    ("captain_predict_commission", F::AgencyCommissionExpected),
];

fn asked(cx: &Context<'_>, path: &str, body: &Value) -> Result<Request, ChannelError> {
    Ok(account_post(cx, &format!("/channels/ec/compass/shop/{path}/get"), body)?.idempotent())
}

fn only(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Result<Value, ChannelError> {
    match (answers, state.is_empty()) {
        ([answer], true) => told(cx, answer),
        _ => Err(ChannelError::unexpected("one answer was expected")),
    }
}

fn finder(row: &Value) -> Result<PromoterRow, ChannelError> {
    Ok(PromoterRow {
        id: id(&row["finder_id"]).ok_or_else(|| ChannelError::unexpected("a row has no finder_id"))?,
        name: text(&row["finder_nickname"]),
        figures: figures(&row["data"], &[FINDER])?.unwrap_or_default(),
    })
}

impl Analytics for WechatStore {
    fn overview(&self, cx: &Context<'_>, day: &LiveDay) -> Turn<DayFigures> {
        let day = json!({ "ds": ds(day) });
        let requests = vec![
            asked(cx, "overall", &day)?,
            asked(cx, "finder/authorization/list", &json!({}))?,
            asked(cx, "finder/overall", &day)?,
            asked(cx, "finder/list", &day)?,
        ];
        Ok(Step::Call { requests, parallel: true, state: Vec::new() })
    }

    fn resume_overview(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<DayFigures> {
        let ([shop, authorised, finders, each], true) = (answers, state.is_empty()) else {
            return Err(ChannelError::unexpected("four answers were expected"));
        };
        let (shop, authorised) = (told(cx, shop)?, told(cx, authorised)?);
        let (finders, each) = (told(cx, finders)?, told(cx, each)?);
        let ids = list(&authorised, "authorized_finder_id_list")?.unwrap_or_default();
        let rows = list(&each, "finder_list")?.unwrap_or_default();
        let most = PromoterFigures::MOST;
        Ok(Step::Done(DayFigures {
            figures: figures(&shop["data"], &[SHOP])?,
            promoters: Some(PromoterFigures {
                figures: figures(&finders["data"], &[FINDERS])?,
                main: id(&authorised["main_finder_id"]),
                authorised: ids.iter().filter_map(id).take(most).collect(),
                rows: rows.iter().take(most).map(finder).collect::<Result<_, _>>()?,
                more: ids.len() > most || rows.len() > most,
            }),
        }))
    }

    fn products(&self, cx: &Context<'_>, day: &LiveDay) -> Turn<ProductsOfDay> {
        Ok(Step::call(asked(cx, "product/list", &json!({ "ds": ds(day) }))?, Vec::new()))
    }
    fn resume_products(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ProductsOfDay> {
        Ok(Step::Done(products(&only(cx, state, answers)?, &[PRODUCT, SELLER])?))
    }

    fn product(&self, cx: &Context<'_>, wanted: &ProductOfDay) -> Turn<Option<ProductFigures>> {
        let body = json!({ "ds": ds(&wanted.day), "product_id": wanted.product_id });
        Ok(Step::call(asked(cx, "product/data", &body)?, Vec::new()))
    }
    fn resume_product(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Option<ProductFigures>> {
        Ok(Step::Done(one_product(&only(cx, state, answers)?, &[PRODUCT, SELLER])?))
    }

    fn people(&self, cx: &Context<'_>, wanted: &PeopleOfDay) -> Turn<PeopleFigures> {
        let body = json!({ "ds": ds(&wanted.day), "type": group(wanted.group, false)? });
        Ok(Step::call(asked(cx, "sale/profile/data", &body)?, Vec::new()))
    }
    fn resume_people(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<PeopleFigures> {
        Ok(Step::Done(people(&only(cx, state, answers)?, false)?))
    }
}
