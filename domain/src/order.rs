//! Orders: their states, how a channel's reports are merged into ours, their amounts and their source.
//!
//! Invariant: states form a ladder (awaiting payment → … → completed) with `cancelled` on top, and a
//! merge takes the higher rung and the earlier time. So duplicates, reordered and lost pushes end in the
//! same state whatever came when. Parcels are in [`crate::shipping`], money in the ledger.

use crate::error::ErrorCode;
use crate::ids::ChannelAccountId;
use crate::time::Timestamp;

mod amounts;
pub mod goods;
pub mod number;
pub use amounts::{LineAmounts, OrderAmounts, check_amounts};

words! {
    /// Where an order stands; the order of the words is the ladder.
    pub enum OrderState {
        /// Made, not paid; holds stock.
        AwaitingPayment = "awaiting_payment",
        /// Paid, nothing sent.
        Paid = "paid",
        /// Some of it sent.
        PartShipped = "part_shipped",
        /// All of it sent.
        Shipped = "shipped",
        /// The buyer has it; the after-sale window runs.
        Received = "received",
        /// Done.
        Completed = "completed",
        /// Ended without a sale; by whom stands beside it.
        Cancelled = "cancelled",
    }
}

impl OrderState {
    /// The word in Chinese.
    pub const fn title_zh(self) -> &'static str {
        match self {
            Self::AwaitingPayment => "待付款",
            Self::Paid => "待发货",
            Self::PartShipped => "部分发货",
            Self::Shipped => "待收货",
            Self::Received => "已收货",
            Self::Completed => "已完成",
            Self::Cancelled => "已取消",
        }
    }
    /// Whether more may happen to it.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Completed | Self::Cancelled)
    }
}

words! {
    /// By whom or why an order was cancelled; a later word is more telling and wins a merge.
    pub enum CancelledBy {
        /// The channel does not say.
        Unspecified = "unspecified",
        /// The time to pay ran out.
        Timeout = "timeout",
        /// The buyer.
        Buyer = "buyer",
        /// The merchant.
        Merchant = "merchant",
        /// The merchant had not enough stock.
        Oversold = "oversold",
        /// Every line was refunded.
        Refunded = "refunded",
    }
}

words! {
    /// In which scene of a channel account a sale was made.
    pub enum Scene {
        /// 直播间.
        LiveSession = "live_session",
        /// 短视频.
        ShortVideo = "short_video",
        /// 文章.
        Article = "article",
        /// 橱窗.
        Window = "window",
        /// 商品分享.
        Share = "share",
        /// 搜索.
        Search = "search",
        /// Anything else, or not said.
        Other = "other",
    }
}

words! {
    /// What can happen to an order. The order of the words is how things of one moment follow each other.
    pub enum Happening {
        /// It was made.
        Placed = "placed",
        /// Its amounts do not add up; it is kept all the same.
        AmountsDiffer = "amounts_differ",
        /// Some lines are of products that did not come from us.
        LinesUnknown = "lines_unknown",
        /// The buyer has paid.
        Paid = "paid",
        /// The merchant changed the remark.
        Noted = "noted",
        /// Its price was changed before it was paid.
        Repriced = "repriced",
        /// The buyer asks for it to be sent.
        Urged = "urged",
        /// The buyer wishes another address.
        AddressAsked = "address_asked",
        /// The merchant agreed to the wish or refused it.
        AddressAnswered = "address_answered",
        /// The merchant put another address to it.
        AddressProposed = "address_proposed",
        /// It goes to another address.
        AddressChanged = "address_changed",
        /// Too little was in stock.
        StockShort = "stock_short",
        /// A parcel was put into the queue.
        ShipmentQueued = "shipment_queued",
        /// The channel would not take a parcel.
        ShipmentRefused = "shipment_refused",
        /// The channel took a parcel.
        ShipmentSent = "shipment_sent",
        /// All was sent.
        Shipped = "shipped",
        /// The buyer has it.
        Received = "received",
        /// It is done.
        Completed = "completed",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// The buyer has the money back.
        Refunded = "refunded",
        /// Its money waits for an after-sale case.
        SettlementWaits = "settlement_waits",
        /// Its money became available.
        Settled = "settled",
    }
}

