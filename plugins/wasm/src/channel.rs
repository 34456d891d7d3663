//! The place of a plugin: a [`Channel`] whose version can be exchanged.

use crate::bindings::qianpu::channel::types;
use crate::convert;
use crate::fault::Fault;
use crate::release::Release;
use crate::secrets::Secrets;
use arc_swap::ArcSwap;
use qianpu_sdk::bridge::{
    AccessTokenForm, AuthorisationForm, AuthorisedAccountForm, Capability, ClearReceiverForm, TokenSetForm,
    operation as op,
};
use qianpu_sdk::{
    AccessToken, AccountAuth, AccountInfo, AccountMenu, AccountProfile, Affiliate, Aftersale, Analytics,
    Answer, AppAuth, Authorisation, AuthorisedAccount, CallQuotas, Catalog, Channel, ChannelError,
    ChannelInfo, ClearReceiver, Content, Context, Disputes, Fans, Fulfilment, Funds, Guarantees, Leads,
    LinkInvitation, LinkRequest, Live, Messaging, OrderDesk, Orders, Page, Person, PersonSignIn,
    PlatformNames, Promotions, Qualifications, Reveal, SceneCodes, Secret, ShopDesk, Showcase, SignInRequest,
    Step, Stock, Templates, TokenSet, Turn, Webhook,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// Versions that are kept for operations that began on them.
const KEPT: usize = 8;

/// A plugin's place in the registry. It lives as long as the process; its version does not.
pub struct WasmChannel {
    current: ArcSwap<Release>,
    /// The versions before, the youngest last.
    earlier: Mutex<Vec<Arc<Release>>>,
}

impl WasmChannel {
    /// A place with its first version.
    pub fn new(release: Arc<Release>) -> Self {
        Self { current: ArcSwap::new(release), earlier: Mutex::default() }
    }
    /// The version in force.
    pub fn release(&self) -> Arc<Release> {
        self.current.load_full()
    }
    /// Puts another version in force. Operations that run end on theirs.
    pub fn exchange(&self, release: Arc<Release>) {
        let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        earlier.retain(|one| one.mark() != release.mark());
        let before = self.current.swap(release.clone());
        if before.mark() != release.mark() {
            earlier.push(before);
        }
        if earlier.len() > KEPT {
            earlier.remove(0);
        }
    }

    fn has(&self, capability: Capability) -> bool {
        self.current.load().has(capability)
    }

    /// The version that wrote a state, and the state without its mark.
    fn began<'a>(&self, state: &'a [u8]) -> Result<(Arc<Release>, &'a [u8]), ChannelError> {
        let (mark, rest) = state.split_first_chunk::<8>().ok_or_else(|| {
            ChannelError::unexpected("the state of the operation is not one of this plugin")
        })?;
        let current = self.current.load_full();
        if current.mark() == *mark {
            return Ok((current, rest));
        }
        let earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        let found = earlier.iter().find(|one| one.mark() == *mark).cloned();
        found.map(|release| (release, rest)).ok_or_else(|| {
            ChannelError::unexpected("the version of the plugin that began the operation is gone")
        })
    }

    fn start<T>(&self, cx: &Context<'_>, name: &str, input: &Value, read: Read<T>) -> Turn<T> {
        self.start_with(cx, name, read, |_| input.to_string())
    }

    fn start_with<T>(
        &self,
        cx: &Context<'_>,
        name: &str,
        read: Read<T>,
        input: impl FnOnce(&mut Secrets) -> String,
    ) -> Turn<T> {
        let release = self.current.load_full();
        let mut secrets = Secrets::new(cx.nonce);
        let context = convert::context(cx, &mut secrets);
        let input = input(&mut secrets);
        let (result, secrets) = release.call(name, secrets, |store, instance| {
            instance.qianpu_channel_operations().call_start(store, &context, name, &input)
        })?;
        turn(&release, name, result, &secrets, read)
    }

    fn resume<T>(
        &self,
        cx: &Context<'_>,
        name: &str,
        state: &[u8],
        answers: &[Answer],
        read: Read<T>,
    ) -> Turn<T> {
        let (release, state) = self.began(state)?;
        let mut secrets = Secrets::new(cx.nonce);
        let context = convert::context(cx, &mut secrets);
        let fields = &release.manifest().secret_fields;
        let answers: Vec<_> =
            answers.iter().map(|answer| convert::answer(answer, &mut secrets, fields)).collect();
        let (result, secrets) = release.call(name, secrets, |store, instance| {
            instance.qianpu_channel_operations().call_resume(store, &context, name, state, &answers)
        })?;
        turn(&release, name, result, &secrets, read)
    }
}

