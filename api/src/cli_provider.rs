//! `qianpu create-provider` and `qianpu create-operator`: the first ways into a new installation.

use crate::app::setup::{self, NewPerson, NewProvider};
use crate::error::ApiError;
use crate::state::AppState;
use anyhow::Context;
use clap::Args;
use qianpu_domain::access::Role;
use qianpu_tenants::random;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The options of the command.
#[derive(Debug, Args)]
pub struct ProviderArgs {
    /// What the provider is called.
    #[arg(long)]
    pub name: String,
    /// The word in the address of its application page, `/apply/<SLUG>`: small letters, digits, hyphens.
    #[arg(long)]
    pub slug: String,
    /// The owner's name.
    #[arg(long)]
    pub owner_name: String,
    /// The owner's e-mail, for the log-in.
    #[arg(long)]
    pub owner_email: String,
    /// The first line of this file is the owner's password; `-` is standard input. Left out: one is made and printed.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Language of provider and owner: zh or en.
    #[arg(long, default_value = "zh", value_parser = ["zh", "en"])]
    pub locale: String,
}

/// Letters of a password that is made.
const MADE: usize = 20;

/// Makes the provider; answers with what the owner needs to know.
pub async fn create(state: &AppState, args: &ProviderArgs) -> anyhow::Result<String> {
    let given = args.password_file.as_deref().map(first_line).transpose()?;
    let made: String = random::token().chars().take(MADE).collect();
    let password = given.as_deref().unwrap_or(&made);
    let owner = NewPerson {
        email: &args.owner_email,
        name: &args.owner_name,
        password,
        locale: &args.locale,
        role: Role::ProviderOwner,
    };
    let new = NewProvider { name: &args.name, slug: &args.slug, locale: &args.locale, staff: &[owner] };
    setup::create_provider(state, &new).await.map_err(|error| told(&error))?;
    let base = state.config.app.public_url.trim_end_matches('/');
    let mut text = format!(
        "{} can take merchants now.\n  log-in        {base}/console/login\n  e-mail        {}\n",
        args.name, args.owner_email
    );
    if given.is_none() {
        text.push_str(&format!("  password      {password}   (shown once)\n"));
    }
    text.push_str(&format!("  applications  {base}/apply/{}", args.slug));
    Ok(text)
}

/// The options of `create-operator`.
#[derive(Debug, Args)]
pub struct OperatorArgs {
    /// The person's name.
    #[arg(long)]
    pub name: String,
    /// The person's e-mail, for the log-in.
    #[arg(long)]
    pub email: String,
    /// The first line of this file is the password; `-` is standard input. Left out: one is made and printed.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The person's language: zh or en.
    #[arg(long, default_value = "zh", value_parser = ["zh", "en"])]
    pub locale: String,
}

/// Adds a person to the operator; answers with what they need to know.
pub async fn create_operator(state: &AppState, args: &OperatorArgs) -> anyhow::Result<String> {
    let given = args.password_file.as_deref().map(first_line).transpose()?;
    let made: String = random::token().chars().take(MADE).collect();
    let password = given.as_deref().unwrap_or(&made);
    let person = NewPerson {
        email: &args.email,
        name: &args.name,
        password,
        locale: &args.locale,
        role: Role::OperatorOwner,
    };
    setup::add_operator(state, &person).await.map_err(|error| told(&error))?;
    let base = state.config.app.public_url.trim_end_matches('/');
    let mut text = format!(
        "{} runs the installation now.\n  log-in    {base}/console/login\n  e-mail    {}",
        args.name, args.email
    );
    if given.is_none() {
        text.push_str(&format!("\n  password  {password}   (shown once)"));
    }
    Ok(text)
}

/// Every field that is wrong, with what is wrong with it.
fn told(error: &ApiError) -> anyhow::Error {
    if error.errors().is_empty() {
        return anyhow::anyhow!("{error}");
    }
    let lines = error.errors().iter().map(|field| format!("{}: {}", field.path, field.message_en));
    anyhow::anyhow!("nobody was added\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn first_line(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).context("reading the password")?;
    } else {
        text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    }
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
