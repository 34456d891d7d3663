//! Codes of authenticator apps (RFC 6238: SHA-1, six digits, half minutes, one step of drift either way), the picture
//! that apps scan, and recovery codes. That a code works once is kept by the store.

use crate::error::{Answer, ApiError};
use fast_qr::convert::Builder as _;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::{ECL, QRBuilder};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::random;
use std::str::FromStr;
use totp_rs::{Builder, Secret, Totp};
use url::Url;

/// How many recovery codes a person gets.
pub const RECOVERY_CODES: usize = 10;
const ISSUER: &str = "Qianpu";
const DIGITS: usize = 6;
/// Characters of a recovery code without its dashes: 80 bits.
const RECOVERY_LENGTH: usize = 16;

/// A new shared secret, in base32.
pub fn new_secret() -> String {
    Secret::new_stack(random::bytes::<20>()).to_base32()
}

fn totp(secret: &str) -> Answer<Totp> {
    let secret = Secret::try_from_base32(secret).map_err(|_| ApiError::internal("a secret is no base32"))?;
    Builder::new().with_secret(secret).build().map_err(ApiError::internal)
}

/// The time step whose code this is, when it is one of now, half a minute ago or half a minute ahead.
pub fn step_of(secret: &str, code: &str, now: Timestamp) -> Answer<Option<i64>> {
    let seconds = u64::try_from(now.seconds()).map_err(ApiError::internal)?;
    Ok(totp(secret)?.check(code, seconds).and_then(|step| i64::try_from(step).ok()))
}

/// What an app shows now.
pub fn code_at(secret: &str, now: Timestamp) -> Answer<String> {
    let seconds = u64::try_from(now.seconds()).map_err(ApiError::internal)?;
    Ok(totp(secret)?.generate(seconds).to_string())
}

/// What apps read from the picture: secret, who it is for, and for which account.
pub fn address(secret: &str, email: &str) -> Answer<String> {
    let mut address = Url::from_str("otpauth://totp/").map_err(ApiError::internal)?;
    address.set_path(&format!("/{ISSUER}:{email}"));
    address.query_pairs_mut().append_pair("secret", secret).append_pair("issuer", ISSUER);
    Ok(address.into())
}

/// The picture, as SVG.
pub fn picture(address: &str) -> Answer<String> {
    let code = QRBuilder::new(address)
        .ecl(ECL::M)
        .build()
        .map_err(|error| ApiError::internal(format!("{error:?}")))?;
    Ok(SvgBuilder::default().margin(2).to_str(&code))
}

/// A code as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Of the app.
    App(String),
    /// A recovery code, without its dashes.
    Recovery(String),
    /// Neither.
    Nothing,
}

/// Blanks and dashes are for the eye, and recovery codes are typed in either case.
pub fn typed(code: &str) -> Typed {
    let plain: String =
        code.chars().filter(|c| !c.is_whitespace() && *c != '-').take(RECOVERY_LENGTH + 1).collect();
    let plain = plain.to_ascii_uppercase();
    if plain.len() == DIGITS && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        Typed::App(plain)
    } else if plain.len() == RECOVERY_LENGTH && plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Typed::Recovery(plain)
    } else {
        Typed::Nothing
    }
}

/// New recovery codes, without dashes.
pub fn new_recovery_codes() -> Vec<String> {
    (0..RECOVERY_CODES).map(|_| Secret::from(random::bytes::<10>().to_vec()).to_base32()).collect()
}

/// A recovery code as it is shown, `ABCD-EFGH-IJKL-MNOP`.
pub fn shown(code: &str) -> String {
    let characters: Vec<char> = code.chars().collect();
    characters.chunks(4).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `12345678901234567890`, of the appendices of RFC 4226 and RFC 6238.
    const RFC: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_documents() {
        // RFC 6238 appendix B shows eight digits; six are their end.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_seconds(seconds);
            assert_eq!(step_of(RFC, code, now).unwrap(), Some(seconds / 30), "{seconds}");
        }
        // RFC 4226 appendix D counts from 0.
        for (count, code) in [(0, "755224"), (1, "287082"), (5, "254676"), (9, "520489")] {
            assert_eq!(step_of(RFC, code, Timestamp::from_seconds(count * 30)).unwrap(), Some(count));
        }
    }

    #[test]
    fn one_step_of_drift_either_way() {
        let at = |seconds| step_of(RFC, "287082", Timestamp::from_seconds(seconds)).unwrap();
        for seconds in [0, 29, 30, 59, 60, 89] {
            assert_eq!(at(seconds), Some(1), "{seconds}");
        }
        assert_eq!(at(90), None);
    }

    #[test]
    fn what_is_typed_is_read_as_people_type_it() {
        assert_eq!(typed(" 287 082 "), Typed::App("287082".into()));
        assert_eq!(typed("abcd-efgh-2345-ijkl"), Typed::Recovery("ABCDEFGH2345IJKL".into()));
        for nothing in ["", "28708", "2870823", "２８７０８２", "abcd-efgh-2345-ijkl-m", "汉汉汉汉汉汉"]
        {
            assert_eq!(typed(nothing), Typed::Nothing, "{nothing}");
        }
        let codes = new_recovery_codes();
        assert_eq!(codes.len(), RECOVERY_CODES);
        for code in &codes {
            assert_eq!(typed(&shown(code).to_lowercase()), Typed::Recovery(code.clone()));
        }
    }

    #[test]
    fn the_picture_holds_the_address() {
        let address = address(RFC, "lin+1@example.com").unwrap();
        assert_eq!(address, format!("otpauth://totp/Qianpu:lin+1@example.com?secret={RFC}&issuer=Qianpu"));
        let picture = picture(&address).unwrap();
        assert!(picture.starts_with("<svg") && picture.contains("<path"), "{picture}");
    }
}
