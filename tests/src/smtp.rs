//! A real SMTP server on loopback that accepts every mail and keeps it.
//!
//! It speaks the plain part of RFC 5321 (EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP, VRFY, QUIT) over TCP, undoes
//! dot-stuffing, and keeps envelope and text. Recipients at the domain `refused.test` are refused with 550, so that a
//! test can see how a permanent failure is handled.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::deadline;

/// One accepted mail.
#[derive(Clone, Debug)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Headers and body as sent, lines ended by `\n`.
    pub text: String,
}

impl Mail {
    /// The value of a header, unfolded but not decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.text.split("\n\n").next()?;
        let mut found: Option<String> = None;
        for line in head.lines() {
            match &mut found {
                Some(value) if line.starts_with([' ', '\t']) => value.push_str(line.trim_end()),
                Some(_) => break,
                None => {
                    let (key, value) = line.split_once(':').unwrap_or((line, ""));
                    if key.eq_ignore_ascii_case(name) {
                        found = Some(value.trim().to_owned());
                    }
                }
            }
        }
        found
    }

    /// Every part of the mail with its transfer encoding undone, joined; for asserting on what a person reads.
    pub fn readable(&self) -> String {
        readable(&self.text)
    }
}

/// The server; stops when dropped.
pub struct Smtp {
    pub address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Smtp {
    pub async fn start() -> Smtp {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port for the SMTP server");
        let address = listener.local_addr().expect("the SMTP server has an address");
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = mails.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = kept.clone();
                tokio::spawn(async move {
                    let _ = converse(stream, &kept).await;
                });
            }
        });
        Smtp { address, mails, task }
    }

    /// Everything accepted so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().expect("the mails").clone()
    }

    /// Waits for the `n`th mail (counted from 1) to `recipient`.
    pub async fn nth_to(&self, recipient: &str, n: usize) -> Mail {
        deadline::until(&format!("mail {n} to {recipient}"), || async {
            let mails = self.mails();
            mails.into_iter().filter(|mail| mail.to.iter().any(|to| to == recipient)).nth(n - 1)
        })
        .await
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(stream: TcpStream, kept: &Mutex<Vec<Mail>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).split(b'\n');
    let mut from: Option<String> = None;
    let mut to: Vec<String> = Vec::new();
    write.write_all(b"220 localhost test server\r\n").await?;
    while let Some(line) = lines.next_segment().await? {
        let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
        let upper = line.to_ascii_uppercase();
        let answer: &[u8] = if upper.starts_with("EHLO") {
            b"250-localhost\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
        } else if upper.starts_with("HELO") || upper == "NOOP" {
            b"250 localhost\r\n"
        } else if upper.starts_with("MAIL FROM:") {
            from = Some(mailbox(&line));
            to.clear();
            b"250 ok\r\n"
        } else if upper.starts_with("RCPT TO:") {
            let recipient = mailbox(&line);
            if from.is_none() {
                b"503 MAIL first\r\n"
            } else if recipient.ends_with("@refused.test") {
                b"550 no such mailbox\r\n"
            } else {
                to.push(recipient);
                b"250 ok\r\n"
            }
        } else if upper == "DATA" {
            if to.is_empty() {
                b"503 RCPT first\r\n"
            } else {
                write.write_all(b"354 end with a dot\r\n").await?;
                let mut text = String::new();
                while let Some(part) = lines.next_segment().await? {
                    let part = String::from_utf8_lossy(&part).trim_end_matches('\r').to_owned();
                    if part == "." {
                        break;
                    }
                    text.push_str(part.strip_prefix('.').unwrap_or(&part));
                    text.push('\n');
                }
                let mail = Mail { from: from.take().unwrap_or_default(), to: std::mem::take(&mut to), text };
                kept.lock().expect("the mails").push(mail);
                b"250 kept\r\n"
            }
        } else if upper == "RSET" {
            from = None;
            to.clear();
            b"250 ok\r\n"
        } else if upper == "QUIT" {
            write.write_all(b"221 bye\r\n").await?;
            return Ok(());
        } else {
            b"502 not known here\r\n"
        };
        write.write_all(answer).await?;
    }
    Ok(())
}

/// The address between the angle brackets of `MAIL FROM:<a@b> …`.
fn mailbox(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(inside, _)| inside);
    inside.unwrap_or_else(|| line.split_once(':').map_or("", |(_, rest)| rest.trim())).to_owned()
}

fn readable(part: &str) -> String {
    let Some((head, body)) = part.split_once("\n\n") else { return part.to_owned() };
    let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
    let value = |name: &str| {
        unfolded.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let content_type = value("content-type").unwrap_or_default();
    if let Some((_, rest)) = content_type.split_once("boundary=") {
        let boundary = rest.split(';').next().unwrap_or_default().trim().trim_matches('"');
        let delimiter = format!("--{boundary}");
        return body
            .split(delimiter.as_str())
            .skip(1)
            .filter(|piece| !piece.starts_with("--"))
            .map(|piece| readable(piece.trim_start_matches('\n')))
            .collect::<Vec<_>>()
            .join("\n");
    }
    match value("content-transfer-encoding").unwrap_or_default().to_ascii_lowercase().as_str() {
        "base64" => {
            use base64::Engine;
            let packed: String = body.split_whitespace().collect();
            let bytes = base64::engine::general_purpose::STANDARD.decode(packed).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        "quoted-printable" => quoted_printable(body),
        _ => body.to_owned(),
    }
}

fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let decoded =
            (first == b'=').then(|| tail.get(..2)).flatten().and_then(|pair| hex::decode(pair).ok());
        match decoded {
            Some(byte) => {
                bytes.extend(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_conversation_is_kept() {
        let server = Smtp::start().await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let said = "EHLO me\r\nMAIL FROM:<a@x.test> SMTPUTF8\r\nRCPT TO:<no@refused.test>\r\nRCPT TO:<b@y.test>\r\n\
                    DATA\r\nSubject: =?utf-8?b?5ZOI?=\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                    =E5=8D=83=\r\n=E9=93=BA\r\n..\r\n.\r\nQUIT\r\n";
        stream.write_all(said.as_bytes()).await.unwrap();
        let mail = server.nth_to("b@y.test", 1).await;
        assert_eq!(mail.from, "a@x.test");
        assert_eq!(mail.to, ["b@y.test"]);
        assert_eq!(mail.header("subject").as_deref(), Some("=?utf-8?b?5ZOI?="));
        assert_eq!(mail.readable(), "千铺\n.\n");
    }
}
