//! Files that come out of imports: the results beside the rows they belong to, and templates. Both begin
//! with a byte order mark, because spreadsheets take a file without one for the local encoding; and no cell
//! of them is a formula, whatever was uploaded.

use super::kind::{ImportKind, column_word};
use super::runner;
use crate::error::{Answer, ApiError};
use crate::pages::lang::Lang;
use crate::state::AppState;
use actix_web::web::Bytes;
use futures_util::{Stream, stream};
use qianpu_domain::import::cell_for_export;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::store::import::{Import, ImportRow, RowFilter, RowOutcome, import_row_list};
use std::collections::VecDeque;
use std::io;
use tokio::sync::mpsc;

const MARK: &[u8] = "\u{FEFF}".as_bytes();
/// Results read at once.
const PAGE: u64 = 500;

/// A file to fill in: the header in the language, and a few rows that show how.
pub fn template(kind: &dyn ImportKind, lang: Lang) -> Answer<Vec<u8>> {
    let name = |column: &qianpu_domain::import::Column| match lang {
        Lang::Zh => column.names.first().copied().unwrap_or(column.key),
        Lang::En => column.key,
    };
    let mut file = MARK.to_vec();
    file.extend(line(kind.columns().iter().map(name))?);
    for row in kind.examples() {
        file.extend(line(row.iter().copied())?);
    }
    Ok(file)
}

/// The uploaded rows with what became of them, as a stream.
pub fn results(
    state: AppState,
    ctx: TenantCtx,
    import: Import,
    lang: Lang,
) -> Answer<impl Stream<Item = Result<Bytes, io::Error>>> {
    let rows = runner::read(&state, &ctx, &import)?;
    let (send, receive) = mpsc::channel(16);
    tokio::spawn(async move {
        if let Err(error) = write(&state, &ctx, &import, lang, rows, &send).await {
            tracing::warn!(import_id = %import.id, %error, "the results of an import could not be written");
            // The client sees a broken file and not a complete one.
            let _ = send.send(Err(io::Error::other("the results could not be read"))).await;
        }
    });
    Ok(stream::unfold(receive, |mut receive| async { receive.recv().await.map(|part| (part, receive)) }))
}

type Part = Result<Bytes, io::Error>;

async fn write(
    state: &AppState,
    ctx: &TenantCtx,
    import: &Import,
    lang: Lang,
    mut rows: mpsc::Receiver<Result<(u64, Vec<String>), super::file::FileRefusal>>,
    send: &mpsc::Sender<Part>,
) -> Answer<()> {
    let own = match lang {
        Lang::Zh => ["行号", "结果", "编号", "原因"],
        Lang::En => ["row", "result", "id", "reason"],
    };
    let mut results: VecDeque<ImportRow> = VecDeque::new();
    let mut after = 0;
    let mut header = true;
    while let Some(row) = rows.recv().await {
        let (number, cells) = row.map_err(|refusal| ApiError::internal(format!("{refusal:?}")))?;
        let bytes = if header {
            header = false;
            let mut bytes = MARK.to_vec();
            bytes.extend(line(own.into_iter().chain(cells.iter().map(String::as_str)))?);
            bytes
        } else {
            let row = i64::try_from(number).unwrap_or(i64::MAX);
            if results.is_empty() && after >= 0 {
                let tx = state.db.read(ctx).await?;
                results = import_row_list(&tx, import.id, RowFilter::All, after, PAGE).await?.into();
                after = results.back().map_or(-1, |last| last.row_no);
            }
            let result = if results.front().is_some_and(|first| first.row_no == row) {
                results.pop_front()
            } else {
                None
            };
            let (word, target, reason) = told(&import.kind, result.as_ref(), lang);
            let own = [number.to_string(), word.to_owned(), target, reason];
            line(own.iter().map(String::as_str).chain(cells.iter().map(String::as_str)))?
        };
        if send.send(Ok(Bytes::from(bytes))).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn told(kind: &str, result: Option<&ImportRow>, lang: Lang) -> (&'static str, String, String) {
    match result.map(|result| &result.outcome) {
        None => (lang.pick("未处理", "waiting"), String::new(), String::new()),
        Some(RowOutcome::Ok(target)) => (lang.pick("成功", "ok"), target.clone(), String::new()),
        Some(RowOutcome::Failed(faults)) => {
            let told: Vec<String> = faults
                .iter()
                .map(|fault| {
                    let text = lang.pick(&fault.text_zh, &fault.text_en);
                    if fault.column.is_empty() {
                        text.to_owned()
                    } else {
                        format!("{}: {text}", column_word(kind, &fault.column, lang))
                    }
                })
                .collect();
            (lang.pick("失败", "failed"), String::new(), told.join("; "))
        }
    }
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> Answer<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let cells: Vec<String> = cells.map(cell_for_export).collect();
    writer.write_record(&cells).map_err(ApiError::internal)?;
    writer.into_inner().map_err(|error| ApiError::internal(error.to_string()))
}
