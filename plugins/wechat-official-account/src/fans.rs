//! Followers and their tags 用户管理.
//!
//! Pages of `doc/service/api/usermanage/` of developers.weixin.qq.com (`tag/api_createtag` and its neighbours,
//! `userinfo/`): 100 tags for an account, 30 characters for a name, 20 tags for a follower. That a tagging call takes
//! 50 people is the text of its error 40032 in the older page
//! <https://developers.weixin.qq.com/doc/offiaccount/User_Management/User_Tag_Management.html>. Fields of people as
//! in WxJava's `WxMpUser` too. `user/info/batchget` tells the tags of each, so `user/tag/get` and `getidlist` are not
//! needed.

use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, ChannelError, Context, Fan, FanPage, FanTag, Fans, Step, TagMark, TagName, Turn, decode_state,
    encode_state,
};
use qianpu_wechat_wire::call::{account_get, account_post, read_only};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Followers and tags.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FollowerTags;

/// Ids of one page of followers.
const PAGE: usize = 10_000;
/// People of one call for details.
const DETAILS: usize = 100;
/// People of one tagging call.
const MARKED: usize = 50;
/// "system error".
const SYSTEM_ERROR: &str = "-1";
/// "标签名非法，请注意不能和其他标签重名".
const NAME_TAKEN: &str = "45157";
/// "非法的标签".
const NO_TAG: &str = "45159";

fn own(state: &[u8]) -> Result<(), ChannelError> {
    if state.is_empty() { Ok(()) } else { Err(ChannelError::unexpected("a state that is not ours")) }
}

/// Tag ids are small numbers on the wire.
fn number(tag_id: &str) -> Result<u64, ChannelError> {
    tag_id.parse().map_err(|_| ChannelError::field("tag_id", "invalid", "a tag's id is a number"))
}

fn done(cx: &Context<'_>, answers: &[Answer]) -> Turn<()> {
    if read_only(cx, answers)?.get("errcode").is_none() {
        return Err(ChannelError::unexpected("the answer has no errcode"));
    }
    Ok(Step::Done(()))
}

fn count(body: &Value, field: &str) -> Result<u64, ChannelError> {
    integer(&body[field])
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| ChannelError::unexpected(format!("the answer has no {field}")))
}

fn person(body: &Value) -> Result<Fan, ChannelError> {
    let open_id = text(&body["openid"]).ok_or_else(|| ChannelError::unexpected("a person without openid"))?;
    let follows = integer(&body["subscribe"])
        .ok_or_else(|| ChannelError::unexpected("a person without subscribe"))?
        == 1;
    let tags = body["tagid_list"].as_array();
    Ok(Fan {
        open_id,
        follows,
        followed_at: integer(&body["subscribe_time"]).map(Timestamp::from_seconds),
        union_id: text(&body["unionid"]),
        scene: text(&body["qr_scene_str"]),
        tag_ids: tags.into_iter().flatten().take(100).filter_map(id).collect(),
    })
}

fn tags_of(body: &Value) -> Result<Vec<FanTag>, ChannelError> {
    let tags = body["tags"].as_array().ok_or_else(|| ChannelError::unexpected("the answer has no tags"))?;
    tags.iter().take(500).map(tag).collect()
}

fn tag(body: &Value) -> Result<FanTag, ChannelError> {
    let (Some(id), Some(name)) = (id(&body["id"]), text(&body["name"])) else {
        return Err(ChannelError::unexpected("a tag without id or name"));
    };
    // 0, 1 and 2 are the platform's own: 未分组, 黑名单, 星标组.
    let fixed = matches!(id.as_str(), "0" | "1" | "2");
    let count = integer(&body["count"]).and_then(|count| u64::try_from(count).ok()).unwrap_or_default();
    Ok(FanTag { id, name, count, fixed })
}

#[derive(Serialize, Deserialize)]
enum Making {
    Ask {
        name: String,
    },
    /// The name is taken, or the answer was lost.
    Look {
        name: String,
        why: ChannelError,
    },
}

#[derive(Serialize, Deserialize)]
enum Deleting {
    Ask { tag_id: String },
    Look { tag_id: String, why: ChannelError },
}

/// Whether nobody knows if the platform did it: no answer, or its "system error".
fn lost(answers: &[Answer], why: &ChannelError) -> bool {
    let unanswered = match answers {
        [Answer::NetworkError(_) | Answer::TimedOut] => true,
        [Answer::Response(response)] => response.status >= 500,
        _ => false,
    };
    unanswered || why.remote_code() == Some(SYSTEM_ERROR)
}

fn look<T>(cx: &Context<'_>, state: &impl Serialize) -> Turn<T> {
    Ok(Step::call(account_get(cx, "/cgi-bin/tags/get")?, encode_state(state)?))
}

