//! Scores of many shops at once, from a CSV file: a row is a day of a shop. A wrong row is told and the others are
//! recorded, each merchant's in a transaction of its own.

use super::{check, put};
use crate::app::channels::raise;
use crate::app::imports::file::{FileFacts, Rows, inspect};
use crate::app::imports::refused;
use crate::error::{Answer, ApiError};
use crate::pages::lang::Lang;
use crate::state::AppState;
use actix_web::web::Bytes;
use qianpu_domain::access::Surface;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::ShopId;
use qianpu_domain::import::{Column, Header, Need, Row};
use qianpu_domain::score::{DayScore, ShopScores, read_mark};
use qianpu_domain::time::Date;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::ProviderTx;
use qianpu_tenants::store::shop::{Shop, shop_find_by_provider, shop_get_by_provider};
use std::collections::BTreeMap;

/// Rows of one file.
const MOST_ROWS: u64 = 1000;

const fn column(key: &'static str, names: &'static [&'static str]) -> Column {
    Column { key, names, need: Need::Required }
}

/// What a file has to have.
pub const COLUMNS: &[Column] = &[
    column("shop", &["店铺", "shop id", "店铺地址"]),
    column("day", &["日期", "date"]),
    column("description", &["描述相符", "商品描述"]),
    column("service", &["服务态度", "卖家服务"]),
    column("logistics", &["物流服务", "物流速度"]),
];

/// What became of a row.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// As a spreadsheet counts: 1 is the header.
    pub row: u64,
    /// The shop, when it was found.
    pub shop: Option<ShopId>,
    /// The day, when it could be read.
    pub day: Option<Date>,
    /// Empty when it was recorded.
    pub errors: Vec<FieldError>,
}

/// A file to fill in.
pub fn template(lang: Lang) -> Answer<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(vec![0xEF, 0xBB, 0xBF]);
    let name = |column: &Column| match lang {
        Lang::Zh => column.names.first().copied().unwrap_or(column.key),
        Lang::En => column.key,
    };
    writer.write_record(COLUMNS.iter().map(name)).map_err(ApiError::internal)?;
    writer.write_record(["shanqian", "2026-03-01", "4.81", "4.76", "4.69"]).map_err(ApiError::internal)?;
    writer.into_inner().map_err(ApiError::internal)
}

struct Found {
    row: u64,
    shop: Shop,
    day: DayScore,
}

/// Records a file; what became of each row, in the order of the file.
pub async fn record_file(
    state: &AppState,
    grant: &Grant<perm::ShopScoreWrite>,
    bytes: Bytes,
) -> Answer<Vec<Outcome>> {
    if grant.ctx().kind() != Surface::Provider {
        return Err(ApiError::not_found());
    }
    let read = tokio::task::spawn_blocking(move || {
        let FileFacts { encoding, .. } = inspect(&bytes, COLUMNS, MOST_ROWS)?;
        let mut rows = Rows::open(bytes.as_ref(), encoding)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next_row()? {
            all.push(row);
        }
        Ok(all)
    });
    let rows = read.await.map_err(ApiError::internal)?.map_err(|refusal| refused(COLUMNS, refusal))?;
    let mut rows = rows.into_iter();
    let (_, names) = rows.next().ok_or_else(|| ApiError::new(ErrorCode::ImportEmpty))?;
    let header = Header::read(COLUMNS, &names).map_err(|error| ApiError::refused(error.code(), error))?;

    let today = raise::day_of(state, state.clock().now())?;
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let mut outcomes = BTreeMap::new();
    let mut by_shop: BTreeMap<ShopId, Vec<Found>> = BTreeMap::new();
    let mut seen: BTreeMap<String, Option<Shop>> = BTreeMap::new();
    for (number, cells) in rows {
        match read_row(&tx, &header, &cells, today, &mut seen).await? {
            Ok((shop, day)) => {
                by_shop.entry(shop.id).or_default().push(Found { row: number, shop, day });
            }
            Err(errors) => {
                outcomes.insert(number, Outcome { row: number, shop: None, day: None, errors });
            }
        }
    }
    drop(tx);
    for (shop, found) in by_shop {
        let Some(tenant) = found.first().map(|one| one.shop.tenant) else { continue };
        let ctx = grant.on_merchant(&state.db, tenant).await?.ctx().clone();
        let days: Vec<DayScore> = found.iter().map(|one| one.day).collect();
        let mut tx = state.db.begin(&ctx).await?;
        put(&mut tx, shop, &days, "file").await?;
        tx.commit().await?;
        for one in found {
            let day = Some(one.day.day);
            outcomes.insert(one.row, Outcome { row: one.row, shop: Some(shop), day, errors: Vec::new() });
        }
    }
    Ok(outcomes.into_values().collect())
}

/// A row as it says; its shop is looked up once.
async fn read_row(
    tx: &ProviderTx,
    header: &Header,
    cells: &[String],
    today: Date,
    seen: &mut BTreeMap<String, Option<Shop>>,
) -> Answer<Result<(Shop, DayScore), Vec<FieldError>>> {
    let mut row = Row::new(header, cells);
    let name = row.need_text("shop").map(str::to_owned);
    let day = row.need_text("day").map(str::to_owned);
    let day: Option<Date> = day.and_then(|text| {
        let day = text.replace('/', "-").parse().ok();
        if day.is_none() {
            row.error("day", "invalid", "expected YYYY-MM-DD", "日期格式应为 YYYY-MM-DD");
        }
        day
    });
    let mut mark = |key: &'static str| {
        let text = row.need_text(key)?;
        let mark = read_mark(text);
        if mark.is_none() {
            let (en, zh) = ("between 1.00 and 5.00", "应在 1.00 到 5.00 之间，最多两位小数");
            row.error(key, "range", en, zh);
        }
        mark
    };
    let (description, service, logistics) = (mark("description"), mark("service"), mark("logistics"));
    let shop = match name {
        None => None,
        Some(name) => {
            if !seen.contains_key(&name) {
                let found = match name.parse::<ShopId>() {
                    Ok(id) => match shop_get_by_provider(tx, id).await {
                        Ok(shop) => Some(shop),
                        Err(qianpu_tenants::error::StoreError::NotFound) => None,
                        Err(error) => return Err(error.into()),
                    },
                    Err(_) => shop_find_by_provider(tx, &name).await?,
                };
                seen.insert(name.clone(), found);
            }
            let shop = seen.get(&name).cloned().flatten();
            if shop.is_none() {
                row.error("shop", "unknown", "no such shop", "没有该店铺，请填写店铺 ID 或地址");
            }
            shop
        }
    };
    let value = match (shop, day, description, service, logistics) {
        (Some(shop), Some(day), Some(description), Some(service), Some(logistics)) => {
            let day = DayScore { day, scores: ShopScores { description, service, logistics } };
            let mut errors = Vec::new();
            check(&day, today, str::to_owned, &mut errors);
            if !errors.is_empty() {
                return Ok(Err(errors));
            }
            Some((shop, day))
        }
        _ => None,
    };
    Ok(row.finish(value))
}
