//! Template messages 模板消息 and subscription notices 订阅通知 of service accounts.
//!
//! From <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html> and, under
//! `doc/service/api/notify/`, `template/api_getalltemplates`, `notify/api_sendnewsubscribemsg`. That one `client_msg_id` and
//! one person get one message within ten minutes is in the documents that silenceper/wechat quotes (pull request 651).
//! A subscription notice has no id when it is sent, and no such key.

use qianpu_sdk::wire::{id, text};
use qianpu_sdk::{
    Answer, ChannelError, Context, MessageTemplate, NoticeOutcome, NoticeRefusal, Step, TemplateField,
    TemplateKind, TemplateNotice, Templates, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_get, account_post, read_only};
use serde_json::{Map, Value, json};

/// Template messages and subscription notices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServiceNotices;

/// Templates that are read: an account can use 25.
const MOST: usize = 100;

/// How many characters a field takes by the kind its name begins with, as `api_sendnewsubscribemsg` says.
const LONGEST: &[(&str, usize)] = &[("thing", 20), ("character_string", 32), ("phrase", 5)];

/// Code → why.
const REFUSALS: &[(&str, NoticeRefusal)] = &[
    ("43004", NoticeRefusal::NotFollowing),
    ("43101", NoticeRefusal::NotAgreed),
    ("40037", NoticeRefusal::NoTemplate),
    ("47003", NoticeRefusal::BadField),
];

/// The fields of a text such as `订单号：{{character_string1.DATA}}`.
fn fields(content: &str) -> Vec<TemplateField> {
    let mut found: Vec<TemplateField> = Vec::new();
    let mut rest = content;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inside, behind)) = after.split_once("}}") else { break };
        let label = before.rsplit('\n').next().unwrap_or_default();
        let label = label.trim().trim_end_matches(['：', ':']).trim().to_owned();
        if let Some(name) = inside.trim().strip_suffix(".DATA")
            && !found.iter().any(|field| field.name == name)
        {
            found.push(TemplateField { name: name.to_owned(), label });
        }
        rest = behind;
    }
    found
}

fn template(body: &Value, id_field: &str) -> Result<MessageTemplate, ChannelError> {
    let content = text(&body["content"]).unwrap_or_default();
    Ok(MessageTemplate {
        id: text(&body[id_field]).ok_or_else(|| ChannelError::unexpected("a template without an id"))?,
        title: text(&body["title"]).unwrap_or_default(),
        fields: fields(&content),
        content,
        example: text(&body["example"]).unwrap_or_default(),
    })
}

/// A value as short as the field takes it.
fn fitting(name: &str, value: &str) -> String {
    let kind = name.trim_end_matches(|character: char| character.is_ascii_digit());
    match LONGEST.iter().find(|(own, _)| *own == kind) {
        Some((_, most)) => value.chars().take(*most).collect(),
        None => value.to_owned(),
    }
}

impl Templates for ServiceNotices {
    fn list(&self, cx: &Context<'_>, kind: TemplateKind) -> Turn<Vec<MessageTemplate>> {
        let path = match kind {
            TemplateKind::Template => "/cgi-bin/template/get_all_private_template",
            TemplateKind::Subscription => "/wxaapi/newtmpl/gettemplate",
        };
        Ok(Step::call(account_get(cx, path)?, encode_state(&kind)?))
    }
    fn resume_list(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<MessageTemplate>> {
        let kind: TemplateKind = decode_state(state)?;
        let body = read_only(cx, answers)?;
        let (list, id_field) = match kind {
            TemplateKind::Template => ("template_list", "template_id"),
            TemplateKind::Subscription => ("data", "priTmplId"),
        };
        let found = body[list]
            .as_array()
            .ok_or_else(|| ChannelError::unexpected(format!("the answer has no {list}")))?;
        Ok(Step::Done(found.iter().take(MOST).map(|one| template(one, id_field)).collect::<Result<_, _>>()?))
    }

    fn send(&self, cx: &Context<'_>, to: &str, notice: &TemplateNotice) -> Turn<NoticeOutcome> {
        let data: Map<String, Value> = notice
            .fields
            .iter()
            .map(|(name, value)| (name.clone(), json!({ "value": fitting(name, value) })))
            .collect();
        let mut body = json!({ "touser": to, "template_id": notice.template_id, "data": data });
        let path = match notice.kind {
            TemplateKind::Template => {
                body["client_msg_id"] = json!(notice.key);
                if let Some(url) = &notice.url {
                    body["url"] = json!(url);
                }
                "/cgi-bin/message/template/send"
            }
            TemplateKind::Subscription => {
                // For a public account the page is a web page.
                if let Some(url) = &notice.url {
                    body["page"] = json!(url);
                }
                "/cgi-bin/message/subscribe/bizsend"
            }
        };
        Ok(Step::call(account_post(cx, path, &body)?, encode_state(&notice.kind)?))
    }
    fn resume_send(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<NoticeOutcome> {
        let kind: TemplateKind = decode_state(state)?;
        let unknown = NoticeOutcome::Unknown { again: kind == TemplateKind::Template };
        match answers {
            [Answer::NetworkError(_) | Answer::TimedOut] => return Ok(Step::Done(unknown)),
            [Answer::Response(response)] if response.status >= 500 => return Ok(Step::Done(unknown)),
            _ => {}
        }
        let error = match read_only(cx, answers) {
            Ok(body) if body.get("errcode").is_some() => {
                let message_id = id(&body["msgid"]);
                if kind == TemplateKind::Template && message_id.is_none() {
                    return Err(ChannelError::unexpected("the answer has no msgid"));
                }
                return Ok(Step::Done(NoticeOutcome::Sent { message_id }));
            }
            Ok(_) => return Err(ChannelError::unexpected("the answer has no errcode")),
            Err(error) => error,
        };
        let Some(words) = error.remote.clone() else { return Err(error) };
        if words.code == "-1" {
            return Ok(Step::Done(unknown));
        }
        match REFUSALS.iter().find(|(code, _)| *code == words.code) {
            Some((_, why)) => Ok(Step::Done(NoticeOutcome::Refused { why: *why, words })),
            None => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_with_what_stands_before_them() {
        let found = fields(
            "{{first.DATA}}\n订单号：{{character_string1.DATA}}\n商品: {{ thing2.DATA }}\n{{x}} {{remark.DATA",
        );
        let names: Vec<(&str, &str)> =
            found.iter().map(|field| (field.name.as_str(), field.label.as_str())).collect();
        assert_eq!(names, [("first", ""), ("character_string1", "订单号"), ("thing2", "商品")]);
    }

    #[test]
    fn values_are_cut_to_what_a_field_takes() {
        assert_eq!(fitting("thing12", &"茶".repeat(25)).chars().count(), 20);
        assert_eq!(fitting("phrase3", "已全部发货了"), "已全部发货");
        assert_eq!(fitting("character_string1", &"1".repeat(40)).len(), 32);
        assert_eq!(fitting("keyword1", &"茶".repeat(25)).chars().count(), 25);
    }
}
