//! Tags of an official account's followers, and a crowd of followers for tests.
//!
//! From the pages of `doc/service/api/usermanage/tag/` of developers.weixin.qq.com; how many people a tagging call takes
//! and the error codes are in the older `doc/offiaccount/User_Management/User_Tag_Management.html`.

use crate::calls::{Auth, Call, Route, get, post};
use crate::control::{refuse, reply};
use crate::core::Core;
use crate::errors::{Answer, WxError, error, error_with, ok};
use crate::fans::FANS;
use crate::official_account::only_official;
use crate::state::{Account, AccountKind, Fan, openid_of, text_of};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/cgi-bin/tags/create", Auth::Account, create),
    get("/cgi-bin/tags/get", Auth::Account, list),
    post("/cgi-bin/tags/update", Auth::Account, update),
    post("/cgi-bin/tags/delete", Auth::Account, delete),
    post("/cgi-bin/tags/members/batchtagging", Auth::Account, put_on),
    post("/cgi-bin/tags/members/batchuntagging", Auth::Account, take_off),
    post("/cgi-bin/tags/getidlist", Auth::Account, of_fan),
    post("/cgi-bin/user/tag/get", Auth::Account, members),
];

const TAGS: usize = 100;
const OF_FAN: usize = 20;
const AT_ONCE: usize = 50;
/// Ids below belong to the platform: 未分组, 黑名单, 星标组.
const OWN_FROM: u64 = 100;

fn name_of(call: &mut Call<'_>, but: Option<u64>) -> Result<String, WxError> {
    let name = text_of(call.body.pointer("/tag/name")).to_owned();
    if name.chars().count() > 30 {
        return Err(error(45158));
    }
    let account = call.account()?;
    let taken = account.tags.iter().any(|(id, own)| *own == name && Some(*id) != but);
    if name.is_empty() || taken || ["未分组", "黑名单", "星标组"].contains(&name.as_str()) {
        return Err(error(45157));
    }
    Ok(name)
}

fn own_tag(call: &mut Call<'_>, id: Option<u64>) -> Result<u64, WxError> {
    let id = id.ok_or_else(|| error(45159))?;
    if id < 3 {
        return Err(error(45058));
    }
    if call.account()?.tags.contains_key(&id) { Ok(id) } else { Err(error(45159)) }
}

fn id_in_tag(call: &Call<'_>) -> Option<u64> {
    call.body.pointer("/tag/id").and_then(Value::as_u64)
}

fn create(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let name = name_of(call, None)?;
    let account = call.account()?;
    if account.tags.len() >= TAGS {
        return Err(error(45056));
    }
    let id = account.tags.keys().next_back().map_or(OWN_FROM, |last| last + 1);
    account.tags.insert(id, name.clone());
    Ok(json!({"tag": {"id": id, "name": name}}))
}

fn list(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let account = call.account()?;
    let count =
        |id: u64| account.fans.values().filter(|fan| fan.subscribed && fan.tags.contains(&id)).count();
    let mut tags = vec![json!({"id": 2, "name": "星标组", "count": 0})];
    tags.extend(account.tags.iter().map(|(id, name)| json!({"id": id, "name": name, "count": count(*id)})));
    Ok(json!({"tags": tags}))
}

fn update(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let id = own_tag(call, id_in_tag(call))?;
    let name = name_of(call, Some(id))?;
    call.account()?.tags.insert(id, name);
    Ok(ok())
}

fn delete(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let id = own_tag(call, id_in_tag(call))?;
    let account = call.account()?;
    account.tags.remove(&id);
    for fan in account.fans.values_mut() {
        fan.tags.remove(&id);
    }
    Ok(ok())
}

/// All of the people, or none: the platform refuses the call as a whole.
fn people(call: &mut Call<'_>) -> Result<(u64, Vec<String>), WxError> {
    only_official(call)?;
    let id = call.body.get("tagid").and_then(Value::as_u64);
    let id = own_tag(call, id)?;
    let list = call.body.get("openid_list").and_then(Value::as_array).cloned().unwrap_or_default();
    if list.is_empty() || list.len() > AT_ONCE {
        return Err(error_with(40032, "invalid openid list size"));
    }
    let list: Vec<String> = list.iter().map(|openid| text_of(Some(openid)).to_owned()).collect();
    let account = call.account()?;
    if list.iter().any(|openid| !account.fans.get(openid).is_some_and(|fan| fan.subscribed)) {
        return Err(error(40003));
    }
    Ok((id, list))
}

fn put_on(call: &mut Call<'_>) -> Answer {
    let (id, list) = people(call)?;
    let account = call.account()?;
    let full = |fan: &Fan| fan.tags.len() >= OF_FAN && !fan.tags.contains(&id);
    if list.iter().any(|openid| account.fans.get(openid).is_some_and(full)) {
        return Err(error(45059));
    }
    each(account, &list, |fan| {
        fan.tags.insert(id);
    });
    Ok(ok())
}

fn take_off(call: &mut Call<'_>) -> Answer {
    let (id, list) = people(call)?;
    each(call.account()?, &list, |fan| {
        fan.tags.remove(&id);
    });
    Ok(ok())
}

fn each(account: &mut Account, list: &[String], change: impl Fn(&mut Fan)) {
    for openid in list {
        if let Some(fan) = account.fans.get_mut(openid) {
            change(fan);
        }
    }
}

fn of_fan(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let openid = call.text("openid").to_owned();
    let fan = call.account()?.fans.get(&openid).ok_or_else(|| error(40003))?;
    Ok(json!({"tagid_list": fan.tags}))
}

fn members(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let id = call.body.get("tagid").and_then(Value::as_u64);
    let id = own_tag(call, id)?;
    let after = call.text("next_openid").to_owned();
    let fans = &call.account()?.fans;
    let has = |fan: &Fan| fan.subscribed && fan.tags.contains(&id);
    let page: Vec<&String> = fans
        .iter()
        .filter(|(openid, fan)| has(fan) && openid.as_str() > after.as_str())
        .map(|(openid, _)| openid)
        .take(10_000)
        .collect();
    let next = page.last().map_or("", |openid| openid.as_str());
    Ok(json!({"count": page.len(), "data": {"openid": page}, "next_openid": next}))
}

#[derive(Deserialize)]
pub struct Crowd {
    appid: String,
    /// Names are this and a number.
    prefix: String,
    count: usize,
    #[serde(default = "yes")]
    subscribed: bool,
}

const fn yes() -> bool {
    true
}

/// People who followed before anybody was told: no push says it.
pub async fn crowd(new: web::Json<Crowd>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        let account = state.accounts.get_mut(&new.appid).ok_or_else(|| refuse("no such account"))?;
        if account.kind != AccountKind::OfficialAccount {
            return Err(refuse("only official accounts have followers"));
        }
        if account.fans.len() + new.count > FANS {
            return Err(refuse("too many followers"));
        }
        for number in 0..new.count {
            let name = format!("{}{number}", new.prefix);
            let fan = account.fans.entry(openid_of(&new.appid, &name)).or_default();
            fan.nickname = name;
            fan.subscribed = new.subscribed;
            fan.subscribe_time = now.seconds().saturating_sub(60 * (number as u64 + 1));
        }
        Ok(json!({"fans": account.fans.len()}))
    }))
}
