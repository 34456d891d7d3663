//! Setting stock (`/sku/syncStock`, `incremental` false = set to).

use crate::Douyin;
use crate::call::{account_call, id_number, read};
use qianpu_sdk::{
    Answer, ChannelError, Context, ErrorClass, PublishedRefs, Step, Stock, StockLevel, StockOutcome, Turn,
    decode_state, encode_state,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

const MAX_LEVELS: usize = 600;

#[derive(Serialize, Deserialize)]
struct Sent {
    /// Outcomes known before any call.
    known: Vec<StockOutcome>,
    /// SKUs in the order of the requests.
    sent: Vec<String>,
}

impl Stock for Douyin {
    fn set_stock(
        &self,
        cx: &Context<'_>,
        refs: &PublishedRefs,
        levels: &[StockLevel],
    ) -> Turn<Vec<StockOutcome>> {
        let product_id = refs
            .product_id
            .as_deref()
            .ok_or_else(|| ChannelError::field("product_id", "not_published", "商品还没有发布到抖店"))?;
        if levels.len() > MAX_LEVELS {
            return Err(ChannelError::field("levels", "too_many", "一次最多更新 600 个规格的库存"));
        }
        let mut state = Sent { known: Vec::new(), sent: Vec::new() };
        let mut requests = Vec::new();
        for level in levels {
            let refused = match refs.skus.get(&level.out_sku_id) {
                None => ("sku_id", "not_published", "该规格还没有发布到抖店"),
                Some(_) if level.quantity < 0 => ("quantity", "negative", "库存不能为负数"),
                Some(sku_id) => {
                    let params = json!({
                        "product_id": id_number(product_id), "sku_id": id_number(sku_id),
                        "incremental": false, "stock_num": level.quantity,
                    });
                    requests.push(account_call(cx, "/sku/syncStock", &params)?.idempotent());
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
            let error = match answer.response().and_then(|response| read(response, cx)) {
                Ok(_) => None,
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
