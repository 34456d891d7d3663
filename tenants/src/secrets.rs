//! Sealing of credentials at rest: AES-256-GCM under a data key per provider.
//!
//! The data key is derived from the installation's master key and the provider's id (HMAC-SHA-256), so one
//! provider's sealed values cannot be opened as another's, and the tenant and purpose are authenticated.
//! Layout: version byte 1 ‖ nonce (12) ‖ ciphertext and tag.

use crate::context::TenantCtx;
use crate::error::{StoreError, StoreResult};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// An opened secret text. `Debug` is masked; writing it down has to be spelt [`Plain::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Plain(String);

impl Plain {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// Unwraps the text.
    pub fn into_inner(self) -> String {
        self.0
    }
}

impl From<String> for Plain {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Seals and opens secrets.
#[derive(Clone)]
pub struct Sealer {
    master: [u8; 32],
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

const VERSION: u8 = 1;

impl Sealer {
    /// With the installation's master key.
    pub fn new(master: [u8; 32]) -> Self {
        Self { master }
    }

    fn cipher(&self, ctx: &TenantCtx) -> StoreResult<Aes256Gcm> {
        let owner = ctx.provider.unwrap_or(ctx.tenant);
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.master).map_err(|_| StoreError::Corrupt("master key"))?;
        mac.update(b"qianpu data key 1");
        mac.update(owner.0.as_bytes());
        let key = mac.finalize().into_bytes();
        Aes256Gcm::new_from_slice(&key).map_err(|_| StoreError::Corrupt("data key"))
    }

    fn associated(ctx: &TenantCtx, purpose: &str) -> Vec<u8> {
        [ctx.tenant.0.as_bytes().as_slice(), purpose.as_bytes()].concat()
    }

    /// A keyed hash of `value` for this tenant and purpose, as hexadecimal: finds a value that is stored sealed.
    /// Without the master key nobody can try out values against it.
    pub fn lookup(&self, ctx: &TenantCtx, purpose: &str, value: &str) -> StoreResult<String> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.master).map_err(|_| StoreError::Corrupt("master key"))?;
        mac.update(b"qianpu lookup key 1");
        mac.update(ctx.provider.unwrap_or(ctx.tenant).0.as_bytes());
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(&Self::associated(ctx, purpose));
        mac.update(value.as_bytes());
        Ok(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Seals `plain` for this tenant and purpose.
    pub fn seal(&self, ctx: &TenantCtx, purpose: &str, plain: &[u8]) -> StoreResult<Vec<u8>> {
        let nonce = crate::random::bytes::<12>();
        let aad = Self::associated(ctx, purpose);
        let sealed = self
            .cipher(ctx)?
            .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: &aad })
            .map_err(|_| StoreError::Corrupt("sealing"))?;
        Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
    }

    /// Seals a text.
    pub fn seal_text(&self, ctx: &TenantCtx, purpose: &str, plain: &Plain) -> StoreResult<Vec<u8>> {
        self.seal(ctx, purpose, plain.expose().as_bytes())
    }

    /// Opens a text.
    pub fn open_text(&self, ctx: &TenantCtx, purpose: &str, sealed: &[u8]) -> StoreResult<Plain> {
        let bytes = self.open(ctx, purpose, sealed)?;
        String::from_utf8(bytes).map(Plain).map_err(|_| StoreError::Corrupt("a sealed text"))
    }

    /// Opens what [`Sealer::seal`] made for the same tenant and purpose.
    pub fn open(&self, ctx: &TenantCtx, purpose: &str, sealed: &[u8]) -> StoreResult<Vec<u8>> {
        let broken = StoreError::Corrupt("a sealed secret");
        let (Some((&VERSION, rest)), true) = (sealed.split_first(), sealed.len() > 13) else {
            return Err(broken);
        };
        let (nonce, body) = rest.split_at(12);
        let nonce: [u8; 12] = nonce.try_into().map_err(|_| StoreError::Corrupt("a sealed secret"))?;
        let aad = Self::associated(ctx, purpose);
        self.cipher(ctx)?.decrypt(&Nonce::from(nonce), Payload { msg: body, aad: &aad }).map_err(|_| broken)
    }
}
