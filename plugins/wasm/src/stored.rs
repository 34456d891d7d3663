//! Compiled code on disk, so that a plugin is compiled once.
//!
//! Safety rests on where it comes from: only this module writes the directory, which belongs to the server alone, and
//! the name holds the hash of the component and of the engine's version and settings. What is uploaded or dropped into
//! a folder is never read as compiled code.

use sha2::{Digest, Sha256};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

/// What may be kept, in bytes; the oldest goes first. A language with an interpreter inside takes 35 MB a version.
const MOST: u64 = 1024 * 1024 * 1024;

/// Compiles a component, or takes what was compiled before.
pub(crate) fn compile(
    engine: &Engine,
    directory: Option<&Path>,
    bytes: &[u8],
) -> wasmtime::Result<Component> {
    let Some(directory) = directory else { return Component::new(engine, bytes) };
    let path = place(engine, directory, bytes);
    if let Some(component) = load(engine, &path) {
        return Ok(component);
    }
    let component = Component::new(engine, bytes)?;
    if let Err(error) = keep(directory, &path, &component) {
        tracing::warn!(%error, "the compiled plugin cannot be kept; it will be compiled again at the next start");
        return Ok(component);
    }
    // Code that was compiled just now lies in memory of its own; pages of the file are shared with the system's cache.
    Ok(load(engine, &path).unwrap_or(component))
}

fn place(engine: &Engine, directory: &Path, bytes: &[u8]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let content = hex::encode(Sha256::digest(bytes));
    directory.join(format!("{content}-{:016x}.cwasm", hasher.finish()))
}

#[expect(
    unsafe_code,
    reason = "compiled code is machine code: see the module's words on where it comes from"
)]
fn load(engine: &Engine, path: &Path) -> Option<Component> {
    if !path.is_file() {
        return None;
    }
    // SAFETY: the file was written by `keep` from a component that this engine compiled.
    match unsafe { Component::deserialize_file(engine, path) } {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(%error, "a compiled plugin cannot be loaded; it is compiled again");
            None
        }
    }
}

fn keep(directory: &Path, path: &Path, component: &Component) -> std::io::Result<()> {
    let bytes = component.serialize().map_err(|error| std::io::Error::other(error.to_string()))?;
    std::fs::create_dir_all(directory)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))?;
    }
    // Written beside and renamed: a crash leaves no half file.
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)?;
    make_room(directory, MOST)
}

/// Removes the oldest, until what is left fits. What is running from a file goes on when the file is gone.
fn make_room(directory: &Path, most: u64) -> std::io::Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        // Another process may have removed it just now.
        let Ok(facts) = entry.metadata() else { continue };
        if entry.path().extension().is_some_and(|end| end == "cwasm") {
            files.push((facts.modified()?, facts.len(), entry.path()));
        }
    }
    files.sort_unstable();
    let mut held = 0;
    for (_, size, path) in files.into_iter().rev() {
        held += size;
        if held > most {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::make_room;
    use std::time::{Duration, SystemTime};

    #[test]
    fn the_oldest_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        for (age, name) in [(30, "old.cwasm"), (20, "newer.cwasm"), (10, "newest.cwasm"), (40, "notes.txt")] {
            let file = std::fs::File::create(folder.path().join(name)).unwrap();
            file.set_len(10).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age)).unwrap();
        }
        let names = || {
            let entries = std::fs::read_dir(folder.path()).unwrap();
            let mut names: Vec<_> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort_unstable();
            names
        };
        make_room(folder.path(), 30).unwrap();
        assert_eq!(names().len(), 4);
        make_room(folder.path(), 25).unwrap();
        assert_eq!(names(), ["newer.cwasm", "newest.cwasm", "notes.txt"]);
    }
}
