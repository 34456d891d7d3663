//! `/ledger/trial_balance`, files of the books, and the books of a provider's merchants for its finance staff.

use super::ledger::{ChartView, EntryView, JournalView};
use crate::app::money::book_files::{self, Wanted};
use crate::app::money::sheet::{FileKind, SheetFile};
use crate::app::money::trial::{self, Columns, Days, Six};
use crate::app::money::{books, statements};
use crate::error::Answer;
use crate::http::describe::{Answered, Draft};
use crate::http::extract::{Authed, Json, Path, Path2, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, page_request};
use crate::pages::lang::Lang;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{JournalId, LedgerAccountId, TenantId};
use qianpu_domain::ledger::AccountCode;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::store::ledger::MerchantBalance;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const MERCHANT: &str = "/merchants/{merchant_id}/ledger";

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/ledger/trial_balance", get_trial_balance, "The trial balance of days");
    api.get("/ledger/trial_balance/file", get_trial_balance_file, "The same as CSV or XLSX");
    api.get(
        "/ledger/accounts/{ledger_account_id}/entries/file",
        get_ledger_entries_file,
        "Entries of an account in days as CSV or XLSX, oldest first",
    );
    api.get(
        "/ledger/journals/file",
        get_journals_file,
        "Journals of days as CSV or XLSX, one row for each leg",
    );
    api.get("/statements/file", get_statement_file, "The statement of a month as CSV or XLSX");
    api.get("/ledger/merchants", list_merchant_balances, "What each of the provider's merchants holds");
    let of = |rest: &str| format!("{MERCHANT}/{rest}");
    api.get(&of("trial_balance"), get_merchant_trial_balance, "A merchant's trial balance, for its provider");
    api.get(&of("trial_balance/file"), get_merchant_trial_balance_file, "The same as CSV or XLSX");
    api.get(
        &of("accounts/{ledger_account_id}/entries"),
        list_merchant_entries,
        "Entries of an account of a merchant, newest first, for its provider",
    );
    api.get(
        &of("accounts/{ledger_account_id}/entries/file"),
        get_merchant_entries_file,
        "Entries of an account of a merchant in days as CSV or XLSX, for its provider",
    );
    api.get(&of("journals/file"), get_merchant_journals_file, "A merchant's journals of days as CSV or XLSX");
    api.get(
        &of("journals/{journal_id}"),
        get_merchant_journal,
        "One journal of a merchant, for its provider",
    );
}

/// A file of a table.
pub(in crate::http) struct TableFile(SheetFile);

impl Answered for TableFile {
    fn describe(draft: &mut Draft) {
        draft.bare_response("200", "CSV in UTF-8 with a byte order mark, or XLSX");
    }
}

