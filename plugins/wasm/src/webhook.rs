//! Receiving pushes through a component.

use crate::bindings::exports::qianpu::channel::pushes;
use crate::bindings::qianpu::channel::types;
use crate::channel::WasmChannel;
use crate::convert;
use crate::fault::Fault;
use crate::release::Release;
use crate::secrets::Secrets;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{
    AppStyle, ChannelError, Notice, PushCredentials, PushFormat, PushOrigin, PushRefusal, PushReply, RawPush,
    Received, Secret, Verified, Webhook,
};

/// Notices one push may bring.
const MOST_NOTICES: usize = 100;
/// Bytes of an answer to a push.
const LONGEST_REPLY: usize = 64 * 1024;

/// Media types an answer may have.
const MEDIA_TYPES: &[&str] = &[
    "text/plain; charset=utf-8",
    "text/plain",
    "application/json; charset=utf-8",
    "application/json",
    "application/xml; charset=utf-8",
    "application/xml",
    "text/xml; charset=utf-8",
    "text/xml",
];

const fn origin(origin: PushOrigin) -> pushes::Origin {
    match origin {
        PushOrigin::App => pushes::Origin::App,
        PushOrigin::Account => pushes::Origin::Account,
    }
}

const fn format(format: PushFormat) -> pushes::Format {
    match format {
        PushFormat::Json => pushes::Format::Json,
        PushFormat::Xml => pushes::Format::Xml,
    }
}

fn push(push: &RawPush) -> pushes::Push {
    pushes::Push {
        origin: origin(push.origin),
        method: convert::method(push.method),
        query: push.query.clone(),
        headers: push.headers.clone(),
        body: push.body.clone(),
    }
}

fn credentials(given: &PushCredentials, style: AppStyle, secrets: &mut Secrets) -> pushes::Credentials {
    // Where pushes are signed with the app's secret, it is treated like one.
    let token = if style.has_push_keys() { "push.token" } else { "app.secret" };
    let previous = given.previous_encoding_aes_key.as_ref();
    pushes::Credentials {
        app_ids: given.app_ids.clone(),
        token: secrets.handle(token, given.token.expose()),
        encoding_aes_key: secrets.handle("push.key", given.encoding_aes_key.expose()),
        previous_encoding_aes_key: previous.map(|key| secrets.handle("push.previous_key", key.expose())),
        formats: given.formats.iter().copied().map(format).collect(),
        max_age: given.max_age.as_micros(),
    }
}

fn wire(verified: &Verified) -> pushes::Verified {
    pushes::Verified {
        origin: origin(verified.origin),
        format: format(verified.format),
        plaintext: verified.plaintext.clone(),
        app_id: verified.app_id.clone(),
        signed_at: verified.signed_at.micros(),
    }
}

const fn refusal_out(refusal: PushRefusal) -> pushes::Refusal {
    match refusal {
        PushRefusal::BadSignature => pushes::Refusal::BadSignature,
        PushRefusal::Stale => pushes::Refusal::Stale,
        PushRefusal::Malformed => pushes::Refusal::Malformed,
        PushRefusal::Undecryptable => pushes::Refusal::Undecryptable,
        PushRefusal::WrongApp => pushes::Refusal::WrongApp,
        PushRefusal::WrongFormat => pushes::Refusal::WrongFormat,
    }
}

const fn refusal(refusal: pushes::Refusal) -> PushRefusal {
    match refusal {
        pushes::Refusal::BadSignature => PushRefusal::BadSignature,
        pushes::Refusal::Stale => PushRefusal::Stale,
        pushes::Refusal::Malformed => PushRefusal::Malformed,
        pushes::Refusal::Undecryptable => PushRefusal::Undecryptable,
        pushes::Refusal::WrongApp => PushRefusal::WrongApp,
        pushes::Refusal::WrongFormat => PushRefusal::WrongFormat,
    }
}

fn reply(given: pushes::Reply) -> Result<PushReply, Fault> {
    let known = MEDIA_TYPES.iter().find(|known| **known == given.content_type);
    let content_type = known.ok_or_else(|| {
        Fault::Refused("it answers a push with a media type that is not allowed".to_owned())
    })?;
    if given.body.len() > LONGEST_REPLY {
        return Err(Fault::TooLarge("answer to a push"));
    }
    if !(200..600).contains(&given.status) {
        return Err(Fault::Refused("it answers a push with a status that is none".to_owned()));
    }
    Ok(PushReply { status: given.status, content_type, body: given.body })
}

fn notices(given: Vec<pushes::Notice>) -> Result<Vec<Notice>, Fault> {
    if given.len() > MOST_NOTICES {
        return Err(Fault::TooLarge("notices"));
    }
    let notice = |one: pushes::Notice| {
        let mut notice: Notice = serde_json::from_str(&one.notice)
            .map_err(|error| Fault::Refused(format!("its notice cannot be read: {error}")))?;
        notice.secret = one.secret.map(Secret::new);
        Ok(notice)
    };
    given.into_iter().map(notice).collect()
}

/// What a plugin that went wrong cannot vouch for is refused: the platform sends it again.
fn unproven(release: &Release, what: &str, fault: &Fault) -> PushRefusal {
    release.report(what, fault);
    PushRefusal::Malformed
}

