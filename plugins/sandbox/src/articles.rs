//! Articles of an official account: drafts, publishing in its own time, what was published, and cards of products.
//!
//! From `doc/offiaccount/Draft_Box/Add_draft.html`, `doc/service/api/public/api_freepublish_get` and
//! `doc/service/api/draftbox/shop/api_ecsgetproductcardinfo` of developers.weixin.qq.com.

use crate::calls::{Auth, Call, Route, get, post};
use crate::clock::{Now, random_text};
use crate::errors::{Answer, WxError, error, error_with, ok, ok_with};
use crate::official_account::only_official;
use crate::push::Event;
use crate::state::{State, id_of, text_of};
use crate::store_product::LISTED;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/cgi-bin/draft/add", Auth::Account, draft_add),
    post("/cgi-bin/draft/update", Auth::Account, draft_update),
    post("/cgi-bin/draft/get", Auth::Account, draft_get),
    post("/cgi-bin/draft/delete", Auth::Account, draft_delete),
    post("/cgi-bin/draft/batchget", Auth::Account, draft_list),
    get("/cgi-bin/draft/count", Auth::Account, draft_count),
    post("/cgi-bin/freepublish/submit", Auth::Account, submit),
    post("/cgi-bin/freepublish/get", Auth::Account, publish_get),
    post("/cgi-bin/freepublish/batchget", Auth::Account, publish_list),
    post("/channels/ec/service/product/getcardinfo", Auth::Account, card),
];

const MOST: usize = 1_000;

/// A publishing.
#[derive(Clone, Serialize, Deserialize)]
pub struct Publishing {
    pub publish_id: u64,
    pub articles: Value,
    pub due_ms: u64,
    /// 1 going on, 0 done, 4 refused by the platform's audit.
    pub status: i64,
    pub article_id: String,
    pub url: String,
}

fn characters(article: &Value, field: &str) -> usize {
    text_of(article.get(field)).chars().count()
}

fn check(state: &State, article: &Value) -> Result<(), WxError> {
    let title = characters(article, "title");
    if title == 0 || title > 32 {
        return Err(error_with(45003, "title size out of limit"));
    }
    if characters(article, "author") > 16 {
        return Err(error_with(45110, "author size out of limit"));
    }
    if characters(article, "digest") > 128 {
        return Err(error_with(45004, "description size out of limit"));
    }
    let content = characters(article, "content");
    if content == 0 || content >= 20_000 {
        return Err(error(45002));
    }
    if !state.images.contains_key(text_of(article.get("thumb_media_id"))) {
        return Err(error(40007));
    }
    let key = text_of(article.pointer("/product_info/footer_product_info/product_key"));
    if !(key.is_empty() || key.starts_with("card_")) {
        return Err(invalid_card());
    }
    Ok(())
}

fn invalid_card() -> WxError {
    error_with(40097, "invalid args, product_key")
}

fn draft_add(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let articles = call.body.get("articles").and_then(Value::as_array).cloned().unwrap_or_default();
    if articles.is_empty() || articles.len() > 8 {
        return Err(error_with(40097, "invalid args, articles: expecting 1..=8"));
    }
    for article in &articles {
        check(call.state, article)?;
    }
    let media_id = random_text(43);
    let account = call.account()?;
    if account.drafts.len() >= MOST {
        return Err(error_with(45001, "too many drafts"));
    }
    account.drafts.insert(media_id.clone(), json!(articles));
    Ok(json!({"media_id": media_id}))
}

fn draft_update(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let (media_id, index) = (call.text("media_id").to_owned(), call.int("index").unwrap_or(0));
    let article = call.body.get("articles").cloned().unwrap_or_default();
    check(call.state, &article)?;
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let draft = call.account()?.drafts.get_mut(&media_id).ok_or_else(|| error(40007))?;
    match draft.get_mut(index) {
        Some(place) => *place = article,
        None => return Err(error_with(40097, "invalid args, index")),
    }
    Ok(ok())
}

fn draft_get(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let media_id = call.text("media_id").to_owned();
    let draft = call.account()?.drafts.get(&media_id).cloned().ok_or_else(|| error(40007))?;
    Ok(json!({"news_item": draft}))
}

fn draft_delete(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let media_id = call.text("media_id").to_owned();
    call.account()?.drafts.remove(&media_id).map(|_| ok()).ok_or_else(|| error(40007))
}

