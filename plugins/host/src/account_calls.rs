//! Operations of a linked account.

use crate::drive::{Holder, Host, Operation};
use crate::observe::Target;
use crate::refresh::turn;
use crate::vault::{AccountRef, StoredAccount};
use qianpu_sdk::{
    Acceptance, AccountProfile, Answer, ArticleDraft, ArticleRefs, Carrier, CaseChoices, CaseOutcome,
    CaseRef, Channel, ChannelCase, ChannelError, ChannelOrder, ClearReceiver, Context, DisputeEvidence,
    ErrorClass, EvidenceOutcome, Menu, OutgoingMessage, Page, ProductDraft, Published, PublishedRefs,
    Publishing, Refusal, RemoteListing, SceneCode, SendOutcome, ShipOutcome, Shipment, StockLevel,
    StockOutcome, TimeWindow, Turn, WantedCode,
};

impl Host {
    /// Makes sure the account has a token that is good for a while.
    pub async fn ready_account(&self, account: &AccountRef) -> Result<(), ChannelError> {
        self.account_ready(account).await.map(drop)
    }

    /// The account's profile, read with its own token.
    pub async fn profile(&self, account: &AccountRef) -> Result<AccountProfile, ChannelError> {
        self.account_operation(
            account,
            "account.profile",
            |channel, cx| turn(channel.account(), "account profile", |c| c.profile(cx)),
            |channel, cx, state, answers| {
                turn(channel.account(), "account profile", |c| c.resume_profile(cx, state, answers))
            },
        )
        .await
    }

    /// Creates or updates a product and asks for it to be listed.
    ///
    /// Keep `refs` of the outcome whatever else it says: with `unfinished` set, publish again with them.
    pub async fn publish(
        &self,
        account: &AccountRef,
        draft: &ProductDraft,
        refs: &PublishedRefs,
    ) -> Result<Published, ChannelError> {
        let published = self.publish_once(account, draft, refs).await?;
        match &published.unfinished {
            // The token ended between two steps; the ids are safe, so going on from them does no harm.
            Some(error) if error.class == ErrorClass::RetryAfterRefresh => {
                let stored = self.vault.load_account(account).await?;
                let seen = stored.credentials.access_token.map(|token| token.value);
                match Box::pin(self.refresh_account_seen(account, seen.as_ref())).await {
                    Ok(_) => match self.publish_once(account, draft, &published.refs).await {
                        Ok(again) => Ok(again),
                        Err(error) => Ok(Published { unfinished: Some(error), ..published }),
                    },
                    Err(error) => Ok(Published { unfinished: Some(error), ..published }),
                }
            }
            _ => Ok(published),
        }
    }

    async fn publish_once(
        &self,
        account: &AccountRef,
        draft: &ProductDraft,
        refs: &PublishedRefs,
    ) -> Result<Published, ChannelError> {
        self.account_operation(
            account,
            "product.publish",
            |channel, cx| turn(channel.catalog(), "publish", |c| c.publish(cx, draft, refs)),
            |channel, cx, state, answers| {
                turn(channel.catalog(), "publish", |c| c.resume_publish(cx, state, answers))
            },
        )
        .await
    }

    /// The truth about a published product.
    pub async fn listing(
        &self,
        account: &AccountRef,
        product_id: &str,
    ) -> Result<RemoteListing, ChannelError> {
        self.account_operation(
            account,
            "product.fetch",
            |channel, cx| turn(channel.catalog(), "fetch", |c| c.fetch(cx, product_id)),
            |channel, cx, state, answers| {
                turn(channel.catalog(), "fetch", |c| c.resume_fetch(cx, state, answers))
            },
        )
        .await
    }

    /// Puts a product on the shelf.
    pub async fn list(&self, account: &AccountRef, product_id: &str) -> Result<RemoteListing, ChannelError> {
        self.account_operation(
            account,
            "product.list",
            |channel, cx| turn(channel.catalog(), "list", |c| c.list(cx, product_id)),
            |channel, cx, state, answers| {
                turn(channel.catalog(), "list", |c| c.resume_list(cx, state, answers))
            },
        )
        .await
    }

