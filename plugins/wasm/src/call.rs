//! What a running instance holds and may ask for.

use crate::bindings::qianpu::channel::{crypto, log, types};
use crate::engine::Limits;
use crate::fault::Fault;
use crate::secrets::Secrets;
use qianpu_sdk::Secret;
use qianpu_sdk::crypto::{CryptoFailure, Hash, Key, KeyForm, Piece, Vector};
use wasmtime::ResourceLimiter;

/// Longest line a plugin may write into the log.
const LONGEST_LINE: usize = 2_000;

/// The data of one instance.
pub(crate) struct Call {
    pub(crate) plugin: &'static str,
    pub(crate) limits: Limits,
    pub(crate) secrets: Secrets,
    pub(crate) memory_denied: bool,
    /// Bytes of all its memories together.
    memory: usize,
    host_calls: u32,
    log_lines: u32,
}

impl Call {
    pub(crate) fn new(plugin: &'static str, limits: Limits, secrets: Secrets) -> Self {
        Self { plugin, limits, secrets, memory_denied: false, memory: 0, host_calls: 0, log_lines: 0 }
    }

    fn count(&mut self) -> wasmtime::Result<()> {
        self.host_calls += 1;
        if self.host_calls > self.limits.host_calls { Err(Fault::TooManyCalls.into()) } else { Ok(()) }
    }

    fn secret(&self, handle: &str) -> Result<Secret<String>, String> {
        self.secrets
            .value(handle)
            .map(|value| Secret::new(value.to_owned()))
            .map_err(|fault| fault.to_string())
    }

    /// A vector from the key gives half of the key away to whoever opens the same data with another vector too.
    fn may_start(&self, key: &crypto::Key, vector: &crypto::Vector) -> Result<(), String> {
        match vector {
            crypto::Vector::KeyPrefix if !self.secrets.proves_pushes(&key.secret) => {
                Err("only keys of pushes can be their own vector".to_owned())
            }
            crypto::Vector::KeyPrefix | crypto::Vector::Bytes(_) => Ok(()),
        }
    }

    /// The pieces with their secrets, which outlive the borrow.
    fn pieces(&self, pieces: Vec<crypto::Piece>) -> Result<Vec<Owned>, String> {
        pieces
            .into_iter()
            .map(|piece| match piece {
                crypto::Piece::Bytes(bytes) => Ok(Owned::Bytes(bytes)),
                crypto::Piece::Secret(handle) => self.secret(&handle).map(Owned::Secret),
            })
            .collect()
    }
}

enum Owned {
    Bytes(Vec<u8>),
    Secret(Secret<String>),
}

fn borrowed(pieces: &[Owned]) -> Vec<Piece<'_>> {
    pieces
        .iter()
        .map(|piece| match piece {
            Owned::Bytes(bytes) => Piece::Bytes(bytes),
            Owned::Secret(secret) => Piece::Secret(secret),
        })
        .collect()
}

impl ResourceLimiter for Call {
    fn memory_growing(&mut self, now: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let together = self.memory.saturating_add(desired.saturating_sub(now));
        let allowed = together <= self.limits.memory;
        if allowed {
            self.memory = together;
        }
        self.memory_denied |= !allowed;
        Ok(allowed)
    }
    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= self.limits.table_elements;
        self.memory_denied |= !allowed;
        Ok(allowed)
    }
}

impl types::Host for Call {}

impl log::Host for Call {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.count()?;
        self.log_lines += 1;
        if self.log_lines > self.limits.log_lines {
            return Ok(());
        }
        let clean = |character: char| if character.is_control() { ' ' } else { character };
        let message: String = message.chars().take(LONGEST_LINE).map(clean).collect();
        let plugin = self.plugin;
        match level {
            log::Level::Debug => tracing::debug!(target: "plugin", plugin, "{message}"),
            log::Level::Info => tracing::info!(target: "plugin", plugin, "{message}"),
            log::Level::Warn => tracing::warn!(target: "plugin", plugin, "{message}"),
            log::Level::Error => tracing::error!(target: "plugin", plugin, "{message}"),
        }
        Ok(())
    }
}

