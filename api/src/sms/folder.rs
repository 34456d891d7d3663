//! The folder that takes text messages instead of a sender, for the demo's page. Development only.

use super::Sms;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// A message in the folder.
#[derive(Clone, Serialize, Deserialize)]
pub struct StoredSms {
    pub phone: String,
    pub code: String,
    pub text: String,
    pub at: i64,
}

const MOST_SHOWN: usize = 50;

pub(super) fn store(folder: &Path, sms: &Sms, id: &str, now: Timestamp) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let stored = StoredSms {
        phone: sms.phone.clone(),
        code: sms.code.clone(),
        text: sms.text.clone(),
        at: now.micros(),
    };
    std::fs::write(folder.join(format!("{:016}-{id}.json", now.micros())), serde_json::to_vec(&stored)?)
}

/// The newest messages of the folder.
pub fn stored_messages(folder: &Path) -> io::Result<Vec<StoredSms>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable_by(|one, other| other.cmp(one));
    let read = |name: &String| Ok(serde_json::from_slice(&std::fs::read(folder.join(name))?)?);
    names.iter().filter(|name| name.ends_with(".json")).take(MOST_SHOWN).map(read).collect()
}