    /// Takes a product off the shelf.
    pub async fn delist(
        &self,
        account: &AccountRef,
        product_id: &str,
    ) -> Result<RemoteListing, ChannelError> {
        self.account_operation(
            account,
            "product.delist",
            |channel, cx| turn(channel.catalog(), "delist", |c| c.delist(cx, product_id)),
            |channel, cx, state, answers| {
                turn(channel.catalog(), "delist", |c| c.resume_delist(cx, state, answers))
            },
        )
        .await
    }

    /// Sets quantities of one product's SKUs.
    pub async fn set_stock(
        &self,
        account: &AccountRef,
        refs: &PublishedRefs,
        levels: &[StockLevel],
    ) -> Result<Vec<StockOutcome>, ChannelError> {
        self.account_operation(
            account,
            "stock.set",
            |channel, cx| turn(channel.stock(), "stock", |c| c.set_stock(cx, refs, levels)),
            |channel, cx, state, answers| {
                turn(channel.stock(), "stock", |c| c.resume_set_stock(cx, state, answers))
            },
        )
        .await
    }

    /// One page of ids of orders changed within a window.
    pub async fn orders_changed(
        &self,
        account: &AccountRef,
        window: TimeWindow,
        cursor: Option<&str>,
    ) -> Result<Page<String>, ChannelError> {
        self.account_operation(
            account,
            "order.list",
            |channel, cx| turn(channel.orders(), "orders", |c| c.list_changed(cx, window, cursor)),
            |channel, cx, state, answers| {
                turn(channel.orders(), "orders", |c| c.resume_list_changed(cx, state, answers))
            },
        )
        .await
    }

    /// One order.
    pub async fn order(&self, account: &AccountRef, order_id: &str) -> Result<ChannelOrder, ChannelError> {
        self.account_operation(
            account,
            "order.fetch",
            |channel, cx| turn(channel.orders(), "orders", |c| c.fetch(cx, order_id)),
            |channel, cx, state, answers| {
                turn(channel.orders(), "orders", |c| c.resume_fetch(cx, state, answers))
            },
        )
        .await
    }

    /// The receiver of an order, in the clear. The caller writes down who asked.
    pub async fn receiver(
        &self,
        account: &AccountRef,
        order_id: &str,
    ) -> Result<ClearReceiver, ChannelError> {
        self.account_operation(
            account,
            "order.reveal",
            |channel, cx| turn(channel.reveal(), "reveal", |c| c.receiver(cx, order_id)),
            |channel, cx, state, answers| {
                turn(channel.reveal(), "reveal", |c| c.resume_receiver(cx, state, answers))
            },
        )
        .await
    }

    /// The carriers the channel knows.
    pub async fn carriers(&self, account: &AccountRef) -> Result<Vec<Carrier>, ChannelError> {
        self.account_operation(
            account,
            "carrier.list",
            |channel, cx| turn(channel.fulfilment(), "carriers", |c| c.carriers(cx)),
            |channel, cx, state, answers| {
                turn(channel.fulfilment(), "carriers", |c| c.resume_carriers(cx, state, answers))
            },
        )
        .await
    }

    /// Writes to a person who did something at the account.
    pub async fn send_message(
        &self,
        account: &AccountRef,
        to: &str,
        message: &OutgoingMessage,
    ) -> Result<SendOutcome, ChannelError> {
        self.account_operation(
            account,
            "message.send",
            |channel, cx| turn(channel.messaging(), "messaging", |c| c.send(cx, to, message)),
            |channel, cx, state, answers| {
                turn(channel.messaging(), "messaging", |c| c.resume_send(cx, state, answers))
            },
        )
        .await
    }

    /// The menu that people see at the account; none when there is none.
    pub async fn menu(&self, account: &AccountRef) -> Result<Option<Menu>, ChannelError> {
        self.account_operation(
            account,
            "menu.fetch",
            |channel, cx| turn(channel.menu(), "menu", |c| c.fetch(cx)),
            |channel, cx, state, answers| {
                turn(channel.menu(), "menu", |c| c.resume_fetch(cx, state, answers))
            },
        )
        .await
    }

