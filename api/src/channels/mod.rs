//! The application's side of the channel host: where credentials and pictures come from, and where
//! exchanges are noted. Use cases reach the platforms through `app::channels::call`.

mod assets;
mod exchange_writer;
mod vault;

use crate::app::channels::{KnownHooks, PushQueues};
use crate::config::Config;
use assets::Pictures;
use exchange_writer::ExchangeWriter;
use qianpu_host::plugins::Plugins;
use qianpu_host::{BaseUrl, Host, HostConfig, HostParts};
use qianpu_tenants::db::Db;
use qianpu_tenants::secrets::Sealer;
use std::sync::Arc;
use url::Url;
use vault::Vault;

pub use exchange_writer::TRIM_JOB;

/// The host with what belongs to it. One per process.
pub struct Channels {
    /// Makes every call to a platform.
    pub host: Host,
    /// Third-party plugins, on disk and in force.
    pub plugins: Arc<Plugins>,
    /// Seals credentials.
    pub sealer: Sealer,
    /// Accounts that pushed lately.
    pub known: KnownHooks,
    /// Pushes that wait to be stored.
    pub pushes: PushQueues,
}

impl Channels {
    /// Prepares the host. Must be called inside the main runtime: the writer of the exchange log runs on it.
    pub fn start(config: &Config, db: &Db, sealer: &Sealer) -> Result<Self, String> {
        let clock = db.clock().clone();
        let parts = HostParts {
            vault: Arc::new(Vault::new(db.clone(), sealer.clone())),
            assets: Arc::new(Pictures::new(config.media_dir())),
            observer: Arc::new(ExchangeWriter::start(db.clone())),
            now: Arc::new(move || clock.now()),
            config: host_config(config)?,
        };
        let host = Host::new(parts).map_err(|error| error.to_string())?;
        let plugins = Arc::new(Plugins::new(config.app.data_dir.join("plugins")));
        Ok(Self {
            host,
            plugins,
            sealer: sealer.clone(),
            known: KnownHooks::default(),
            pushes: PushQueues::default(),
        })
    }
}

/// A stand-in or a relay in a platform's place: for calls, and for the pages a person opens.
fn host_config(config: &Config) -> Result<HostConfig, String> {
    let mut host = HostConfig::default();
    let settings = &config.channels;
    for channel in qianpu_host::CHANNELS {
        let info = channel.info();
        let (calls, pages) = match info.app_family {
            Some("wechat-open") => (&settings.wechat_api_url, &settings.wechat_pages_url),
            Some("douyin") => (&settings.douyin_api_url, &settings.douyin_pages_url),
            _ => continue,
        };
        for name in info.hosts.iter().map(|host| host.name) {
            let text = if name == "api" { calls } else { pages };
            if !text.is_empty() {
                let url = Url::parse(text).map_err(|error| format!("channels: {text}: {error}"))?;
                host.base_urls.push(BaseUrl {
                    channel: Some(info.slug.to_owned()),
                    host: name.to_owned(),
                    url,
                });
            }
        }
    }
    Ok(host)
}
