//! The control calls for coupons: buyers receive and use them, the merchant withdraws one in the platform's own console.

use crate::control::{Reply, refuse, reply};
use crate::core::Core;
use crate::state::id_of;
use crate::store_coupon::{id_text, receive, use_up, withdraw_by_hand};
use actix_web::{HttpResponse, web};
use serde_json::Value;

pub fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/sandbox/api/stores/{appid}/coupons/{id}/{action}").route(web::post().to(act)),
    );
}

/// `receive {buyer}`, `withdraw`; `use {order_id}` names a received coupon in the path.
async fn act(
    path: web::Path<(String, String, String)>,
    body: web::Json<Value>,
    core: web::Data<Core>,
) -> HttpResponse {
    let (appid, id, action) = path.into_inner();
    reply(core.with(|state, now| -> Reply {
        let id = id_text(&id)?;
        Ok(match action.as_str() {
            "receive" => {
                let buyer = body.get("buyer").and_then(Value::as_str).unwrap_or("buyer-1");
                receive(state, now, &appid, id, buyer)?
            }
            "use" => {
                let order = id_of(body.get("order_id")).ok_or_else(|| refuse("order_id is needed"))?;
                use_up(state, now, &appid, id, order)?
            }
            "withdraw" => withdraw_by_hand(state, now, &appid, id)?,
            _ => return Err(refuse("actions: receive, use, withdraw")),
        })
    }))
}
