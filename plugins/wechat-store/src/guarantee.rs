//! Guarantee claims 保障单 (`channels/ec/aftersale/…guarantee…`): reading them, and what the merchant says.
//!
//! From the platform's documents (developers.weixin.qq.com/doc/store/shop): the calls `searchguaranteeorder`,
//! `getguaranteeorder`, `merchantacceptguarantee`, `merchantrefuseguarantee`, `merchantmodifyguarantee`,
//! `merchantproofguarantee`, the notice `channels_ec_guarantee_update` with its states, and the guide
//! `guide/trade/guarantee`: agreeing and refusing where the merchant has to decide, proof where it is asked for. The filter
//! by state is not used: one generation of the documents wants numbers there, the next one words. The entries of
//! `history_list` are not documented, so they are not read. Amounts are in fen.

use crate::WechatStore;
use crate::dispute::upload;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, ChannelError, Context, DisputePicture, ErrorClass, GuaranteeAnswer, GuaranteeClaim,
    GuaranteeDamage, GuaranteeFake, GuaranteeGoods, GuaranteeKind as K, GuaranteeMove as M, GuaranteeOutcome,
    GuaranteeQuery, GuaranteeState as S, Guarantees, Page, Request, Step, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_post, read, read_only, required_id};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Claims of one page. Ours: no ceiling is documented.
const PAGE: i64 = 20;
/// Letters of a text, and pictures. Ours: no ceilings are documented; those of disputes are taken.
const MOST_WORDS: usize = 500;
const MOST_PICTURES: usize = 20;
/// Goods of one claim that are kept.
const MOST_GOODS: usize = 100;
/// Letters of a text that are kept.
const LONGEST: usize = 2_000;
/// "No such claim".
const MISSING: &str = "10021057";

/// The platform's states: its word, the number an older generation of the documents has, ours.
const STATES: &[(&str, i64, S)] = &[
    ("STATUS_WAIT_MERCHANT_HANDLE", 10, S::MerchantDecides),
    ("STATUS_WAIT_USER_CONFIRM", 12, S::BuyerConfirms),
    ("STATUS_WAIT_PLATFORM_HANDLE", 15, S::PlatformDecides),
    ("STATUS_WAIT_MERCHANT_PROOF", 20, S::MerchantProofWanted),
    ("STATUS_WAIT_USER_PROOF", 25, S::BuyerProofWanted),
    ("STATUS_WAIT_BOTH_PROOF", 30, S::BothProofWanted),
    ("STATUS_WAIT_OP_COMFIRM", 31, S::PlatformConfirms),
    ("STATUS_WAIT_PAYSCORE_DONE", 32, S::PayScoreAwaited),
    ("STATUS_NO_NEED_PAY", 33, S::NothingOwed),
    ("STATUS_PAYING", 35, S::Paying),
    ("STATUS_PAY_BLOCK", 36, S::AmountChecked),
    ("STATUS_PAY_SUCC", 40, S::Paid),
    ("STATUS_PAY_FAIL", 45, S::PayFailed),
    ("STATUS_USER_CANCEL", 50, S::Withdrawn),
];

/// The platform wants its ids as numbers here.
fn number(text: &str, field: &str) -> Result<u64, ChannelError> {
    let number = text.parse::<u64>().ok().filter(|number| *number > 0);
    number.ok_or_else(|| ChannelError::field(field, "unknown", "没有这个单号"))
}

fn get(cx: &Context<'_>, claim_id: &str) -> Result<Request, ChannelError> {
    let body = json!({ "guarantee_order_id": number(claim_id, "claim_id")? });
    Ok(account_post(cx, "/channels/ec/aftersale/getguaranteeorder", &body)?.idempotent())
}

/// What the merchant may say at this step: the guide names the calls for each. Another part of the price is about damage
/// only, since it is the part of the damage that is offered.
fn takes(kind: &K, state: &S) -> Vec<M> {
    match state {
        S::MerchantDecides if *kind == K::Damage => vec![M::Accept, M::Offer, M::Refuse],
        S::MerchantDecides => vec![M::Accept, M::Refuse],
        S::MerchantProofWanted | S::BothProofWanted => vec![M::Prove],
        _ => Vec::new(),
    }
}

fn cut(value: &Value) -> String {
    text(value).unwrap_or_default().chars().take(LONGEST).collect()
}

fn fen(value: &Value) -> Option<Fen> {
    integer(value).filter(|amount| *amount >= 0).map(Fen::new)
}

fn moment(value: &Value) -> Option<Timestamp> {
    integer(value).filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)
}

fn count(value: &Value) -> i64 {
    value.as_array().and_then(|rows| i64::try_from(rows.len()).ok()).unwrap_or_default()
}

