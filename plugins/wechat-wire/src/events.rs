//! What pushes mean: one table of event names for all WeChat channels.
//!
//! One third-party platform receives the events of public accounts and shops at one address, so the table is
//! here and not in the plugins.

use crate::crypto::fingerprint;
use crate::interaction;
use crate::push;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{ChannelError, Notice, NoticeKind, Secret, Verified};
use serde_json::{Map, Value, json};

/// How an event is read.
#[derive(Debug)]
pub struct EventRule {
    /// `Event` as the platform writes it; compared without regard to case.
    pub event: &'static str,
    /// What it means.
    pub kind: NoticeKind,
    /// The object with the details; empty = the message itself.
    pub body: &'static str,
    /// The field with the subject's id; empty = none.
    pub subject: &'static str,
}

macro_rules! rules {
    ($($event:literal => $kind:ident, $body:literal, $subject:literal;)*) => {
        &[$(EventRule { event: $event, kind: NoticeKind::$kind, body: $body, subject: $subject }),*]
    };
}

/// Every event we read. An event that is not here is kept as [`NoticeKind::Unknown`].
pub static EVENTS: &[EventRule] = rules! {
    // shop: orders
    "channels_ec_order_new" => OrderCreated, "order_info", "order_id";
    "channels_ec_order_pay" => OrderPaid, "order_info", "order_id";
    "channels_ec_order_wait_shipping" => OrderPaid, "order_info", "order_id";
    "channels_ec_order_cancel" => OrderCancelled, "order_info", "order_id";
    "channels_ec_order_deliver" => OrderShipped, "order_info", "order_id";
    "channels_ec_order_confirm" => OrderConfirmed, "order_info", "order_id";
    "channels_ec_order_settle" => OrderSettled, "order_info", "order_id";
    "channels_ec_order_ext_info_update" => OrderChanged, "order_info", "order_id";
    "product_order_status_update" => OrderChanged, "ProductOrderStatusUpdate", "order_id";
    // shop: after-sale and disputes
    "channels_ec_aftersale_update" => AftersaleChanged, "finder_shop_aftersale_status_update", "after_sale_order_id";
    "channels_ec_complaint_update" => DisputeChanged, "finder_shop_complaint", "complaint_id";
    "channels_ec_guarantee_update" => GuaranteeChanged, "finder_shop_guarantee_status_update", "guarantee_order_id";
    "channels_ec_present_aftersale_update" => GiftAftersaleChanged, "finder_shop_present_aftersale_status_update", "after_sale_order_id";
    // shop: members, sharers, agencies, talks
    "channels_ec_vip_join" => MemberChanged, "user_info", "";
    "channels_ec_vip_close" => MemberChanged, "user_info", "";
    "channels_ec_vip_grade_info_update" => MemberChanged, "user_info", "";
    "channels_ec_vip_score_update" => MemberChanged, "user_info", "";
    "channels_ec_vip_score_exchange" => MemberChanged, "exchange_info", "";
    "channels_ec_sharer_change" => SharerChanged, "", "";
    "head_supplier_item_update" => SupplierItemChanged, "item_info", "product_id";
    "user_enter_tempsession" => SessionEntered, "", "";
    // shop: products
    "product_spu_audit" => ProductAudit, "ProductSpuAudit", "product_id";
    "product_spu_listing" => ProductListing, "ProductSpuListing", "product_id";
    "product_spu_update" => ProductChanged, "ProductSpuUpdate", "product_id";
    "channels_ec_stock_no_enough" => StockLow, "channels_ec_stock_no_enough", "product_id";
    // shop: what it may sell
    "product_category_audit" => CategoryAudit, "ProductCategoryAudit", "audit_id";
    "channels_ec_brand" => BrandChanged, "BrandEvent", "brand_id";
    // shop: coupons
    "channels_ec_coupon_receive" => CouponChanged, "receive_info", "coupon_id";
    "channels_ec_coupon_create" => CouponChanged, "coupon_info", "coupon_id";
    "channels_ec_coupon_delete" => CouponChanged, "coupon_info", "coupon_id";
    "channels_ec_coupon_expire" => CouponChanged, "coupon_info", "coupon_id";
    "channels_ec_coupon_info_change" => CouponChanged, "coupon_info", "coupon_id";
    "channels_ec_coupon_invalid" => CouponChanged, "coupon_info", "coupon_id";
    "channels_ec_user_coupon_expire" => CouponChanged, "user_coupon_info", "coupon_id";
    "channels_ec_user_coupon_unuse" => CouponChanged, "use_info", "coupon_id";
    "channels_ec_user_coupon_use" => CouponChanged, "use_info", "coupon_id";
    // shop: the account
    "channels_ec_close_store" => AccountClosed, "", "";
    "set_shop_nickname" => AccountRenamed, "", "";
    // shop: money
    "channels_ec_withdraw_notify" => FundsWithdrawal, "withdraw_info", "withdraw_id";
    "qrcode_status" => FundsCode, "qrcode_info", "ticket";
    "channels_ec_acct_notify" => FundsAccount, "account_info", "";
    // public account
    "subscribe" => FollowerSubscribed, "", "FromUserName";
    "unsubscribe" => FollowerUnsubscribed, "", "FromUserName";
    "SCAN" => FollowerInteracted, "", "FromUserName";
    "CLICK" => FollowerInteracted, "", "FromUserName";
    "VIEW" => FollowerInteracted, "", "FromUserName";
    "view_miniprogram" => FollowerInteracted, "", "FromUserName";
    "LOCATION" => FollowerInteracted, "", "FromUserName";
    "PUBLISHJOBFINISH" => ContentPublished, "PublishEventInfo", "publish_id";
    "FREEPUBLISHJOBFINISH" => ContentPublished, "PublishEventInfo", "publish_id";
    "TEMPLATESENDJOBFINISH" => MessageSettled, "", "MsgID";
    "subscribe_msg_sent_event" => MessageSettled, "SubscribeMsgSentEvent", "";
    "MASSSENDJOBFINISH" => ContentPublished, "", "MsgID";
};

