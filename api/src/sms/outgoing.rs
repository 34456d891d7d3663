//! The one call a sender makes: bounded in time and size, without redirects, to public addresses only. The address a
//! name has is judged and then connected to, so it cannot change in between. This machine itself is reached in
//! development only.

use super::{Reply, SmsError};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use url::Url;

/// For everything: the name, the connection, the answer's last byte.
const WITHIN: Duration = Duration::from_secs(10);
const MOST_BYTES: usize = 64 * 1024;

/// Whether an address can be configured at all; names are judged when they are resolved.
pub fn acceptable(text: &str, development: bool) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= 500)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let host = url.host_str()?;
    let here = development && matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let public = here || literal.is_none_or(is_public);
    (plain && public && (url.scheme() == "https" || (here && url.scheme() == "http"))).then_some(url)
}

/// Whether an address is on the internet.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            let special = ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_documentation()
                || a == 0
                || a >= 224
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b));
            !special
        }
        // Global unicast is 2000::/3, without 6to4, Teredo and documentation.
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            first >> 13 == 0b001
                && first != 0x2002
                && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
        }
    }
}

/// Posts. Any status is an answer; everything else may pass by itself.
pub async fn post(
    url: &Url,
    headers: &[(&'static str, String)],
    body: String,
    development: bool,
) -> Result<Reply, SmsError> {
    let exchange = exchange(url, headers, body, development);
    tokio::time::timeout(WITHIN, exchange)
        .await
        .unwrap_or_else(|_| Err(later("timeout", "no answer in time")))
}

fn later(code: &str, text: &str) -> SmsError {
    SmsError::Later { code: code.to_owned(), text: text.to_owned() }
}

async fn exchange(
    url: &Url,
    headers: &[(&'static str, String)],
    body: String,
    development: bool,
) -> Result<Reply, SmsError> {
    let refused = || SmsError::Never {
        code: "address_refused".to_owned(),
        text: "the address is not a public one".to_owned(),
    };
    let url = acceptable(url.as_str(), development).ok_or_else(refused)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let found = tokio::net::lookup_host((host.as_str(), port)).await;
    let found: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
    if found.is_empty() {
        return Err(later("name_unresolved", "the name of the host cannot be resolved"));
    }
    if !development && found.iter().any(|address| !is_public(address.ip())) {
        return Err(refused());
    }
    let client = client(&host, &found, url.scheme() == "http").map_err(|text| later("client", &text))?;
    let mut request = client.post(url).body(body);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    // The error of the client would repeat the address with its query, where the number is.
    let lost = |_| later("connection_failed", "no connection, or it broke");
    let mut answer = request.send().await.map_err(lost)?;
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(lost)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST_BYTES {
            return Err(later("answer_too_large", "the answer is too large"));
        }
    }
    Ok(Reply { status, body: bytes })
}

fn client(host: &str, addresses: &[SocketAddr], plain: bool) -> Result<reqwest::Client, String> {
    // Somebody else may have installed it already; either way one is there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .https_only(!plain)
            .timeout(WITHIN)
            .resolve_to_addrs(host, addresses)
            .user_agent(concat!("qianpu/", env!("CARGO_PKG_VERSION")))
    };
    // A machine without root certificates can still call itself; https will say what is missing.
    builder().build().or_else(|_| builder().tls_certs_only([]).build()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::acceptable;

    #[test]
    fn only_public_https_addresses_can_be_configured() {
        assert!(acceptable("https://sms.example.com/send?x=1", false).is_some());
        assert!(acceptable("http://127.0.0.1:9000/send", true).is_some());
        for bad in [
            "http://sms.example.com/",
            "http://127.0.0.1:9000/",
            "https://127.0.0.1/",
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/",
            "https://user:pass@sms.example.com/",
            "ftp://sms.example.com/",
            "sms.example.com",
        ] {
            assert!(acceptable(bad, false).is_none(), "{bad}");
        }
    }
}
