//! What every request and job may use, made once at start-up.

use crate::app::orders::carriers::Carriers;
use crate::auth::keys::Keys;
use crate::auth::last_use::LastUse;
use crate::auth::throttle::Throttle;
use crate::channels::Channels;
use crate::config::Config;
use crate::figures::Figures;
use crate::http::console::demo_webhooks::Receiver;
use crate::http::limits::Limits;
use crate::http::rates::RateBook;
use crate::mail::Mailer;
use crate::outside::{Outside, PORTS, Policy, SystemNames};
use crate::pages::Pages;
use anyhow::Context;
use qianpu_tenants::clock::Clock;
use qianpu_tenants::db::{Db, DbConfig};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// The application. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub config: Arc<Config>,
    pub db: Db,
    pub keys: Arc<Keys>,
    pub pages: Arc<Pages>,
    pub throttle: Arc<Throttle>,
    pub last_use: Arc<LastUse>,
    pub mailer: Arc<Mailer>,
    pub channels: Arc<Channels>,
    pub carriers: Arc<Carriers>,
    pub outside: Arc<Outside>,
    pub limits: Arc<Limits>,
    pub rates: Arc<RateBook>,
    pub figures: Arc<Figures>,
    /// Room for large bodies, in kilobytes.
    pub bodies: Arc<Semaphore>,
    /// The demo's receiver of webhooks; only development shows it.
    pub receiver: Arc<Receiver>,
    ready: Arc<AtomicBool>,
}

impl AppState {
    /// Connects and prepares everything. Call it on the main multi-thread runtime: the pool must not
    /// belong to a worker of the web server.
    pub async fn start(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let own = &config.database;
        let database = DbConfig {
            statement_timeout: Duration::from_secs(own.statement_timeout_seconds),
            lock_timeout: Duration::from_secs(own.lock_timeout_seconds),
            ..DbConfig::new(config.database_url(), own.max_connections)
        };
        let db = Db::connect(&database, clock).await.context("opening the database")?;
        Self::with_db(config, db)
    }

    /// The same over an open database. Call it inside the main runtime.
    pub fn with_db(config: Config, db: Db) -> anyhow::Result<Self> {
        let keys = Keys::of(&config).map_err(anyhow::Error::msg)?;
        let channels = Channels::start(&config, &db, &keys.sealer).map_err(anyhow::Error::msg)?;
        let policy = Policy { loopback: config.webhooks.allow_loopback, plain: false, ports: PORTS.to_vec() };
        let outside = Outside::new(policy, Arc::new(SystemNames)).map_err(anyhow::Error::msg)?;
        Ok(Self {
            outside: Arc::new(outside),
            limits: Arc::new(Limits::new(config.limits.address())),
            rates: Arc::default(),
            bodies: Arc::new(Semaphore::new(config.http.large_bodies_megabytes * 1024)),
            figures: Arc::new(Figures::new(
                config.figures.tenants,
                config.figures.metrics_tenants,
                db.clock().now(),
            )),
            receiver: Arc::default(),
            channels: Arc::new(channels),
            carriers: Arc::default(),
            mailer: Arc::new(Mailer::of(&config, keys.sealer.clone())?),
            keys: Arc::new(keys),
            pages: Arc::new(Pages::load(&config).map_err(anyhow::Error::msg)?),
            last_use: Arc::default(),
            throttle: Arc::new(Throttle::new(config.login.max_failures)),
            config: Arc::new(config),
            db,
            ready: Arc::new(AtomicBool::new(true)),
        })
    }

    /// The host of the installation's public address.
    pub fn own_host(&self) -> String {
        self.config.own_host()
    }
    /// Whether a host is the installation's own; in development this machine by any name.
    pub fn is_own_host(&self, host: &str) -> bool {
        let here = ["localhost", "127.0.0.1", "::1"];
        host == self.config.own_host() || (self.config.is_development() && here.contains(&host))
    }
    /// The address at a host that leads here; the scheme and the port are those of the public address.
    pub fn address_at(&self, host: &str) -> String {
        let url = url::Url::parse(&self.config.app.public_url).ok();
        let scheme = url.as_ref().map_or("https", url::Url::scheme);
        match url.as_ref().and_then(url::Url::port) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    }

    /// The clock; the one of the database, so that there is only one.
    pub fn clock(&self) -> &Clock {
        self.db.clock()
    }
    /// A new id for something outside a transaction, such as a request.
    pub fn new_id(&self) -> Uuid {
        qianpu_tenants::random::id(self.clock().now())
    }
    /// Whether new requests are welcome; false once a stop was asked.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
    /// Tells load balancers to send no more requests.
    pub fn stop_accepting(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }
}
