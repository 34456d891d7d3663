//! Recorded exchanges of the built-in channels: `exchanges/<slug>/*.json`, in the form that docs/plugins/must.md describes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops by panicking")]

use qianpu_conformance::{Played, replay};
use qianpu_sdk::Channel;
use std::path::PathBuf;

fn exchanges() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("exchanges")
}

fn channel(slug: &str) -> &'static dyn Channel {
    let found = qianpu_host::CHANNELS.iter().copied().find(|channel| channel.info().slug == slug);
    found.unwrap_or_else(|| panic!("no channel is named {slug}"))
}

#[test]
fn built_in_channels_keep_to_their_recordings() {
    let mut played = 0;
    for folder in std::fs::read_dir(exchanges()).unwrap() {
        let folder = folder.unwrap();
        let channel = channel(folder.file_name().to_str().unwrap());
        for recording in std::fs::read_dir(folder.path()).unwrap() {
            let path = recording.unwrap().path();
            let Played { lines, failure } = replay(channel, &std::fs::read_to_string(&path).unwrap());
            assert_eq!(failure, None, "{}\n{}", path.display(), lines.join("\n"));
            played += 1;
        }
    }
    assert!(played >= 3, "{played}");
}

#[test]
fn another_brand_than_the_recorded_one_is_found() {
    let path = exchanges().join("wechat-store/publish-with-a-brand.json");
    let text = std::fs::read_to_string(path).unwrap();
    let other = text.replacen(r#""brand_id": "10000003""#, r#""brand_id": "10000004""#, 1);
    assert_ne!(text, other);
    let failure = replay(channel("wechat-store"), &other).failure.unwrap();
    assert!(failure.contains("10000004"), "{failure}");
}