impl Fans for FollowerTags {
    fn list(&self, cx: &Context<'_>, after: Option<&str>) -> Turn<FanPage> {
        let request = account_get(cx, "/cgi-bin/user/get")?.query("next_openid", after.unwrap_or_default());
        Ok(Step::call(request.idempotent(), Vec::new()))
    }
    fn resume_list(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<FanPage> {
        own(state)?;
        let body = read_only(cx, answers)?;
        let total = count(&body, "total")?;
        if count(&body, "count")? > 0 && !body["data"]["openid"].is_array() {
            return Err(ChannelError::unexpected("the answer has no openid"));
        }
        let ids = body["data"]["openid"].as_array();
        let open_ids: Vec<String> = ids.into_iter().flatten().take(PAGE).filter_map(text).collect();
        // The platform names the last one of the page even when nobody comes behind.
        let next = text(&body["next_openid"]).filter(|_| open_ids.len() >= PAGE);
        Ok(Step::Done(FanPage { total, open_ids, next }))
    }

    fn details(&self, cx: &Context<'_>, open_ids: &[String]) -> Turn<Vec<Fan>> {
        if open_ids.is_empty() || open_ids.len() > DETAILS {
            return Err(ChannelError::field("open_ids", "range", "1 to 100 people"));
        }
        let list: Vec<Value> = open_ids.iter().map(|id| json!({ "openid": id, "lang": "zh_CN" })).collect();
        let request = account_post(cx, "/cgi-bin/user/info/batchget", &json!({ "user_list": list }))?;
        Ok(Step::call(request.idempotent(), Vec::new()))
    }
    fn resume_details(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<Fan>> {
        own(state)?;
        let body = read_only(cx, answers)?;
        let list = body["user_info_list"]
            .as_array()
            .ok_or_else(|| ChannelError::unexpected("the answer has no user_info_list"))?;
        Ok(Step::Done(list.iter().take(DETAILS).map(person).collect::<Result<_, _>>()?))
    }

    fn tags(&self, cx: &Context<'_>) -> Turn<Vec<FanTag>> {
        Ok(Step::call(account_get(cx, "/cgi-bin/tags/get")?, Vec::new()))
    }
    fn resume_tags(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<FanTag>> {
        own(state)?;
        Ok(Step::Done(tags_of(&read_only(cx, answers)?)?))
    }

    fn create_tag(&self, cx: &Context<'_>, name: &str) -> Turn<FanTag> {
        let request = account_post(cx, "/cgi-bin/tags/create", &json!({ "tag": { "name": name } }))?;
        Ok(Step::call(request, encode_state(&Making::Ask { name: name.to_owned() })?))
    }
    fn resume_create_tag(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<FanTag> {
        match decode_state(state)? {
            Making::Ask { name } => match read_only(cx, answers) {
                Ok(body) => Ok(Step::Done(tag(&body["tag"])?)),
                Err(why) if lost(answers, &why) || why.remote_code() == Some(NAME_TAKEN) => {
                    look(cx, &Making::Look { name, why })
                }
                Err(error) => Err(error),
            },
            Making::Look { name, why } => {
                let tags = tags_of(&read_only(cx, answers)?)?;
                tags.into_iter().find(|tag| tag.name == name && !tag.fixed).map(Step::Done).ok_or(why)
            }
        }
    }

    fn rename_tag(&self, cx: &Context<'_>, tag: &TagName) -> Turn<()> {
        let body = json!({ "tag": { "id": number(&tag.id)?, "name": tag.name } });
        Ok(Step::call(account_post(cx, "/cgi-bin/tags/update", &body)?.idempotent(), Vec::new()))
    }
    fn resume_rename_tag(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
        own(state)?;
        done(cx, answers)
    }

    fn delete_tag(&self, cx: &Context<'_>, tag_id: &str) -> Turn<()> {
        let body = json!({ "tag": { "id": number(tag_id)? } });
        let state = encode_state(&Deleting::Ask { tag_id: tag_id.to_owned() })?;
        Ok(Step::call(account_post(cx, "/cgi-bin/tags/delete", &body)?, state))
    }
    fn resume_delete_tag(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
        match decode_state(state)? {
            Deleting::Ask { tag_id } => match done(cx, answers) {
                Err(why) if lost(answers, &why) || why.remote_code() == Some(NO_TAG) => {
                    look(cx, &Deleting::Look { tag_id, why })
                }
                other => other,
            },
            Deleting::Look { tag_id, why } => {
                let tags = tags_of(&read_only(cx, answers)?)?;
                if tags.iter().any(|tag| tag.id == tag_id) { Err(why) } else { Ok(Step::Done(())) }
            }
        }
    }

    fn mark(&self, cx: &Context<'_>, mark: &TagMark) -> Turn<()> {
        if mark.open_ids.is_empty() || mark.open_ids.len() > MARKED {
            return Err(ChannelError::field("open_ids", "range", "1 to 50 people"));
        }
        let path = if mark.on {
            "/cgi-bin/tags/members/batchtagging"
        } else {
            "/cgi-bin/tags/members/batchuntagging"
        };
        let body = json!({ "openid_list": mark.open_ids, "tagid": number(&mark.tag_id)? });
        Ok(Step::call(account_post(cx, path, &body)?.idempotent(), Vec::new()))
    }
    fn resume_mark(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
        own(state)?;
        done(cx, answers)
    }
}
