//! Scores of a shop by page, for the provider: the days, a form for one, and a file with many. The raise of the quota
//! that follows from them is shown here and on the merchant's page of accounts ([`RaiseGauge`]).

use super::apply::may_be_mended;
use crate::app::channels::raise::RaiseView;
use crate::app::scores::{self, Outcome, TypedDay};
use crate::app::shops;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Upload};
use crate::http::route::PageRoutes;
use crate::http::v1::SCORE_FILE_LIMIT;
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::{Permission, Surface};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::ShopId;
use qianpu_domain::policy::RaiseState;
use qianpu_domain::score::{self, ShopScores, read_mark};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::shop_score::RecordedScore;
use serde::Serialize;

const SHOPS: &str = "/console/provider/shops";
const FILE: &str = "/console/provider/shops/scores";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/provider/shops/{shop_id}/scores", shop_scores_page);
    pages.post("/console/provider/shops/{shop_id}/scores", shop_score_form);
    pages.post("/console/provider/shops/{shop_id}/scores/evaluate", evaluate_scores_form);
    pages.get(FILE, score_file_page);
    pages.post(FILE, score_file_form);
}

/// How far a shop is on its way to the raised quota, or how it holds it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RaiseGauge {
    state: &'static str,
    in_force: bool,
    falls_on: Option<String>,
    days: u32,
    good_days: u32,
    trading_days: u32,
    needed: String,
    score: Option<String>,
    enough: bool,
    each_day: bool,
    limit: u32,
    rule: String,
    evaluated_on: Option<String>,
}

impl RaiseGauge {
    /// None when nothing of it concerns the shop: its subject gets no raise.
    pub(super) fn of(view: RaiseView) -> Option<Self> {
        let (terms, progress) = (view.terms, view.progress);
        if !progress.subject && view.standing.state == RaiseState::Standard {
            return None;
        }
        Some(Self {
            state: view.standing.state.as_str(),
            in_force: view.in_force,
            falls_on: view.standing.falls_on.map(|day| day.to_string()),
            days: terms.days,
            good_days: progress.good_days,
            trading_days: progress.trading_days,
            needed: score::shown(terms.score),
            score: progress.score.map(score::shown),
            enough: progress.score.is_some_and(|score| score >= terms.score),
            each_day: terms.each_day,
            limit: terms.limit,
            rule: view.rule.0,
            evaluated_on: view.evaluated_on.map(|day| day.to_string()),
        })
    }
}

#[derive(Serialize)]
struct DayRow {
    day: String,
    description: String,
    service: String,
    logistics: String,
    mean: String,
    enough: bool,
    source: String,
    by: String,
    at: i64,
}

#[derive(Serialize)]
struct ScoresView {
    form: FormView,
    at: String,
    desk: String,
    name: String,
    raise: Option<RaiseGauge>,
    days: Vec<DayRow>,
    may_record: bool,
}

fn day_row(row: RecordedScore, needed: u32) -> DayRow {
    let marks = row.score.scores;
    DayRow {
        day: row.score.day.to_string(),
        description: score::shown(marks.description),
        service: score::shown(marks.service),
        logistics: score::shown(marks.logistics),
        mean: score::shown(marks.mean()),
        enough: marks.at_least(needed),
        source: row.source,
        by: row.by,
        at: row.at.micros(),
    }
}

async fn view<P: Perm, T>(auth: &Authed<P, T>, id: ShopId, form: Option<FormView>) -> Answer<ScoresView> {
    if auth.caller.surface() != Surface::Provider {
        return Err(ApiError::not_found());
    }
    let grant = auth.caller.grant::<perm::ShopRead>()?;
    let shop = shops::get(&auth.state, &grant, id).await?;
    let (days, raise) = scores::list(&auth.state, &grant, id).await?;
    let yesterday = scores::yesterday(&auth.state, auth.state.clock().now())?.to_string();
    let needed = raise.terms.score;
    Ok(ScoresView {
        form: form.unwrap_or_else(|| FormView::filled([("day", yesterday)])),
        at: format!("{SHOPS}/{id}/scores"),
        desk: format!("{SHOPS}/{id}"),
        name: shop.name,
        raise: RaiseGauge::of(raise),
        days: days.into_iter().map(|row| day_row(row, needed)).collect(),
        may_record: auth.caller.may(Permission::ShopScoreWrite),
    })
}

async fn shop_scores_page(auth: Authed<perm::ShopRead, Path<ShopId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, None).await?;
    auth.page("scores/shop", view)
}

/// Errors of the one day of the form stand at its own fields.
fn at_fields(error: ApiError) -> ApiError {
    let strip = |wrong: &FieldError| FieldError {
        path: wrong.path.trim_start_matches("days[0].").to_owned(),
        ..wrong.clone()
    };
    let mended: Vec<FieldError> = error.errors().iter().map(strip).collect();
    if mended.is_empty() { error } else { error.with_fields(mended) }
}

