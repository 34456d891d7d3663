//! Categories and applying for them: `category/…`, documents by `basics/qualification/upload`.
//!
//! Facts: the client libraries WxJava (`CategoryAuditInfo`, `CategoryQualification`, `CategoryDetailResult`,
//! `AuditResult`) and SKIT.FlurlHttpClient.Wechat (`ChannelsECCategory…`). No list tells applications, so whether one
//! arrived can only be seen by its approval. The tree comes in one answer, from the leaf up or from the root down.

use qianpu_domain::money::Fen;
use qianpu_sdk::wire::{integer, text};
use qianpu_sdk::{
    Answer, ApplicationStanding, ApprovedCategory, CategoryPlace, CategoryStep, CategoryTerms, CategoryWish,
    ChannelError, Context, DocumentKind, ErrorClass, GoodsQualification, Part, PartContent,
    QualificationState, Request, Step, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{API, CALLS, account_get, account_post, read, read_only, required_id};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Most documents of one kind.
const DOCUMENTS: usize = 10;
/// Most categories a search finds.
const FOUND: usize = 50;
/// Most approved categories that are told.
const APPROVED: usize = 5_000;

/// What an application takes beside the qualification itself, as the platform names it.
const KINDS: &[(&str, &str, &str)] = &[
    ("certificate", "资质材料", "Qualification"),
    ("baobeihan", "报备函", "Letter of registration"),
    ("jingyingzhengming", "经营证明", "Proof of trading"),
    ("daihuokoubei", "带货口碑", "Reputation as a seller"),
    ("ruzhuzhizhi", "入驻资质", "Qualification for joining"),
    ("jingyingliushui", "经营流水", "Turnover"),
    ("buchongcailiao", "补充材料", "Further material"),
];
/// Where a shop may say that it sells already.
const ELSEWHERE: &[&str] = &["taobao", "jd", "douyin", "kuaishou", "pdd", "other"];

/// Sends pictures of documents.
pub(crate) fn send(cx: &Context<'_>, documents: &[String]) -> Turn<Vec<String>> {
    if documents.is_empty() {
        return Ok(Step::Done(Vec::new()));
    }
    let request = |asset: &String| {
        let part = Part {
            name: "media".to_owned(),
            filename: Some("document".to_owned()),
            content_type: Some("application/octet-stream".to_owned()),
            content: PartContent::Asset(asset.clone()),
        };
        let request = Request::post_multipart(API, "/channels/ec/basics/qualification/upload", vec![part])
            .secret_query("access_token", cx.account_token()?.expose())
            .bucket(CALLS);
        Ok(request.idempotent().timeout_ms(30_000))
    };
    let requests = documents.iter().map(request).collect::<Result<Vec<_>, ChannelError>>()?;
    Ok(Step::Call { requests, parallel: true, state: encode_state(&documents.len())? })
}

pub(crate) fn resume_send(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<String>> {
    let sent: usize = decode_state(state)?;
    if answers.is_empty() || answers.len() != sent {
        return Err(ChannelError::unexpected("not every document was answered"));
    }
    let one = |answer: &Answer| required_id(&read(answer.response()?, cx.now)?["data"], "file_id");
    answers.iter().map(one).collect::<Result<_, _>>().map(Step::Done)
}

fn all(cx: &Context<'_>) -> Result<Request, ChannelError> {
    Ok(account_get(cx, "/channels/ec/category/all")?.idempotent().timeout_ms(30_000))
}

/// A category of the tree with all that stands at it.
struct Leaf<'a> {
    path: Vec<CategoryStep>,
    row: &'a Value,
}

impl Leaf<'_> {
    fn id(&self) -> &str {
        self.path.last().map_or("", |step| step.id.as_str())
    }
    fn place(&self) -> CategoryPlace {
        let flag = |what: &str| self.row[what]["need_to_apply"].as_bool() == Some(true);
        CategoryPlace { path: self.path.clone(), needs_application: flag("qua") }
    }
}

/// Every leaf of the new tree, or of the old one where there is no other.
fn leaves(body: &Value) -> Result<Vec<Leaf<'_>>, ChannelError> {
    let there = |field: &str| body[field].as_array().filter(|rows| !rows.is_empty());
    let rows = there("cats_v2").or_else(|| there("cats"));
    let rows = rows.ok_or_else(|| ChannelError::unexpected("the answer has no categories"))?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let steps = row["cat_and_qua"].as_array();
        let steps = steps.ok_or_else(|| ChannelError::unexpected("a category has no cat_and_qua"))?;
        let mut steps: Vec<&Value> = steps.iter().collect();
        steps.sort_by_key(|step| integer(&step["cat"]["level"]).unwrap_or(i64::MAX));
        let Some(last) = steps.last().copied() else { continue };
        let path = steps
            .iter()
            .map(|step| {
                let name = text(&step["cat"]["name"]).unwrap_or_default();
                Ok(CategoryStep { id: required_id(&step["cat"], "cat_id")?, name })
            })
            .collect::<Result<Vec<_>, ChannelError>>()?;
        found.push(Leaf { path, row: last });
    }
    Ok(found)
}

