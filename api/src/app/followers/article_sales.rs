//! What was sold by cards in articles of a public account, as far as the platform tells: it names the scene and the account
//! an order came by, not the article.

use super::account_of;
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::money::Fen;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::store::order_source::article_sales;

/// How far back it looks.
const BACK: Span = Span::days(30);

/// What was sold.
#[derive(Debug, Clone, Copy)]
pub struct ArticleSales {
    /// Paid orders.
    pub orders: i64,
    /// What buyers paid for them.
    pub total: Fen,
    /// Since when.
    pub since: Timestamp,
}

/// Orders that came by articles of the account.
pub async fn of(
    state: &AppState,
    grant: &Grant<perm::FollowerRead>,
    account: ChannelAccountId,
) -> Answer<ArticleSales> {
    let since = state.clock().now().minus(BACK);
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_of(&tx, grant, account).await?;
    let (orders, total) =
        article_sales(&tx, account.shop, &account.kind, &account.external_id, since).await?;
    Ok(ArticleSales { orders, total: Fen::new(total), since })
}
