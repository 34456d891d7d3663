//! The installation's keys in memory, derived from the configuration once.

use crate::config::Config;
use hmac::{Hmac, KeyInit, Mac};
use qianpu_tenants::secrets::Sealer;
use sha2::{Digest, Sha256};

/// Signing keys and the sealer of credentials.
#[derive(Clone)]
pub struct Keys {
    token: [u8; 32],
    form: [u8; 32],
    key_id: String,
    pub sealer: Sealer,
}

impl Keys {
    /// Derives one key per purpose, so that a token of one kind is never one of another.
    pub fn of(config: &Config) -> Result<Self, String> {
        let secret = config.keys.token_secret.reveal().as_bytes();
        let derive = |purpose: &[u8]| -> Result<[u8; 32], String> {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|error| error.to_string())?;
            mac.update(purpose);
            Ok(mac.finalize().into_bytes().into())
        };
        let token = derive(b"qianpu access token 1")?;
        let key_id = hex::encode(Sha256::digest(token).iter().take(6).copied().collect::<Vec<u8>>());
        let master = config.master_key().ok_or("keys.master_key is not 64 hexadecimal digits")?;
        Ok(Self { token, form: derive(b"qianpu form token 1")?, key_id, sealer: Sealer::new(master) })
    }
    pub(super) fn token_key(&self) -> &[u8; 32] {
        &self.token
    }
    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }
    /// Binds form tokens of visitors to their cookie.
    pub fn form_key(&self) -> &[u8; 32] {
        &self.form
    }
}