/// Reads one claim, of a list or alone.
fn claim(row: &Value) -> Result<GuaranteeClaim, ChannelError> {
    let kind = match integer(&row["type"]) {
        Some(1) => K::Fake,
        Some(2) => K::Damage,
        other => K::Other(other.map(|number| number.to_string()).unwrap_or_default()),
    };
    let native = text(&row["status"]).or_else(|| integer(&row["status"]).map(|number| number.to_string()));
    let native = native.ok_or_else(|| ChannelError::unexpected("the claim has no status"))?;
    let known = STATES.iter().find(|(word, number, _)| *word == native || number.to_string() == native);
    let state = known.map_or_else(|| S::Other(native.clone()), |(.., state)| state.clone());
    // A list; one generation of the documents calls it an object.
    let goods: Vec<&Value> = match &row["product_info"] {
        Value::Array(rows) => rows.iter().take(MOST_GOODS).collect(),
        one @ Value::Object(_) => vec![one],
        _ => Vec::new(),
    };
    let (fake, damage) = (&row["fake_one_pay_four_info"], &row["bad_pay_info"]);
    let created = moment(&row["create_time"]);
    Ok(GuaranteeClaim {
        external_id: required_id(row, "guarantee_order_id")?,
        takes: takes(&kind, &state),
        order_id: required_id(row, "order_id")?,
        goods: goods.into_iter().map(goods_of).collect(),
        reason: cut(&row["apply_reason"]),
        amount: fen(&row["pay_amount"]),
        fake: (fake.is_object() && kind != K::Damage).then(|| fake_of(fake)),
        damage: (damage.is_object() && kind != K::Fake).then(|| damage_of(damage)),
        refusal: cut(&row["merchant_refuse_reason"]),
        created_at: created.ok_or_else(|| ChannelError::unexpected("the claim has no create_time"))?,
        updated_at: moment(&row["update_time"]),
        deadline: moment(&row["expire_time"]),
        ended_at: moment(&row["complete_time"]),
        native_state: native,
        kind,
        state,
    })
}

fn goods_of(row: &Value) -> GuaranteeGoods {
    GuaranteeGoods {
        title: cut(&row["title"]),
        product_id: id(&row["product_id"]),
        sku_id: id(&row["sku_id"]),
        price: fen(&row["real_price"]),
        quantity: integer(&row["product_cnt"]).unwrap_or_default(),
    }
}

fn fake_of(info: &Value) -> GuaranteeFake {
    GuaranteeFake {
        examination: fen(&info["identify_fee"]),
        goods: fen(&info["product_fee"]),
        expected: fen(&info["total_pay_fee"]),
        // The platform's own spelling.
        paid: fen(&info["acctual_pay"]),
        pictures: count(&info["identify_proof_pic_list"]) + count(&info["fee_proof_pic_list"]),
    }
}

