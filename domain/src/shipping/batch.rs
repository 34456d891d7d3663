//! Batch shipping 批量发货: one row of a file is one parcel, or one SKU of a parcel.

use super::Waybill;
use crate::error::FieldError;
use crate::import::{Column, Header, Need, Row};

/// The columns of the file.
pub const COLUMNS: &[Column] = &[
    Column {
        key: "order_number",
        names: &["订单号", "订单编号", "order", "order id", "order no"],
        need: Need::Required,
    },
    Column {
        key: "carrier",
        names: &["快递公司", "物流公司", "承运商", "carrier code"],
        need: Need::Required,
    },
    Column {
        key: "waybill",
        names: &["运单号", "快递单号", "物流单号", "tracking number", "waybill no"],
        need: Need::Required,
    },
    Column { key: "sku_code", names: &["SKU编码", "规格编码", "sku"], need: Need::Optional },
    Column { key: "quantity", names: &["数量", "发货数量", "qty"], need: Need::Optional },
];

/// What a row asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipRow {
    /// Our id of the order or the channel's, as typed.
    pub order_number: String,
    /// Code or name of the carrier, as typed: which there are is known to the order's channel.
    pub carrier: String,
    /// Waybill number.
    pub waybill: Waybill,
    /// What to send.
    pub content: ShipContent,
}

/// What a row sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShipContent {
    /// Everything that is left.
    Everything,
    /// Some of one SKU; without a quantity all that is left of it.
    Sku {
        /// The merchant's code.
        code: String,
        /// Pieces.
        quantity: Option<i64>,
    },
}

/// Reads a row.
pub fn read_row<S: AsRef<str>>(header: &Header, cells: &[S]) -> Result<ShipRow, Vec<FieldError>> {
    let mut row = Row::new(header, cells);
    // Spreadsheets show long numbers as text only behind an apostrophe, and people copy it along.
    let order_number = row.need_text("order_number").map(|text| text.trim_start_matches('\'').to_owned());
    if order_number.as_ref().is_some_and(|text| !is_order_number(text)) {
        row.error(
            "order_number",
            "order_number",
            "expected an order number; format the column as text",
            "订单号格式不正确，请将该列设为文本格式",
        );
    }
    let carrier = row.need_text("carrier").map(|text| text.trim_start_matches('\'').to_owned());
    let waybill =
        row.need_text("waybill").and_then(|text| match Waybill::parse(text.trim_start_matches('\'')) {
            Ok(waybill) => Some(waybill),
            Err(_) => {
                row.error(
                    "waybill",
                    "waybill_invalid",
                    "expected 5 to 40 letters, digits or hyphens; format the column as text",
                    "运单号需为5至40位字母、数字或连字符，请将该列设为文本格式",
                );
                None
            }
        });
    let code = row.text("sku_code").map(str::to_owned);
    let quantity = row.count("quantity").flatten();
    if quantity.is_some_and(|quantity| !(1..=1_000_000).contains(&quantity)) {
        row.error("quantity", "range", "expected at least 1", "数量至少为1");
    }
    let content = match (code, quantity) {
        (Some(code), quantity) => ShipContent::Sku { code, quantity },
        (None, Some(_)) => {
            row.error("sku_code", "required", "a quantity needs its SKU code", "填写数量时需填写SKU编码");
            ShipContent::Everything
        }
        (None, None) => ShipContent::Everything,
    };
    let value = order_number.zip(carrier).zip(waybill).map(|((order_number, carrier), waybill)| ShipRow {
        order_number,
        carrier,
        waybill,
        content,
    });
    row.finish(value)
}

fn is_order_number(text: &str) -> bool {
    (4..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let header = Header::read(COLUMNS, &["订单号", "快递公司", "运单号", "SKU编码", "数量"]).unwrap();
        let cells: Vec<_> = line.split('|').collect();
        let got = match read_row(&header, &cells) {
            Ok(row) => format!("{} {} {} {:?}", row.order_number, row.carrier, row.waybill, row.content),
            Err(errors) => {
                errors.iter().map(|e| format!("{} {}", e.path, e.code)).collect::<Vec<_>>().join(", ")
            }
        };
        assert_eq!(got, expected, "{line}");
    }

    #[test]
    fn rows() {
        check(
            "3704612354559743232|顺丰速运|SF1234567890",
            "3704612354559743232 顺丰速运 SF1234567890 Everything",
        );
        check(
            "'3704612354559743232|sf|'731000000000001||",
            "3704612354559743232 sf 731000000000001 Everything",
        );
        check(
            "3704612354559743232|ZTO|731000000000001|TEA-1|2",
            "3704612354559743232 ZTO 731000000000001 Sku { code: \"TEA-1\", quantity: Some(2) }",
        );
        check("3.70E+18|顺丰|7.31E+14", "order_number order_number, waybill waybill_invalid");
        check("||", "order_number required, carrier required, waybill required");
        check("3704612354559743232|某某快递|12345", "3704612354559743232 某某快递 12345 Everything");
        check("3704612354559743232|SF|12345||2", "sku_code required");
        check("3704612354559743232|SF|12345|A|0", "quantity range");
        check("3704612354559743232|SF|12345|A|x", "quantity number");
        check("=1+1|SF|12345", "order_number formula");
        check("3704612354559743232|SF|-12345", "waybill formula");
    }

    #[test]
    fn english_headers() {
        assert!(Header::read(COLUMNS, &["Order No", "Carrier", "Tracking Number"]).is_ok());
        assert!(Header::read(COLUMNS, &["Order No", "Tracking Number"]).is_err());
    }
}
