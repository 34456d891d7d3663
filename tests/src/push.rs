//! Pushes made by hand, well or badly: signed and encrypted as the platform's documents say.

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde_json::json;
use sha1::{Digest, Sha1};

use crate::http::{Answer, http_client};

/// A push before it is sent.
#[derive(Clone)]
pub struct Push {
    pub query: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What a push is made with.
#[derive(Clone)]
pub struct Sender {
    pub token: String,
    pub aes_key: String,
    /// Stands inside the encrypted push.
    pub app_id: String,
    pub timestamp: i64,
}

impl Sender {
    pub fn now(token: &str, aes_key: &str, app_id: &str) -> Sender {
        let timestamp = qianpu_tenants::clock::Clock::system().now().seconds();
        Sender { token: token.to_owned(), aes_key: aes_key.to_owned(), app_id: app_id.to_owned(), timestamp }
    }

    pub fn json(&self, message: &str) -> Push {
        let sealed = self.seal(message.as_bytes());
        let body = json!({ "ToUserName": "gh_1", "Encrypt": sealed }).to_string();
        Push { query: self.signed(&sealed), body: body.into_bytes() }
    }

    pub fn xml(&self, message: &str) -> Push {
        self.xml_bytes(message.as_bytes())
    }

    pub fn xml_bytes(&self, message: &[u8]) -> Push {
        let sealed = self.seal(message);
        let body = format!(
            "<xml><AppId><![CDATA[{}]]></AppId><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>",
            self.app_id
        );
        Push { query: self.signed(&sealed), body: body.into_bytes() }
    }

    fn signed(&self, sealed: &str) -> Vec<(String, String)> {
        let (timestamp, nonce) = (self.timestamp.to_string(), "1514711492");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            pair("timestamp", &timestamp),
            pair("nonce", nonce),
            pair("encrypt_type", "aes"),
            pair("msg_signature", &signature(&[&self.token, &timestamp, nonce, sealed])),
        ]
    }

    fn seal(&self, message: &[u8]) -> String {
        const KEY: GeneralPurpose = GeneralPurpose::new(
            &alphabet::STANDARD,
            GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
        );
        let key = KEY.decode(format!("{}=", self.aes_key)).expect("a key of 43 letters");
        let length = u32::try_from(message.len()).expect("a short message");
        let mut plain =
            [b"0123456789abcdef".as_slice(), &length.to_be_bytes(), message, self.app_id.as_bytes()].concat();
        let pad = 32 - plain.len() % 32;
        plain.resize(plain.len() + pad, u8::try_from(pad).expect("1 to 32"));
        let whole = plain.len();
        cbc::Encryptor::<Aes256>::new_from_slices(&key, &key[..16])
            .expect("key and vector")
            .encrypt_padded::<NoPadding>(&mut plain, whole)
            .expect("whole blocks");
        STANDARD.encode(&plain)
    }

    /// The query of the check the platform makes when an address is configured.
    pub fn handshake(&self, echo: &str) -> Vec<(String, String)> {
        let timestamp = self.timestamp.to_string();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let signed = signature(&[&self.token, &timestamp, "77"]);
        vec![
            pair("timestamp", &timestamp),
            pair("nonce", "77"),
            pair("echostr", echo),
            pair("signature", &signed),
        ]
    }
}

/// SHA-1 over the sorted pieces.
pub fn signature(pieces: &[&str]) -> String {
    let mut sorted = pieces.to_vec();
    sorted.sort_unstable();
    hex::encode(Sha1::digest(sorted.concat().as_bytes()))
}

/// Sends a push to an address.
pub async fn push(url: &str, push: &Push) -> Answer {
    let request = http_client().post(url).query(&push.query).body(push.body.clone());
    Answer::of(request.send().await.expect("an answer to the push")).await
}

/// Makes the platform's check of an address.
pub async fn check(url: &str, query: &[(String, String)]) -> Answer {
    Answer::of(http_client().get(url).query(query).send().await.expect("an answer to the check")).await
}
