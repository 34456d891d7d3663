//! Hashes, signatures and ciphers over secrets that the plugin does not read.
//!
//! A built-in plugin computes in place. Inside a component [`Secret`]s are handles, and these functions ask the host,
//! which knows the values: the same plugin works as both, as long as it uses secrets only here and in requests.

#[cfg(not(target_arch = "wasm32"))]
mod native;

use crate::secret::Secret;
use std::sync::OnceLock;

/// A hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hash {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// A piece of a text to be hashed.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// As it is.
    Bytes(&'a [u8]),
    /// The value of a secret.
    Secret(&'a Secret<String>),
}

/// How the characters of a key become its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyForm {
    /// The bytes of the text.
    Utf8,
    /// Hexadecimal.
    Hex,
    /// Base64; a missing `=` and unused bits at the end do no harm.
    Base64,
}

/// A key: a secret, and how to read it.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// The secret.
    pub secret: &'a Secret<String>,
    /// How to read it.
    pub form: KeyForm,
}

/// Where the initialisation vector of a cipher comes from.
#[derive(Clone, Copy, Debug)]
pub enum Vector<'a> {
    /// Given.
    Bytes(&'a [u8]),
    /// The first 16 bytes of the key.
    KeyPrefix,
}

/// Why something could not be computed: a key that is none, data that are not whole blocks. Names no values.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct CryptoFailure(pub String);

/// Who computes.
pub trait Crypto: Sync {
    /// See [`digest`].
    fn digest(&self, hash: Hash, pieces: &[Piece<'_>], sorted: bool) -> Result<Vec<u8>, CryptoFailure>;
    /// See [`hmac()`].
    fn hmac(&self, hash: Hash, key: Key<'_>, pieces: &[Piece<'_>]) -> Result<Vec<u8>, CryptoFailure>;
    /// See [`aes_cbc_open`].
    fn aes_cbc_open(&self, key: Key<'_>, vector: Vector<'_>, data: &[u8]) -> Result<Vec<u8>, CryptoFailure>;
    /// See [`aes_cbc_seal`].
    fn aes_cbc_seal(&self, key: Key<'_>, vector: Vector<'_>, data: &[u8]) -> Result<Vec<u8>, CryptoFailure>;
    /// See [`equal`].
    fn equal(&self, a: &[u8], b: &[u8]) -> bool;
}

static INSTALLED: OnceLock<&'static dyn Crypto> = OnceLock::new();

/// Puts somebody else in charge, once. The glue of a component does it before anything else.
pub fn install(crypto: &'static dyn Crypto) {
    let _ = INSTALLED.set(crypto);
}

fn crypto() -> Result<&'static dyn Crypto, CryptoFailure> {
    match INSTALLED.get() {
        Some(crypto) => Ok(*crypto),
        #[cfg(not(target_arch = "wasm32"))]
        None => Ok(&native::InPlace),
        #[cfg(target_arch = "wasm32")]
        None => Err(CryptoFailure("the component has no host".to_owned())),
    }
}

/// The hash of the pieces, one behind the other; `sorted` puts them into the order of their bytes first.
///
/// ```
/// use qianpu_sdk::crypto::{Hash, Piece, digest};
/// let token = qianpu_sdk::Secret::from("b");
/// let pieces = [Piece::Secret(&token), Piece::Bytes(b"a")];
/// assert_eq!(digest(Hash::Md5, &pieces, true), digest(Hash::Md5, &[Piece::Bytes(b"ab")], false));
/// ```
pub fn digest(hash: Hash, pieces: &[Piece<'_>], sorted: bool) -> Result<Vec<u8>, CryptoFailure> {
    crypto()?.digest(hash, pieces, sorted)
}

/// The HMAC of the pieces, one behind the other.
pub fn hmac(hash: Hash, key: Key<'_>, pieces: &[Piece<'_>]) -> Result<Vec<u8>, CryptoFailure> {
    crypto()?.hmac(hash, key, pieces)
}

/// Opens AES-CBC, by the length of the key. Padding stays where it is.
pub fn aes_cbc_open(key: Key<'_>, vector: Vector<'_>, data: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
    crypto()?.aes_cbc_open(key, vector, data)
}

/// Seals with AES-CBC, by the length of the key. The data are whole blocks already.
pub fn aes_cbc_seal(key: Key<'_>, vector: Vector<'_>, data: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
    crypto()?.aes_cbc_seal(key, vector, data)
}

/// Compares in constant time.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    crypto().is_ok_and(|crypto| crypto.equal(a, b))
}
