//! The demo's money: plans, subscriptions, a paid and an open invoice, deposits.

use super::client::{Client, items, text};
use super::seed::{Merchant, fen};
use crate::app::money::{BANK, findings, post};
use crate::auth::token;
use crate::state::AppState;
use anyhow::{Context, anyhow, bail};
use qianpu_domain::ids::RequestId;
use qianpu_domain::ledger::flows::{ReceivedAt, receipt_unmatched};
use qianpu_domain::money::Fen;
use qianpu_domain::policy::PLAN_PER_SECOND;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::authz::perm;
use qianpu_tenants::resolve;
use serde_json::{Value, json};

/// Three plans; the first merchant takes the largest one, the second the smallest one. Before anybody orders, so
/// that the orders carry the take rate.
pub async fn subscribe(owner: &Client, shops: &[Merchant]) -> anyhow::Result<()> {
    let [enterprise, individual, _] = shops else { bail!("three merchants are expected") };
    let sms = json!({
        "metric": "sms", "name_zh": "短信", "name_en": "SMS", "model": "per_unit", "free": 100,
        "price_per_million": fen(4_500_000),
    });
    let tier = |up_to: Option<i64>, price: i64| json!({"up_to": up_to, "price_per_million": fen(price), "fee": fen(0)});
    let orders = json!({
        "metric": "orders", "name_zh": "订单处理", "name_en": "Orders", "model": "graduated",
        "tiers": [tier(Some(3), 0), tier(Some(1_000), 20_000_000), tier(None, 10_000_000)],
    });
    for (merchant, code, names, fee, interval, rank, take_rate, per_second, charges) in [
        (Some(enterprise), "pro", ("旗舰版", "Pro"), 59_900, "month", 2, 10_000, 1_000, json!([sms, orders])),
        (Some(individual), "standard", ("标准版", "Standard"), 19_900, "month", 1, 20_000, 500, json!([sms])),
        (
            None,
            "standard-year",
            ("标准版（年付）", "Standard, yearly"),
            199_000,
            "year",
            1,
            20_000,
            500,
            json!([sms]),
        ),
    ] {
        let limits = json!([
            {"name": PLAN_PER_SECOND, "limit": per_second},
            {"name": "shops", "limit": 3},
            {"name": "staff", "limit": 20},
            {"name": "linked_accounts", "limit": 10},
            {"name": "products", "limit": 2_000},
        ]);
        let terms = json!({
            "fee": fen(fee), "interval": interval, "tax_ppm": 60_000, "take_rate_ppm": take_rate, "limits": limits,
            "charges": charges,
        });
        let body = json!({
            "code": code, "name_zh": names.0, "name_en": names.1, "rank": rank, "terms": terms,
        });
        let plan = owner.post("/api/v1/plans", &body).await?;
        let Some(merchant) = merchant else { continue };
        let shop = merchant.client.get(&format!("/api/v1/shops/{}", merchant.shop)).await?;
        let subscription = json!({"merchant_id": text(&shop, "merchant_id")?, "plan_id": text(&plan, "id")?});
        owner.post("/api/v1/subscriptions", &subscription).await?;
    }
    Ok(())
}

/// Merchants' owners may change their plans; the second merchant's will pay by the year from its next period on.
pub async fn change_plan(owner: &Client, shops: &[Merchant]) -> anyhow::Result<()> {
    let [_, individual, _] = shops else { bail!("three merchants are expected") };
    let rules =
        json!({"interval_now": "0", "up_now": "1", "same_now": "0", "down_now": "0", "self_service": "1"});
    owner.post("/api/v1/policies", &json!({"kind": "plan_change", "params": rules})).await?;
    let plans = owner.get("/api/v1/plans").await?;
    let year =
        items(&plans).iter().find(|plan| plan["code"] == "standard-year").context("the yearly plan")?;
    let subscriptions = individual.client.get("/api/v1/subscriptions").await?;
    let runs = items(&subscriptions).iter().find(|row| row["state"] == "active").context("a plan")?;
    let path = format!("/api/v1/subscriptions/{}/plan_change", text(runs, "id")?);
    individual.client.post(&path, &json!({"plan_id": text(year, "id")?})).await?;
    Ok(())
}

