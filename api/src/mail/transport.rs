//! Rendering and handing over: to an SMTP server, or into a folder where the demo shows them.

use super::own::{Dress, OwnServer};
use super::{Mail, outbox_folder};
use crate::config::{Config, MailTransport, SmtpSecurity};
use crate::pages::Pages;
use anyhow::Context;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use qianpu_domain::ids::JobId;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::secrets::Sealer;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

pub(super) const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends mails.
pub struct Mailer {
    from: Mailbox,
    sealer: Sealer,
    way: Way,
    development: bool,
}

enum Way {
    Folder(PathBuf),
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
}

/// Why a mail was not sent.
#[derive(Debug)]
pub enum SendError {
    /// The server may take it later.
    Later(String),
    /// It will never be taken: a wrong address, a refused content.
    Never(String),
}

/// Why a provider's own server did not take a mail.
#[derive(Debug)]
pub struct Failure {
    /// What it said, for the provider.
    pub text: String,
    /// Whether it refused this recipient, and may be good for others.
    pub about_recipient: bool,
}

/// A rendered mail.
pub(super) struct Rendered {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

#[derive(Serialize)]
struct MailView<'a> {
    lang_tag: &'static str,
    subject: &'a str,
    paragraphs: Vec<&'a str>,
    points: &'a [String],
    link: Option<&'a str>,
    action: String,
    from_name: &'a str,
    button: &'a str,
    button_text: &'a str,
    logo: Option<&'a str>,
    support: &'a str,
}

impl Mailer {
    /// As configured.
    pub fn of(config: &Config, sealer: Sealer) -> anyhow::Result<Self> {
        let mail = &config.mail;
        let from = mail.from.parse().context("mail.from")?;
        let way = match mail.transport {
            MailTransport::File => Way::Folder(config.mail_dir()),
            MailTransport::Smtp => {
                let host = mail.smtp_host.as_str();
                let builder = match mail.smtp_security {
                    SmtpSecurity::Required => AsyncSmtpTransport::<Tokio1Executor>::relay(host),
                    SmtpSecurity::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host),
                    SmtpSecurity::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)),
                };
                let mut builder =
                    builder.context("mail.smtp_host")?.port(mail.smtp_port).timeout(Some(TIMEOUT));
                if !mail.smtp_username.is_empty() {
                    let password = mail.smtp_password.reveal().to_owned();
                    builder = builder.credentials(Credentials::new(mail.smtp_username.clone(), password));
                }
                Way::Smtp(Box::new(builder.build()))
            }
        };
        Ok(Self { from, sealer, way, development: config.is_development() })
    }

    pub(super) fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The folder mails are written to, when they are not sent.
    pub fn folder(&self) -> Option<&Path> {
        match &self.way {
            Way::Folder(folder) => Some(folder),
            Way::Smtp(_) => None,
        }
    }

    /// Renders and hands over. `job` makes the Message-ID stable over retries.
    pub async fn send(
        &self,
        pages: &Pages,
        mail: &Mail,
        job: JobId,
        now: Timestamp,
        dress: &Dress,
    ) -> Result<(), SendError> {
        let rendered = render(pages, mail, dress).map_err(SendError::Never)?;
        let from = self.from.email.clone();
        let message = self.message(mail, &rendered, job, now, dress, from).map_err(SendError::Never)?;
        match &self.way {
            Way::Folder(folder) => {
                outbox_folder::store(folder, mail, &rendered, &message.formatted(), job, now)
                    .map_err(|error| SendError::Later(error.to_string()))
            }
            Way::Smtp(transport) => match transport.send(message).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_permanent() => Err(SendError::Never(error.to_string())),
                Err(error) => Err(SendError::Later(error.to_string())),
            },
        }
    }

    /// The same through a provider's own server, from its address.
    pub async fn send_own(
        &self,
        pages: &Pages,
        mail: &Mail,
        job: JobId,
        now: Timestamp,
        dress: &Dress,
        server: &OwnServer,
    ) -> Result<(), Failure> {
        let ours = |text: String| Failure { text, about_recipient: false };
        let rendered = render(pages, mail, dress).map_err(ours)?;
        let from = server.sender.from_address.parse::<Address>();
        let from = from.map_err(|_| ours("the sender's address is not valid".to_owned()))?;
        let message = self
            .message(mail, &rendered, job, now, dress, from)
            .map_err(|text| Failure { text, about_recipient: true })?;
        let transport = server.transport(self.development).await.map_err(ours)?;
        transport.send(message).await.map(drop).map_err(|error| Failure {
            about_recipient: error.status().is_some_and(|code| (550..=553).contains(&u16::from(code))),
            text: error.to_string(),
        })
    }

    fn message(
        &self,
        mail: &Mail,
        rendered: &Rendered,
        job: JobId,
        now: Timestamp,
        dress: &Dress,
        from: Address,
    ) -> Result<Message, String> {
        let to: Mailbox = mail.to.parse().map_err(|_| "the address is not valid".to_owned())?;
        let named = [&dress.name, &mail.from_name].into_iter().find(|name| !name.is_empty()).cloned();
        let name = named.or_else(|| self.from.name.clone());
        let domain = from.domain().to_owned();
        let sent = UNIX_EPOCH + Duration::from_micros(now.micros().unsigned_abs());
        Message::builder()
            .from(Mailbox::new(name, from))
            .to(to)
            .date(sent)
            .message_id(Some(format!("<{job}@{domain}>")))
            .subject(rendered.subject.clone())
            .multipart(MultiPart::alternative_plain_html(rendered.text.clone(), rendered.html.clone()))
            .map_err(|error| error.to_string())
    }
}

/// The button of a mail without a brand, and the text on it.
const BUTTON: (&str, &str) = ("#c2352b", "#ffffff");

fn render(pages: &Pages, mail: &Mail, dress: &Dress) -> Result<Rendered, String> {
    let arguments = || mail.arguments.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let say = |name: &str| {
        let key = format!("{}{name}", mail.texts);
        pages.catalogue().find(mail.lang, &key).ok_or_else(|| format!("no text {key}"))?;
        Ok::<_, String>(pages.catalogue().say(mail.lang, &key, arguments()))
    };
    // A subject is one line, whatever an argument holds.
    let subject = say("subject")?.replace(['\r', '\n'], " ");
    let body = say("body")?;
    let link = mail.link.as_deref().map(|link| match &dress.links {
        Some((from, to)) if link.starts_with(from.as_str()) => link.replacen(from.as_str(), to, 1),
        _ => link.to_owned(),
    });
    let view = MailView {
        lang_tag: mail.lang.tag(),
        subject: &subject,
        paragraphs: body.split('\n').filter(|line| !line.trim().is_empty()).collect(),
        points: &mail.points,
        link: link.as_deref(),
        action: if mail.link.is_some() { say("action")? } else { String::new() },
        from_name: if dress.name.is_empty() { &mail.from_name } else { &dress.name },
        button: dress.colours.as_ref().map_or(BUTTON.0, |(button, _)| button),
        button_text: dress.colours.as_ref().map_or(BUTTON.1, |(_, text)| text),
        logo: dress.logo.as_deref(),
        support: &dress.support,
    };
    let text = pages.render(mail.lang, "mail/text", &view)?;
    let html = pages.render(mail.lang, "mail/html", &view)?;
    Ok(Rendered { subject, text, html })
}
