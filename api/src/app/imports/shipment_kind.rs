//! Parcels from a file: one row per parcel, or one row per SKU of a parcel with the rows of one parcel beside
//! each other. A row that is fine is a parcel in the queue; what the channel says to it stands at the parcel.

use super::kind::{ImportKind, RowReader, Unit, Work};
use crate::app::orders::ship::{Addressed, ShipOrder, addressed, left_of, queue};
use crate::app::orders::{carriers, read};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use async_trait::async_trait;
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ShopId;
use qianpu_domain::import::{Column, Header};
use qianpu_domain::shipping::ParcelLine;
use qianpu_domain::shipping::batch::{COLUMNS, ShipContent, ShipRow, read_row};
use qianpu_sdk::Carrier;
use qianpu_tenants::authz::{Caller, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::import::Import;
use qianpu_tenants::store::order::{Order, order_by_name};
use qianpu_tenants::store::order_event::By;
use qianpu_tenants::store::order_line::{OrderLine, order_line_list};
use qianpu_tenants::store::shipment::{Shipment, ShipmentState, shipment_list_of};
use qianpu_tenants::store::sku::sku_get;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub(super) static SHIPMENTS: Shipments = Shipments;

/// The most SKUs of one parcel.
const MOST_ROWS: usize = 100;

pub(super) struct Shipments;

#[async_trait]
impl ImportKind for Shipments {
    fn name(&self) -> &'static str {
        "shipments"
    }
    fn permission(&self) -> Permission {
        Permission::OrderShip
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }
    fn examples(&self) -> &'static [&'static [&'static str]] {
        &[
            &["Q26112048217730", "顺丰速运", "SF1234567890123", "", ""],
            &["3705115058471208928", "ZTO", "731000000000001", "TEA-01-A", "2"],
        ]
    }
    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    async fn accept(
        &self,
        _: &AppState,
        caller: &Caller,
        options: &BTreeMap<String, String>,
    ) -> Answer<Value> {
        if let Some(unknown) = options.keys().next() {
            let (en, zh) = ("shipments take no options", "批量发货没有其他选项");
            return Err(FieldError::new(unknown.clone(), "unknown", en, zh).into());
        }
        let grant = caller.grant::<perm::OrderShip>()?;
        let shops = grant.shops().map(|shops| shops.iter().map(ToString::to_string).collect::<Vec<_>>());
        Ok(json!({ "shops": shops, "by": caller.name() }))
    }

    async fn open(
        &self,
        state: &AppState,
        ctx: &TenantCtx,
        import: &Import,
        header: Header,
    ) -> Answer<Box<dyn RowReader>> {
        let accounts = read::account_names(&*state.db.read(ctx).await?).await?;
        let mut lists: HashMap<String, Arc<[Carrier]>> = HashMap::new();
        for (id, _, channel) in accounts {
            if let std::collections::hash_map::Entry::Vacant(missing) = lists.entry(channel) {
                missing.insert(carriers::of(state, ctx, Some(id)).await);
            }
        }
        let text = |value: &Value| value.as_str().and_then(|text| text.parse::<ShopId>().ok());
        let shops = import.options.get("shops").and_then(Value::as_array);
        let desk = Desk {
            shops: shops.map(|shops| shops.iter().filter_map(text).collect()),
            by: import.options.get("by").and_then(Value::as_str).unwrap_or_default().to_owned(),
            common: carriers::of(state, ctx, None).await,
            lists,
        };
        Ok(Box::new(ShipmentReader { header, desk: Arc::new(desk), open: Vec::new() }))
    }
}

/// Who ships, and with which carriers.
struct Desk {
    /// `None` = every shop.
    shops: Option<Vec<ShopId>>,
    by: String,
    common: Arc<[Carrier]>,
    /// By channel.
    lists: HashMap<String, Arc<[Carrier]>>,
}

impl Desk {
    fn carriers_of(&self, order: &Order) -> &[Carrier] {
        order.channel.as_ref().and_then(|channel| self.lists.get(channel)).unwrap_or(&self.common)
    }
}

struct ShipmentReader {
    header: Header,
    desk: Arc<Desk>,
    /// Rows of the parcel that is not complete yet.
    open: Vec<(u64, ShipRow)>,
}

