//! Disputes 纠纷 (`channels/ec/aftersale/…complaint…`): reading one with its history, and what the merchant says in it.
//!
//! From the platform's documents (developers.weixin.qq.com/doc/store): the states of `channels_ec_complaint_update`, the
//! calls `getcomplaintorder`, `addcomplaintmaterial`, `addcomplaintproof`, and the guide `shop/guide/trade/complaint`:
//! proof is taken in 106 and 108, messages in 103. The error 10021503 of `addcomplaintmaterial` names 101, and the history in
//! the documents' example has messages at 101: both count. The kinds of history entries are those of WxJava
//! (`ComplaintItemType`). None of them tells a deadline, only that one passed.

use crate::WechatStore;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{integer, text};
use qianpu_sdk::{
    Answer, ChannelDispute, ChannelError, Context, DisputeAct as A, DisputeEntry, DisputeEvidence,
    DisputePicture, DisputeStanding as W, DisputeStep as S, Disputes, ErrorClass, EvidenceKind,
    EvidenceOutcome, Part, PartContent, Picture, Request, Step, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{API, CALLS, account_post, read, read_only};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The platform's ceiling for the words of one entry.
const MOST_WORDS: usize = 500;
/// The platform's ceiling for pictures of all messages of one dispute; ours for those of one proof, for which none is
/// documented.
const MOST_PICTURES: usize = 20;
/// Entries of a history that are kept, the newest.
const MOST_ENTRIES: usize = 200;
/// Letters of an entry that are kept.
const LONGEST_ENTRY: usize = 2_000;

/// The platform's states: the step, who has to act, the kind of the history entry that began it, what is taken.
const STATES: &[(i64, S, W, i64, Option<EvidenceKind>)] = &[
    (100, S::MerchantHandles, W::WaitsForMerchant, 10, None),
    (101, S::PlatformQueue, W::WithPlatform, 11, Some(EvidenceKind::Message)),
    (102, S::Withdrawn, W::Ended, 12, None),
    (103, S::PlatformHandles, W::WithPlatform, 13, Some(EvidenceKind::Message)),
    (104, S::BuyerProofWanted, W::WaitsForBuyer, 14, None),
    (105, S::BuyerProofGiven, W::WithPlatform, 7, None),
    (106, S::MerchantProofWanted, W::WaitsForMerchant, 16, Some(EvidenceKind::Proof)),
    (107, S::MerchantProofGiven, W::WithPlatform, 8, None),
    (108, S::BothProofWanted, W::WaitsForMerchant, 18, Some(EvidenceKind::Proof)),
    (109, S::BothProofLate, W::WithPlatform, 0, None),
    (110, S::MerchantConfirms, W::WaitsForMerchant, 20, None),
    (111, S::MerchantAppeals, W::WithPlatform, 21, None),
    (112, S::Mediated, W::Ended, 22, None),
    (113, S::PlatformVerifies, W::WithPlatform, 23, None),
    (114, S::RefundingAgain, W::WithPlatform, 24, None),
    (115, S::RefundVerified, W::Ended, 0, None),
    (116, S::Closed, W::Ended, 26, None),
    (305, S::BuyerProofLate, W::WithPlatform, 0, None),
    (307, S::MerchantProofLate, W::WithPlatform, 6, None),
];

/// The platform's kinds of history entries.
const ACTS: &[(i64, A)] = &[
    (1, A::Opened),
    (2, A::BuyerMessage),
    (3, A::MerchantMessage),
    (4, A::Submitted),
    (5, A::ComplaintWithdrawn),
    (6, A::MerchantLate),
    (7, A::BuyerProof),
    (8, A::MerchantProof),
    (10, A::MerchantHandles),
    (11, A::PlatformQueue),
    (12, A::Withdrawn),
    (13, A::PlatformHandles),
    (14, A::BuyerProofWanted),
    (16, A::MerchantProofWanted),
    (18, A::BothProofWanted),
    (20, A::MerchantConfirms),
    (21, A::MerchantAppeals),
    (22, A::Mediated),
    (23, A::PlatformVerifies),
    (24, A::RefundingAgain),
    (26, A::Closed),
    (30, A::BuyerResponsible),
    (31, A::MerchantResponsible),
    (32, A::BothResponsible),
    (33, A::NobodyResponsible),
    (34, A::AppealTurnedDown),
    (35, A::AppealTaken),
    (36, A::RefundCounts),
    (37, A::RefundCountsNot),
    (50, A::RefundAsked),
    (51, A::RefundRefused),
    (52, A::WishWithdrawn),
    (56, A::ReturnAwaited),
    (57, A::ReturnClosed),
    (58, A::ReceiptAwaited),
    (59, A::RefundLate),
    (60, A::Refunded),
    (61, A::ReturnRefunded),
    (62, A::PlatformRefunds),
    (63, A::PlatformRefundFailed),
    (64, A::BuyerConfirms),
];

/// Asks for a dispute.
pub(crate) fn get(cx: &Context<'_>, dispute_id: &str) -> Result<Request, ChannelError> {
    let body = json!({ "complaint_id": dispute_id });
    Ok(account_post(cx, "/channels/ec/aftersale/getcomplaintorder", &body)?.idempotent())
}

/// A dispute of which only the id is known.
pub(crate) fn named(external_id: String) -> ChannelDispute {
    ChannelDispute::new(external_id, W::Unknown(String::new()), String::new())
}

/// Reads the answer of `getcomplaintorder`. The sources disagree on the name of the field with the state.
pub(crate) fn parse(body: &Value, external_id: String) -> Result<ChannelDispute, ChannelError> {
    let order = if body["complaint_order"].is_object() { &body["complaint_order"] } else { body };
    let status = ["status", "complaint_status"].iter().find_map(|field| integer(&order[*field]));
    let status = status.ok_or_else(|| ChannelError::unexpected("the complaint has no status"))?;
    // A list; one generation of the documents calls it an object.
    let rows: Vec<&Value> = match &order["history"] {
        Value::Array(rows) => rows.iter().collect(),
        Value::Object(_) => vec![&order["history"]],
        _ => Vec::new(),
    };
    let mut told: Vec<(i64, DisputeEntry)> = rows.into_iter().filter_map(entry).collect();
    // The platform's list has the newest first; of one second the order stays.
    told.reverse();
    told.sort_by_key(|(_, entry)| entry.at);
    let skipped = told.len().saturating_sub(MOST_ENTRIES);
    let told = told.split_off(skipped);
    let known = STATES.iter().find(|(number, ..)| *number == status);
    let since = known.and_then(|(.., began, _)| {
        let beginning = told.iter().rev().find(|(kind, _)| kind == began);
        beginning.or(told.last()).map(|(_, entry)| entry.at)
    });
    Ok(ChannelDispute {
        state: known.map_or_else(|| W::Unknown(status.to_string()), |(_, _, standing, ..)| standing.clone()),
        step: Some(known.map_or_else(|| S::Other(status.to_string()), |(_, step, ..)| step.clone())),
        takes: known.and_then(|(.., takes)| *takes),
        since,
        history: told.into_iter().map(|(_, entry)| entry).collect(),
        native_state: status.to_string(),
        ..named(external_id)
    })
}

/// An entry with the platform's number of its kind. One without a kind or time says nothing.
fn entry(row: &Value) -> Option<(i64, DisputeEntry)> {
    let kind = integer(&row["item_type"])?;
    let at = integer(&row["time"]).filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)?;
    let act = ACTS.iter().find(|(number, _)| *number == kind).map(|(_, act)| act.clone());
    let words = text(&row["content"]).unwrap_or_default().chars().take(LONGEST_ENTRY).collect();
    let media = row["media_infos"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pictures = if media.is_empty() {
        // The older field: ids only.
        let ids = row["media_id_list"].as_array().map(Vec::len).unwrap_or_default();
        vec![DisputePicture { url: None, film: false }; ids.min(MOST_PICTURES)]
    } else {
        media.iter().take(MOST_PICTURES).map(picture).collect()
    };
    Some((kind, DisputeEntry { act: act.unwrap_or_else(|| A::Other(kind.to_string())), at, words, pictures }))
}

fn picture(media: &Value) -> DisputePicture {
    let film = integer(&media["type"]) == Some(2);
    let url = text(&media[if film { "video" } else { "picture" }]["ticket_url"]);
    DisputePicture { url: url.filter(|url| url.starts_with("https://") && url.len() <= 2_000), film }
}

#[derive(Serialize, Deserialize)]
enum Answering {
    /// The dispute is read.
    Reading(DisputeEvidence),
    /// The pictures are sent.
    Uploading(DisputeEvidence),
    /// The evidence is sent.
    Telling,
}

impl Disputes for WechatStore {
    fn answer(&self, cx: &Context<'_>, evidence: &DisputeEvidence) -> Turn<EvidenceOutcome> {
        if evidence.words.trim().is_empty() {
            return Err(ChannelError::field("words", "required", "请填写说明文字"));
        }
        if evidence.words.chars().count() > MOST_WORDS {
            return Err(ChannelError::field("words", "length", "说明文字最多 500 个字"));
        }
        if evidence.pictures.len() > MOST_PICTURES {
            return Err(too_many());
        }
        let state = encode_state(&Answering::Reading(evidence.clone()))?;
        Ok(Step::call(get(cx, &evidence.dispute_id)?, state))
    }

    fn resume_answer(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<EvidenceOutcome> {
        match decode_state(state)? {
            Answering::Reading(evidence) => read_before(cx, evidence, &read_only(cx, answers)?),
            Answering::Uploading(evidence) => {
                if answers.len() != evidence.pictures.len() {
                    return Err(ChannelError::unexpected("not every picture has an answer"));
                }
                let ids = answers.iter().map(|answer| {
                    let body = read(answer.response()?, cx.now)?;
                    text(&body["pic_file"]["media_id"])
                        .ok_or_else(|| ChannelError::unexpected("the upload has no pic_file.media_id"))
                });
                let ids = ids.collect::<Result<Vec<_>, _>>()?;
                tell(cx, &evidence, &ids)
            }
            Answering::Telling => match read_only(cx, answers)?.get("errcode") {
                Some(_) => Ok(Step::Done(EvidenceOutcome::Taken)),
                None => Err(ChannelError::unexpected("the answer has no errcode")),
            },
        }
    }
}

fn read_before(cx: &Context<'_>, evidence: DisputeEvidence, body: &Value) -> Turn<EvidenceOutcome> {
    let dispute = parse(body, evidence.dispute_id.clone())?;
    if dispute.said(evidence.kind, &evidence.words) > evidence.known {
        return Ok(Step::Done(EvidenceOutcome::TakenBefore));
    }
    if dispute.takes != Some(evidence.kind) {
        let what = match evidence.kind {
            EvidenceKind::Proof => "举证",
            EvidenceKind::Message => "留言",
        };
        let detail = format!("纠纷当前状态 {}，不能{what}，请刷新后再处理", dispute.native_state);
        return Err(ChannelError::new(ErrorClass::BusinessRefusal, detail));
    }
    if evidence.kind == EvidenceKind::Message {
        let messages = dispute.history.iter().filter(|entry| entry.act == A::MerchantMessage);
        let there: usize = messages.map(|entry| entry.pictures.len()).sum();
        if there + evidence.pictures.len() > MOST_PICTURES {
            return Err(too_many());
        }
    }
    if evidence.pictures.is_empty() {
        return tell(cx, &evidence, &[]);
    }
    let requests = evidence.pictures.iter().map(|picture| upload(cx, picture)).collect::<Result<_, _>>()?;
    Ok(Step::Call { requests, parallel: true, state: encode_state(&Answering::Uploading(evidence))? })
}

fn too_many() -> ChannelError {
    ChannelError::field("pictures", "too_many", "一个纠纷的留言图片合计最多 20 张")
}

/// `resp_type=0`: the answer is the id of a file.
pub(crate) fn upload(cx: &Context<'_>, picture: &Picture) -> Result<Request, ChannelError> {
    const PATH: &str = "/channels/ec/basics/img/upload";
    let request = match &picture.asset {
        Some(asset) => {
            let part = Part {
                name: "media".to_owned(),
                filename: Some("picture".to_owned()),
                content_type: Some("application/octet-stream".to_owned()),
                content: PartContent::Asset(asset.clone()),
            };
            Request::post_multipart(API, PATH, vec![part])
                .secret_query("access_token", cx.account_token()?.expose())
                .bucket(CALLS)
                .query("upload_type", "0")
        }
        None => account_post(cx, PATH, &json!({ "img_url": picture.url }))?.query("upload_type", "1"),
    };
    // Uploading twice leaves an unused picture and does no other harm.
    Ok(request.query("resp_type", "0").idempotent().timeout_ms(30_000))
}

fn tell(cx: &Context<'_>, evidence: &DisputeEvidence, media_ids: &[String]) -> Turn<EvidenceOutcome> {
    let path = match evidence.kind {
        EvidenceKind::Proof => "/channels/ec/aftersale/addcomplaintproof",
        EvidenceKind::Message => "/channels/ec/aftersale/addcomplaintmaterial",
    };
    let body = json!({
        "complaint_id": evidence.dispute_id, "content": evidence.words, "media_id_list": media_ids,
    });
    // Not idempotent: after a lost answer the whole operation starts again and reads the history first.
    Ok(Step::call(account_post(cx, path, &body)?, encode_state(&Answering::Telling)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the documents of `getcomplaintorder`, with a state.
    fn example(status: i64) -> Value {
        json!({ "errcode": 0, "errmsg": "ok", "order_id": "3707636310244721920",
            "after_sale_order_id": "1410973765677533", "status": status, "history": [
            { "item_type": 13, "time": 1669123317, "media_id_list": [] },
            { "item_type": 3, "time": 1669123259, "content": "我来自api", "media_id_list": [] },
            { "item_type": 3, "time": 1669123234, "content": "sd", "media_id_list": ["a", "b"] },
            { "item_type": 11, "time": 1669121432, "media_id_list": [] },
            { "item_type": 10, "time": 1669120412, "media_id_list": [] },
            { "item_type": 1, "time": 1669120411, "content": "测试纠纷", "media_infos": [
                { "type": 1, "picture": { "ticket_url": "https://store.mp.video.tencent-cloud.com/1" } },
                { "type": 2, "video": { "ticket_url": "http://plain" } } ] },
            { "item_type": 99, "time": 1669120410 } ] })
    }

    #[test]
    fn every_state_of_the_documents_is_known() {
        for status in (100..=116).chain([305, 307]) {
            let dispute = parse(&json!({ "status": status }), "1".to_owned()).unwrap();
            assert!(!matches!(dispute.state, W::Unknown(_)), "{status}");
            assert!(matches!(&dispute.step, Some(step) if S::KNOWN.contains(step)), "{status}");
            let takes = match status {
                106 | 108 => Some(EvidenceKind::Proof),
                101 | 103 => Some(EvidenceKind::Message),
                _ => None,
            };
            assert_eq!((dispute.takes, dispute.since), (takes, None), "{status}");
        }
        for (index, step) in S::KNOWN.iter().enumerate() {
            assert_eq!(STATES.iter().filter(|(_, known, ..)| known == step).count(), 1, "{index} {step:?}");
        }
        let strange = parse(&json!({ "complaint_status": "400" }), "1".to_owned()).unwrap();
        assert_eq!((strange.state, strange.step), (W::Unknown("400".into()), Some(S::Other("400".into()))));
        assert!(parse(&json!({ "errcode": 0 }), "1".to_owned()).is_err());
    }

    #[test]
    fn a_history_is_read_oldest_first() {
        let dispute = parse(&example(103), "2172884".to_owned()).unwrap();
        let acts: Vec<&str> = dispute.history.iter().map(|entry| entry.act.as_str()).collect();
        assert_eq!(
            acts,
            [
                "other",
                "opened",
                "merchant_handles",
                "platform_queue",
                "merchant_message",
                "merchant_message",
                "platform_handles"
            ]
        );
        assert_eq!(dispute.since, Some(Timestamp::from_seconds(1_669_123_317)));
        let opened = &dispute.history[1];
        assert_eq!(opened.words, "测试纠纷");
        assert_eq!(opened.pictures[0].url.as_deref(), Some("https://store.mp.video.tencent-cloud.com/1"));
        assert_eq!(opened.pictures[1], DisputePicture { url: None, film: true }, "only safe addresses");
        assert_eq!(dispute.history[4].pictures.len(), 2);
        assert_eq!(dispute.said(EvidenceKind::Message, " sd "), 1);
        assert_eq!(dispute.said(EvidenceKind::Proof, "sd"), 0);
    }
}
