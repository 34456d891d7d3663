//! Rules of OAuth 2.1 that need no database: where an answer may be sent, what a proof key looks like, and the words of
//! errors.

use crate::error::FieldError;

/// Most addresses of one app.
pub const MOST_REDIRECTS: usize = 10;
const LONGEST_REDIRECT: usize = 500;

words! {
    /// The errors of RFC 6749 §4.1.2.1 and §5.2.
    pub enum OauthError {
        /// A parameter is missing, doubled or wrong.
        InvalidRequest = "invalid_request",
        /// The app is unknown or did not prove who it is.
        InvalidClient = "invalid_client",
        /// The code or refresh token is not good (any more).
        InvalidGrant = "invalid_grant",
        /// This app may not do this.
        UnauthorizedClient = "unauthorized_client",
        /// Only code, refresh token and client credentials are known.
        UnsupportedGrantType = "unsupported_grant_type",
        /// Only `code` is known.
        UnsupportedResponseType = "unsupported_response_type",
        /// Permissions that do not exist or that the app may not have.
        InvalidScope = "invalid_scope",
        /// The person said no.
        AccessDenied = "access_denied",
        /// Something went wrong on our side.
        ServerError = "server_error",
        /// Too much at once.
        TemporarilyUnavailable = "temporarily_unavailable",
    }
}

impl OauthError {
    /// The status of the token endpoint.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 429,
            _ => 400,
        }
    }
}

/// An address that answers may be sent to: https, without a fragment, compared letter by letter. `development` allows
/// http on this machine.
pub fn redirect_uri(text: &str, development: bool) -> Result<String, FieldError> {
    let uri = text.trim();
    let refused = || {
        let (en, zh) = if development {
            (
                "an https address without #, or http on 127.0.0.1 or localhost",
                "须为不含 # 的 https 地址，或本机 http 地址",
            )
        } else {
            ("an https address without #", "须为不含 # 的 https 地址")
        };
        FieldError::new("redirect_uris", "invalid", en, zh)
    };
    let plain =
        uri.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>'));
    if !plain || uri.len() > LONGEST_REDIRECT {
        return Err(refused());
    }
    let (scheme, rest) = uri.split_once("://").ok_or_else(refused)?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let port_is_good = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let named = |host: &str| {
        !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    };
    let here = matches!(host, "127.0.0.1" | "localhost");
    let good = match scheme {
        "https" => named(host),
        "http" => development && here,
        _ => false,
    };
    if good && port_is_good { Ok(uri.to_owned()) } else { Err(refused()) }
}

/// Whether it has the shape of a proof key (RFC 7636 §4.1).
pub fn verifier_is_well_formed(verifier: &str) -> bool {
    (43..=128).contains(&verifier.len())
        && verifier
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

/// Whether it has the shape of a SHA-256 challenge: 43 letters of base64url.
pub fn challenge_is_well_formed(challenge: &str) -> bool {
    challenge.len() == 43
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_to_plain_https_addresses_only() {
        for good in [
            "https://app.example/cb",
            "https://app.example",
            "https://app.example:8443/a?b=c",
            " https://a.cn/x ",
        ] {
            assert_eq!(redirect_uri(good, false).unwrap(), good.trim());
        }
        for bad in [
            "",
            "app.example/cb",
            "http://app.example/cb",
            "https://",
            "https:///cb",
            "https://a.example/cb#x",
            "https://user@a.example/cb",
            "https://a.example\\@b.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://a.example/",
            "https://a.example:99999/",
            "https://a.example:/",
            "https://a b.example/",
            "https://例.cn/",
            "http://127.0.0.1/cb",
            "com.example.app:/cb",
            "https://[::1]/cb",
        ] {
            assert!(redirect_uri(bad, false).is_err(), "{bad}");
        }
        assert!(redirect_uri(&format!("https://a.example/{}", "x".repeat(500)), false).is_err());
        for (text, good) in [
            ("http://127.0.0.1:9000/cb", true),
            ("http://localhost/cb", true),
            ("http://app.example/cb", false),
            ("http://127.0.0.1.evil.example/cb", false),
            ("http://localhost@evil.example/", false),
        ] {
            assert_eq!(redirect_uri(text, true).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn proof_keys_have_their_shape() {
        assert!(verifier_is_well_formed("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert!(!verifier_is_well_formed("short") && !verifier_is_well_formed(&"a".repeat(129)));
        assert!(!verifier_is_well_formed(&format!("{}+", "a".repeat(50))));
        assert!(challenge_is_well_formed("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        assert!(!challenge_is_well_formed(&"a".repeat(44)) && !challenge_is_well_formed(&"=".repeat(43)));
    }
}
