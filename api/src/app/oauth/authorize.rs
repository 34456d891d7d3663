//! Asking a person. What is wrong with the app or the address of the answer is told to the person on a page and never
//! sent on; everything else is told to the app at its address.

use super::{CODE_PREFIX, Refused, issuer};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Permission;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::RequestId;
use qianpu_domain::oauth::{OauthError, challenge_is_well_formed};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Caller, Grant, perm};
use qianpu_tenants::store::oauth_app::OauthApp;
use qianpu_tenants::store::oauth_authorisation::authorisation_allow;
use qianpu_tenants::store::oauth_token::{NewCode, code_insert};
use qianpu_tenants::{random, resolve};
use serde_json::json;

/// How long a code works.
pub const CODE_LIFE: Span = Span::seconds(60);
const LONGEST_STATE: usize = 500;

/// Why a person is shown an error instead of being sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// There is no such app, or it was closed.
    App,
    /// The address of the answer is none of the app's.
    Redirect,
    /// The app is another provider's.
    Provider,
}

impl Stop {
    /// The rest of a key of the catalogue.
    pub const fn word(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Redirect => "redirect",
            Self::Provider => "provider",
        }
    }
}

/// The parameters of a request, as they came.
#[derive(Debug, Clone, Default)]
pub struct Asked(Vec<(String, String)>);

impl Asked {
    /// From a query string or the fields of the form that repeats it.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        const KNOWN: [&str; 7] = [
            "client_id",
            "redirect_uri",
            "response_type",
            "scope",
            "state",
            "code_challenge",
            "code_challenge_method",
        ];
        Self(pairs.into_iter().filter(|(name, _)| KNOWN.contains(&name.as_str())).collect())
    }
    /// A parameter that came once and is not empty.
    fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let first = values.next()?;
        (values.next().is_none() && !first.is_empty()).then_some(first)
    }
    fn doubled(&self) -> Option<&str> {
        let twice = |name: &str| self.0.iter().filter(|(own, _)| own == name).count() > 1;
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| twice(name))
    }
    /// The parameters, for a form that repeats them.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// A request that may be shown to a person.
#[derive(Debug, Clone)]
pub struct Request {
    pub app: OauthApp,
    pub redirect_uri: String,
    pub state: Option<String>,
    /// What is asked for.
    pub scopes: PermissionSet,
    challenge: String,
}

/// What became of reading a request.
pub enum Read {
    Good(Box<Request>),
    /// The app is told at this address.
    Back(String),
    /// The person is told.
    Stopped(Stop),
}

/// Reads a request: first who asks and where the answer goes, then the rest.
pub async fn read(state: &AppState, request: RequestId, asked: &Asked) -> Answer<Read> {
    let Some(client_id) = asked.one("client_id") else { return Ok(Read::Stopped(Stop::App)) };
    let Some((_, app)) = resolve::by_client_id(&state.db, client_id, request).await? else {
        return Ok(Read::Stopped(Stop::App));
    };
    let redirect_uri =
        asked.one("redirect_uri").filter(|uri| app.facts.redirect_uris.iter().any(|own| own == uri));
    let Some(redirect_uri) = redirect_uri.map(str::to_owned) else {
        return Ok(Read::Stopped(Stop::Redirect));
    };
    let state_given = asked.one("state").map(str::to_owned);
    match check(asked, &app) {
        Ok((scopes, challenge)) => {
            Ok(Read::Good(Box::new(Request { app, redirect_uri, state: state_given, scopes, challenge })))
        }
        Err(refused) => Ok(Read::Back(refusal(state, &redirect_uri, state_given.as_deref(), &refused))),
    }
}

fn check(asked: &Asked, app: &OauthApp) -> Result<(PermissionSet, String), Refused> {
    let invalid = |description: &str| Refused::new(OauthError::InvalidRequest, description);
    if let Some(name) = asked.doubled() {
        return Err(invalid(&format!("{name} was given more than once")));
    }
    if asked.one("state").is_some_and(|state| state.len() > LONGEST_STATE) {
        return Err(invalid("state is too long"));
    }
    match asked.one("response_type") {
        Some("code") => {}
        Some(_) => {
            return Err(Refused::new(OauthError::UnsupportedResponseType, "expected response_type=code"));
        }
        None => return Err(invalid("response_type is missing")),
    }
    let challenge = asked.one("code_challenge").ok_or_else(|| invalid("code_challenge is missing"))?;
    if asked.one("code_challenge_method") != Some("S256") {
        return Err(invalid("expected code_challenge_method=S256"));
    }
    if !challenge_is_well_formed(challenge) {
        return Err(invalid("code_challenge is not the base64url of a SHA-256"));
    }
    let scopes = scopes_within(asked.one("scope"), app.facts.scopes)?;
    Ok((scopes, challenge.to_owned()))
}