/// The provider waits for nothing before it settles the first merchant's orders, so that available money and the
/// provider's share can be seen; the others keep the platform's window.
pub async fn settle_at_once(owner: &Client, shops: &[Merchant]) -> anyhow::Result<()> {
    let [enterprise, ..] = shops else { bail!("three merchants are expected") };
    let shop = enterprise.client.get(&format!("/api/v1/shops/{}", enterprise.shop)).await?;
    let rule = json!({
        "kind": "after_sale_window", "params": {"days": "0"}, "merchant_id": text(&shop, "merchant_id")?,
    });
    owner.post("/api/v1/policies", &rule).await?;
    Ok(())
}

/// Rules that begin within a month, so that the calendar has changes ahead: unpaid orders will hold stock for longer, and
/// no more public accounts are linked, of which their merchants are told.
pub async fn rule_ahead(state: &AppState, owner: &Client) -> anyhow::Result<()> {
    let from = state.clock().now().plus(Span::days(30)).to_string();
    let rule = json!({"kind": "stock_hold", "params": {"minutes": "30"}, "effective_from": from});
    owner.post("/api/v1/policies", &rule).await?;
    let from = state.clock().now().plus(Span::days(25)).to_string();
    let kinds =
        json!({"kind": "channel_phase", "params": {"official_account": "closed"}, "effective_from": from});
    owner.post("/api/v1/policies", &kinds).await?;
    Ok(())
}

/// The first merchant pays its invoice and its deposit by bank transfer, and the provider confirms both. The
/// second one has declared its deposit, which waits for the provider; its invoice was confirmed by mistake, and is owed
/// again.
pub async fn pay(finance: &Client, shops: &[Merchant]) -> anyhow::Result<()> {
    let [enterprise, individual, _] = shops else { bail!("three merchants are expected") };
    let bill = declare_bill(enterprise, "ICBC-20261121-0001").await?;
    confirm(finance, &bill).await?;
    let mistaken = declare_bill(individual, "CMB-20261121-0006").await?;
    confirm(finance, &mistaken).await?;
    let why = json!({"reason": "流水金额属于另一商家，本笔未到账"});
    finance.post(&format!("/api/v1/receipts/{}/reverse", text(&mistaken, "id")?), &why).await?;

    for (merchant, reference, confirmed) in
        [(enterprise, "ICBC-20261121-0002", true), (individual, "CMB-20261121-0007", false)]
    {
        let deposits = merchant.client.get("/api/v1/deposits").await?;
        let deposit = items(&deposits).first().context("no deposit is asked for")?;
        let body = json!({"deposit_id": text(deposit, "id")?, "amount": deposit["due"], "bank_reference": reference});
        let receipt = merchant.client.post("/api/v1/receipts", &body).await?;
        if confirmed {
            confirm(finance, &receipt).await?;
        }
    }
    Ok(())
}

/// Two cases against the first merchant's deposit, which it topped up by more than both of them freeze: an appeal waits
/// in one, the other was decided and partly deducted.
pub async fn cases(finance: &Client, shops: &[Merchant]) -> anyhow::Result<()> {
    let [enterprise, ..] = shops else { bail!("three merchants are expected") };
    let deposits = enterprise.client.get("/api/v1/deposits").await?;
    let deposit = text(items(&deposits).first().context("no deposit is asked for")?, "id")?;
    let more = json!({"deposit_id": deposit, "amount": fen(80_000), "bank_reference": "ICBC-20261121-0012"});
    let receipt = enterprise.client.post("/api/v1/receipts", &more).await?;
    confirm(finance, &receipt).await?;
    for (violation, facts, amount, appeal, upheld) in [
        (
            "late_shipment",
            "11 月促销期间 12 笔订单超过承诺时间发货，买家集中投诉。",
            20_000,
            "暴雨导致揽收中断，已逐单联系买家并补偿优惠券，申请从轻处理。",
            true,
        ),
        (
            "not_as_described",
            "商品页写明“明前采摘”，抽检批次为五月采摘。",
            30_000,
            "该批次为包装贴错标签，检测报告随后补充。",
            false,
        ),
    ] {
        let body = json!({
            "deposit_id": deposit, "violation": violation, "facts": facts, "amount": fen(amount),
        });
        let case = finance.post("/api/v1/deposit_cases", &body).await?;
        let at = format!("/api/v1/deposit_cases/{}", text(&case, "id")?);
        let words = json!({"version": 1, "words": appeal});
        enterprise.client.post(&format!("{at}/appeal"), &words).await?;
        if upheld {
            let verdict =
                json!({"version": 2, "verdict": "upheld", "reasons": "发货超时属实，考虑天气因素从轻。"});
            finance.post(&format!("{at}/decide"), &verdict).await?;
            let penalty = json!({
                "version": 3, "deducted_for": "provider", "amount": fen(12_000), "reason": "12 笔延迟发货，每笔 10 元",
            });
            finance.post(&format!("{at}/deduct"), &penalty).await?;
        }
    }
    Ok(())
}

