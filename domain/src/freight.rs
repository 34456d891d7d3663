//! What a freight template and an address of a shop may say: our limits, where the platform documents none.

use crate::error::FieldError;
use crate::money::Fen;

/// Longest name of a template.
pub const NAME: usize = 30;
/// Most prices by area, besides the one for everywhere else.
pub const MOST_RULES: usize = 20;
/// Most conditions under which sending is free.
pub const MOST_FREE: usize = 20;
/// Most areas of one price, condition or list.
pub const MOST_AREAS: usize = 400;
/// Hours within which may be promised to send.
pub const HOURS: [u32; 3] = [24, 48, 72];
/// Most money of a price or condition.
pub const MOST_MONEY: Fen = Fen::new(100_000_000);
/// Most pieces or kilograms.
pub const MOST_QUANTITY: i64 = 10_000;

/// The provinces, in the platform's words: what 全国 stands for.
pub const PROVINCES: [&str; 34] = [
    "北京市",
    "天津市",
    "河北省",
    "山西省",
    "内蒙古自治区",
    "辽宁省",
    "吉林省",
    "黑龙江省",
    "上海市",
    "江苏省",
    "浙江省",
    "安徽省",
    "福建省",
    "江西省",
    "山东省",
    "河南省",
    "湖北省",
    "湖南省",
    "广东省",
    "广西壮族自治区",
    "海南省",
    "重庆市",
    "四川省",
    "贵州省",
    "云南省",
    "西藏自治区",
    "陕西省",
    "甘肃省",
    "青海省",
    "宁夏回族自治区",
    "新疆维吾尔自治区",
    "台湾省",
    "香港特别行政区",
    "澳门特别行政区",
];

/// A text that has to be there, of limited length.
pub fn text(path: &str, typed: &str, most: usize) -> Result<String, FieldError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(FieldError::required(path));
    }
    if typed.chars().count() > most {
        let (en, zh) = (format!("at most {most} characters"), format!("最多 {most} 个字"));
        return Err(FieldError::new(path, "too_long", en, zh));
    }
    Ok(typed.to_owned())
}

/// A price: nothing, or money up to the limit.
pub fn price(path: &str, typed: Fen) -> Result<Fen, FieldError> {
    if (Fen::new(0)..=MOST_MONEY).contains(&typed) {
        return Ok(typed);
    }
    Err(FieldError::new(path, "range", "0 to 1,000,000 yuan", "应在 0–1,000,000 元之间"))
}

/// Pieces or kilograms.
pub fn quantity(path: &str, typed: i64) -> Result<i64, FieldError> {
    if (1..=MOST_QUANTITY).contains(&typed) {
        return Ok(typed);
    }
    let (en, zh) = (format!("1 to {MOST_QUANTITY}"), format!("应为 1–{MOST_QUANTITY} 的整数"));
    Err(FieldError::new(path, "range", en, zh))
}

/// A phone of the mainland, a landline with its area code, or a service number.
pub fn phone(path: &str, typed: &str) -> Result<String, FieldError> {
    let plain: String = typed.chars().filter(|letter| !matches!(letter, ' ' | '-')).collect();
    if (7..=13).contains(&plain.len()) && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(plain);
    }
    Err(FieldError::new(path, "phone", "digits of a phone number", "请填写正确的电话号码"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_sent_is_refused_at_its_field() {
        assert_eq!(text("name", " 按件 ", NAME).unwrap(), "按件");
        assert_eq!(text("name", " ", NAME).unwrap_err().code, "required");
        assert_eq!(text("name", &"长".repeat(31), NAME).unwrap_err().code, "too_long");
        for (typed, fits) in [(-1, false), (0, true), (100_000_000, true), (100_000_001, false)] {
            assert_eq!(price("p", Fen::new(typed)).is_ok(), fits, "{typed}");
        }
        for (typed, fits) in [(0, false), (1, true), (10_000, true), (10_001, false)] {
            assert_eq!(quantity("q", typed).is_ok(), fits, "{typed}");
        }
        for (typed, fits) in [("020-8116 7888", true), ("13800138000", true), ("电话", false), ("1", false)]
        {
            assert_eq!(phone("p", typed).is_ok(), fits, "{typed}");
        }
    }
}