impl Scene {
    /// The word in Chinese.
    pub const fn title_zh(self) -> &'static str {
        match self {
            Self::LiveSession => "直播间",
            Self::ShortVideo => "短视频",
            Self::Article => "公众号文章",
            Self::Window => "橱窗",
            Self::Share => "商品分享",
            Self::Search => "搜索",
            Self::Other => "其他",
        }
    }
}

/// Where an order came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderSource {
    /// Our own storefront.
    Storefront,
    /// A channel account.
    Channel {
        /// The account.
        account: ChannelAccountId,
        /// The scene.
        scene: Scene,
    },
}

/// How far an order is, with the earliest known time of each step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderProgress {
    /// Where it stands.
    pub state: OrderState,
    /// By whom, when cancelled.
    pub cancelled_by: Option<CancelledBy>,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// When the last parcel was sent.
    pub shipped_at: Option<Timestamp>,
    /// When the buyer got it.
    pub received_at: Option<Timestamp>,
    /// When it was done.
    pub completed_at: Option<Timestamp>,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// The channel's raw state of the latest report.
    pub native_state: Option<String>,
    /// The channel's time of the latest report.
    pub reported_at: Option<Timestamp>,
}

/// A channel's state in our words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportedState {
    /// One of ours, not cancelled.
    Known(OrderState),
    /// Cancelled.
    Cancelled(CancelledBy),
    /// A raw value we do not know: ours stays, the raw value is kept.
    Unknown,
}

/// What a channel reports of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderReport {
    /// The state.
    pub state: ReportedState,
    /// The raw state.
    pub native_state: String,
    /// The channel's time of the last change.
    pub updated_at: Timestamp,
    /// When it was paid, if the channel says.
    pub paid_at: Option<Timestamp>,
    /// When all was sent, if the channel says.
    pub shipped_at: Option<Timestamp>,
    /// When receipt was confirmed, if the channel says.
    pub received_at: Option<Timestamp>,
}

/// What is new, once each, in the order of the ladder: the caller moves stock and books money for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEvent {
    /// The buyer has paid.
    Paid,
    /// All was sent.
    Shipped,
    /// The buyer has it.
    Received,
    /// It is done.
    Completed,
    /// It is cancelled.
    Cancelled {
        /// By whom.
        by: CancelledBy,
        /// What must be undone.
        undo: Undo,
    },
}

/// What a cancellation has to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// Nothing was paid: release the hold.
    Hold,
    /// It was paid: the sale and the money.
    Sale,
}

/// Why an order cannot be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The move does not exist in this state.
    #[error("the order is {0}")]
    WrongState(OrderState),
    /// Lines, freight and discount do not make the total.
    #[error("the amounts of the order do not add up")]
    Amounts,
}

impl OrderError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::WrongState(_) => ErrorCode::OrderWrongState,
            Self::Amounts => ErrorCode::OrderAmounts,
        }
    }
}

/// The next progress and what is new.
pub type OrderDecision = (OrderProgress, Vec<OrderEvent>);

impl OrderProgress {
    /// An order that was just made and waits for payment.
    pub const fn start() -> Self {
        Self {
            state: OrderState::AwaitingPayment,
            cancelled_by: None,
            paid_at: None,
            shipped_at: None,
            received_at: None,
            completed_at: None,
            cancelled_at: None,
            native_state: None,
            reported_at: None,
        }
    }

    /// Merges a channel's report. The same report again, or an older one, brings nothing new.
    pub fn merge(&self, report: &OrderReport) -> OrderDecision {
        let mut next = self.clone();
        if self.reported_at.is_none_or(|known| report.updated_at >= known) {
            next.reported_at = Some(report.updated_at);
            next.native_state = Some(report.native_state.clone());
        }
        earliest(&mut next.paid_at, report.paid_at);
        earliest(&mut next.shipped_at, report.shipped_at);
        earliest(&mut next.received_at, report.received_at);
        match report.state {
            ReportedState::Unknown => {}
            ReportedState::Cancelled(by) => {
                next.state = OrderState::Cancelled;
                next.cancelled_by = next.cancelled_by.max(Some(by));
                earliest(&mut next.cancelled_at, Some(report.updated_at));
            }
            ReportedState::Known(OrderState::Cancelled) => {
                next.state = OrderState::Cancelled;
                next.cancelled_by = next.cancelled_by.max(Some(CancelledBy::Unspecified));
                earliest(&mut next.cancelled_at, Some(report.updated_at));
            }
            ReportedState::Known(state) => {
                next.state = next.state.max(state);
                // A step the channel gives no time for was reached by the time of this report.
                if state >= OrderState::Paid && report.paid_at.is_none() {
                    earliest(&mut next.paid_at, Some(report.updated_at));
                }
                if state >= OrderState::Shipped && report.shipped_at.is_none() {
                    earliest(&mut next.shipped_at, Some(report.updated_at));
                }
                if state >= OrderState::Received && report.received_at.is_none() {
                    earliest(&mut next.received_at, Some(report.updated_at));
                }
                if state == OrderState::Completed {
                    earliest(&mut next.completed_at, Some(report.updated_at));
                }
            }
        }
        let events = self.news(&next);
        (next, events)
    }

