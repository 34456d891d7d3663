//! Driving a step machine: exchanges, waits, repeats, observation.

use crate::breakers::{Breakers, Interface, Resting};
use crate::buckets::{Buckets, Owner};
use crate::config::{ConfigError, HostConfig};
use crate::flights::Flights;
use crate::http::{Exchanged, Http, base_url};
use crate::observe::{Exchange, ExchangeObserver, Target, count};
use crate::registry;
use crate::spent::Spent;
use crate::vault::{AccountRef, AppRef, AssetSource, TokenVault};
use futures_util::{FutureExt, StreamExt};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{
    AccountCredentials, Answer, AppCredentials, Channel, ChannelError, Context, ErrorClass, Locale, Request,
    Step, Turn,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::RuntimeFlavor;

/// The clock the host is given.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// More turns than any honest operation needs.
const MAX_TURNS: u32 = 64;
/// Exchanges of one call that run at the same time.
const PARALLEL: usize = 8;

/// What a host is made of.
pub struct HostParts {
    /// Where credentials live.
    pub vault: Arc<dyn TokenVault>,
    /// Where picture bytes come from.
    pub assets: Arc<dyn AssetSource>,
    /// Who sees exchanges.
    pub observer: Arc<dyn ExchangeObserver>,
    /// The clock.
    pub now: Now,
    /// Settings.
    pub config: HostConfig,
}

/// Runs operations of channels. One per process, shared.
pub struct Host {
    pub(crate) vault: Arc<dyn TokenVault>,
    pub(crate) observer: Arc<dyn ExchangeObserver>,
    pub(crate) now: Now,
    pub(crate) config: HostConfig,
    pub(crate) account_flights: Flights<AccountRef>,
    pub(crate) app_flights: Flights<AppRef>,
    http: Http,
    buckets: Buckets,
    breakers: Breakers,
    pub(crate) spent: Spent,
}

/// What a context borrows from while an operation runs.
pub(crate) struct Holder {
    pub(crate) app: Option<AppCredentials>,
    pub(crate) account: Option<AccountCredentials>,
    pub(crate) settings: Value,
}

/// One operation of one channel for one target.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) channel: &'static dyn Channel,
    pub(crate) target: Target,
    pub(crate) name: &'static str,
}

impl Operation {
    /// Whose calls these are.
    fn owner(&self) -> Owner {
        match self.target {
            Target::App(app) => Owner::App(app),
            Target::Account(account) => Owner::Account(account),
            Target::Candidate => Owner::Candidate,
        }
    }
}

/// An exchange that was made and not yet shown to the observer.
struct Made {
    request: usize,
    status: Option<u16>,
    outcome: &'static str,
    sent_at: Timestamp,
    duration: Duration,
    response_bytes: usize,
}

impl Host {
    /// Makes the host; refuses settings that would send tokens in the clear.
    pub fn new(parts: HostParts) -> Result<Self, ConfigError> {
        parts.config.check()?;
        Ok(Self {
            http: Http::new(&parts.config, parts.assets)?,
            vault: parts.vault,
            observer: parts.observer,
            now: parts.now,
            breakers: Breakers::new(&parts.config),
            config: parts.config,
            account_flights: Flights::new(),
            app_flights: Flights::new(),
            buckets: Buckets::new(),
            spent: Spent::new(),
        })
    }

