//! What types cannot say about a configuration: ranges, formats, and what production refuses.

use super::{Config, DEFAULT, MailTransport, Profile, SmtpSecurity};

pub(super) fn check(config: &Config, problems: &mut Vec<String>) {
    let mut expect = |holds: bool, problem: &str| {
        if !holds {
            problems.push(problem.to_owned());
        }
    };
    let url = url::Url::parse(&config.app.public_url);
    expect(
        url.as_ref().is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.path() == "/"),
        "app.public_url: expected an address like https://shop.example without a path",
    );
    expect(
        jiff::tz::TimeZone::get(&config.app.time_zone).is_ok(),
        "app.time_zone: expected a zone such as Asia/Shanghai",
    );
    expect(
        config.http.bind.parse::<std::net::SocketAddr>().is_ok(),
        "http.bind: expected an address and port such as 127.0.0.1:8080",
    );
    expect(
        (1..=300).contains(&config.http.request_timeout_seconds),
        "http.request_timeout_seconds: 1 to 300",
    );
    expect((1..=3600).contains(&config.http.keep_alive_seconds), "http.keep_alive_seconds: 1 to 3600");
    expect((1..=600).contains(&config.http.answer_timeout_seconds), "http.answer_timeout_seconds: 1 to 600");
    expect(
        (32..=65_536).contains(&config.http.large_bodies_megabytes),
        "http.large_bodies_megabytes: 32 to 65536",
    );
    let database = &config.database;
    expect(
        (1..=600).contains(&database.statement_timeout_seconds),
        "database.statement_timeout_seconds: 1 to 600",
    );
    expect((1..=600).contains(&database.lock_timeout_seconds), "database.lock_timeout_seconds: 1 to 600");
    expect((1..=1000).contains(&config.database.max_connections), "database.max_connections: 1 to 1000");
    expect(config.keys.token_secret.reveal().len() >= 32, "keys.token_secret: at least 32 characters");
    expect(master_key(config).is_some(), "keys.master_key: expected 64 hexadecimal digits");
    expect((1..=60).contains(&config.login.impersonation_minutes), "login.impersonation_minutes: 1 to 60");
    expect((1..=60).contains(&config.login.access_token_minutes), "login.access_token_minutes: 1 to 60");
    expect((1..=365).contains(&config.login.session_days), "login.session_days: 1 to 365");
    expect((1..=3660).contains(&config.login.api_key_days), "login.api_key_days: 1 to 3660");
    expect(config.login.max_failures >= 3, "login.max_failures: at least 3");
    let buyers = &config.buyers;
    expect((1..=365).contains(&buyers.session_days), "buyers.session_days: 1 to 365");
    expect((1..=30).contains(&buyers.code_minutes), "buyers.code_minutes: 1 to 30");
    expect((1..=10).contains(&buyers.code_tries), "buyers.code_tries: 1 to 10");
    expect((1..=3600).contains(&buyers.resend_seconds), "buyers.resend_seconds: 1 to 3600");
    expect((1..=100).contains(&buyers.codes_per_phone), "buyers.codes_per_phone: 1 to 100");
    expect(buyers.codes_per_address >= 1, "buyers.codes_per_address: at least 1");
    expect(buyers.codes_per_shop >= 1, "buyers.codes_per_shop: at least 1");
    let stand_in = &config.sms.aliyun_url;
    expect(
        stand_in.is_empty()
            || stand_in.starts_with("https://")
            || (config.webhooks.allow_loopback && stand_in.starts_with("http://")),
        "sms.aliyun_url: expected an https address",
    );
    expect((0..=30).contains(&buyers.erasure_days), "buyers.erasure_days: 0 to 30");
    expect((1..=256).contains(&config.jobs.concurrency), "jobs.concurrency: 1 to 256");
    expect(
        config.domains.dns_server.is_empty()
            || config.domains.dns_server.parse::<std::net::SocketAddr>().is_ok(),
        "domains.dns_server: expected an address and port such as 9.9.9.9:53",
    );
    expect(config.domains.file_port > 0, "domains.file_port: 1 to 65535");
    expect((1..=100_000).contains(&config.imports.max_rows), "imports.max_rows: 1 to 100000");
    expect((1..=3_650).contains(&config.deletion.waiting_days), "deletion.waiting_days: 1 to 3650");
    expect((0..=200).contains(&config.deletion.keep_years), "deletion.keep_years: 0 to 200");
    expect((1..=8_760).contains(&config.exports.keep_hours), "exports.keep_hours: 1 to 8760");
    expect(
        (1..=16_384).contains(&config.exports.max_restore_gigabytes),
        "exports.max_restore_gigabytes: 1 to 16384",
    );
    let webhooks = &config.webhooks;
    expect((1..=30).contains(&webhooks.timeout_seconds), "webhooks.timeout_seconds: 1 to 30");
    expect((1..=256).contains(&webhooks.concurrency), "webhooks.concurrency: 1 to 256");
    expect((1..=64).contains(&webhooks.per_tenant), "webhooks.per_tenant: 1 to 64");
    expect((1..=64).contains(&webhooks.per_endpoint), "webhooks.per_endpoint: 1 to 64");
    let most = config.limits.most();
    expect(
        (1..=100_000).contains(&most.per_second) && (most.per_second..=1_000_000).contains(&most.at_once),
        "limits.most_per_second: 1 to 100000; limits.most_burst: at least that, at most 1000000",
    );
    let figures = &config.figures;
    expect((1..=100_000).contains(&figures.tenants), "figures.tenants: 1 to 100000");
    expect(figures.metrics_tenants <= 10_000, "figures.metrics_tenants: at most 10000");
    let token = figures.metrics_token.reveal();
    expect(token.is_empty() || token.len() >= 16, "figures.metrics_token: empty, or at least 16 characters");
    expect((10..=86_400).contains(&config.orders.reconcile_seconds), "orders.reconcile_seconds: 10 to 86400");
    expect(
        (10_240..=20_971_520).contains(&config.qualifications.document_max_bytes),
        "qualifications.document_max_bytes: 10240 to 20971520",
    );
    let promotions = &config.promotions;
    expect(
        (0..=8_760).contains(&promotions.discount_longest_hours)
            && (0..=3_650).contains(&promotions.discount_farthest_days),
        "promotions.discount_longest_hours: 0 to 8760; promotions.discount_farthest_days: 0 to 3650",
    );
    expect(
        (0..=1_000_000).contains(&promotions.discount_price_above_fen)
            && (0..=1_000_000).contains(&promotions.discount_least_less_fen),
        "promotions.discount_price_above_fen, promotions.discount_least_less_fen: 0 to 1000000",
    );
    expect(
        (0..=100).contains(&promotions.discount_least_percent)
            && (0..=100).contains(&promotions.discount_most_percent),
        "promotions.discount_least_percent, promotions.discount_most_percent: 0 to 100",
    );
    expect(
        (1..=99).contains(&promotions.coupon_least_percent)
            && (1..=100_000_000).contains(&promotions.coupon_most_less_fen)
            && (1..=2_000).contains(&promotions.coupon_most_products)
            && (1..=3_650).contains(&promotions.coupon_longest_days),
        "promotions.coupon_least_percent: 1 to 99; promotions.coupon_most_less_fen: 1 to 100000000; promotions.coupon_most_products: 1 to 2000; promotions.coupon_longest_days: 1 to 3650",
    );
    expect((10..=60_000).contains(&config.jobs.poll_milliseconds), "jobs.poll_milliseconds: 10 to 60000");
    expect(
        config.mail.from.parse::<lettre::message::Mailbox>().is_ok(),
        "mail.from: expected Name <address>",
    );
    expect(
        tracing_subscriber::EnvFilter::try_new(&config.log.filter).is_ok(),
        "log.filter: not a filter such as info,sqlx=warn",
    );
    if config.app.profile == Profile::Production {
        for (key, value) in [
            ("token_secret", config.keys.token_secret.reveal()),
            ("master_key", config.keys.master_key.reveal()),
        ] {
            expect(
                !DEFAULT.contains(value),
                &format!("keys.{key}: production needs a key of its own, not the development key"),
            );
        }
        expect(!webhooks.allow_loopback, "webhooks.allow_loopback: production refuses it");
        expect(
            url.is_ok_and(|url| url.scheme() == "https"),
            "app.public_url: production needs https, cookies are marked Secure",
        );
        expect(
            config.mail.transport != MailTransport::Smtp
                || config.mail.smtp_security != SmtpSecurity::None
                || matches!(config.mail.smtp_host.as_str(), "localhost" | "127.0.0.1" | "::1"),
            "mail.smtp_security: none is refused for a server on another machine",
        );
    }
}

/// The master key as bytes, when it is well formed.
pub(super) fn master_key(config: &Config) -> Option<[u8; 32]> {
    hex::decode(config.keys.master_key.reveal()).ok()?.try_into().ok()
}
