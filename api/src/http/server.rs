//! Starting and stopping the web server. The caller holds a token; cancelling it turns readiness off,
//! lets running requests finish and ends the server.

use crate::state::AppState;
use actix_web::HttpServer;
use anyhow::Context;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running server.
pub struct Running {
    /// Where it listens; the real port when 0 was asked for.
    pub address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Asks it to stop and waits for running requests.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.ended().await
    }
    /// Waits until it has ended, which its token makes it do.
    pub async fn ended(self) -> anyhow::Result<()> {
        self.task.await.context("the web server's task")?.context("the web server")
    }
}

/// Listens on an address such as `127.0.0.1:0` and serves until `stop` is cancelled.
pub async fn serve_on(state: AppState, address: &str, stop: CancellationToken) -> anyhow::Result<Running> {
    let listener = TcpListener::bind(address).with_context(|| format!("listening on {address}"))?;
    serve_listener(state, listener, stop)
}

/// Serves on an open socket until `stop` is cancelled.
pub fn serve_listener(
    state: AppState,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<Running> {
    let address = listener.local_addr().context("the address of the listening socket")?;
    // Installed before the first request, so that it is counted.
    crate::telemetry::metrics();
    let http = state.config.http.clone();
    let factory_state = state.clone();
    let mut server = HttpServer::new(move || super::build_app(factory_state.clone()))
        .client_request_timeout(Duration::from_secs(http.request_timeout_seconds))
        .keep_alive(Duration::from_secs(http.keep_alive_seconds))
        .shutdown_timeout(http.shutdown_seconds)
        // Password hashes and file work; bounded so that they cannot take every core.
        .worker_max_blocking_threads(8);
    if http.workers > 0 {
        server = server.workers(http.workers);
    }
    let stopping = stop.clone();
    let server = server
        .shutdown_signal(async move {
            stopping.cancelled().await;
            state.stop_accepting();
        })
        .listen(listener)
        .context("the web server's socket")?
        .run();
    Ok(Running { address, stop, task: tokio::spawn(server) })
}
