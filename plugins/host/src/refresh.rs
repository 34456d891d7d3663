//! Fresh credentials: load, and refresh with one flight per account.

use crate::drive::{Holder, Host, Operation, unsupported};
use crate::observe::Target;
use crate::vault::{AccountRef, AppRef, StoredAccount};
use qianpu_domain::time::Span;
use qianpu_sdk::{
    AccessToken, AccountCredentials, AppCredentials, ChannelError, ErrorClass, Secret, Step, TokenSet, Turn,
};

/// Pages of the list of grants that are searched for a lost refresh token.
const LIST_PAGES: usize = 50;

impl Host {
    /// The account with a token that is good for a while.
    pub(crate) async fn account_ready(&self, account: &AccountRef) -> Result<StoredAccount, ChannelError> {
        let stored = self.vault.load_account(account).await?;
        match &stored.credentials.access_token {
            Some(token) if self.lasts(token) => Ok(stored),
            token => {
                let seen = token.as_ref().map(|token| token.value.clone());
                self.refresh_account_seen(account, seen.as_ref()).await
            }
        }
    }

    /// Refreshes the account's token unless somebody did it meanwhile: `seen` is the token that was found wanting.
    pub(crate) async fn refresh_account_seen(
        &self,
        account: &AccountRef,
        seen: Option<&Secret<String>>,
    ) -> Result<StoredAccount, ChannelError> {
        let _flight = self.account_flights.take(*account).await;
        let mut stored = self.vault.load_account(account).await?;
        if let Some(token) = &stored.credentials.access_token
            && Some(&token.value) != seen
            && (self.now)() < token.expires_at
        {
            return Ok(stored);
        }
        let lists_grants = self.channel(account.channel)?.info().app_shape.style.has_token();
        let tokens = match self.fetch_tokens(account, &stored).await {
            Err(error) if error.class == ErrorClass::Reauthorise && lists_grants => {
                self.recover_refresh_token(account, &mut stored, error).await?
            }
            other => other?,
        };
        // Stored first, used afterwards: a crash in between loses nothing.
        self.vault.store_account_tokens(account, &tokens).await?;
        stored.credentials.access_token = Some(tokens.access_token);
        if tokens.refresh_token.is_some() {
            stored.credentials.refresh_token = tokens.refresh_token;
        }
        Ok(stored)
    }

    async fn fetch_tokens(
        &self,
        account: &AccountRef,
        stored: &StoredAccount,
    ) -> Result<TokenSet, ChannelError> {
        let mut app = match &stored.app {
            Some(app) => Some(self.app_ready(app).await?),
            None => stored.own_app(),
        };
        let target = Target::Account(*account);
        let first = self.run_refresh(account.channel, target, app.clone(), stored.credentials.clone()).await;
        let has_token = self.channel(account.channel)?.info().app_shape.style.has_token();
        match (first, stored.app.as_ref().filter(|_| has_token)) {
            // With an app's token it is that which was refused; without one it is the secret.
            (Err(error), Some(app_ref)) if error.class == ErrorClass::RetryAfterRefresh => {
                let seen = app.take().and_then(|app| app.access_token).map(|token| token.value);
                let app = self.refresh_app_seen(app_ref, seen.as_ref()).await?;
                self.run_refresh(account.channel, target, Some(app), stored.credentials.clone()).await
            }
            (Err(error), None) if error.class == ErrorClass::RetryAfterRefresh => {
                Err(ChannelError { class: ErrorClass::Reauthorise, ..error })
            }
            (result, _) => result,
        }
    }

