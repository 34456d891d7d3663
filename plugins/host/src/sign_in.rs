//! Signing people in at a linked account.

use crate::drive::{Holder, Host, Operation};
use crate::observe::Target;
use crate::refresh::{has, turn};
use crate::vault::{AccountRef, StoredAccount};
use qianpu_sdk::{AppCredentials, ChannelError, Context, ErrorClass, Locale, Person, Secret, SignInRequest};

impl Host {
    /// The address a person's browser opens; ready to open.
    pub async fn sign_in_address(
        &self,
        account: &AccountRef,
        request: &SignInRequest,
    ) -> Result<String, ChannelError> {
        let channel = self.channel(account.channel)?;
        let sign_in = has(channel.sign_in(), "signing people in")?;
        let stored = self.vault.load_account(account).await?;
        let app = match &stored.app {
            Some(app) => Some(self.vault.load_app(app).await?.credentials),
            None => stored.own_app(),
        };
        let context = Context {
            now: (self.now)(),
            nonce: "",
            app: app.as_ref(),
            account: Some(&stored.credentials),
            settings: &stored.settings,
            locale: Locale::Zh,
        };
        Ok(self.resolve_marks(channel, &sign_in.address(&context, request)?))
    }

    /// Who came back with this code. The code is spent, whatever comes of it.
    pub async fn sign_in_person(
        &self,
        account: &AccountRef,
        code: &Secret<String>,
    ) -> Result<Person, ChannelError> {
        let stored = self.vault.load_account(account).await?;
        let Some(app) = stored.app else {
            let own = stored.own_app();
            return self.ask_person(account, stored, own, code).await;
        };
        let ready = self.app_ready(&app).await?;
        let seen = ready.access_token.as_ref().map(|token| token.value.clone());
        match self.ask_person(account, stored.clone(), Some(ready), code).await {
            // The app's token was refused before the code was looked at.
            Err(error) if error.class == ErrorClass::RetryAfterRefresh => {
                let fresh = Box::pin(self.refresh_app_seen(&app, seen.as_ref())).await?;
                self.ask_person(account, stored, Some(fresh), code).await
            }
            other => other,
        }
    }

    async fn ask_person(
        &self,
        account: &AccountRef,
        stored: StoredAccount,
        app: Option<AppCredentials>,
        code: &Secret<String>,
    ) -> Result<Person, ChannelError> {
        let channel = self.channel(account.channel)?;
        let operation = Operation { channel, target: Target::Account(*account), name: "person.sign_in" };
        let holder = Holder { app, account: Some(stored.credentials), settings: stored.settings };
        self.drive(
            operation,
            &holder,
            |cx| turn(channel.sign_in(), "signing people in", |s| s.person(cx, code)),
            |cx, state, answers| {
                turn(channel.sign_in(), "signing people in", |s| s.resume_person(cx, state, answers))
            },
        )
        .await
    }
}
