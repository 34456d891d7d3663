//! Rendering and handing over: to an SMTP server, or into a folder where the demo shows them.

use super::{Mail, outbox_folder};
use crate::config::{Config, MailTransport, SmtpSecurity};
use crate::pages::Pages;
use anyhow::Context;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use qianpu_domain::ids::JobId;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::secrets::Sealer;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends mails.
pub struct Mailer {
    from: Mailbox,
    sealer: Sealer,
    way: Way,
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
        Ok(Self { from, sealer, way })
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
    ) -> Result<(), SendError> {
        let rendered = render(pages, mail).map_err(SendError::Never)?;
        let message = self.message(mail, &rendered, job, now).map_err(SendError::Never)?;
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

    fn message(
        &self,
        mail: &Mail,
        rendered: &Rendered,
        job: JobId,
        now: Timestamp,
    ) -> Result<Message, String> {
        let to: Mailbox = mail.to.parse().map_err(|_| "the address is not valid".to_owned())?;
        let name =
            if mail.from_name.is_empty() { self.from.name.clone() } else { Some(mail.from_name.clone()) };
        let domain = self.from.email.domain().to_owned();
        let sent = UNIX_EPOCH + Duration::from_micros(now.micros().unsigned_abs());
        Message::builder()
            .from(Mailbox::new(name, self.from.email.clone()))
            .to(to)
            .date(sent)
            .message_id(Some(format!("<{job}@{domain}>")))
            .subject(rendered.subject.clone())
            .multipart(MultiPart::alternative_plain_html(rendered.text.clone(), rendered.html.clone()))
            .map_err(|error| error.to_string())
    }
}

fn render(pages: &Pages, mail: &Mail) -> Result<Rendered, String> {
    let arguments = || mail.arguments.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let say = |name: &str| {
        let key = format!("{}{name}", mail.texts);
        pages.catalogue().find(mail.lang, &key).ok_or_else(|| format!("no text {key}"))?;
        Ok::<_, String>(pages.catalogue().say(mail.lang, &key, arguments()))
    };
    // A subject is one line, whatever an argument holds.
    let subject = say("subject")?.replace(['\r', '\n'], " ");
    let body = say("body")?;
    let view = MailView {
        lang_tag: mail.lang.tag(),
        subject: &subject,
        paragraphs: body.split('\n').filter(|line| !line.trim().is_empty()).collect(),
        points: &mail.points,
        link: mail.link.as_deref(),
        action: if mail.link.is_some() { say("action")? } else { String::new() },
        from_name: &mail.from_name,
    };
    let text = pages.render(mail.lang, "mail/text", &view)?;
    let html = pages.render(mail.lang, "mail/html", &view)?;
    Ok(Rendered { subject, text, html })
}