    /// The storefront's payment came.
    pub fn pay(&self, at: Timestamp) -> Result<OrderDecision, OrderError> {
        self.step(&[OrderState::AwaitingPayment], OrderState::Paid, |next| next.paid_at = Some(at))
    }
    /// Parcels were sent: some of it or all of it.
    pub fn ship(&self, extent: Extent, at: Timestamp) -> Result<OrderDecision, OrderError> {
        let to = match extent {
            Extent::Part => OrderState::PartShipped,
            Extent::All => OrderState::Shipped,
        };
        self.step(&[OrderState::Paid, OrderState::PartShipped], to, |next| {
            if extent == Extent::All {
                next.shipped_at = Some(at);
            }
        })
    }
    /// The buyer has it.
    pub fn receive(&self, at: Timestamp) -> Result<OrderDecision, OrderError> {
        self.step(&[OrderState::Shipped], OrderState::Received, |next| next.received_at = Some(at))
    }
    /// The after-sale window is over.
    pub fn complete(&self, at: Timestamp) -> Result<OrderDecision, OrderError> {
        self.step(&[OrderState::Received], OrderState::Completed, |next| next.completed_at = Some(at))
    }
    /// Ends it before anything was sent. A paid order is not cancelled by time-out.
    pub fn cancel(&self, by: CancelledBy, at: Timestamp) -> Result<OrderDecision, OrderError> {
        let from: &[OrderState] = match by {
            CancelledBy::Timeout => &[OrderState::AwaitingPayment],
            _ => &[OrderState::AwaitingPayment, OrderState::Paid],
        };
        self.step(from, OrderState::Cancelled, |next| {
            next.cancelled_by = Some(by);
            next.cancelled_at = Some(at);
        })
    }

    fn step(
        &self,
        from: &[OrderState],
        to: OrderState,
        note: impl FnOnce(&mut Self),
    ) -> Result<OrderDecision, OrderError> {
        if !from.contains(&self.state) {
            return Err(OrderError::WrongState(self.state));
        }
        let mut next = self.clone();
        next.state = to;
        note(&mut next);
        let events = self.news(&next);
        Ok((next, events))
    }

    fn news(&self, next: &Self) -> Vec<OrderEvent> {
        let mut events = Vec::new();
        let newly = |before: Option<Timestamp>, after: Option<Timestamp>| before.is_none() && after.is_some();
        let paid = newly(self.paid_at, next.paid_at);
        if paid {
            events.push(OrderEvent::Paid);
        }
        if newly(self.shipped_at, next.shipped_at) {
            events.push(OrderEvent::Shipped);
        }
        if newly(self.received_at, next.received_at) {
            events.push(OrderEvent::Received);
        }
        if newly(self.completed_at, next.completed_at) {
            events.push(OrderEvent::Completed);
        }
        if let (OrderState::Cancelled, Some(by)) = (next.state, next.cancelled_by) {
            // A payment learnt of after the cancellation is booked and undone as well.
            if self.state != OrderState::Cancelled || paid {
                let undo = if next.paid_at.is_some() { Undo::Sale } else { Undo::Hold };
                events.push(OrderEvent::Cancelled { by, undo });
            }
        }
        events
    }
}

fn earliest(known: &mut Option<Timestamp>, told: Option<Timestamp>) {
    *known = match (*known, told) {
        (Some(known), Some(told)) => Some(known.min(told)),
        (known, told) => known.or(told),
    };
}

/// How much of an order was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Some of it.
    Part,
    /// All of it.
    All,
}

#[cfg(test)]
mod tests;
