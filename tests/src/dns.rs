//! A DNS server on loopback that knows what a test tells it: texts and addresses. Everything else does not exist.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Known {
    texts: HashMap<String, String>,
    addresses: HashMap<String, [u8; 4]>,
}

/// The server; it ends with the test's runtime.
pub struct Dns {
    pub address: SocketAddr,
    known: Arc<Mutex<Known>>,
}

impl Dns {
    pub async fn start() -> Dns {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("the socket has an address");
        let known = Arc::new(Mutex::new(Known::default()));
        let own = known.clone();
        tokio::spawn(async move {
            let mut buffer = [0_u8; 1024];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let answer = answer(&buffer[..length], &own.lock().expect("nobody panicked"));
                let _ = socket.send_to(&answer, from).await;
            }
        });
        Dns { address, known }
    }

    /// Puts a TXT record in the place of the one at this name.
    pub fn text(&self, name: &str, text: &str) {
        self.known.lock().expect("nobody panicked").texts.insert(name.to_owned(), text.to_owned());
    }

    pub fn address_of(&self, name: &str, address: [u8; 4]) {
        self.known.lock().expect("nobody panicked").addresses.insert(name.to_owned(), address);
    }

    /// Knows nothing any more.
    pub fn forget(&self) {
        *self.known.lock().expect("nobody panicked") = Known::default();
    }
}

/// The answer to a question of one name, written by hand (RFC 1035).
fn answer(question: &[u8], known: &Known) -> Vec<u8> {
    let mut name = Vec::new();
    let mut at = 12;
    while question[at] != 0 {
        let length = usize::from(question[at]);
        name.push(String::from_utf8_lossy(&question[at + 1..at + 1 + length]).into_owned());
        at += length + 1;
    }
    let (name, end) = (name.join("."), at + 5);
    let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
    let data = match kind {
        16 => known.texts.get(&name).map(|text| [&[text.len() as u8], text.as_bytes()].concat()),
        1 => known.addresses.get(&name).map(|address| address.to_vec()),
        _ => None,
    };
    let mut bytes = question[..end].to_vec();
    // A response; recursion asked for and available.
    bytes[2] = 0x81;
    bytes[3] = 0x80;
    bytes[6..12].copy_from_slice(&[0, u8::from(data.is_some()), 0, 0, 0, 0]);
    if let Some(data) = data {
        bytes.extend_from_slice(&[0xc0, 12]);
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        bytes.extend_from_slice(&(data.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&data);
    }
    bytes
}