/// Whatever the plugin says: for one of our apps, in one of the formats of this address.
fn proven(
    raw: &RawPush,
    expected: &PushCredentials,
    said: pushes::Verified,
) -> Result<Verified, PushRefusal> {
    let format = match said.format {
        pushes::Format::Json => PushFormat::Json,
        pushes::Format::Xml => PushFormat::Xml,
    };
    if !expected.app_ids.contains(&said.app_id) {
        return Err(PushRefusal::WrongApp);
    }
    if !expected.formats.contains(&format) {
        return Err(PushRefusal::WrongFormat);
    }
    Ok(Verified {
        origin: raw.origin,
        format,
        plaintext: said.plaintext,
        app_id: said.app_id,
        signed_at: Timestamp::from_micros(said.signed_at),
    })
}

/// What the plugin says a push means.
fn decoded(
    release: &Release,
    said: Result<Vec<pushes::Notice>, types::Failure>,
) -> Result<Vec<Notice>, ChannelError> {
    notices(said.map_err(convert::failure)?).map_err(|fault| {
        release.report("push.decode", &fault);
        fault.into()
    })
}

impl Webhook for WasmChannel {
    fn verify(
        &self,
        raw: &RawPush,
        expected: &PushCredentials,
        now: Timestamp,
    ) -> Result<Verified, PushRefusal> {
        let release = self.release();
        let mut secrets = Secrets::new("");
        let (asked, given) = (push(raw), credentials(expected, release.info().app_shape.style, &mut secrets));
        let called = release.call("push.verify", secrets, |store, instance| {
            instance.qianpu_channel_pushes().call_verify(store, &asked, &given, now.micros())
        });
        // The call reported itself.
        let Ok((result, _)) = called else { return Err(PushRefusal::Malformed) };
        proven(raw, expected, result.map_err(refusal)?)
    }

    /// One instance for the three calls about a push: nothing of another push or merchant is ever in it.
    fn receive(
        &self,
        raw: &RawPush,
        expected: &PushCredentials,
        now: Timestamp,
    ) -> Result<Received, PushRefusal> {
        let release = self.release();
        let mut secrets = Secrets::new("");
        let (asked, given) = (push(raw), credentials(expected, release.info().app_shape.style, &mut secrets));
        // What an instance said before it went wrong holds.
        let (mut opened, mut told) = (None, None);
        let called = release.call("push.receive", secrets, |store, instance| {
            let pushes = instance.qianpu_channel_pushes();
            let verified = pushes.call_verify(&mut *store, &asked, &given, now.micros())?;
            let verified = match verified.map_err(refusal).and_then(|said| proven(raw, expected, said)) {
                Ok(verified) => opened.insert(verified),
                Err(refused) => return Ok(Err(refused)),
            };
            // What has been proven is read without the keys.
            store.data_mut().secrets = Secrets::new("");
            let asked = wire(verified);
            told = Some(pushes.call_decode(&mut *store, &asked)?);
            Ok(Ok(pushes.call_acknowledge(&mut *store, &asked)?))
        });
        let (given, fault) = match called {
            Ok((Ok(given), _)) => (Some(given), None),
            Ok((Err(refused), _)) => return Err(refused),
            // The call reported itself.
            Err(fault) => (None, Some(fault)),
        };
        let Some(verified) = opened else { return Err(PushRefusal::Malformed) };
        let notices = match (told, fault) {
            (Some(told), _) => decoded(&release, told),
            (None, Some(fault)) => Err(fault.into()),
            (None, None) => Err(ChannelError::unexpected("the plugin did not read the push")),
        };
        let reply = match given {
            Some(given) => answered(&release, Ok(given), 500),
            None => self.acknowledge(&verified),
        };
        Ok(Received { verified, notices, reply })
    }

    fn decode(&self, verified: &Verified) -> Result<Vec<Notice>, ChannelError> {
        let release = self.release();
        let asked = wire(verified);
        let (result, _) = release.call("push.decode", Secrets::new(""), |store, instance| {
            instance.qianpu_channel_pushes().call_decode(store, &asked)
        })?;
        decoded(&release, result)
    }

    fn handshake(
        &self,
        raw: &RawPush,
        given: &PushCredentials,
        now: Timestamp,
    ) -> Result<PushReply, PushRefusal> {
        let release = self.release();
        let mut secrets = Secrets::new("");
        let (asked, given) = (push(raw), credentials(given, release.info().app_shape.style, &mut secrets));
        let called = release.call("push.handshake", secrets, |store, instance| {
            instance.qianpu_channel_pushes().call_handshake(store, &asked, &given, now.micros())
        });
        let Ok((result, _)) = called else { return Err(PushRefusal::Malformed) };
        reply(result.map_err(refusal)?).map_err(|fault| unproven(&release, "push.handshake", &fault))
    }

    fn acknowledge(&self, verified: &Verified) -> PushReply {
        let release = self.release();
        let asked = wire(verified);
        let called = release.call("push.acknowledge", Secrets::new(""), |store, instance| {
            instance.qianpu_channel_pushes().call_acknowledge(store, &asked)
        });
        answered(&release, called.map(|(given, _)| given), 500)
    }

    fn refuse(&self, refused: PushRefusal) -> PushReply {
        let release = self.release();
        let called = release.call("push.refuse", Secrets::new(""), |store, instance| {
            instance.qianpu_channel_pushes().call_refuse(store, refusal_out(refused))
        });
        answered(&release, called.map(|(given, _)| given), 400)
    }
}

/// A plugin that cannot answer does not keep the platform waiting.
fn answered(release: &Release, given: Result<pushes::Reply, Fault>, otherwise: u16) -> PushReply {
    let plain =
        || PushReply { status: otherwise, content_type: "text/plain; charset=utf-8", body: Vec::new() };
    match given {
        Err(_) => plain(),
        Ok(given) => reply(given).unwrap_or_else(|fault| {
            release.report("push.answer", &fault);
            plain()
        }),
    }
}