/// The permissions of a `scope` parameter, all within what is allowed; without one, all that is allowed.
pub(super) fn scopes_within(asked: Option<&str>, allowed: PermissionSet) -> Result<PermissionSet, Refused> {
    let invalid = |description: String| Refused::new(OauthError::InvalidScope, description);
    let mut scopes = PermissionSet::EMPTY;
    for word in asked.unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        let permission = Permission::parse(word).filter(|one| allowed.contains(*one));
        scopes = scopes.with(
            permission.ok_or_else(|| invalid("a scope is unknown or not allowed to this app".to_owned()))?,
        );
    }
    if asked.is_none() {
        scopes = allowed;
    }
    if scopes.is_empty() { Err(invalid("no scope is allowed to this app".to_owned())) } else { Ok(scopes) }
}

/// The app's address with an answer.
fn answer(state: &AppState, redirect_uri: &str, own: &[(&str, &str)], state_given: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(own.iter().copied());
    if let Some(given) = state_given {
        query.append_pair("state", given);
    }
    query.append_pair("iss", &issuer(state));
    let joint = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{joint}{}", query.finish())
}

fn refusal(state: &AppState, redirect_uri: &str, state_given: Option<&str>, refused: &Refused) -> String {
    let own = [("error", refused.error.as_str()), ("error_description", refused.description.as_str())];
    answer(state, redirect_uri, &own, state_given)
}

/// Whether this person may be asked: only the app's own provider and its merchants are.
pub fn may_be_asked(caller: &Caller, request: &Request) -> Result<(), Stop> {
    let own = caller.grant::<perm::SelfManage>().ok().and_then(|grant| grant.ctx().provider());
    if own == Some(request.app.tenant) { Ok(()) } else { Err(Stop::Provider) }
}

/// The part of what is asked for that the person holds and so can allow.
pub fn can_allow(caller: &Caller, request: &Request) -> PermissionSet {
    request.scopes.and(caller.permissions())
}

/// The person allows it: where to send them, with a code.
pub async fn allow(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::SelfManage>,
    request: &Request,
) -> Answer<String> {
    let person = caller.person()?;
    // Looking after the own log-in goes on in a suspended tenant; letting others in does not.
    if caller.tenant_stop().is_some() {
        return Err(ApiError::new(ErrorCode::TenantSuspended));
    }
    let scopes = can_allow(caller, request);
    if may_be_asked(caller, request).is_err() || scopes.is_empty() {
        return Err(ApiError::not_found());
    }
    let code = format!("{CODE_PREFIX}{}.{}", grant.ctx().tenant().0.as_simple(), random::token());
    let mut tx = state.db.begin(grant.ctx()).await?;
    let authorisation = authorisation_allow(&mut tx, &request.app, (person.id, &person.name), scopes).await?;
    let new = NewCode {
        code: &code,
        authorisation,
        redirect_uri: &request.redirect_uri,
        challenge: &request.challenge,
        scopes,
        life: CODE_LIFE,
    };
    code_insert(&mut tx, &new).await?;
    let detail = json!({ "app": request.app.id.to_string(), "name": request.app.facts.name, "scopes": scopes.words() });
    audit_append(
        &mut tx,
        AuditAction::OauthAllowed,
        "oauth_authorisation",
        &authorisation.to_string(),
        detail,
    )
    .await?;
    tx.commit().await?;
    Ok(answer(state, &request.redirect_uri, &[("code", &code)], request.state.as_deref()))
}

/// The person refuses: where to send them.
pub fn refuse(state: &AppState, request: &Request) -> String {
    let refused = Refused::new(OauthError::AccessDenied, "the person refused");
    refusal(state, &request.redirect_uri, request.state.as_deref(), &refused)
}
