//! `/shops/{shop_id}/scores` and `/shop_scores`: scores of shops, and the raise of the quota that follows from them.

use crate::app::channels::raise::RaiseView;
use crate::app::scores::{self, Outcome, TypedDay};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path, Upload};
use crate::http::route::Api;
use crate::http::v1::imports::{CsvFile, csv_head};
use crate::http::wire::{Id, Time};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ShopId;
use qianpu_domain::score::ShopScores;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::shop_score::RecordedScore;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The largest file, with the rest of the form.
pub const UPLOAD_LIMIT: usize = 1024 * 1024;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get(
        "/shops/{shop_id}/scores",
        list_shop_scores,
        "The last 31 recorded days of a shop's scores, and where it stands with the raised quota",
    );
    api.post("/shops/{shop_id}/scores", record_shop_scores, "Record or correct scores of a shop by day");
    api.post(
        "/shops/{shop_id}/scores/evaluate",
        evaluate_shop_scores,
        "Look now at what is looked at every day: whether the scores raise the quota of linked accounts",
    );
    api.post(
        "/shop_scores/file",
        record_shop_score_file,
        "Record scores of many shops from a CSV file, field `file`: shop, day, description, service, logistics",
    );
    api.get("/shop_scores/template.csv", get_shop_score_template, "A file to fill in");
}

#[derive(Debug, Serialize, ToSchema)]
struct ShopScoreView {
    #[schema(value_type = String)]
    day: String,
    /// 描述相符, in hundredths: 463 is 4.63.
    description: u32,
    /// 服务态度, in hundredths.
    service: u32,
    /// 物流服务, in hundredths.
    logistics: u32,
    /// Their mean, rounded down.
    mean: u32,
    /// `page`, `api` or `file`.
    source: String,
    recorded_by: String,
    recorded_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RaiseBody {
    /// `standard`, `raised`, or `falling`: raised until `falls_on`.
    state: &'static str,
    /// Whether the raised limit holds now.
    in_force: bool,
    /// The first day of the usual limit again, while falling.
    falls_on: Option<String>,
    /// The limit of each kind of account when raised.
    limit: u32,
    /// Days that are needed.
    days: u32,
    /// Days that count so far.
    good_days: u32,
    /// Whole days of trading.
    trading_days: u32,
    /// The score that is needed, in hundredths.
    score_needed: u32,
    /// Yesterday's score, or the mean of the days, in hundredths and rounded down.
    score: Option<u32>,
    /// Each day has to reach the score; else their mean.
    each_day: bool,
    /// The terms are met today.
    met: bool,
    /// Only shops of enterprises are raised.
    subject: bool,
    /// Id of the rule with the terms.
    rule: String,
    evaluated_on: Option<String>,
    changed_at: Option<Time>,
}

impl From<RaiseView> for RaiseBody {
    fn from(view: RaiseView) -> Self {
        let (terms, progress) = (view.terms, view.progress);
        Self {
            state: view.standing.state.as_str(),
            in_force: view.in_force,
            falls_on: view.standing.falls_on.map(|day| day.to_string()),
            limit: terms.limit,
            days: terms.days,
            good_days: progress.good_days,
            trading_days: progress.trading_days,
            score_needed: terms.score,
            score: progress.score,
            each_day: terms.each_day,
            met: progress.met,
            subject: progress.subject,
            rule: view.rule.0,
            evaluated_on: view.evaluated_on.map(|day| day.to_string()),
            changed_at: view.changed_at.map(Time),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct ShopScoresView {
    items: Vec<ShopScoreView>,
    raise: RaiseBody,
}

fn view((days, raise): (Vec<RecordedScore>, RaiseView)) -> ShopScoresView {
    let day = |row: RecordedScore| {
        let ShopScores { description, service, logistics } = row.score.scores;
        ShopScoreView {
            day: row.score.day.to_string(),
            description,
            service,
            logistics,
            mean: row.score.scores.mean(),
            source: row.source,
            recorded_by: row.by,
            recorded_at: Time(row.at),
        }
    };
    ShopScoresView { items: days.into_iter().map(day).collect(), raise: raise.into() }
}

async fn list_shop_scores(auth: Authed<perm::ShopRead, Path<ShopId>>) -> Answer<Json<ShopScoresView>> {
    Ok(Json(view(scores::list(&auth.state, &auth.grant, auth.input.0).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DayScoreBody {
    /// `2026-03-01`, where the installation is.
    day: String,
    /// 描述相符, in hundredths: 463 is 4.63.
    description: u32,
    /// 服务态度, in hundredths.
    service: u32,
    /// 物流服务, in hundredths.
    logistics: u32,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RecordScoresBody {
    /// 1 to 100 days; all are recorded, or none.
    days: Vec<DayScoreBody>,
}

async fn record_shop_scores(
    auth: Authed<perm::ShopScoreWrite, (Path<ShopId>, Json<RecordScoresBody>)>,
) -> Answer<Json<ShopScoresView>> {
    let (Path(shop), Json(body)) = &auth.input;
    let typed = |day: &DayScoreBody| {
        let DayScoreBody { description, service, logistics, .. } = *day;
        TypedDay { day: day.day.clone(), scores: ShopScores { description, service, logistics } }
    };
    let days: Vec<TypedDay> = body.days.iter().map(typed).collect();
    let found = scores::record(&auth.state, &auth.grant, *shop, &days, "api").await?;
    Ok(Json(view(found)))
}

async fn evaluate_shop_scores(auth: Authed<perm::ShopScoreWrite, Path<ShopId>>) -> Answer<Json<RaiseBody>> {
    Ok(Json(scores::evaluate(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

#[derive(Debug, Serialize, ToSchema)]
struct WrongCell {
    column: String,
    code: &'static str,
    detail: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct RowOutcome {
    /// As a spreadsheet counts: 1 is the header.
    row: u64,
    #[schema(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
    day: Option<String>,
    /// Empty when it was recorded.
    errors: Vec<WrongCell>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ScoreFileView {
    recorded: usize,
    wrong: usize,
    rows: Vec<RowOutcome>,
}

async fn record_shop_score_file(
    auth: Authed<perm::ShopScoreWrite, Upload<UPLOAD_LIMIT>>,
) -> Answer<Json<ScoreFileView>> {
    let lang = auth.info.lang;
    let file = auth.input.file("file").ok_or_else(|| FieldError::required("file"))?;
    let rows = scores::record_file(&auth.state, &auth.grant, file.bytes.clone()).await?;
    let wrong = rows.iter().filter(|row| !row.errors.is_empty()).count();
    let outcome = |row: Outcome| RowOutcome {
        row: row.row,
        shop_id: row.shop.map(Id),
        day: row.day.map(|day| day.to_string()),
        errors: row
            .errors
            .into_iter()
            .map(|error| WrongCell {
                detail: lang.pick(&error.message_zh, &error.message_en).to_owned(),
                column: error.path,
                code: error.code,
            })
            .collect(),
    };
    let recorded = rows.len() - wrong;
    Ok(Json(ScoreFileView { recorded, wrong, rows: rows.into_iter().map(outcome).collect() }))
}

async fn get_shop_score_template(auth: Authed<perm::ShopScoreWrite>) -> Answer<CsvFile> {
    Ok(CsvFile(csv_head("shop-scores.csv").body(scores::template(auth.info.lang)?)))
}
