//! The one home of randomness: ids and secrets.

use qianpu_domain::time::Timestamp;
use uuid::Uuid;

/// `N` bytes from the operating system.
///
/// # Panics
/// When the operating system has no randomness to give; nothing safe can be done then.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    #[allow(clippy::expect_used, reason = "without randomness no token or id may be made")]
    getrandom::fill(&mut buffer).expect("the operating system gives randomness");
    buffer
}

/// A UUIDv7 for `now`.
pub fn id(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes::<10>()).into_uuid()
}

/// A token of 256 bits as 43 characters of unpadded base64url.
pub fn token() -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes::<32>())
}