const fn hash(hash: crypto::Hash) -> Hash {
    match hash {
        crypto::Hash::Md5 => Hash::Md5,
        crypto::Hash::Sha1 => Hash::Sha1,
        crypto::Hash::Sha256 => Hash::Sha256,
        crypto::Hash::Sha512 => Hash::Sha512,
    }
}

const fn form(form: crypto::KeyForm) -> KeyForm {
    match form {
        crypto::KeyForm::Utf8 => KeyForm::Utf8,
        crypto::KeyForm::Hex => KeyForm::Hex,
        crypto::KeyForm::Base64 => KeyForm::Base64,
    }
}

fn vector(vector: &crypto::Vector) -> Vector<'_> {
    match vector {
        crypto::Vector::Bytes(bytes) => Vector::Bytes(bytes),
        crypto::Vector::KeyPrefix => Vector::KeyPrefix,
    }
}

type Computed = Result<Vec<u8>, String>;

fn told(result: Result<Vec<u8>, CryptoFailure>) -> Computed {
    result.map_err(|failure| failure.to_string())
}

impl crypto::Host for Call {
    fn digest(
        &mut self,
        kind: crypto::Hash,
        pieces: Vec<crypto::Piece>,
        sorted: bool,
    ) -> wasmtime::Result<Computed> {
        self.count()?;
        let run = || {
            // The order of pieces tells how a secret compares with a guess; asked often enough, that is the secret.
            let tells = |piece: &crypto::Piece| matches!(piece, crypto::Piece::Secret(handle) if !self.secrets.proves_pushes(handle));
            if sorted && pieces.iter().any(tells) {
                return Err("only secrets of pushes can be sorted".to_owned());
            }
            told(qianpu_sdk::crypto::digest(hash(kind), &borrowed(&self.pieces(pieces)?), sorted))
        };
        Ok(run())
    }
    fn hmac(
        &mut self,
        kind: crypto::Hash,
        key: crypto::Key,
        pieces: Vec<crypto::Piece>,
    ) -> wasmtime::Result<Computed> {
        self.count()?;
        let run = || {
            let secret = self.secret(&key.secret)?;
            let key = Key { secret: &secret, form: form(key.form) };
            told(qianpu_sdk::crypto::hmac(hash(kind), key, &borrowed(&self.pieces(pieces)?)))
        };
        Ok(run())
    }
    fn aes_cbc_open(
        &mut self,
        key: crypto::Key,
        start: crypto::Vector,
        data: Vec<u8>,
    ) -> wasmtime::Result<Computed> {
        self.count()?;
        let run = || {
            self.may_start(&key, &start)?;
            let secret = self.secret(&key.secret)?;
            let key = Key { secret: &secret, form: form(key.form) };
            told(qianpu_sdk::crypto::aes_cbc_open(key, vector(&start), &data))
        };
        Ok(run())
    }
    fn aes_cbc_seal(
        &mut self,
        key: crypto::Key,
        start: crypto::Vector,
        data: Vec<u8>,
    ) -> wasmtime::Result<Computed> {
        self.count()?;
        let run = || {
            self.may_start(&key, &start)?;
            let secret = self.secret(&key.secret)?;
            let key = Key { secret: &secret, form: form(key.form) };
            told(qianpu_sdk::crypto::aes_cbc_seal(key, vector(&start), &data))
        };
        Ok(run())
    }
    fn equal(&mut self, a: Vec<u8>, b: Vec<u8>) -> wasmtime::Result<bool> {
        self.count()?;
        Ok(qianpu_sdk::crypto::equal(&a, &b))
    }
}

#[cfg(test)]
mod tests {
    use super::Call;
    use crate::engine::Limits;
    use crate::secrets::Secrets;
    use wasmtime::ResourceLimiter;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn the_limit_is_on_all_memories_together() {
        let mut call =
            Call::new("plugin", Limits { memory: 64 * MIB, ..Limits::default() }, Secrets::new(""));
        assert!(call.memory_growing(0, 40 * MIB, None).unwrap());
        assert!(call.memory_growing(40 * MIB, 50 * MIB, None).unwrap());
        assert!(!call.memory_growing(0, 15 * MIB, None).unwrap() && call.memory_denied);
        assert!(call.memory_growing(0, 14 * MIB, None).unwrap());
        assert!(!call.memory_growing(50 * MIB, 51 * MIB, None).unwrap());
    }
}