    /// Sets the account's menu.
    pub async fn set_menu(&self, account: &AccountRef, menu: &Menu) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "menu.publish",
            |channel, cx| turn(channel.menu(), "menu", |c| c.publish(cx, menu)),
            |channel, cx, state, answers| {
                turn(channel.menu(), "menu", |c| c.resume_publish(cx, state, answers))
            },
        )
        .await
    }

    /// Makes a code with a parameter.
    pub async fn make_code(
        &self,
        account: &AccountRef,
        wanted: &WantedCode,
    ) -> Result<SceneCode, ChannelError> {
        self.account_operation(
            account,
            "code.make",
            |channel, cx| turn(channel.codes(), "codes", |c| c.make(cx, wanted)),
            |channel, cx, state, answers| {
                turn(channel.codes(), "codes", |c| c.resume_make(cx, state, answers))
            },
        )
        .await
    }

    /// Puts an article's draft at the platform, or brings it up to date.
    pub async fn save_draft(
        &self,
        account: &AccountRef,
        draft: &ArticleDraft,
        refs: &ArticleRefs,
    ) -> Result<ArticleRefs, ChannelError> {
        self.account_operation(
            account,
            "article.save",
            |channel, cx| turn(channel.content(), "content", |c| c.save_draft(cx, draft, refs)),
            |channel, cx, state, answers| {
                turn(channel.content(), "content", |c| c.resume_save_draft(cx, state, answers))
            },
        )
        .await
    }

    /// Asks for a draft to be published; the platform's id of that work.
    pub async fn submit_article(&self, account: &AccountRef, draft_id: &str) -> Result<String, ChannelError> {
        self.account_operation(
            account,
            "article.submit",
            |channel, cx| turn(channel.content(), "content", |c| c.submit(cx, draft_id)),
            |channel, cx, state, answers| {
                turn(channel.content(), "content", |c| c.resume_submit(cx, state, answers))
            },
        )
        .await
    }

    /// How far a publishing is.
    pub async fn publishing(
        &self,
        account: &AccountRef,
        publish_id: &str,
    ) -> Result<Publishing, ChannelError> {
        self.account_operation(
            account,
            "article.publishing",
            |channel, cx| turn(channel.content(), "content", |c| c.publishing(cx, publish_id)),
            |channel, cx, state, answers| {
                turn(channel.content(), "content", |c| c.resume_publishing(cx, state, answers))
            },
        )
        .await
    }

    /// Tells the channel that parcels were sent.
    pub async fn ship(&self, account: &AccountRef, shipment: &Shipment) -> Result<ShipOutcome, ChannelError> {
        self.account_operation(
            account,
            "order.ship",
            |channel, cx| turn(channel.fulfilment(), "ship", |c| c.ship(cx, shipment)),
            |channel, cx, state, answers| {
                turn(channel.fulfilment(), "ship", |c| c.resume_ship(cx, state, answers))
            },
        )
        .await
    }

    /// One page of ids of after-sale cases made or changed within a window of at most a day.
    pub async fn aftersales(
        &self,
        account: &AccountRef,
        window: TimeWindow,
        cursor: Option<&str>,
    ) -> Result<Page<String>, ChannelError> {
        self.account_operation(
            account,
            "aftersale.list",
            |channel, cx| turn(channel.aftersale(), "after-sale", |c| c.list(cx, window, cursor)),
            |channel, cx, state, answers| {
                turn(channel.aftersale(), "after-sale", |c| c.resume_list(cx, state, answers))
            },
        )
        .await
    }

    /// One after-sale case.
    pub async fn aftersale(&self, account: &AccountRef, case_id: &str) -> Result<ChannelCase, ChannelError> {
        self.account_operation(
            account,
            "aftersale.fetch",
            |channel, cx| turn(channel.aftersale(), "after-sale", |c| c.fetch(cx, case_id)),
            |channel, cx, state, answers| {
                turn(channel.aftersale(), "after-sale", |c| c.resume_fetch(cx, state, answers))
            },
        )
        .await
    }

    /// What can be chosen when a case is decided.
    pub async fn aftersale_choices(
        &self,
        account: &AccountRef,
        case: &CaseRef,
    ) -> Result<CaseChoices, ChannelError> {
        self.account_operation(
            account,
            "aftersale.choices",
            |channel, cx| turn(channel.aftersale(), "after-sale", |c| c.choices(cx, case)),
            |channel, cx, state, answers| {
                turn(channel.aftersale(), "after-sale", |c| c.resume_choices(cx, state, answers))
            },
        )
        .await
    }

    /// Agrees to a case.
    pub async fn aftersale_accept(
        &self,
        account: &AccountRef,
        acceptance: &Acceptance,
    ) -> Result<CaseOutcome, ChannelError> {
        self.account_operation(
            account,
            "aftersale.accept",
            |channel, cx| turn(channel.aftersale(), "after-sale", |c| c.accept(cx, acceptance)),
            |channel, cx, state, answers| {
                turn(channel.aftersale(), "after-sale", |c| c.resume_accept(cx, state, answers))
            },
        )
        .await
    }

    /// Refuses a case.
    pub async fn aftersale_refuse(
        &self,
        account: &AccountRef,
        refusal: &Refusal,
    ) -> Result<CaseOutcome, ChannelError> {
        self.account_operation(
            account,
            "aftersale.refuse",
            |channel, cx| turn(channel.aftersale(), "after-sale", |c| c.refuse(cx, refusal)),
            |channel, cx, state, answers| {
                turn(channel.aftersale(), "after-sale", |c| c.resume_refuse(cx, state, answers))
            },
        )
        .await
    }

    /// Says something in a dispute about a case.
    pub async fn dispute_answer(
        &self,
        account: &AccountRef,
        evidence: &DisputeEvidence,
    ) -> Result<EvidenceOutcome, ChannelError> {
        self.account_operation(
            account,
            "dispute.answer",
            |channel, cx| turn(channel.disputes(), "disputes", |c| c.answer(cx, evidence)),
            |channel, cx, state, answers| {
                turn(channel.disputes(), "disputes", |c| c.resume_answer(cx, state, answers))
            },
        )
        .await
    }

    /// An operation with the account's token; the token is refreshed and the operation started again, once.
    pub(crate) async fn account_operation<T>(
        &self,
        account: &AccountRef,
        name: &'static str,
        start: impl Fn(&dyn Channel, &Context<'_>) -> Turn<T>,
        resume: impl Fn(&dyn Channel, &Context<'_>, &[u8], &[Answer]) -> Turn<T>,
    ) -> Result<T, ChannelError> {
        let channel = self.channel(account.channel)?;
        let operation = Operation { channel, target: Target::Account(*account), name };
        let stored = Box::pin(self.account_ready(account)).await?;
        let seen = stored.credentials.access_token.as_ref().map(|token| token.value.clone());
        let first = self
            .drive(
                operation,
                &self.holder(channel, stored).await?,
                |cx| start(channel, cx),
                |cx, state, answers| resume(channel, cx, state, answers),
            )
            .await;
        match first {
            Err(error) if error.class == ErrorClass::RetryAfterRefresh => {
                let stored = Box::pin(self.refresh_account_seen(account, seen.as_ref())).await?;
                self.drive(
                    operation,
                    &self.holder(channel, stored).await?,
                    |cx| start(channel, cx),
                    |cx, state, answers| resume(channel, cx, state, answers),
                )
                .await
            }
            other => other,
        }
    }

    /// Account operations run with the account's token; the app's credentials stay out of them unless the platform
    /// wants every call signed with them.
    async fn holder(&self, channel: &dyn Channel, stored: StoredAccount) -> Result<Holder, ChannelError> {
        let app = match stored.app {
            Some(app) if channel.info().app_shape.style.signs_calls() => {
                Some(self.vault.load_app(&app).await?.credentials)
            }
            Some(_) => None,
            None => stored.own_app(),
        };
        Ok(Holder { app, account: Some(stored.credentials), settings: stored.settings })
    }
}