/// What the provider's text messages came to: one report of each merchant on a plan, and one for the first that came too
/// late to count.
pub async fn report_usage(state: &AppState, owner: &Client, shops: &[Merchant]) -> anyhow::Result<()> {
    let [enterprise, individual, _] = shops else { bail!("three merchants are expected") };
    let now = state.clock().now();
    let event = |id: &str, quantity: i64, at: Timestamp| json!({"metric": "sms", "event_id": id, "quantity": quantity, "occurred_at": at.to_string()});
    let old = event("sms-2026-08", 260, now.minus(Span::days(90)));
    for (merchant, events) in [
        (enterprise, json!([event("sms-20261121-1", 1_180, now), event("sms-20261121-2", 165, now), old])),
        (individual, json!([event("sms-20261121-3", 72, now)])),
    ] {
        let shop = merchant.client.get(&format!("/api/v1/shops/{}", merchant.shop)).await?;
        let path = format!("/api/v1/merchants/{}/usage_events", text(&shop, "merchant_id")?);
        owner.post(&path, &json!({"events": events})).await?;
    }
    Ok(())
}

/// Declares a transfer for the merchant's open invoice.
async fn declare_bill(merchant: &Merchant, reference: &str) -> anyhow::Result<Value> {
    let issued = |list: &Value| items(list).iter().any(|invoice| invoice["state"] == "issued");
    let invoices =
        merchant.client.wait("/api/v1/invoices", 30, issued).await.context("no invoice was issued")?;
    let invoice =
        items(&invoices).iter().find(|invoice| invoice["state"] == "issued").context("no invoice")?;
    let bill = json!({
        "invoice_id": text(invoice, "id")?, "amount": invoice["due"], "bank_reference": reference,
    });
    merchant.client.post("/api/v1/receipts", &bill).await
}

async fn confirm(finance: &Client, receipt: &Value) -> anyhow::Result<()> {
    finance.post(&format!("/api/v1/receipts/{}/confirm", text(receipt, "id")?), &json!({})).await?;
    Ok(())
}

/// Transfers of two merchants arrived that nobody can place yet; the look at the books finds them, and somebody looks after
/// the first one.
pub async fn unplaced(state: &AppState, finance: &Client, shops: &[Merchant]) -> anyhow::Result<()> {
    let [enterprise, individual, _] = shops else { bail!("three merchants are expected") };
    let claims =
        token::read(&state.keys, finance.token().context("finance is logged in")?, state.clock().now());
    let claims = claims.context("the token of finance")?;
    let request = RequestId(state.new_id());
    let caller = resolve::by_token(&state.db, claims.tenant, claims.session, request).await?;
    let caller = caller.context("finance is known")?;
    let grant = caller.grant::<perm::ProviderMoneyMove>()?;
    for (merchant, reference, amount) in
        [(enterprise, "ICBC-20261121-0088", 88_800), (individual, "CMB-20261121-0019", 12_000)]
    {
        let shop = merchant.client.get(&format!("/api/v1/shops/{}", merchant.shop)).await?;
        let of = text(&shop, "merchant_id")?.parse().context("a merchant's id")?;
        let grant = grant.on_merchant(&state.db, of).await?;
        let mut tx = state.db.begin(grant.ctx()).await?;
        let into = ReceivedAt::Bank(BANK.to_owned());
        let journal = receipt_unmatched(reference, &into, Fen::new(amount), tx.now())?;
        post(&mut tx, &journal).await?;
        tx.commit().await?;
        findings::note(state, grant.ctx(), &[]).await.map_err(|error| anyhow!("{error:?}"))?;
    }
    let found = finance.get("/api/v1/ledger/findings?state=open").await?;
    let first = items(&found).last().context("a finding")?;
    let body = json!({"note": "已请商家提供付款凭证"});
    finance.post(&format!("/api/v1/ledger/findings/{}/take", text(first, "id")?), &body).await?;
    Ok(())
}