impl std::fmt::Debug for WasmChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("WasmChannel").field(&self.current.load()).finish()
    }
}

/// Reads an outcome.
type Read<T> = fn(&str, &Secrets) -> Result<T, Fault>;

fn turn<T>(
    release: &Release,
    name: &str,
    result: Result<types::Step, types::Failure>,
    secrets: &Secrets,
    read: Read<T>,
) -> Turn<T> {
    let marked = |state: Vec<u8>| {
        if state.len() > release.limits().state {
            return Err(Fault::TooLarge("state"));
        }
        Ok([&release.mark()[..], &state].concat())
    };
    let accepted = |step: types::Step| {
        Ok(match step {
            types::Step::Done(text) => Step::Done(read(&text, secrets)?),
            types::Step::Wait(types::Pause { ms, state }) => Step::Wait { ms, state: marked(state)? },
            types::Step::Call(types::Call { requests, parallel, state }) => {
                let requests = convert::requests(requests, release.info(), secrets, release.limits())?;
                Step::Call { requests, parallel, state: marked(state)? }
            }
        })
    };
    accepted(result.map_err(convert::failure)?).map_err(|fault: Fault| {
        release.report(name, &fault);
        fault.into()
    })
}

fn plain<T: DeserializeOwned>(text: &str, _: &Secrets) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::Refused(format!("its outcome cannot be read: {error}")))
}

/// A token in an outcome is a handle: of a field the manifest names, or of a secret that was there before.
fn token(form: AccessTokenForm, secrets: &Secrets) -> Result<AccessToken, Fault> {
    Ok(AccessToken { value: secret(&form.value, secrets)?, expires_at: form.expires_at })
}

fn secret(handle: &str, secrets: &Secrets) -> Result<Secret<String>, Fault> {
    let value = secrets.value(handle).map_err(|_| {
        Fault::Refused(
            "it answered with a token that is no handle: its field is missing in secret_fields".to_owned(),
        )
    })?;
    Ok(Secret::new(value.to_owned()))
}

fn optional(handle: Option<String>, secrets: &Secrets) -> Result<Option<Secret<String>>, Fault> {
    handle.map(|handle| secret(&handle, secrets)).transpose()
}

fn tokens(form: TokenSetForm, secrets: &Secrets) -> Result<TokenSet, Fault> {
    let refresh_token = optional(form.refresh_token, secrets)?;
    Ok(TokenSet { access_token: token(form.access_token, secrets)?, refresh_token })
}

fn app_token(text: &str, secrets: &Secrets) -> Result<AccessToken, Fault> {
    token(plain(text, secrets)?, secrets)
}

fn token_set(text: &str, secrets: &Secrets) -> Result<TokenSet, Fault> {
    tokens(plain(text, secrets)?, secrets)
}

fn authorisation(text: &str, secrets: &Secrets) -> Result<Authorisation, Fault> {
    let form: AuthorisationForm = plain(text, secrets)?;
    let tokens = tokens(form.tokens, secrets)?;
    Ok(Authorisation { external_id: form.external_id, tokens, scopes: form.scopes, profile: form.profile })
}

