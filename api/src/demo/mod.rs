//! `qianpu demo`: the whole product on one machine, with the local platform sandbox beside it.
//!
//! The data directory holds everything: database, files, mails, the sandbox's state and `demo.json`, which
//! tells scripts where things are. It is written when seeding has ended; a directory without it is an
//! unfinished one and is begun anew. Seeding goes through the public API of the running server (only the
//! provider itself and the joining of buyers with the platform are use cases), so what it makes is what
//! a person could have made.

mod aftersales;
mod alliance;
mod buyers;
mod client;
mod directory;
mod douyin;
mod drift;
mod figures;
mod followers;
mod live;
pub mod manifest;
mod merchants;
mod money;
mod pictures;
mod platform;
mod programs;
mod promotions;
mod qualifications;
mod scores;
pub mod seed;
mod shop_desk;
mod staff;
mod webhooks;

use crate::config::{Config, MailTransport, Profile};
use crate::http::server;
use crate::jobs::runner;
use anyhow::Context;
use directory::DataDirectory;
use manifest::Manifest;
use qianpu_sandbox::{Sandbox, SandboxConfig};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// What the command line says.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The product's port; the sandbox takes the next one. None for the one used before, or 8300.
    pub port: Option<u16>,
    /// Whether to start over.
    pub fresh: bool,
}

/// The port of a new demo.
pub const PORT: u16 = 8300;

/// Starts everything, seeds when there is nothing yet, and serves until `stop`.
pub async fn run(options: DemoOptions, config: Option<&Path>, stop: CancellationToken) -> anyhow::Result<()> {
    let directory = DataDirectory::open(&options.data_dir, options.fresh)?;
    let before = directory.manifest()?;
    let port = port_of(&options, before.as_ref())?;
    let config = configuration(&directory, config, port)?;
    crate::telemetry::start_logging(&config.log);
    crate::cli::migrate(&config, None).await?;
    let state = crate::cli::open(config).await?;
    let sandbox = Sandbox::start(SandboxConfig {
        bind: local(port + 1),
        data_file: Some(directory.path("sandbox.json")),
        ..SandboxConfig::default()
    })
    .await
    .with_context(|| format!("starting the sandbox on port {}; choose another with --port", port + 1))?;
    let running = server::serve_on(state.clone(), &local(port).to_string(), stop.clone())
        .await
        .with_context(|| format!("port {port} is not free; choose another with --port"))?;
    let jobs = tokio::spawn(runner::run(state.clone(), stop.clone()));

    webhooks::learn(&state, directory.root())?;
    let manifest = match before {
        Some(manifest) => manifest,
        None => {
            say("Setting up the demo: a provider, three merchants, a linked shop, orders …")?;
            let manifest = tokio::select! {
                seeded = seed::seed(&state, &sandbox.base_url) => seeded.context("setting up the demo")?,
                () = stop.cancelled() => anyhow::bail!("stopped before the demo was set up; start it again"),
            };
            directory.write_manifest(&manifest)?;
            manifest
        }
    };
    greet(&manifest, &directory)?;
    running.ended().await?;
    jobs.await.context("the job runner")?;
    sandbox.stop().await;
    state.db.close().await.context("closing the database")
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn port_of(options: &DemoOptions, before: Option<&Manifest>) -> anyhow::Result<u16> {
    let Some(used) = before.and_then(Manifest::port) else {
        return Ok(options.port.unwrap_or(PORT));
    };
    match options.port {
        // Addresses with the port stand in the data: push addresses at the sandbox, links in mails.
        Some(port) if port != used => anyhow::bail!(
            "the data in {} was set up for port {used}; leave --port out, or start over with --fresh, or use another --data-dir",
            options.data_dir.display()
        ),
        _ => Ok(used),
    }
}

fn configuration(directory: &DataDirectory, file: Option<&Path>, port: u16) -> anyhow::Result<Config> {
    let mut config = Config::load(file)?;
    config.app.profile = Profile::Development;
    config.app.data_dir = directory.root().to_owned();
    config.app.public_url = format!("http://127.0.0.1:{port}");
    config.mail.transport = MailTransport::File;
    // One person on one machine, and tools that try everything: nobody to be fair to.
    config.limits.address_per_second = 0;
    config.limits.tenant_per_second = 0;
    config.limits.caller_per_second = 0;
    config.buyers.resend_seconds = 1;
    // The demo's receiver is the demo itself.
    config.webhooks.allow_loopback = true;
    config.channels.wechat_api_url = format!("http://{}", local(port + 1));
    config.channels.wechat_pages_url = config.channels.wechat_api_url.clone();
    config.channels.douyin_api_url = config.channels.wechat_api_url.clone();
    config.channels.douyin_pages_url = config.channels.wechat_api_url.clone();
    if std::env::var_os("QIANPU__LOG__FILTER").is_none() {
        config.log.filter = "warn".to_owned();
    }
    Ok(config)
}

fn greet(manifest: &Manifest, directory: &DataDirectory) -> anyhow::Result<()> {
    let mut text = format!(
        "\n  Qianpu 千铺 is running.\n\n  Console          {base}/console\n  Mails            {base}/demo/mail\n  Webhook receiver {base}/demo/webhooks\n  API              {base}/api/docs\n  Platform sandbox {sandbox}\n\n",
        base = manifest.base_url,
        sandbox = manifest.sandbox_url
    );
    for shop in &manifest.shops {
        text.push_str(&format!("  Shop             {}  {}\n", shop.url, shop.name));
    }
    text.push('\n');
    for login in &manifest.logins {
        text.push_str(&format!(
            "  Log-in           {:<34} {}   ({}, {})\n",
            login.email, login.password, login.surface, login.role
        ));
    }
    text.push_str(&format!(
        "\n  Data in {}. Ctrl-C stops; starting again keeps everything.\n",
        directory.root().display()
    ));
    say(&text)
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).context("writing to standard output")
}
