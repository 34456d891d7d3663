//! The one table of error codes: code → HTTP status, English and Chinese title, retryable.
//!
//! A code is stable for ever; clients branch on it. Add a row here, nowhere else; a snapshot test prints
//! the table and the documentation page is generated from it.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $retry:literal, $en:literal, $zh:literal;)*) => {
        /// A stable error code.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        pub enum ErrorCode { $($(#[$doc])* #[doc = $en] $name,)* }

        impl ErrorCode {
            /// Every code, in table order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// The wire form.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $code),* } }
            /// The HTTP status.
            pub const fn status(self) -> u16 { match self { $(Self::$name => $status),* } }
            /// Whether the same request may succeed later without a change.
            pub const fn retryable(self) -> bool { match self { $(Self::$name => $retry),* } }
            /// Title in English.
            pub const fn title_en(self) -> &'static str { match self { $(Self::$name => $en),* } }
            /// Title in Chinese.
            pub const fn title_zh(self) -> &'static str { match self { $(Self::$name => $zh),* } }
        }
    };
}

codes! {
    // requests
    BadRequest = "bad_request", 400, false, "The request could not be read", "请求无法识别";
    InvalidField = "invalid_field", 422, false, "A field is not valid", "有字段填写不正确";
    UnknownField = "unknown_field", 400, false, "The body has an unknown field", "请求包含未知字段";
    InvalidCursor = "invalid_cursor", 400, false, "The page cursor is not valid", "分页游标无效";
    IdempotencyKeyMissing = "idempotency_key_missing", 400, false, "The Idempotency-Key header is missing", "缺少 Idempotency-Key 请求头";
    IdempotencyKeyInvalid = "idempotency_key_invalid", 400, false, "The Idempotency-Key header is not valid", "Idempotency-Key 请求头无效";
    IdempotencyKeyReused = "idempotency_key_reused", 422, false, "The Idempotency-Key was used with another body", "该 Idempotency-Key 已用于其他请求内容";
    IdempotencyInFlight = "idempotency_in_flight", 409, true, "The same request is still running", "相同请求正在处理";
    Unauthenticated = "unauthenticated", 401, false, "Log in first", "请先登录";
    WrongCredentials = "wrong_credentials", 401, false, "The e-mail or password is wrong", "邮箱或密码不正确";
    SecondFactorNeeded = "second_factor_needed", 401, false, "Enter the code of the authenticator app", "请输入身份验证器中的验证码";
    WrongCode = "wrong_code", 401, false, "The code is wrong or was used before", "验证码不正确或已使用过";
    SignInExpired = "sign_in_expired", 401, false, "This log-in took too long; start again", "本次登录已失效，请重新登录";
    TokenReused = "token_reused", 401, false, "The refresh token was used before; log in again", "刷新令牌已被使用，请重新登录";
    Forbidden = "forbidden", 403, false, "You may not do this", "没有权限进行此操作";
    SecondFactorRequired = "second_factor_required", 403, false, "Set up the authenticator app first; it is required here", "请先开启两步验证，本单位要求所有人开启";
    CsrfFailed = "csrf_failed", 403, false, "The form has expired; open the page again", "页面已过期，请重新打开";
    NotFound = "not_found", 404, false, "Not found", "未找到";
    MethodNotAllowed = "method_not_allowed", 405, false, "Method not allowed", "不支持的请求方法";
    Conflict = "conflict", 409, false, "The request conflicts with the current state", "与当前状态冲突";
    VersionConflict = "version_conflict", 409, true, "It was changed meanwhile; load it again", "内容已被修改，请刷新后重试";
    PayloadTooLarge = "payload_too_large", 413, false, "The body is too large", "请求内容过大";
    UnsupportedMediaType = "unsupported_media_type", 415, false, "The content type is not supported", "不支持的内容类型";
    RateLimited = "rate_limited", 429, true, "Too many requests", "请求过于频繁";
    Internal = "internal", 500, true, "Something went wrong on our side", "系统内部错误";
    Unavailable = "unavailable", 503, true, "Temporarily unavailable", "服务暂不可用";
    TimedOut = "timed_out", 503, true, "It took too long and was stopped; nothing was changed", "处理时间过长，已停止，未作任何更改";
    UpstreamFailed = "upstream_failed", 502, true, "The platform did not answer as expected", "平台返回异常";

    // channels
    ChannelBusy = "channel_busy", 503, true, "The platform is busy; we try again", "平台繁忙，稍后自动重试";
    ChannelQuota = "channel_quota_exhausted", 503, true, "The platform's call quota is used up", "平台接口调用额度已用完";
    ChannelReauthorise = "channel_reauthorise", 409, false, "Link the account again", "账号授权已失效，请重新授权";
    ChannelFixRequest = "channel_request_invalid", 422, false, "The platform cannot accept the content as it is", "内容不符合平台要求";
    ChannelRefused = "channel_refused", 422, false, "The platform refused", "平台拒绝了该操作";
    ChannelUnknown = "channel_unknown", 422, false, "There is no such channel, kind of account or way of linking", "没有该渠道、账号类型或关联方式";
    ChannelAppMissing = "channel_app_missing", 409, false, "The provider has no app at this channel yet", "服务商尚未配置该渠道的应用";
    ChannelAccountLinked = "channel_account_linked", 409, false, "The account is linked already", "该账号已被关联";
    ChannelAccountUnusable = "channel_account_unusable", 409, false, "The account is not linked or not authorised now", "账号未关联或授权已失效";
    PluginRefused = "plugin_refused", 409, false, "The plugin cannot be changed like this now", "插件当前无法这样变更";
    PluginInUse = "plugin_in_use", 409, false, "Accounts are linked through the plugin", "仍有账号通过该插件关联";
    LinkEnded = "link_ended", 409, false, "This attempt to link has ended; start again", "本次关联已结束，请重新发起";
    LinkWrongAccount = "link_wrong_account", 409, false, "Another account was authorised than the one to be linked", "授权的账号与要关联的账号不一致";
    ListingRunOver = "listing_run_over", 409, false, "The run has ended already", "该批量发布已结束";
    ListingRunNothing = "listing_run_nothing", 409, false, "Nothing of the run was refused or left", "没有可重试的商品";
    CategoryPathMissing = "category_path_missing", 422, false, "Choose the channel's category first", "请先选择渠道类目";
    ChannelKindOff = "channel_kind_off", 409, false, "Accounts of this kind are switched off", "该类账号已停用";
    QualificationOpen = "qualification_open", 409, false, "An application for it is not finished yet", "该类目或品牌还有未完成的申请，请先处理";
    QualificationWrongState = "qualification_wrong_state", 409, false, "The application is not in a state for this", "申请当前状态不能进行此操作";
    WithdrawalOpen = "withdrawal_open", 409, false, "Another withdrawal of this account is not finished yet", "该账号还有未完成的提现，请先处理";
    ChannelClosed = "channel_account_closed", 409, false, "The account can no longer be used", "账号已不可用";

    // people
    WrongProof = "wrong_proof", 422, false, "The password or the code is wrong", "密码或验证码不正确";
    TotpOn = "totp_on", 409, false, "The authenticator app is set up already", "两步验证已开启";
    TotpOff = "totp_off", 409, false, "The authenticator app is not set up", "尚未开启两步验证";
    LastOwner = "last_owner", 409, false, "This is the last owner who can log in; make somebody else an owner first", "这是最后一位可登录的管理员，请先将其他人设为管理员";
    RoleInUse = "role_in_use", 409, false, "Somebody holds this role or is invited to; take it from them first", "仍有员工拥有该角色或被邀请担任该角色，请先收回";

    // tenants
    TenantSuspended = "tenant_suspended", 403, false, "The account is suspended: you can look but not change", "账号已被暂停，只能查看，不能修改";
    TenantWrongState = "tenant_wrong_state", 409, false, "The provider or merchant is not in a state for this", "服务商或商家当前状态不能进行此操作";
    TenantInUse = "tenant_in_use", 409, false, "Something still hangs on it: active merchants, open orders or money", "仍有营业商家、未完成订单或余额，暂不能关闭";
    // buyers
    SignInCodeWrong = "sign_in_code_wrong", 422, false, "The code is wrong or no longer works; ask for a new one", "验证码不正确或已失效，请重新获取";
    SmsNotConfigured = "sms_not_configured", 409, false, "Text messages cannot be sent here yet", "暂时无法发送短信，请联系店铺";
    BuyerErased = "buyer_erased", 409, false, "The buyer's personal data was erased", "该买家的个人信息已删除";
    ChannelSignInFailed = "channel_sign_in_failed", 422, true, "The sign-in at the platform did not come to an end, or took too long; begin again", "授权未完成或已失效，请重新操作";
    ChannelIdentityTaken = "channel_identity_taken", 409, false, "Another buyer of the shop has this account of the platform", "该账号已绑定本店的另一位买家";
    ErasureRequested = "erasure_requested", 409, false, "Erasure was asked for already", "已经提交过删除申请";

    UnknownHost = "unknown_host", 421, false, "Nothing is served at this host", "该域名下没有内容";
    DomainTaken = "domain_taken", 409, false, "The domain is in use by somebody else here", "该域名已被其他商家或服务商使用";

    // subjects, applications and shops
    CreditCodeInvalid = "credit_code_invalid", 422, false, "The unified social credit code is not valid", "统一社会信用代码不正确";
    IdCardInvalid = "id_card_invalid", 422, false, "The ID card number is not valid", "身份证号码不正确";
    PhoneInvalid = "phone_invalid", 422, false, "The phone number is not valid", "手机号码不正确";
    ShopNameInvalid = "shop_name_invalid", 422, false, "The shop name is not allowed", "店铺名称不符合规则";
    ShopNameNeedsBrand = "shop_name_needs_brand", 422, false, "The shop name needs a brand authorisation", "店铺名称包含品牌，需要先提交品牌授权";
    ShopSlugInvalid = "shop_slug_invalid", 422, false, "The shop address is not allowed", "店铺网址不符合规则";
    ApplicationWrongState = "application_wrong_state", 409, false, "The application is not at this step", "入驻申请当前状态不能进行此操作";
    ApplicationIncomplete = "application_incomplete", 422, false, "The application is not complete", "入驻申请资料不完整";
    ReasonMissing = "reason_missing", 422, false, "Give at least one reason", "请至少填写一条原因";
    AgreementOutdated = "agreement_outdated", 409, false, "The agreement has a newer version", "协议已更新，请重新签署";
    DocumentNotRequired = "document_not_required", 422, false, "This document is not asked for", "不需要提交此资料";
    DocumentsOpen = "documents_open", 409, false, "Some documents are not accepted yet", "仍有资料未通过审核";
    ShopWrongState = "shop_wrong_state", 409, false, "The shop is not in a state for this", "店铺当前状态不能进行此操作";
    ShopNeedsAgreement = "shop_needs_agreement", 409, false, "Sign the agreement first", "请先签署协议";

    // after-sale
    AftersaleWrongState = "aftersale_wrong_state", 409, false, "The case does not wait for this", "该售后单当前不能进行此操作";
    AftersaleBusy = "aftersale_busy", 409, true, "The platform is being told of an earlier decision", "上一次处理正在提交平台，请稍候";
    GuaranteeInDoubt = "guarantee_in_doubt", 502, false, "The platform's answer was lost: look at the guarantee claim before saying it again", "平台的答复丢失，可能已经生效：请先查看保障单现状，再决定是否重新提交";

    // the alliance of a shop
    AllianceNotOpen = "alliance_not_open", 409, false, "The shop has not joined the alliance: open it in the shop's console at the platform, then try again", "店铺尚未开通优选联盟：请先在微信小店后台开通「优选联盟」，再回到这里重试";
    PromoterInDoubt = "promoter_in_doubt", 502, false, "The platform's answer was lost, and it is not known whether this was done: read the promoter again before saying it again", "平台的答复丢失，不知道是否已经生效：请重新查看带货者现状，再决定是否重新操作";
    PromotionPlanInDoubt = "promotion_plan_in_doubt", 502, false, "The platform's answer was lost, and it is not known whether this was done: read the plan again before saying it again", "平台的答复丢失，不知道是否已经生效：请重新查看推广计划现状，再决定是否重新操作";
    PromotionPlanChanged = "promotion_plan_changed", 409, false, "The plan does not say any more what was seen: read it again, then decide", "推广计划已与您看到的不同：请重新查看后再决定";
    PromotionPlanFixed = "promotion_plan_fixed", 409, false, "The platform does not tell enough of the plan to change it here, or it was deleted: change it in the shop's console at the platform", "平台没有提供修改该计划所需的内容，或该计划已删除：请到微信小店后台处理";
    PromotionPlanExists = "promotion_plan_exists", 409, false, "The product has a plan for every promoter already: change that one", "该商品已有面向全部带货者的推广计划：请直接修改该计划";

    // plans
    PlanLimitReached = "plan_limit_reached", 409, false, "The merchant's plan allows no more of these: take a larger plan", "已达到套餐上限：请升级套餐";

    // policies
    PolicyInvalid = "policy_invalid", 422, false, "The parameters of the policy are not valid", "规则参数不正确";
    PolicyMissing = "policy_missing", 409, false, "No policy holds at this time", "当前没有生效的规则";
    LinkNeedsTrading = "link_needs_trading", 409, false, "Only a trading shop may link accounts", "店铺开张后才能关联账号";
    LinkKindClosed = "link_kind_closed", 409, false, "Accounts of this kind are no longer linked", "该类账号已停止新关联";
    LinkQuotaFull = "link_quota_full", 409, false, "No more accounts of this kind may be linked", "该类账号的关联数量已达上限";

    // catalogue and stock
    ProductWrongState = "product_wrong_state", 409, false, "The product is not in a state for this", "商品当前状态不能进行此操作";
    StockShort = "stock_short", 409, false, "There is not enough stock", "库存不足";
    StockRange = "stock_range", 422, false, "The stock quantity is out of range", "库存数量超出范围";
    ListingWrongState = "listing_wrong_state", 409, false, "The listing is not in a state for this", "渠道商品当前状态不能进行此操作";

    // followers of public accounts
    FollowerWindowClosed = "follower_window_closed", 409, false, "The platform allows no message to this follower now", "当前不在可回复时间内";
    FollowerWindowUsedUp = "follower_window_used_up", 409, false, "As many messages as the platform allows were sent; wait until the follower writes again", "可回复条数已用完，请等对方再次发来消息";
    ReplyProductGone = "reply_product_gone", 409, false, "The product of the answer cannot be bought in the shop now", "回复中的商品已无法购买";
    FollowerNotReachable = "follower_not_reachable", 409, false, "The follower left the account, or their data was erased; nothing can be sent to them", "对方已取关或已要求删除资料，不能再发送";
    FollowerTagsFull = "follower_tags_full", 409, false, "The account has as many tags as the platform allows; delete one first", "该账号的标签已达平台上限（100 个），请先删除一个";
    FollowerTaggingOn = "follower_tagging_runs", 409, false, "This tag is being put on or taken off already; wait until that is done", "该标签正在批量打标或取消，请等它完成";
    AccountCodesFull = "account_codes_full", 409, false, "The account has as many codes as there may be; remove one first", "该账号的二维码已达上限，请先移除一张";
    LivePlansFull = "live_plans_full", 409, false, "The account has as many checklists as there may be; delete one first", "该账号的直播清单已达上限，请先删除一份";
    ArticleWrongState = "article_wrong_state", 409, false, "The article is at the platform; this cannot be done to it now", "文章正在平台处理或已发布，当前不能进行此操作";
    ReplyRulesFull = "reply_rules_full", 409, false, "The account has as many rules as there may be; delete one first", "该账号的回复规则已达上限，请先删除一条";

    // promotions at channels
    PromotionBusy = "promotion_busy", 409, true, "The platform is being asked already; wait a moment", "上一次操作正在提交平台，请稍候";
    PromotionWrongState = "promotion_wrong_state", 409, false, "The promotion is not in a state for this", "活动当前状态不能进行此操作";

    // webhooks
    WebhookInactive = "webhook_endpoint_inactive", 409, false, "The endpoint is not active; resume it first", "该端点未启用，请先恢复";
    WebhookDeliveryWaits = "webhook_delivery_waits", 409, false, "This delivery is still being tried", "该投递仍在进行中";

    // orders, shipping and imports
    OrderWrongState = "order_wrong_state", 409, false, "The order is not in a state for this", "订单当前状态不能进行此操作";
    OrderAmounts = "order_amounts", 422, false, "The amounts of the order do not add up", "订单金额不一致";
    WaybillInvalid = "waybill_invalid", 422, false, "The waybill number is not valid", "运单号不正确";
    WaybillDuplicate = "waybill_duplicate", 409, false, "This waybill was sent before", "该运单号已发货";
    CarrierInvalid = "carrier_invalid", 422, false, "The carrier is not known", "快递公司不正确";
    ShipmentQuantity = "shipment_quantity", 422, false, "The quantities do not fit what is left to send", "发货数量与待发数量不符";
    ImportColumns = "import_columns", 422, false, "Columns of the file are missing or doubled", "文件缺少必要的列或列重复";
    ImportTooManyRows = "import_too_many_rows", 422, false, "The file has too many rows", "文件行数超过上限";
    ImportEncoding = "import_encoding", 422, false, "The file cannot be read as CSV", "无法将文件识别为 CSV";
    ImportEmpty = "import_empty", 422, false, "The file has no rows", "文件中没有数据行";
    ImportOver = "import_over", 409, false, "The import is over", "导入已结束";

    // a merchant as a whole
    ExportRunning = "export_running", 409, false, "An archive of this merchant is being made already", "该商家已有导出任务正在进行";
    ExportNotReady = "export_not_ready", 409, true, "The archive is not ready yet", "导出文件尚未完成";
    ExportGone = "export_gone", 410, false, "The archive is no longer kept; make a new one", "导出文件已删除，请重新导出";

    DeletionBlocked = "deletion_blocked", 409, false, "Some things have to be settled before the merchant can be deleted", "还有事项未结清，不能注销商家";
    DeletionOpen = "deletion_open", 409, false, "The deletion of this merchant was asked for already", "该商家已申请注销";
    DeletionOver = "deletion_over", 409, false, "The deletion cannot be withdrawn any more", "注销已开始或已结束，不能撤回";
    DeletionNotDone = "deletion_not_done", 409, false, "There is no listing before everything is deleted", "删除完成后才有删除清单";

    // money
    InsufficientBalance = "insufficient_balance", 409, false, "The balance does not suffice", "余额不足";
    AmountOutOfRange = "amount_out_of_range", 422, false, "The amount is out of range", "金额超出范围";
    JournalInvalid = "journal_invalid", 500, false, "The booking is not valid", "记账内容不正确";
}

