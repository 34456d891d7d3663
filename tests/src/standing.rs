//! Which plugin stands for the channel 视频号 while a test runs: the built-in one, or the one in TypeScript of
//! `examples/plugins`. The registry is the process's and tests run side by side, so they take turns: any number of tests with
//! one plugin, then of those with the other.

use std::sync::Mutex;
use tokio::sync::Notify;

/// The channel.
pub const SLUG: &str = "wechat-channels";

/// Who stands for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    BuiltIn,
    /// A WebAssembly component.
    Component,
}

struct Now {
    by: By,
    tests: usize,
    /// Tests that wait for either plugin. Nobody joins while somebody waits for the other one.
    waiting: [usize; 2],
}

static NOW: Mutex<Now> = Mutex::new(Now { by: By::BuiltIn, tests: 0, waiting: [0; 2] });
static FREED: Notify = Notify::const_new();

/// The plugin stands for the channel until this is dropped.
pub struct Turn(());

impl By {
    /// Waits until this plugin stands for the channel.
    pub async fn turn(self) -> Turn {
        // Built and compiled before the turn: that takes a while.
        #[cfg(feature = "wasm")]
        if self == By::Component {
            tokio::task::spawn_blocking(component::ready).await.expect("the component");
        }
        let mut waits = false;
        loop {
            let mut freed = std::pin::pin!(FREED.notified());
            freed.as_mut().enable();
            if self.begins(&mut waits) {
                let turn = Turn(());
                self.check();
                return turn;
            }
            freed.await;
        }
    }

    fn begins(self, waits: &mut bool) -> bool {
        let mut now = NOW.lock().expect("nobody panics with the lock");
        let (free, own, other) = (now.tests == 0, self as usize, 1 - self as usize);
        if !free && (now.by != self || now.waiting[other] > 0) {
            now.waiting[own] += usize::from(!std::mem::replace(waits, true));
            return false;
        }
        now.waiting[own] -= usize::from(std::mem::take(waits));
        if free && now.by != self {
            put(self);
            now.by = self;
        }
        now.tests += 1;
        true
    }

    /// That it is really this one, and not what happened to be there.
    fn check(self) {
        let found = qianpu_host::find(SLUG).expect("the channel");
        let built_in = qianpu_host::CHANNELS.iter().copied().find(|channel| channel.info().slug == SLUG);
        let own = std::ptr::addr_eq(found, built_in.expect("the built-in channel"));
        assert_eq!(own, self == By::BuiltIn, "who stands for the channel");
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut now = NOW.lock().expect("nobody panics with the lock");
        now.tests -= 1;
        if now.tests == 0 {
            // Whatever comes next finds the channel that it expects; other tests, too.
            put(By::BuiltIn);
            now.by = By::BuiltIn;
        }
        drop(now);
        FREED.notify_waiters();
    }
}

#[cfg(not(feature = "wasm"))]
fn put(by: By) {
    assert_eq!(by, By::BuiltIn, "this build has no engine for components");
}

#[cfg(feature = "wasm")]
fn put(by: By) {
    component::put(by == By::Component);
}

#[cfg(feature = "wasm")]
mod component {
    use super::SLUG;
    use crate::workspace;
    use qianpu_domain::time::Timestamp;
    use qianpu_host::plugins::{Plugins, ReleaseRecord};
    use std::sync::OnceLock;

    static READY: OnceLock<(Plugins, ReleaseRecord)> = OnceLock::new();

    /// Built with npm, and taken in as an operator takes it in; once for all tests.
    pub(super) fn ready() {
        READY.get_or_init(|| {
            let example = workspace::root().join("examples/plugins/wechat-channels-ts");
            let file = qianpu_kit::build(&example).unwrap_or_else(|error| panic!("{error:#}"));
            let folder = workspace::target_dir().join("qianpu-test-plugins");
            let _ = std::fs::remove_dir_all(&folder);
            let plugins = Plugins::new(folder);
            let bytes = std::fs::read(file).expect("the component");
            let record =
                plugins.add(&bytes, "", Timestamp::from_seconds(0)).expect("a plugin that can be used");
            (plugins, record)
        });
    }

    /// In force, with the hosts it asks for agreed to; or not.
    pub(super) fn put(in_force: bool) {
        let Some((plugins, record)) = READY.get() else { return };
        if in_force {
            plugins.activate(SLUG, &record.sha256, &record.hosts).expect("the plugin is put in force");
        } else {
            // It is not in force when the last tests were those of the built-in one.
            let _ = plugins.stop(SLUG);
        }
    }
}
