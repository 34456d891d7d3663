//! Everything the audit log can say; a test keeps each word together with its texts in both catalogues (`audit.<word>`).
words! {
    /// What was done, as `noun.verb`.
    pub enum AuditAction {
        /// Logged in.
        SessionStart = "session.start",
        /// Logged out.
        SessionEnd = "session.end",
        /// A refresh token was used twice; the session has ended.
        SessionTokenReused = "session.token_reused",
        /// A person changed their password.
        PasswordChanged = "password.changed",
        /// A person set a new password by a link in a mail.
        PasswordReset = "password.reset",
        /// A person ended their other sessions.
        SessionOthersEnded = "session.others_ended",
        /// An authenticator app was set up.
        TotpOn = "totp.on",
        /// The authenticator app was taken away by the person.
        TotpOff = "totp.off",
        /// New recovery codes were made.
        TotpCodesRenewed = "totp.codes_renewed",
        /// A recovery code was used.
        TotpRecoveryUsed = "totp.recovery_used",
        /// Somebody who knew the password gave wrong codes until the log-in ended.
        TotpGuessed = "totp.guessed",
        /// An owner took a colleague's authenticator app away.
        TotpReset = "totp.reset",
        /// An authenticator app is asked of everybody.
        TotpRequired = "totp.required",
        /// An authenticator app is not asked of everybody any more.
        TotpNotRequired = "totp.not_required",
        /// A person asked for another log-in e-mail.
        EmailChangeAsked = "email.change_asked",
        /// A person's log-in e-mail was changed.
        EmailChanged = "email.changed",
        /// A change of the log-in e-mail was stopped from the old address.
        EmailChangeStopped = "email.change_stopped",
        /// A changed log-in e-mail was set back from the old address.
        EmailChangeUndone = "email.change_undone",
        /// Entries of the audit log were taken along as a file.
        AuditExported = "audit.exported",
        /// A person was invited to join.
        StaffInvited = "staff.invited",
        /// An invitation to join was taken back.
        StaffInvitationRevoked = "staff.invitation_revoked",
        /// A person joined by an invitation.
        StaffJoined = "staff.joined",
        /// A person was given a role.
        StaffRoleGiven = "staff.role_given",
        /// A role was taken from a person.
        StaffRoleTaken = "staff.role_taken",
        /// A person may not log in any more.
        StaffDisabled = "staff.disabled",
        /// A person may log in again.
        StaffEnabled = "staff.enabled",
        /// A buyer's personal data was handed out.
        BuyerExported = "buyer.exported",
        /// Erasure of a buyer's personal data was asked for.
        BuyerErasureRequested = "buyer.erasure_requested",
        /// A request to erase was taken back.
        BuyerErasureCancelled = "buyer.erasure_cancelled",
        /// A buyer's personal data was erased.
        BuyerErased = "buyer.erased",
        /// Two rows of a shop turned out to be one buyer.
        BuyersJoined = "buyer.joined",
        /// A buyer allows again that their rows are joined.
        PersonLinkAllowed = "person_link.allowed",
        /// A buyer refused that their rows are joined.
        PersonLinkRefused = "person_link.refused",
        /// Sender of text messages set.
        SmsSenderSet = "sms_sender.set",
        /// Settings about buyers changed.
        BuyerSettingsChanged = "buyer_settings.changed",
        /// An API key was made.
        ApiKeyMade = "api_key.made",
        /// An API key was renamed.
        ApiKeyRenamed = "api_key.renamed",
        /// An API key was revoked.
        ApiKeyRevoked = "api_key.revoked",
        /// A third-party app was registered.
        OauthAppRegistered = "oauth_app.registered",
        /// A third-party app was changed.
        OauthAppChanged = "oauth_app.changed",
        /// A third-party app was stopped.
        OauthAppDisabled = "oauth_app.disabled",
        /// A third-party app may work again.
        OauthAppEnabled = "oauth_app.enabled",
        /// A third-party app got a new secret.
        OauthSecretRotated = "oauth_app.secret_rotated",
        /// A secret of a third-party app was ended.
        OauthSecretEnded = "oauth_app.secret_ended",
        /// A person allowed a third-party app something.
        OauthAllowed = "authorised_app.allowed",
        /// What a third-party app was allowed was withdrawn.
        OauthWithdrawn = "authorised_app.withdrawn",
        /// A code was used twice; its tokens have ended.
        OauthCodeReused = "authorised_app.code_reused",
        /// A refresh token was used twice; its family has ended.
        OauthTokenReused = "authorised_app.token_reused",
        /// A role of the tenant's own was made.
        RoleMade = "role.made",
        /// A role of the tenant's own was changed.
        RoleChanged = "role.changed",
        /// A role of the tenant's own was deleted.
        RoleRemoved = "role.removed",
        /// Scores of a shop were recorded.
        ShopScoreRecorded = "shop_score.recorded",
        /// A shop's raised quota of linked accounts came, is about to end, or ended.
        LinkQuotaStanding = "link_quota.standing",
        /// Application started.
        ApplicationStarted = "application.started",
        /// Application saved.
        ApplicationSaved = "application.saved",
        /// Application handed in.
        ApplicationSubmitted = "application.submitted",
        /// Application handed in again.
        ApplicationResubmitted = "application.resubmitted",
        /// Review started.
        ApplicationReviewStarted = "application.review_started",
        /// Document reviewed.
        ApplicationDocumentReviewed = "application.document_reviewed",
        /// Application approved.
        ApplicationApproved = "application.approved",
        /// Application sent back.
        ApplicationReturned = "application.returned",
        /// Application rejected.
        ApplicationRejected = "application.rejected",
        /// Agreement signed.
        ApplicationAgreementSigned = "application.agreement_signed",
        /// Invitation sent.
        InvitationSent = "invitation.sent",
        /// Invitation accepted.
        InvitationUsed = "invitation.used",
        /// Invitation taken back.
        InvitationRevoked = "invitation.revoked",
        /// Shop opened.
        ShopOpened = "shop.opened",
        /// Shop started trading.
        ShopStartedTrading = "shop.started_trading",
        /// Shop settings changed.
        ShopChanged = "shop.changed",
        /// Shop suspended.
        ShopSuspended = "shop.suspended",
        /// Shop let trade again.
        ShopResumed = "shop.resumed",
        /// Renewed document handed in.
        DocumentRenewed = "document.renewed",
        /// Renewed document accepted.
        DocumentRenewalAccepted = "document.renewal_accepted",
        /// Renewed document returned.
        DocumentRenewalReturned = "document.renewal_returned",
        /// File uploaded.
        MediaStored = "media.stored",
        /// Required document added.
        RequirementAdded = "requirement.added",
        /// Required document changed.
        RequirementChanged = "requirement.changed",
        /// Required document removed.
        RequirementRemoved = "requirement.removed",
        /// Agreement published.
        AgreementPublished = "agreement.published",
        /// Brand protected.
        BrandProtected = "brand.protected",
        /// Brand released.
        BrandReleased = "brand.released",
        /// Brand authorised.
        BrandAuthorised = "brand.authorised",
        /// Rule set.
        PolicySet = "policy.set",
        /// Rule ended.
        PolicyEnded = "policy.ended",
        /// Provider created.
        ProviderCreated = "provider.created",
        /// The owners of a provider were sent a link that sets the password.
        ProviderLinkSent = "provider.link_sent",
        /// A provider's brand was changed.
        BrandChanged = "brand.changed",
        /// A provider's own mail server was set or removed.
        MailSenderChanged = "mail_sender.changed",
        /// A domain was claimed.
        DomainClaimed = "domain.claimed",
        /// A domain was proven and leads to the tenant.
        DomainVerified = "domain.verified",
        /// A domain was dropped because its proof stayed away.
        DomainDropped = "domain.dropped",
        /// A domain was given up.
        DomainRemoved = "domain.removed",
        /// Somebody from above began to act in the tenant.
        ImpersonationStarted = "impersonation.started",
        /// Somebody from above stopped acting in the tenant, or was stopped.
        ImpersonationEnded = "impersonation.ended",
        /// Provider suspended by the operator.
        ProviderSuspended = "provider.suspended",
        /// Provider let go on by the operator.
        ProviderResumed = "provider.resumed",
        /// Provider closed by the operator.
        ProviderClosed = "provider.closed",
        /// Merchant suspended by its provider.
        MerchantSuspended = "merchant.suspended",
        /// Merchant let go on by its provider.
        MerchantResumed = "merchant.resumed",
        /// Merchant closed by its provider.
        MerchantClosed = "merchant.closed",
        /// Staff added.
        StaffAdded = "staff.added",
        /// Category added.
        CategoryCreated = "category.created",
        /// Category changed.
        CategoryUpdated = "category.updated",
        /// Product created.
        ProductCreated = "product.created",
        /// Product changed.
        ProductUpdated = "product.updated",
        /// Product put on sale.
        ProductPutOnSale = "product.put_on_sale",
        /// Product taken off sale.
        ProductTakenOffSale = "product.taken_off_sale",
        /// Product deleted.
        ProductDeleted = "product.deleted",
        /// Stock changed.
        StockChanged = "stock.changed",
        /// Hot stock split.
        StockSplit = "stock.split",
        /// Import started.
        ImportStarted = "import.started",
        /// Import done.
        ImportDone = "import.done",
        /// Import failed.
        ImportFailed = "import.failed",
        /// Import stopped.
        ImportCancelled = "import.cancelled",
        /// Channel app added.
        ChannelAppCreated = "channel_app.created",
        /// Channel app changed.
        ChannelAppChanged = "channel_app.changed",
        /// Verify ticket requested.
        ChannelAppTicketRequested = "channel_app.ticket_requested",
        /// Grant settled.
        AppAuthorisationSettled = "app_authorisation.settled",
        /// Grant assigned.
        AppAuthorisationAssigned = "app_authorisation.assigned",
        /// Channel account linked.
        ChannelAccountLinked = "channel_account.linked",
        /// Channel account authorised again.
        ChannelAccountReauthorised = "channel_account.reauthorised",
        /// Link started.
        ChannelAccountLinkStarted = "channel_account.link_started",
        /// Link refused.
        ChannelAccountLinkRefused = "channel_account.link_refused",
        /// Link given up.
        ChannelAccountLinkCancelled = "channel_account.link_cancelled",
        /// The platform counts the account's calls anew.
        ChannelAccountQuotaCleared = "channel_account.quota_cleared",
        /// Channel account unlinked.
        ChannelAccountUnlinked = "channel_account.unlinked",
        /// Grant withdrawn at the platform.
        ChannelAccountGrantWithdrawn = "channel_account.grant_withdrawn",
        /// Channel account closed.
        ChannelAccountClosed = "channel_account.closed",
        /// Channel account renamed.
        ChannelAccountRenamed = "channel_account.renamed",
        /// Channel account's state changed.
        ChannelAccountState = "channel_account.state",
        /// An article was submitted to be published.
        ArticlePublished = "article.published",
        /// An article was deleted.
        ArticleDeleted = "article.deleted",
        /// The menu of a public account was set.
        AccountMenuPublished = "account_menu.published",
        /// A code with a parameter was made.
        AccountCodeMade = "account_code.made",
        /// A code with a parameter was removed here.
        AccountCodeForgotten = "account_code.forgotten",
        /// What followers are told of their orders was set.
        OrderNoticeSet = "order_notice.set",
        /// A notice was sent to a follower by hand.
        FollowerNoticeSent = "follower_notice.sent",
        /// A tag on followers was made.
        FollowerTagMade = "follower_tag.made",
        /// A tag on followers was renamed.
        FollowerTagRenamed = "follower_tag.renamed",
        /// A tag on followers was deleted.
        FollowerTagDeleted = "follower_tag.deleted",
        /// A tag is put on many followers, or taken off.
        FollowersTagged = "follower_tag.put",
        /// The list of followers is read.
        FollowersRead = "followers.read_list",
        /// Products were put into an account's window.
        ShowcaseAdded = "showcase.added",
        /// A product was asked to be taken off a window.
        ShowcaseRemoved = "showcase.removed",
        /// A freight template was made or changed at the platform.
        FreightTemplateSaved = "freight_template.saved",
        /// An address of a shop was made or changed at the platform.
        ShopAddressSaved = "shop_address.saved",
        /// An address of a shop was taken away at the platform.
        ShopAddressRemoved = "shop_address.removed",
        /// A category or a brand was applied for.
        QualificationAsked = "qualification.asked",
        /// An application for a category or a brand was withdrawn.
        QualificationWithdrawn = "qualification.withdrawn",
        /// Somebody said that an application did not arrive.
        QualificationGivenUp = "qualification.given_up",
        /// A brand was taken away from a shop.
        ShopBrandRemoved = "shop_brand.removed",
        /// A withdrawal of a shop's money was asked for.
        FundsWithdrawalAsked = "funds_withdrawal.asked",
        /// The checklist of a live session was made.
        LivePlanMade = "live_plan.made",
        /// A step of a live session was said to be done.
        LiveStepDone = "live_plan.step_done",
        /// A step of a live session was said not to be done.
        LiveStepUndone = "live_plan.step_undone",
        /// The checklist of a live session was deleted.
        LivePlanDeleted = "live_plan.deleted",
        /// Somebody read what people left in a form.
        LeadsRead = "leads.read",
        /// A limited-time discount was asked for.
        DiscountAsked = "discount.asked",
        /// A limited-time discount was stopped.
        DiscountStopped = "discount.stopped",
        /// A limited-time discount was taken away.
        DiscountDeleted = "discount.deleted",
        /// A coupon was asked for.
        CouponAsked = "coupon.asked",
        /// A coupon that nobody can receive yet was changed.
        CouponChanged = "coupon.changed",
        /// A coupon was published.
        CouponPublished = "coupon.published",
        /// A coupon was withdrawn.
        CouponWithdrawn = "coupon.withdrawn",
        /// A coupon was taken away.
        CouponDeleted = "coupon.deleted",
        /// A rule that answers followers was added.
        ReplyRuleAdded = "reply_rule.added",
        /// A rule that answers followers was changed.
        ReplyRuleChanged = "reply_rule.changed",
        /// A rule that answers followers was deleted.
        ReplyRuleDeleted = "reply_rule.deleted",
        /// Channel account's defaults changed.
        ChannelAccountSettings = "channel_account.settings",
        /// Product published.
        ListingPublish = "listing.publish",
        /// Product taken off a channel.
        ListingDelist = "listing.delist",
        /// A product at a channel was made like ours again.
        ListingRepair = "listing.repair",
        /// Rules of listings changed.
        ListingRuleChanged = "listing_rule.changed",
        /// Many products are being published.
        ListingRunStarted = "listing_run.started",
        /// Publishing many products was stopped.
        ListingRunCancelled = "listing_run.cancelled",
        /// The refused of a run are tried again.
        ListingRunRetried = "listing_run.retried",
        /// A remembered category of a channel changed.
        ChannelMappingChanged = "channel_mapping.changed",
        /// Job retried.
        JobRetried = "job.retried",
        /// Plan created.
        PlanCreated = "plan.created",
        /// New plan version published.
        PlanVersionAdded = "plan.version_added",
        /// Use reported.
        UsageReported = "usage.reported",
        /// Subscription started.
        SubscriptionStarted = "subscription.started",
        /// Subscription ended.
        SubscriptionEnded = "subscription.ended",
        /// Plan's rank set.
        PlanRankSet = "plan.rank_set",
        /// Change to another plan asked for; it waits for the next period.
        PlanChangePlanned = "plan_change.planned",
        /// Change to another plan made.
        PlanChangeMade = "plan_change.made",
        /// Change to another plan withdrawn.
        PlanChangeWithdrawn = "plan_change.withdrawn",
        /// Credit note issued.
        CreditNoteIssued = "credit_note.issued",
        /// Invoice issued.
        InvoiceIssued = "invoice.issued",
        /// Invoice overdue.
        InvoiceOverdue = "invoice.overdue",
        /// Transfer declared.
        ReceiptDeclared = "receipt.declared",
        /// Transfer confirmed.
        ReceiptConfirmed = "receipt.confirmed",
        /// Transfer refused.
        ReceiptRefused = "receipt.refused",
        /// Confirmation of a transfer taken back.
        ReceiptReversed = "receipt.reversed",
        /// Deposit obligation opened.
        DepositOpened = "deposit.opened",
        /// Deposit due or state changed.
        DepositChanged = "deposit.changed",
        /// Case against a deposit opened.
        DepositCaseOpened = "deposit_case.opened",
        /// Evidence added to a case.
        DepositCaseEvidence = "deposit_case.evidence_added",
        /// Appeal in a case.
        DepositCaseAppealed = "deposit_case.appealed",
        /// Case decided.
        DepositCaseDecided = "deposit_case.decided",
        /// Deposit deducted for a case.
        DepositCaseDeducted = "deposit_case.deducted",
        /// Rest of a case released.
        DepositCaseReleased = "deposit_case.released",
        /// Case closed.
        DepositCaseClosed = "deposit_case.closed",
        /// Daily check of the books found a problem.
        LedgerDisorder = "ledger.disorder",
        /// Finding in the books taken in hand.
        LedgerFindingTaken = "ledger.finding_taken",
        /// Receiver of an order shown in the clear.
        OrderReceiverShown = "order.receiver_shown",
        /// Remark of an order changed.
        OrderNoted = "order.noted",
        /// Price of an order changed.
        OrderRepriced = "order.repriced",
        /// Wish for another address answered.
        OrderAddressAnswered = "order.address_answered",
        /// Another address put to an order.
        OrderAddressProposed = "order.address_proposed",
        /// Order shipped.
        OrderShip = "order.ship",
        /// After-sale case agreed to, or goods confirmed as received.
        AftersaleAccepted = "aftersale.accepted",
        /// After-sale case refused.
        AftersaleRefused = "aftersale.refused",
        /// Proof given, or a message left, in a dispute.
        DisputeAnswered = "aftersale.dispute_answered",
        /// Guarantee claim agreed to.
        GuaranteeAccepted = "guarantee.accepted",
        /// Guarantee claim refused.
        GuaranteeRefused = "guarantee.refused",
        /// Another part of the price offered for a guarantee claim.
        GuaranteeOffered = "guarantee.offered",
        /// Proof given for a guarantee claim.
        GuaranteeProved = "guarantee.proved",
        /// Promoter of a shop shut out at the platform.
        PromoterBlocked = "promoter.blocked",
        /// Promoter of a shop let back at the platform.
        PromoterLetBack = "promoter.let_back",
        /// Commission of a plan of the alliance changed at the platform.
        PromotionPlanRepriced = "promotion_plan.commission_changed",
        /// Plan of the alliance taken down at the platform.
        PromotionPlanTakenDown = "promotion_plan.taken_down",
        /// Plan of the alliance put up at the platform.
        PromotionPlanPutUp = "promotion_plan.put_up",
        /// Product put into the alliance at the platform.
        PromotionPlanAdded = "promotion_plan.added",
        /// Archive of the merchant asked for.
        ExportRequested = "export.requested",
        /// Archive of the merchant made.
        ExportReady = "export.ready",
        /// Archive of the merchant could not be made.
        ExportFailed = "export.failed",
        /// Archive of the merchant taken.
        ExportDownloaded = "export.downloaded",
        /// Archive of the merchant removed.
        ExportRemoved = "export.removed",
        /// Deletion of the merchant asked for.
        DeletionAsked = "deletion.asked",
        /// Deletion of the merchant withdrawn.
        DeletionWithdrawn = "deletion.withdrawn",
        /// Deletion of the merchant put off, because something was not settled.
        DeletionPostponed = "deletion.postponed",
        /// Shop closed, or begun to be.
        ShopClosed = "shop.closed",
        /// Merchant brought back from an archive.
        MerchantRestored = "merchant.restored",
        /// An archive was refused, and no merchant brought back.
        MerchantRestoreRefused = "merchant.restore_refused",
        /// A version of a channel plugin taken in.
        PluginAdded = "plugin.added",
        /// A version of a channel plugin put in force, with the hosts that were agreed to.
        PluginActivated = "plugin.activated",
        /// The version of a channel plugin before put in force again.
        PluginRolledBack = "plugin.rolled_back",
        /// A channel plugin taken out of force.
        PluginStopped = "plugin.stopped",
        /// A version of a channel plugin removed.
        PluginRemoved = "plugin.removed",
        /// Webhook endpoint registered.
        WebhookEndpointCreated = "webhook_endpoint.created",
        /// Webhook endpoint changed.
        WebhookEndpointChanged = "webhook_endpoint.changed",
        /// Webhook endpoint deleted.
        WebhookEndpointDeleted = "webhook_endpoint.deleted",
        /// Webhook endpoint's secret rotated.
        WebhookSecretRotated = "webhook_endpoint.secret_rotated",
        /// Webhook endpoint disabled because it did not answer.
        WebhookEndpointDisabled = "webhook_endpoint.disabled",
        /// Test event sent to a webhook endpoint.
        WebhookTested = "webhook_endpoint.tested",
        /// Webhook deliveries sent again.
        WebhookReplayed = "webhook_delivery.replayed",
    }
}
