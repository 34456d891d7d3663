//! Password hashes: Argon2id with the parameters OWASP recommends (19 MiB, 2 passes, 1 lane). Hashing
//! takes tens of milliseconds of a core, so it never runs on a worker of the web server.

use crate::error::{Answer, ApiError};
use actix_web::web;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::OnceLock;

/// Shortest password that is accepted.
pub const SHORTEST: usize = 10;
/// Longest; more would only feed the hash function.
pub const LONGEST: usize = 200;

fn hasher() -> Result<Argon2<'static>, String> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| error.to_string())?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String, String> {
    let salt = qianpu_tenants::random::bytes::<16>();
    let hash =
        hasher()?.hash_password_with_salt(password.as_bytes(), &salt).map_err(|error| error.to_string())?;
    Ok(hash.to_string())
}

/// Hashes a new password into a PHC string.
pub async fn hash(password: String) -> Answer<String> {
    let hashed = web::block(move || hash_now(&password)).await;
    hashed.map_err(ApiError::internal)?.map_err(ApiError::internal)
}

/// Whether the password is right. Without a stored hash (unknown account) the same work is done against a
/// hash that nothing matches, so that the time does not tell whether the account exists.
pub async fn verify(password: String, stored: Option<String>) -> Answer<bool> {
    let outcome = web::block(move || {
        static NOBODY: OnceLock<Result<String, String>> = OnceLock::new();
        let known = stored.is_some();
        let phc = match stored {
            Some(phc) => phc,
            None => NOBODY.get_or_init(|| hash_now(&qianpu_tenants::random::token())).clone()?,
        };
        let parsed = PasswordHash::new(&phc).map_err(|error| error.to_string())?;
        let fits = hasher()?.verify_password(password.as_bytes(), &parsed).is_ok();
        Ok::<_, String>(known && fits)
    });
    outcome.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn only_the_right_password_fits() {
        let stored = hash("correct horse battery".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify("correct horse battery".to_owned(), Some(stored.clone())).await.unwrap());
        assert!(!verify("wrong".to_owned(), Some(stored)).await.unwrap());
        assert!(!verify("wrong".to_owned(), None).await.unwrap());
    }
}
