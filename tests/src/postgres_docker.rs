//! PostgreSQL in a container, when a Docker engine answers at once.
//!
//! The container is kept in a static, which Rust never drops; a shell waiting on a pipe removes it when the test
//! process ends, however it ends.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use testcontainers::core::logs::LogFrame;
use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

use crate::left_out;
use crate::postgres::Found;

const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const START_WITHIN: Duration = Duration::from_secs(180);

static CONTAINER: OnceLock<(ContainerAsync<GenericImage>, Option<Child>)> = OnceLock::new();

pub(crate) async fn start() -> Result<Found, String> {
    engine_answers()?;
    let log_path = left_out::notes_dir().join(format!("sql-{}.log", std::process::id()));
    let log = std::fs::File::create(&log_path).map_err(|e| format!("the log {}: {e}", log_path.display()))?;
    let log = Arc::new(Mutex::new(log));
    let request = GenericImage::new("postgres", "17")
        .with_exposed_port(5432.tcp())
        .with_wait_for(WaitFor::message_on_stdout("PostgreSQL init process complete"))
        .with_wait_for(WaitFor::message_on_stderr("database system is ready to accept connections"))
        .with_env_var("POSTGRES_PASSWORD", "qianpu-test")
        .with_cmd([
            "postgres",
            "-c",
            "fsync=off",
            "-c",
            "max_connections=300",
            "-c",
            "timezone=Asia/Kathmandu",
            "-c",
            "log_parameter_max_length=0",
            "-c",
            "log_min_error_statement=panic",
            "-c",
            crate::sql_lint::LOG_LINE_PREFIX,
        ])
        .with_startup_timeout(START_WITHIN)
        .with_log_consumer(move |frame: &LogFrame| {
            if let LogFrame::StdErr(bytes) = frame
                && let Ok(mut file) = log.lock()
            {
                let _ = file.write_all(bytes);
                if !bytes.ends_with(b"\n") {
                    let _ = file.write_all(b"\n");
                }
            }
        });
    let container = request.start().await.map_err(|e| format!("the container did not start: {e}"))?;
    let host = container.get_host().await.map_err(|e| format!("the engine's host: {e}"))?;
    let port = container.get_host_port_ipv4(5432).await.map_err(|e| format!("the container's port: {e}"))?;
    let remover = remove_at_exit(container.id());
    CONTAINER.set((container, remover)).map_err(|_| "the container was started twice".to_owned())?;
    Ok(Found {
        superuser_url: format!("postgres://postgres:qianpu-test@{host}:{port}/postgres"),
        sql_log: Some(log_path),
        origin: "Docker, image postgres:17".to_owned(),
    })
}

/// A client without an engine is common, and finding that out through the library takes long; so ask the socket.
fn engine_answers() -> Result<(), String> {
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    let ping = b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n";
    let mut answer = [0u8; 64];
    let read = if let Some(path) = host.strip_prefix("unix://") {
        let mut stream = UnixStream::connect(path).map_err(|e| format!("no engine at {host} ({e})"))?;
        stream.set_read_timeout(Some(ANSWER_WITHIN)).map_err(|e| e.to_string())?;
        stream.write_all(ping).and_then(|()| stream.read(&mut answer))
    } else if let Some(address) = host.strip_prefix("tcp://") {
        use std::net::ToSocketAddrs;
        let address = address
            .to_socket_addrs()
            .ok()
            .and_then(|mut all| all.next())
            .ok_or_else(|| format!("{host} does not resolve"))?;
        let mut stream = std::net::TcpStream::connect_timeout(&address, ANSWER_WITHIN)
            .map_err(|e| format!("no engine at {host} ({e})"))?;
        stream.set_read_timeout(Some(ANSWER_WITHIN)).map_err(|e| e.to_string())?;
        stream.write_all(ping).and_then(|()| stream.read(&mut answer))
    } else {
        return Err(format!("an engine at {host} is not supported"));
    };
    let read = read.map_err(|e| format!("the engine at {host} does not answer ({e})"))?;
    let first = String::from_utf8_lossy(answer.get(..read).unwrap_or_default()).into_owned();
    // An engine behind TLS closes or answers 400; it answered, and the library knows the certificates.
    if first.starts_with("HTTP/1.") || std::env::var_os("DOCKER_TLS_VERIFY").is_some() {
        Ok(())
    } else {
        Err(format!("what listens at {host} is no Docker engine"))
    }
}

fn remove_at_exit(id: &str) -> Option<Child> {
    Command::new("sh")
        .args(["-c", "read -r _ || true; docker rm -f -v \"$CONTAINER\""])
        .env("CONTAINER", id)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .ok()
}
