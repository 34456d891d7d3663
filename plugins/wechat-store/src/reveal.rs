//! The receiver in the clear (`order/sensitiveinfo/decode`).

use crate::WechatStore;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{Answer, ChannelError, ClearReceiver, Context, Reveal, Step, Turn, VirtualPhone};
use qianpu_wechat_wire::call::{account_post, read_only};
use serde_json::json;

impl Reveal for WechatStore {
    fn receiver(&self, cx: &Context<'_>, order_id: &str) -> Turn<ClearReceiver> {
        let body = json!({ "order_id": order_id });
        let request = account_post(cx, "/channels/ec/order/sensitiveinfo/decode", &body)?.idempotent();
        Ok(Step::call(request, Vec::new()))
    }

    fn resume_receiver(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<ClearReceiver> {
        let body = read_only(cx, answers)?;
        let info = &body["address_info"];
        let part = |field: &str| text(&info[field]).unwrap_or_default();
        let name = text(&info["user_name"])
            .ok_or_else(|| ChannelError::unexpected("the answer has no address_info.user_name"))?;
        let told = &body["virtual_number_info"];
        let number = id(&told["virtual_number"]);
        Ok(Step::Done(ClearReceiver {
            name,
            virtual_phone: number.as_ref().map(|_| VirtualPhone {
                extension: id(&told["extension"]),
                expires_at: integer(&told["expiration"]).filter(|at| *at > 0).map(Timestamp::from_seconds),
            }),
            phone: number.unwrap_or_else(|| part("tel_number")),
            province: part("province_name"),
            city: part("city_name"),
            district: part("county_name"),
            detail: format!("{}{}", part("detail_info"), part("house_number")),
        }))
    }
}
