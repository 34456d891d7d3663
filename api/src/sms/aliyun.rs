//! Alibaba Cloud SMS 阿里云短信 (Dysmsapi 2017-05-25, `SendSms`), signed by ACS3-HMAC-SHA256.
//!
//! From <https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature> ("V3版本请求体&签名机制",
//! whose two worked signatures are the golden vectors below) and the product's API reference
//! (<https://help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms>).

use super::{Reply, Sms, SmsError};
use hmac::{Hmac, KeyInit, Mac};
use qianpu_domain::time::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Where the real service is.
pub const ENDPOINT: &str = "https://dysmsapi.aliyuncs.com";
const ACTION: &str = "SendSms";
const VERSION: &str = "2017-05-25";
const ALGORITHM: &str = "ACS3-HMAC-SHA256";
const SIGNED: &str = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";

/// What a provider fills in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub access_key_id: String,
    /// The approved signature 短信签名.
    pub sign_name: String,
    /// The approved template; it has the one variable `code`.
    pub template_code: String,
}

/// A signed request: path with query, and headers. The body is empty.
#[derive(Clone, Debug)]
pub struct Signed {
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
}

/// What one call is signed with.
struct Call<'a> {
    host: &'a str,
    action: &'a str,
    version: &'a str,
    /// Sorted by name.
    query: &'a [(&'a str, &'a str)],
    date: &'a str,
    nonce: &'a str,
    key_id: &'a str,
    secret: &'a str,
}

/// RFC 3986: everything but letters, digits and `-_.~` is encoded.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn hex_sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn sign(call: &Call<'_>) -> Signed {
    let pairs: Vec<String> =
        call.query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let query = pairs.join("&");
    let content = hex_sha256(b"");
    let canonical = format!(
        "POST\n/\n{query}\nhost:{}\nx-acs-action:{}\nx-acs-content-sha256:{content}\nx-acs-date:{}\n\
         x-acs-signature-nonce:{}\nx-acs-version:{}\n\n{SIGNED}\n{content}",
        call.host, call.action, call.date, call.nonce, call.version
    );
    let to_sign = format!("{ALGORITHM}\n{}", hex_sha256(canonical.as_bytes()));
    // A key of any length is accepted by HMAC.
    let signature = Hmac::<Sha256>::new_from_slice(call.secret.as_bytes()).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(to_sign.as_bytes());
            hex::encode(mac.finalize().into_bytes())
        },
    );
    let authorization =
        format!("{ALGORITHM} Credential={},SignedHeaders={SIGNED},Signature={signature}", call.key_id);
    Signed {
        path: format!("/?{query}"),
        headers: vec![
            ("x-acs-action", call.action.to_owned()),
            ("x-acs-version", call.version.to_owned()),
            ("x-acs-date", call.date.to_owned()),
            ("x-acs-signature-nonce", call.nonce.to_owned()),
            ("x-acs-content-sha256", content),
            ("authorization", authorization),
        ],
    }
}

/// The request that sends a code.
pub fn build(
    settings: &Settings,
    secret: &str,
    host: &str,
    sms: &Sms,
    now: Timestamp,
    nonce: &str,
) -> Signed {
    let date = Timestamp::from_seconds(now.seconds()).to_string();
    let parameters = json!({ "code": sms.code }).to_string();
    sign(&Call {
        host,
        action: ACTION,
        version: VERSION,
        query: &[
            ("PhoneNumbers", &sms.phone),
            ("SignName", &settings.sign_name),
            ("TemplateCode", &settings.template_code),
            ("TemplateParam", &parameters),
        ],
        date: &date,
        nonce,
        key_id: &settings.access_key_id,
        secret,
    })
}

/// Codes that may pass by themselves; every other refusal stays one.
fn may_pass(code: &str) -> bool {
    code.starts_with("Throttling")
        || matches!(code, "ServiceUnavailable" | "InternalError" | "isp.SYSTEM_ERROR")
}

/// Reads the answer: `Code` is `OK`, or says what is wrong.
pub fn read(reply: &Reply) -> Result<Option<String>, SmsError> {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let code = text("Code");
    match code.as_str() {
        "OK" if reply.status == 200 => Ok(body.get("BizId").and_then(Value::as_str).map(str::to_owned)),
        "" => Err(SmsError::Later {
            code: format!("http_{}", reply.status),
            text: "the answer has no Code".to_owned(),
        }),
        _ if may_pass(&code) || reply.status >= 500 => Err(SmsError::Later { code, text: text("Message") }),
        _ => Err(SmsError::Never { code, text: text("Message") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::lang::Lang;

    fn example(date: &str, nonce: &str) -> Signed {
        sign(&Call {
            host: "ecs.cn-shanghai.aliyuncs.com",
            action: "RunInstances",
            version: "2014-05-26",
            query: &[
                ("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"),
                ("RegionId", "cn-shanghai"),
            ],
            date,
            nonce,
            key_id: "YourAccessKeyId",
            secret: "YourAccessKeySecret",
        })
    }

    /// The worked examples of the document.
    #[test]
    fn the_documents_signatures() {
        for (date, nonce, signature) in [
            (
                "2023-10-26T10:22:32Z",
                "3156853299f313e23d1673dc12e1703d",
                "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
            ),
            (
                "2023-10-26T09:01:01Z",
                "d410180a5abf7fe235dd9b74aca91fc0",
                "e521358f7776c97df52e6b2891a8bc73026794a071b50c3323388c4e0df64804",
            ),
        ] {
            let signed = example(date, nonce);
            let authorization = signed.headers.iter().find(|(name, _)| *name == "authorization").unwrap();
            let expected = format!(
                "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={SIGNED},Signature={signature}"
            );
            assert_eq!(authorization.1, expected);
        }
    }

    #[test]
    fn a_code_is_sent_by_template() {
        let sms =
            Sms { phone: "13800138000".into(), lang: Lang::Zh, code: "012345".into(), text: String::new() };
        let settings = Settings {
            access_key_id: "key".into(),
            sign_name: "山前 茶铺".into(),
            template_code: "SMS_1".into(),
        };
        let now = Timestamp::from_micros(1_800_000_000_123_456);
        let signed = build(&settings, "secret", "dysmsapi.aliyuncs.com", &sms, now, "n");
        assert_eq!(
            signed.path,
            "/?PhoneNumbers=13800138000&SignName=%E5%B1%B1%E5%89%8D%20%E8%8C%B6%E9%93%BA&TemplateCode=SMS_1\
             &TemplateParam=%7B%22code%22%3A%22012345%22%7D"
        );
        assert!(signed.headers.contains(&("x-acs-date", "2027-01-15T08:00:00Z".to_owned())), "{signed:?}");
    }

    #[test]
    fn answers_are_sorted_by_what_to_do_next() {
        let read = |status, body: &str| read(&Reply { status, body: body.as_bytes().to_vec() });
        let sent = read(200, r#"{"Message":"OK","RequestId":"r","Code":"OK","BizId":"9001^0"}"#);
        assert_eq!(sent, Ok(Some("9001^0".to_owned())));
        for (status, body, later) in [
            (200, r#"{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"too often"}"#, false),
            (400, r#"{"Code":"SignatureDoesNotMatch","Message":"no"}"#, false),
            (400, r#"{"Code":"Throttling.User","Message":"slow down"}"#, true),
            (503, r#"{"Code":"ServiceUnavailable","Message":"later"}"#, true),
            (502, "<html>", true),
        ] {
            let refused = read(status, body).unwrap_err();
            assert_eq!(matches!(refused, SmsError::Later { .. }), later, "{refused:?}");
        }
    }
}
