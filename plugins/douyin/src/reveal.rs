//! The receiver in the clear: the order carries ciphers, `/order/batchDecrypt` opens them.

use crate::call::{account_call, read_only, rows};
use crate::{DECRYPTS, Douyin, order, orders};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, ChannelError, ClearReceiver, Context, ErrorClass, RemoteError, Reveal, Step, Turn, VirtualPhone,
    decode_state, encode_state,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is needed of the order to read the second answer. The ciphers are not secret: they open for the shop alone.
#[derive(Serialize, Deserialize)]
enum Stage {
    Order,
    Ciphers { name: String, phone: String, detail: String, place: [String; 4] },
}

impl Reveal for Douyin {
    fn receiver(&self, cx: &Context<'_>, order_id: &str) -> Turn<ClearReceiver> {
        Ok(Step::call(orders::get(cx, order_id)?, encode_state(&Stage::Order)?))
    }

    fn resume_receiver(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ClearReceiver> {
        match decode_state(state)? {
            Stage::Order => ask(cx, order::detail(&read_only(cx, answers)?)?),
            Stage::Ciphers { name, phone, detail, place } => {
                open(&read_only(cx, answers)?, [&name, &phone, &detail], place).map(Step::Done)
            }
        }
    }
}

fn ask(cx: &Context<'_>, detail: &Value) -> Turn<ClearReceiver> {
    let missing = |field: &str| ChannelError::unexpected(format!("the order has no {field}"));
    let order_id = id(&detail["order_id"]).ok_or_else(|| missing("order_id"))?;
    let cipher = |value: &Value, field: &str| text(value).ok_or_else(|| missing(field));
    let place = &detail["post_addr"];
    let named = |level: &str| text(&place[level]["name"]).unwrap_or_default();
    let name = cipher(&detail["encrypt_post_receiver"], "encrypt_post_receiver")?;
    let phone = cipher(&detail["encrypt_post_tel"], "encrypt_post_tel")?;
    let street = cipher(&place["encrypt_detail"], "post_addr.encrypt_detail")?;
    let infos: Vec<Value> =
        [&name, &phone, &street].map(|cipher| json!({ "auth_id": order_id, "cipher_text": cipher })).to_vec();
    let request = account_call(cx, "/order/batchDecrypt", &json!({ "cipher_infos": infos }))?;
    let place = ["province", "city", "town", "street"].map(named);
    let stage = Stage::Ciphers { name, phone, detail: street, place };
    Ok(Step::call(request.bucket(DECRYPTS).idempotent(), encode_state(&stage)?))
}

fn open(
    data: &Value,
    [name, phone, detail]: [&str; 3],
    place: [String; 4],
) -> Result<ClearReceiver, ChannelError> {
    let refused = |code: i64, words: &Value| {
        let message = text(words).unwrap_or_default();
        let remote = RemoteError { code: code.to_string(), message, rid: None };
        ChannelError::remote(ErrorClass::BusinessRefusal, remote)
    };
    if let Some(code) = integer(&data["custom_err"]["err_code"]).filter(|code| *code != 0) {
        return Err(refused(code, &data["custom_err"]["err_msg"]));
    }
    let found = |cipher: &str| -> Result<&Value, ChannelError> {
        let row = rows(&data["decrypt_infos"]).iter().find(|row| row["cipher_text"].as_str() == Some(cipher));
        let row = row.ok_or_else(|| ChannelError::unexpected("a cipher was not answered"))?;
        match integer(&row["err_no"]).filter(|code| *code != 0) {
            Some(code) => Err(refused(code, &row["err_msg"])),
            None => Ok(row),
        }
    };
    let opened = |row: &Value| {
        text(&row["decrypt_text"])
            .ok_or_else(|| ChannelError::unexpected("a cipher was answered with nothing"))
    };
    let tel = found(phone)?;
    let is_virtual = tel["is_virtual_tel"].as_bool().unwrap_or(false);
    let number = id(&tel["phone_no_a"]).filter(|_| is_virtual);
    let [province, city, district, street] = place;
    Ok(ClearReceiver {
        name: opened(found(name)?)?,
        phone: match number {
            Some(number) => number,
            None => opened(tel)?,
        },
        virtual_phone: is_virtual.then(|| VirtualPhone {
            extension: id(&tel["phone_no_b"]),
            expires_at: integer(&tel["expire_time"]).filter(|at| *at > 0).map(Timestamp::from_seconds),
        }),
        province,
        city,
        district,
        detail: format!("{street}{}", opened(found(detail)?)?),
    })
}
