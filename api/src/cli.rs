//! The command line. `main` is a multi-thread runtime, because the database pool and the jobs must not
//! live on a worker of the web server.

use crate::app::plugins;
use crate::app::setup;
use crate::auth::keys::Keys;
use crate::cli_audit::{self, AuditCommand};
use crate::cli_provider::{self, OperatorArgs, ProviderArgs};
use crate::cli_sandbox::{self, SandboxArgs};
use crate::cli_whole::{self, ExportArgs, PurgeArgs, RestoreArgs};
use crate::config::{Config, DEFAULT};
use crate::demo::{self, DemoOptions};
use crate::http::{openapi, server};
use crate::jobs::runner;
use crate::mail::{Dress, Mail, Mailer};
use crate::pages::Pages;
use crate::state::AppState;
use crate::telemetry;
use anyhow::Context;
use clap::{Parser, Subcommand};
use qianpu_domain::ids::JobId;
use qianpu_tenants::clock::Clock;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// Qianpu 千铺: a shop platform for service providers and their merchants.
#[derive(Debug, Parser)]
#[command(name = "qianpu", version)]
struct Cli {
    /// A configuration file; the environment (QIANPU__SECTION__KEY) wins over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try everything on this machine: product, platform sandbox, a provider and three merchants.
    Demo {
        /// Where the demo keeps everything.
        #[arg(long, value_name = "DIR", default_value = "qianpu-data")]
        data_dir: PathBuf,
        /// Port of the product; the sandbox takes the next one [default: 8300, or the one used before].
        #[arg(long)]
        port: Option<u16>,
        /// Throw the demo's data away and start over.
        #[arg(long)]
        fresh: bool,
    },
    /// Play the platforms' side alone, for whoever writes a client or a plugin.
    Sandbox(SandboxArgs),
    /// Write a channel plugin: start one, test it, try it at every save.
    #[cfg(feature = "wasm")]
    #[command(subcommand)]
    Plugin(qianpu_kit::PluginCommand),
    /// Serve the API and the pages, and run jobs.
    Serve {
        /// Leave the jobs to `qianpu worker`.
        #[arg(long)]
        no_jobs: bool,
    },
    /// Run jobs only.
    Worker,
    /// Bring the database to the newest schema.
    Migrate {
        /// The role the application connects as, granted what it needs (PostgreSQL).
        #[arg(long, value_name = "ROLE")]
        app_role: Option<String>,
    },
    /// Add a service provider with its owner, who then logs in at the console.
    CreateProvider(ProviderArgs),
    /// Add a person who runs the installation: the operator console, where providers are made and stopped.
    CreateOperator(OperatorArgs),
    /// Write everything a merchant has into one archive.
    ExportMerchant(ExportArgs),
    /// Remove what was kept of a deleted merchant, when its time is over; as the owner of the database.
    PurgeMerchant(PurgeArgs),
    /// Bring a merchant back from an archive, with its ids.
    RestoreMerchant(RestoreArgs),
    /// The audit log: whether anybody changed it.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print the OpenAPI document.
    Openapi,
    /// Check the configuration and report every problem at once.
    CheckConfig {
        /// Print all settings with their documentation instead.
        #[arg(long)]
        print_default: bool,
        /// Send a test mail to this address as configured.
        #[arg(long, value_name = "ADDRESS")]
        mail_to: Option<String>,
    },
}

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    main_with(std::env::args_os())
}

/// Runs the command of these arguments, of which the first is the program's name, and turns its outcome
/// into an exit code.
pub fn main_with(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = Cli::parse_from(arguments);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "qianpu: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Openapi => {
            let document = openapi::document(&crate::http::routes());
            print(&document.to_pretty_json().context("writing the document")?)
        }
        Command::CheckConfig { print_default: true, .. } => print(DEFAULT),
        Command::CheckConfig { mail_to, .. } => {
            let config = Config::load(cli.config.as_deref())?;
            if let Some(address) = mail_to {
                send_test_mail(&config, address).await?;
            }
            print("the configuration is good")
        }
        Command::Migrate { app_role } => {
            let config = Config::load(cli.config.as_deref())?;
            telemetry::start_logging(&config.log);
            migrate(&config, app_role.as_deref()).await
        }
        Command::Demo { data_dir, port, fresh } => {
            let options = DemoOptions { data_dir, port, fresh };
            demo::run(options, cli.config.as_deref(), stop_on_signal()).await
        }
        Command::Sandbox(args) => cli_sandbox::run(args, stop_on_signal()).await,
        #[cfg(feature = "wasm")]
        Command::Plugin(command) => qianpu_kit::run(command, stop_on_signal()).await,
        Command::Serve { no_jobs } => serve(Config::load(cli.config.as_deref())?, !no_jobs).await,
        Command::Worker => worker(Config::load(cli.config.as_deref())?).await,
        Command::CreateProvider(args) => {
            let state = start(Config::load(cli.config.as_deref())?).await?;
            let told = cli_provider::create(&state, &args).await?;
            end(state).await?;
            print(&told)
        }
        Command::CreateOperator(args) => {
            let state = start(Config::load(cli.config.as_deref())?).await?;
            let told = cli_provider::create_operator(&state, &args).await?;
            end(state).await?;
            print(&told)
        }
        Command::RestoreMerchant(args) => {
            let state = start(Config::load(cli.config.as_deref())?).await?;
            let told = cli_whole::bring_back(&state, &args).await?;
            end(state).await?;
            print(&told)
        }
        Command::PurgeMerchant(args) => {
            let config = Config::load(cli.config.as_deref())?;
            print(&cli_whole::purge(&config, &args).await?)
        }
        Command::Audit(AuditCommand::Verify(args)) => {
            let state = start(Config::load(cli.config.as_deref())?).await?;
            let told = cli_audit::verify(&state, &args).await;
            end(state).await?;
            print(&told?)
        }
        Command::ExportMerchant(args) => {
            let state = start(Config::load(cli.config.as_deref())?).await?;
            let told = cli_whole::export(&state, &args).await?;
            end(state).await?;
            print(&told)
        }
    }
}

