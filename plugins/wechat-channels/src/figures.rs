//! A channels account's figures of a day: the compass for those who sell 罗盘达人版. See [`qianpu_wechat_wire::compass`] for
//! the documents.

use crate::answers::only;
use qianpu_sdk::{
    Analytics, Answer, ChannelError, Context, DayFigures, FigureName, LiveDay, PeopleFigures, PeopleOfDay,
    ProductFigures, ProductOfDay, ProductsOfDay, Request, Step, Turn,
};
use qianpu_wechat_wire::call::account_post;
use qianpu_wechat_wire::compass::{Fields, PRODUCT, ds, figures, group, one_product, people, products};
use serde_json::{Value, json};

use FigureName as F;

/// The compass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compass;

const ACCOUNT: Fields = &[
    ("pay_gmv", F::Paid),
    ("live_pay_gmv", F::PaidLive),
    ("feed_pay_gmv", F::PaidVideos),
    ("window_pay_gmv", F::PaidWindow),
    ("product_pay_gmv", F::PaidShares),
    ("other_pay_gmv", F::PaidElsewhere),
];

/// What a channels account learns of its products beside [`PRODUCT`].
const SELLING: Fields =
    &[("actual_commission", F::Commission), ("predict_commission", F::CommissionExpected)];

fn asked(cx: &Context<'_>, path: &str, body: &Value) -> Result<Request, ChannelError> {
    Ok(account_post(cx, &format!("/channels/ec/compass/finder/{path}/get"), body)?.idempotent())
}

fn told(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Result<Value, ChannelError> {
    if state.is_empty() {
        only(cx, answers)
    } else {
        Err(ChannelError::unexpected("a state that is not ours"))
    }
}

impl Analytics for Compass {
    fn overview(&self, cx: &Context<'_>, day: &LiveDay) -> Turn<DayFigures> {
        Ok(Step::call(asked(cx, "overall", &json!({ "ds": ds(day) }))?, Vec::new()))
    }
    fn resume_overview(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<DayFigures> {
        let body = told(cx, state, answers)?;
        Ok(Step::Done(DayFigures { figures: figures(&body["data"], &[ACCOUNT])?, promoters: None }))
    }

    fn products(&self, cx: &Context<'_>, day: &LiveDay) -> Turn<ProductsOfDay> {
        Ok(Step::call(asked(cx, "product/list", &json!({ "ds": ds(day) }))?, Vec::new()))
    }
    fn resume_products(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ProductsOfDay> {
        Ok(Step::Done(products(&told(cx, state, answers)?, &[PRODUCT, SELLING])?))
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
        Ok(Step::Done(one_product(&told(cx, state, answers)?, &[PRODUCT, SELLING])?))
    }

    fn people(&self, cx: &Context<'_>, wanted: &PeopleOfDay) -> Turn<PeopleFigures> {
        let body = json!({ "ds": ds(&wanted.day), "type": group(wanted.group, true)? });
        Ok(Step::call(asked(cx, "sale/profile/data", &body)?, Vec::new()))
    }
    fn resume_people(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<PeopleFigures> {
        Ok(Step::Done(people(&told(cx, state, answers)?, true)?))
    }
}
