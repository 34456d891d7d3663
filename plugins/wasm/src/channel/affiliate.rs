//! Operations about the alliance of a shop.

use super::{WasmChannel, op, plain};
use qianpu_sdk::{
    Affiliate, AllianceAdded, AllianceAddition, AllianceProduct, AllianceQuery, Answer, Context, Page,
    PlanChange, PlanPromoter, PlanPromotersQuery, PlanRef, PlanTerms, PlansQuery, PromotedProduct,
    PromotedQuery, Promoter, PromoterBlock, PromoterName, PromotionPlan, Turn,
};
use serde_json::json;

impl Affiliate for WasmChannel {
    operations! {
        promoters, resume_promoters(query: &AllianceQuery) -> Page<PromoterName> =
            op::AFFILIATE_PROMOTERS, json!(query), plain;
        promoter, resume_promoter(promoter_id: &str) -> Option<Promoter> =
            op::AFFILIATE_PROMOTER, json!({ "promoter_id": promoter_id }), plain;
        promoted, resume_promoted(query: &PromotedQuery) -> Page<PromotedProduct> =
            op::AFFILIATE_PROMOTED, json!(query), plain;
        products, resume_products(query: &AllianceQuery) -> Page<AllianceProduct> =
            op::AFFILIATE_PRODUCTS, json!(query), plain;
        plans, resume_plans(query: &PlansQuery) -> Page<PromotionPlan> =
            op::AFFILIATE_PLANS, json!(query), plain;
        terms, resume_terms(plan: &PlanRef) -> Option<PlanTerms> = op::AFFILIATE_TERMS, json!(plan), plain;
        plan_promoters, resume_plan_promoters(query: &PlanPromotersQuery) -> Page<PlanPromoter> =
            op::AFFILIATE_PLAN_PROMOTERS, json!(query), plain;
        block, resume_block(wish: &PromoterBlock) -> () = op::AFFILIATE_BLOCK, json!(wish), plain;
        change_plan, resume_change_plan(change: &PlanChange) -> () =
            op::AFFILIATE_CHANGE_PLAN, json!(change), plain;
        add_product, resume_add_product(addition: &AllianceAddition) -> AllianceAdded =
            op::AFFILIATE_ADD_PRODUCT, json!(addition), plain;
    }
}
