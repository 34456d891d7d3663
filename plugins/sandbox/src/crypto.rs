//! The platform's message envelope: SHA-1 signatures over sorted pieces, AES-256-CBC with its own padding and framing.
//!
//! Written from the platform's message-push pages. The plaintext is `random(16) ‖ length(u32, big endian) ‖ message ‖
//! app id`; the vector is the first half of the key; padding fills up to a multiple of 32 bytes, so a pad byte may be
//! 1..=32 and ordinary 16-byte un-padders refuse it.

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest, Sha1};

/// Key text has 43 characters = 258 bits, so two non-zero bits may trail the 32 bytes.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);
const PAD_BLOCK: usize = 32;

#[derive(Debug, PartialEq, Eq)]
pub enum EnvelopeError {
    Key,
    Base64,
    Cipher,
    Frame,
}

pub struct EnvelopeKey([u8; 32]);

impl EnvelopeKey {
    pub fn parse(text: &str) -> Result<Self, EnvelopeError> {
        if text.len() != 43 {
            return Err(EnvelopeError::Key);
        }
        let bytes = KEY_BASE64.decode(format!("{text}=")).map_err(|_| EnvelopeError::Key)?;
        <[u8; 32]>::try_from(bytes).map(Self).map_err(|_| EnvelopeError::Key)
    }

    fn vector(&self) -> &[u8] {
        self.0.split_at(16).0
    }

    pub fn seal(&self, random: &[u8; 16], message: &str, app_id: &str) -> Result<String, EnvelopeError> {
        let length = u32::try_from(message.len()).map_err(|_| EnvelopeError::Frame)?;
        let mut plain = Vec::with_capacity(message.len() + 96);
        plain.extend_from_slice(random);
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(message.as_bytes());
        plain.extend_from_slice(app_id.as_bytes());
        let pad = PAD_BLOCK - plain.len() % PAD_BLOCK;
        plain.resize(plain.len() + pad, u8::try_from(pad).map_err(|_| EnvelopeError::Frame)?);
        let whole = plain.len();
        cbc::Encryptor::<Aes256>::new_from_slices(&self.0, self.vector())
            .map_err(|_| EnvelopeError::Key)?
            .encrypt_padded::<NoPadding>(&mut plain, whole)
            .map_err(|_| EnvelopeError::Cipher)?;
        Ok(STANDARD.encode(&plain))
    }

    /// Returns the message and the app id behind it.
    pub fn open(&self, sealed: &str) -> Result<(String, String), EnvelopeError> {
        let mut bytes = STANDARD.decode(sealed).map_err(|_| EnvelopeError::Base64)?;
        let plain = cbc::Decryptor::<Aes256>::new_from_slices(&self.0, self.vector())
            .map_err(|_| EnvelopeError::Key)?
            .decrypt_padded::<NoPadding>(&mut bytes)
            .map_err(|_| EnvelopeError::Cipher)?;
        let pad = usize::from(*plain.last().ok_or(EnvelopeError::Frame)?);
        if pad == 0 || pad > PAD_BLOCK || pad > plain.len() {
            return Err(EnvelopeError::Frame);
        }
        let framed = plain.get(..plain.len() - pad).ok_or(EnvelopeError::Frame)?;
        let length = framed.get(16..20).and_then(|l| l.try_into().ok()).ok_or(EnvelopeError::Frame)?;
        let end = usize::try_from(u32::from_be_bytes(length))
            .ok()
            .and_then(|l| l.checked_add(20))
            .ok_or(EnvelopeError::Frame)?;
        let message = framed.get(20..end).ok_or(EnvelopeError::Frame)?;
        let app_id = framed.get(end..).ok_or(EnvelopeError::Frame)?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| EnvelopeError::Frame);
        Ok((text(message)?, text(app_id)?))
    }
}

/// SHA-1, lowercase hex, over the pieces in byte order without a separator.
pub fn signature(pieces: &[&str]) -> String {
    let mut sorted = pieces.to_vec();
    sorted.sort_unstable();
    hex::encode(Sha1::digest(sorted.concat().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../tests-data/wechat_push_vectors.json")).unwrap()
    }
    fn text<'a>(v: &'a Value, path: &str) -> &'a str {
        v.pointer(path).and_then(Value::as_str).unwrap()
    }

    #[test]
    fn document_vectors_agree() {
        let v = vectors();
        let token = text(&v, "/token");
        let key = EnvelopeKey::parse(text(&v, "/encoding_aes_key")).unwrap();
        assert_eq!(
            signature(&[token, text(&v, "/url_check/timestamp"), text(&v, "/url_check/nonce")]),
            text(&v, "/url_check/signature")
        );
        for push in ["/json_push", "/xml_component_push"] {
            let at = |name: &str| text(&v, &format!("{push}/{name}"));
            let signed = signature(&[token, at("timestamp"), at("nonce"), at("encrypt")]);
            assert_eq!(signed, at("msg_signature"), "{push}");
            let (message, app_id) = key.open(at("encrypt")).unwrap();
            assert_eq!(app_id, at("app_id"), "{push}");
            assert!(message.contains("debug_demo"), "{push}: {message}");
        }
        let at = |name: &str| text(&v, &format!("/json_reply/{name}"));
        let random: &[u8; 16] = at("random").as_bytes().try_into().unwrap();
        let sealed = key.seal(random, at("message"), at("app_id")).unwrap();
        assert_eq!(sealed, at("encrypt"));
        assert_eq!(signature(&[token, at("timestamp"), at("nonce"), &sealed]), at("msg_signature"));
    }

    #[test]
    fn every_length_survives_and_damage_is_refused() {
        let key = EnvelopeKey::parse(&format!("{}x", "Ab9".repeat(14))).unwrap();
        for length in 0..80 {
            let message = "字".repeat(length);
            let sealed = key.seal(b"0123456789abcdef", &message, "wx1").unwrap();
            assert_eq!(key.open(&sealed), Ok((message, "wx1".into())));
        }
        assert_eq!(key.open("AAAA"), Err(EnvelopeError::Cipher));
        assert_eq!(key.open("***"), Err(EnvelopeError::Base64));
        assert!(EnvelopeKey::parse("short").is_err());
    }
}