pub(crate) fn approved(cx: &Context<'_>) -> Turn<Vec<ApprovedCategory>> {
    let list = account_get(cx, "/channels/ec/category/list/get")?.idempotent();
    Ok(Step::Call { requests: vec![list, all(cx)?], parallel: true, state: encode_state(&"approved")? })
}

pub(crate) fn resume_approved(
    cx: &Context<'_>,
    state: &[u8],
    answers: &[Answer],
) -> Turn<Vec<ApprovedCategory>> {
    ours(state, "approved")?;
    let [list, tree] = answers else { return Err(ChannelError::unexpected("two answers were expected")) };
    let list = read(list.response()?, cx.now)?;
    let tree = read(tree.response()?, cx.now)?;
    let leaves = leaves(&tree)?;
    let rows = match &list["list"] {
        Value::Null => &[][..],
        Value::Array(rows) => rows,
        _ => return Err(ChannelError::unexpected("the answer has no list")),
    };
    let one = |row: &Value| {
        let category_id = required_id(row, "cat_id")?;
        let path = leaves.iter().find(|leaf| leaf.id() == category_id).map(|leaf| leaf.path.clone());
        Ok(ApprovedCategory { category_id, path: path.unwrap_or_default() })
    };
    rows.iter().take(APPROVED).map(one).collect::<Result<_, ChannelError>>().map(Step::Done)
}

fn ours(state: &[u8], wanted: &str) -> Result<(), ChannelError> {
    let found: String = decode_state(state)?;
    if found == wanted { Ok(()) } else { Err(ChannelError::unexpected("a state that is not ours")) }
}

pub(crate) fn search(cx: &Context<'_>, words: &str) -> Turn<Vec<CategoryPlace>> {
    Ok(Step::call(all(cx)?, encode_state(&words)?))
}

