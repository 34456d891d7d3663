//! What the host computes.

use super::bindings::qianpu::channel::crypto as host;
use qianpu_sdk::crypto::{Crypto, CryptoFailure, Hash, Key, KeyForm, Piece, Vector};

pub(super) struct Imports;

fn hash(hash: Hash) -> host::Hash {
    match hash {
        Hash::Md5 => host::Hash::Md5,
        Hash::Sha1 => host::Hash::Sha1,
        Hash::Sha256 => host::Hash::Sha256,
        Hash::Sha512 => host::Hash::Sha512,
    }
}

fn key(key: Key<'_>) -> host::Key {
    let form = match key.form {
        KeyForm::Utf8 => host::KeyForm::Utf8,
        KeyForm::Hex => host::KeyForm::Hex,
        KeyForm::Base64 => host::KeyForm::Base64,
    };
    host::Key { secret: key.secret.expose().clone(), form }
}

fn pieces(pieces: &[Piece<'_>]) -> Vec<host::Piece> {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Bytes(bytes) => host::Piece::Bytes(bytes.to_vec()),
            Piece::Secret(secret) => host::Piece::Secret(secret.expose().clone()),
        })
        .collect()
}

fn vector(vector: Vector<'_>) -> host::Vector {
    match vector {
        Vector::Bytes(bytes) => host::Vector::Bytes(bytes.to_vec()),
        Vector::KeyPrefix => host::Vector::KeyPrefix,
    }
}

impl Crypto for Imports {
    fn digest(&self, kind: Hash, of: &[Piece<'_>], sorted: bool) -> Result<Vec<u8>, CryptoFailure> {
        host::digest(hash(kind), &pieces(of), sorted).map_err(CryptoFailure)
    }
    fn hmac(&self, kind: Hash, with: Key<'_>, of: &[Piece<'_>]) -> Result<Vec<u8>, CryptoFailure> {
        host::hmac(hash(kind), &key(with), &pieces(of)).map_err(CryptoFailure)
    }
    fn aes_cbc_open(&self, with: Key<'_>, start: Vector<'_>, data: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
        host::aes_cbc_open(&key(with), &vector(start), data).map_err(CryptoFailure)
    }
    fn aes_cbc_seal(&self, with: Key<'_>, start: Vector<'_>, data: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
        host::aes_cbc_seal(&key(with), &vector(start), data).map_err(CryptoFailure)
    }
    fn equal(&self, a: &[u8], b: &[u8]) -> bool {
        host::equal(a, b)
    }
}