/// Reads a verified push.
pub fn decode(verified: &Verified) -> Result<Vec<Notice>, ChannelError> {
    let message = push::message(verified)
        .ok_or_else(|| ChannelError::unexpected("the decrypted push is neither a JSON object nor XML"))?;
    let notice = if message.get("InfoType").is_some() {
        decode_app_event(verified, message)?
    } else if message
        .get("MsgType")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("event"))
    {
        decode_event(verified, message)?
    } else {
        decode_message(verified, message)?
    };
    Ok(vec![notice])
}

/// Events of the channel app itself: ticket and grants.
fn decode_app_event(verified: &Verified, mut message: Value) -> Result<Notice, ChannelError> {
    let native_type =
        text(&message["InfoType"]).ok_or_else(|| ChannelError::unexpected("InfoType is empty"))?;
    let dedup_key = dedup_key(&native_type, &message);
    let (kind, secret_field) = match native_type.as_str() {
        "component_verify_ticket" => (NoticeKind::AppTicket, Some("ComponentVerifyTicket")),
        "authorized" => (NoticeKind::AccountAuthorized, Some("AuthorizationCode")),
        "updateauthorized" => (NoticeKind::AccountUpdated, Some("AuthorizationCode")),
        "unauthorized" => (NoticeKind::AccountUnauthorized, None),
        other => (NoticeKind::Unknown(other.to_owned()), None),
    };
    let secret = secret_field.and_then(|field| text(&message[field])).map(Secret::new);
    if kind == NoticeKind::AppTicket && secret.is_none() {
        return Err(ChannelError::unexpected("a ticket push without a ticket"));
    }
    let account = id(&message["AuthorizerAppid"]);
    let about_account = matches!(
        kind,
        NoticeKind::AccountAuthorized | NoticeKind::AccountUpdated | NoticeKind::AccountUnauthorized
    );
    if about_account && account.is_none() {
        return Err(ChannelError::unexpected("a grant push without AuthorizerAppid"));
    }
    let mut hint = Map::new();
    if let Some(seconds) = integer(&message["AuthorizationCodeExpiredTime"]) {
        hint.insert("code_expires_at".to_owned(), json!(Timestamp::from_seconds(seconds).micros()));
    }
    for field in ["ComponentVerifyTicket", "AuthorizationCode", "PreAuthCode"] {
        if let Some(value) = message.get_mut(field) {
            *value = json!("***");
        }
    }
    Ok(Notice {
        dedup_key,
        native_type,
        kind,
        account_user_name: None,
        subject_id: account.clone(),
        account_external_id: account,
        occurred_at: occurred_at(verified, &message),
        hint: Value::Object(hint),
        interaction: None,
        raw: message,
        secret,
    })
}

fn decode_event(verified: &Verified, message: Value) -> Result<Notice, ChannelError> {
    let event = text(&message["Event"]).ok_or_else(|| ChannelError::unexpected("an event without a name"))?;
    let dedup_key = dedup_key(&event, &message);
    let rule = EVENTS.iter().find(|rule| rule.event.eq_ignore_ascii_case(&event));
    let (kind, subject_id, hint) = match rule {
        None => (NoticeKind::Unknown(event.clone()), None, json!({})),
        Some(rule) => {
            let body = if rule.body.is_empty() { &message } else { body_of(rule, &message) };
            let subject = if rule.subject.is_empty() {
                None
            } else {
                Some(id(&body[rule.subject]).ok_or_else(|| {
                    ChannelError::unexpected(format!("the event {} has no {}", rule.event, rule.subject))
                })?)
            };
            let hint = if rule.body.is_empty() { told_beside(&message) } else { without_people(body) };
            let hint = if rule.kind == NoticeKind::MessageSettled { settled(&message) } else { hint };
            (kind_of(rule, &hint), subject, hint)
        }
    };
    // The sources disagree on the name of the field in channels_ec_close_store.
    let account = ["appid", "bind_appid"].iter().find_map(|field| id(&message[*field]));
    let interaction = interaction::of_event(&event, &message);
    Ok(Notice {
        dedup_key,
        native_type: event,
        kind,
        account_external_id: account,
        account_user_name: text(&message["ToUserName"]),
        subject_id,
        occurred_at: occurred_at(verified, &message),
        hint,
        interaction,
        raw: message,
        secret: None,
    })
}

