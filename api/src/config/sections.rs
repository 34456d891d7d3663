//! The sections of the configuration, as `default.toml` names and explains them.

use super::Secret;
use crate::http::limits::Rate;
use qianpu_domain::coupon::CouponLimits;
use qianpu_domain::money::Fen;
use qianpu_domain::policy::{RateTerms, RequestRate};
use qianpu_domain::promotion::DiscountLimits;
use qianpu_domain::time::Span;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    Development,
    Production,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    pub profile: Profile,
    pub public_url: String,
    pub data_dir: PathBuf,
    pub time_zone: String,
    pub language: crate::pages::lang::Lang,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub bind: String,
    pub workers: usize,
    pub request_timeout_seconds: u64,
    pub answer_timeout_seconds: u64,
    pub large_bodies_megabytes: usize,
    pub keep_alive_seconds: u64,
    pub shutdown_seconds: u64,
    pub behind_proxy: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: Secret,
    pub admin_url: Secret,
    pub max_connections: u32,
    pub statement_timeout_seconds: u64,
    pub lock_timeout_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    pub token_secret: Secret,
    pub master_key: Secret,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub access_token_minutes: i64,
    pub impersonation_minutes: i64,
    pub session_days: i64,
    pub max_failures: u32,
    pub api_key_days: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buyers {
    pub session_days: i64,
    pub code_minutes: i64,
    pub code_tries: i64,
    pub resend_seconds: i64,
    pub codes_per_phone: i64,
    pub codes_per_address: i64,
    pub codes_per_shop: i64,
    pub erasure_days: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    pub aliyun_url: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    pub reconcile_seconds: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qualifications {
    pub document_max_bytes: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promotions {
    pub discount_longest_hours: i64,
    pub discount_farthest_days: i64,
    pub discount_price_above_fen: i64,
    pub discount_least_less_fen: i64,
    pub discount_least_percent: i64,
    pub discount_most_percent: i64,
    pub coupon_least_percent: i64,
    pub coupon_most_less_fen: i64,
    pub coupon_most_products: usize,
    pub coupon_longest_days: i64,
}

impl Promotions {
    pub fn coupon_limits(&self) -> CouponLimits {
        CouponLimits {
            least_ppm: self.coupon_least_percent * 10_000,
            most_less: Fen::new(self.coupon_most_less_fen),
            most_products: self.coupon_most_products,
            longest: Span::days(self.coupon_longest_days),
        }
    }

    pub fn discount_limits(&self) -> DiscountLimits {
        let some = |number: i64, otherwise: i64| if number > 0 { number } else { otherwise };
        let hours = self.discount_longest_hours;
        DiscountLimits {
            longest: (hours > 0).then(|| Span::hours(hours)),
            farthest: Span::days(some(self.discount_farthest_days, 3_650)),
            price_above: Fen::new(self.discount_price_above_fen),
            least_less: Fen::new(self.discount_least_less_fen),
            least_ppm: self.discount_least_percent * 10_000,
            most_ppm: some(self.discount_most_percent, 100) * 10_000,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTransport {
    File,
    Smtp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    Required,
    Starttls,
    None,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    pub transport: MailTransport,
    pub from: String,
    pub smtp_host: String,
    pub smtp_port: u16,
    pub smtp_security: SmtpSecurity,
    pub smtp_username: String,
    pub smtp_password: Secret,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    pub concurrency: usize,
    pub poll_milliseconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    pub max_bytes: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    pub wechat_api_url: String,
    pub wechat_pages_url: String,
    pub douyin_api_url: String,
    pub douyin_pages_url: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domains {
    pub dns_server: String,
    pub file_port: u16,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imports {
    pub max_rows: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    pub waiting_days: i64,
    pub keep_years: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exports {
    pub keep_hours: i64,
    pub max_restore_gigabytes: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub address_per_second: u32,
    pub address_burst: u32,
    pub tenant_per_second: u32,
    pub tenant_burst: u32,
    pub caller_per_second: u32,
    pub caller_burst: u32,
    pub most_per_second: u32,
    pub most_burst: u32,
}

impl Limits {
    /// The rate of one address.
    pub fn address(&self) -> Rate {
        Rate { per_second: self.address_per_second, burst: self.address_burst }
    }
    /// The rates of tenants for which no rule or plan says others.
    pub fn terms(&self) -> RateTerms {
        let rate = |per_second, at_once| RequestRate { per_second, at_once };
        RateTerms {
            tenant: rate(self.tenant_per_second, self.tenant_burst),
            caller: rate(self.caller_per_second, self.caller_burst),
        }
    }
    /// The most that a rule or a plan may give.
    pub fn most(&self) -> RequestRate {
        RequestRate { per_second: self.most_per_second, at_once: self.most_burst }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    pub tenants: usize,
    pub metrics_tenants: usize,
    pub metrics_token: Secret,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub allow_loopback: bool,
    pub timeout_seconds: u64,
    pub concurrency: usize,
    pub per_tenant: u64,
    pub per_endpoint: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}
