//! Looking at a plugin: the conformance suite, its recorded exchanges, and what went wrong meanwhile.

use crate::project::{Language, build};
use crate::told::{Told, listen};
use anyhow::{Context, ensure};
use qianpu_conformance::{Failure, Played, RULES, replay, run};
use qianpu_sdk::Channel;
use qianpu_wasm::{Limits, Release, Runtime, WasmChannel};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Failures of one rule that are shown.
const MOST: usize = 10;

/// What came of looking at a plugin.
#[derive(Debug)]
pub struct Examined {
    /// Its slug.
    pub slug: String,
    /// The component.
    pub bytes: Vec<u8>,
    /// Rules of the suite that do not hold.
    pub broken: Vec<Failure>,
    /// Its recorded exchanges, by file.
    pub played: BTreeMap<String, Played>,
    head: String,
    told: Told,
    took: Duration,
}

/// Builds a project and looks at it, or looks at a component that was built.
///
/// # Errors
/// It cannot be built or loaded. What does not hold is in the result.
pub fn examine(target: &Path) -> anyhow::Result<Examined> {
    let (folder, file) = if target.is_dir() {
        (target.to_owned(), build(target)?)
    } else {
        ensure!(target.is_file(), "{} is not there", target.display());
        (beside(target)?, target.to_owned())
    };
    let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
    let started = Instant::now();
    // Compiling takes seconds: what was compiled is kept where what is built is kept.
    let compiled = file.parent().map(|place| place.join("compiled"));
    forget(compiled.as_deref());
    let runtime = Runtime::new(Limits::default(), compiled).map_err(|error| anyhow::anyhow!("{error}"))?;
    let release = Arc::new(Release::load(&runtime, &bytes)?);
    let manifest = release.manifest().clone();
    let mut head = format!("{} {} · {} KB\n", manifest.slug, manifest.version, bytes.len().div_ceil(1024));
    for host in &manifest.hosts {
        writeln!(head, "  may reach {}", host.base_url)?;
    }
    let channel = WasmChannel::new(release);
    let vectors = std::fs::read_to_string(folder.join("vectors.json")).ok();
    let recordings = recordings(&folder.join("exchanges"))?;
    let ((broken, played), told) = listen(|| {
        let broken = run(&[&channel as &dyn Channel], |_| vectors.clone());
        let played = recordings.into_iter().map(|(name, text)| (name, replay(&channel, &text))).collect();
        (broken, played)
    });
    let took = started.elapsed();
    Ok(Examined { slug: manifest.slug, bytes, broken, played, head, told, took })
}

/// Each save leaves its compiled code behind; only the last ones are of use.
fn forget(compiled: Option<&Path>) {
    const MOST: usize = 4;
    let count = compiled.and_then(|folder| std::fs::read_dir(folder).ok()).map_or(0, Iterator::count);
    if let Some(folder) = compiled.filter(|_| count > MOST) {
        // What cannot be removed only takes room.
        drop(std::fs::remove_dir_all(folder));
    }
}

/// The project of a file: the nearest folder above with vectors.
fn beside(file: &Path) -> anyhow::Result<PathBuf> {
    let file = std::path::absolute(file)?;
    let found = file.ancestors().skip(1).take(5).find(|folder| folder.join("vectors.json").is_file());
    Ok(found.or(file.parent()).context("a folder")?.to_owned())
}

fn recordings(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(found) };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "json") {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            found.insert(path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), text);
        }
    }
    Ok(found)
}

impl Examined {
    /// How many checks failed.
    pub fn failures(&self) -> usize {
        let played = self.played.values().filter(|played| played.failure.is_some()).count();
        self.broken.len() + played + self.told.faults.len()
    }
    /// Times it was stopped, crashed, or asked for what is not its to have.
    pub fn faults(&self) -> &[String] {
        &self.told.faults
    }

    /// The same for people.
    pub fn text(&self, verbose: bool) -> String {
        let mut text = self.head.clone();
        text.push_str("\nconformance\n");
        for (rule, what) in RULES {
            let broken: Vec<_> = self.broken.iter().filter(|failure| failure.rule == *rule).collect();
            line(&mut text, broken.is_empty(), &format!("{rule:<20} {what}"));
            few(&mut text, broken.iter().map(|failure| failure.detail.as_str()));
        }
        let faults = &self.told.faults;
        line(
            &mut text,
            faults.is_empty(),
            &format!("{:<20} it never crashes and stays within its limits", "faults"),
        );
        few(&mut text, faults.iter().map(String::as_str));
        if !self.played.is_empty() {
            text.push_str("\nrecorded exchanges\n");
        }
        for (name, Played { lines, failure }) in &self.played {
            line(&mut text, failure.is_none(), name);
            if verbose || failure.is_some() {
                lines.iter().for_each(|one| indented(&mut text, one));
            }
            failure.iter().for_each(|failure| indented(&mut text, failure));
        }
        if !self.told.lines.is_empty() && (verbose || self.failures() > 0) {
            text.push_str("\nlogged by the plugin\n");
            few(&mut text, self.told.lines.iter().map(String::as_str));
        }
        let ending = match self.failures() {
            0 => "everything holds".to_owned(),
            failures => format!("{failures} failed"),
        };
        text.push_str(&format!("\n{ending} ({} ms)", self.took.as_millis()));
        text
    }
}

fn line(text: &mut String, holds: bool, what: &str) {
    text.push_str(&format!("  {} {what}\n", if holds { '✓' } else { '✗' }));
}

fn indented(text: &mut String, what: &str) {
    for line in what.lines() {
        text.push_str(&format!("      {line}\n"));
    }
}

fn few<'a>(text: &mut String, lines: impl ExactSizeIterator<Item = &'a str>) {
    let left = lines.len().saturating_sub(MOST);
    lines.take(MOST).for_each(|one| indented(text, one));
    if left > 0 {
        indented(text, &format!("… and {left} more"));
    }
}

/// Whether a path of a project is written by its author, and not made.
pub(crate) fn written(name: &str) -> bool {
    !Language::MADE.contains(&name)
}
