//! Credentials from the database, opened for one call and forgotten.

use crate::app::channels::accounts::own_app_id;
use async_trait::async_trait;
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_host::{AccountRef, AppRef, StoredAccount, StoredApp, TokenVault, VaultError, find};
use qianpu_sdk::{AccessToken, AccountCredentials, AppCredentials, Secret, TokenSet};
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::db::Db;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::random;
use qianpu_tenants::secrets::{Plain, Sealer};
use qianpu_tenants::store::channel_account::{account_get, account_secrets};
use qianpu_tenants::store::channel_app::{app_get, app_secrets};
use qianpu_tenants::store::channel_token::{ChannelTokens, token_find, token_save};

pub(super) struct Vault {
    db: Db,
    sealer: Sealer,
}

fn failed(error: StoreError) -> VaultError {
    match error {
        StoreError::NotFound => VaultError::NotFound,
        other => VaultError::Unavailable(other.to_string()),
    }
}

fn secret(plain: Plain) -> Secret<String> {
    Secret::new(plain.into_inner())
}

fn access_token(tokens: Option<&ChannelTokens>) -> Option<AccessToken> {
    let (value, expires_at) = tokens?.access.clone()?;
    Some(AccessToken { value: secret(value), expires_at })
}

impl Vault {
    pub(super) fn new(db: Db, sealer: Sealer) -> Self {
        Self { db, sealer }
    }

    async fn context(&self, tenant: TenantId) -> Result<TenantCtx, VaultError> {
        let request = RequestId(random::id(self.db.clock().now()));
        let system = SystemCtx::for_task("channel credentials", request);
        TenantCtx::for_system(&self.db, &system, tenant).await.map_err(failed)
    }

    async fn save(
        &self,
        tenant: TenantId,
        owner: uuid::Uuid,
        access: &AccessToken,
        refresh: Option<&Secret<String>>,
    ) -> Result<(), VaultError> {
        let ctx = self.context(tenant).await?;
        let mut tx = self.db.begin(&ctx).await.map_err(failed)?;
        let token = Plain::from(access.value.expose().clone());
        let refresh = refresh.map(|token| Plain::from(token.expose().clone()));
        let access = Some((&token, access.expires_at));
        token_save(&mut tx, &self.sealer, owner, access, refresh.as_ref()).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }
}

#[async_trait]
impl TokenVault for Vault {
    async fn load_app(&self, app: &AppRef) -> Result<StoredApp, VaultError> {
        let ctx = self.context(app.tenant).await?;
        let tx = self.db.read(&ctx).await.map_err(failed)?;
        let row = app_get(&tx, app.id).await.map_err(failed)?;
        if !row.active {
            return Err(VaultError::NotFound);
        }
        let secrets = app_secrets(&tx, &self.sealer, app.id).await.map_err(failed)?;
        let tokens = token_find(&tx, &self.sealer, app.id.0).await.map_err(failed)?;
        Ok(StoredApp {
            credentials: AppCredentials {
                app_id: row.app_id,
                secret: secret(secrets.secret),
                ticket: secrets.ticket.map(secret),
                access_token: access_token(tokens.as_ref()),
            },
            settings: row.settings,
        })
    }

    async fn load_account(&self, account: &AccountRef) -> Result<StoredAccount, VaultError> {
        let ctx = self.context(account.tenant).await?;
        let tx = self.db.read(&ctx).await.map_err(failed)?;
        let row = account_get(&tx, account.id).await.map_err(failed)?;
        if !row.state.counts() {
            return Err(VaultError::NotFound);
        }
        let secrets = account_secrets(&tx, &self.sealer, account.id).await.map_err(failed)?;
        let tokens = token_find(&tx, &self.sealer, account.id.0).await.map_err(failed)?;
        let channel = find(&row.channel).ok_or(VaultError::NotFound)?.info().slug;
        let app = row.app.zip(ctx.provider()).map(|(id, tenant)| AppRef { channel, tenant, id });
        let own_app_id = own_app_id(&row).map(str::to_owned);
        Ok(StoredAccount {
            credentials: AccountCredentials {
                external_id: row.external_id,
                secret: secrets.secret.map(secret),
                access_token: access_token(tokens.as_ref()),
                refresh_token: tokens.and_then(|tokens| tokens.refresh).map(secret),
            },
            app,
            own_app_id,
            settings: row.settings,
        })
    }

    async fn store_app_token(&self, app: &AppRef, token: &AccessToken) -> Result<(), VaultError> {
        self.save(app.tenant, app.id.0, token, None).await
    }

    async fn store_account_tokens(&self, account: &AccountRef, tokens: &TokenSet) -> Result<(), VaultError> {
        self.save(account.tenant, account.id.0, &tokens.access_token, tokens.refresh_token.as_ref()).await
    }
}
