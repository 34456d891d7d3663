//! Setting stock (`product/stock/update`, `diff_type` 3 = set to).

use crate::WechatStore;
use qianpu_sdk::{
    Answer, ChannelError, Context, ErrorClass, PublishedRefs, Step, Stock, StockLevel, StockOutcome, Turn,
    decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_post, read};
use serde::{Deserialize, Serialize};
use serde_json::json;

const MAX_LEVELS: usize = 500;

#[derive(Serialize, Deserialize)]
struct Sent {
    /// Outcomes known before any call.
    known: Vec<StockOutcome>,
    /// SKUs in the order of the requests.
    sent: Vec<String>,
}

impl Stock for WechatStore {
    fn set_stock(
        &self,
        cx: &Context<'_>,
        refs: &PublishedRefs,
        levels: &[StockLevel],
    ) -> Turn<Vec<StockOutcome>> {
        let product_id = refs
            .product_id
            .as_deref()
            .ok_or_else(|| ChannelError::field("product_id", "not_published", "商品还没有发布到微信小店"))?;
        if levels.len() > MAX_LEVELS {
            return Err(ChannelError::field("levels", "too_many", "一次最多更新 500 个规格的库存"));
        }
        let mut state = Sent { known: Vec::new(), sent: Vec::new() };
        let mut requests = Vec::new();
        for level in levels {
            let refused = match refs.skus.get(&level.out_sku_id) {
                None => ("sku_id", "not_published", "该规格还没有发布到微信小店"),
                Some(_) if level.quantity < 0 => ("quantity", "negative", "库存不能为负数"),
                Some(sku_id) => {
                    let body = json!({
                        "product_id": product_id, "sku_id": sku_id, "diff_type": 3, "num": level.quantity,
                    });
                    requests.push(account_post(cx, "/channels/ec/product/stock/update", &body)?.idempotent());
                    state.sent.push(level.out_sku_id.clone());
                    continue;
                }
            };
            let error = ChannelError::field(refused.0, refused.1, refused.2);
            state.known.push(StockOutcome { out_sku_id: level.out_sku_id.clone(), error: Some(error) });
        }
        if requests.is_empty() {
            return Ok(Step::Done(state.known));
        }
        Ok(Step::Call { requests, parallel: true, state: encode_state(&state)? })
    }

    fn resume_set_stock(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Vec<StockOutcome>> {
        let Sent { mut known, sent } = decode_state(state)?;
        if sent.len() != answers.len() {
            return Err(ChannelError::unexpected("the number of answers is not that of the requests"));
        }
        for (out_sku_id, answer) in sent.into_iter().zip(answers) {
            let error = match answer.response().and_then(|response| acknowledged(response, cx)) {
                Ok(()) => None,
                Err(error) => match error.class {
                    ErrorClass::BusinessRefusal | ErrorClass::FixRequest { .. } => Some(error),
                    // Tokens, limits and outages concern the whole account; setting again does no harm.
                    _ => return Err(error),
                },
            };
            known.push(StockOutcome { out_sku_id, error });
        }
        Ok(Step::Done(known))
    }
}

fn acknowledged(response: &qianpu_sdk::Response, cx: &Context<'_>) -> Result<(), ChannelError> {
    let body = read(response, cx.now)?;
    // `{}` is not a success: the platform always says errcode here.
    body.get("errcode").map(|_| ()).ok_or_else(|| ChannelError::unexpected("the answer has no errcode"))
}
