//! Freight templates and addresses of a shop (`channels/ec/merchant/…`). Saving reads first: nothing here is
//! idempotent at the platform.

use crate::{WechatStore, freight};
use qianpu_sdk::wire::{id, text};
use qianpu_sdk::{
    Answer, ChannelError, Context, FreightTemplate, NewAddress, Request, ShopAddress, ShopDesk, Step, Turn,
    decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_post, read, read_only, required_id};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is read one by one. Ours: the platform documents no ceiling.
const MOST: usize = 40;

#[derive(Serialize, Deserialize)]
enum Reading {
    List,
    Details,
}

#[derive(Serialize, Deserialize)]
enum Saving<T> {
    /// The one to be changed is asked for.
    Before(T),
    /// The ids of all are asked for, to find one that a lost answer left behind.
    List(T),
    Details(T, Vec<String>),
    Telling,
    /// The change of the one with this id is told.
    Changing(String),
}

#[derive(Serialize, Deserialize)]
enum Removing {
    List(String),
    Telling,
}

/// A family of things that are listed by id and read one by one.
struct Family {
    list: &'static str,
    ids: &'static str,
    get: &'static str,
    id: &'static str,
}

const TEMPLATES: Family = Family {
    list: "/channels/ec/merchant/getfreighttemplatelist",
    ids: "template_id_list",
    get: "/channels/ec/merchant/getfreighttemplatedetail",
    id: "template_id",
};
const ADDRESSES: Family = Family {
    list: "/channels/ec/merchant/address/list",
    ids: "address_id_list",
    get: "/channels/ec/merchant/address/get",
    id: "address_id",
};

impl Family {
    fn list(&self, cx: &Context<'_>) -> Result<Request, ChannelError> {
        Ok(account_post(cx, self.list, &json!({ "offset": 0, "limit": MOST }))?.idempotent())
    }
    fn get(&self, cx: &Context<'_>, one: &str) -> Result<Request, ChannelError> {
        Ok(account_post(cx, self.get, &json!({ self.id: one }))?.idempotent())
    }
    fn ids(&self, body: &Value) -> Result<Vec<String>, ChannelError> {
        let ids = body[self.ids]
            .as_array()
            .ok_or_else(|| ChannelError::unexpected(format!("the answer has no {}", self.ids)))?;
        Ok(ids.iter().filter_map(id).take(MOST).collect())
    }
    fn details(&self, cx: &Context<'_>, ids: &[String]) -> Result<Vec<Request>, ChannelError> {
        ids.iter().map(|one| self.get(cx, one)).collect()
    }

    fn resume<T>(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
        one: fn(&Value) -> Result<T, ChannelError>,
    ) -> Turn<Vec<T>> {
        match decode_state(state)? {
            Reading::List => {
                let ids = self.ids(&read_only(cx, answers)?)?;
                if ids.is_empty() {
                    return Ok(Step::Done(Vec::new()));
                }
                let state = encode_state(&Reading::Details)?;
                Ok(Step::Call { requests: self.details(cx, &ids)?, parallel: true, state })
            }
            Reading::Details => every(cx, answers, one).map(Step::Done),
        }
    }
}

fn every<T>(
    cx: &Context<'_>,
    answers: &[Answer],
    one: fn(&Value) -> Result<T, ChannelError>,
) -> Result<Vec<T>, ChannelError> {
    if answers.is_empty() {
        return Err(ChannelError::unexpected("no answer to the details"));
    }
    answers.iter().map(|answer| one(&read(answer.response()?, cx.now)?)).collect()
}

fn add_template(cx: &Context<'_>, template: &FreightTemplate) -> Turn<String> {
    let request =
        account_post(cx, "/channels/ec/merchant/addfreighttemplate", &freight::body(template, None))?;
    Ok(Step::call(request, encode_state(&Saving::<FreightTemplate>::Telling)?))
}

fn same_template(one: &FreightTemplate, other: &FreightTemplate) -> bool {
    let bare = |template: &FreightTemplate| FreightTemplate { template_id: None, ..template.clone() };
    bare(one) == bare(other)
}

