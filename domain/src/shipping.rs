//! Parcels of an order: carrier and waybill, what is left to send, and the rows of a batch file.
//!
//! A parcel names lines and quantities; without any it takes everything that is left. What was refunded
//! before it was sent is not sent any more. Carriers are the channel's own codes: which exist is known
//! to the channel, here only their shape is checked.

use crate::error::ErrorCode;
use crate::ids::OrderLineId;
use crate::order::{Extent, OrderState};
use std::fmt;

pub mod batch;

/// The text cannot be a waybill number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 5 to 40 letters, digits or hyphens")]
pub struct WaybillError;

impl WaybillError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        ErrorCode::WaybillInvalid
    }
}

/// A waybill number 运单号: 5 to 40 of `A–Z a–z 0–9 -`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Waybill(String);

impl Waybill {
    /// Reads a number; blanks at the ends are dropped.
    pub fn parse(text: &str) -> Result<Self, WaybillError> {
        let text = text.trim();
        let good = (5..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && text.bytes().any(|b| b.is_ascii_digit());
        if good { Ok(Self(text.to_owned())) } else { Err(WaybillError) }
    }
    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Waybill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot be a carrier's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 40 letters, digits, hyphens or underscores")]
pub struct CarrierError;

impl CarrierError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        ErrorCode::CarrierInvalid
    }
}

/// A carrier's code, such as `SF`, `ZTO` or `OTHER`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CarrierCode(String);

impl CarrierCode {
    /// Common carriers: code, Chinese name, further names. Files may use any of them.
    pub const COMMON: &'static [(&'static str, &'static str, &'static [&'static str])] = &[
        ("SF", "顺丰速运", &["顺丰", "sf express"]),
        ("ZTO", "中通快递", &["中通"]),
        ("YTO", "圆通速递", &["圆通", "圆通快递"]),
        ("STO", "申通快递", &["申通"]),
        ("YUNDA", "韵达快递", &["韵达", "韵达速递", "yd"]),
        ("JTSD", "极兔速递", &["极兔", "极兔快递"]),
        ("JD", "京东快递", &["京东", "京东物流"]),
        ("EMS", "邮政EMS", &["邮政", "中国邮政"]),
        ("DBKD", "德邦快递", &["德邦"]),
        ("OTHER", "其他快递", &["其他"]),
    ];

    /// Reads a code; common carriers also by name.
    pub fn parse(text: &str) -> Result<Self, CarrierError> {
        let text = text.trim();
        let named = Self::COMMON.iter().find(|(code, name, others)| {
            code.eq_ignore_ascii_case(text)
                || *name == text
                || others.iter().any(|other| other.eq_ignore_ascii_case(text))
        });
        if let Some((code, ..)) = named {
            return Ok(Self((*code).to_owned()));
        }
        let good = (1..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if good { Ok(Self(text.to_owned())) } else { Err(CarrierError) }
    }
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The Chinese name of a common carrier, else the code.
    pub fn title_zh(&self) -> &str {
        Self::COMMON.iter().find(|(code, ..)| *code == self.0).map_or(&self.0, |(_, name, _)| name)
    }
}

impl fmt::Display for CarrierCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A line of an order, as far as sending goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineToShip {
    /// The line.
    pub id: OrderLineId,
    /// Ordered.
    pub quantity: i64,
    /// Sent so far.
    pub shipped: i64,
    /// Refunded before it was sent.
    pub refunded: i64,
}

impl LineToShip {
    /// Left to send.
    pub const fn remaining(self) -> i64 {
        let left = self.quantity.saturating_sub(self.shipped).saturating_sub(self.refunded);
        if left > 0 { left } else { 0 }
    }
}

/// So many of a line in a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParcelLine {
    /// The line.
    pub line: OrderLineId,
    /// Pieces.
    pub quantity: i64,
}

/// A parcel to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Carrier.
    pub carrier: CarrierCode,
    /// Waybill number.
    pub waybill: Waybill,
    /// What is in it; empty = everything that is left.
    pub lines: Vec<ParcelLine>,
}

/// A parcel that may be sent: its lines spelt out, and whether the order is all sent with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipDecision {
    /// The lines of the parcel, never empty.
    pub lines: Vec<ParcelLine>,
    /// For [`crate::order::OrderProgress::ship`].
    pub extent: Extent,
}

/// Why a parcel cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShipError {
    /// The order is not waiting for parcels.
    #[error("the order is {0}")]
    WrongState(OrderState),
    /// The same carrier and waybill were sent for this order before: a repeated command.
    #[error("waybill {0} was sent before")]
    AlreadySent(Waybill),
    /// A line that the order does not have, or one named twice.
    #[error("unknown or repeated order line {0}")]
    UnknownLine(OrderLineId),
    /// Less than 1, or more than is left of the line.
    #[error("{remaining} of {line} left, {wanted} wanted")]
    Quantity {
        /// The line.
        line: OrderLineId,
        /// Left to send.
        remaining: i64,
        /// In the parcel.
        wanted: i64,
    },
    /// Nothing is left.
    #[error("nothing is left to send")]
    NothingLeft,
}

impl ShipError {
    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::WrongState(_) => ErrorCode::OrderWrongState,
            Self::AlreadySent(_) => ErrorCode::WaybillDuplicate,
            Self::UnknownLine(_) | Self::Quantity { .. } | Self::NothingLeft => ErrorCode::ShipmentQuantity,
        }
    }
}

