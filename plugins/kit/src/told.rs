//! What a plugin logs, and what went wrong in it, while it is looked at.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Lines that are kept.
const MOST: usize = 1_000;

/// What was told while something ran.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// Lines the plugin wrote into the log.
    pub(crate) lines: Vec<String>,
    /// Times it was stopped, crashed, or asked for what is not its to have.
    pub(crate) faults: Vec<String>,
}

/// Runs something, and listens.
pub(crate) fn listen<T>(run: impl FnOnce() -> T) -> (T, Told) {
    let told = Arc::new(Mutex::new(Told::default()));
    let subscriber = tracing_subscriber::registry().with(Listener(told.clone()));
    let result = tracing::subscriber::with_default(subscriber, run);
    let told = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (result, told)
}

struct Listener(Arc<Mutex<Told>>);

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (list, line) = match (event.metadata().target(), fields.fault) {
            ("plugin", _) => (&mut told.lines, format!("{} {}", event.metadata().level(), fields.message)),
            (_, Some(fault)) => {
                (&mut told.faults, format!("{}: {fault}: {}", fields.operation, fields.detail))
            }
            _ => return,
        };
        if list.len() < MOST {
            list.push(line);
        }
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    operation: String,
    detail: String,
    fault: Option<String>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let mut text = String::new();
        if write!(text, "{value:?}").is_err() {
            return;
        }
        self.record_str(field, &text);
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "operation" => value.clone_into(&mut self.operation),
            "detail" => value.clone_into(&mut self.detail),
            "fault" => self.fault = Some(value.to_owned()),
            _ => {}
        }
    }
}
