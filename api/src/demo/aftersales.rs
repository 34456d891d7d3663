//! The demo's after-sale cases: at the WeChat shop one waits for the merchant, one for the buyer's parcel, and one was
//! refused and is disputed, where the platform waits for the merchant's proof; at the Douyin shop one waits, one was
//! refused and one was refunded. One buyer of the WeChat shop claims that goods came damaged.

use super::client::{Client, items, text};
use super::seed::Merchant;
use anyhow::Context;
use serde_json::{Value, json};

/// What a buyer asks for, and what the merchant makes of it.
struct Wish {
    /// Of which of the orders in this state, oldest first.
    order: (&'static str, usize),
    body: Value,
    answer: Answer,
}

enum Answer {
    None,
    Accept,
    Refuse(&'static str),
    /// Refused; then the buyer calls the platform's people, and they ask the merchant for proof.
    Dispute(&'static str),
}

/// Buyers of both shops ask; some are answered.
pub async fn ask(sandbox: &Client, merchant: &Merchant) -> anyhow::Result<()> {
    let store = [
        Wish {
            order: ("paid", 0),
            body: json!({"type": "REFUND", "reason": "拍错了"}),
            answer: Answer::None,
        },
        Wish {
            order: ("shipped", 0),
            body: json!({"type": "RETURN", "reason": "与描述不符"}),
            answer: Answer::Accept,
        },
        Wish {
            order: ("completed", 0),
            body: json!({"type": "REFUND", "reason": "质量问题"}),
            answer: Answer::Dispute("出厂前逐件检验，未发现质量问题"),
        },
    ];
    work(sandbox, merchant, "wechat-store", ("orders", "aftersale", "after_sale_order_id"), store).await?;
    claim(sandbox, merchant).await.context("a guarantee claim")?;
    let shop = [
        Wish {
            order: ("shipped", 0),
            body: json!({"kind": "return", "reason": "大小/尺寸不合适", "remark": "比想象中小一圈"}),
            answer: Answer::None,
        },
        Wish {
            order: ("paid", 0),
            body: json!({"kind": "refund", "count": 1, "reason": "多拍/拍错/不想要"}),
            answer: Answer::Accept,
        },
        Wish {
            order: ("paid", 1),
            body: json!({"kind": "refund", "reason": "多拍/拍错/不想要"}),
            answer: Answer::Refuse("已经打包，今天发出"),
        },
    ];
    work(sandbox, merchant, "douyin", ("douyin/orders", "aftersales", "aftersale_id"), shop).await
}

/// The buyer of the newest order that arrived claims that the goods are damaged; the merchant has not answered.
async fn claim(sandbox: &Client, merchant: &Merchant) -> anyhow::Result<()> {
    let client = &merchant.client;
    let list = client.get("/api/v1/orders?source=wechat-store&limit=50").await?;
    let there = |order: &&Value| order["state"] == "completed" || order["state"] == "shipped";
    let order = items(&list).iter().find(there).context("no order that was sent")?;
    let body = json!({"type": 2, "bad_level": 50, "content": "盖子边缘磕了一个口子，杯身完好"});
    let path = format!("/sandbox/api/orders/{}/guarantee", text(order, "external_id")?);
    sandbox.post(&path, &body).await?;
    let account = text(&order["source"], "channel_account_id")?;
    let pushes = format!("/api/v1/channel_accounts/{account}/pushes?waiting=true");
    let told = |list: &Value| items(list).iter().any(|push| push["kind"] == "guarantee.changed");
    client.wait(&pushes, 60, told).await?;
    Ok(())
}

async fn work<const N: usize>(
    sandbox: &Client,
    merchant: &Merchant,
    source: &str,
    (orders, action, id): (&str, &str, &str),
    wishes: [Wish; N],
) -> anyhow::Result<()> {
    let client = &merchant.client;
    let list = client.get(&format!("/api/v1/orders?source={source}&limit=50")).await?;
    for wish in wishes {
        let (state, nth) = wish.order;
        let order = items(&list).iter().rev().filter(|order| order["state"] == state).nth(nth);
        let order = text(order.with_context(|| format!("no {state} order at {source}"))?, "external_id")?;
        let asked = sandbox.post(&format!("/sandbox/api/{orders}/{order}/{action}"), &wish.body).await?;
        let found = format!("/api/v1/aftersales?q={}", text(&asked, id)?);
        let arrived = |list: &Value| !items(list).is_empty();
        let cases = client.wait(&found, 60, arrived).await.context("a case did not arrive")?;
        let case = items(&cases).first().context("a case")?;
        let words = wish.answer;
        if let Answer::Dispute(refusal) = words {
            answer(client, case, Answer::Refuse(refusal)).await?;
            dispute(sandbox, client, case, text(&asked, id)?).await?;
        } else {
            answer(client, case, words).await?;
        }
    }
    Ok(())
}

async fn dispute(sandbox: &Client, client: &Client, case: &Value, id: &str) -> anyhow::Result<()> {
    let path = format!("/api/v1/aftersales/{}", text(case, "id")?);
    for (action, step) in [
        ("complain", "merchant_handles"),
        ("take_up", "platform_handles"),
        ("buyer_message", "platform_handles"),
        ("ask_merchant", "merchant_proof_wanted"),
    ] {
        sandbox.post(&format!("/sandbox/api/aftersales/{id}/{action}"), &json!({})).await?;
        let there = |case: &Value| case["dispute"]["step"] == step;
        client.wait(&path, 60, there).await.with_context(|| format!("the dispute is not at {step}"))?;
    }
    Ok(())
}

async fn answer(client: &Client, case: &Value, answer: Answer) -> anyhow::Result<()> {
    let path = format!("/api/v1/aftersales/{}", text(case, "id")?);
    let choices = format!("{path}/choices");
    match answer {
        Answer::None | Answer::Dispute(_) => return Ok(()),
        Answer::Accept if case["kind"] == "refund_only" => {
            client.post(&format!("{path}/accept"), &json!({})).await?;
        }
        Answer::Accept => {
            let address = client.get(&choices).await?["return_addresses"][0]["address_id"].take();
            client.post(&format!("{path}/accept"), &json!({"address_id": address})).await?;
        }
        Answer::Refuse(words) => {
            let reason = client.get(&choices).await?["refusal_reasons"][0]["code"].take();
            client.post(&format!("{path}/refuse"), &json!({"reason_code": reason, "words": words})).await?;
        }
    }
    let decided = |case: &Value| !matches!(case["state"].as_str(), Some("requested" | "refunding"));
    client.wait(&path, 60, decided).await.context("the platform did not take the decision")?;
    Ok(())
}