    /// Runs the plugin's refresh once, with the credentials given.
    pub(crate) async fn run_refresh(
        &self,
        channel: &str,
        target: Target,
        app: Option<AppCredentials>,
        account: AccountCredentials,
    ) -> Result<TokenSet, ChannelError> {
        let channel = self.channel(channel)?;
        let auth = channel.auth().ok_or_else(|| unsupported("the channel has no tokens to refresh"))?;
        let holder = Holder { app, account: Some(account), settings: serde_json::json!({}) };
        let operation = Operation { channel, target, name: "account.refresh" };
        self.drive(
            operation,
            &holder,
            |cx| auth.refresh(cx),
            |cx, state, answers| auth.resume_refresh(cx, state, answers),
        )
        .await
    }

    /// The platform refuses our refresh token: it may have been replaced while an answer was lost. The app's list
    /// of grants has the current one; if it is the one we have, or the account is not listed, the grant is gone.
    async fn recover_refresh_token(
        &self,
        account: &AccountRef,
        stored: &mut StoredAccount,
        error: ChannelError,
    ) -> Result<TokenSet, ChannelError> {
        let Some(app) = stored.app else { return Err(error) };
        let mut cursor = None;
        for _ in 0..LIST_PAGES {
            let page = self.authorised_accounts(&app, cursor.as_deref()).await?;
            let found = page.items.into_iter().find(|row| row.external_id == stored.credentials.external_id);
            if let Some(row) = found {
                if row.refresh_token.is_none() || row.refresh_token == stored.credentials.refresh_token {
                    return Err(error);
                }
                stored.credentials.refresh_token = row.refresh_token;
                return self.fetch_tokens(account, stored).await;
            }
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        Err(error)
    }

    /// The app with a token that is good for a while.
    pub(crate) async fn app_ready(&self, app: &AppRef) -> Result<AppCredentials, ChannelError> {
        let stored = self.vault.load_app(app).await?.credentials;
        if !self.channel(app.channel)?.info().app_shape.style.has_token() {
            return Ok(stored);
        }
        match &stored.access_token {
            Some(token) if self.lasts(token) => Ok(stored),
            token => {
                let seen = token.as_ref().map(|token| token.value.clone());
                self.refresh_app_seen(app, seen.as_ref()).await
            }
        }
    }

    /// Refreshes the app's token unless somebody did it meanwhile.
    pub(crate) async fn refresh_app_seen(
        &self,
        app: &AppRef,
        seen: Option<&Secret<String>>,
    ) -> Result<AppCredentials, ChannelError> {
        let _flight = self.app_flights.take(*app).await;
        let mut stored = self.vault.load_app(app).await?.credentials;
        if let Some(token) = &stored.access_token
            && Some(&token.value) != seen
            && (self.now)() < token.expires_at
        {
            return Ok(stored);
        }
        let channel = self.channel(app.channel)?;
        let auth = channel.app().ok_or_else(|| unsupported("the channel has no channel app"))?;
        let holder = Holder { app: Some(stored.clone()), account: None, settings: serde_json::json!({}) };
        let operation = Operation { channel, target: Target::App(*app), name: "app.token" };
        let token = self
            .drive(
                operation,
                &holder,
                |cx| auth.app_token(cx),
                |cx, state, answers| auth.resume_app_token(cx, state, answers),
            )
            .await?;
        self.vault.store_app_token(app, &token).await?;
        stored.access_token = Some(token);
        Ok(stored)
    }

    fn lasts(&self, token: &AccessToken) -> bool {
        let margin = i64::try_from(self.config.refresh_margin.as_micros()).unwrap_or(i64::MAX);
        (self.now)().plus(Span::micros(margin)) < token.expires_at
    }
}

/// Turns a capability the channel lacks into an error.
pub(crate) fn has<T>(capability: Option<T>, name: &str) -> Result<T, ChannelError> {
    capability.ok_or_else(|| unsupported(format!("the channel cannot do this: {name}")))
}

/// A turn of a capability the channel may lack.
pub(crate) fn turn<C, T>(capability: Option<C>, name: &str, run: impl FnOnce(C) -> Turn<T>) -> Turn<T> {
    let step: Step<T> = run(has(capability, name)?)?;
    Ok(step)
}
