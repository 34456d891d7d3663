//! The alliance of a shop, with the account's token.

use crate::drive::Host;
use crate::refresh::turn;
use crate::vault::AccountRef;
use qianpu_sdk::{
    AllianceAdded, AllianceAddition, AllianceProduct, AllianceQuery, ChannelError, Page, PlanChange,
    PlanPromoter, PlanPromotersQuery, PlanRef, PlanTerms, PlansQuery, PromotedProduct, PromotedQuery,
    Promoter, PromoterBlock, PromoterName, PromotionPlan,
};

impl Host {
    /// A page of the shop's promoters.
    pub async fn alliance_promoters(
        &self,
        account: &AccountRef,
        query: &AllianceQuery,
    ) -> Result<Page<PromoterName>, ChannelError> {
        self.account_operation(
            account,
            "affiliate.promoters",
            |channel, cx| turn(channel.affiliate(), "affiliate", |c| c.promoters(cx, query)),
            |channel, cx, state, answers| {
                turn(channel.affiliate(), "affiliate", |c| c.resume_promoters(cx, state, answers))
            },
        )
        .await
    }

    /// One promoter; none where there is no such one.
    pub async fn alliance_promoter(
        &self,
        account: &AccountRef,
        promoter_id: &str,
    ) -> Result<Option<Promoter>, ChannelError> {
        self.account_operation(
            account,
            "affiliate.promoter",
            |channel, cx| turn(channel.affiliate(), "affiliate", |c| c.promoter(cx, promoter_id)),
            |channel, cx, state, answers| {
                turn(channel.affiliate(), "affiliate", |c| c.resume_promoter(cx, state, answers))
            },
        )
        .await
    }

    /// A page of the products that a promoter sells.
    pub async fn alliance_promoted(
        &self,
        account: &AccountRef,
        query: &PromotedQuery,
    ) -> Result<Page<PromotedProduct>, ChannelError> {
        self.account_operation(
            account,
            "affiliate.promoted",
            |channel, cx| turn(channel.affiliate(), "affiliate", |c| c.promoted(cx, query)),
            |channel, cx, state, answers| {
                turn(channel.affiliate(), "affiliate", |c| c.resume_promoted(cx, state, answers))
            },
        )
        .await
    }

    /// A page of the shop's products in the alliance.
    pub async fn alliance_products(
        &self,
        account: &AccountRef,
        query: &AllianceQuery,
    ) -> Result<Page<AllianceProduct>, ChannelError> {
        self.account_operation(
            account,
            "affiliate.products",
            |channel, cx| turn(channel.affiliate(), "affiliate", |c| c.products(cx, query)),
            |channel, cx, state, answers| {
                turn(channel.affiliate(), "affiliate", |c| c.resume_products(cx, state, answers))
            },
        )
        .await
    }

    /// A page of a product's plans.
    pub async fn alliance_plans(
        &self,
        account: &AccountRef,
        query: &PlansQuery,
    ) -> Result<Page<PromotionPlan>, ChannelError> {
        self.account_operation(
            account,
            "affiliate.plans",
            |channel, cx| turn(channel.affiliate(), "affiliate", |c| c.plans(cx, query)),
            |channel, cx, state, answers| {
                turn(channel.affiliate(), "affiliate", |c| c.resume_plans(cx, state, answers))
            },
        )
        .await
    }

    /// What a plan says; none where the platform does not tell it.
    pub async fn alliance_terms(
        &self,
        account: &AccountRef,
        plan: &PlanRef,
    ) -> Result<Option<PlanTerms>, ChannelError> {
        self.account_operation(
            account,
            "affiliate.terms",
            |channel, cx| turn(channel.affiliate(), "affiliate", |c| c.terms(cx, plan)),
            |channel, cx, state, answers| {
                turn(channel.affiliate(), "affiliate", |c| c.resume_terms(cx, state, answers))
            },
        )
        .await
    }

    /// A page of those who sell a product by a plan.
    pub async fn alliance_plan_promoters(
        &self,
        account: &AccountRef,
        query: &PlanPromotersQuery,
    ) -> Result<Page<PlanPromoter>, ChannelError> {
        self.account_operation(
            account,
            "affiliate.plan_promoters",
            |channel, cx| turn(channel.affiliate(), "affiliate", |c| c.plan_promoters(cx, query)),
            |channel, cx, state, answers| {
                turn(channel.affiliate(), "affiliate", |c| c.resume_plan_promoters(cx, state, answers))
            },
        )
        .await
    }

    /// Shuts a promoter out, or lets one back.
    pub async fn alliance_block(
        &self,
        account: &AccountRef,
        wish: &PromoterBlock,
    ) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "affiliate.block",
            |channel, cx| turn(channel.affiliate(), "affiliate", |c| c.block(cx, wish)),
            |channel, cx, state, answers| {
                turn(channel.affiliate(), "affiliate", |c| c.resume_block(cx, state, answers))
            },
        )
        .await
    }

    /// Changes a plan.
    pub async fn alliance_change_plan(
        &self,
        account: &AccountRef,
        change: &PlanChange,
    ) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "affiliate.change_plan",
            |channel, cx| turn(channel.affiliate(), "affiliate", |c| c.change_plan(cx, change)),
            |channel, cx, state, answers| {
                turn(channel.affiliate(), "affiliate", |c| c.resume_change_plan(cx, state, answers))
            },
        )
        .await
    }

    /// Puts a product into the alliance, for every promoter.
    pub async fn alliance_add_product(
        &self,
        account: &AccountRef,
        addition: &AllianceAddition,
    ) -> Result<AllianceAdded, ChannelError> {
        self.account_operation(
            account,
            "affiliate.add_product",
            |channel, cx| turn(channel.affiliate(), "affiliate", |c| c.add_product(cx, addition)),
            |channel, cx, state, answers| {
                turn(channel.affiliate(), "affiliate", |c| c.resume_add_product(cx, state, answers))
            },
        )
        .await
    }
}
