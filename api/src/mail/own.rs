//! Mails in a provider's dress: its name, colours and picture, and its own mail server when it has one. A server that
//! does not take mails is left alone for a while; meanwhile they go out as the installation sends them.

use super::transport::TIMEOUT;
use crate::net::public_addresses;
use crate::state::AppState;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use qianpu_domain::brand::SenderState;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::brand::{MailSender, brand_find, sender_find};
use qianpu_tenants::store::directory;
use qianpu_tenants::store::domain::domain_in_use;

/// What the password of a mail server is sealed for.
pub const PURPOSE: &str = "mail sender";
/// How long a server that did not take a mail is left alone.
const LEFT_ALONE: Span = Span::hours(1);

/// What mails of a provider look like and how they go.
#[derive(Debug, Clone, Default)]
pub struct Dress {
    /// The brand's name; empty without a brand.
    pub name: String,
    /// `#rrggbb` of the button and of the text on it.
    pub colours: Option<(String, String)>,
    /// Whole address of the picture.
    pub logo: Option<String>,
    /// Where people get help; empty for nowhere.
    pub support: String,
    /// Links that begin with the first begin with the second instead: the provider's own host.
    pub links: Option<(String, String)>,
    /// The provider's own server.
    pub own: Option<OwnServer>,
}

/// A provider's own mail server with its password.
#[derive(Debug, Clone)]
pub struct OwnServer {
    pub sender: MailSender,
    pub password: Option<Plain>,
}

impl OwnServer {
    /// Whether the next mail goes through it.
    pub fn is_used(&self, now: Timestamp) -> bool {
        let rested = self.sender.checked_at.is_none_or(|at| at.plus(LEFT_ALONE) <= now);
        match self.sender.state {
            SenderState::Working => true,
            SenderState::Broken => rested,
            SenderState::Untested => false,
        }
    }

    /// A connection to be: to an address that was judged, under the name the certificate has to bear.
    pub(super) async fn transport(
        &self,
        development: bool,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
        let sender = &self.sender;
        let found = public_addresses(&sender.host, sender.port, development).await;
        let found = found.map_err(|refusal| refusal.to_string())?;
        let address = found.first().ok_or("no address")?.ip();
        let named = || TlsParameters::new(sender.host.clone()).map_err(|error| error.to_string());
        let tls = match sender.security.as_str() {
            "required" => Tls::Wrapper(named()?),
            "starttls" => Tls::Required(named()?),
            _ if development => Tls::None,
            _ => return Err("mails are not sent without TLS".to_owned()),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.to_string())
            .port(sender.port)
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some(password) = &self.password {
            let password = password.expose().to_owned();
            builder = builder.credentials(Credentials::new(sender.user_name.clone(), password));
        }
        Ok(builder.build())
    }
}

/// The dress of the provider that a context belongs to; none for the operator's.
pub async fn dress_of(state: &AppState, ctx: &TenantCtx) -> StoreResult<Dress> {
    if ctx.provider().is_none() {
        return Ok(Dress::default());
    }
    let tx = state.db.read_parent(ctx).await?;
    let (brand, sender) = (brand_find(&tx).await?, sender_find(&tx).await?);
    let slug = directory::key_value(&tx, directory::PROVIDER_SLUG).await?;
    let host = domain_in_use(&tx, None).await?;
    let own = match sender {
        Some(sender) => Some(opened(state, tx.ctx(), sender)?),
        None => None,
    };
    drop(tx);
    let base = state.config.app.public_url.trim_end_matches('/');
    let links = host.map(|host| (base.to_owned(), state.address_at(&host)));
    let Some(stored) = brand else { return Ok(Dress { own, links, ..Dress::default() }) };
    let brand = stored.brand;
    let support: Vec<&str> = [brand.support_email.as_str(), brand.support_phone.as_str()]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    Ok(Dress {
        colours: Some((brand.colour.text(), brand.colour.text_on().text())),
        logo: stored.logo.zip(slug).map(|(_, slug)| format!("{base}/brand/{slug}/logo?v={}", stored.version)),
        support: support.join(" · "),
        name: brand.name,
        links,
        own,
    })
}

/// The server with its password, for the provider of `ctx`.
pub fn opened(state: &AppState, ctx: &TenantCtx, sender: MailSender) -> StoreResult<OwnServer> {
    let sealed = sender.sealed_password.as_deref();
    let password = sealed.map(|sealed| state.keys.sealer.open_text(ctx, PURPOSE, sealed)).transpose()?;
    Ok(OwnServer { sender, password })
}