/// One thing wrong with one field, in both languages, for forms and for `errors[]` of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where: `title`, `skus[3].price`, or the column of a file.
    pub path: String,
    /// What kind of fault: a stable word such as `required` or `too_long`.
    pub code: &'static str,
    /// What to do, in English.
    pub message_en: String,
    /// What to do, in Chinese.
    pub message_zh: String,
}

impl FieldError {
    /// A field error with its texts.
    pub fn new(
        path: impl Into<String>,
        code: &'static str,
        en: impl Into<String>,
        zh: impl Into<String>,
    ) -> Self {
        Self { path: path.into(), code, message_en: en.into(), message_zh: zh.into() }
    }
    /// The field is empty but needed.
    pub fn required(path: impl Into<String>) -> Self {
        Self::new(path, "required", "this is needed", "必填")
    }
    /// The field carries an error of a parsing newtype: the code's titles become the texts.
    pub fn of(path: impl Into<String>, code: ErrorCode) -> Self {
        Self::new(path, code.as_str(), code.title_en(), code.title_zh())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_snake_case_and_carry_an_error_status() {
        let mut seen = BTreeSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{} twice", code.as_str());
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", code.as_str());
            assert!((400..600).contains(&code.status()), "{}", code.as_str());
            assert!(!code.title_en().is_empty() && !code.title_zh().is_empty());
        }
    }
}
