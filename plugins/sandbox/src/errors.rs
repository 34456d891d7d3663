//! The platform's error answers: number, text and the ` rid: …` every text ends with.

use crate::clock::{Now, random_hex};
use serde_json::{Value, json};
use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WxError {
    pub code: i64,
    pub text: Cow<'static, str>,
}

pub type Answer = Result<Value, WxError>;

/// An error with the text the platform's table gives for it.
pub fn error(code: i64) -> WxError {
    WxError { code, text: Cow::Borrowed(text_of(code)) }
}

/// An error whose text names the very thing that was wrong.
pub fn error_with(code: i64, text: impl Into<Cow<'static, str>>) -> WxError {
    WxError { code, text: text.into() }
}

pub fn invalid_args(what: &str) -> WxError {
    error_with(40097, format!("invalid args, {what}"))
}

pub fn ok() -> Value {
    json!({"errcode": 0, "errmsg": "ok"})
}

/// `errcode` and `errmsg` in front of the given members.
pub fn ok_with(members: Value) -> Value {
    let mut answer = ok();
    if let (Some(to), Value::Object(from)) = (answer.as_object_mut(), members) {
        to.extend(from);
    }
    answer
}

pub fn new_rid(now: Now) -> String {
    format!("{:08x}-{}-{}", now.seconds(), random_hex(8), random_hex(8))
}

impl WxError {
    pub fn render(&self, rid: &str) -> Value {
        json!({"errcode": self.code, "errmsg": format!("{} rid: {rid}", self.text)})
    }
}

pub fn text_of(code: i64) -> &'static str {
    match code {
        -1 => "system error",
        40001 => {
            "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken"
        }
        40002 => "invalid grant_type",
        40003 => "invalid openid",
        40005 => "invalid file type",
        40007 => "invalid media_id",
        40013 => "invalid appid",
        40014 => "invalid access_token",
        40016 => "invalid button size",
        40052 => "invalid action name",
        40053 => "invalid action info",
        40029 => "invalid code",
        40030 => "invalid refresh_token",
        40036 => "invalid template_id",
        40066 => "invalid url",
        10_023_000 => "参数错误",
        10_023_001 => "不合法的finder_id",
        10_023_007 => "请先开通优选联盟",
        10_023_100 => "type类型错误",
        10_023_101 => "不允许相同product_id",
        10_023_102 => "操作数量超过限制",
        10_023_103 => "不存在该推广商品",
        10_023_104 => "该小店商品未上架",
        10_023_105 => "普通/定向计划与专属计划互斥",
        10_023_106 => "普通计划非上架状态,该定向计划无法上架",
        10020115 => "order has address modify apply to be handled",
        40097 => "invalid request body",
        40125 => "invalid appsecret",
        40163 => "code been used",
        40164 => "invalid ip, not in whitelist",
        40170 => "args count exceed count limit",
        41001 => "access_token missing",
        41002 => "appid missing",
        41004 => "appsecret missing",
        41005 => "media data missing",
        41008 => "missing code",
        41009 => "missing openid",
        41018 => "missing component_appid",
        42001 => "access_token expired",
        42002 => "refresh_token expired",
        42003 => "oauth_code expired",
        42007 => "access_token and refresh_token exception",
        43001 => "require GET method",
        43002 => "require POST method",
        43004 => "require subscribe",
        44001 => "empty media data",
        44002 => "empty post data",
        45001 => "media size out of limit",
        45002 => "content size out of limit",
        45009 => "reach max api daily quota limit",
        45011 => "api minute-quota reach limit must slower retry next minute",
        45015 => "response out of time limit or subscription is canceled",
        45047 => "out of response count limit",
        40037 => "invalid template_id",
        43101 => "user refuse to accept the msg",
        45056 => "too many tag now, no need to add new",
        45057 => "can't delete the tag that has too many fans",
        45058 => "can't modify sys tag",
        45059 => "can not tag over limit",
        45157 => "invalid tag name",
        45158 => "tag name too long",
        45159 => "invalid tag id",
        46003 => "menu no exist",
        47001 => "data format error",
        48001 => "api unauthorized",
        48004 => "api forbidden for irregularities",
        48006 => "forbid to clear quota because of reaching the limit",
        50002 => "user limited",
        61003 => "component is not authorized by this account",
        61004 => "access clientip is not registered",
        61005 => "component ticket is expired",
        61006 => "component ticket is invalid",
        61007 => "api is unauthorized to component",
        61009 => "code is invalid",
        61010 => "code is expired",
        61011 => "invalid component",
        61014 => "must use component token for component api",
        61016 => "function category of api need be confirmed by component",
        61023 => "refresh_token is invalid",
        76022 => "no this rid record",
        101100 => ", 订单状态错误,不允许执行此操作",
        606031 => ", 发货请求里product_id或sku_id填写不正确",
        10020003 => "非法的openid参数,请仔细检查",
        10020004 => "非法的时间区间,不得大于24小时",
        10020008 => "当前商品不允许编辑",
        10020011 => "商品的类目长度不对(预期是有三级类目)",
        10020013 => "商品sku数量不合理(sku数量必须在1-500之间)",
        10020017 => "类目非法",
        10020018 => "商家不具备当前类目资质",
        10020019 => "运费模版非法",
        10020020 => "商品标题为空",
        10020021 => "商品标题过长",
        10020022 => "商品头图为空",
        10020023 => "商品头图过多",
        10020025 => "商品详情图片过多",
        10020027 => "资质图片过多",
        10020028 => "sku价格过高",
        10020029 => "sku商品编码过长",
        10020032 => "sku销售属性key过长",
        10020033 => "sku销售属性value过长",
        10020035 => "图片/视频url非法,url前缀应为mmecimage.cn/p/",
        10020036 => "out_product_id过长",
        10020037 => "out_sku_id过长",
        10020038 => "上架的商品缺少sku",
        10020039 => "SKU价格为0",
        10020040 => "sku售卖价格大于市场价格",
        10020042 => "商品标题过短",
        10020045 => "商品标题不得仅为数字、字母、字符,不得含非法字符",
        10020050 => "没有商品权限,请获取权限后再试",
        10020051 => "参数错误,请开发者按照文档传参",
        10020052 => "商品不存在",
        10020054 => "更新库存失败",
        10020055 => "参数有误,请开发者按照文档传参",
        10021001 => "优惠券状态不对",
        10021037 => "优惠券不存在",
        10020076 => "限时抢购任务不存在",
        10020077 => "抢购活动状态不正确",
        10020067 => "商品正在异步上传中,请稍后再试",
        10020217 => "当前商品状态草稿状态为审核中,不允许直接更新库存",
        10020218 => "增加减少数量为0",
        10020219 => "库存不足以减扣",
        10020289 => "该商品从未曾经上架成功过,不允许直接更新库存",
        10021041 => "当前售后单不支持此操作",
        10080000 => "小店注销中",
        10080001 => "小店已注销",
        _ => "error",
    }
}
