//! Computing in place.

use super::{Crypto, CryptoFailure, Hash, Key, KeyForm, Piece, Vector};
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Digest;
use subtle::ConstantTimeEq;

/// Keys of 43 characters are 258 bits: most end in two bits that a strict decoder refuses.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const BLOCK: usize = 16;

pub(super) struct InPlace;

fn bytes<'a>(piece: &Piece<'a>) -> &'a [u8] {
    match piece {
        Piece::Bytes(bytes) => bytes,
        Piece::Secret(secret) => secret.expose().as_bytes(),
    }
}

fn key_bytes(key: Key<'_>) -> Result<Vec<u8>, CryptoFailure> {
    let text = key.secret.expose();
    match key.form {
        KeyForm::Utf8 => Ok(text.as_bytes().to_vec()),
        KeyForm::Hex => hex::decode(text).map_err(|_| failure("the key is not hexadecimal")),
        KeyForm::Base64 => LENIENT.decode(text).map_err(|_| failure("the key is not base64")),
    }
}

fn failure(text: &str) -> CryptoFailure {
    CryptoFailure(text.to_owned())
}

fn hashed<D: Digest>(pieces: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    for piece in pieces {
        hash.update(piece);
    }
    hash.finalize().as_slice().to_vec()
}

fn signed<M: Mac + KeyInit>(key: &[u8], pieces: &[Piece<'_>]) -> Result<Vec<u8>, CryptoFailure> {
    let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|_| failure("the key has a wrong length"))?;
    for piece in pieces {
        mac.update(bytes(piece));
    }
    Ok(mac.finalize().into_bytes().as_slice().to_vec())
}

fn start(vector: Vector<'_>, key: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
    let bytes = match vector {
        Vector::Bytes(bytes) => bytes,
        Vector::KeyPrefix => key.get(..BLOCK).unwrap_or_default(),
    };
    if bytes.len() == BLOCK { Ok(bytes.to_vec()) } else { Err(failure("the vector is not 16 bytes")) }
}

fn whole(data: &[u8]) -> Result<(), CryptoFailure> {
    if data.is_empty() || !data.len().is_multiple_of(BLOCK) {
        return Err(failure("the data are not whole blocks"));
    }
    Ok(())
}

macro_rules! by_length {
    ($key:expr, $vector:expr, $cipher:ident, |$mode:ident| $run:expr) => {{
        let wrong = |_| failure("the key has a wrong length");
        match $key.len() {
            16 => {
                let $mode = cbc::$cipher::<Aes128>::new_from_slices(&$key, &$vector).map_err(wrong)?;
                $run
            }
            24 => {
                let $mode = cbc::$cipher::<Aes192>::new_from_slices(&$key, &$vector).map_err(wrong)?;
                $run
            }
            32 => {
                let $mode = cbc::$cipher::<Aes256>::new_from_slices(&$key, &$vector).map_err(wrong)?;
                $run
            }
            _ => return Err(failure("the key is not 16, 24 or 32 bytes")),
        }
    }};
}

impl Crypto for InPlace {
    fn digest(&self, hash: Hash, pieces: &[Piece<'_>], sorted: bool) -> Result<Vec<u8>, CryptoFailure> {
        let mut pieces: Vec<&[u8]> = pieces.iter().map(bytes).collect();
        if sorted {
            pieces.sort_unstable();
        }
        Ok(match hash {
            Hash::Md5 => hashed::<md5::Md5>(&pieces),
            Hash::Sha1 => hashed::<sha1::Sha1>(&pieces),
            Hash::Sha256 => hashed::<sha2::Sha256>(&pieces),
            Hash::Sha512 => hashed::<sha2::Sha512>(&pieces),
        })
    }
    fn hmac(&self, hash: Hash, key: Key<'_>, pieces: &[Piece<'_>]) -> Result<Vec<u8>, CryptoFailure> {
        let key = key_bytes(key)?;
        match hash {
            Hash::Md5 => signed::<Hmac<md5::Md5>>(&key, pieces),
            Hash::Sha1 => signed::<Hmac<sha1::Sha1>>(&key, pieces),
            Hash::Sha256 => signed::<Hmac<sha2::Sha256>>(&key, pieces),
            Hash::Sha512 => signed::<Hmac<sha2::Sha512>>(&key, pieces),
        }
    }
    fn aes_cbc_open(&self, key: Key<'_>, vector: Vector<'_>, data: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
        whole(data)?;
        let key = key_bytes(key)?;
        let vector = start(vector, &key)?;
        let mut buffer = data.to_vec();
        let opened = by_length!(key, vector, Decryptor, |mode| {
            mode.decrypt_padded::<NoPadding>(&mut buffer).map(<[u8]>::to_vec)
        });
        opened.map_err(|_| failure("the data do not open"))
    }
    fn aes_cbc_seal(&self, key: Key<'_>, vector: Vector<'_>, data: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
        whole(data)?;
        let key = key_bytes(key)?;
        let vector = start(vector, &key)?;
        let mut buffer = data.to_vec();
        let size = buffer.len();
        let sealed = by_length!(key, vector, Encryptor, |mode| {
            mode.encrypt_padded::<NoPadding>(&mut buffer, size).map(<[u8]>::to_vec)
        });
        sealed.map_err(|_| failure("the data cannot be sealed"))
    }
    fn equal(&self, a: &[u8], b: &[u8]) -> bool {
        a.ct_eq(b).into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Hash, Key, KeyForm, Piece, Vector, aes_cbc_open, aes_cbc_seal, digest, equal, hmac};
    use crate::secret::Secret;

    #[test]
    fn known_answers() {
        let hex =
            |hash| hex::encode(digest(hash, &[Piece::Bytes(b"a"), Piece::Bytes(b"bc")], false).unwrap());
        assert_eq!(hex(Hash::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex(Hash::Sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(hex(Hash::Sha256).starts_with("ba7816bf8f01cfea"));
        assert!(hex(Hash::Sha512).starts_with("ddaf35a193617aba"));
        // RFC 4231, test case 2.
        let secret = Secret::from("Jefe");
        let key = Key { secret: &secret, form: KeyForm::Utf8 };
        let mac = hmac(Hash::Sha256, key, &[Piece::Bytes(b"what do ya want for nothing?")]).unwrap();
        assert!(hex::encode(mac).starts_with("5bdcc146bf60754e6a042426089575c7"));
        assert!(equal(b"a", b"a") && !equal(b"a", b"b") && !equal(b"a", b""));
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_only() {
        for length in [16, 24, 32] {
            let secret = Secret::new("a1".repeat(length));
            let other = Secret::new("a2".repeat(length));
            let key = Key { secret: &secret, form: KeyForm::Hex };
            let sealed = aes_cbc_seal(key, Vector::KeyPrefix, &[7; 32]).unwrap();
            assert_ne!(sealed, [7; 32]);
            assert_eq!(aes_cbc_open(key, Vector::KeyPrefix, &sealed).unwrap(), [7; 32]);
            let foreign = Key { secret: &other, form: KeyForm::Hex };
            assert_ne!(aes_cbc_open(foreign, Vector::KeyPrefix, &sealed).unwrap(), [7; 32]);
            assert!(aes_cbc_open(key, Vector::KeyPrefix, &sealed[1..]).is_err());
            assert!(aes_cbc_open(key, Vector::Bytes(b"short"), &sealed).is_err());
            assert!(aes_cbc_open(Key { form: KeyForm::Utf8, ..key }, Vector::Bytes(&[0; 16]), b"").is_err());
        }
    }
}
