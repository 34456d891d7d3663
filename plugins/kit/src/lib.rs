//! `qianpu plugin`: the kit of somebody who writes a channel plugin. It starts a project, tests it, and tries it at
//! every save. What it knows of a plugin is what the server knows: a component, loaded by the same engine and held to
//! the same conformance suite.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod dev;
mod examine;
mod live;
mod new;
mod project;
mod told;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand, ValueEnum};
use std::io::Write;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

pub use examine::{Examined, examine};
pub use new::create;
pub use project::{Language, build};

/// Commands of `plugin`.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Start a plugin: a project that builds, passes its tests, and brings orders of the sandbox into a shop.
    New(NewArgs),
    /// Build the plugin, hold it to the conformance suite, and play its recorded exchanges.
    Test(TestArgs),
    /// The same at every save; what passes goes live in a demo that runs, and its exchanges are shown.
    Dev(DevArgs),
}

/// Arguments of `plugin new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Its name, which becomes the folder and the slug: lower case with hyphens, such as `my-market`.
    name: String,
    /// The language it is written in.
    #[arg(long, value_enum)]
    lang: Language,
    /// A checkout of Qianpu whose sdk is used by path, instead of the copy that is written into `vendor/` (Rust).
    #[arg(long, value_name = "DIR")]
    sdk_path: Option<PathBuf>,
}

/// Arguments of `plugin test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The project's folder, or a component that is built already (its vectors and exchanges lie beside it, or in the
    /// folder above).
    #[arg(default_value = ".")]
    target: PathBuf,
    /// Show every recorded exchange, and what the plugin logs.
    #[arg(long, short)]
    verbose: bool,
}

/// Arguments of `plugin dev`.
#[derive(Debug, Args)]
pub struct DevArgs {
    /// The project's folder.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The data directory of a demo that runs: what passes is put into its folder of plugins.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

/// Runs a command until it ends, or until `stop`.
///
/// # Errors
/// What to do about it, in a sentence. A plugin that does not hold is an error as well.
pub async fn run(command: PluginCommand, stop: CancellationToken) -> anyhow::Result<()> {
    match command {
        PluginCommand::New(NewArgs { name, lang, sdk_path }) => {
            let folder = std::env::current_dir()?.join(&name);
            create(&folder, &name, lang, sdk_path.as_deref())?;
            say(&format!("{name} is there. Go on with:\n\n  cd {name}\n  qianpu plugin test\n"))
        }
        PluginCommand::Test(TestArgs { target, verbose }) => {
            let examined = tokio::task::spawn_blocking(move || examine(&target)).await??;
            say(&examined.text(verbose))?;
            ensure!(examined.failures() == 0, "{} of the checks failed", examined.failures());
            Ok(())
        }
        PluginCommand::Dev(DevArgs { folder, into }) => dev::run(folder, into, stop).await,
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).context("writing to standard output")
}

impl ValueEnum for Language {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }
    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.as_str()))
    }
}
