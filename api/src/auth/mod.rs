//! Proving who somebody is: passwords, codes of authenticator apps, access tokens, form tokens, and the brake on
//! guessing.
//! The use cases (log in, refresh, log out) are in `app::auth`.

pub mod buyer_token;
pub mod csrf;
pub mod keys;
pub mod last_use;
pub mod password;
pub mod throttle;
pub mod token;
pub mod totp;
