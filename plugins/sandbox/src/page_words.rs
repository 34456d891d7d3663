//! The pages' template helpers and their words in Chinese and English.

use crate::clock::china_time;
use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext};
use serde_json::Value;

pub fn install(registry: &mut Handlebars<'static>) {
    registry.register_helper("t", Box::new(translate));
    registry.register_helper("word", Box::new(word));
    registry.register_helper("yuan", Box::new(yuan));
    registry.register_helper("when", Box::new(when));
    handlebars::handlebars_helper!(same: |a: Json, b: Json| a == b);
    registry.register_helper("same", Box::new(same));
}

fn is_english(context: &Context) -> bool {
    context.data().get("lang").and_then(Value::as_str) == Some("en")
}

fn text(helper: &Helper<'_>, index: usize) -> String {
    match helper.param(index).map(|p| p.value()) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// `{{t "中文" "English"}}`
fn translate(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    context: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    out.write(&text(helper, usize::from(is_english(context))))?;
    Ok(())
}

/// `{{yuan fen}}` as ¥1,234.56
fn yuan(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    out.write(&yuan_text(helper.param(0).and_then(|p| p.value().as_i64()).unwrap_or(0)))?;
    Ok(())
}

fn yuan_text(fen: i64) -> String {
    let whole = (fen.unsigned_abs() / 100).to_string();
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{}¥{grouped}.{:02}", if fen < 0 { "-" } else { "" }, fen.unsigned_abs() % 100)
}

/// `{{when seconds}}` in China's time.
fn when(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    if let Some(seconds) = helper.param(0).and_then(|p| p.value().as_u64()) {
        out.write(&china_time(seconds))?;
    }
    Ok(())
}

/// `{{word "order" 20}}`: the name of a platform number or a sandbox word.
fn word(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    context: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let (kind, value) = (text(helper, 0), text(helper, 1));
    let found = WORDS.iter().find(|(k, v, _, _)| *k == kind && *v == value);
    let shown = found.map(|(_, _, zh, en)| if is_english(context) { *en } else { *zh });
    out.write(&handlebars::html_escape(shown.unwrap_or(&value)))?;
    Ok(())
}

const WORDS: &[(&str, &str, &str, &str)] = &[
    ("kind", "store", "微信小店", "WeChat shop"),
    ("kind", "channels_account", "视频号", "Channels account"),
    ("kind", "official_account", "公众号", "Official account"),
    ("order", "10", "待付款", "to pay"),
    ("order", "20", "待发货", "to ship"),
    ("order", "21", "部分发货", "partly shipped"),
    ("order", "30", "待收货", "shipped"),
    ("order", "100", "已完成", "done"),
    ("order", "190", "商家取消", "cancelled by merchant"),
    ("order", "200", "已全部退款", "refunded"),
    ("order", "250", "已取消", "cancelled"),
    ("product", "5", "上架", "listed"),
    ("product", "6", "回收站", "in the bin"),
    ("product", "11", "自主下架", "delisted"),
    ("product", "13", "系统下架", "taken down by the platform"),
    ("product", "14", "保证金不足下架", "taken down: deposit too low"),
    ("product", "15", "品牌过期下架", "taken down: brand expired"),
    ("product", "20", "封禁", "banned"),
    ("push", "waiting", "等待", "waiting"),
    ("push", "delivered", "已送达", "delivered"),
    ("push", "failed", "失败", "failed"),
    ("push", "dropped", "已丢弃", "dropped"),
    ("scene", "1", "其他", "elsewhere"),
    ("scene", "2", "直播间", "live room"),
    ("scene", "3", "短视频", "short video"),
    ("scene", "4", "商品分享", "shared product"),
    ("scene", "5", "橱窗主页", "showcase"),
    ("scene", "6", "公众号文章商品卡片", "article card"),
    ("action", "pay", "付款", "Pay"),
    ("action", "cancel", "取消订单", "Cancel"),
    ("action", "timeout", "超时未付", "Let it time out"),
    ("action", "confirm", "确认收货", "Confirm receipt"),
    ("action", "settle", "结算", "Settle"),
    ("action", "urge", "催发货", "Urge"),
    ("action", "move", "申请改地址", "Wish another address"),
    ("action", "agree_address", "同意商家的新地址", "Agree to the merchant's address"),
    ("action", "refuse_address", "不同意商家的新地址", "Refuse the merchant's address"),
    ("action", "refund", "申请退款", "Ask for a refund"),
    ("action", "return", "申请退货退款", "Ask to return"),
    ("did", "follow", "关注了公众号", "followed"),
    ("did", "unfollow", "取消了关注", "stopped following"),
    ("did", "click", "点击菜单", "pressed"),
    ("did", "scan", "扫描二维码", "scanned"),
    ("action", "exchange", "申请换货", "Ask to exchange"),
    ("case", "cancel", "撤销", "Withdraw"),
    ("case", "return", "寄回商品", "Send the goods back"),
    ("case", "receive", "收到新商品", "Receive the new goods"),
    ("case", "complain", "申请平台介入", "Complain"),
    ("case", "side_with_buyer", "平台支持买家", "Platform: for the buyer"),
    ("case", "side_with_merchant", "平台支持商家", "Platform: for the merchant"),
    ("case", "take_up", "客服处理", "Platform: take it up"),
    ("case", "ask_merchant", "要求商家举证", "Platform: ask the merchant for proof"),
    ("case", "ask_buyer", "要求买家举证", "Platform: ask the buyer for proof"),
    ("case", "ask_both", "要求双方举证", "Platform: ask both for proof"),
    ("case", "buyer_message", "买家留言", "Buyer: leave a message"),
    ("case", "buyer_proof", "买家举证", "Buyer: give proof"),
    ("case", "expire_proof", "让举证到期", "Let the time for proof pass"),
    ("case", "withdraw_complaint", "买家取消介入", "Buyer: withdraw the complaint"),
    ("complaint", "100", "待商家处理", "the merchant's turn"),
    ("complaint", "101", "待客服处理", "waits for the platform"),
    ("complaint", "102", "已取消", "withdrawn"),
    ("complaint", "103", "客服处理中", "with the platform"),
    ("complaint", "104", "待买家举证", "proof asked of the buyer"),
    ("complaint", "105", "买家已举证", "the buyer gave proof"),
    ("complaint", "106", "待商家举证", "proof asked of the merchant"),
    ("complaint", "107", "商家已举证", "the merchant gave proof"),
    ("complaint", "108", "待双方举证", "proof asked of both"),
    ("complaint", "109", "双方举证超时", "no proof in time"),
    ("complaint", "110", "待商家确认", "the merchant has to confirm"),
    ("complaint", "112", "调解完成", "settled"),
    ("complaint", "116", "调解关闭", "closed"),
    ("complaint", "305", "买家举证超时", "no proof of the buyer in time"),
    ("complaint", "307", "商家举证超时", "no proof of the merchant in time"),
    ("case", "expire", "让时间到期", "Let the time pass"),
    ("action", "claim_damage", "申请坏损包退", "Claim: damaged"),
    ("action", "claim_fake", "申请假货赔付", "Claim: fake"),
    ("claim_kind", "1", "假货赔付", "fake"),
    ("claim_kind", "2", "坏损包退", "damaged"),
    ("claim", "withdraw", "买家取消申请", "Buyer: withdraw"),
    ("claim", "ask_merchant", "要求商家举证", "Platform: ask the merchant for proof"),
    ("claim", "ask_buyer", "要求买家举证", "Platform: ask the buyer for proof"),
    ("claim", "ask_both", "要求双方举证", "Platform: ask both for proof"),
    ("claim", "pay", "平台判赔", "Platform: pay"),
    ("claim", "owe_nothing", "平台判无需赔付", "Platform: nothing is owed"),
    ("claim", "take_offer", "买家同意协商", "Buyer: take the offer"),
    ("claim", "refuse_offer", "买家不同意协商", "Buyer: refuse the offer"),
    ("claim", "prove", "买家举证", "Buyer: give proof"),
    ("claim", "paid", "赔付到账", "Platform: paid"),
    ("claim", "block", "金额异常", "Platform: check the amount"),
    ("claim", "fail", "赔付失败", "Platform: paying failed"),
    ("claim_state", "STATUS_WAIT_MERCHANT_HANDLE", "等待商家处理", "the merchant's turn"),
    ("claim_state", "STATUS_WAIT_PLATFORM_HANDLE", "等待平台处理", "with the platform"),
    ("claim_state", "STATUS_WAIT_USER_CONFIRM", "等待用户确认", "the buyer's turn"),
    ("claim_state", "STATUS_WAIT_MERCHANT_PROOF", "等待商家举证", "proof asked of the merchant"),
    ("claim_state", "STATUS_WAIT_USER_PROOF", "等待用户举证", "proof asked of the buyer"),
    ("claim_state", "STATUS_WAIT_BOTH_PROOF", "等待双方举证", "proof asked of both"),
    ("claim_state", "STATUS_NO_NEED_PAY", "无需赔付", "nothing is owed"),
    ("claim_state", "STATUS_PAYING", "赔付中", "being paid"),
    ("claim_state", "STATUS_PAY_BLOCK", "金额异常，待确认", "the amount is checked"),
    ("claim_state", "STATUS_PAY_SUCC", "赔付成功", "paid"),
    ("claim_state", "STATUS_PAY_FAIL", "赔付失败", "paying failed"),
    ("claim_state", "STATUS_USER_CANCEL", "用户取消申请", "withdrawn"),
    ("fault", "drop", "丢弃", "drop"),
    ("fault", "duplicate", "重复", "send twice"),
    ("fault", "delay", "延迟", "delay"),
    ("fault", "reorder", "乱序", "reorder"),
    ("fault", "bad_signature", "错误签名", "wrong signature"),
    ("fault", "foreign_app_id", "他人 AppID", "foreign app id"),
    ("fault", "changed_body", "篡改内容", "changed body"),
    ("trouble", "token_expired", "令牌过期", "token expired"),
    ("trouble", "token_invalid", "令牌无效", "token invalid"),
    ("trouble", "revoked", "授权已取消", "authorization taken back"),
    ("trouble", "quota_day", "日额度用尽", "daily quota used up"),
    ("trouble", "too_often", "调用过于频繁", "called too often"),
    ("trouble", "busy", "系统繁忙", "system busy"),
    ("trouble", "http_502", "网关错误 HTTP 502", "bad gateway, HTTP 502"),
    ("trouble", "slow", "回答变慢", "slow answer"),
    ("trouble", "done_but_busy", "已执行，但回答系统繁忙", "done, but answered as busy"),
    ("platform", "wechat", "微信（小店、公众号、视频号）", "WeChat: stores, official and channels accounts"),
    ("platform", "douyin", "抖店", "Douyin shops"),
];

#[cfg(test)]
mod tests {
    #[test]
    fn money_is_grouped() {
        assert_eq!(super::yuan_text(5), "¥0.05");
        assert_eq!(super::yuan_text(123_456), "¥1,234.56");
        assert_eq!(super::yuan_text(-100_000_000), "-¥1,000,000.00");
    }
}
