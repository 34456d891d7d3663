//! A channel's order in our words. Pure: from the plugin's value to what the domain and the stores take.

use qianpu_domain::money::Fen;
use qianpu_domain::order::{
    CancelledBy, LineAmounts, OrderAmounts, OrderReport, OrderState, ReportedState, Scene, check_amounts,
};
use qianpu_sdk::{self as sdk, ChannelOrder};
use qianpu_tenants::store::order::{OrderFacts, Receiver};
use serde_json::json;

/// The report that `domain::order` merges.
pub fn report(order: &ChannelOrder) -> OrderReport {
    let state = match &order.state {
        sdk::OrderState::AwaitingPayment => ReportedState::Known(OrderState::AwaitingPayment),
        sdk::OrderState::Paid => ReportedState::Known(OrderState::Paid),
        sdk::OrderState::PartShipped => ReportedState::Known(OrderState::PartShipped),
        sdk::OrderState::Shipped => ReportedState::Known(OrderState::Shipped),
        sdk::OrderState::Completed => ReportedState::Known(OrderState::Completed),
        sdk::OrderState::Cancelled(sdk::CancelReason::Unpaid) => {
            ReportedState::Cancelled(CancelledBy::Unspecified)
        }
        sdk::OrderState::Cancelled(sdk::CancelReason::Oversold) => {
            ReportedState::Cancelled(CancelledBy::Oversold)
        }
        sdk::OrderState::Cancelled(sdk::CancelReason::AllRefunded) => {
            ReportedState::Cancelled(CancelledBy::Refunded)
        }
        sdk::OrderState::Unknown(_) => ReportedState::Unknown,
    };
    OrderReport {
        state,
        native_state: order.native_state.clone(),
        updated_at: order.updated_at,
        paid_at: order.paid_at,
        shipped_at: order.shipped_at,
        received_at: order.confirmed_at,
    }
}

/// What may be corrected by newer reports.
pub fn facts(order: &ChannelOrder) -> OrderFacts {
    let attribution = &order.attribution;
    let scene = match &attribution.scene {
        sdk::Scene::Live => Scene::LiveSession,
        sdk::Scene::ShortVideo => Scene::ShortVideo,
        sdk::Scene::Share => Scene::Share,
        sdk::Scene::Window => Scene::Window,
        sdk::Scene::Article => Scene::Article,
        sdk::Scene::Search => Scene::Search,
        sdk::Scene::Other | sdk::Scene::Unknown(_) => Scene::Other,
    };
    let receiver = order.address.as_ref().map_or_else(Receiver::default, receiver);
    OrderFacts {
        scene,
        attribution: json!({
            "native_scene": attribution.native_scene,
            "live_id": attribution.live_id,
            "account": attribution.account.as_ref().map(|account| json!({
                "kind": account.kind,
                "external_id": account.external_id,
                "name": account.name,
                "relation": match &account.relation {
                    sdk::Relation::Linked => "linked",
                    sdk::Relation::Cooperating => "cooperating",
                    sdk::Relation::Alliance => "alliance",
                    sdk::Relation::Unknown(raw) => raw,
                },
            })),
        }),
        buyer_open_id: order.buyer_open_id.clone(),
        buyer_union_id: order.buyer_union_id.clone(),
        receiver,
        buyer_notes: order.buyer_notes.clone().unwrap_or_default(),
        merchant_notes: order.merchant_notes.clone().unwrap_or_default(),
        amounts: amounts(order),
        transaction_id: order.transaction_id.clone(),
    }
}

/// An address in our words.
pub fn receiver(address: &sdk::MaskedAddress) -> Receiver {
    Receiver {
        name: address.name.clone(),
        phone: address.phone.clone(),
        region: [&address.province, &address.city, &address.district]
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        detail: address.detail.clone(),
    }
}

/// The channel's amounts. What the buyer pays is the fact; a discount that would be negative is a surcharge the
/// platform does not name, and [`amounts_add_up`] tells people to look.
fn amounts(order: &ChannelOrder) -> OrderAmounts {
    let floor = |amount: Fen| if amount < Fen::ZERO { Fen::ZERO } else { amount };
    OrderAmounts {
        goods: floor(order.amounts.goods),
        freight: floor(order.amounts.freight),
        discount: floor(order.amounts.discount),
        total: floor(order.amounts.total),
    }
}

/// Whether lines and amounts fit together. An order whose amounts do not is kept all the same.
pub fn amounts_add_up(order: &ChannelOrder) -> bool {
    let lines: Vec<LineAmounts> = order
        .lines
        .iter()
        .map(|line| LineAmounts {
            quantity: line.quantity,
            unit_price: line.unit_price,
            total: line.line_total,
        })
        .collect();
    check_amounts(&lines, amounts(order)).is_ok()
}