async fn record(auth: &Authed<perm::ShopScoreWrite, (Path<ShopId>, Fields)>) -> Answer<()> {
    let (Path(id), typed) = &auth.input;
    let mut errors = Vec::new();
    let mut mark = |name: &str| {
        let text = typed.text(name);
        let mark = read_mark(text);
        if text.is_empty() {
            errors.push(FieldError::required(name));
        } else if mark.is_none() {
            let (en, zh) = ("a mark such as 4.63", "请填写 1.00 到 5.00 之间的分数，例如 4.63");
            errors.push(FieldError::new(name, "range", en, zh));
        }
        mark.unwrap_or_default()
    };
    let scores = ShopScores {
        description: mark("description"),
        service: mark("service"),
        logistics: mark("logistics"),
    };
    if typed.text("day").is_empty() {
        errors.push(FieldError::required("day"));
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let day = TypedDay { day: typed.text("day").to_owned(), scores };
    scores::record(&auth.state, &auth.grant, *id, &[day], "page").await.map(drop).map_err(at_fields)
}

async fn shop_score_form(auth: Authed<perm::ShopScoreWrite, (Path<ShopId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    match record(&auth).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("scores.recorded"), &format!("{SHOPS}/{id}/scores"))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, *id, Some(form)).await?;
            auth.refused_page("scores/shop", view)
        }
        Err(error) => Err(error),
    }
}

async fn evaluate_scores_form(auth: Authed<perm::ShopScoreWrite, (Path<ShopId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    scores::evaluate(&auth.state, &auth.grant, *id).await?;
    Ok(auth.redirect_with(&Flash::success("scores.evaluated"), &format!("{SHOPS}/{id}/scores")))
}

#[derive(Serialize)]
struct FileRow {
    row: u64,
    texts: Vec<String>,
}

#[derive(Serialize)]
struct FileView {
    form: FormView,
    columns: Vec<&'static str>,
    /// Only after a file was sent.
    read: bool,
    recorded: usize,
    wrong: Vec<FileRow>,
}

fn file_view(form: FormView, rows: Option<Vec<Outcome>>, lang: Lang) -> FileView {
    let name = |column: &qianpu_domain::import::Column| match lang {
        Lang::Zh => column.names.first().copied().unwrap_or(column.key),
        Lang::En => column.key,
    };
    let told = |key: &str| {
        scores::COLUMNS
            .iter()
            .find(|column| column.key == key)
            .map_or(key.to_owned(), |it| name(it).to_owned())
    };
    let read = rows.is_some();
    let rows = rows.unwrap_or_default();
    let recorded = rows.iter().filter(|row| row.errors.is_empty()).count();
    let wrong = rows
        .into_iter()
        .filter(|row| !row.errors.is_empty())
        .map(|row| FileRow {
            row: row.row,
            texts: row
                .errors
                .iter()
                .map(|error| {
                    format!("{}: {}", told(&error.path), lang.pick(&error.message_zh, &error.message_en))
                })
                .collect(),
        })
        .collect();
    FileView { form, columns: scores::COLUMNS.iter().map(name).collect(), read, recorded, wrong }
}

fn for_providers<P: Perm, T>(auth: &Authed<P, T>) -> Answer<()> {
    if auth.caller.surface() == Surface::Provider { Ok(()) } else { Err(ApiError::not_found()) }
}

async fn score_file_page(auth: Authed<perm::ShopScoreWrite>) -> PageAnswer {
    for_providers(&auth)?;
    let view = file_view(FormView::default(), None, auth.info.lang);
    auth.page("scores/file", view)
}

async fn score_file_form(auth: Authed<perm::ShopScoreWrite, Upload<SCORE_FILE_LIMIT>>) -> PageAnswer {
    for_providers(&auth)?;
    let lang = auth.info.lang;
    let read = match auth.input.file("file") {
        None => Err(FieldError::required("file").into()),
        Some(file) => scores::record_file(&auth.state, &auth.grant, file.bytes.clone()).await,
    };
    match read {
        Ok(rows) => auth.page("scores/file", file_view(FormView::default(), Some(rows), lang)),
        Err(error) if error.code() != ErrorCode::Forbidden && error.code().status() < 500 => {
            let shown = Fields(vec![("file".to_owned(), String::new())]);
            let catalogue = auth.state.pages.catalogue();
            // The text of a whole file's fault is more than its code's title.
            let form = match error.detail().filter(|_| error.errors().is_empty()) {
                None => FormView::refused_by(&shown, &error, lang),
                Some(text) => {
                    let (en, zh) = (catalogue.text(Lang::En, text), catalogue.text(Lang::Zh, text));
                    FormView::refused(&shown, &[FieldError::new("file", "file", en, zh)], lang)
                }
            };
            auth.refused_page("scores/file", file_view(form, None, lang))
        }
        Err(error) => Err(error),
    }
}