fn paged(call: &Call<'_>) -> Result<(usize, usize), WxError> {
    let number = |name| call.int(name).and_then(|number| usize::try_from(number).ok());
    match (number("offset"), number("count")) {
        (Some(offset), Some(count)) if (1..=20).contains(&count) => Ok((offset, count)),
        _ => Err(error_with(40097, "invalid args, count: expecting 1..=20")),
    }
}

fn draft_list(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let (offset, count) = paged(call)?;
    let drafts = &call.account()?.drafts;
    let items: Vec<Value> = drafts
        .iter()
        .skip(offset)
        .take(count)
        .map(|(id, articles)| json!({"media_id": id, "content": {"news_item": articles}}))
        .collect();
    Ok(json!({"total_count": drafts.len(), "item_count": items.len(), "item": items}))
}

fn draft_count(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    Ok(json!({"total_count": call.account()?.drafts.len()}))
}

fn submit(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let media_id = call.text("media_id").to_owned();
    let due_ms = call.now.millis() + call.state.settings.audit_delay_ms;
    let publish_id = call.state.new_id(2_247_483_000);
    let account = call.account()?;
    if account.publishings.len() >= MOST {
        account.publishings.remove(0);
    }
    // The draft leaves the box with its publishing.
    let articles = account.drafts.remove(&media_id).ok_or_else(|| error(40007))?;
    account.publishings.push(Publishing {
        publish_id,
        articles,
        due_ms,
        status: 1,
        article_id: String::new(),
        url: String::new(),
    });
    Ok(ok_with(json!({"publish_id": publish_id.to_string(), "msg_data_id": publish_id})))
}

fn view(one: &Publishing) -> Value {
    let mut view = json!({"publish_id": one.publish_id.to_string(), "publish_status": one.status});
    if one.status == 0 {
        view["article_id"] = json!(one.article_id);
        view["article_detail"] = json!({"count": 1, "item": [{"idx": 1, "article_url": one.url}]});
        view["fail_idx"] = json!([]);
    } else if one.status > 1 {
        view["fail_idx"] = json!([1]);
    }
    view
}

fn publish_get(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let id = call.id("publish_id")?;
    let found = call.account()?.publishings.iter().find(|one| one.publish_id == id).map(view);
    found.ok_or_else(|| error_with(53600, "article_id is invalid"))
}

fn publish_list(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let (offset, count) = paged(call)?;
    let done: Vec<&Publishing> = call.account()?.publishings.iter().filter(|one| one.status == 0).collect();
    let items: Vec<Value> = done
        .iter()
        .rev()
        .skip(offset)
        .take(count)
        .map(|one| json!({"article_id": one.article_id, "content": {"news_item": one.articles}}))
        .collect();
    Ok(json!({"total_count": done.len(), "item_count": items.len(), "item": items}))
}

/// Cards show goods of a shop; a third-party platform may not ask for them.
fn card(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    if !call.component.is_empty() {
        return Err(error(61007));
    }
    let id = id_of(call.body.get("product_id")).ok_or_else(|| error(40097))?;
    let listed = call.state.products.get(&id).is_some_and(|product| product.status == LISTED);
    if !listed || call.text("article_type") != "news" {
        return Err(error(10020052));
    }
    Ok(ok_with(
        json!({"product_key": format!("card_{id}"), "DOM": "<mp-common-product></mp-common-product>"}),
    ))
}

/// Ends publishings whose time has come. A title with 违规 is refused.
pub fn let_time_pass(state: &mut State, now: Now) -> bool {
    let mut ended = Vec::new();
    for account in state.accounts.values_mut() {
        for one in account.publishings.iter_mut().filter(|one| one.status == 1 && one.due_ms <= now.millis())
        {
            if text_of(one.articles.pointer("/0/title")).contains("违规") {
                one.status = 4;
            } else {
                one.status = 0;
                one.article_id = random_text(20);
                one.url = format!("https://mp.weixin.qq.com/s/{}", random_text(22));
            }
            let mut info = view(one);
            if let Some(detail) = info.get_mut("article_detail") {
                detail["item"] = detail["item"][0].take();
            }
            ended.push((account.appid.clone(), info));
        }
    }
    let any = !ended.is_empty();
    for (appid, info) in ended {
        let body = json!({"PublishEventInfo": info});
        state.emit(now, &appid, Event { name: "PUBLISHJOBFINISH", openid: None, body });
    }
    any
}

/// When the next publishing ends.
pub fn next_due(state: &State) -> u64 {
    let going = |account: &crate::state::Account| {
        account.publishings.iter().filter(|one| one.status == 1).map(|one| one.due_ms).min()
    };
    state.accounts.values().filter_map(going).min().unwrap_or(u64::MAX)
}