impl Responder for TableFile {
    type Body = actix_web::body::BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let SheetFile { kind, name, bytes } = self.0;
        HttpResponse::Ok()
            .content_type(kind.content_type())
            .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(bytes)
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DaysQuery {
    /// First day, `2026-11-01`; the first of the last day's month unless said.
    from: Option<String>,
    /// Last day, which counts too; today unless said. Days are those of the merchant's zone.
    to: Option<String>,
}

impl DaysQuery {
    fn days(&self) -> Days<'_> {
        Days { from: self.from.as_deref(), to: self.to.as_deref() }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DaysFileQuery {
    /// First day, `2026-11-01`; the first of the last day's month unless said.
    from: Option<String>,
    /// Last day, which counts too; today unless said. Days are those of the merchant's zone.
    to: Option<String>,
    /// `csv` (default) or `xlsx`. A file has 100,000 rows at most.
    format: Option<String>,
}

impl DaysFileQuery {
    fn wanted(&self, lang: Lang) -> Answer<Wanted<'_>> {
        let days = Days { from: self.from.as_deref(), to: self.to.as_deref() };
        Ok(Wanted { days, kind: FileKind::parse(self.format.as_deref())?, lang })
    }
}

/// An amount on the side where it stands; the other one is 0.
#[derive(Debug, Serialize, ToSchema)]
struct ColumnsView {
    debit: Money,
    credit: Money,
}

impl From<Columns> for ColumnsView {
    fn from(columns: Columns) -> Self {
        Self { debit: columns.debit.into(), credit: columns.credit.into() }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct TrialRowView {
    account: ChartView,
    /// How many accounts there are of it.
    accounts: i64,
    opening: ColumnsView,
    /// What was booked in the days.
    moved: ColumnsView,
    closing: ColumnsView,
}

#[derive(Debug, Serialize, ToSchema)]
struct TrialTotalView {
    opening: ColumnsView,
    moved: ColumnsView,
    closing: ColumnsView,
    /// Whether debits and credits are equal in each pair; books in order always are.
    balanced: bool,
}

impl From<Six> for TrialTotalView {
    fn from(six: Six) -> Self {
        let balanced = six.balanced();
        Self { opening: six.opening.into(), moved: six.moved.into(), closing: six.closing.into(), balanced }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct TrialBalanceView {
    merchant_name: String,
    zone: String,
    /// First day.
    from: String,
    /// Last day.
    to: String,
    rows: Vec<TrialRowView>,
    total: TrialTotalView,
}

impl From<trial::Trial> for TrialBalanceView {
    fn from(found: trial::Trial) -> Self {
        let row = |row: trial::TrialLine| TrialRowView {
            account: row.code.into(),
            accounts: row.accounts,
            opening: row.six.opening.into(),
            moved: row.six.moved.into(),
            closing: row.six.closing.into(),
        };
        Self {
            merchant_name: found.merchant,
            zone: found.zone,
            from: found.first.to_string(),
            to: found.last.to_string(),
            rows: found.rows.into_iter().map(row).collect(),
            total: found.total.into(),
        }
    }
}

async fn get_trial_balance(
    auth: Authed<perm::LedgerRead, Query<DaysQuery>>,
) -> Answer<Json<TrialBalanceView>> {
    Ok(Json(trial::trial(&auth.state, &auth.grant, auth.input.0.days()).await?.into()))
}

async fn get_trial_balance_file(auth: Authed<perm::LedgerRead, Query<DaysFileQuery>>) -> Answer<TableFile> {
    let wanted = auth.input.0.wanted(auth.info.lang)?;
    Ok(TableFile(book_files::trial_balance(&auth.state, &auth.grant, wanted).await?))
}

async fn get_ledger_entries_file(
    auth: Authed<perm::LedgerRead, (Path<LedgerAccountId>, Query<DaysFileQuery>)>,
) -> Answer<TableFile> {
    let (Path(id), Query(query)) = &auth.input;
    let wanted = query.wanted(auth.info.lang)?;
    Ok(TableFile(book_files::account(&auth.state, &auth.grant, *id, wanted).await?))
}

async fn get_journals_file(auth: Authed<perm::LedgerRead, Query<DaysFileQuery>>) -> Answer<TableFile> {
    let wanted = auth.input.0.wanted(auth.info.lang)?;
    Ok(TableFile(book_files::journals(&auth.state, &auth.grant, wanted).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct StatementFileQuery {
    /// `2026-11`; the present month when not given.
    month: Option<String>,
    /// `csv` (default) or `xlsx`.
    format: Option<String>,
}

async fn get_statement_file(auth: Authed<perm::LedgerRead, Query<StatementFileQuery>>) -> Answer<TableFile> {
    let Query(query) = &auth.input;
    let (month, kind) = (query.month.as_deref(), FileKind::parse(query.format.as_deref())?);
    Ok(TableFile(statements::file(&auth.state, &auth.grant, month, kind, auth.info.lang).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct MerchantBalancesQuery {
    /// Only this account of the chart, such as 2010; all of them unless said.
    account: Option<i64>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MerchantBalanceView {
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    merchant_name: String,
    /// Balances of accounts that grow on the debit side.
    debit: Money,
    /// Balances of accounts that grow on the credit side.
    credit: Money,
}

impl From<MerchantBalance> for MerchantBalanceView {
    fn from(row: MerchantBalance) -> Self {
        Self {
            merchant_id: Id(row.merchant),
            merchant_name: row.name,
            debit: row.debit.into(),
            credit: row.credit.into(),
        }
    }
}

async fn list_merchant_balances(
    auth: Authed<perm::ProviderLedgerRead, Query<MerchantBalancesQuery>>,
) -> Answer<Json<Page<MerchantBalanceView>>> {
    let Query(query) = &auth.input;
    let unknown = || FieldError::new("account", "unknown", "no account of the chart", "没有这个科目");
    let account = match query.account {
        None => None,
        Some(number) => Some(AccountCode::from_number(number).ok_or_else(unknown)?),
    };
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(books::merchants(&auth.state, &auth.grant, account, page).await?, Into::into)))
}

type OfMerchant<T> = Authed<perm::ProviderLedgerRead, T>;

/// The proof of the provider's staff on one of its merchants.
async fn on<T>(auth: &OfMerchant<T>, merchant: TenantId) -> Answer<Grant<perm::ProviderLedgerRead>> {
    Ok(auth.grant.on_merchant(&auth.state.db, merchant).await?)
}

async fn get_merchant_trial_balance(
    auth: OfMerchant<(Path<TenantId>, Query<DaysQuery>)>,
) -> Answer<Json<TrialBalanceView>> {
    let (Path(merchant), Query(query)) = &auth.input;
    let grant = on(&auth, *merchant).await?;
    Ok(Json(trial::trial(&auth.state, &grant, query.days()).await?.into()))
}

async fn get_merchant_trial_balance_file(
    auth: OfMerchant<(Path<TenantId>, Query<DaysFileQuery>)>,
) -> Answer<TableFile> {
    let (Path(merchant), Query(query)) = &auth.input;
    let grant = on(&auth, *merchant).await?;
    let wanted = query.wanted(auth.info.lang)?;
    Ok(TableFile(book_files::trial_balance(&auth.state, &grant, wanted).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct MerchantEntryListQuery {
    /// Only those of a month of the merchant's zone, `2026-11`.
    month: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_merchant_entries(
    auth: OfMerchant<(Path2<TenantId, LedgerAccountId>, Query<MerchantEntryListQuery>)>,
) -> Answer<Json<Page<EntryView>>> {
    let (Path2(merchant, id), Query(query)) = &auth.input;
    let grant = on(&auth, *merchant).await?;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let (_, found) = trial::account_lines(&auth.state, &grant, *id, query.month.as_deref(), page).await?;
    Ok(Json(Page::of(found, |line| EntryView::from(line.entry))))
}

async fn get_merchant_entries_file(
    auth: OfMerchant<(Path2<TenantId, LedgerAccountId>, Query<DaysFileQuery>)>,
) -> Answer<TableFile> {
    let (Path2(merchant, id), Query(query)) = &auth.input;
    let grant = on(&auth, *merchant).await?;
    let wanted = query.wanted(auth.info.lang)?;
    Ok(TableFile(book_files::account(&auth.state, &grant, *id, wanted).await?))
}

async fn get_merchant_journals_file(
    auth: OfMerchant<(Path<TenantId>, Query<DaysFileQuery>)>,
) -> Answer<TableFile> {
    let (Path(merchant), Query(query)) = &auth.input;
    let grant = on(&auth, *merchant).await?;
    let wanted = query.wanted(auth.info.lang)?;
    Ok(TableFile(book_files::journals(&auth.state, &grant, wanted).await?))
}

async fn get_merchant_journal(auth: OfMerchant<Path2<TenantId, JournalId>>) -> Answer<Json<JournalView>> {
    let Path2(merchant, id) = auth.input;
    let grant = on(&auth, merchant).await?;
    Ok(Json(books::journal(&auth.state, &grant, id).await?.into()))
}
