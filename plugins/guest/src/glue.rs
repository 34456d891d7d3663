//! Conversions and exports; compiled for components only.

#[allow(unsafe_code, missing_docs, clippy::all)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../sdk/wit/v0.1",
        world: "channel",
        pub_export_macro: true,
        export_macro_name: "export_component",
        default_bindings_module: "qianpu_guest::glue::bindings",
    });
}

mod convert;
mod imports;

pub use bindings::export_component;
pub use qianpu_sdk::Channel;

use bindings::exports::qianpu::channel::{operations, plugin, pushes};
use bindings::qianpu::channel::{log, types};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::bridge::{self, Manifest};
use qianpu_sdk::{PushRefusal, Webhook};
use std::sync::Once;

/// What `export_channel!` fills in.
pub trait Plugin {
    /// The channel.
    fn channel() -> &'static dyn Channel;
    /// Its version.
    fn version() -> &'static str;
    /// Fields of answers that hold tokens.
    fn secret_fields() -> &'static [&'static str];
}

/// A panic ends the instance with a trap that says nothing; the log says why.
fn ready() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        qianpu_sdk::crypto::install(&imports::Imports);
        std::panic::set_hook(Box::new(|panic| log::write(log::Level::Error, &panic.to_string())));
    });
}

impl<T: Plugin> plugin::Guest for T {
    fn describe() -> String {
        ready();
        let manifest = Manifest::of(T::channel(), T::version(), T::secret_fields());
        serde_json::to_string(&manifest).unwrap_or_default()
    }
}

impl<T: Plugin> operations::Guest for T {
    fn start(cx: types::Context, operation: String, input: String) -> Result<types::Step, types::Failure> {
        ready();
        let held = convert::Held::new(cx);
        bridge::start(T::channel(), &held.context(), &operation, &input)
            .map(convert::step)
            .map_err(convert::failure)
    }
    fn resume(
        cx: types::Context,
        operation: String,
        state: Vec<u8>,
        answers: Vec<types::Answer>,
    ) -> Result<types::Step, types::Failure> {
        ready();
        let held = convert::Held::new(cx);
        let answers: Vec<_> = answers.into_iter().map(convert::answer).collect();
        bridge::resume(T::channel(), &held.context(), &operation, &state, &answers)
            .map(convert::step)
            .map_err(convert::failure)
    }
}

fn webhook<T: Plugin>() -> Option<&'static dyn Webhook> {
    ready();
    T::channel().webhook()
}

impl<T: Plugin> pushes::Guest for T {
    fn verify(
        push: pushes::Push,
        credentials: pushes::Credentials,
        now: i64,
    ) -> Result<pushes::Verified, pushes::Refusal> {
        let webhook = webhook::<T>().ok_or(pushes::Refusal::Malformed)?;
        webhook
            .verify(&convert::push(push), &convert::credentials(credentials), Timestamp::from_micros(now))
            .map(convert::verified_out)
            .map_err(convert::refusal)
    }
    fn decode(verified: pushes::Verified) -> Result<Vec<pushes::Notice>, types::Failure> {
        let none = || qianpu_sdk::ChannelError::unexpected("the plugin receives no pushes");
        let notices = webhook::<T>().ok_or_else(none).and_then(|it| it.decode(&convert::verified(verified)));
        notices
            .and_then(|notices| notices.into_iter().map(convert::notice).collect())
            .map_err(convert::failure)
    }
    fn handshake(
        push: pushes::Push,
        credentials: pushes::Credentials,
        now: i64,
    ) -> Result<pushes::Reply, pushes::Refusal> {
        let webhook = webhook::<T>().ok_or(pushes::Refusal::Malformed)?;
        webhook
            .handshake(&convert::push(push), &convert::credentials(credentials), Timestamp::from_micros(now))
            .map(convert::reply)
            .map_err(convert::refusal)
    }
    fn acknowledge(verified: pushes::Verified) -> pushes::Reply {
        match webhook::<T>() {
            Some(webhook) => convert::reply(webhook.acknowledge(&convert::verified(verified))),
            None => convert::no_webhook(),
        }
    }
    fn refuse(refusal: pushes::Refusal) -> pushes::Reply {
        let refusal: PushRefusal = convert::refusal_in(refusal);
        webhook::<T>().map_or_else(convert::no_webhook, |webhook| convert::reply(webhook.refuse(refusal)))
    }
}