pub(crate) fn resume_search(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<CategoryPlace>> {
    let words: String = decode_state(state)?;
    let wanted: Vec<&str> = words.split_whitespace().collect();
    let body = read_only(cx, answers)?;
    let found = leaves(&body)?.into_iter().filter(|leaf| {
        let has = |word: &&str| leaf.path.iter().any(|step| step.name.contains(*word));
        wanted.iter().all(has) || leaf.id() == words.trim()
    });
    Ok(Step::Done(found.take(FOUND).map(|leaf| leaf.place()).collect()))
}

pub(crate) fn terms(cx: &Context<'_>, category_id: &str) -> Turn<CategoryTerms> {
    let detail = account_post(cx, "/channels/ec/category/detail", &json!({ "cat_id": category_id }))?;
    let requests = vec![all(cx)?, detail.idempotent()];
    Ok(Step::Call { requests, parallel: true, state: encode_state(&category_id)? })
}

pub(crate) fn resume_terms(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<CategoryTerms> {
    let category_id: String = decode_state(state)?;
    let [tree, detail] = answers else { return Err(ChannelError::unexpected("two answers were expected")) };
    let tree = read(tree.response()?, cx.now)?;
    let found = leaves(&tree)?.into_iter().find(|leaf| leaf.id() == category_id);
    let leaf = found.ok_or_else(|| ChannelError::field("category_id", "unknown", "平台没有这个类目"))?;
    let detail = read(detail.response()?, cx.now)?;
    let attr = &detail["attr"];
    if !attr.is_object() {
        return Err(ChannelError::unexpected("the answer has no attr"));
    }
    let qualification = &leaf.row["qua"];
    let mandatory = qualification["mandatory"].as_bool() == Some(true);
    let document = |(code, name, name_en): &(&str, &str, &str)| DocumentKind {
        code: (*code).to_owned(),
        name: (*name).to_owned(),
        name_en: (*name_en).to_owned(),
        mandatory: mandatory && *code == "certificate",
        most: DOCUMENTS,
    };
    let tips = ["name", "tips"].iter().filter_map(|field| text(&qualification[*field])).collect::<Vec<_>>();
    let flag = |field: &str| attr[field].as_bool() == Some(true);
    // The document has the list beside the attributes, WxJava among them.
    let goods = [&detail["product_qua_list"], &attr["product_qua_list"], &leaf.row["product_qua_list"]];
    let goods = goods.into_iter().filter_map(Value::as_array).find(|rows| !rows.is_empty());
    Ok(Step::Done(CategoryTerms {
        place: leaf.place(),
        documents: KINDS.iter().map(document).collect(),
        elsewhere: ELSEWHERE.iter().map(|one| (*one).to_owned()).collect(),
        tips: tips.join("："),
        deposit: integer(&attr["deposit"]).map(Fen::new),
        fee_basis_points: integer(&attr["transactionfee_info"]["basis_point"]),
        usual_fee_basis_points: integer(&attr["transactionfee_info"]["original_basis_point"]),
        invited_only: flag("access_permit_required"),
        needs_brand: flag("is_limit_brand"),
        of_goods: goods.into_iter().flatten().take(50).map(of_goods).collect(),
    }))
}

fn of_goods(row: &Value) -> GoodsQualification {
    GoodsQualification {
        name: text(&row["name"]).unwrap_or_default(),
        tips: text(&row["tips"]).unwrap_or_default(),
        mandatory: row["mandatory"].as_bool() == Some(true),
    }
}

pub(crate) fn apply(cx: &Context<'_>, wanted: &CategoryWish) -> Turn<String> {
    let mut info = Map::new();
    let cats: Vec<Value> = wanted.path.iter().map(|id| json!({ "cat_id": id })).collect();
    if cats.is_empty() {
        return Err(ChannelError::field("category_id", "required", "请选择类目"));
    }
    info.insert("cats_v2".to_owned(), json!(cats));
    for sent in &wanted.documents {
        if !KINDS.iter().any(|(code, ..)| *code == sent.kind) || sent.ids.len() > DOCUMENTS {
            return Err(ChannelError::field("documents", "count", "每种资料最多 10 张图片"));
        }
        info.insert(sent.kind.clone(), json!(sent.ids));
    }
    if let Some((platform, account)) = &wanted.elsewhere {
        info.insert("jingyingpingtai".to_owned(), json!(platform));
        info.insert("zhanghaomingcheng".to_owned(), json!(account));
    }
    if !wanted.brand_ids.is_empty() {
        let brands: Vec<Value> = wanted.brand_ids.iter().map(|id| json!({ "brand_id": id })).collect();
        info.insert("brand_list".to_owned(), json!(brands));
    }
    let request = account_post(cx, "/channels/ec/category/add", &json!({ "category_info": info }))?;
    Ok(Step::call(request.timeout_ms(30_000), encode_state(&"apply")?))
}

pub(crate) fn resume_apply(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String> {
    ours(state, "apply")?;
    required_id(&read_only(cx, answers)?, "audit_id").map(Step::Done)
}

fn get(cx: &Context<'_>, application_id: &str) -> Result<Request, ChannelError> {
    let body = json!({ "audit_id": application_id });
    Ok(account_post(cx, "/channels/ec/category/audit/get", &body)?.idempotent())
}

/// The call answers 0, 1, 9, 12; events say 1, 2, 3, 12. 2 and 3 mean one thing wherever they stand.
fn standing(body: &Value) -> Result<ApplicationStanding, ChannelError> {
    let row = &body["data"];
    let code = integer(&row["status"]);
    let state = match code {
        Some(0) => QualificationState::Checking,
        Some(1 | 3) => QualificationState::Accepted,
        Some(2 | 9) => QualificationState::Refused,
        Some(12) => QualificationState::Withdrawn,
        Some(other) => QualificationState::Unknown(other.to_string()),
        None => return Err(ChannelError::unexpected("the answer has no data.status")),
    };
    let reason = text(&row["reject_reason"]).filter(|_| state == QualificationState::Refused);
    Ok(ApplicationStanding { state, reason })
}

pub(crate) fn one(cx: &Context<'_>, application_id: &str) -> Turn<ApplicationStanding> {
    Ok(Step::call(get(cx, application_id)?, encode_state(&"one")?))
}

pub(crate) fn resume_one(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ApplicationStanding> {
    ours(state, "one")?;
    standing(&read_only(cx, answers)?).map(Step::Done)
}

#[derive(Serialize, Deserialize)]
enum Withdrawing {
    Reading(String),
    Telling,
}

pub(crate) fn withdraw(cx: &Context<'_>, application_id: &str) -> Turn<()> {
    let state = encode_state(&Withdrawing::Reading(application_id.to_owned()))?;
    Ok(Step::call(get(cx, application_id)?, state))
}

pub(crate) fn resume_withdraw(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
    let application_id = match decode_state(state)? {
        Withdrawing::Reading(id) => id,
        Withdrawing::Telling => return told(&read_only(cx, answers)?),
    };
    match standing(&read_only(cx, answers)?)?.state {
        QualificationState::Withdrawn => Ok(Step::Done(())),
        QualificationState::Checking => {
            let body = json!({ "audit_id": application_id });
            let request = account_post(cx, "/channels/ec/category/audit/cancel", &body)?;
            Ok(Step::call(request, encode_state(&Withdrawing::Telling)?))
        }
        _ => Err(decided()),
    }
}

pub(crate) fn told(body: &Value) -> Turn<()> {
    match body.get("errcode") {
        Some(_) => Ok(Step::Done(())),
        None => Err(ChannelError::unexpected("the answer has no errcode")),
    }
}

pub(crate) fn decided() -> ChannelError {
    ChannelError::new(ErrorClass::BusinessRefusal, "平台已审核完成，不能撤回")
}
