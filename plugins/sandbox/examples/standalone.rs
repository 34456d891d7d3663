//! Runs the sandbox alone: `cargo run -p qianpu-sandbox --example standalone -- [address] [state file]`.
#![allow(clippy::print_stdout, reason = "a command-line program speaks on its standard output")]

use qianpu_sandbox::{Sandbox, SandboxConfig};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let bind = arguments.next().unwrap_or_else(|| "127.0.0.1:9100".into()).parse()?;
    let data_file = arguments.next().map(Into::into);
    let sandbox = Sandbox::start(SandboxConfig { bind, data_file, ..SandboxConfig::default() }).await?;
    println!("platform sandbox: {}", sandbox.base_url);
    tokio::signal::ctrl_c().await?;
    sandbox.stop().await;
    Ok(())
}