async fn send_test_mail(config: &Config, to: String) -> anyhow::Result<()> {
    let pages = Pages::load(config).map_err(anyhow::Error::msg)?;
    let keys = Keys::of(config).map_err(anyhow::Error::msg)?;
    let mailer = Mailer::of(config, keys.sealer.clone())?;
    let now = Clock::system().now();
    let mail = Mail {
        arguments: vec![("name".to_owned(), to.clone())],
        to,
        lang: config.app.language,
        texts: "core.mail_test.".into(),
        points: Vec::new(),
        link: Some(format!("{}/console", config.app.public_url.trim_end_matches('/'))),
        from_name: String::new(),
    };
    let id = JobId(qianpu_tenants::random::id(now));
    mailer
        .send(&pages, &mail, id, now, &Dress::default())
        .await
        .map_err(|error| anyhow::anyhow!("the mail was not sent: {error:?}"))
}

fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("writing to standard output")
}

/// Brings the database to the newest schema; makes the data directory first when it is SQLite.
pub async fn migrate(config: &Config, app_role: Option<&str>) -> anyhow::Result<()> {
    std::fs::create_dir_all(&config.app.data_dir)
        .with_context(|| format!("making {}", config.app.data_dir.display()))?;
    let own = config.database_url();
    let admin = config.database.admin_url.reveal();
    let url = if admin.is_empty() { own.as_str() } else { admin };
    qianpu_migrations::migrate(url, app_role).await.context("migrating the database")
}

async fn serve(config: Config, with_jobs: bool) -> anyhow::Result<()> {
    let state = start(config).await?;
    let stop = stop_on_signal();
    let bind = state.config.http.bind.clone();
    let running = server::serve_on(state.clone(), &bind, stop.clone()).await?;
    let jobs = with_jobs.then(|| tokio::spawn(runner::run(state.clone(), stop)));
    tracing::info!(address = %running.address, "serving");
    running.ended().await?;
    if let Some(jobs) = jobs {
        jobs.await.context("the job runner")?;
    }
    end(state).await
}

async fn worker(config: Config) -> anyhow::Result<()> {
    let state = start(config).await?;
    tracing::info!("running jobs");
    runner::run(state.clone(), stop_on_signal()).await;
    end(state).await
}

async fn start(config: Config) -> anyhow::Result<AppState> {
    telemetry::start_logging(&config.log);
    // The embedded database belongs to this process, so it is brought up to date without being asked.
    if config.database.url.reveal().is_empty() {
        migrate(&config, None).await?;
    }
    open(config).await
}

/// Opens the database and makes sure of the operator and its rules: a new version may bring new ones.
pub async fn open(config: Config) -> anyhow::Result<AppState> {
    let state = AppState::start(config, Clock::system()).await?;
    setup::ensure_operator(&state, "千铺 Qianpu", None).await.map_err(|error| {
        anyhow::anyhow!("the database cannot be used ({error}); has `qianpu migrate` been run?")
    })?;
    // Before anything is served: accounts may be linked through them.
    plugins::start(&state).await;
    tokio::spawn(plugins::watch(state.clone()));
    Ok(state)
}

/// Closes the pool last, when nothing uses it any more.
async fn end(state: AppState) -> anyhow::Result<()> {
    state.db.close().await.context("closing the database")?;
    tracing::info!("stopped");
    Ok(())
}

/// A token that is cancelled by Ctrl-C or a termination signal.
pub fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        signalled().await;
        token.cancel();
    });
    stop
}

#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn signalled() {
    drop(tokio::signal::ctrl_c().await);
}