fn accounts(text: &str, secrets: &Secrets) -> Result<Page<AuthorisedAccount>, Fault> {
    let page: Page<AuthorisedAccountForm> = plain(text, secrets)?;
    let row = |form: AuthorisedAccountForm| {
        Ok(AuthorisedAccount {
            external_id: form.external_id,
            refresh_token: optional(form.refresh_token, secrets)?,
            authorised_at: form.authorised_at,
        })
    };
    let items = page.items.into_iter().map(row).collect::<Result<_, Fault>>()?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// Without words of the parser: it might repeat what it read.
fn clear_receiver(text: &str, _: &Secrets) -> Result<ClearReceiver, Fault> {
    let form: Result<ClearReceiverForm, _> = serde_json::from_str(text);
    form.map(ClearReceiver::from).map_err(|_| Fault::Refused("its outcome cannot be read".to_owned()))
}

impl Channel for WasmChannel {
    fn info(&self) -> &'static ChannelInfo {
        self.current.load().info()
    }
    fn app(&self) -> Option<&dyn AppAuth> {
        self.has(Capability::App).then_some(self)
    }
    fn auth(&self) -> Option<&dyn AccountAuth> {
        self.has(Capability::Auth).then_some(self)
    }
    fn webhook(&self) -> Option<&dyn Webhook> {
        self.has(Capability::Webhook).then_some(self)
    }
    fn sign_in(&self) -> Option<&dyn PersonSignIn> {
        self.has(Capability::SignIn).then_some(self)
    }
    fn account(&self) -> Option<&dyn AccountInfo> {
        self.has(Capability::Account).then_some(self)
    }
    fn catalog(&self) -> Option<&dyn Catalog> {
        self.has(Capability::Catalog).then_some(self)
    }
    fn stock(&self) -> Option<&dyn Stock> {
        self.has(Capability::Stock).then_some(self)
    }
    fn orders(&self) -> Option<&dyn Orders> {
        self.has(Capability::Orders).then_some(self)
    }
    fn order_desk(&self) -> Option<&dyn OrderDesk> {
        self.has(Capability::OrderDesk).then_some(self)
    }
    fn promotions(&self) -> Option<&dyn Promotions> {
        self.has(Capability::Promotions).then_some(self)
    }
    fn fulfilment(&self) -> Option<&dyn Fulfilment> {
        self.has(Capability::Fulfilment).then_some(self)
    }
    fn reveal(&self) -> Option<&dyn Reveal> {
        self.has(Capability::Reveal).then_some(self)
    }
    fn messaging(&self) -> Option<&dyn Messaging> {
        self.has(Capability::Messaging).then_some(self)
    }
    fn aftersale(&self) -> Option<&dyn Aftersale> {
        self.has(Capability::Aftersale).then_some(self)
    }
    fn disputes(&self) -> Option<&dyn Disputes> {
        self.has(Capability::Disputes).then_some(self)
    }
    fn menu(&self) -> Option<&dyn AccountMenu> {
        self.has(Capability::Menu).then_some(self)
    }
    fn codes(&self) -> Option<&dyn SceneCodes> {
        self.has(Capability::Codes).then_some(self)
    }
    fn fans(&self) -> Option<&dyn Fans> {
        self.has(Capability::Fans).then_some(self)
    }
    fn templates(&self) -> Option<&dyn Templates> {
        self.has(Capability::Templates).then_some(self)
    }
    fn content(&self) -> Option<&dyn Content> {
        self.has(Capability::Content).then_some(self)
    }
    fn showcase(&self) -> Option<&dyn Showcase> {
        self.has(Capability::Showcase).then_some(self)
    }
    fn live(&self) -> Option<&dyn Live> {
        self.has(Capability::Live).then_some(self)
    }
    fn leads(&self) -> Option<&dyn Leads> {
        self.has(Capability::Leads).then_some(self)
    }
    fn shop_desk(&self) -> Option<&dyn ShopDesk> {
        self.has(Capability::ShopDesk).then_some(self)
    }
    fn funds(&self) -> Option<&dyn Funds> {
        self.has(Capability::Funds).then_some(self)
    }
    fn qualifications(&self) -> Option<&dyn Qualifications> {
        self.has(Capability::Qualifications).then_some(self)
    }
    fn guarantees(&self) -> Option<&dyn Guarantees> {
        self.has(Capability::Guarantees).then_some(self)
    }
    fn call_quotas(&self) -> Option<&dyn CallQuotas> {
        self.has(Capability::CallQuotas).then_some(self)
    }
    fn analytics(&self) -> Option<&dyn Analytics> {
        self.has(Capability::Analytics).then_some(self)
    }
    fn affiliate(&self) -> Option<&dyn Affiliate> {
        self.has(Capability::Affiliate).then_some(self)
    }
}