fn damage_of(info: &Value) -> GuaranteeDamage {
    let level = |field: &str| integer(&info[field]).filter(|level| *level > 0);
    let groups = info["title_pic_list"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pictures = groups.iter().flat_map(|group| group["pic_list"].as_array().into_iter().flatten());
    let mut seen: Vec<DisputePicture> = pictures.take(MOST_PICTURES).map(picture).collect();
    if seen.is_empty() {
        // Ids only.
        let ids = usize::try_from(count(&info["pic_list"])).unwrap_or_default().min(MOST_PICTURES);
        seen = vec![DisputePicture { url: None, film: false }; ids];
    }
    GuaranteeDamage {
        level: level("bad_level"),
        words: cut(&info["content"]),
        pictures: seen,
        offered: level("merchant_modify_level"),
        offer_words: cut(&info["merchant_remark"]),
        set_by_platform: level("platform_modify_level"),
        amount: fen(&info["pay_fee"]),
    }
}

fn picture(value: &Value) -> DisputePicture {
    let url = text(value).filter(|url| url.starts_with("https://") && url.len() <= 2_000);
    DisputePicture { url, film: false }
}

#[derive(Serialize, Deserialize)]
enum Answering {
    /// The claim is read.
    Reading(GuaranteeAnswer),
    /// The pictures are sent.
    Uploading(GuaranteeAnswer),
    /// The answer is sent.
    Telling,
}

impl Guarantees for WechatStore {
    fn list(&self, cx: &Context<'_>, query: &GuaranteeQuery) -> Turn<Page<GuaranteeClaim>> {
        let offset = match query.cursor.as_deref().map(str::parse::<i64>) {
            None => 0,
            Some(Ok(offset)) if offset > 0 => offset,
            Some(_) => return Err(ChannelError::field("cursor", "invalid", "分页游标无效")),
        };
        let mut body = json!({ "offset": offset, "limit": PAGE });
        match &query.kind {
            None => {}
            Some(K::Fake) => body["type"] = json!(1),
            Some(K::Damage) => body["type"] = json!(2),
            Some(K::Other(_)) => return Err(ChannelError::field("kind", "unknown", "没有这种保障单")),
        }
        if let Some(order) = &query.order_id {
            body["order_id_list"] = json!([number(order, "order_id")?]);
        }
        let request = account_post(cx, "/channels/ec/aftersale/searchguaranteeorder", &body)?.idempotent();
        Ok(Step::call(request, encode_state(&offset)?))
    }

    fn resume_list(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<GuaranteeClaim>> {
        let offset: i64 = decode_state(state)?;
        let body = read_only(cx, answers)?;
        let total = integer(&body["total_num"]);
        let total = total.ok_or_else(|| ChannelError::unexpected("the answer has no total_num"))?;
        let rows: &[Value] = match &body["guarantee_order_list"] {
            // The platform leaves an empty list out.
            Value::Null => &[],
            Value::Array(rows) => rows,
            _ => return Err(ChannelError::unexpected("the answer has no guarantee_order_list")),
        };
        let items = rows.iter().map(claim).collect::<Result<Vec<_>, _>>()?;
        let next = offset + i64::try_from(rows.len()).unwrap_or(PAGE);
        // An empty page ends the list whatever the total says.
        let next_cursor = (!rows.is_empty() && next < total).then(|| next.to_string());
        Ok(Step::Done(Page { items, next_cursor }))
    }

    fn fetch(&self, cx: &Context<'_>, claim_id: &str) -> Turn<Option<GuaranteeClaim>> {
        Ok(Step::call(get(cx, claim_id)?, Vec::new()))
    }

    fn resume_fetch(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Option<GuaranteeClaim>> {
        if !state.is_empty() {
            return Err(ChannelError::unexpected("a state that is not ours"));
        }
        match read_only(cx, answers) {
            Ok(body) => Ok(Step::Done(Some(claim(&body["guarantee_order"])?))),
            Err(error) if error.remote_code() == Some(MISSING) => Ok(Step::Done(None)),
            Err(error) => Err(error),
        }
    }

    fn answer(&self, cx: &Context<'_>, answer: &GuaranteeAnswer) -> Turn<GuaranteeOutcome> {
        let words = answer.words.trim();
        let speaks = matches!(answer.step, M::Refuse | M::Prove);
        if speaks && words.is_empty() {
            return Err(ChannelError::field("words", "required", "请填写说明文字"));
        }
        if words.chars().count() > MOST_WORDS {
            return Err(ChannelError::field("words", "length", "说明文字最多 500 个字"));
        }
        if speaks && answer.pictures.is_empty() {
            return Err(ChannelError::field("pictures", "required", "请至少上传一张凭证图片"));
        }
        if answer.pictures.len() > MOST_PICTURES {
            return Err(ChannelError::field("pictures", "too_many", "凭证图片最多 20 张"));
        }
        let level = answer.level.is_some_and(|level| GuaranteeAnswer::LEVELS.contains(&level));
        if answer.step == M::Offer && !level {
            return Err(ChannelError::field("level", "unknown", "坏损比例应为 10、30、50、80 或 100"));
        }
        Ok(Step::call(get(cx, &answer.claim_id)?, encode_state(&Answering::Reading(answer.clone()))?))
    }

    fn resume_answer(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<GuaranteeOutcome> {
        match decode_state(state)? {
            Answering::Reading(answer) => read_before(cx, answer, &read_only(cx, answers)?),
            Answering::Uploading(answer) => {
                if answers.len() != answer.pictures.len() {
                    return Err(ChannelError::unexpected("not every picture has an answer"));
                }
                let ids = answers.iter().map(|given| {
                    let body = read(given.response()?, cx.now)?;
                    text(&body["pic_file"]["media_id"])
                        .ok_or_else(|| ChannelError::unexpected("the upload has no pic_file.media_id"))
                });
                tell(cx, &answer, &ids.collect::<Result<Vec<_>, _>>()?)
            }
            Answering::Telling => match read_only(cx, answers)?.get("errcode") {
                Some(_) => Ok(Step::Done(GuaranteeOutcome::Taken)),
                None => Err(ChannelError::unexpected("the answer has no errcode")),
            },
        }
    }
}

fn read_before(cx: &Context<'_>, answer: GuaranteeAnswer, body: &Value) -> Turn<GuaranteeOutcome> {
    let claim = claim(&body["guarantee_order"])?;
    if claim.shows(&answer) {
        return Ok(Step::Done(GuaranteeOutcome::TakenBefore));
    }
    if !claim.takes.contains(&answer.step) {
        let detail = format!("保障单当前状态 {}，不能进行此操作，请刷新后再处理", claim.native_state);
        return Err(ChannelError::new(ErrorClass::BusinessRefusal, detail));
    }
    if answer.pictures.is_empty() {
        return tell(cx, &answer, &[]);
    }
    let requests = answer.pictures.iter().map(|picture| upload(cx, picture)).collect::<Result<_, _>>()?;
    Ok(Step::Call { requests, parallel: true, state: encode_state(&Answering::Uploading(answer))? })
}

fn tell(cx: &Context<'_>, answer: &GuaranteeAnswer, media_ids: &[String]) -> Turn<GuaranteeOutcome> {
    let claim = number(&answer.claim_id, "claim_id")?;
    let words = answer.words.trim();
    let (path, body) = match answer.step {
        M::Accept => ("merchantacceptguarantee", json!({ "guarantee_order_id": claim })),
        M::Refuse => {
            let body = json!({ "guarantee_order_id": claim, "reason": words, "pic_list": media_ids });
            ("merchantrefuseguarantee", body)
        }
        M::Offer => {
            let mut body = json!({ "guarantee_order_id": claim, "bad_level": answer.level });
            if !words.is_empty() {
                body["merchant_remark"] = json!(words);
            }
            ("merchantmodifyguarantee", body)
        }
        M::Prove => {
            let body = json!({ "guarantee_order_id": claim, "content": words, "pic_list": media_ids });
            ("merchantproofguarantee", body)
        }
    };
    // Not idempotent: after a lost answer the claim is read, and says what became of it.
    let request = account_post(cx, &format!("/channels/ec/aftersale/{path}"), &body)?;
    Ok(Step::call(request, encode_state(&Answering::Telling)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: i64, status: &Value) -> Value {
        json!({ "guarantee_order_id": 2_000_001_077_270_153_u64, "type": kind, "status": status,
            "order_id": 3_726_524_657_461_498_624_u64, "create_time": 1_700_000_000, "pay_amount": 1200,
            "product_info": { "title": "t", "real_price": 2400, "product_cnt": 1 },
            "fake_one_pay_four_info": { "identify_fee": 100, "product_fee": 2400, "identify_proof_pic_list": ["a"] },
            "bad_pay_info": { "bad_level": 50, "content": "裂了", "pic_list": ["a", "b"], "pay_fee": 1200,
                "merchant_modify_level": 0 } })
    }

    #[test]
    fn every_state_of_the_documents_is_known_by_word_and_number() {
        for (word, number, state) in STATES {
            for status in [json!(word), json!(number), json!(number.to_string())] {
                assert_eq!(claim(&row(2, &status)).unwrap().state, *state, "{status}");
            }
            assert_eq!(S::KNOWN.iter().filter(|known| *known == state).count(), 1);
        }
        assert_eq!(STATES.len(), S::KNOWN.len());
        let strange = claim(&row(9, &json!("STATUS_NEW"))).unwrap();
        assert_eq!((strange.state, strange.kind), (S::Other("STATUS_NEW".into()), K::Other("9".into())));
        assert!(strange.takes.is_empty());
        assert!(claim(&json!({ "guarantee_order_id": 1, "order_id": 2, "create_time": 3 })).is_err());
    }

    #[test]
    fn what_may_be_said_follows_kind_and_state() {
        let takes = |kind, status: &str| claim(&row(kind, &json!(status))).unwrap().takes;
        assert_eq!(takes(1, "STATUS_WAIT_MERCHANT_HANDLE"), [M::Accept, M::Refuse]);
        assert_eq!(takes(2, "STATUS_WAIT_MERCHANT_HANDLE"), [M::Accept, M::Offer, M::Refuse]);
        assert_eq!(takes(1, "STATUS_WAIT_BOTH_PROOF"), [M::Prove]);
        assert_eq!(takes(2, "STATUS_WAIT_MERCHANT_PROOF"), [M::Prove]);
        for status in
            ["STATUS_WAIT_USER_CONFIRM", "STATUS_WAIT_USER_PROOF", "STATUS_PAYING", "STATUS_PAY_SUCC"]
        {
            assert!(takes(2, status).is_empty(), "{status}");
        }
    }

    #[test]
    fn each_kind_tells_its_own_amounts() {
        let fake = claim(&row(1, &json!("STATUS_PAYING"))).unwrap();
        assert!(fake.damage.is_none());
        assert_eq!(
            fake.fake.map(|told| (told.goods, told.paid, told.pictures)),
            Some((Some(Fen::new(2400)), None, 1))
        );
        let damage = claim(&row(2, &json!("STATUS_PAYING"))).unwrap();
        assert!(damage.fake.is_none());
        let told = damage.damage.unwrap();
        assert_eq!((told.level, told.offered, told.pictures.len()), (Some(50), None, 2));
        assert_eq!(damage.external_id, "2000001077270153");
        assert_eq!(damage.goods[0].quantity, 1);
    }
}
