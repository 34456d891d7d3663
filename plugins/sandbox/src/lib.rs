//! A local stand-in of the platforms (WeChat, Douyin): the other side of the wire for a shop-builder's channels.
//!
//! Written from the platform's documents, so that any conforming client library can talk to it (same paths, field
//! names, spellings, error numbers) and so that its pushes are what the platform would send. It knows nothing of
//! Qianpu. `Sandbox::start` runs the HTTP server and the push sender on the caller's tokio runtime; state lives in one
//! JSON file. Only loopback addresses are ever called.
//!
//! Where to look: `calls` takes an API call to its handler; `component`, `token`, `official_account` and `store_*`
//! are WeChat's families, `douyin` is the other platform; `push` and `push_sender` are the outgoing side; `control*` and `pages*` are what a
//! tester or a person plays with.

mod aftersale;
mod articles;
mod authorize_pages;
mod buyer;
mod calls;
mod clock;
mod compass;
mod component;
mod control;
mod control_accounts;
mod control_buyer;
mod control_clock;
mod control_faults;
mod control_promotion;
mod core;
mod crypto;
mod dispute;
mod douyin;
mod errors;
mod events;
mod fan_tags;
mod fans;
mod finder;
mod funds;
mod guarantee;
mod league;
mod league_plans;
mod official_account;
mod order_view;
mod page_data;
mod page_faults;
mod page_forms;
mod page_words;
mod pages;
mod product_audit;
mod product_rules;
mod push;
mod push_sender;
mod quota;
mod rare_events;
mod state;
mod store_basics;
mod store_category;
mod store_coupon;
mod store_delivery;
mod store_discount;
mod store_order;
mod store_order_desk;
mod store_picture;
mod store_product;
mod store_qualification;
mod store_stock;
mod templates;
mod token;
mod trade;
mod web_login;

use crate::core::Core;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How the sandbox is started.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Port 0 takes a free one; see [`SandboxHandle::base_url`].
    pub bind: SocketAddr,
    /// Where state is kept between runs; nothing is written without it.
    pub data_file: Option<PathBuf>,
    pub token_life_seconds: u64,
    /// Time between two verify tickets.
    pub ticket_interval: Duration,
    /// Waits before the second, third, … attempt of a push.
    pub push_retry_schedule: Vec<Duration>,
    pub push_timeout: Duration,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            data_file: None,
            token_life_seconds: 7200,
            ticket_interval: Duration::from_secs(600),
            push_retry_schedule: [0, 0, 10, 60, 300, 1800, 3600, 3600, 3600]
                .map(Duration::from_secs)
                .to_vec(),
            push_timeout: Duration::from_secs(5),
        }
    }
}

/// The sandbox; see [`Sandbox::start`].
pub struct Sandbox;

/// A running sandbox. Dropping the handle leaves it running until the runtime ends; `stop` ends it and saves.
pub struct SandboxHandle {
    pub base_url: String,
    core: Arc<Core>,
    server: actix_web::dev::ServerHandle,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Sandbox {
    /// Must be called within a tokio runtime.
    pub async fn start(config: SandboxConfig) -> anyhow::Result<SandboxHandle> {
        use actix_web::{App, HttpServer, web};
        anyhow::ensure!(config.bind.ip().is_loopback(), "the sandbox binds to a loopback address only");
        let bind = config.bind;
        let core = Arc::new(Core::open(config)?);
        let data = web::Data::from(core.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(1 << 20))
                .app_data(web::JsonConfig::default().limit(1 << 20).error_handler(control::json_error))
                .app_data(web::FormConfig::default().limit(64 << 10))
                .configure(control::routes)
                .configure(control_accounts::routes)
                .configure(control_buyer::routes)
                .configure(control_clock::routes)
                .configure(compass::routes)
                .configure(league::routes)
                .configure(control_faults::routes)
                .configure(control_promotion::routes)
                .configure(authorize_pages::routes)
                .configure(douyin::control::routes)
                .wrap(actix_web::middleware::from_fn(pages::refuse_strangers))
                .wrap(actix_web::middleware::from_fn(pages::tell_the_end))
                .configure(pages::routes)
                .configure(page_forms::routes)
                .configure(page_faults::routes)
                .configure(fans::routes)
                .configure(templates::routes)
                .configure(finder::routes)
                .configure(funds::routes)
                .configure(store_qualification::routes)
                .configure(douyin::pages::routes)
                .configure(store_picture::routes)
                .default_service(web::to(calls::answer))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(2)
        .bind(bind)?;
        let address = *server.addrs().first().ok_or_else(|| anyhow::anyhow!("no address was bound"))?;
        let base_url = format!("http://{address}");
        let server = server.run();
        let handle = server.handle();
        let serving = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "sandbox server ended");
            }
        });
        let tasks = vec![
            serving,
            tokio::spawn(push_sender::run(core.clone())),
            tokio::spawn(core::save_when_changed(core.clone())),
        ];
        Ok(SandboxHandle { base_url, core, server: handle, tasks })
    }
}

impl SandboxHandle {
    /// Ends the server and the push sender and writes the state a last time.
    pub async fn stop(self) {
        self.core.stop();
        self.server.stop(true).await;
        for task in self.tasks {
            let _ = task.await;
        }
    }
}