/// The two halves of each operation: start with an input, resume with answers.
macro_rules! operations {
    ($($start:ident, $resume:ident($($argument:ident: $type:ty),*) -> $outcome:ty = $name:expr, $input:expr, $read:expr;)*) => {
        $(
            fn $start(&self, cx: &Context<'_>, $($argument: $type),*) -> Turn<$outcome> {
                self.start(cx, $name, &$input, $read)
            }
            fn $resume(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<$outcome> {
                self.resume(cx, $name, state, answers, $read)
            }
        )*
    };
}

mod affiliate;
mod analytics;
mod call_quotas;
mod fans;
mod goods;
mod guarantees;
mod promotions;
mod qualifications;
mod reach;
mod shop;
mod shop_money;
mod templates;

impl AppAuth for WasmChannel {
    operations! {
        request_ticket, resume_request_ticket() -> () = op::APP_REQUEST_TICKET, json!({}), plain;
        app_token, resume_app_token() -> AccessToken = op::APP_TOKEN, json!({}), app_token;
        begin_link, resume_begin_link(request: &LinkRequest) -> LinkInvitation =
            op::APP_BEGIN_LINK, json!(request), plain;
        authorised_accounts, resume_authorised_accounts(cursor: Option<&str>) -> Page<AuthorisedAccount> =
            op::APP_AUTHORISED_ACCOUNTS, json!({ "cursor": cursor }), accounts;
        authorised_profile, resume_authorised_profile(external_id: &str) -> AccountProfile =
            op::APP_AUTHORISED_PROFILE, json!({ "external_id": external_id }), plain;
    }
    fn complete_link(&self, cx: &Context<'_>, code: &Secret<String>) -> Turn<Authorisation> {
        self.start_with(cx, op::APP_COMPLETE_LINK, authorisation, |secrets| {
            json!({ "code": secrets.handle("input.code", code.expose()) }).to_string()
        })
    }
    fn resume_complete_link(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Authorisation> {
        self.resume(cx, op::APP_COMPLETE_LINK, state, answers, authorisation)
    }
}

impl AccountAuth for WasmChannel {
    operations! { refresh, resume_refresh() -> TokenSet = op::ACCOUNT_REFRESH, json!({}), token_set; }
}

impl AccountInfo for WasmChannel {
    operations! { profile, resume_profile() -> AccountProfile = op::ACCOUNT_PROFILE, json!({}), plain; }
}

impl PersonSignIn for WasmChannel {
    fn names(&self) -> PlatformNames {
        self.current.load().names().unwrap_or(PlatformNames { zh: "", en: "", browser: "" })
    }
    fn address(&self, cx: &Context<'_>, request: &SignInRequest) -> Result<String, ChannelError> {
        match self.start(cx, op::PERSON_ADDRESS, &json!(request), plain)? {
            Step::Done(address) => Ok(address),
            Step::Call { .. } | Step::Wait { .. } => {
                Err(ChannelError::unexpected("the plugin wants to ask the platform for the address"))
            }
        }
    }
    fn person(&self, cx: &Context<'_>, code: &Secret<String>) -> Turn<Person> {
        self.start_with(cx, op::PERSON_SIGN_IN, plain, |secrets| {
            json!({ "code": secrets.handle("input.code", code.expose()) }).to_string()
        })
    }
    fn resume_person(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Person> {
        self.resume(cx, op::PERSON_SIGN_IN, state, answers, plain)
    }
}
