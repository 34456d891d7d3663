//! Asking a DNS server. The machine's own resolver knows no TXT records; so the server is asked directly, over UDP, and
//! over TCP when the answer does not fit.

use crate::outside::{Found, Names};
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, TYPE};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

const WITHIN: Duration = Duration::from_secs(3);
const TRIES: usize = 2;
/// The most records of an answer that are looked at.
const MOST: usize = 50;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    #[error("the DNS server does not answer")]
    NoAnswer,
    #[error("the name cannot be asked for")]
    Name,
}

/// A server to ask.
#[derive(Debug, Clone, Copy)]
pub struct DnsServer(SocketAddr);

impl DnsServer {
    /// The configured one, or the first one of the machine.
    pub fn of(configured: &str) -> Option<Self> {
        if !configured.is_empty() {
            return configured.parse().ok().map(Self);
        }
        let text = std::fs::read_to_string("/etc/resolv.conf").ok()?;
        let first = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver")).next()?;
        // A link-local address may name its interface.
        let address: IpAddr = first.trim().split('%').next()?.parse().ok()?;
        Some(Self(SocketAddr::new(address, 53)))
    }

    /// The texts at a name; none when there is no such name.
    pub async fn texts(self, name: &str) -> Result<Vec<String>, DnsError> {
        let answer = self.ask(name, TYPE::TXT).await?;
        let packet = Packet::parse(&answer).map_err(|_| DnsError::NoAnswer)?;
        let found = packet.answers.iter().take(MOST).filter_map(|record| match &record.rdata {
            RData::TXT(text) => String::try_from(text.clone()).ok(),
            _ => None,
        });
        Ok(found.collect())
    }

    /// The addresses of a name.
    async fn addresses(self, name: &str) -> Result<Vec<IpAddr>, DnsError> {
        let mut found = Vec::new();
        for kind in [TYPE::A, TYPE::AAAA] {
            let answer = self.ask(name, kind).await?;
            let packet = Packet::parse(&answer).map_err(|_| DnsError::NoAnswer)?;
            found.extend(packet.answers.iter().take(MOST).filter_map(|record| match &record.rdata {
                RData::A(one) => Some(IpAddr::V4(Ipv4Addr::from(one.address))),
                RData::AAAA(one) => Some(IpAddr::V6(Ipv6Addr::from(one.address))),
                _ => None,
            }));
        }
        Ok(found)
    }

    async fn ask(self, name: &str, kind: TYPE) -> Result<Vec<u8>, DnsError> {
        let [high, low] = qianpu_tenants::random::bytes::<2>();
        let id = u16::from_be_bytes([high, low]);
        let mut packet = Packet::new_query(id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        let name = Name::new(name).map_err(|_| DnsError::Name)?;
        packet.questions.push(Question::new(
            name.clone(),
            QTYPE::TYPE(kind),
            QCLASS::CLASS(CLASS::IN),
            false,
        ));
        let question = packet.build_bytes_vec().map_err(|_| DnsError::Name)?;
        for _ in 0..TRIES {
            let Ok(Ok(answer)) = tokio::time::timeout(WITHIN, self.over_udp(&question)).await else {
                continue;
            };
            let Ok(read) = Packet::parse(&answer) else { continue };
            // Somebody else's answer, or one to another question.
            let ours = read.questions.first().is_some_and(|asked| asked.qname == name);
            if read.id() != id || !read.has_flags(PacketFlag::RESPONSE) || !ours {
                continue;
            }
            if !read.has_flags(PacketFlag::TRUNCATION) {
                return Ok(answer);
            }
            if let Ok(Ok(answer)) = tokio::time::timeout(WITHIN, self.over_tcp(&question)).await {
                return Ok(answer);
            }
        }
        Err(DnsError::NoAnswer)
    }

    async fn over_udp(self, question: &[u8]) -> std::io::Result<Vec<u8>> {
        let here: SocketAddr = match self.0 {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(here).await?;
        // Connected: answers from anybody else are dropped by the kernel.
        socket.connect(self.0).await?;
        socket.send(question).await?;
        let mut buffer = vec![0; 4096];
        let length = socket.recv(&mut buffer).await?;
        buffer.truncate(length);
        Ok(buffer)
    }

    async fn over_tcp(self, question: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.0).await?;
        let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
        stream.write_all(&[&length.to_be_bytes(), question].concat()).await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }
}

impl Names for DnsServer {
    fn lookup(&self, name: String) -> Found {
        let server = *self;
        Box::pin(async move { server.addresses(&name).await.map_err(std::io::Error::other) })
    }
}