/// Whether a parcel may be sent for an order; `sent` are the carriers and waybills of its earlier parcels.
pub fn decide_ship(
    state: OrderState,
    lines: &[LineToShip],
    sent: &[(CarrierCode, Waybill)],
    parcel: &Parcel,
) -> Result<ShipDecision, ShipError> {
    // First, so that a repeated command is told apart from a late one.
    if sent.iter().any(|(carrier, waybill)| *carrier == parcel.carrier && *waybill == parcel.waybill) {
        return Err(ShipError::AlreadySent(parcel.waybill.clone()));
    }
    if !matches!(state, OrderState::Paid | OrderState::PartShipped) {
        return Err(ShipError::WrongState(state));
    }
    let chosen: Vec<ParcelLine> = if parcel.lines.is_empty() {
        let left = lines.iter().filter(|line| line.remaining() > 0);
        left.map(|line| ParcelLine { line: line.id, quantity: line.remaining() }).collect()
    } else {
        parcel.lines.clone()
    };
    if chosen.is_empty() {
        return Err(ShipError::NothingLeft);
    }
    let mut left: i64 = lines.iter().fold(0, |sum, line| sum.saturating_add(line.remaining()));
    for (index, item) in chosen.iter().enumerate() {
        let repeated = chosen.iter().take(index).any(|earlier| earlier.line == item.line);
        let line = lines.iter().find(|line| line.id == item.line && !repeated);
        let line = line.ok_or(ShipError::UnknownLine(item.line))?;
        if item.quantity < 1 || item.quantity > line.remaining() {
            return Err(ShipError::Quantity {
                line: item.line,
                remaining: line.remaining(),
                wanted: item.quantity,
            });
        }
        left -= item.quantity;
    }
    Ok(ShipDecision { lines: chosen, extent: if left == 0 { Extent::All } else { Extent::Part } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(n: u128) -> OrderLineId {
        OrderLineId(Uuid::from_u128(n))
    }

    /// Lines `quantity/shipped/refunded`, parcel `line×quantity`.
    fn check(state: OrderState, lines: &[(i64, i64, i64)], parcel: &[(u128, i64)], expected: &str) {
        let lines: Vec<_> = lines
            .iter()
            .enumerate()
            .map(|(index, (quantity, shipped, refunded))| LineToShip {
                id: id(index as u128),
                quantity: *quantity,
                shipped: *shipped,
                refunded: *refunded,
            })
            .collect();
        let parcel = Parcel {
            carrier: CarrierCode::parse("顺丰").unwrap(),
            waybill: Waybill::parse("SF1234567890").unwrap(),
            lines: parcel
                .iter()
                .map(|(line, quantity)| ParcelLine { line: id(*line), quantity: *quantity })
                .collect(),
        };
        let got = match decide_ship(state, &lines, &[], &parcel) {
            Ok(decision) => {
                let quantities: Vec<_> = decision.lines.iter().map(|line| line.quantity).collect();
                format!("{:?} {quantities:?}", decision.extent)
            }
            Err(error) => error.code().as_str().to_owned(),
        };
        assert_eq!(got, expected, "{state} {lines:?} {:?}", parcel.lines);
    }

    #[test]
    fn parcels() {
        use OrderState::*;
        check(Paid, &[(2, 0, 0), (1, 0, 0)], &[], "All [2, 1]");
        check(Paid, &[(2, 0, 0), (1, 0, 0)], &[(0, 2)], "Part [2]");
        check(PartShipped, &[(2, 2, 0), (1, 0, 0)], &[], "All [1]");
        check(PartShipped, &[(2, 1, 0), (1, 1, 0)], &[(0, 1)], "All [1]");
        check(Paid, &[(2, 0, 1)], &[], "All [1]");
        check(Paid, &[(2, 0, 1)], &[(0, 2)], "shipment_quantity");
        check(Paid, &[(2, 0, 0)], &[(0, 0)], "shipment_quantity");
        check(Paid, &[(2, 0, 0)], &[(0, -1)], "shipment_quantity");
        check(Paid, &[(2, 0, 0)], &[(0, 1), (0, 1)], "shipment_quantity");
        check(Paid, &[(2, 0, 0)], &[(7, 1)], "shipment_quantity");
        check(PartShipped, &[(2, 2, 0)], &[], "shipment_quantity");
        check(AwaitingPayment, &[(2, 0, 0)], &[], "order_wrong_state");
        check(Cancelled, &[(2, 0, 0)], &[], "order_wrong_state");
    }

    #[test]
    fn a_repeated_command_is_told_as_such() {
        let parcel = Parcel {
            carrier: CarrierCode::parse("SF").unwrap(),
            waybill: Waybill::parse("SF1234567890").unwrap(),
            lines: vec![],
        };
        let sent = [(parcel.carrier.clone(), parcel.waybill.clone())];
        let got = decide_ship(OrderState::Shipped, &[], &sent, &parcel);
        assert_eq!(got, Err(ShipError::AlreadySent(parcel.waybill.clone())));
    }

    #[test]
    fn waybills_and_carriers() {
        for (text, good) in [
            ("SF1234567890", true),
            (" 12345 ", true),
            ("78-123-456", true),
            ("1234", false),
            ("abcdef", false),
            ("7.31E+14", false),
            ("运单123456", false),
            (&"1".repeat(41), false),
        ] {
            assert_eq!(Waybill::parse(text).is_ok(), good, "{text}");
        }
        for (text, expected) in
            [("顺丰", Ok("SF")), ("zto", Ok("ZTO")), ("HTKY", Ok("HTKY")), ("某快递", Err(CarrierError))]
        {
            assert_eq!(
                CarrierCode::parse(text).as_ref().map(CarrierCode::as_str),
                expected.as_ref().copied(),
                "{text}"
            );
        }
    }
}
