//! `qianpu sandbox`: the platforms' side alone, for whoever writes a client or a plugin for them.

use anyhow::Context;
use clap::Args;
use qianpu_sandbox::{Sandbox, SandboxConfig};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// A loopback address; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9100")]
    bind: SocketAddr,
    /// Where its accounts, products and orders are kept between runs; without it nothing is kept.
    #[arg(long, value_name = "FILE")]
    data_file: Option<PathBuf>,
}

/// Runs it until `stop`.
pub async fn run(args: SandboxArgs, stop: CancellationToken) -> anyhow::Result<()> {
    let SandboxArgs { bind, data_file } = args;
    let sandbox = Sandbox::start(SandboxConfig { bind, data_file, ..SandboxConfig::default() })
        .await
        .with_context(|| format!("starting the sandbox at {bind}; choose another address with --bind"))?;
    writeln!(std::io::stdout(), "platform sandbox: {}", sandbox.base_url)?;
    stop.cancelled().await;
    sandbox.stop().await;
    Ok(())
}