    pub(crate) fn channel(&self, slug: &str) -> Result<&'static dyn Channel, ChannelError> {
        registry::find(slug).ok_or_else(|| unsupported(format!("there is no channel {slug}")))
    }

    /// The interfaces of a channel that are left alone, because they failed several times in a row.
    pub fn resting(&self, channel: &str) -> Vec<Resting> {
        self.breakers.resting(channel, (self.now)())
    }

    /// Replaces the `{host:name}` marks of addresses for people by the base URLs in force.
    pub(crate) fn resolve_marks(&self, channel: &dyn Channel, text: &str) -> String {
        let mut text = text.to_owned();
        for host in channel.info().hosts {
            let mark = format!("{{host:{}}}", host.name);
            if let Some(url) =
                base_url(&self.config, channel.info(), host.name).filter(|_| text.contains(&mark))
            {
                text = text.replace(&mark, url.as_str().trim_end_matches('/'));
            }
        }
        text
    }

    /// Runs an operation with fixed credentials, from start to end.
    pub(crate) async fn drive<T>(
        &self,
        operation: Operation,
        holder: &Holder,
        start: impl Fn(&Context<'_>) -> Turn<T>,
        resume: impl Fn(&Context<'_>, &[u8], &[Answer]) -> Turn<T>,
    ) -> Result<T, ChannelError> {
        let nonce = fresh_nonce()?;
        let context = || Context {
            now: (self.now)(),
            nonce: &nonce,
            app: holder.app.as_ref(),
            account: holder.account.as_ref(),
            settings: &holder.settings,
            locale: Locale::Zh,
        };
        let component = registry::is_component(operation.channel.info().slug);
        let mut busy = 0;
        let mut step = aside(component, || start(&context()))?;
        for _ in 0..MAX_TURNS {
            step = match step {
                Step::Done(value) => return Ok(value),
                Step::Wait { ms, state } => {
                    let wait = Duration::from_millis(u64::from(ms));
                    if wait > self.config.max_wait {
                        return Err(later(wait, "the platform needs time"));
                    }
                    tokio::time::sleep(wait).await;
                    aside(component, || resume(&context(), &state, &[]))?
                }
                Step::Call { requests, parallel, state } => loop {
                    let (answers, made) = self.exchange_all(operation, &requests, parallel).await?;
                    let turn = aside(component, || resume(&context(), &state, &answers));
                    self.show(operation, &requests, &made, turn.as_ref().err());
                    if let Err(error) = &turn {
                        self.spent.tell(operation.owner(), &requests, error);
                    }
                    match turn {
                        Ok(step) => break step,
                        Err(error) => match self.busy_wait(&error, busy, &requests) {
                            Some(wait) => {
                                busy += 1;
                                tokio::time::sleep(wait).await;
                            }
                            None => return Err(error),
                        },
                    }
                },
            };
        }
        Err(ChannelError::unexpected("the operation does not come to an end"))
    }

    /// How long to wait before making the same requests again: short waits, a few times, and only when repeating
    /// does no harm. "Busy" does not say that nothing was done, so other requests are left to the caller's next
    /// try, which reads before it writes.
    fn busy_wait(&self, error: &ChannelError, tries: u32, requests: &[Request]) -> Option<Duration> {
        let ErrorClass::RetryLater { after } = error.class else { return None };
        let harmless = requests.iter().all(|request| request.idempotent);
        if tries >= self.config.busy_retries || !harmless || after.as_seconds() > 10 {
            return None;
        }
        let asked = Duration::from_micros(u64::try_from(after.as_micros()).unwrap_or(0));
        Some(self.config.busy_wait.saturating_mul(1 << tries.min(8)).min(asked).min(self.config.max_wait))
    }

    async fn exchange_all(
        &self,
        operation: Operation,
        requests: &[Request],
        parallel: bool,
    ) -> Result<(Vec<Answer>, Vec<Made>), ChannelError> {
        if requests.is_empty() {
            return Err(ChannelError::unexpected("a call without requests"));
        }
        let pairs: Vec<(Answer, Made)> = if parallel && requests.len() > 1 {
            // Boxed before the first await: a closure held across it would keep the caller's future from being Send.
            let mut calls = Vec::with_capacity(requests.len());
            for (index, request) in requests.iter().enumerate() {
                calls.push(self.exchange(operation, index, request).boxed());
            }
            let results: Vec<_> = futures_util::stream::iter(calls).buffered(PARALLEL).collect().await;
            results.into_iter().collect::<Result<_, _>>()?
        } else {
            let mut pairs = Vec::with_capacity(requests.len());
            let mut broken = false;
            for (index, request) in requests.iter().enumerate() {
                let pair = if broken {
                    self.not_sent(index)
                } else {
                    self.exchange(operation, index, request).await?
                };
                broken |= !matches!(pair.0, Answer::Response(_));
                pairs.push(pair);
            }
            pairs
        };
        Ok(pairs.into_iter().unzip())
    }

    fn not_sent(&self, index: usize) -> (Answer, Made) {
        let made = Made {
            request: index,
            status: None,
            outcome: "not_sent",
            sent_at: (self.now)(),
            duration: Duration::ZERO,
            response_bytes: 0,
        };
        (Answer::NetworkError("not sent, because an earlier request failed".to_owned()), made)
    }

    async fn exchange(
        &self,
        operation: Operation,
        index: usize,
        request: &Request,
    ) -> Result<(Answer, Made), ChannelError> {
        let info = operation.channel.info();
        let interface = Interface { channel: info.slug, host: request.host, path: request.path.clone() };
        self.breakers
            .ask(&interface, (self.now)())
            .map_err(|wait| later(wait, "the platform does not answer; it is left alone for a while"))?;
        self.spent.ask(operation.owner(), request, (self.now)())?;
        self.spend(operation, request).await?;
        let base = base_url(&self.config, info, request.host).ok_or_else(|| {
            ChannelError::unexpected(format!("the host {} is not in the manifest", request.host))
        })?;
        let account = match &operation.target {
            Target::Account(account) => Some(account),
            Target::App(_) | Target::Candidate => None,
        };
        let (sent_at, started) = ((self.now)(), Instant::now());
        let mut made = self.http.exchange(base.clone(), request, account).await;
        if made.failed && request.idempotent && !matches!(made.answer, Answer::TimedOut) {
            made = self.http.exchange(base, request, account).await;
        }
        let Exchanged { answer, failed } = made;
        self.breakers.tell(&interface, failed, (self.now)());
        let (status, outcome, response_bytes) = match &answer {
            Answer::Response(response) => (Some(response.status), "ok", response.body.len()),
            Answer::NetworkError(_) => (None, "network_error", 0),
            Answer::TimedOut => (None, "timed_out", 0),
        };
        let duration = started.elapsed();
        Ok((answer, Made { request: index, status, outcome, sent_at, duration, response_bytes }))
    }

    async fn spend(&self, operation: Operation, request: &Request) -> Result<(), ChannelError> {
        let Some(name) = request.bucket else { return Ok(()) };
        let bucket = operation.channel.info().buckets.iter().find(|bucket| bucket.name == name);
        let bucket =
            bucket.ok_or_else(|| ChannelError::unexpected(format!("the bucket {name} is not declared")))?;
        match self.buckets.spend(operation.owner(), bucket, (self.now)(), self.config.max_wait) {
            Ok(Duration::ZERO) => Ok(()),
            Ok(wait) => {
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Err(wait) => Err(later(wait, "our own rate limit for this account")),
        }
    }

    fn show(&self, operation: Operation, requests: &[Request], made: &[Made], error: Option<&ChannelError>) {
        let remote = error.and_then(|error| error.remote.as_ref());
        for made in made {
            let Some(request) = requests.get(made.request) else { continue };
            let outcome = match (made.outcome, error) {
                ("ok", Some(error)) => error.class_name(),
                (outcome, _) => outcome,
            };
            let exchange = Exchange {
                target: operation.target,
                channel: operation.channel.info().slug,
                operation: operation.name,
                method: request.method.as_str(),
                host: request.host,
                path: request.path.clone(),
                status: made.status,
                outcome,
                remote_code: remote.map(|remote| remote.code.clone()),
                remote_message: remote.map(|remote| remote.message.clone()),
                rid: remote.and_then(|remote| remote.rid.clone()),
                sent_at: made.sent_at,
                duration: made.duration,
                response_bytes: made.response_bytes,
            };
            count(&exchange);
            self.observer.observe(&exchange);
        }
    }
}

/// Computes without keeping the other work of this thread waiting: a component that is stuck takes its whole limit. Where
/// one thread does all there is (a request of our own API), it is computed in place, for the one who asked.
fn aside<T>(component: bool, run: impl FnOnce() -> T) -> T {
    let flavour = tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor());
    match flavour {
        Ok(RuntimeFlavor::MultiThread) if component => tokio::task::block_in_place(run),
        _ => run(),
    }
}

pub(crate) fn unsupported(detail: impl Into<String>) -> ChannelError {
    ChannelError::new(ErrorClass::BusinessRefusal, detail)
}

pub(crate) fn later(wait: Duration, detail: &str) -> ChannelError {
    let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    ChannelError::new(ErrorClass::RetryLater { after: Span::micros(micros) }, detail)
}

fn fresh_nonce() -> Result<String, ChannelError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| ChannelError::unexpected(format!("no randomness: {error}")))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::aside;

    /// There is one thread for all: were the computing in its way, nobody could let it go.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn others_go_on_while_a_component_computes() {
        let (go, stuck) = std::sync::mpsc::channel();
        let computing = tokio::spawn(async move { aside(true, || stuck.recv()) });
        let other = tokio::spawn(async move { go.send(7) });
        assert_eq!(computing.await.unwrap(), Ok(7));
        other.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn one_thread_computes_in_place() {
        assert_eq!(aside(true, || 7), 7);
    }
}
