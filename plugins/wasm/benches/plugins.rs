//! What a component costs beside the same plugin built in: `cargo bench -p qianpu-wasm`.
//!
//! A push is verified and decoded, with a fresh instance for each of the two calls, and received as the server does it,
//! with one instance for all about this push; built-in and component take turns, and CPU time of the thread is counted,
//! so that a busy machine disturbs little. Then a hundred plugins are loaded, and called, and the memory of the process
//! is looked at (Linux).
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, read by a person")]

use qianpu_conformance::build_components;
use qianpu_sdk::{Channel, Method, PushCredentials, PushFormat, PushOrigin, RawPush, Secret};
use qianpu_wasm::{Limits, Release, Runtime, WasmChannel};
use qianpu_wechat_store::WechatStore;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const ROUNDS: usize = 10;
/// Enough for the system to have counted: it does so at its own ticks.
const CALLS: usize = 4_000;
const PLUGINS: usize = 100;

struct Sample {
    raw: RawPush,
    credentials: PushCredentials,
    now: qianpu_domain::time::Timestamp,
}

fn sample() -> Sample {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/vectors/wechat-store.json");
    let vectors: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let push = &vectors["pushes"][0];
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let query = push["query"].as_array().unwrap().iter().map(|pair| (word(&pair[0]), word(&pair[1])));
    Sample {
        raw: RawPush {
            origin: PushOrigin::Account,
            method: Method::Post,
            query: query.collect(),
            headers: Vec::new(),
            body: word(&push["body"]).into_bytes(),
        },
        credentials: PushCredentials {
            app_ids: vec![word(&push["app_id"])],
            token: Secret::new(word(&vectors["credentials"]["token"])),
            encoding_aes_key: Secret::new(word(&vectors["credentials"]["encoding_aes_key"])),
            previous_encoding_aes_key: None,
            formats: vec![PushFormat::Json],
            max_age: PushCredentials::DEFAULT_MAX_AGE,
        },
        now: qianpu_domain::time::Timestamp::from_seconds(push["now"].as_i64().unwrap()),
    }
}

/// What the server asks for.
fn receive(channel: &dyn Channel, sample: &Sample) {
    let webhook = channel.webhook().unwrap();
    let received = webhook.receive(&sample.raw, &sample.credentials, sample.now).unwrap();
    assert_eq!(received.notices.unwrap().len(), 1);
}

/// The two calls alone, each with an instance of its own.
fn run(channel: &dyn Channel, sample: &Sample) {
    let webhook = channel.webhook().unwrap();
    let verified = webhook.verify(&sample.raw, &sample.credentials, sample.now).unwrap();
    assert_eq!(webhook.decode(&verified).unwrap().len(), 1);
}

/// CPU time of this thread, in nanoseconds.
fn spent() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Resident memory of the process, in KiB: all, and what is no file.
fn resident() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    (field("VmRSS:"), field("RssAnon:"))
}

fn median(mut values: Vec<u64>) -> (u64, u64) {
    values.sort_unstable();
    (values[0], values[values.len() / 2])
}

fn main() {
    let sample = sample();
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/plugins");
    let built = build_components(&examples).unwrap();
    let bytes = std::fs::read(built.join("wechat_store_component.wasm")).unwrap();
    let runtime = Runtime::new(Limits::default(), Some(built.join("compiled-bench"))).unwrap();
    let load = |bytes: &[u8]| WasmChannel::new(Arc::new(Release::load(&runtime, bytes).unwrap()));

    let component = load(&bytes);
    let channels: [(&str, &dyn Channel); 2] = [("built in", &WechatStore), ("component", &component)];
    type Work = fn(&dyn Channel, &Sample);
    let works: [(&str, Work); 2] = [("verify, then decode", run), ("receive a push", receive)];
    for (what, work) in works {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for ((_, channel), times) in channels.iter().zip(&mut times) {
                let before = spent();
                for _ in 0..CALLS {
                    work(*channel, &sample);
                }
                times.push((spent() - before) / CALLS as u64);
            }
        }
        for ((name, _), times) in channels.iter().zip(times) {
            let (least, median) = median(times);
            println!(
                "{what}, {name}: median {:.1} µs, least {:.1} µs of CPU",
                median as f64 / 1e3,
                least as f64 / 1e3
            );
        }
    }

    // Each with bytes of its own: one more section that means nothing.
    let (all, anonymous) = resident();
    let plugins: Vec<_> = (0..PLUGINS)
        .map(|at| load(&[&bytes[..], &[0, 4, 2, b'n', b'-', u8::try_from(at).unwrap()]].concat()))
        .collect();
    let (loaded, loaded_anonymous) = resident();
    plugins.iter().for_each(|plugin| run(plugin, &sample));
    let (called, called_anonymous) = resident();
    let each = |now: u64, before: u64| now.saturating_sub(before) / PLUGINS as u64;
    println!(
        "{PLUGINS} plugins of {} KB: {} KiB each loaded ({} without mapped files), {} KiB each after a call ({})",
        bytes.len() / 1024,
        each(loaded, all),
        each(loaded_anonymous, anonymous),
        each(called, all),
        each(called_anonymous, anonymous),
    );
}
