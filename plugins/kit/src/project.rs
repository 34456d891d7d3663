//! A plugin's folder: the language it is written in, and how it becomes a component.

use anyhow::{Context, bail, ensure};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What components of Rust are built for: no operating system, so no way out but the interface.
const TARGET: &str = "wasm32-unknown-unknown";

/// Languages a plugin can be started in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Rust, with the sdk.
    Rust,
    /// TypeScript on QuickJS, with npm.
    TypeScript,
    /// Python, with pip.
    Python,
}

impl Language {
    /// Every language.
    pub const ALL: &'static [Self] = &[Self::Rust, Self::TypeScript, Self::Python];
    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::TypeScript => "typescript",
            Self::Python => "python",
        }
    }
    /// The language of a project, by the file its packages are named in.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        Self::ALL.iter().copied().find(|language| folder.join(language.packages()).is_file())
    }
    const fn packages(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::TypeScript => "package.json",
            Self::Python => "requirements.txt",
        }
    }
    /// Folders of a project that are made and not written.
    pub(crate) const MADE: &'static [&'static str] =
        &["target", "node_modules", "build", ".venv", "__pycache__", ".git"];
}

/// Builds a project; the file with the component. Installs what the project's lists of packages name, where that has
/// not been done.
///
/// # Errors
/// What the tool said, or which tool is missing.
pub fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    let language = Language::of(folder).with_context(|| {
        format!("there is no Cargo.toml, package.json or requirements.txt in {}", folder.display())
    })?;
    let file = match language {
        Language::Rust => rust(folder)?,
        Language::TypeScript => typescript(folder)?,
        Language::Python => python(folder)?,
    };
    ensure!(file.is_file(), "the build ended well and made no {}", file.display());
    Ok(file)
}

fn rust(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join("Cargo.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let table: toml::Table = text.parse().with_context(|| format!("reading {}", path.display()))?;
    let name = table.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    let name = name.context("Cargo.toml names no package")?.replace('-', "_");
    let tool = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // In a workspace, or by somebody's own settings, cargo would put it elsewhere.
    let arguments = ["build", "--release", "--quiet", "--target", TARGET, "--target-dir", "target"];
    tell(folder, &tool, &arguments, "it comes with Rust, see https://rustup.rs")
        .with_context(|| format!("if the target is missing: rustup target add {TARGET}"))?;
    Ok(folder.join("target").join(TARGET).join("release").join(format!("{name}.wasm")))
}

fn typescript(folder: &Path) -> anyhow::Result<PathBuf> {
    let hint = "it comes with Node.js 18 or later (Debian: nodejs and npm)";
    // What npm installed says when it did; a lock file that is younger was changed since.
    let (lock, installed) =
        (folder.join("package-lock.json"), folder.join("node_modules/.package-lock.json"));
    if older(&installed, &lock) {
        let install = if lock.is_file() { "ci" } else { "install" };
        tell(folder, "npm".as_ref(), &[install, "--no-audit", "--no-fund", "--loglevel=error"], hint)?;
    }
    tell(folder, "npm".as_ref(), &["run", "--silent", "build"], hint)?;
    Ok(folder.join("build/plugin.wasm"))
}

fn python(folder: &Path) -> anyhow::Result<PathBuf> {
    let hint = "it is Python 3.10 or later with venv (Debian: python3 and python3-venv)";
    let (wanted, made) = (folder.join("requirements.txt"), folder.join(".venv/made"));
    let bin = folder.join(".venv").join(if cfg!(windows) { "Scripts" } else { "bin" });
    if older(&made, &wanted) {
        tell(folder, "python3".as_ref(), &["-m", "venv", ".venv"], hint)?;
        let pip = ["install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"];
        tell(folder, bin.join("pip").as_os_str(), &pip, hint)?;
        std::fs::write(&made, b"")?;
    }
    std::fs::create_dir_all(folder.join("build"))?;
    let componentize = [
        "--wit-path",
        "wit",
        "--world",
        "channel",
        "--quiet",
        "componentize",
        "--stub-wasi",
        "--python-path",
        "src",
        "plugin",
        "--output",
        "build/plugin.wasm",
    ];
    tell(folder, bin.join("componentize-py").as_os_str(), &componentize, "pip installs it into .venv")?;
    Ok(folder.join("build/plugin.wasm"))
}

/// Whether `made` is missing, or older than what it was made from.
fn older(made: &Path, from: &Path) -> bool {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|facts| facts.modified()).ok();
    match (changed(made), changed(from)) {
        (None, _) => true,
        (Some(made), Some(from)) => made < from,
        (Some(_), None) => false,
    }
}

/// Runs a tool; what it says is in the error when it fails.
fn tell(folder: &Path, tool: &OsStr, arguments: &[&str], hint: &str) -> anyhow::Result<()> {
    // A relative path would be looked for in the folder.
    let tool = if Path::new(tool).components().count() > 1 {
        std::path::absolute(tool)?.into()
    } else {
        tool.to_owned()
    };
    let output = Command::new(&tool)
        .args(arguments)
        .current_dir(folder)
        // Those of a cargo that runs us are not the project's.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} cannot be run; {hint}", tool.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let words = arguments.join(" ");
    bail!("`{} {words}` failed:\n{}", tool.display(), String::from_utf8_lossy(&said).trim_end())
}