impl RowReader for ShipmentReader {
    fn push(&mut self, number: u64, cells: &[String]) -> Vec<Unit> {
        let row = match read_row(&self.header, cells) {
            Ok(row) => row,
            Err(errors) => {
                let mut units = self.finish();
                units.push(Unit::Refused(vec![(number, errors)]));
                return units;
            }
        };
        let same = |(_, open): &(u64, ShipRow)| {
            open.order_number == row.order_number
                && open.waybill == row.waybill
                && matches!(open.content, ShipContent::Sku { .. })
                && matches!(row.content, ShipContent::Sku { .. })
        };
        let goes_on = self.open.len() < MOST_ROWS && self.open.last().is_some_and(same);
        let units = if goes_on { Vec::new() } else { self.finish() };
        self.open.push((number, row));
        units
    }

    fn finish(&mut self) -> Vec<Unit> {
        let rows = std::mem::take(&mut self.open);
        if rows.is_empty() {
            return Vec::new();
        }
        let numbers = rows.iter().map(|(number, _)| *number).collect();
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        vec![Unit::Ready { rows: numbers, work: Box::new(SendParcel { desk: Arc::clone(&self.desk), rows }) }]
    }
}

/// One parcel.
struct SendParcel {
    desk: Arc<Desk>,
    /// At least one; of one order and waybill.
    rows: Vec<ShipRow>,
}

#[async_trait]
impl Work for SendParcel {
    async fn apply(&self, tx: &mut TenantTx) -> Answer<String> {
        let first = self.rows.first().ok_or_else(|| ApiError::internal("a parcel without rows"))?;
        let order = self.order(tx, &first.order_number).await?;
        let lines = order_line_list(tx, order.id).await?;
        let shipments = shipment_list_of(tx, order.id).await?;
        let standing: Vec<&Shipment> =
            shipments.iter().filter(|shipment| shipment.state != ShipmentState::Refused).collect();
        let mut contents = Vec::new();
        for row in &self.rows {
            if let ShipContent::Sku { code, quantity } = &row.content {
                contents.extend(pieces(tx, &lines, &standing, code, *quantity).await?);
            }
        }
        let command =
            ShipOrder { carrier: first.carrier.clone(), waybill: first.waybill.to_string(), lines: contents };
        let parcel: Addressed = addressed(self.desk.carriers_of(&order), command)?;
        let shipment = queue(tx, &order, &parcel, By::Person(&self.desk.by)).await?;
        Ok(shipment.id.to_string())
    }
}

impl SendParcel {
    async fn order(&self, tx: &TenantTx, name: &str) -> Answer<Order> {
        let mut found = order_by_name(tx, name).await?;
        found.retain(|order| self.desk.shops.as_ref().is_none_or(|shops| shops.contains(&order.shop)));
        match (found.pop(), found.is_empty()) {
            (Some(order), true) => Ok(order),
            (Some(_), false) => {
                let (en, zh) =
                    ("several orders have this number; use ours", "有多个订单使用该编号，请填写本系统订单号");
                Err(FieldError::new("order_number", "ambiguous", en, zh).into())
            }
            (None, _) => {
                Err(FieldError::new("order_number", "unknown", "no such order", "订单不存在").into())
            }
        }
    }
}

/// So many of a SKU, over the lines that have it; without a quantity all that is left.
async fn pieces(
    tx: &TenantTx,
    lines: &[OrderLine],
    standing: &[&Shipment],
    code: &str,
    quantity: Option<i64>,
) -> Answer<Vec<ParcelLine>> {
    let mut wanted = quantity;
    let mut found = Vec::new();
    let mut known = false;
    for line in lines {
        let Some(sku) = line.sku else { continue };
        if sku_get(tx, sku).await?.code.as_deref() != Some(code) {
            continue;
        }
        known = true;
        let left = left_of(line, standing).remaining();
        let taken = wanted.map_or(left, |wanted| wanted.min(left));
        if taken > 0 {
            found.push(ParcelLine { line: line.id, quantity: taken });
            wanted = wanted.map(|wanted| wanted - taken);
        }
    }
    if !known {
        let (en, zh) = ("the order has no such SKU", "订单中没有该SKU");
        return Err(FieldError::new("sku_code", "unknown", en, zh).into());
    }
    if found.is_empty() || wanted.is_some_and(|wanted| wanted > 0) {
        let (en, zh) = ("more than is left to send", "超过待发数量");
        return Err(FieldError::new("quantity", "shipment_quantity", en, zh).into());
    }
    Ok(found)
}
