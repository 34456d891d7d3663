//! Clients that send too much, too slowly or in two meanings at once, all together, against a process of its own: its
//! memory stays flat, and somebody else's requests go on being answered.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use qianpu_tenants::clock::Clock;
use qianpu_tests::TestDb;
use qianpu_tests::app::TestApp;
use qianpu_tests::goods::Goods;
use qianpu_tests::http::Client;
use qianpu_tests::program::Program;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const GIGABYTE: u64 = 1 << 30;
/// What the process may grow by. Without bounds each of the uploads below alone takes a good part of it.
const MOST_GROWTH_KILOBYTES: u64 = 160 * 1024;

/// Sends a head and then as much as is taken; whether the server ended it, and what came back.
async fn pour(address: &str, head: &str, part: &[u8]) -> (bool, String) {
    let socket = TcpStream::connect(address).await.expect("a connection");
    let (mut reading, mut writing) = socket.into_split();
    let answer = tokio::spawn(async move {
        let mut answer = Vec::new();
        // A server that refuses may reset the connection behind its answer; what came before counts.
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = reading.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    });
    let pouring = async {
        if writing.write_all(head.as_bytes()).await.is_ok() {
            while writing.write_all(part).await.is_ok() {}
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), pouring).await.is_ok();
    drop(writing);
    let answer = tokio::time::timeout(Duration::from_secs(20), answer).await;
    (ended, answer.map(Result::unwrap_or_default).unwrap_or_default())
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

/// Somebody who goes on asking all the time, and the memory of the process meanwhile.
struct Watch {
    stop: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
    asking: tokio::task::JoinHandle<(usize, Duration)>,
}

impl Watch {
    fn start(client: Client, id: u32) -> Watch {
        let (stop, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, peak) = (stop.clone(), most.clone());
        let asking = tokio::spawn(async move {
            let (mut asked, mut longest) = (0, Duration::ZERO);
            while !stopped.load(Ordering::Relaxed) {
                let started = Instant::now();
                client.get("/api/v1/me", 200).await;
                longest = longest.max(started.elapsed());
                asked += 1;
                peak.fetch_max(memory(id).unwrap_or(0), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            (asked, longest)
        });
        Watch { stop, most, asking }
    }

    /// How many requests were answered, the longest of them, and the most memory in kilobytes.
    async fn end(self) -> (usize, Duration, u64) {
        self.stop.store(true, Ordering::Relaxed);
        let (asked, longest) = self.asking.await.expect("every request was answered well");
        (asked, longest, self.most.load(Ordering::Relaxed))
    }
}

/// Resident memory of a process in kilobytes, where the system tells.
fn memory(id: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

async fn many<T: Send + 'static>(
    count: usize,
    one: impl Fn(usize) -> std::pin::Pin<Box<dyn Future<Output = T> + Send>>,
) -> Vec<T> {
    let running: Vec<_> = (0..count).map(|number| tokio::spawn(one(number))).collect();
    let mut ended = Vec::new();
    for task in running {
        ended.push(task.await.expect("a client of the attack does not panic"));
    }
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_flat_and_others_are_served_whatever_is_sent() {
    let goods = Goods::start_on(TestApp::start_with(TestDb::sqlite().await, Clock::ahead(), &[]).await).await;
    let settings =
        [("QIANPU__HTTP__REQUEST_TIMEOUT_SECONDS", "2"), ("QIANPU__HTTP__LARGE_BODIES_MEGABYTES", "32")];
    let process =
        Program::serve_logging(&goods.app, "crash::program", "serve --no-jobs", &settings, Stdio::null())
            .await;
    let client = process.client_of(&goods.owner);
    for _ in 0..50 {
        client.get("/api/v1/me", 200).await;
    }
    let Some(before) = memory(process.id()) else {
        println!("LEFT OUT: the memory of a process cannot be read on this system");
        return goods.app.stop().await;
    };
    let watch = Watch::start(client.clone(), process.id());
    let address = process.base_url.trim_start_matches("http://").to_owned();
    let token = goods.owner.token().expect("somebody who is logged in").to_owned();
    let host = address.clone();
    let head = move |path: &str, more: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{more}\r\n\r\n")
    };

    // A gigabyte that is announced, to anybody and to where files are taken.
    let announced = format!("Content-Type: application/json\r\nContent-Length: {GIGABYTE}");
    for path in ["/api/v1/auth/login", "/api/v1/media"] {
        let head = Arc::new(head(path, &announced));
        let outcomes = many(8, |_| {
            let (address, head) = (address.clone(), head.clone());
            Box::pin(async move { pour(&address, &head, &[b' '; 64 * 1024]).await })
        })
        .await;
        for (ended, answer) in &outcomes {
            assert!(matches!(status(answer), "413" | "none"), "{path}: {answer}");
            assert!(*ended, "{path}: the server goes on reading what it refused");
        }
        assert!(outcomes.iter().any(|(_, answer)| status(answer) == "413"), "{path}: nobody was told");
    }

    // A gigabyte in parts, as a file: each is taken up to its limit, and all together as far as there is room.
    let part = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000)).into_bytes();
    let head_of_parts = Arc::new(head(
        "/api/v1/media",
        "Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked",
    ));
    let part = Arc::new(part);
    let outcomes = many(24, |_| {
        let (address, head, part) = (address.clone(), head_of_parts.clone(), part.clone());
        Box::pin(async move { pour(&address, &head, &part).await })
    })
    .await;
    for (ended, answer) in &outcomes {
        assert!(matches!(status(answer), "413" | "503" | "none"), "{answer}");
        assert!(*ended, "the server goes on reading what it refused");
    }
    assert!(outcomes.iter().any(|(_, answer)| status(answer) == "503"), "there was room for all of them");

    // A hundred thousand keys, and as many as a body may hold.
    for (keys, expected) in [(100_000, 413), (20_000, 400)] {
        let members: Vec<String> = (0..keys).map(|key| format!("\"k{key}\":1")).collect();
        let body = format!("{{{}}}", members.join(","));
        for _ in 0..10 {
            let request = client.request(Method::POST, "/api/v1/auth/login");
            let request = request.header("Content-Type", "application/json").body(body.clone());
            // A refusal may come before all of the body was taken, and the connection then be reset.
            if let Ok(answer) = request.send().await {
                assert_eq!(answer.status().as_u16(), expected, "{keys} keys");
            }
        }
    }

    // Two lengths of one request.
    let both = "Content-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked";
    let twice = "Content-Type: application/json\r\nContent-Length: 4\r\nContent-Length: 40";
    for lengths in [both, twice] {
        let head = Arc::new(head("/api/v1/auth/login", lengths));
        let outcomes = many(100, |_| {
            let (address, head) = (address.clone(), head.clone());
            Box::pin(async move {
                let mut socket = TcpStream::connect(&address).await.expect("a connection");
                drop(socket.write_all(head.as_bytes()).await);
                let mut answer = vec![0; 4096];
                let read = tokio::time::timeout(Duration::from_secs(20), socket.read(&mut answer)).await;
                let read = read.ok().and_then(Result::ok).unwrap_or(0);
                String::from_utf8_lossy(&answer[..read]).into_owned()
            })
        })
        .await;
        assert!(outcomes.iter().all(|answer| status(answer) == "400"), "{outcomes:?}");
    }

    // Two thousand that dribble, heads and bodies, while all the rest goes on.
    let heads = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nX-Slow: ");
    let bodies =
        head("/api/v1/media", "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 20000000");
    let mut slow = Vec::new();
    for number in 0..2_000 {
        let mut socket = TcpStream::connect(&address).await.expect("a connection");
        let start = if number % 2 == 0 { &heads } else { &bodies };
        socket.write_all(start.as_bytes()).await.expect("the first bytes are taken");
        slow.push(socket);
    }
    for _ in 0..3 {
        for socket in &mut slow {
            // Those that were cut off meanwhile refuse it.
            drop(socket.write_all(b"x").await);
        }
        client.get("/api/v1/me", 200).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    drop(slow);

    let (asked, longest, most) = watch.end().await;
    println!(
        "{asked} requests of somebody else, the longest {longest:?}; {before} kB before, at most {most} kB"
    );
    assert!(asked > 20, "only {asked} requests of somebody else were answered");
    assert!(longest < Duration::from_secs(10), "somebody else waited {longest:?}");
    assert!(most < before + MOST_GROWTH_KILOBYTES, "memory grew from {before} kB to {most} kB");
    goods.app.stop().await;
}
