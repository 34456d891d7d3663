//! Message crypto of WeChat pushes.
//!
//! Signature: `sha1_hex(concat(sort([token, timestamp, nonce(, encrypt)])))`, byte order, no separator.
//! Cipher: AES-256-CBC, IV = first 16 bytes of the key, PKCS#7 **with blocks of 32** (a pad may be 17..=32, which
//! ordinary un-padders refuse). Plaintext: 16 random bytes, message length as u32 big-endian, message, app id.

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use qianpu_sdk::Secret;
use qianpu_sdk::crypto::{Hash, Key, KeyForm, Piece, Vector, aes_cbc_open, digest, equal};
use sha1::{Digest, Sha1};

/// 43 characters are 258 bits: most real keys end in two non-zero bits that a strict decoder refuses.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Length of an `EncodingAESKey`.
pub const KEY_CHARACTERS: usize = 43;
const PAD_BLOCK: usize = 32;
const RANDOM: usize = 16;
const HEADER: usize = RANDOM + 4;

/// Why a message could not be opened or a key not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The `EncodingAESKey` is not 43 characters of base64.
    #[error("the encoding key has to be 43 letters and digits")]
    BadKey,
    /// Not base64, or not whole cipher blocks.
    #[error("the message is not base64 of whole blocks")]
    BadCiphertext,
    /// Padding or length make no sense: another key, or a changed message.
    #[error("the message does not open with this key")]
    DoesNotOpen,
}

/// A decoded `EncodingAESKey`.
#[derive(Clone)]
pub struct MessageKey([u8; 32]);

impl std::fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MessageKey(***)")
    }
}

/// An opened message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The message.
    pub message: Vec<u8>,
    /// The app id behind it. The caller compares it with its own.
    pub app_id: String,
}

impl MessageKey {
    /// Reads an `EncodingAESKey` (43 characters, base64 without its `=`).
    pub fn parse(encoding_aes_key: &str) -> Result<Self, CryptoError> {
        if encoding_aes_key.len() != KEY_CHARACTERS {
            return Err(CryptoError::BadKey);
        }
        let bytes = LENIENT.decode(encoding_aes_key).map_err(|_| CryptoError::BadKey)?;
        bytes.try_into().map(Self).map_err(|_| CryptoError::BadKey)
    }

    fn iv(&self) -> [u8; 16] {
        let mut iv = [0; 16];
        iv.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        iv
    }

    /// Opens the base64 text of `Encrypt`.
    pub fn open(&self, encrypted: &str) -> Result<Opened, CryptoError> {
        let mut buffer = LENIENT.decode(encrypted.trim()).map_err(|_| CryptoError::BadCiphertext)?;
        if buffer.is_empty() || buffer.len() % 16 != 0 {
            return Err(CryptoError::BadCiphertext);
        }
        let plain = cbc::Decryptor::<Aes256>::new(&self.0.into(), &self.iv().into())
            .decrypt_padded::<NoPadding>(&mut buffer)
            .map_err(|_| CryptoError::DoesNotOpen)?;
        read_plain(plain).ok_or(CryptoError::DoesNotOpen)
    }

    /// Encrypts a reply; `random` is 16 bytes that were never used before.
    pub fn seal(&self, random: &[u8; RANDOM], message: &[u8], app_id: &str) -> Result<String, CryptoError> {
        let length = u32::try_from(message.len()).map_err(|_| CryptoError::BadCiphertext)?;
        let mut plain = Vec::with_capacity(HEADER + message.len() + app_id.len() + PAD_BLOCK);
        plain.extend_from_slice(random);
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(message);
        plain.extend_from_slice(app_id.as_bytes());
        let pad = PAD_BLOCK - plain.len() % PAD_BLOCK;
        let value = u8::try_from(pad).map_err(|_| CryptoError::BadCiphertext)?;
        plain.resize(plain.len() + pad, value);
        let size = plain.len();
        let sealed = cbc::Encryptor::<Aes256>::new(&self.0.into(), &self.iv().into())
            .encrypt_padded::<NoPadding>(&mut plain, size)
            .map_err(|_| CryptoError::BadCiphertext)?;
        Ok(LENIENT.encode(sealed))
    }
}

fn read_plain(plain: &[u8]) -> Option<Opened> {
    let pad = usize::from(*plain.last()?);
    if !(1..=PAD_BLOCK).contains(&pad) {
        return None;
    }
    let (body, padding) = plain.split_at_checked(plain.len().checked_sub(pad)?)?;
    if padding.iter().any(|byte| usize::from(*byte) != pad) {
        return None;
    }
    let (_, rest) = body.split_at_checked(RANDOM)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (message, app_id) = rest.split_at_checked(length)?;
    Some(Opened { message: message.to_vec(), app_id: String::from_utf8(app_id.to_vec()).ok()? })
}

/// `sha1_hex(concat(sort(parts)))` in lower case.
pub fn signature(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    let mut sha1 = Sha1::new();
    for part in sorted {
        sha1.update(part.as_bytes());
    }
    hex::encode(sha1.finalize())
}

/// Compares in constant time whether `given` is the signature of the token and the parts. The token stays unread: see
/// [`qianpu_sdk::crypto`].
pub fn signed_with(token: &Secret<String>, parts: &[&str], given: &str) -> bool {
    let mut pieces = vec![Piece::Secret(token)];
    pieces.extend(parts.iter().map(|part| Piece::Bytes(part.as_bytes())));
    digest(Hash::Sha1, &pieces, true).is_ok_and(|hash| equal(hex::encode(hash).as_bytes(), given.as_bytes()))
}

/// Opens the base64 text of `Encrypt` with an `EncodingAESKey` that stays unread.
pub fn open_with(encoding_aes_key: &Secret<String>, encrypted: &str) -> Result<Opened, CryptoError> {
    let data = LENIENT.decode(encrypted.trim()).map_err(|_| CryptoError::BadCiphertext)?;
    if data.is_empty() || data.len() % 16 != 0 {
        return Err(CryptoError::BadCiphertext);
    }
    let key = Key { secret: encoding_aes_key, form: KeyForm::Base64 };
    let plain = aes_cbc_open(key, Vector::KeyPrefix, &data).map_err(|_| CryptoError::BadKey)?;
    read_plain(&plain).ok_or(CryptoError::DoesNotOpen)
}

/// Lower-case hex SHA-1, for dedup keys.
pub fn fingerprint(bytes: &[u8]) -> String {
    hex::encode(Sha1::digest(bytes))
}
