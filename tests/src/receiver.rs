//! Somebody else's system that gets webhooks: a socket that reads requests, keeps them, and answers as a test says,
//! badly too.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::deadline::until;

/// What came in.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    Status(u16),
    /// With a body of JSON.
    Json(u16, String),
    /// With one header.
    With(u16, &'static str, String),
    /// 200, and a body of one byte now and then that never ends.
    Drip,
    /// 200, and two gigabytes.
    Huge,
    /// Nothing at all, while the connection stays open.
    Silence,
}

#[derive(Default)]
struct Kept {
    received: Vec<Received>,
    replies: VecDeque<Reply>,
    always: Option<Reply>,
}

/// The receiver. It ends with the test.
pub struct Receiver {
    pub address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    written: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub async fn start() -> Receiver {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (kept, written) = (Arc::new(Mutex::new(Kept::default())), Arc::new(AtomicU64::new(0)));
        let (own, count) = (kept.clone(), written.clone());
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (kept, written) = (own.clone(), count.clone());
                tokio::spawn(async move {
                    let _ = serve(socket, &kept, &written).await;
                });
            }
        });
        Receiver { address, kept, written, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }
    /// Answers the next requests like this, in turn; after them 204.
    pub fn answer(&self, replies: impl IntoIterator<Item = Reply>) {
        self.kept.lock().unwrap().replies.extend(replies);
    }
    /// Answers every request like this from now on.
    pub fn answer_always(&self, reply: Reply) {
        self.kept.lock().unwrap().always = Some(reply);
    }
    pub fn received(&self) -> Vec<Received> {
        self.kept.lock().unwrap().received.clone()
    }
    /// Waits until so many requests came in.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        until("the receiver gets its requests", || async {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
        .await
    }
    /// Bytes of bodies that could be written.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }
}

async fn serve(mut socket: TcpStream, kept: &Mutex<Kept>, written: &AtomicU64) -> std::io::Result<()> {
    let Some(received) = read(&mut socket).await? else { return Ok(()) };
    let reply = {
        let mut kept = kept.lock().unwrap();
        kept.received.push(received);
        let always = kept.always.clone();
        kept.replies.pop_front().or(always).unwrap_or(Reply::Status(204))
    };
    match reply {
        Reply::Status(status) => head(&mut socket, status, "", None).await,
        Reply::Json(status, body) => {
            head(&mut socket, status, "Content-Type: application/json\r\n", Some(body)).await
        }
        Reply::With(status, name, value) => {
            head(&mut socket, status, &format!("{name}: {value}\r\n"), None).await
        }
        Reply::Drip => {
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").await?;
            loop {
                socket.write_all(b".").await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Reply::Huge => {
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\n").await?;
            let chunk = vec![b'x'; 65_536];
            for _ in 0..30_000 {
                socket.write_all(&chunk).await?;
                written.fetch_add(chunk.len() as u64, Ordering::SeqCst);
            }
            Ok(())
        }
        Reply::Silence => std::future::pending().await,
    }
}

async fn head(
    socket: &mut TcpStream,
    status: u16,
    header: &str,
    body: Option<String>,
) -> std::io::Result<()> {
    let said = || if status == 204 { String::new() } else { format!("answered {status}") };
    let body = body.unwrap_or_else(said);
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} Said\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    socket.write_all(text.as_bytes()).await?;
    socket.shutdown().await
}

async fn read(socket: &mut TcpStream) -> std::io::Result<Option<Received>> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = socket.read(&mut buffer).await?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.lines();
        let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            return Ok(Some(Received { path, headers, body: body.to_owned() }));
        }
    }
}