/// The documents of `channels_ec_present_aftersale_update` name its object in one way and show it in another.
fn body_of<'a>(rule: &EventRule, message: &'a Value) -> &'a Value {
    const SHOWN: &str = "finder_shop_aftersale_status_update";
    let gift = rule.kind == NoticeKind::GiftAftersaleChanged && !message[rule.body].is_object();
    &message[if gift { SHOWN } else { rule.body }]
}

/// What an event says beside its envelope, where it has no object of its own. Whom it is about stays out.
fn told_beside(message: &Value) -> Value {
    const FIELDS: &[&str] =
        &["sharer_type", "bind_status", "close_timestamp", "old_nickname", "new_nickname"];
    let told = FIELDS.iter().filter_map(|field| Some(((*field).to_owned(), message.get(*field)?.clone())));
    Value::Object(told.collect())
}

/// A member's telephone number is not needed for anything and is not kept.
fn without_people(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("phone_number");
    }
    body
}

/// `type` 7 of an order's other news is the buyer's urge, which no call tells.
fn kind_of(rule: &EventRule, body: &Value) -> NoticeKind {
    let urged = rule.event == "channels_ec_order_ext_info_update" && integer(&body["type"]) == Some(7);
    if urged { NoticeKind::OrderUrged } else { rule.kind.clone() }
}

/// What became of notices, in one form for template messages (`MsgID`, `Status`) and subscription notices (a `List`, which is
/// one object in XML when there is one).
fn settled(message: &Value) -> Value {
    let open_id = text(&message["FromUserName"]);
    let list = &message["SubscribeMsgSentEvent"]["List"];
    let rows: Vec<&Value> = match list {
        Value::Array(rows) => rows.iter().take(100).collect(),
        Value::Object(_) => vec![list],
        _ => Vec::new(),
    };
    if rows.is_empty() {
        let native = text(&message["Status"]).unwrap_or_default();
        let result = json!({ "message_id": id(&message["MsgID"]), "template_id": null, "open_id": open_id,
            "delivered": native == "success", "native": native });
        return json!({ "results": [result] });
    }
    let result = |row: &&Value| {
        json!({ "message_id": null, "template_id": text(&row["TemplateId"]), "open_id": open_id,
            "delivered": integer(&row["ErrorCode"]) == Some(0),
            "native": text(&row["ErrorStatus"]).unwrap_or_default() })
    };
    json!({ "results": rows.iter().map(result).collect::<Vec<_>>() })
}

fn decode_message(verified: &Verified, message: Value) -> Result<Notice, ChannelError> {
    let native_type = text(&message["MsgType"])
        .ok_or_else(|| ChannelError::unexpected("a push without InfoType and MsgType"))?;
    let dedup_key = match id(&message["MsgId"]) {
        Some(message_id) => format!("msg:{message_id}"),
        None => dedup_key(&native_type, &message),
    };
    let interaction = interaction::of_message(&native_type, &message);
    Ok(Notice {
        dedup_key,
        kind: NoticeKind::Message,
        account_external_id: None,
        account_user_name: text(&message["ToUserName"]),
        subject_id: text(&message["FromUserName"]),
        occurred_at: occurred_at(verified, &message),
        hint: json!({ "message_type": native_type }),
        native_type,
        interaction: Some(interaction),
        raw: message,
        secret: None,
    })
}

/// The platform gives events no id. A repeated delivery carries the same message under a new cipher, so the
/// content (keys in order) is the identity; two different events of one second differ in content.
fn dedup_key(native_type: &str, message: &Value) -> String {
    let mut bytes = Vec::new();
    write_canonical(message, &mut bytes);
    format!("{}:{}", native_type.chars().take(60).collect::<String>(), fingerprint(&bytes))
}

fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            out.push(b'{');
            for (key, value) in entries {
                write_canonical(&Value::String(key.clone()), out);
                out.push(b':');
                write_canonical(value, out);
                out.push(b',');
            }
            out.push(b'}');
        }
        Value::Array(values) => {
            out.push(b'[');
            for value in values {
                write_canonical(value, out);
                out.push(b',');
            }
            out.push(b']');
        }
        other => out.extend_from_slice(other.to_string().as_bytes()),
    }
}

fn occurred_at(verified: &Verified, message: &Value) -> Timestamp {
    integer(&message["CreateTime"]).map_or(verified.signed_at, Timestamp::from_seconds)
}