/// Reads the answer of `address/get`.
fn address(body: &Value) -> Result<ShopAddress, ChannelError> {
    let found = &body["address_detail"];
    let place = &found["address_info"];
    let part = |field: &str| text(&place[field]).unwrap_or_default();
    let flag = |field: &str| found[field].as_bool().unwrap_or(false);
    let name = text(&place["user_name"]).or_else(|| text(&found["name"])).unwrap_or_default();
    let phone = text(&place["tel_number"]).or_else(|| text(&found["landline"])).unwrap_or_default();
    Ok(ShopAddress {
        address_id: Some(required_id(found, "address_id")?),
        place: NewAddress {
            name,
            phone,
            province: part("province_name"),
            city: part("city_name"),
            district: part("county_name"),
            detail: part("detail_info"),
        },
        sends: flag("send_addr"),
        receives: flag("recv_addr"),
        default_send: flag("default_send"),
        default_receive: flag("default_recv"),
    })
}

fn address_body(address: &ShopAddress, before: Option<&Value>) -> Value {
    let mut detail = before.map(|body| body["address_detail"].clone()).unwrap_or_else(|| json!({}));
    let mut info = detail["address_info"].take();
    if !info.is_object() {
        info = json!({});
    }
    let place = &address.place;
    info["user_name"] = json!(place.name);
    info["tel_number"] = json!(place.phone);
    info["province_name"] = json!(place.province);
    info["city_name"] = json!(place.city);
    info["county_name"] = json!(place.district);
    info["detail_info"] = json!(place.detail);
    detail["name"] = json!(place.name);
    detail["address_info"] = info;
    detail["send_addr"] = json!(address.sends);
    detail["recv_addr"] = json!(address.receives);
    detail["default_send"] = json!(address.default_send);
    detail["default_recv"] = json!(address.default_receive);
    json!({ "address_detail": detail })
}

fn address_call(cx: &Context<'_>, path: &str, body: &Value) -> Result<Request, ChannelError> {
    Ok(account_post(cx, path, body)?.redacted("address_detail"))
}

fn add_address(cx: &Context<'_>, wanted: &ShopAddress) -> Turn<String> {
    let request = address_call(cx, "/channels/ec/merchant/address/add", &address_body(wanted, None))?;
    Ok(Step::call(request, encode_state(&Saving::<ShopAddress>::Telling)?))
}

/// Answers to a change carry no id of their own.
fn changed(body: &Value, id: String) -> Turn<String> {
    match body.get("errcode") {
        Some(_) => Ok(Step::Done(id)),
        None => Err(ChannelError::unexpected("the answer has no errcode")),
    }
}

