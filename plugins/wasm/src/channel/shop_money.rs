//! Operations of a shop's furniture and money.

use super::{WasmChannel, op, plain};
use qianpu_sdk::{
    Answer, Balance, CodePicture, CodeStanding, Context, FlowQuery, FreightTemplate, Funds, FundsFlow, Page,
    ShopAddress, ShopDesk, TimeWindow, Turn, WantedWithdrawal, Withdrawal, WithdrawalAsked,
};
use serde_json::json;

impl ShopDesk for WasmChannel {
    operations! {
        freight_templates, resume_freight_templates() -> Vec<FreightTemplate> = op::FREIGHT_LIST, json!({}), plain;
        save_freight_template, resume_save_freight_template(template: &FreightTemplate) -> String =
            op::FREIGHT_SAVE, json!(template), plain;
        addresses, resume_addresses() -> Vec<ShopAddress> = op::SHOP_ADDRESS_LIST, json!({}), plain;
        save_address, resume_save_address(address: &ShopAddress) -> String =
            op::SHOP_ADDRESS_SAVE, json!(address), plain;
        remove_address, resume_remove_address(address_id: &str) -> () =
            op::SHOP_ADDRESS_REMOVE, json!({ "address_id": address_id }), plain;
    }
}

impl Funds for WasmChannel {
    operations! {
        balance, resume_balance() -> Balance = op::FUNDS_BALANCE, json!({}), plain;
        flows, resume_flows(wanted: &FlowQuery) -> Page<FundsFlow> = op::FUNDS_FLOWS, json!(wanted), plain;
        withdrawals, resume_withdrawals(window: TimeWindow, cursor: Option<&str>) -> Page<Withdrawal> =
            op::WITHDRAWAL_LIST, json!({ "window": window, "cursor": cursor }), plain;
        withdrawal, resume_withdrawal(withdrawal_id: &str) -> Withdrawal =
            op::WITHDRAWAL_FETCH, json!({ "withdrawal_id": withdrawal_id }), plain;
        withdraw, resume_withdraw(wanted: &WantedWithdrawal) -> WithdrawalAsked =
            op::WITHDRAWAL_ASK, json!(wanted), plain;
        code, resume_code(ticket: &str) -> CodePicture = op::WITHDRAWAL_CODE, json!({ "ticket": ticket }), plain;
        code_standing, resume_code_standing(ticket: &str) -> CodeStanding =
            op::WITHDRAWAL_CODE_STANDING, json!({ "ticket": ticket }), plain;
    }
}
