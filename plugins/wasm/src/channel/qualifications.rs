//! Operations of categories and brands.

use super::{WasmChannel, op, plain};
use qianpu_sdk::{
    Answer, ApplicationStanding, ApprovedCategory, Brand, BrandApplication, BrandName, BrandWish,
    CategoryPlace, CategoryTerms, CategoryWish, Context, Page, Qualifications, Turn,
};
use serde_json::json;

impl Qualifications for WasmChannel {
    operations! {
        send_documents, resume_send_documents(documents: &[String]) -> Vec<String> =
            op::QUALIFICATION_SEND, json!({ "documents": documents }), plain;
        approved_categories, resume_approved_categories() -> Vec<ApprovedCategory> =
            op::CATEGORY_APPROVED, json!({}), plain;
        search_categories, resume_search_categories(words: &str) -> Vec<CategoryPlace> =
            op::CATEGORY_SEARCH, json!({ "words": words }), plain;
        category_terms, resume_category_terms(category_id: &str) -> CategoryTerms =
            op::CATEGORY_TERMS, json!({ "category_id": category_id }), plain;
        apply_for_category, resume_apply_for_category(wanted: &CategoryWish) -> String =
            op::CATEGORY_APPLY, json!(wanted), plain;
        category_application, resume_category_application(application_id: &str) -> ApplicationStanding =
            op::CATEGORY_APPLICATION, json!({ "application_id": application_id }), plain;
        withdraw_category, resume_withdraw_category(application_id: &str) -> () =
            op::CATEGORY_WITHDRAW, json!({ "application_id": application_id }), plain;
        brands, resume_brands(cursor: Option<&str>) -> Page<Brand> =
            op::BRAND_LIST, json!({ "cursor": cursor }), plain;
        brand, resume_brand(brand_id: &str) -> Option<Brand> =
            op::BRAND_FETCH, json!({ "brand_id": brand_id }), plain;
        known_brands, resume_known_brands(cursor: Option<&str>) -> Page<BrandName> =
            op::BRAND_KNOWN, json!({ "cursor": cursor }), plain;
        apply_for_brand, resume_apply_for_brand(wanted: &BrandWish) -> String =
            op::BRAND_APPLY, json!(wanted), plain;
        withdraw_brand, resume_withdraw_brand(wanted: &BrandApplication) -> () =
            op::BRAND_WITHDRAW, json!(wanted), plain;
        delete_brand, resume_delete_brand(brand_id: &str) -> () =
            op::BRAND_DELETE, json!({ "brand_id": brand_id }), plain;
    }
}
