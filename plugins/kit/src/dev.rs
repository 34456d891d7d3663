//! `plugin dev`: everything at each save, and what passes goes live in a demo that runs.

use crate::examine::{Examined, examine, written};
use crate::live::Demo;
use crate::project::Language;
use crate::say;
use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use tokio_util::sync::CancellationToken;

/// How often files are looked at. As the server does with its folder: it works on every file system.
const LOOK: Duration = Duration::from_millis(300);
/// How long the server may take to put a version in force: it looks every two seconds, and compiles.
const PATIENCE: Duration = Duration::from_secs(300);
/// Files of a project that are looked at.
const MOST_FILES: usize = 2_000;

type Files = BTreeMap<PathBuf, Option<SystemTime>>;

/// Runs until `stop`.
pub(crate) async fn run(
    folder: PathBuf,
    into: Option<PathBuf>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let language = Language::of(&folder);
    ensure!(language.is_some(), "{} is no plugin's folder; `qianpu plugin new` makes one", folder.display());
    let mut demo = match &into {
        Some(directory) => Some(Demo::open(directory).await?),
        None => None,
    };
    let mut before = None;
    while !stop.is_cancelled() {
        let now = files(&folder);
        if before.as_ref() != Some(&now) {
            before = Some(now);
            say("— building —")?;
            tokio::select! {
                () = stop.cancelled() => break,
                done = once(&folder, demo.as_mut()) => if let Err(error) = done {
                    say(&format!("✗ {error:#}"))?;
                },
            }
            say("— waiting for a change; Ctrl-C ends —")?;
        }
        if let Some(demo) = &mut demo {
            for line in demo.exchanges().await {
                say(&line)?;
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    Ok(())
}

/// Looks at the plugin; what passes goes into the demo.
async fn once(folder: &Path, demo: Option<&mut Demo>) -> anyhow::Result<()> {
    let own = folder.to_owned();
    let examined = tokio::task::spawn_blocking(move || examine(&own)).await??;
    say(&examined.text(demo.is_none()))?;
    ensure!(examined.failures() == 0, "not put in force: {} of the checks failed", examined.failures());
    match demo {
        Some(demo) => put(&examined, demo).await,
        None => Ok(()),
    }
}

async fn put(examined: &Examined, demo: &mut Demo) -> anyhow::Result<()> {
    let plugins = demo.directory.join("plugins");
    let file = plugins.join(format!("{}.wasm", examined.slug));
    std::fs::create_dir_all(&plugins).with_context(|| format!("making {}", plugins.display()))?;
    // Renamed into place, so that the server never sees half of it.
    let beside = file.with_extension("part");
    std::fs::write(&beside, &examined.bytes).with_context(|| format!("writing {}", beside.display()))?;
    std::fs::rename(&beside, &file).with_context(|| format!("writing {}", file.display()))?;
    let sha256 = hex::encode(Sha256::digest(&examined.bytes));
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if demo.in_force(&examined.slug).as_deref() == Some(&sha256) {
            demo.follow(&examined.slug).await?;
            demo.tidy(&examined.slug).await;
            return say(&format!("→ in force in the demo after {} ms", started.elapsed().as_millis()));
        }
        if let Some(reason) = demo.refused(&examined.slug).await {
            anyhow::bail!("the demo does not take it: {reason}");
        }
        tokio::time::sleep(LOOK).await;
    }
    anyhow::bail!("the demo did not put it in force within {} s; does it run?", PATIENCE.as_secs())
}

/// Times of change of what its author wrote.
fn files(folder: &Path) -> Files {
    let mut found = Files::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&path) else { continue };
        for entry in entries.flatten() {
            if !written(&entry.file_name().to_string_lossy()) || found.len() >= MOST_FILES {
                continue;
            }
            match entry.metadata() {
                Ok(facts) if facts.is_dir() => open.push(entry.path()),
                // The build writes it.
                Ok(_) if entry.file_name() == "Cargo.lock" => {}
                Ok(facts) => drop(found.insert(entry.path(), facts.modified().ok())),
                Err(_) => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::files;

    #[test]
    fn a_save_is_noticed_and_a_build_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        write("src/plugin.ts");
        let before = files(folder.path());
        for made in
            ["build/plugin.wasm", "node_modules/x/index.js", "target/x", "Cargo.lock", "src/__pycache__/x"]
        {
            write(made);
        }
        assert_eq!(files(folder.path()), before);
        write("exchanges/profile.json");
        assert_ne!(files(folder.path()), before);
    }
}