impl ShopDesk for WechatStore {
    fn freight_templates(&self, cx: &Context<'_>) -> Turn<Vec<FreightTemplate>> {
        Ok(Step::call(TEMPLATES.list(cx)?, encode_state(&Reading::List)?))
    }
    fn resume_freight_templates(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Vec<FreightTemplate>> {
        TEMPLATES.resume(cx, state, answers, freight::read)
    }

    fn save_freight_template(&self, cx: &Context<'_>, template: &FreightTemplate) -> Turn<String> {
        let wanted = template.clone();
        match &template.template_id {
            Some(id) => Ok(Step::call(TEMPLATES.get(cx, id)?, encode_state(&Saving::Before(wanted))?)),
            None => Ok(Step::call(TEMPLATES.list(cx)?, encode_state(&Saving::List(wanted))?)),
        }
    }
    fn resume_save_freight_template(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<String> {
        match decode_state(state)? {
            Saving::<FreightTemplate>::Before(wanted) => {
                let before = read_only(cx, answers)?;
                let id = required_id(&before["freight_template"], "template_id")?;
                let body = freight::body(&wanted, Some(&before));
                // It says how the template shall be: twice is like once.
                let request = account_post(cx, "/channels/ec/merchant/updatefreighttemplate", &body)?;
                Ok(Step::call(request.idempotent(), encode_state(&Saving::<FreightTemplate>::Changing(id))?))
            }
            Saving::List(wanted) => {
                let ids = TEMPLATES.ids(&read_only(cx, answers)?)?;
                if ids.is_empty() {
                    return add_template(cx, &wanted);
                }
                let requests = TEMPLATES.details(cx, &ids)?;
                Ok(Step::Call {
                    requests,
                    parallel: true,
                    state: encode_state(&Saving::Details(wanted, ids))?,
                })
            }
            Saving::Details(wanted, _) => {
                let there = every(cx, answers, freight::read)?;
                match there.into_iter().find(|one| one.name == wanted.name) {
                    None => add_template(cx, &wanted),
                    Some(known) if same_template(&known, &wanted) => {
                        Ok(Step::Done(known.template_id.unwrap_or_default()))
                    }
                    Some(_) => Err(ChannelError::field("name", "taken", "已有同名的运费模板")),
                }
            }
            Saving::Telling => required_id(&read_only(cx, answers)?, "template_id").map(Step::Done),
            Saving::Changing(id) => changed(&read_only(cx, answers)?, id),
        }
    }

    fn addresses(&self, cx: &Context<'_>) -> Turn<Vec<ShopAddress>> {
        Ok(Step::call(ADDRESSES.list(cx)?, encode_state(&Reading::List)?))
    }
    fn resume_addresses(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<ShopAddress>> {
        ADDRESSES.resume(cx, state, answers, address)
    }

    fn save_address(&self, cx: &Context<'_>, wanted: &ShopAddress) -> Turn<String> {
        let copy = wanted.clone();
        match &wanted.address_id {
            Some(id) => Ok(Step::call(ADDRESSES.get(cx, id)?, encode_state(&Saving::Before(copy))?)),
            None => Ok(Step::call(ADDRESSES.list(cx)?, encode_state(&Saving::List(copy))?)),
        }
    }
    fn resume_save_address(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String> {
        match decode_state(state)? {
            Saving::<ShopAddress>::Before(wanted) => {
                let before = read_only(cx, answers)?;
                let id = required_id(&before["address_detail"], "address_id")?;
                let body = address_body(&wanted, Some(&before));
                let request = address_call(cx, "/channels/ec/merchant/address/update", &body)?;
                Ok(Step::call(request.idempotent(), encode_state(&Saving::<ShopAddress>::Changing(id))?))
            }
            Saving::List(wanted) => {
                let ids = ADDRESSES.ids(&read_only(cx, answers)?)?;
                if ids.is_empty() {
                    return add_address(cx, &wanted);
                }
                let requests = ADDRESSES.details(cx, &ids)?;
                Ok(Step::Call {
                    requests,
                    parallel: true,
                    state: encode_state(&Saving::Details(wanted, ids))?,
                })
            }
            Saving::Details(wanted, _) => {
                let there = every(cx, answers, address)?;
                match there.into_iter().find(|one| one.place == wanted.place) {
                    Some(known) => Ok(Step::Done(known.address_id.unwrap_or_default())),
                    None => add_address(cx, &wanted),
                }
            }
            Saving::Telling => required_id(&read_only(cx, answers)?, "address_id").map(Step::Done),
            Saving::Changing(id) => changed(&read_only(cx, answers)?, id),
        }
    }

    fn remove_address(&self, cx: &Context<'_>, address_id: &str) -> Turn<()> {
        let state = encode_state(&Removing::List(address_id.to_owned()))?;
        Ok(Step::call(ADDRESSES.list(cx)?, state))
    }
    fn resume_remove_address(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
        let body = read_only(cx, answers)?;
        match decode_state(state)? {
            Removing::List(address_id) => {
                if !ADDRESSES.ids(&body)?.contains(&address_id) {
                    return Ok(Step::Done(()));
                }
                let asked = json!({ "address_id": address_id });
                let request = account_post(cx, "/channels/ec/merchant/address/delete", &asked)?;
                Ok(Step::call(request, encode_state(&Removing::Telling)?))
            }
            Removing::Telling => changed(&body, String::new()).map(|step| step.map(drop)),
        }
    }
}
