//! Letting the plugin open a push. A built-in one takes some microseconds; a component takes its time, up to its limit when
//! it is stuck, so it takes it on another thread: pushes and pages of everybody else go on meanwhile.

use super::push::count;
use super::push_clean;
use crate::error::{Answer, ApiError};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{Channel, Method, PushCredentials, PushRefusal, PushReply, RawPush, Received, Webhook};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Pushes that one component opens at the same time: a stuck one holds no more threads than these.
const AT_ONCE: usize = 4;
/// How long a push waits for its turn; platforms wait some seconds for an answer, and push again.
const PATIENCE: Duration = Duration::from_secs(3);

static PLACES: LazyLock<Mutex<BTreeMap<&'static str, Arc<Semaphore>>>> = LazyLock::new(Mutex::default);

/// What the plugin made of a push.
pub(super) enum Opened {
    /// Nothing more to do: the check of the address was answered.
    Answered(PushReply),
    Refused(PushRefusal),
    Received(Received),
}

/// A plugin that receives pushes.
#[derive(Clone, Copy)]
pub(super) struct Receiver {
    pub(super) slug: &'static str,
    webhook: &'static dyn Webhook,
    component: bool,
}

impl Receiver {
    pub(super) fn of(channel: &'static dyn Channel) -> Option<Self> {
        let slug = channel.info().slug;
        Some(Self { slug, webhook: channel.webhook()?, component: qianpu_host::is_component(slug) })
    }

    pub(super) async fn open(
        self,
        push: &RawPush,
        credentials: &PushCredentials,
        now: Timestamp,
    ) -> Answer<Opened> {
        if !self.component {
            return Ok(open(self, push, credentials, now));
        }
        let (push, credentials) = (push.clone(), credentials.clone());
        self.aside(move || open(self, &push, &credentials, now)).await
    }

    pub(super) async fn refuse(self, refusal: PushRefusal) -> Answer<PushReply> {
        count(self.slug, refusal.as_str());
        if !self.component {
            return Ok(self.webhook.refuse(refusal));
        }
        self.aside(move || self.webhook.refuse(refusal)).await
    }

    async fn aside<T: Send + 'static>(self, run: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
        let places = {
            let mut all = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(self.slug).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))).clone()
        };
        let busy = |_| {
            count(self.slug, "plugin_busy");
            ApiError::new(ErrorCode::Unavailable)
        };
        let turn = tokio::time::timeout(PATIENCE, places.acquire_owned()).await.map_err(busy)?;
        // It goes with the work, also when whoever asked is gone.
        let turn = turn.map_err(ApiError::internal)?;
        let work = move || {
            let _turn = turn;
            run()
        };
        tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
    }
}

fn open(from: Receiver, push: &RawPush, credentials: &PushCredentials, now: Timestamp) -> Opened {
    if push.method == Method::Get {
        return match from.webhook.handshake(push, credentials, now) {
            Ok(reply) => {
                count(from.slug, "address_checked");
                Opened::Answered(reply)
            }
            Err(refusal) => Opened::Refused(refusal),
        };
    }
    match from.webhook.receive(push, credentials, now) {
        Ok(received) => {
            let notices = received.notices.map(|all| all.into_iter().map(push_clean::clean).collect());
            Opened::Received(Received { notices, ..received })
        }
        Err(refusal) => Opened::Refused(refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qianpu_sdk::{ChannelError, Notice, PushFormat, PushOrigin, Secret, Verified};
    use std::sync::mpsc::{Receiver as Inbox, Sender, channel};

    /// Does not come back before it is told to.
    struct Stuck(Mutex<Inbox<()>>);

    impl Webhook for Stuck {
        fn verify(&self, _: &RawPush, _: &PushCredentials, _: Timestamp) -> Result<Verified, PushRefusal> {
            self.0.lock().unwrap().recv().unwrap();
            Err(PushRefusal::Malformed)
        }
        fn decode(&self, _: &Verified) -> Result<Vec<Notice>, ChannelError> {
            Ok(Vec::new())
        }
        fn handshake(
            &self,
            _: &RawPush,
            _: &PushCredentials,
            _: Timestamp,
        ) -> Result<PushReply, PushRefusal> {
            Err(PushRefusal::Malformed)
        }
        fn acknowledge(&self, _: &Verified) -> PushReply {
            self.refuse(PushRefusal::Malformed)
        }
        fn refuse(&self, _: PushRefusal) -> PushReply {
            PushReply { status: 403, content_type: "text/plain", body: Vec::new() }
        }
    }

    fn stuck(slug: &'static str) -> (Receiver, Sender<()>) {
        let (sender, inbox) = channel();
        let webhook: &'static Stuck = Box::leak(Box::new(Stuck(Mutex::new(inbox))));
        (Receiver { slug, webhook, component: true }, sender)
    }

    fn push() -> (RawPush, PushCredentials) {
        let (query, headers) = (Vec::new(), Vec::new());
        let raw = RawPush { origin: PushOrigin::App, method: Method::Post, query, headers, body: Vec::new() };
        let credentials = PushCredentials {
            app_ids: Vec::new(),
            token: Secret::new(String::new()),
            encoding_aes_key: Secret::new(String::new()),
            previous_encoding_aes_key: None,
            formats: vec![PushFormat::Json],
            max_age: PushCredentials::DEFAULT_MAX_AGE,
        };
        (raw, credentials)
    }

    /// One thread has everything to do here: were the push opened on it, nobody could let it go.
    #[tokio::test]
    async fn others_go_on_while_a_component_is_stuck() {
        let (receiver, go) = stuck("stuck-one");
        let (raw, credentials) = push();
        let opening = receiver.open(&raw, &credentials, Timestamp::from_seconds(0));
        let other = async {
            tokio::task::yield_now().await;
            go.send(()).unwrap();
        };
        let (opened, ()) = tokio::join!(opening, other);
        assert!(matches!(opened, Ok(Opened::Refused(PushRefusal::Malformed))));
    }

    #[tokio::test]
    async fn a_stuck_component_holds_no_more_than_its_places() {
        let (receiver, go) = stuck("stuck-many");
        let (raw, credentials) = push();
        let now = Timestamp::from_seconds(0);
        let mut held = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE {
            let (raw, credentials) = (raw.clone(), credentials.clone());
            held.spawn(async move { receiver.open(&raw, &credentials, now).await.is_ok() });
        }
        tokio::task::yield_now().await;
        let late = receiver.open(&raw, &credentials, now).await;
        assert_eq!(late.err().map(|error| error.code()), Some(ErrorCode::Unavailable), "push again later");
        for _ in 0..AT_ONCE {
            go.send(()).unwrap();
        }
        assert_eq!(held.join_all().await, [true; AT_ONCE]);
    }
}
