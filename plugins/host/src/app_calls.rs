//! Operations of a provider's channel app, and linking an account directly.

use crate::drive::{Holder, Host, Operation};
use crate::observe::Target;
use crate::refresh::{has, turn};
use crate::vault::{AppRef, own_app};
use qianpu_sdk::{
    AccountCredentials, AccountProfile, Answer, AppAuth, Authorisation, AuthorisedAccount, ChannelError,
    Context, ErrorClass, LinkInvitation, LinkRequest, Page, Secret, TokenSet, Turn,
};

impl Host {
    /// Asks the platform to (re)start pushing the verify ticket. Needs no token.
    pub async fn request_ticket(&self, app: &AppRef) -> Result<(), ChannelError> {
        let channel = self.channel(app.channel)?;
        let auth = has(channel.app(), "channel app")?;
        let stored = self.vault.load_app(app).await?.credentials;
        let holder = Holder { app: Some(stored), account: None, settings: serde_json::json!({}) };
        let operation = Operation { channel, target: Target::App(*app), name: "app.request_ticket" };
        self.drive(
            operation,
            &holder,
            |cx| auth.request_ticket(cx),
            |cx, state, answers| auth.resume_request_ticket(cx, state, answers),
        )
        .await
    }

    /// Makes sure the app has a token that is good for a while.
    pub async fn ready_app(&self, app: &AppRef) -> Result<(), ChannelError> {
        self.app_ready(app).await.map(drop)
    }

    /// Prepares a link; the addresses are ready to open.
    pub async fn begin_link(
        &self,
        app: &AppRef,
        request: &LinkRequest,
    ) -> Result<LinkInvitation, ChannelError> {
        let invitation = self
            .app_operation(
                app,
                "app.begin_link",
                |auth, cx| auth.begin_link(cx, request),
                |auth, cx, state, answers| auth.resume_begin_link(cx, state, answers),
            )
            .await?;
        Ok(match invitation {
            LinkInvitation::BuyInMarket => LinkInvitation::BuyInMarket,
            LinkInvitation::Open { desktop_url, mobile_url, expires_at } => {
                let channel = self.channel(app.channel)?;
                LinkInvitation::Open {
                    desktop_url: self.resolve_marks(channel, &desktop_url),
                    mobile_url: self.resolve_marks(channel, &mobile_url),
                    expires_at,
                }
            }
        })
    }

    /// Exchanges an authorisation code for the account and its tokens. The caller stores them.
    pub async fn complete_link(
        &self,
        app: &AppRef,
        code: &Secret<String>,
    ) -> Result<Authorisation, ChannelError> {
        self.app_operation(
            app,
            "app.complete_link",
            |auth, cx| auth.complete_link(cx, code),
            |auth, cx, state, answers| auth.resume_complete_link(cx, state, answers),
        )
        .await
    }

    /// One page of the accounts that granted the app.
    pub async fn authorised_accounts(
        &self,
        app: &AppRef,
        cursor: Option<&str>,
    ) -> Result<Page<AuthorisedAccount>, ChannelError> {
        self.app_operation(
            app,
            "app.authorised_accounts",
            |auth, cx| auth.authorised_accounts(cx, cursor),
            |auth, cx, state, answers| auth.resume_authorised_accounts(cx, state, answers),
        )
        .await
    }

    /// An account's profile, read with the app's token. Tells which kind of account granted.
    pub async fn authorised_profile(
        &self,
        app: &AppRef,
        external_id: &str,
    ) -> Result<AccountProfile, ChannelError> {
        self.app_operation(
            app,
            "app.authorised_profile",
            |auth, cx| auth.authorised_profile(cx, external_id),
            |auth, cx, state, answers| auth.resume_authorised_profile(cx, state, answers),
        )
        .await
    }

    /// Tries credentials a merchant typed: gets a token and reads the profile. Nothing is stored. `own_app_id` is the id
    /// of the account's own app, at a platform where an app signs every call; the secret is then that app's.
    pub async fn try_direct_link(
        &self,
        channel: &'static str,
        external_id: &str,
        own_app_id: Option<&str>,
        secret: &Secret<String>,
    ) -> Result<(TokenSet, AccountProfile), ChannelError> {
        let mut account = AccountCredentials {
            external_id: external_id.to_owned(),
            secret: Some(secret.clone()),
            access_token: None,
            refresh_token: None,
        };
        let app = own_app_id.map(|id| own_app(id, secret));
        let tokens = match self.run_refresh(channel, Target::Candidate, app.clone(), account.clone()).await {
            Err(error) if error.class == ErrorClass::RetryAfterRefresh => {
                return Err(ChannelError { class: ErrorClass::Reauthorise, ..error });
            }
            other => other?,
        };
        account.access_token = Some(tokens.access_token.clone());
        let channel = self.channel(channel)?;
        let holder = Holder { app, account: Some(account), settings: serde_json::json!({}) };
        let operation = Operation { channel, target: Target::Candidate, name: "account.profile" };
        let profile = self
            .drive(
                operation,
                &holder,
                |cx| turn(channel.account(), "account profile", |account| account.profile(cx)),
                |cx, state, answers| {
                    turn(channel.account(), "account profile", |account| {
                        account.resume_profile(cx, state, answers)
                    })
                },
            )
            .await?;
        Ok((tokens, profile))
    }

    /// An operation with the app's token; the token is refreshed and the operation started again, once.
    async fn app_operation<T>(
        &self,
        app: &AppRef,
        name: &'static str,
        start: impl Fn(&dyn AppAuth, &Context<'_>) -> Turn<T>,
        resume: impl Fn(&dyn AppAuth, &Context<'_>, &[u8], &[Answer]) -> Turn<T>,
    ) -> Result<T, ChannelError> {
        let channel = self.channel(app.channel)?;
        let auth = has(channel.app(), "channel app")?;
        let operation = Operation { channel, target: Target::App(*app), name };
        let credentials = self.app_ready(app).await?;
        let seen = credentials.access_token.as_ref().map(|token| token.value.clone());
        let settings = self.vault.load_app(app).await?.settings;
        let mut holder = Holder { app: Some(credentials), account: None, settings };
        let first = self
            .drive(
                operation,
                &holder,
                |cx| start(auth, cx),
                |cx, state, answers| resume(auth, cx, state, answers),
            )
            .await;
        let has_token = channel.info().app_shape.style.has_token();
        match first {
            Err(error) if error.class == ErrorClass::RetryAfterRefresh && has_token => {
                holder.app = Some(Box::pin(self.refresh_app_seen(app, seen.as_ref())).await?);
                self.drive(
                    operation,
                    &holder,
                    |cx| start(auth, cx),
                    |cx, state, answers| resume(auth, cx, state, answers),
                )
                .await
            }
            other => other,
        }
    }
}
