//! The folder that takes mails instead of a server: one `.eml` as it would have been sent, and beside it a
//! `.json` that the demo's page reads. Development only.

use super::Mail;
use super::transport::Rendered;
use qianpu_domain::ids::JobId;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// A mail in the folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredMail {
    pub name: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// Where its button leads.
    pub link: Option<String>,
    pub at: i64,
}

const MOST_SHOWN: usize = 100;

pub(super) fn store(
    folder: &Path,
    mail: &Mail,
    rendered: &Rendered,
    message: &[u8],
    job: JobId,
    now: Timestamp,
) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let name = format!("{:016}-{job}", now.micros());
    let stored = StoredMail {
        name: name.clone(),
        to: mail.to.clone(),
        subject: rendered.subject.clone(),
        text: rendered.text.clone(),
        html: rendered.html.clone(),
        link: mail.link.clone(),
        at: now.micros(),
    };
    std::fs::write(folder.join(format!("{name}.eml")), message)?;
    std::fs::write(folder.join(format!("{name}.json")), serde_json::to_vec(&stored)?)
}

/// The newest mails of the folder.
pub fn stored_mails(folder: &Path) -> io::Result<Vec<StoredMail>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort_unstable_by(|one, other| other.cmp(one));
    names.iter().take(MOST_SHOWN).map(|name| stored_mail(folder, name)).collect()
}

/// One mail of the folder.
pub fn stored_mail(folder: &Path, name: &str) -> io::Result<StoredMail> {
    // A name is digits, a dash and a job's id; nothing that could leave the folder.
    if name.len() > 80 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        return Err(io::Error::from(io::ErrorKind::NotFound));
    }
    Ok(serde_json::from_slice(&std::fs::read(folder.join(format!("{name}.json")))?)?)
}
